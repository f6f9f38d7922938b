"""The processes that draw, and the conversation with them: see `drawer.py` for the other end of it."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from diffrender.core import errors
from diffrender.core.errors import DiffrenderError, RenderError
from diffrender.video.drawing.work_folder import PACKAGE, Segment
from diffrender.video.spec import RenderSpec

ATTEMPTS = 3  # at one piece of work, before a render is given up


class Worker:
    """A drawing process, its answers put into a queue as (worker, answer); (worker, None) when it has ended."""

    def __init__(self, spec_file: Path, work: Path, temporary: Path, answers: queue.Queue) -> None:
        media = Path(tempfile.mkdtemp(prefix="media-", dir=temporary))
        self.segment: Segment | None = None
        self.drawn = 0
        self.before = 0
        self.cpu = 0.0
        self.log = media.with_suffix(".log")
        path = [str(PACKAGE.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "diffrender.video.drawing", str(spec_file), str(work), str(media)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,  # Ctrl-C is for the parent, which ends its workers in order
                env={**os.environ, "PYTHONPATH": os.pathsep.join(path)},
            )
        threading.Thread(target=self._listen, args=(answers,), daemon=True).start()

    def _listen(self, answers: queue.Queue) -> None:
        stdout: IO[str] = self.process.stdout  # type: ignore[assignment]
        for line in stdout:
            answers.put((self, json.loads(line)))
        self.process.wait()
        answers.put((self, None))

    def tell(self, **command: Any) -> None:
        """Send one command; one that is already dead says so through the queue."""
        assert self.process.stdin is not None
        with suppress(OSError):
            self.process.stdin.write(json.dumps(command) + "\n")
            self.process.stdin.flush()

    def end(self) -> None:
        """Kill it, if it lives."""
        with suppress(OSError):
            self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(OSError):
                pipe.close()  # type: ignore[union-attr]

    def obituary(self) -> str:
        """Why it ended, as far as one can tell from outside."""
        code = self.process.returncode
        if code is not None and code < 0:
            return f"was ended by {signal.Signals(-code).name}"
        last = self.log.read_text("utf-8", "replace").strip().splitlines()[-1:]
        return f"ended with code {code}{': ' + last[0] if last else ''}"


@dataclass
class DrawingPool:
    """The workers of one render, and the conversation with them."""

    spec: RenderSpec
    work: Path
    temporary: Path
    answers: queue.Queue = field(default_factory=queue.Queue)
    members: list[Worker] = field(default_factory=list)

    def hire(self) -> Worker:
        """Start one more worker."""
        spec_file = self.temporary / "spec.json"
        if not spec_file.exists():
            spec_file.write_text(self.spec.model_dump_json(), "utf-8")
        worker = Worker(spec_file, self.work, self.temporary, self.answers)
        self.members.append(worker)
        return worker

    def next_answer(self) -> tuple[Worker, dict[str, Any] | None]:
        """Wait for the next answer of any worker; an error it reports is raised here."""
        worker, answer = self.answers.get()
        if answer and "error" in answer:
            raise _raised(answer["error"])
        return worker, answer

    def ask(self, **command: Any) -> dict[str, Any]:
        """Give the first worker one command and wait for the answer; a worker that dies of it is replaced, twice."""
        for _ in range(ATTEMPTS):
            worker = self.members[0] if self.members else self.hire()
            worker.tell(**command)
            while True:
                who, answer = self.next_answer()
                if who is worker and answer is not None:
                    return answer
                if answer is None:
                    self.members.remove(who)
                    if who is worker:
                        break
        raise RenderError(f"The process that draws {self.spec.out.name} {worker.obituary()}.", memory_advice(1))


@contextmanager
def crew(spec: RenderSpec, work: Path) -> Iterator[DrawingPool]:
    """A crew for `spec` that is gone, with all its temporary files, when the block is left."""
    with tempfile.TemporaryDirectory(prefix="diffrender-", ignore_cleanup_errors=True) as temporary:
        found = DrawingPool(spec, work, Path(temporary))
        try:
            yield found
        finally:
            for worker in found.members:
                worker.end()


def _raised(error: dict[str, str]) -> DiffrenderError:
    family = getattr(errors, error["family"], RenderError)
    out: DiffrenderError = family(error["problem"], error["remedy"])
    out.add_note(error["trace"])
    return out


def memory_advice(workers: int) -> str:
    return "It may have run out of memory: use fewer workers." if workers > 1 else "It may have run out of memory."
