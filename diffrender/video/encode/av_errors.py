"""The one place where PyAV's exceptions become ours: none of them leaves `av_errors`."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av

from diffrender.core.errors import DiffrenderError, RenderError

EXPECTED = (
    av.FFmpegError,
    OSError,
    ValueError,
    ArithmeticError,
    LookupError,
    StopIteration,
    RuntimeError,
    AttributeError,  # a stream that nothing can decode has None for its codec
)


@contextmanager
def av_errors(file: Path, what: str = "video") -> Iterator[None]:
    """While inside, whatever PyAV raises is a RenderError that names `file`, which should be a `what`."""
    try:
        yield
    except (DiffrenderError, MemoryError):
        raise
    except FileNotFoundError:
        raise RenderError(f"{file}: no such file.") from None
    except EXPECTED as error:
        if getattr(error, "errno", None) == errno.ENOSPC:
            raise
        reason = str(getattr(error, "strerror", "") or error or type(error).__name__).splitlines()[0][:100]
        raise RenderError(
            f"{file} is not a {what} that can be read ({reason}).", "Is it complete? Play it, or save it again."
        ) from error
