"""Tally of where chains ended: which share at every mode, how far spread there, and what both should be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from manim import Dot, VGroup

from diffrender.animation.colors import blend, contrast, laid
from diffrender.animation.layout.page import Page
from diffrender.animation.mobjects.furniture.panels import Rect, line, pill
from diffrender.animation.parts.basins import Basins, per_axis
from diffrender.animation.theme import LINE, RING, Theme

MARK, DOT = 0.06, 0.11  # radius of the mark of a mode, and of the dot of all chains that stand on one point
POINT = 0.1  # chains that are less spread than so much of what they should be stand on a point
CORNERS = 96  # of an ellipse
DASH, PERIOD = 4, 6  # sides of a dashed ellipse that are drawn, of so many
PAD, GAP, EDGE = 0.08, 0.05, 0.05  # round a label's text, between labels, and to the panel's edge
READABLE = 3.0  # least contrast of a mark with its panel


def category_colors(theme: Theme, count: int, least: float = READABLE) -> list[str]:
    """So many colours of the theme's categories, each of at least so much contrast with a panel."""
    return [readable(theme.categories[k % len(theme.categories)], theme, least=least) for k in range(count)]


def readable(color: str, theme: Theme, alpha: float = 1.0, *, ground: str = "", least: float = READABLE) -> str:
    """A colour moved towards the text's until a mark of it, of opacity `alpha`, can be read on a ground: a panel's."""
    ground = ground or theme.panel
    tried = (blend(color, theme.fg, share / 20) for share in range(21))
    fine = (found for found in tried if contrast(laid(found, ground, alpha), ground) >= least)
    return next(fine, theme.fg)


def as_bytes(colors: Sequence[str], labels: np.ndarray) -> np.ndarray:
    """(N, 3) uint8 colours of points by their labels (N,)."""
    table = np.array([[int(c[k : k + 2], 16) for k in (1, 3, 5)] for c in colors], np.uint8)
    return table[labels]


class Tally(VGroup):
    """For each mode the share of the chains in its basin and their spread, and, if told, what both are of the density.

    Spread is the standard deviation per axis, σ; ellipses of one deviation show it, dashed the density's, and a dot in
    the mode's colour stands where chains have none. The figures stand at the panel's sides, in brackets the true ones,
    each with a line to its mode; where these have no room for all, the shares alone stand there, or on the modes or
    beside their dots.
    x: (N, 2) chains. box: part of data space that the panel `rect` shows. spread: whether it is told. true: whether the
    density's figures are.
    """

    def __init__(
        self,
        page: Page,
        rect: Rect,
        basins: Basins,
        x: np.ndarray,
        box: Rect,
        colors: Sequence[str],
        *,
        spread: bool = True,
        true: bool = True,
    ) -> None:
        theme = page.theme
        super().__init__()
        self.counts, self.masses = basins.counts(x), basins.masses
        means, covariances = basins.moments_of(x)
        self.spreads = per_axis(covariances)
        (x0, x1, y0, y1), (a, b, c, d) = box, rect
        scale = np.array([(b - a) / (x1 - x0), (d - c) / (y1 - y0)])
        places = (basins.modes - (x0, y0)) * scale + (a, c)
        points = self.spreads < POINT * basins.spreads if spread else np.zeros(len(places), bool)
        self.dots = points
        radii = np.where(points, DOT, 0.0)
        self.shares, self.true_shares = percents(self.counts), percents(basins.masses)
        shares = [(str(made), str(real)) for made, real in zip(self.shares, self.true_shares, strict=True)]
        told = [("–" if np.isnan(made) else f"{made:.2f}", f"{real:.2f}")
                for made, real in zip(self.spreads, basins.spreads, strict=True)]  # fmt: skip
        floor = c + 1.6 * page.em("legend")  # over a scale bar
        turned = np.outer(scale, scale)
        least = np.sqrt(np.linalg.eigvalsh(basins.covariances * turned)[:, 0]) if spread else radii
        clear = np.maximum(radii, least)
        shares_alone = [None] * len(places)
        named = "$sigma =$ {}"
        tries: list[tuple[str, list[Any], np.ndarray, str]] = [
            (size, told, clear, form) for form in (named, "$sigma$ {}", "{}") for size in ("label", "legend") if spread
        ]
        alone = [("legend", shares_alone, discs, named) for discs in (clear, radii)]
        for size, spreads, discs, form in [*tries, *alone]:
            rows = [_figures(page, share, far, size, true=true, point=bool(point), brackets=spread, named=form)
                    for share, far, point in zip(shares, spreads, points, strict=True)]  # fmt: skip
            halves = [(float(text.width) / 2 + PAD, float(text.height) / 2 + PAD) for text in rows]
            if (middles := at_sides(places, discs, halves, (a, b, floor, d))) is not None:
                break
        self.told = spreads[0] is not None
        if spread:
            self.add(*(_ellipse((mean - (x0, y0)) * scale + (a, c), covariance * turned, theme)
                       for mean, covariance, count, point in zip(means, covariances, self.counts, points, strict=True)
                       if count and not point))  # fmt: skip
            of_p = zip(basins.means, basins.covariances, strict=True)
            self.add(*(_ellipse((mean - (x0, y0)) * scale + (a, c), covariance * turned, theme, dashed=True)
                       for mean, covariance in of_p))  # fmt: skip
        if aside := middles is not None:
            self.add(*(_leader(*each, theme) for each in zip(middles or [], halves, places, radii, strict=True)))
        for place, color, point in zip(places, colors, points, strict=True):
            if point or aside:
                radius, ink = (DOT, color) if point else (MARK, theme.fg)
                dot = Dot([place[0], place[1], 0], radius=radius, color=ink, fill_opacity=1)
                self.add(dot.set_stroke(theme.panel, RING * 150))
        for text, middle in zip(rows, middles or _nearby(places, radii, halves, rect), strict=True):
            text.move_to([middle[0], middle[1], 0])
            self.add(pill(text, theme, pad=PAD, alpha=0.92), *text)


