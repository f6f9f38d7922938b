"""A drawing session: the strokes on the page, and the saved file."""

from __future__ import annotations

import re
import shlex
import threading
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from diffrender.cli.loopback.presence import Presence
from diffrender.core.errors import DiffrenderError
from diffrender.core.files import write_text

WIDTH, HEIGHT = 1000, 800  # the page's units, as in its canvas
PREVIEW_POINTS = 5000
MAX_OUTLINE = 4_000_000  # characters of all strokes together; a stroke of a minute has some 50,000

PAPER, INKS = "#fff", ("#000", "#d55e00")  # an ink for each class
PAGE = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"{label}>
  <rect width="{width}" height="{height}" fill="#fff"/>
  <g fill="none" stroke-linecap="round" stroke-linejoin="round">
{paths}
  </g>
</svg>
"""


class Stroke(BaseModel):
    """One line of the brush or the eraser: `d` as in an SVG path, absolute M, L and Q alone; label: its class."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    d: Annotated[str, Field(pattern=r"^[MLQ][MLQ0-9. -]*$", max_length=1_000_000)]
    width: Annotated[float, Field(gt=0, le=1000)]
    erase: bool = False
    label: Literal[0, 1] = 0

    @property
    def ink(self) -> str:
        """Its colour."""
        return PAPER if self.erase else INKS[self.label]


class Strokes(BaseModel):
    """Everything on the page, in the order it was drawn."""

    model_config = ConfigDict(extra="forbid")
    strokes: Annotated[list[Stroke], Field(max_length=20_000)]

    @field_validator("strokes")
    @classmethod
    def _bounded(cls, strokes: list[Stroke]) -> list[Stroke]:
        if sum(len(stroke.d) for stroke in strokes) > MAX_OUTLINE:
            raise ValueError(f"its strokes have more than {MAX_OUTLINE} characters in all")
        return strokes

    def svg(self) -> str:
        """The drawing as SVG: the brush in the colours of the classes, the eraser in the paper's white over it."""
        paths = "\n".join(f'    <path stroke="{s.ink}" stroke-width="{s.width:g}" d="{s.d}"/>' for s in self.strokes)
        label = ' data-label="colour"' if any(s.label and not s.erase for s in self.strokes) else ""
        return PAGE.format(width=WIDTH, height=HEIGHT, paths=paths, label=label)


PATH = re.compile(rf'<path stroke="({"|".join([PAPER, *INKS])})" stroke-width="([0-9.e+-]+)" d="([MLQ0-9. -]+)"/>')


def drawn_strokes(file: Path) -> Strokes:
    """The strokes of a drawing that this page saved; none if there is no file. DiffrenderError if it is another SVG."""
    if not file.is_file():
        return Strokes(strokes=[])
    text = file.read_text("utf-8", "replace") if file.stat().st_size <= 2 * MAX_OUTLINE else ""
    found = [
        Stroke(d=d, width=float(width), erase=ink == PAPER, label=1 if ink == INKS[1] else 0)
        for ink, width, d in PATH.findall(text)
    ]
    strokes = Strokes(strokes=found)
    if strokes.svg() != text:
        raise DiffrenderError(
            f"{file}: is there, and was not drawn on this page, so it cannot be changed here.", "Give another --out."
        )
    return strokes


def as_argument(file: Path) -> str:
    """How a drawing of this page is given to a command in a shell: by its classes too, if it has strokes of both."""
    two = {stroke.label for stroke in drawn_strokes(file).strokes if not stroke.erase} == {0, 1}
    return shlex.quote(str(file)) + " --set model.conditional=true" * two


def read_strokes(body: bytes) -> Strokes:
    """What the page sent; DiffrenderError if it is not what the page sends."""
    try:
        return Strokes.model_validate_json(body)
    except ValidationError as error:
        raise DiffrenderError(f"Not a drawing: {error.errors()[0]['msg']}.") from None


class Session:
    """One drawing from opening the page to closing it. Its methods are called by the server's threads."""

    def __init__(self, out: Path, presence: Presence | None = None) -> None:
        self.out, self.presence = out, presence or Presence()
        self.drawn = drawn_strokes(out)  # what the page begins with
        self.saved: Path | None = None
        self.computing = threading.Lock()  # one drawing at a time, however many requests come

    def points(self, strokes: Strokes) -> np.ndarray:
        """Points drawn evenly from the ink, as training will draw them: x, y in the page's units and the class of each,
        (n, 3) float32.
        """
        from diffrender.diffusion.targets.shapes.catalogue import of_svg

        with self.computing:
            sampler = of_svg(strokes.svg().encode(), "The drawing")
            drawn = sampler(PREVIEW_POINTS, np.random.default_rng(0))
        x, label = drawn if isinstance(drawn, tuple) else (drawn, np.zeros(len(drawn)))
        if names := getattr(sampler, "classes", None):
            label = np.array([name != "black" for name in names])[label]
        return np.column_stack([x * [1, -1], label]).astype("<f4")

    def save(self, strokes: Strokes) -> Path:
        """Write the drawing, whole or not at all; an empty one is refused."""
        self.points(strokes)
        try:
            write_text(self.out, strokes.svg())
        except OSError as error:
            raise DiffrenderError(f"{self.out}: cannot be written ({error.strerror}).") from None
        self.saved, self.drawn = self.out, strokes
        return self.out
