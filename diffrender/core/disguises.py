"""Files that are something else than their name says, told by their first bytes."""

from __future__ import annotations

HEAD_BYTES = 512
PAGE = ("a web page", "Download the file itself: a page of an error or a login may have come instead.")
STARTS = {  # bytes that a file begins with, in small letters → what it is, what to do
    b"version https://git-lfs": ("a pointer of Git LFS, in place of the file", "Fetch the file: git lfs pull"),
    b"<!doctype html": PAGE,
    b"<html": PAGE,
    b"\x1f\x8b": ("a compressed file (gzip)", "Unpack it with gunzip."),
}


def known_start(head: bytes) -> tuple[str, str] | None:
    """What a file that begins with `head` is, whatever its name, and what to do; None if it may be what it says."""
    plain = head[:HEAD_BYTES].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return next((words for start, words in STARTS.items() if plain.startswith(start)), None)
