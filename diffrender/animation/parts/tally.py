"""Tally of where chains ended: a disc on every mode, as large as their number, with what it should be beside it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from manim import Dot, VGroup

from diffrender.animation.layout.page import Page
from diffrender.animation.mobjects.furniture.panels import Rect, pill
from diffrender.animation.parts.basins import Basins
from diffrender.animation.theme import RING, Theme, blend, contrast, laid

LARGEST = 0.11  # radius of a disc of all chains, as a part of the panel's width, were they all on one mode
READABLE = 3.0  # least contrast of a mark with its panel


def category_colors(theme: Theme, count: int) -> list[str]:
    """So many colours of the theme's categories, each as can be read on a panel."""
    return [readable(theme.categories[k % len(theme.categories)], theme) for k in range(count)]


def readable(color: str, theme: Theme, alpha: float = 1.0, *, ground: str = "") -> str:
    """A colour moved towards the text's until a mark of it, of opacity `alpha`, can be read on a ground: a panel's."""
    ground = ground or theme.panel
    tried = (blend(color, theme.fg, share / 20) for share in range(21))
    fine = (found for found in tried if contrast(laid(found, ground, alpha), ground) >= READABLE)
    return next(fine, theme.fg)


def as_bytes(colors: Sequence[str], labels: np.ndarray) -> np.ndarray:
    """(N, 3) uint8 colours of points by their labels (N,)."""
    table = np.array([[int(c[k : k + 2], 16) for k in (1, 3, 5)] for c in colors], np.uint8)
    return table[labels]


class Tally(VGroup):
    """For each mode a disc whose area is the number of chains in its basin, their share, and the basin's true mass.

    box: part of data space that the panel `rect` shows. discs: whether they are drawn, or the shares alone.
    """

    def __init__(
        self,
        page: Page,
        rect: Rect,
        basins: Basins,
        counts: np.ndarray,
        box: Rect,
        colors: Sequence[str],
        *,
        discs: bool = True,
    ) -> None:
        theme, em = page.theme, page.em("legend")
        super().__init__()
        self.counts, self.masses = counts, basins.masses
        total = max(int(counts.sum()), 1)
        (x0, x1, y0, y1), (a, b, c, d) = box, rect
        places = (basins.modes - (x0, y0)) / (x1 - x0, y1 - y0) * (b - a, d - c) + (a, c)
        largest = LARGEST * (rect[1] - rect[0])
        radii = [largest * float(np.sqrt(count / total)) if discs else 0.0 for count in counts]
        taken: list[Rect] = [
            (x - r, x + r, y - r, y + r)
            for (x, y), r in zip(places, (max(r, 0.06) for r in radii), strict=True)
            if discs
        ]
        each = zip(places, counts, basins.masses, colors, radii, strict=True)
        # the innermost first: those at the rim have room outside
        for place, count, mass, color, radius in sorted(each, key=lambda one: np.linalg.norm(one[0] - places.mean(0))):
            if discs:
                dot = Dot([place[0], place[1], 0], radius=radius, color=color, fill_opacity=1)
                self.add(dot.set_stroke(theme.panel, RING * 150))
            rows = VGroup(
                page.label(f"{count:,}: {count / total:.0%}".replace("%", "\\%"), 0, 0, 0, "legend"),
                page.label(f"true {mass:.0%}".replace("%", "\\%"), 0, -1.25 * em, 0, "legend", "muted"),
            )
            self._place(rows, place, radius, rect, taken)
            self.add(pill(rows, theme, pad=0.08, alpha=0.92), *rows)

    @staticmethod
    def _place(rows: VGroup, at: np.ndarray, radius: float, rect: Rect, taken: list[Rect]) -> None:
        """On its place or beside its disc, inside the panel, where it covers no other label and no disc, and as near as
        can be.
        """
        w, h = float(rows.width) / 2 + 0.08, float(rows.height) / 2 + 0.08
        x0, x1, y0, y1 = rect
        best, least = at, np.inf
        tries = [(0.0, np.zeros(2))] if radius == 0 else []
        for turn in np.arange(16) * np.pi / 8 - np.pi / 2:
            u = np.array([np.cos(turn), np.sin(turn)])
            tries += [(far, u * (radius + far) + u * (w, h)) for far in (0.06, 0.3, 0.7, 1.2, 1.8)]
        for far, away in tries:
            x, y = at + away
            x, y = float(np.clip(x, x0 + w + 0.05, x1 - w - 0.05)), float(np.clip(y, y0 + h + 0.05, y1 - h - 0.05))
            meets = sum(_shared((x - w, x + w, y - h, y + h), other) for other in taken)
            cost = 100 * meets + far + float(np.hypot(*(np.array([x, y]) - at - away))) + 0.1 * (away[0] != 0)
            if cost < least:
                best, least = np.array([x, y]), cost
        taken.append((best[0] - w, best[0] + w, best[1] - h, best[1] + h))
        rows.move_to([best[0], best[1], 0])


def _shared(a: Rect, b: Rect) -> float:
    """The area that two rectangles share."""
    across, up = min(a[1], b[1]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[2], b[2])
    return max(across, 0.0) * max(up, 0.0)
