"""One family of errors: what went wrong, and what to do about it.

The command line prints ``str(error)`` and exits with ``error.exit_code``; it never shows a traceback unless asked.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


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


def suggest(name: str, known: Iterable[str], cutoff: float = 0.5) -> str:
    """`Did you mean 'spiral'? Known: dino, spiral, …` for an unknown name."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, 1, cutoff)
    hint = f"Did you mean '{close[0]}'? " if close else ""
    return f"{hint}Known: {', '.join(known)}." if known else hint.strip()
