"""Remarks about what was read: one line each, for the person at the terminal.

A remark is not an error: it says what was taken from a file, what was left out, and which choice was made. Jobs pass
them on to the command that started them; elsewhere they appear on stderr, as Python's logging does it by itself.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

LOGGER = logging.getLogger("diffrender.notes")


SAID: set[str] = set()  # in this process


def note(text: str) -> None:
    """Say `text` here and now."""
    SAID.add(text)
    LOGGER.warning("%s", text)


def note_once(text: str) -> None:
    """Say `text`, unless this process has said it."""
    if text not in SAID:
        note(text)


class Forward(logging.Handler):
    """Hands every remark to a function instead of stderr."""

    def __init__(self, to: Callable[[str], None]) -> None:
        super().__init__()
        self.to = to

    def emit(self, record: logging.LogRecord) -> None:
        """Hand the remark over as plain text."""
        self.to(record.getMessage())


def forward(to: Callable[[str], None]) -> None:
    """From now on, remarks of this process go to `to` and nowhere else."""
    LOGGER.handlers[:] = [Forward(to)]
    LOGGER.propagate = False
