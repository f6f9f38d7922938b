"""Trust in Python files that configs name: asked for once, remembered by what is in them.

A config is data and may come from anywhere; a Python file that it names is a program. It is run when the user said so,
with `--trust` or DIFFRENDER_TRUST=1, for exactly these bytes before.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from diffrender.core.errors import UsageError
from diffrender.core.files import digest, file_digest

VARIABLE = "DIFFRENDER_TRUST"


def trusted_folder() -> Path:
    """Where trust is remembered: an empty file for each digest."""
    import platformdirs

    return Path(platformdirs.user_state_dir("diffrender", appauthor=False)) / "trusted"


def check_trusted(files: Iterable[Path], named_by: str) -> None:
    """UsageError unless the user trusts these Python files, as they are now.

    named_by: what names them, as the error says it. With DIFFRENDER_TRUST=1 they are trusted from now on.
    """
    files = sorted({file.resolve() for file in files})
    if not files:
        return
    mark = trusted_folder() / digest([file_digest(file) for file in files])
    if mark.is_file():
        return
    if os.environ.get(VARIABLE, "") not in ("", "0"):
        with contextlib.suppress(OSError):  # where nothing can be remembered, it is asked for again
            mark.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            mark.touch()
        return
    names = ", ".join(map(str, files))
    raise UsageError(
        f"{named_by}: names Python code, which would be run: {names}.",
        f"Read it; if you trust it, add --trust (or set {VARIABLE}=1). It is asked for again when the code changes.",
    )
