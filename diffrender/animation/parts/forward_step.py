"""One recorded step of a forward run, taken apart for one point: it shrinks towards 0, then fresh noise comes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from manim import Circle, Mobject, VGroup, smooth

from diffrender.animation.animations import FadeInFast, FadeOutFast, OpacityScale, UpdateFromAlpha
from diffrender.animation.layout.box import Box
from diffrender.animation.layout.page import narrowed
from diffrender.animation.layout.plane import Plane
from diffrender.animation.mobjects.furniture.arrow import StepArrow
from diffrender.animation.mobjects.furniture.panels import key_arrow, key_dot, legend
from diffrender.animation.parts.whole_data import free_corner, whole_data
from diffrender.animation.theme import LINE
from diffrender.trajectory.reader import Trajectory

NEAR, FADE, GROW, SUM = 0.7, 0.3, 0.5, 1.3  # seconds: the camera, what goes, an arrow; a sentence stands
DIM, ROOM, MARK, KEY = 0.35, 2.2, 0.1, 0.62  # opacity of points; room of the close-up; radius of a place; of a key
LITTLE = 0.6  # of its usual length: less noise than that is told of only where there is no other
EARLY = 0.5  # share of noise in the variance, before which the step lies
SAID = "One recorded step of this point:|One recorded step:"
ADD_UP = "Many such steps add up to\nwhat the equation says at once"


def steps_of(run: Trajectory) -> tuple[np.ndarray, np.ndarray]:
    """(T,) by how much each recorded step multiplies states as shown, and how much new noise it adds."""
    alpha, sigma = (np.asarray(run[key], float) / np.asarray(run.scale, float) for key in ("alpha", "sigma"))
    factor = alpha[1:] / np.maximum(alpha[:-1], 1e-12)
    return factor, np.sqrt(np.maximum(sigma[1:] ** 2 - (factor * sigma[:-1]) ** 2, 0.0))


def told_step(run: Trajectory, way: np.ndarray) -> int | None:
    """The step of a point's way (T+1, D) before noise has its `EARLY` share whose two parts are seen best; None if no
    step adds noise there, or if it takes no part of the point away."""
    factor, added = steps_of(run)
    alpha, sigma = (np.asarray(run[key], float) for key in ("alpha", "sigma"))
    share = sigma**2 / (alpha**2 + sigma**2)
    shrunk = (factor - 1)[:, None] * way[:-1]
    kick = np.diff(way, axis=0) - shrunk
    a, b = np.linalg.norm(shrunk, axis=1), np.linalg.norm(kick, axis=1)
    across = np.sqrt(np.maximum(1 - np.square((shrunk * kick).sum(1) / np.maximum(a * b, 1e-12)), 0.0))
    usual = np.maximum(added * np.sqrt(way.shape[1]), 1e-12)  # so long noise is, about
    seen = across * a / np.maximum(b, 1e-12) * np.where(b < LITTLE * usual, 1e-3, 1.0)
    good = np.where((share[1:] < EARLY) & (factor < 1) & (added > 0), seen, 0.0)
    return int(np.argmax(good)) if good.max() > 0 else None


class ForwardStep:
    """Draws step `step` of a point's way (T+1, D) in a view, and says in a box what it is.

    shrunk: (D,) where the point is when it has shrunk. closer: the part of data space in which it is seen.
    """

    def __init__(self, scene: Any, view: Plane, way: np.ndarray, step: int, box: Box) -> None:
        self.scene, self.view, self.box = scene, view, box
        self.far = view.box, view.rect
        factor, added = steps_of(scene.run)
        self.start, self.end = np.asarray(way[step], float), np.asarray(way[step + 1], float)
        self.shrunk = factor[step] * self.start
        self.closer = view.fit(np.stack([self.start, self.shrunk, self.end]), ROOM)
        self.inset = self._inset(np.asarray(scene.states[step]), scene.tints[step])
        theme = scene.theme
        self.place = Circle(radius=MARK).set_stroke(theme.fg, 110 * LINE).set_fill(theme.panel, 1).set_z_index(13)
        self.shrinks = StepArrow(theme.data, scale=0.8, casing=theme.panel).set_z_index(14)
        self.adds = StepArrow(theme.noise, scale=0.8, dashed=True, casing=theme.panel).set_z_index(14)
        self._texts(float(factor[step]), float(added[step]))

    def _texts(self, factor: float, added: float) -> None:
        """The sentence with its numbers, the key, and what all steps are together."""
        page, theme, box = self.scene.page, self.scene.theme, self.box
        sentence = page.words(page.fitting(SAID, box.width, "label"))
        shrunk, noise = f"{{{{{factor:.3f} thin x_(t-1) : data}}}}", f"{{{{{added:.3f} thin epsilon : noise}}}}"
        numbers = page.maths(f"x_t = {shrunk} + {noise}")
        later = [page.words(line) for line in ADD_UP.split("\n")]
        placed = page.stack(
            box, narrowed(sentence, box.width), narrowed(numbers, box.width), gap=0.5, align=page.column_align
        )
        em, y = page.em("legend"), float(placed[-1].get_bottom()[1])
        items = [
            (key_dot(theme.panel, radius=MARK, ring=theme.fg), "the point $x_(t-1)$|$x_(t-1)$"),
            (key_arrow(theme.data), "it shrinks towards 0|shrinks"),
            (key_arrow(theme.noise, dashed=True), "fresh noise is added|fresh noise"),
        ]
        self.rows = []
        for key, forms in items:
            y -= 1.7 * em
            text = page.fitting(forms, box.width - KEY - 0.2, "legend")
            self.rows.append(legend([(key, KEY, text)], box.left, y, em, theme))
        under = box._replace(top=y - 1.2 * em)
        self.said = placed
        share = min(1.0, box.width / max(line.width for line in later))
        self.later = page.stack(under, *(line.scale(share) for line in later), gap=0.5, align=page.column_align)

    def _inset(self, states: np.ndarray, color: str) -> Sequence[Mobject]:
        """All points in small, with a frame round the close-up, where its marks leave most room."""
        view = self.view
        view.lay(self.closer, self.far[1])
        marks = view.to_scene(np.stack([self.start, self.shrunk, self.end]))
        view.lay(*self.far)
        corner = free_corner(self.far[1], marks)
        return whole_data(self.scene, states, self.closer, corner, degrees=0.0, color=color)

    def at(self, place: np.ndarray) -> np.ndarray:
        """(3,) the scene point of a place."""
        return np.array([*self.view.to_scene(place), 0.0])

    def play(self, gone: Sequence[Mobject], dimmed: Sequence[Mobject], hidden: Mobject, moves: Any) -> None:
        """In place of what is `gone` or `hidden`: a step, the point moved by `moves(share)`; then as before."""
        scene, seconds = self.scene, self.scene.seconds
        gone = [mob for mob in gone if mob in scene.mobjects]
        faint, away = OpacityScale(*dimmed), OpacityScale(hidden)

        def dim(u: float) -> None:
            faint.set(1 + u * (DIM - 1))
            away.set(1 - u)

        scene.play(FadeOutFast(*gone, run_time=seconds(FADE)))
        scene.play(
            self.view.move(self.closer, self.far[1], seconds(NEAR)),
            UpdateFromAlpha(dim, *dimmed, hidden, run_time=seconds(NEAR), adds=False),
            FadeInFast(*self.inset, run_time=seconds(FADE)),
            FadeInFast(*self.said, self.rows[0], run_time=seconds(NEAR), after=0.4),
        )
        start, shrunk, end = (self.at(place) for place in (self.start, self.shrunk, self.end))
        scene.add(self.place.move_to(start))
        for arrow, (a, b), row in zip(
            (self.shrinks, self.adds), ((start, shrunk), (shrunk, end)), self.rows[1:], strict=True
        ):
            self._grow(arrow, a, b, row)
        scene.play(UpdateFromAlpha(lambda u: moves(float(smooth(u))), run_time=seconds(GROW)))
        scene.play(FadeInFast(*self.later, run_time=seconds(FADE)))
        scene.stand(seconds(SUM))
        marks = [self.place, self.shrinks, self.adds]
        scene.play(FadeOutFast(*marks, *self.inset, run_time=seconds(FADE)))  # before the view moves: they stand still
        scene.play(
            FadeOutFast(*self.said, *self.rows, *self.later, run_time=seconds(FADE)),
            self.view.move(*self.far, seconds(NEAR)),
            UpdateFromAlpha(lambda u: dim(1 - u), *dimmed, hidden, run_time=seconds(NEAR), adds=False),
            FadeInFast(*gone, run_time=seconds(NEAR), after=0.5),
        )

    def _grow(self, arrow: StepArrow, start: np.ndarray, end: np.ndarray, row: VGroup) -> None:
        seconds = self.scene.seconds(GROW)
        grow = UpdateFromAlpha(lambda u: arrow.put(start, end, float(smooth(u))), arrow, run_time=seconds)
        self.scene.play(grow, FadeInFast(row, run_time=seconds))
