"""index.html of a lecture: one page, readable from disk, that shows and plays everything that was made."""

from __future__ import annotations

from .lecture_plan import Plan


def write(plan: Plan) -> None:
    """Write the page of what is there now."""
