"""Files that are something else than their name says."""

from __future__ import annotations

import re
from pathlib import Path

from diffrender.core.disguises import HEAD_BYTES, known_start
from diffrender.core.errors import UsageError

TABLES = (".csv", ".tsv", ".txt", ".dat", ".xyz", ".asc", ".pts")
PICTURES = (".png", ".jpg", ".jpeg")
SHEET = ("a workbook of Excel or another archive", "Save its sheet as CSV.")
GRID_HEAD = re.compile(rb"n(cols|rows)\s+\d+\s+n(cols|rows)\s+\d+\s+[xy]ll")  # as every grid of that kind begins
GRID = (
    "an ESRI ASCII grid, which holds values of cells and no points",
    "Save what you want of it as rows of x and y, or as a picture; gdal_translate -of XYZ writes x, y and value.",
)
STARTS = {  # bytes that a file begins with → what it is, what to do
    b"%pdf-": ("a PDF", "Save the drawing as SVG, or the numbers as CSV."),
    b"\x89hdf": ("an HDF5 file", "Save the one array that holds the points as .npy or .csv."),
    b"par1": ("a Parquet file", "Save it as CSV."),
}


def check_disguise(path: Path) -> None:
    """Refuse a file that plainly is of a kind that is not read, whatever its name says."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES).removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    suffix = path.suffix.lower()
    found = known_start(head) or next((words for start, words in STARTS.items() if head.startswith(start)), None)
    if suffix in TABLES and head.startswith((b"pk\x03\x04", b"\xd0\xcf\x11\xe0")):
        found = SHEET
    elif suffix in TABLES and head.startswith((b"{", b"[[", b"[{")):
        found = ("JSON", "Save it as CSV: a row for each point.")
    elif GRID_HEAD.match(head):
        found = GRID
    elif suffix not in PICTURES and head.startswith((b"\x89png", b"\xff\xd8\xff")):
        found = ("a picture (PNG or JPEG)", "Give it the name that it is: .png or .jpg.")
    if found:
        raise UsageError(f"{path}: {found[0]}, whatever its name says.", found[1])
