"""Colours, colour tables, type sizes, frames and stroke widths: every number of the look stands here once.

Lengths are scene units: the short side of the frame is 8 units in every aspect; Manim's `stroke_width` is 100 × units.
Blue is what the data say, orange is chance and what grew from it, the foreground is what happened.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from diffrender.animation.colors import ramp
from diffrender.core.errors import UsageError, suggest

SHORT_SIDE = 8.0
MARGIN = 0.5
EDGE = 0.2  # nothing comes nearer to the frame's edge than this
RADIUS = 0.10  # corners of panels
LINE = 0.022  # trails and curves: 3 px at 1080p
HAIR = 0.011  # borders and grids: 1.5 px
GRADE = 0.016  # extra stroke on every glyph, in em: New Computer Modern is too thin when projected
SHAFT, HEAD_LENGTH, HEAD_WIDTH = 0.055, 0.26, 0.235  # the emphasised arrow; smaller ones scale all three
DASH, GAP = 0.13, 0.085
CASING = 0.028  # outline in the panel's colour round marks that lie on a heat map
RING = 0.022  # the same round points


# ---- colours -------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Theme:
    """The colours of a video, by meaning.

    Tables run from low to high; the first entry of `density` is the panel's own colour. `categories` (Okabe–Ito) are
    for races and classes, in this order; `classes` are ten for the classes of a set, found by maximising the least
    distance between any two in Oklab, to usual eyes and to three kinds of colour-blind ones (Machado et al. 2009).
    `faint` is the opacity of target points that lie under samples.
    """

    name: str
    bg: str
    panel: str
    grid: str
    border: str
    fg: str
    muted: str
    score: str
    noise: str
    accept: str
    reject: str
    faint: float
    density: tuple[str, ...]
    magnitude: tuple[str, ...]
    error: tuple[str, ...]
    signed: tuple[str, ...]
    image: tuple[str, ...]
    classes: tuple[str, ...]
    categories: tuple[str, ...] = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")

    @property
    def data(self) -> str:
        """What the data say: the target, x̂0, the score."""
        return self.score

    @property
    def samples(self) -> str:
        """What grew from chance: generated points, σ."""
        return self.noise

    @property
    def state(self) -> str:
        """Where it stands before the step: x_t."""
        return self.fg

    @property
    def sum(self) -> str:
        """What happened: the step taken."""
        return self.fg

    @property
    def chain(self) -> str:
        """What happened: the path of a chain."""
        return self.fg

    def color(self, name: str) -> str:
        """The colour of a token (`"score"`), or the colour itself if it is one (`"#56B4E9"`)."""
        return name if name.startswith("#") else getattr(self, name)

    def table(self, name: str) -> np.ndarray:
        """(256, 3) uint8 of `density`, `magnitude`, `error`, `signed` or `image`."""
        return ramp(getattr(self, name))


THEMES = {
    "dark": Theme(
        name="dark",
        bg="#0D1117",
        panel="#141A24",
        grid="#273142",
        border="#5E6D88",
        fg="#F4F6FA",
        muted="#AEB9CA",
        score="#56B4E9",
        noise="#FF9B42",
        accept="#6FE3C1",
        reject="#D0559F",
        faint=0.20,
        density=("#141A24", "#26244F", "#433483", "#2F5F93", "#21908C", "#5CC863", "#F6E838"),
        magnitude=("#5B76AE", "#4A8EBF", "#3CB0BE", "#7FD3BC", "#C6EFDA"),
        error=("#141A24", "#4A1530", "#9C2A4B", "#EE6C4D", "#FDE8B5"),
        signed=("#8FD3FF", "#2F6C9C", "#141A24", "#A35A1C", "#FFC48A"),
        image=("#0A0C10", "#F4F6FA"),
        classes=(
            *("#76C4FF", "#EB629D", "#FFFF14", "#8914FF", "#B19D00"),
            *("#9DFFEB", "#B1279D", "#EBC462", "#8989FF", "#27763B"),
        ),
    ),
    "light": Theme(
        name="light",
        bg="#FFFFFF",
        panel="#F6F8FB",
        grid="#DDE3EB",
        border="#7F8B9E",
        fg="#12161D",
        muted="#4C5667",
        score="#0069A8",
        noise="#C34900",
        accept="#007F63",
        reject="#7D1F5C",
        faint=0.16,
        density=("#F6F8FB", "#DDEBE3", "#B5DFCB", "#7CC9B0", "#47AC96", "#2C8D7B", "#1F6F60"),
        magnitude=("#6C90B0", "#3D7EA6", "#1C668F", "#124B73", "#0B2E52"),
        error=("#F6F8FB", "#F7D9C4", "#EE9A77", "#C2465A", "#561034"),
        signed=("#004A7A", "#6FA9D0", "#F6F8FB", "#E89A6B", "#8F3300"),
        image=("#FFFFFF", "#12161D"),
        classes=(
            *("#4E00FF", "#B18900", "#890000", "#FF3BB1", "#4E8976"),
            *("#C42714", "#9D76FF", "#621462", "#764E76", "#3B00B1"),
        ),
    ),
}


def theme(name: str) -> Theme:
    """The theme called `name`; UsageError with the known ones if there is none."""
    if name not in THEMES:
        raise UsageError(f"Unknown theme '{name}'.", suggest(name, THEMES))
    return THEMES[name]


# ---- frames and type -----------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class TypeSizes:
    """Em heights in units. `floor` is the smallest that may stand anywhere, no less than 1/40 of the frame's height."""

    title: float
    equation: float
    label: float
    legend: float
    caption: float
    floor: float