def percents(parts: np.ndarray) -> list[int]:
    """Parts (K,) of a whole in percent, which add up to 100: those that lose most by being cut are rounded up."""
    exact = 100 * np.asarray(parts, float) / np.sum(parts)
    whole = np.floor(exact).astype(int)
    for k in np.argsort(whole - exact, kind="stable")[: 100 - whole.sum()]:
        whole[k] += 1
    return whole.tolist()


def _figures(
    page: Page,
    share: tuple[str, str],
    spread: tuple[str, str] | None,
    size: str,
    *,
    true: bool,
    point: bool,
    brackets: bool,
    named: str,
) -> VGroup:
    """The share of a basin and how far its chains are spread, each with, in brackets, what it should be."""
    (made, real), em = share, page.em(size)
    if spread is None:
        said = f"({real}\\%)" if brackets else f"true {real}\\%"
        under = [page.label(said, 0, -1.25 * em, 0, size, "muted")] if true else []
        return VGroup(page.label(f"{made}\\%", 0, 0, 0, size), *under)
    rows = VGroup()
    for k, (form, (made, real), color) in enumerate(
        (("{}\\%", share, "fg"), (named, spread, "reject" if point else "fg"))
    ):
        text = page.label(form.format(made), 0, -1.3 * k * em, -1, size, color)
        rows.add(text)
        if true:
            left = float(text.get_right()[0]) + 0.35 * em
            rows.add(page.label(f"({form.format(real)})", left, -1.3 * k * em, -1, size, "muted"))
    return rows


def _ellipse(middle: np.ndarray, covariance: np.ndarray, theme: Theme, *, dashed: bool = False) -> VGroup:
    """One deviation round a mean, in the scene: dashed, or cased in the panel's colour."""
    turn = np.linspace(0, 2 * np.pi, CORNERS + 1)
    values, axes = np.linalg.eigh(covariance)
    at = middle + np.stack([np.cos(turn), np.sin(turn)], 1) * np.sqrt(np.maximum(values, 0)) @ axes.T
    if not dashed:
        return VGroup(line(at, theme.panel, 3 * LINE), line(at, theme.fg, 1.1 * LINE))
    dashes = [at[k : k + DASH + 1] for k in range(0, CORNERS, PERIOD)]
    return VGroup(*(line(dash, theme.score, 1.6 * LINE) for dash in dashes))


