"""Downloads of published data sets: checked against the published checksums, and gone on with where they stopped."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from diffrender.config.datasets import DATA_DIR, DATA_SETS, DataFile, cache_folder, find
from diffrender.core.errors import DiffrenderError
from diffrender.core.files import locked

WAIT_SECONDS, POLL_SECONDS = 3600.0, 1.0  # for another process that downloads the same
TIMEOUT_SECONDS = 30.0
BLOCK_BYTES = 1 << 14  # what a connection that breaks off may cost


def files(kind: str, split: str) -> dict[DataFile, Path]:
    """The files of a split by what they are, downloaded into the user's cache if they are nowhere on this machine.

    Raises DiffrenderError if they cannot be had; what came of a file stays in the cache, and the next try goes on from
    there.
    """
    if found := find(kind, split):
        return found
    data_set = DATA_SETS[kind]
    folder = cache_folder() / data_set.folders[0] if not data_set.archive else cache_folder()
    wanted = (data_set.archive,) if data_set.archive else data_set.splits[split]
    with _alone(folder / f"{kind}.lock", data_set.title):
        return find(kind, split) or {f: _fetch(f, data_set.urls, folder, data_set.title) for f in wanted}


@contextlib.contextmanager
def _alone(lock: Path, title: str) -> Iterator[None]:
    """Wait until no other process downloads the same files."""
    busy = DiffrenderError(f"{title} is being downloaded by another process.", "Wait until it is done, and try again.")
    until = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            with locked(lock, busy):
                yield
            return
        except DiffrenderError as error:
            if error is not busy or time.monotonic() > until:
                raise
        time.sleep(POLL_SECONDS)


def _fetch(file: DataFile, urls: tuple[str, ...], folder: Path, title: str) -> Path:
    """One file, from the first address that has it."""
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")
    problem = ""
    for url in urls:
        try:
            fetched = pooch.retrieve(
                url + file.name,
                f"md5:{file.md5}",
                file.name,
                folder,
                downloader=_Resuming(folder / f"{file.name}.part"),
            )
            return Path(fetched)
        except requests.RequestException as error:
            problem = f"{url} cannot be reached" if error.response is None else f"{url}: {error}"
        except ValueError:  # pooch: the checksum is another one
            problem = f"what {url} gave has another checksum than the published one"
        except OSError as error:
            raise DiffrenderError(f"{folder / file.name}: cannot be written ({error.strerror or error}).") from None
    raise DiffrenderError(
        f"{title} is not on this machine and could not be downloaded: {problem}.",
        f"Put {file.name} into a folder and name that with --data-dir or {DATA_DIR}, or try again with a network"
        f" ({file.size / 1e6:.0f} MB; what has come is kept). 'target: digits' needs neither.",
    )


class _Resuming:
    """A pooch downloader that keeps what came in `part`, and asks only for the rest."""

    def __init__(self, part: Path) -> None:
        self.part = part

    def __call__(self, url: str, output_file: Any, pooch: Any) -> None:
        import requests
        from tqdm import tqdm

        self.part.parent.mkdir(parents=True, exist_ok=True)
        there = self.part.stat().st_size if self.part.is_file() else 0
        headers = {"Range": f"bytes={there}-", "Accept-Encoding": "identity"}
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_SECONDS) as response:
            if response.status_code != requests.codes.requested_range_not_satisfiable:  # all of it is there already
                response.raise_for_status()
                if response.status_code != requests.codes.partial_content:
                    there = 0
                total = there + int(response.headers.get("Content-Length", 0))
                bar = tqdm(total=total, initial=there, unit="B", unit_scale=True, desc=self.part.stem, disable=None)
                with bar, self.part.open("ab" if there else "wb") as file:
                    for block in response.iter_content(BLOCK_BYTES):
                        file.write(block)
                        bar.update(len(block))
                if total and self.part.stat().st_size < total:
                    raise requests.ConnectionError("the connection ended early")
        shutil.move(self.part, output_file)