LARGE = 1.1  # scale of all text where it is to be large
_TYPE = {
    "wide": TypeSizes(title=0.50, equation=0.50, label=0.34, legend=0.30, caption=0.27, floor=0.22),
    "classic": TypeSizes(title=0.48, equation=0.45, label=0.32, legend=0.29, caption=0.26, floor=0.22),
    "square": TypeSizes(title=0.46, equation=0.42, label=0.30, legend=0.27, caption=0.25, floor=0.22),
    "tall": TypeSizes(title=0.64, equation=0.50, label=0.44, legend=0.40, caption=0.365, floor=0.356),
}


@dataclass(frozen=True)
class Frame:
    """The frame of a video: `width` × `height` units, its `shape` and what follows from it.

    shape: `wide` (16:9), `classic` (4:3), `square` (1:1) or `tall` (9:16): what layouts are written for.
    font_scale: of all text. marked: whether a row at its foot is left free for a logo or a name.
    """

    width: float
    height: float
    shape: str
    font_scale: float = 1.0
    marked: bool = False

    @classmethod
    def of(cls, pixel_width: int, pixel_height: int, font_scale: float = 1.0, marked: bool = False) -> Frame:
        """The frame of a video of that many pixels: its short side is 8 units."""
        unit = min(pixel_width, pixel_height) / SHORT_SIDE
        ratio = pixel_width / pixel_height
        shape = "wide" if ratio > 1.5 else "tall" if ratio < 0.7 else "classic" if ratio > 1.15 else "square"
        return cls(pixel_width / unit, pixel_height / unit, shape, font_scale, marked)

    @property
    def x(self) -> float:
        """The right margin; the left one is at −x."""
        return self.width / 2 - MARGIN

    @property
    def type(self) -> TypeSizes:
        """The type sizes of this shape; of a frame taller than 9:16 still nothing is smaller than the floor.

        In a wide and in a tall frame the caption never grows: it has one line there, or two.
        """
        sizes, floor = asdict(_TYPE[self.shape]), _TYPE[self.shape].floor
        scales = dict.fromkeys(sizes, self.font_scale)
        if self.shape in ("wide", "tall"):
            scales["caption"] = min(1.0, self.font_scale)
        return TypeSizes(**{name: max(size * scales[name], floor) for name, size in sizes.items()})

    @property
    def title_y(self) -> float:
        """Baseline of the title."""
        return self.height / 2 - {"wide": 0.90, "classic": 0.82, "square": 0.82, "tall": 0.95}[self.shape]

    @property
    def equation_y(self) -> float:
        """Baseline of the equation: beside the title in a wide frame, under it in others."""
        return self.height / 2 - {"wide": 0.90, "classic": 1.52, "square": 1.52, "tall": 1.83}[self.shape]

    @property
    def mark_row(self) -> float:
        """Height of the row that is left free for a logo and a name; 0 if there are none."""
        return 1.4 * self.type.caption if self.marked else 0.0

    @property
    def caption_y(self) -> float:
        """Baseline of the last line of the caption."""
        return (
            self.mark_row - self.height / 2 + {"wide": 0.36, "classic": 0.40, "square": 0.45, "tall": 0.40}[self.shape]
        )

    @property
    def top(self) -> float:
        """The highest that panels and their labels may reach."""
        return self.height / 2 - {"wide": 1.35, "classic": 1.83, "square": 1.80, "tall": 2.30}[self.shape]

    @property
    def bottom(self) -> float:
        """The lowest that panels, legends and sliders may reach."""
        return (
            self.mark_row - self.height / 2 + {"wide": 0.80, "classic": 1.14, "square": 1.27, "tall": 1.45}[self.shape]
        )


def point_radius(n: int, area: float) -> float:
    """Radius in units for n points spread over `area` square units: a quarter of it inked, 1.4 to 7 px at 1080p."""
    return float(np.clip(np.sqrt(area / (4 * np.pi * n)), 0.0105, 0.052))
