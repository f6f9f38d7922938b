"""Processes that do jobs, one at a time each. Loading torch takes longer than many a recording, so a process that has
done a job which needs torch does the next such job too, and the check of all before the first."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from diffrender.core.child_process import MODULE, OUT_OF_MEMORY, ChildProcess, error_from_message, tells_of_memory
from diffrender.core.errors import DiffrenderError, UnexpectedError, WorkerDiedError
from diffrender.core.files import write_text
from diffrender.core.notes import note

Report = Callable[[dict[str, Any]], None]
COMMAND = [*MODULE, "diffrender.jobs.run.child"]


class Interrupt:
    """Set once: every running job is asked to stop, and made to if it does not."""

    def __init__(self) -> None:
        self.running: dict[int, tuple[Callable[[], None], Callable[[], None]]] = {}
        self.lock, self.set = threading.Lock(), False

    @contextlib.contextmanager
    def watching(self, ask: Callable[[], None], kill: Callable[[], None]) -> Iterator[None]:
        """While inside, an interrupt calls `ask`, and `kill` after a time of grace."""
        with self.lock:
            me = id(ask)
            self.running[me] = ask, kill
            if self.set:
                ask()
        try:
            yield
        finally:
            with self.lock:
                del self.running[me]

    def __call__(self) -> None:
        with self.lock:
            self.set = True
            for ask, _ in self.running.values():
                ask()

    def kill(self) -> None:
        """End what still runs."""
        with self.lock:
            for _, kill in self.running.values():
                kill()


class Children:
    """A context manager: the processes are gone when it is left.

    threads: how many each may use for arithmetic (as many as there are cores if None). command: what each runs.
    """

    def __init__(self, threads: int | None = None, command: Sequence[str] | None = None) -> None:
        self.command = command or COMMAND
        self.environment = dict(os.environ, PYTHONUNBUFFERED="1")
        if threads:
            names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
            self.environment.update({name: str(threads) for name in names})
        self.idle: list[tuple[ChildProcess, IO[bytes]]] = []
        self.lock = threading.Lock()

    @classmethod
    def of(cls, workers: int) -> Children:
        """For so many jobs at a time, which share the cores."""
        return cls(max(1, (os.cpu_count() or 1) // workers) if workers > 1 else None)

    def __enter__(self) -> Children:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.end_idle()

    def do(
        self,
        message: Mapping[str, Any],
        report: Report = lambda event: None,
        interrupt: Interrupt | None = None,
        *,
        reused: bool = False,
        log: Path | None = None,
    ) -> dict[str, Any]:
        """Do the job that `Job.as_dict` describes, or the check of some, and return its `done` event.

        report gets what comes before. reused: in a process that may have done other jobs, and does others afterwards.
        log: where the job's stderr goes (else it is lost). Raises the job's own error, WorkerDiedError if the process
        died, KeyboardInterrupt if it was interrupted.
        """
        interrupt = interrupt or Interrupt()
        with self._taken(reused=reused) as (child, first_log), interrupt.watching(child.interrupt, child.kill):
            child.send({**message, "log": str(log) if log else None})
            last: dict[str, Any] = {}
            for last in child.answers():
                if last["event"] not in ("progress", "note"):
                    break
                report(last)
            if last.get("event") == "done":
                return last
            if last.get("event") == "error":
                raise _with_log(error_from_message(last), message.get("out"), log)
            if interrupt.set or last.get("event") == "interrupted":
                raise KeyboardInterrupt
            reason = child.exit_reason()
            family = WorkerDiedError if child.exit_code() < 0 else DiffrenderError
            name = message.get("name", "The check of what is to be made")
            said = _last_line(log, first_log)
            if tells_of_memory(said):
                raise DiffrenderError(f"{name}: {OUT_OF_MEMORY[0]}.", OUT_OF_MEMORY[1])
            raise family(f"{name}: its process ended without a word ({reason}).", said)

    def check(self, configs: Sequence[Mapping[str, Any]]) -> None:
        """Check configs by the registries (see `check.py`) in a process that goes on with a job."""
        self.do({"check": list(configs)}, lambda event: note(event["text"]), reused=True)

    @contextlib.contextmanager
    def _taken(self, *, reused: bool) -> Iterator[tuple[ChildProcess, IO[bytes]]]:
        """A process and the file that takes its stderr, for one job.

        reused: whether it may have done other jobs, and does others after a block that ends without an exception.
        """
        with self.lock:
            child, log = self.idle.pop() if reused and self.idle else self._start()
        try:
            yield child, log
        except BaseException:
            _end(child, log)
            raise
        if not reused:
            _end(child, log)
            return
        with self.lock:
            self.idle.append((child, log))

    def _start(self) -> tuple[ChildProcess, IO[bytes]]:
        log = tempfile.TemporaryFile()  # noqa: SIM115 - nameless: nothing is left if this process is killed
        return ChildProcess(self.command, log, self.environment), log

    def end_idle(self) -> None:
        """End the processes that have nothing to do; one that is needed again is started anew."""
        with self.lock:
            while self.idle:
                _end(*self.idle.pop())


def _end(child: ChildProcess, log: IO[bytes]) -> None:
    child.close()
    log.close()


def _with_log(error: DiffrenderError, out: str | None, log: Path | None) -> DiffrenderError:
    """An error that nobody foresaw leaves its traceback beside the output, where no log is kept anyway."""
    if not isinstance(error, UnexpectedError) or log or out is None:
        return error
    file = Path(f"{out}.log")
    try:
        write_text(file, "\n".join(getattr(error, "__notes__", [])))
    except OSError:
        return error
    return UnexpectedError(error.problem, f"{error.remedy}\nThe traceback: {file}")


def _last_line(log: Path | None, first_log: IO[bytes]) -> str:
    """The last line of what a process said on stderr: in its job's log, or before it had one."""
    first_log.seek(0)
    texts = [
        first_log.read().decode(errors="replace"),
        log.read_text(errors="replace") if log and log.is_file() else "",
    ]
    lines = "\n".join(text.strip() for text in texts).strip().splitlines()
    return f"It last said: {lines[-1]}." if lines else "Try again; 'diffrender doctor' may tell why it happens."
