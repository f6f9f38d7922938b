"""One family of errors: what went wrong, and what to do about it.

The command line prints ``str(error)`` and exits with ``error.exit_code``; it never shows a traceback unless asked.
"""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Iterable, Iterator
from pathlib import Path


class DiffrenderError(Exception):
    """Something went wrong that the user can mend.

    Parameters
    ----------
    problem: what is wrong, naming the file, key or flag.
    remedy: what to do about it; shown on a second line.
    """

    exit_code = 1

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(problem, remedy)
        self.problem, self.remedy = problem, remedy

    def __str__(self) -> str:
        return f"{self.problem}\n{self.remedy}" if self.remedy else self.problem


class UsageError(DiffrenderError):
    """A command, flag or name that diffrender does not have: exit code 2."""

    exit_code = 2


class ConfigError(UsageError):
    """A config key or value that cannot be: exit code 2."""


class TrajectoryError(DiffrenderError):
    """A recording that cannot be read or does not hold what is needed."""


class RenderError(DiffrenderError):
    """A video that could not be made."""


class MissingToolError(DiffrenderError):
    """A program or library that this machine does not have."""


class WorkerDiedError(DiffrenderError):
    """The process of a job ended without an answer: killed, crashed, or out of memory. It may be tried again."""


class UnexpectedError(DiffrenderError):
    """An exception that nobody foresaw: a fault of diffrender, or a file damaged in a way that it does not know."""

    REMEDY = "This is a fault of diffrender: please report it, with the traceback and the file if there is one."


MAX_WORDS = 160  # characters of another's message
READING = "diffrender_file_being_read"


@contextlib.contextmanager
def reading(file: Path | str) -> Iterator[None]:
    """While inside, an exception that nobody foresaw is known to come from reading `file`; the innermost counts."""
    try:
        yield
    except Exception as error:
        if not hasattr(error, READING):
            setattr(error, READING, file)
        raise


def file_being_read(error: BaseException) -> Path | str | None:
    """The file that was being read when `error` was raised, if that was inside `reading`."""
    found: Path | str | None = getattr(error, READING, None)
    return found


def words_of(error: BaseException) -> str:
    """What a library's exception says, as messages quote it: its first line, cut where it quotes half a file."""
    line = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return line if len(line) <= MAX_WORDS else f"{line[: MAX_WORDS - 1]}…"


def suggest(name: str, known: Iterable[str], cutoff: float = 0.5) -> str:
    """`Did you mean 'spiral'? Known: dino, spiral, …` for an unknown name."""
    known = sorted(known)
    begun = [each for each in known if len(name) > 2 and each.startswith(name)][:3]
    close = begun or difflib.get_close_matches(name, known, 1, cutoff)
    hint = f"Did you mean {' or '.join(map(repr, close))}? " if close else ""
    return f"{hint}Known: {', '.join(known)}." if known else hint.strip()
