"""One recorded step of a forward run, taken apart for one point: it shrinks towards 0, then fresh noise comes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from manim import Circle, Mobject, smooth

from diffrender.animation.animations import FadeInFast, FadeOutFast, OpacityScale, UpdateFromAlpha
from diffrender.animation.layout.box import Box
from diffrender.animation.layout.page import narrowed
from diffrender.animation.layout.plane import Plane
from diffrender.animation.mobjects.furniture.arrow import StepArrow
from diffrender.animation.mobjects.furniture.panels import (
    cut,
    frame,
    key_arrow,
    key_dot,
    legend,
    line,
    panel,
    put_dashes,
)
from diffrender.animation.parts.axes import scale_bar
from diffrender.animation.parts.schedule_plot import variance_kept
from diffrender.animation.parts.whole_data import free_corner, whole_data
from diffrender.animation.theme import LINE
from diffrender.trajectory.reader import Trajectory

NEAR, FADE, GROW, SUM = 0.7, 0.3, 0.5, 1.6  # seconds: the camera, what goes, an arrow; what all steps are stands
DIM, ROOM, MARK, KEY = 0.35, 1.7, 0.1, 0.62  # opacity of points; room of the close-up; radius of a place; of a key
LITTLE = 0.6  # of its usual length: less noise than that is told of only where there is no other
EARLY = 0.9  # share of noise in the variance, before which the step lies: an early one takes next to nothing away
ALONG, ASIDE = 0.55, 0.24  # of the ray to 0, where its name stands; units beside it
SAID = "This point, step {0} to {1} of {2} ($t =$ {3})|Step {0} to {1} of {2} ($t =$ {3})|Step {0} to {1} of {2}"
TIMES = "the point {0}, magnified × {1}|{0}, magnified × {1}|{0}, × {1}"
TOGETHER = "All {0} steps so far together|All {0} together"
TO_ZERO = "to 0"
CHAIN = "x_k = {{sqrt(alpha_k) thin x_(k-1) : data}} + {{sqrt(1 - alpha_k) thin epsilon_k : noise}}"
BAR = 0.25  # of a panel that its scale bar is long, at most
IN_ONE = "$epsilon$: their noises in one, again normal|$epsilon$: all their noises"


def steps_of(run: Trajectory) -> tuple[np.ndarray, np.ndarray]:
    """(T,) by how much each recorded step multiplies states as shown, and how much new noise it adds."""
    alpha, sigma = (np.asarray(run[key], float) / np.asarray(run.scale, float) for key in ("alpha", "sigma"))
    factor = alpha[1:] / np.maximum(alpha[:-1], 1e-12)
    return factor, np.sqrt(np.maximum(sigma[1:] ** 2 - (factor * sigma[:-1]) ** 2, 0.0))


def one_step(run: Trajectory, step: int) -> tuple[str, str]:
    """Typst of both parts of the state that a recorded step leads to, in numbers: 0.986 x₁₉ and 0.169 ε₂₀."""
    factor, added = steps_of(run)
    return f"{factor[step]:.3f} thin x_{step}", f"{added[step]:.3f} thin epsilon_{step + 1}"


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
    """Draws step `step` of a point's way (T+1, D) on a panel `large`, and says in a box what it is, and all until then.

    shrunk: (D,) where the point is when it has shrunk. closer: the part of data space in which it is seen.
    """

    def __init__(self, scene: Any, view: Plane, way: np.ndarray, step: int, large: Box, box: Box) -> None:
        self.scene, self.view, self.large, self.box, self.step = scene, view, large, box, step
        self.far = view.box, view.rect
        self.factor, self.added = steps_of(scene.run)
        self.start, self.end = np.asarray(way[step], float), np.asarray(way[step + 1], float)
        self.shrunk = self.factor[step] * self.start
        theme = scene.theme
        self.ground = [panel(large, theme), frame(large, theme.border).set_z_index(8)]
        self._aim(np.asarray(scene.states[step]), scene.tints[step])
        self.place = Circle(radius=MARK).set_stroke(theme.fg, 110 * LINE).set_fill(theme.panel, 1).set_z_index(13)
        self.shrinks = StepArrow(theme.data, scale=0.8, casing=theme.panel).set_z_index(14)
        self.adds = StepArrow(theme.noise, scale=0.8, dashed=True, casing=theme.panel).set_z_index(14)
        self._texts()

    def _aim(self, states: np.ndarray, color: str) -> None:
        """The close-up with its ray to 0, and all points in small, where marks leave most room."""
        view, theme, told = self.view, self.scene.theme, np.stack([self.start, self.shrunk, self.end])
        before = view.box[1] - view.box[0], view.rect[1] - view.rect[0]
        view.lay(view.box, self.large)
        self.closer = view.fit(told, ROOM, every=True)
        view.lay(self.closer, self.large)
        self.times = self.large.width / (self.closer[1] - self.closer[0]) * before[0] / before[1]
        start, shrunk, end = view.to_scene(told)
        zero = view.to_scene(np.zeros(2))
        zero = start + float(cut(start, zero[None], self.large)[0]) * (zero - start)
        across = np.array([start[1] - zero[1], zero[0] - start[0]]) / np.hypot(*(zero - start))
        side = -np.sign(across @ (end - start)) or 1.0  # where the arrow of the noise is not
        self.ray = put_dashes(line([start, zero], theme.muted, 0.8 * LINE), start, zero).set_z_index(12)
        said = self.scene.page.words(TO_ZERO, "legend", "muted")
        x, y = start + ALONG * (zero - start) + (ASIDE + said.width / 2) * side * across
        inside = self.large.inset(0.15 + said.width / 2, 0.15 + said.height / 2)
        place = np.clip((x, y), (inside.left, inside.bottom), (inside.right, inside.top))
        said.move_to([*place, 0.0])
        self.to_zero = [self.ray, said.set_z_index(12)]
        view.lay(*self.far)
        corner = free_corner(self.large, np.stack([start, shrunk, end, zero, place]))
        self.inset = whole_data(self.scene, states, self.closer, corner, degrees=0.0, color=color)

    def _texts(self) -> None:
        """The step with its numbers, the key, and what all steps are together."""
        page, theme, box, run, k = self.scene.page, self.scene.theme, self.box, self.scene.run, self.step + 1
        named = k - 1, k, run.steps, f"{run['time'][k]:.2f}"
        head = page.words(page.fitting(SAID, box.width, "label", *named).format(*named))
        shrunk, noise = one_step(run, self.step)
        rows = [page.maths(f"x_{k} = {{{{{shrunk} : data}}}} + {{{{{noise} : noise}}}}")]
        if page.shape != "tall" and variance_kept(np.asarray(run["alpha"]), np.asarray(run["sigma"])):
            rows.insert(0, page.maths(CHAIN))
        self.said = page.stack(
            box, narrowed(head, box.width), *(narrowed(row, box.width) for row in rows), gap=0.45,
            align=page.column_align,
        )  # fmt: skip
        em, y = page.em("legend"), float(self.said[-1].get_bottom()[1])
        place = f"$x_{k - 1}$", f"{self.times:.1f}"
        items = [
            (key_dot(theme.panel, radius=MARK, ring=theme.fg), TIMES, place),
            (key_arrow(theme.data), "it shrinks towards 0|shrinks", ()),
            (key_arrow(theme.noise, dashed=True), "fresh noise $epsilon_k$ is added|fresh noise", ()),
        ]
        self.rows = []
        for key, forms, values in items:
            y -= 1.6 * em
            text = page.fitting(forms, box.width - KEY - 0.2, "legend", *values).format(*values)
            self.rows.append(legend([(key, KEY, text)], box.left, y, em, theme))
        low = self.large.bottom if page.shape == "square" else y - 0.6 * em  # there it is as wide as the frame
        self.later = self._together(Box(min(box.left, self.large.left), box.right, box.bottom, low - 0.2)
                                    if page.shape == "square" else box._replace(top=low))  # fmt: skip

    def _together(self, box: Box) -> list[Any]:
        """The product of all factors so far, and with it the equation that says all steps at once."""
        page, run, k = self.scene.page, self.scene.run, self.step + 1
        kept = variance_kept(np.asarray(run["alpha"]), np.asarray(run["sigma"]))
        first, second, last = (f"{self.factor[j]:.3f}" for j in (0, 1, self.step))
        name = f"sqrt(macron(alpha)_{k}) = " * kept
        product = f"{name}{first} dot {second} dots.c {last} = {float(np.prod(self.factor[:k])):.3f}"
        whole, noise = (float(run[key][k] / run.scale[k]) for key in ("alpha", "sigma"))
        equation = f"x_{k} = {{{{{whole:.3f} thin x_0 : data}}}} + {{{{{noise:.3f} thin epsilon : noise}}}}"
        roomy = page.shape in ("wide", "classic")
        head, maths = ("label", "equation") if roomy else ("legend", "label")
        texts = [
            page.words(page.fitting(TOGETHER, box.width, head, k).format(k), head),
            page.maths(f"{{{{{product} : data}}}}", "label"),
            page.maths(equation, maths),
            page.words(page.fitting(IN_ONE, box.width, "legend"), "legend"),
        ]
        texts = [narrowed(text, box.width) for text in texts]
        while (placed := page.stack(box, *texts, gap=0.4 if roomy else 0.25, align=page.column_align))[-1].get_bottom()[
            1
        ] < box.bottom:
            texts.pop()
        return placed

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
        bar = scale_bar(self.view, scene.page, self.large, share=BAR, under=scene.theme.panel).set_z_index(9)
        ground, near = [*self.ground, bar], seconds(NEAR)
        scene.play(
            self.view.move(self.closer, self.large, near),
            UpdateFromAlpha(dim, *dimmed, hidden, run_time=near, adds=False),
            FadeInFast(*ground, run_time=seconds(FADE)),
            FadeInFast(*self.said, self.rows[0], *self.inset, run_time=near, after=0.4),
        )
        start, shrunk, end = (self.at(place) for place in (self.start, self.shrunk, self.end))
        scene.add(self.place.move_to(start))
        self._grow(self.shrinks, start, shrunk, self.rows[1], *self.to_zero)
        self._grow(self.adds, shrunk, end, self.rows[2])
        scene.play(UpdateFromAlpha(lambda u: moves(float(smooth(u))), run_time=seconds(GROW)))
        scene.play(FadeInFast(*self.later, run_time=seconds(FADE)))
        scene.stand(seconds(SUM))
        marks = [self.place, self.shrinks, self.adds, *self.to_zero]
        scene.play(FadeOutFast(*marks, *self.inset, run_time=seconds(FADE)))  # before the view moves: they stand still
        scene.play(
            FadeOutFast(*self.said, *self.rows, *self.later, run_time=seconds(FADE)),
            FadeOutFast(*ground, run_time=near),
            self.view.move(*self.far, near),
            UpdateFromAlpha(lambda u: dim(1 - u), *dimmed, hidden, run_time=near, adds=False),
            FadeInFast(*gone, run_time=near, after=0.5),
        )
        self.view.attached.remove(bar)

    def _grow(self, arrow: StepArrow, start: np.ndarray, end: np.ndarray, *beside: Mobject) -> None:
        seconds = self.scene.seconds(GROW)
        grow = UpdateFromAlpha(lambda u: arrow.put(start, end, float(smooth(u))), arrow, run_time=seconds)
        self.scene.play(grow, FadeInFast(*beside, run_time=seconds))
