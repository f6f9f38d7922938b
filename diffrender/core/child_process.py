"""A child process that is talked to in lines of JSON: the parent's end of it, and the child's.

Commands go to its stdin and answers come from its stdout; what it and its libraries print goes to stderr, which is its
log. It runs in a session of its own (Ctrl-C is for the parent, which ends its children in order), and it ends when its
parent is gone, since its stdin closes then. An error crosses as a message and is raised again with its family.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from diffrender.core import errors
from diffrender.core.errors import DiffrenderError, UnexpectedError, file_being_read, words_of

MODULE = (sys.executable, "-P", "-m")  # -P: no numbers.py of the folder one works in stands in for a library's
SLEEP_WHILE_WAITING = {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}
NO_MEMORY = (  # how torch, threads, OpenBLAS, C++ and C put it
    "failed to map segment", "can't start new thread", "can't allocate memory", "Memory allocation still failed",
    "std::bad_alloc", "Cannot allocate memory", "MemoryError",
)  # fmt: skip
OUT_OF_MEMORY = ("out of memory", "Ask for fewer chains or points, or close other programs.")
CLEAN_UP_SECONDS = 20  # what a child whose parent is gone gets before it is ended


def importing_us(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process that imports this package, wherever it lies."""
    path = [str(Path(__file__).parents[2]), *filter(None, [environment.get("PYTHONPATH")])]
    return {**environment, "PYTHONPATH": os.pathsep.join(path)}


# ---- the parent's end ------------------------------------------------------------------------------------------------
class ChildProcess:
    """A process started with `command`; `log` takes its stderr. Its own children are killed with it by `close`.

    Its arithmetic threads sleep while they wait for each other, unless the environment says otherwise: with small
    arrays they wait most of the time, and as they come they spin, on a busy machine for as long as the work takes.
    """

    def __init__(self, command: Sequence[str], log: IO[bytes], environment: Mapping[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=importing_us({**SLEEP_WHILE_WAITING, **(os.environ if environment is None else environment)}),
            start_new_session=True,
        )

    def send(self, message: Mapping[str, Any]) -> None:
        """Send one message; a process that is dead already says so by the end of its answers."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.write(json.dumps(message).encode() + b"\n")
            self.process.stdin.flush()

    def answers(self) -> Iterator[dict[str, Any]]:
        """Its answers as they come, to their end; half a line of a process that was killed is left out."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with contextlib.suppress(ValueError):
                yield json.loads(line)

    def interrupt(self) -> None:
        """Ask it to stop and to clean up."""
        with contextlib.suppress(OSError):
            self.process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """End it and what it started."""
        with contextlib.suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.kill()

    def close(self) -> None:
        """End it and what it started, and wait until it is gone."""
        self.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                pipe.close()  # type: ignore[union-attr]

    def exit_code(self) -> int:
        """Its exit code, once it has ended; negative if a signal ended it."""
        return self.process.wait()

    def exit_reason(self) -> str:
        """How it ended, as far as can be told from outside: `killed by SIGKILL`, `exit code 1`."""
        code = self.exit_code()
        if code < 0:
            with contextlib.suppress(ValueError):
                return f"killed by {signal.Signals(-code).name}"
        return f"exit code {code}"


def error_from_message(message: Mapping[str, Any]) -> DiffrenderError:
    """The error that a child described with `error_as_message`; its traceback there is a note of it."""
    family = getattr(errors, message["family"], None)
    if not (isinstance(family, type) and issubclass(family, DiffrenderError)):
        family = DiffrenderError
    error: DiffrenderError = family(message["problem"], message["remedy"])
    if message.get("trace"):
        error.add_note(message["trace"])
    return error


# ---- the child's end -------------------------------------------------------------------------------------------------
class Answers:
    """The stream of answers to the parent. Once it is made, whatever is printed goes to stderr."""

    def __init__(self) -> None:
        self.file = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
        os.dup2(2, 1)

    def send(self, **message: Any) -> None:
        """Send one answer; NumPy's numbers become Python's, paths become text."""
        self.file.write(json.dumps(message, default=_plain) + "\n")


def redirect_stderr(file: str | None) -> None:
    """From now on what is printed goes to `file`, if one is given."""
    if file is None:
        return
    with open(file, "wb") as log:
        for stream in (1, 2):
            os.dup2(log.fileno(), stream)


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else str(value)


class Commands:
    """The parent's messages, one at a time.

    If the parent goes away while one is worked on, this process is interrupted, and ended if that does not help.
    """

    def __init__(self) -> None:
        self.waiting: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self.busy = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def next(self) -> dict[str, Any] | None:
        """Wait for the next message; None if the parent is gone."""
        self.busy.clear()
        command = self.waiting.get()
        if command is not None:
            self.busy.set()
        return command

    def _listen(self) -> None:
        kept = b""
        while read := os.read(0, 1 << 16):
            *lines, kept = (kept + read).split(b"\n")
            for line in lines:
                self.waiting.put(json.loads(line))
        self.waiting.put(None)
        if self.busy.is_set():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(CLEAN_UP_SECONDS)
            os._exit(1)


def lack(error: BaseException) -> tuple[str, str] | None:
    """What this machine lacks, and what to do, if that is what an error says; libraries have words of their own."""
    text = str(error)
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
        return "too many open files", "Allow more of them: ulimit -n 1024"
    short = isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
    if short or (isinstance(error, (ImportError, RuntimeError)) and tells_of_memory(text)):
        return OUT_OF_MEMORY
    return None


def tells_of_memory(text: str) -> bool:
    """Whether a library's words say that there was no memory."""
    return any(words in text for words in NO_MEMORY)


def error_as_message(error: BaseException, doing: str) -> dict[str, Any]:
    """An error as a message. One that nobody foresaw says what was being done, and what was being read (`reading`)."""
    trace = "".join(traceback.format_exception(error))
    if isinstance(error, DiffrenderError):
        family = next(cls.__name__ for cls in type(error).__mro__ if cls.__module__ == DiffrenderError.__module__)
        return {"family": family, "problem": error.problem, "remedy": error.remedy, "trace": trace}
    if short := lack(error):
        return {"family": "DiffrenderError", "problem": f"{doing}: {short[0]}.", "remedy": short[1], "trace": trace}
    file = file_being_read(error)
    while_reading = f" while reading {file}" if file else ""
    text = words_of(error) if str(error) else ""
    problem = f"{doing}: {type(error).__name__}{while_reading}{f': {text}' if text else ''}."
    return {"family": UnexpectedError.__name__, "problem": problem, "remedy": UnexpectedError.REMEDY, "trace": trace}
