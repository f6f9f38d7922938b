"""A process with limits on time and memory, in which files from elsewhere are read.

Libraries that read pictures, drawings or meshes may hang, crash or fill the memory on a file made wrongly or with
intent. Here they can only lose a process that holds nothing: the caller gets one error that names the file. The process
is started by the first call and reused by the next ones; what it sends back is JSON and plain arrays, never a pickle.

Run as ``python -m diffrender.core.limited_process`` it is that process.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Sequence
from importlib import import_module
from typing import IO, Any

import numpy as np

from diffrender.core.child_process import MODULE, importing_us
from diffrender.core.errors import ConfigError, DiffrenderError, RenderError, UsageError

CPU_SECONDS = 9  # of computing for one file
WALL_SECONDS = 90.0  # for one file, on a machine that is busy with others
MEMORY = 900_000_000  # bytes that the process may hold
ERRORS = {cls.__name__: cls for cls in (DiffrenderError, RenderError, UsageError, ConfigError)}

Answer = tuple[dict[str, Any], list[np.ndarray]]


class ReaderTraceback(Exception):
    """What an unexpected exception in the process looked like there: for logs."""


class LimitedProcess:
    """Calls functions of this package by name in a process of their own, one at a time.

    cpu_seconds, wall_seconds: for each call. memory: bytes, for the process.
    """

    def __init__(
        self, cpu_seconds: float = CPU_SECONDS, wall_seconds: float = WALL_SECONDS, memory: int = MEMORY
    ) -> None:
        self.cpu_seconds, self.wall_seconds, self.memory = cpu_seconds, wall_seconds, memory
        self.process: subprocess.Popen[bytes] | None = None
        self.owner = 0  # the process id that started it: a forked child must not share its pipes
        self.lock = threading.Lock()

    def call(self, function: str, what: str, blob: bytes = b"", /, **keywords: Any) -> Answer:
        """`function` ("diffrender.room.module:name") of `blob` and `keywords` (plain JSON): what it returned.

        what: the file or text that is read, as errors name it. The function returns a dict of plain JSON and a list of
        arrays. Its own errors are raised here; anything else becomes a DiffrenderError.
        """
        with self.lock:
            process = self._running()
            request = {"function": function, "blob": len(blob), "seconds": self.cpu_seconds, "keywords": keywords}
            timer = threading.Timer(self.wall_seconds, process.kill)
            timer.start()
            try:
                assert process.stdin is not None
                assert process.stdout is not None
                with contextlib.suppress(BrokenPipeError):  # it died: what follows says so
                    process.stdin.write(json.dumps(request).encode() + b"\n" + blob)
                    process.stdin.flush()
                answer = _receive(process.stdout)
            except BaseException:
                self.close()
                raise
            finally:
                timer.cancel()
            if answer is None:
                raise self._died(what)
        head, arrays = answer
        if "error" in head:
            raise _error(head["error"], what, self.memory)
        return head["found"], arrays

    def close(self) -> None:
        """End the process; the next call starts another."""
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.communicate()

    def _running(self) -> subprocess.Popen[bytes]:
        if self.owner != os.getpid():
            self.process, self.owner = None, os.getpid()
        if self.process is None or self.process.poll() is not None:
            self.close()
            one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
            self.process = subprocess.Popen(
                [*MODULE, "diffrender.core.limited_process", str(self.memory)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=importing_us({**os.environ, **one_thread}),
            )
        return self.process

    def _died(self, what: str) -> DiffrenderError:
        """What a call is told whose process is gone."""
        process, self.process = self.process, None
        assert process is not None
        code = process.wait()
        too_long = {-int(getattr(signal, name)) for name in ("SIGXCPU", "SIGKILL") if hasattr(signal, name)}
        if code in too_long:
            return DiffrenderError(
                f"{what}: takes longer than {self.cpu_seconds:g} s to read, so it was given up.", "Make it simpler."
            )
        return DiffrenderError(
            f"{what}: cannot be read: its reader crashed, or needed more than {self.memory / 1e6:.0f} MB of memory.",
            "It is damaged or far too complicated: make it simpler, or save it again.",
        )


def _error(error: dict[str, str], what: str, memory: int) -> DiffrenderError:
    if error["family"] in ERRORS:
        return ERRORS[error["family"]](error["problem"], error["remedy"])
    if error["family"] == "MemoryError":
        return DiffrenderError(f"{what}: needs more than {memory / 1e6:.0f} MB of memory to read.", "Make it smaller.")
    found = DiffrenderError(
        f"{what}: cannot be read ({error['family']}: {error['problem'][:100]}).",
        "Is it what its name says? If it is in order, this is a fault of diffrender: please report it with the file.",
    )
    found.__cause__ = ReaderTraceback(error["traceback"])
    return found


_SHARED = LimitedProcess()


def call(function: str, what: str, blob: bytes = b"", /, **keywords: Any) -> Answer:
    """`LimitedProcess.call` in the one process that this one has for it."""
    return _SHARED.call(function, what, blob, **keywords)


# ---- messages: a line of JSON, then the bytes of the arrays that it announces ----------------------------------------
def _send(out: IO[bytes], head: dict[str, Any], arrays: Sequence[np.ndarray] = ()) -> None:
    head["arrays"] = [[array.dtype.str, array.shape] for array in arrays]
    out.write(json.dumps(head).encode() + b"\n")
    for array in arrays:
        out.write(np.ascontiguousarray(array).data.cast("B") if array.size else b"")
    out.flush()


def _receive(source: IO[bytes]) -> tuple[dict[str, Any], list[np.ndarray]] | None:
    """A message, or None if the other end is gone before all of it came."""
    line = source.readline()
    if not line.endswith(b"\n"):
        return None
    head, arrays = json.loads(line), []
    for kind, shape in head["arrays"]:
        dtype = np.dtype(kind)
        data = source.read(dtype.itemsize * int(np.prod(shape, dtype=np.int64)))
        if len(data) != dtype.itemsize * int(np.prod(shape, dtype=np.int64)):
            return None
        arrays.append(np.frombuffer(data, dtype).reshape(shape))
    return head, arrays


# ---- the process itself ----------------------------------------------------------------------------------------------
def _serve(memory: int) -> None:
    """Answer requests until stdin closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the caller's business, which closes stdin
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a library's print must not look like an answer
    _limit("RLIMIT_DATA", memory)
    _limit("RLIMIT_CORE", 0)
    while line := sys.stdin.buffer.readline():
        request = json.loads(line)
        blob = sys.stdin.buffer.read(request["blob"])
        _limit("RLIMIT_CPU", int(sum(os.times()[:2]) + request["seconds"]) + 1)
        try:
            module, _, name = request["function"].partition(":")
            found, arrays = getattr(import_module(module), name)(blob, **request["keywords"])
        except DiffrenderError as error:
            family = next(name for name, cls in reversed(ERRORS.items()) if isinstance(error, cls))
            _send(out, {"error": {"family": family, "problem": error.problem, "remedy": error.remedy}})
        except Exception as error:
            text = {"problem": str(error), "remedy": "", "traceback": traceback.format_exc()}
            _send(out, {"error": {"family": type(error).__name__, **text}})
        else:
            _send(out, {"found": found}, arrays)
        blob, found, arrays = b"", {}, []


def _limit(name: str, value: int) -> None:
    """Set a soft limit of this process, where the system has it."""
    with contextlib.suppress(ImportError, AttributeError, ValueError, OSError):
        import resource

        kind = getattr(resource, name)
        resource.setrlimit(kind, (value, resource.getrlimit(kind)[1]))


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
