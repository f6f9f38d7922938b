"""The connection to a Dask scheduler: made, heard, lost and made again."""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from diffrender.core.errors import DiffrenderError, MissingToolError, UsageError
from diffrender.jobs.run.children import Interrupt

CONNECT_SECONDS = 10.0  # to wait for the scheduler
RETURN_SECONDS = 120.0  # to wait for a scheduler that has gone
LONELY_SECONDS = 5.0  # without any worker before something is said
LOOK_SECONDS = 0.5  # between looks for a scheduler, a worker


class ClusterLossError(Exception):
    """Something of the cluster is gone, and with it files of a job: it begins anew."""


class SchedulerGoneError(ClusterLossError):
    """The connection to the scheduler broke."""


class Connection:
    """A client of the scheduler at an address, that hears of the progress of jobs. A context manager.

    notice: told what a person should know meanwhile. client: Dask's own, another one after the scheduler was lost.
    Raises MissingToolError without Dask, UsageError when nobody answers at the address.
    """

    def __init__(self, address: str, notice: Callable[[str], None]) -> None:
        try:
            import distributed
        except ImportError:
            raise MissingToolError("--scheduler needs Dask.", "Run: pip install dask distributed") from None
        self.notice, self.address = notice, address
        check_protection(address, distributed.Security(), notice)
        for name in [name for name in logging.root.manager.loggerDict if name.split(".")[0] == "distributed"]:
            logging.getLogger(name).setLevel(logging.CRITICAL)  # what a person should know is said by `notice`
        self.listeners: dict[str, Callable[[dict[str, Any]], None]] = {}
        self.topic = f"diffrender-{os.getpid()}-{time.time_ns()}"
        try:
            self.client = self._connected(CONNECT_SECONDS)
        except (OSError, ValueError) as error:
            reason = str(error).split("\n")[0]
            raise UsageError(
                f"--scheduler {address}: no Dask scheduler answers ({reason}).", "See docs/cluster.md."
            ) from None
        self.closed, self.given_up, self.connecting = threading.Event(), False, threading.Lock()
        self.watch = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Connection:
        self.watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closed.set()
        self.watch.join()
        _close(self.client)

    def workers(self) -> dict[str, Any]:
        """What the scheduler says of its workers, by their addresses."""
        return dict(self.client.scheduler_info(n_workers=-1)["workers"])

    def _connected(self, seconds: float) -> Any:
        """A client of the scheduler, that hears of progress."""
        import distributed

        client = distributed.Client(self.address, timeout=seconds, set_as_default=False)
        client.subscribe_topic(self.topic, self._heard)
        return client

    def await_scheduler(self, lost: Any, interrupt: Interrupt) -> None:
        """Go on when the scheduler is back behind the connection `lost`; DiffrenderError if it does not come back."""
        with self.connecting:
            if self.client is not lost:  # another job has waited for it
                return
            _close(lost)
            if not self.given_up:
                self.notice(f"The scheduler at {self.address} is gone; waiting for it to come back.")
            deadline = time.monotonic() + RETURN_SECONDS
            while not self.given_up:
                if interrupt.set:
                    raise KeyboardInterrupt
                with contextlib.suppress(OSError):
                    self.client = self._connected(min(CONNECT_SECONDS, RETURN_SECONDS))
                    return
                time.sleep(LOOK_SECONDS)
                self.given_up = time.monotonic() > deadline
            raise DiffrenderError(
                f"The scheduler at {self.address} did not come back in {RETURN_SECONDS:g} s.",
                "What was finished is kept: run the same again when it is there.",
            )

    def await_worker(self, client: Any, interrupt: Interrupt) -> None:
        """Go on when there is a worker: files can only be sent to somebody."""
        while not client.nthreads():
            if interrupt.set:
                raise KeyboardInterrupt
            time.sleep(LOOK_SECONDS)

    @contextlib.contextmanager
    def listening(self, ticket: str, on_event: Callable[[dict[str, Any]], None]) -> Iterator[None]:
        """Hand on what is heard of a job while it is done."""
        self.listeners[ticket] = on_event
        try:
            yield
        finally:
            del self.listeners[ticket]

    def _heard(self, message: tuple[float, dict[str, Any]]) -> None:
        _, report = message
        listener = self.listeners.get(report["ticket"])
        if listener:
            listener(report["event"])

    def _watch(self) -> None:
        """Say so when jobs wait and there is nobody to do them."""
        lonely_since: float | None = time.monotonic()
        while not self.closed.wait(1.0):
            with contextlib.suppress(Exception):
                if self.client.nthreads() or not self.listeners:
                    lonely_since = time.monotonic()
                elif lonely_since is not None and time.monotonic() - lonely_since > LONELY_SECONDS:
                    self.notice(
                        f"No worker is connected to {self.address}; waiting for one. "
                        f"Start some with: dask worker {self.address}"
                    )
                    lonely_since = None


def check_protection(address: str, security: Any, notice: Callable[[str], None]) -> None:
    """UsageError for tls:// without the files that Dask needs for it; a word where traffic is in the clear."""
    if address.startswith("tls://"):
        if not security.get_connection_args("client").get("ssl_context"):
            raise UsageError(
                f"--scheduler {address}: Dask has no certificates for it.",
                "Set distributed.comm.tls (ca-file, client.cert, client.key) in its configuration: docs/cluster.md.",
            )
    elif not _is_local(address):
        notice(f"Traffic to {address} is neither encrypted nor protected: see TLS in docs/cluster.md.")


@contextlib.contextmanager
def scheduler_there(client: Any) -> Iterator[None]:
    """SchedulerGoneError for whatever is raised when a client has lost the scheduler, or another job has closed it."""
    try:
        yield
    except (ClusterLossError, DiffrenderError):
        raise
    except Exception as error:
        if client.status == "running" and not isinstance(error, OSError):
            raise
        raise SchedulerGoneError("the scheduler was lost") from None


def _close(client: Any) -> None:
    """End a client, whose scheduler may be gone."""
    with contextlib.suppress(Exception):
        client.close(timeout=CONNECT_SECONDS)


def _is_local(address: str) -> bool:
    """Whether a scheduler's address is of this machine, a tunnel's end included."""
    host = urlsplit(address if "//" in address else f"tcp://{address}").hostname or ""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host in ("localhost", "") or address.startswith(("inproc://", "unix://"))