def at_sides(
    places: np.ndarray, radii: Sequence[float] | np.ndarray, halves: Sequence[tuple[float, float]], rect: Rect
) -> list[np.ndarray] | None:
    """Middles of labels in two columns at the sides of a rectangle, each as near as can be to the height of its place.

    places: (K, 2), with discs of `radii`; halves: half the width and height of each label. None if they do not all find
    room, or if one would cover a place or its disc.
    """
    x0, x1, y0, y1 = rect
    order = np.lexsort((places[:, 1], np.round(places[:, 0], 2)))
    half = (len(order) + 1) // 2
    made: list[np.ndarray] = [np.zeros(2)] * len(places)
    for side, members in ((-1, order[:half]), (1, order[half:])):
        column = members[np.argsort(-places[members, 1], kind="stable")]
        if not len(column):
            continue
        gap = 2 * max(halves[k][1] for k in column) + GAP
        high, low = y1 - gap / 2, y0 + gap / 2
        if high - low < (len(column) - 1) * gap:
            return None
        ys = np.clip(places[column, 1], low, high)
        for k in range(1, len(ys)):
            ys[k] = min(ys[k], ys[k - 1] - gap)
        for k in range(len(ys) - 1, -1, -1):
            ys[k] = max(ys[k], low + (len(ys) - 1 - k) * gap)
        for k, y in zip(column, ys, strict=True):
            w = halves[k][0] + EDGE
            made[k] = np.array([x0 + w if side < 0 else x1 - w, y])
    discs = [_around(at, (r, r)) for at, r in zip(places, np.maximum(radii, MARK), strict=True)]
    labels = [_around(middle, size) for middle, size in zip(made, halves, strict=True)]
    return None if any(_shared(label, disc) for label in labels for disc in discs) else made


def _leader(middle: np.ndarray, size: tuple[float, float], place: np.ndarray, radius: float, theme: Theme) -> VGroup:
    """A line from a label's side to the disc at its place, cased in the panel's colour."""
    start = np.array([middle[0] + np.copysign(size[0], place[0] - middle[0]), middle[1]])
    way = place - start
    ends = [start, place - way / (np.linalg.norm(way) or 1.0) * radius]
    return VGroup(line(ends, theme.panel, 3 * LINE), line(ends, theme.fg, 0.7 * LINE))


def _nearby(
    places: np.ndarray, radii: np.ndarray, halves: Sequence[tuple[float, float]], rect: Rect
) -> list[np.ndarray]:
    """Middles of labels on their places or beside their discs, inside the panel, where they cover no other label and no
    disc, and as near as can be.
    """
    taken: list[Rect] = []
    if np.any(radii):
        taken += [_around(at, (r, r)) for at, r in zip(places, np.maximum(radii, MARK), strict=True)]
    x0, x1, y0, y1 = rect
    made: list[np.ndarray] = [np.zeros(2)] * len(places)
    # the innermost first: those at the rim have room outside
    for k in np.argsort(np.linalg.norm(places - places.mean(0), axis=1), kind="stable"):
        (w, h), at, radius = halves[k], places[k], float(radii[k])
        best, least = at, np.inf
        tries = [(0.0, np.zeros(2))] if radius == 0 else []
        for turn in np.arange(16) * np.pi / 8 - np.pi / 2:
            u = np.array([np.cos(turn), np.sin(turn)])
            tries += [(far, u * (radius + far) + u * (w, h)) for far in (0.06, 0.3, 0.7, 1.2, 1.8)]
        for far, away in tries:
            x, y = at + away
            x = float(np.clip(x, x0 + w + EDGE, x1 - w - EDGE))
            y = float(np.clip(y, y0 + h + EDGE, y1 - h - EDGE))
            meets = sum(_shared(_around((x, y), (w, h)), other) for other in taken)
            cost = 100 * meets + far + float(np.hypot(*(np.array([x, y]) - at - away))) + 0.1 * (away[0] != 0)
            if cost < least:
                best, least = np.array([x, y]), cost
        taken.append(_around(best, (w, h)))
        made[k] = best
    return made


def _around(middle: Sequence[float] | np.ndarray, half: tuple[float, float]) -> Rect:
    """The rectangle round a point, of half a width and height."""
    return middle[0] - half[0], middle[0] + half[0], middle[1] - half[1], middle[1] + half[1]


def _shared(a: Rect, b: Rect) -> float:
    """The area that two rectangles share."""
    across, up = min(a[1], b[1]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[2], b[2])
    return max(across, 0.0) * max(up, 0.0)
