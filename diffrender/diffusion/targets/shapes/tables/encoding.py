"""The text of a file, whatever its encoding: UTF-8, UTF-16 and UTF-32 with a mark or without, Windows-1252, Latin-1."""

from __future__ import annotations

from pathlib import Path

from diffrender.core.errors import DiffrenderError

MAX_BYTES = 200_000_000


def decoded(path: Path) -> tuple[str, str]:
    """The text of a file, and its encoding's name if it is not UTF-8; refused if it is no text."""
    if path.stat().st_size > MAX_BYTES:
        raise DiffrenderError(
            f"{path}: larger than a table may be ({MAX_BYTES // 10**6} MB).", "Save its numbers as a NumPy file (.npy)."
        )
    data = path.read_bytes()
    encoding, said, zeros = "utf-8-sig", "", (data[:400:2].count(0), data[1:400:2].count(0))
    if data[:4] in (b"\xff\xfe\0\0", b"\0\0\xfe\xff"):
        encoding, said = "utf-32", "UTF-32"
    elif data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding, said = "utf-16", "UTF-16"
    elif 3 * sum(zeros) > len(data[:400]) and 5 * min(zeros) < max(zeros):  # of a digit's two bytes one is zero
        encoding, said = ("utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"), "UTF-16"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        text, said = _single_bytes(data)
    text = text.rstrip("\0\x1a")  # what old programs end or fill a file with
    whole = not any(c < " " and c not in "\t\n\r\f\v\0" for c in text[:100_000])
    if whole and (at := text.find("\0")) >= 0:
        line = text.count("\n", 0, at) + 1
        raise DiffrenderError(
            f"{path}: line {line}: a zero byte, which no text holds.",
            "The file is damaged, or was not written to its end: save or copy it again.",
        )
    if not whole:
        raise DiffrenderError(f"{path}: not a text file, whatever its name says.")
    return text, said


def _single_bytes(data: bytes) -> tuple[str, str]:
    """Bytes that are no UTF-8: Windows-1252, which is Latin-1 with more signs, or Latin-1 itself."""
    try:
        return data.decode("cp1252"), "Latin-1 (Windows-1252)"
    except UnicodeDecodeError:
        return data.decode("latin-1"), "Latin-1"
