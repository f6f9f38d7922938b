"""The zoom window on underdamped Langevin: half a kick, half a drift, friction and noise, half a drift, half a kick."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from diffrender.animation.animations import OpacityScale
from diffrender.animation.mobjects.furniture.arrow import StepArrow
from diffrender.animation.mobjects.furniture.panels import Rect
from diffrender.animation.mobjects.plane.heat import Heatmap
from diffrender.animation.parts.zoom.path_window import Ends, PathView, after
from diffrender.animation.parts.zoom.step_window import stages
from diffrender.animation.theme import Theme

# seconds of what a step does, in the order of the integrator: B, A, O (two of them), A, B
BAOAB = {"kick": 0.6, "drift": 0.3, "friction": 0.45, "noise": 0.5, "drift_on": 0.3, "kick_on": 0.6, "glide": 0.2}
COLORS = {
    "momentum": "accept", "kick": "score", "kicked": "accept", "friction": "reject", "noise": "noise",
    "shaken": "accept", "kick_on": "score", "next": "accept",
}  # fmt: skip
CHANGES = ("kick", "friction", "noise", "kick_on")  # arrows of what changes a velocity; the others are velocities
REACH = 2.5  # so many steps after which a velocity alone would be at its arrow's tip
RESULT = 0.65  # of a stage, after which the velocity that comes of it grows
DIMMED = 0.5  # of the velocity that a kick has changed: it makes room for what came of it
BESIDE = 0.16  # scene units from the velocity to the friction along it, so that both heads are seen


class FrictionView(PathView):
    """The window in which the velocity is carried along, kicked, slowed and shaken in the order of BAOAB.

    step_size: h. friction: gamma. Every arrow is a velocity or a change of one, of the recorded path and momenta, and
    stands where the chain is then. tags: names of `COLORS`.
    """

    def __init__(
        self,
        rect: Rect,
        size: tuple[float, float],
        heat: Heatmap,
        *,
        step_size: float,
        friction: float,
        theme: Theme,
        scale: float = 1.05,
        **window: Any,
    ) -> None:
        self.step_size, self.friction = step_size, friction
        arrows = {
            name: StepArrow(theme.color(color), dashed=name in CHANGES, scale=scale, casing=theme.panel)
            for name, color in COLORS.items()
        }
        super().__init__(rect, size, heat, arrows=arrows, going=(), theme=theme, **window)
        self.fading = {name: OpacityScale(arrow) for name, arrow in self.arrows.items()}

    def stages(self, part: float) -> dict[str, float]:
        """How far each stage of `BAOAB` has come, and of the way to the next state."""
        done = stages(part, BAOAB)
        return {**done, "hold": 0.0, "move": (done["drift"] + done["drift_on"]) / 2}

    def passing(self, part: float) -> dict[str, float]:
        """A step that goes by too fast to be taken apart: the velocity is carried along, and turns."""
        return {"hold": 0.0, "glide": part, "move": part}

    def parts(self, step: int) -> dict[str, np.ndarray]:
        """Each velocity of a step and each change of one, (2,), in the order in which they come."""
        path, momentum = self.path[step : step + 1], self.momentum[step : step + 2]
        return {name: v[0] for name, v in momentum_parts(path, momentum, self.step_size, self.friction).items()}

    def ends(self, step: int) -> Ends:
        """Velocities begin where the chain is, changes where the velocity before them ends; friction lies beside it."""
        parts = {name: self.time * v for name, v in self.parts(step).items()}
        x, middle, following = np.asarray(self.path[step], float)
        side = np.array([-parts["kicked"][1], parts["kicked"][0]])
        side *= -np.sign(side @ parts["noise"] or 1.0) / max(float(np.hypot(*side)), 1e-12)  # where noise is not
        side *= BESIDE * self.size[0] / (self.rect[1] - self.rect[0])
        tails = {
            "momentum": x, "kick": x + parts["momentum"], "kicked": x, "friction": middle + parts["kicked"] + side,
            "noise": middle + parts["kicked"] + parts["friction"], "shaken": middle,
            "kick_on": following + parts["shaken"], "next": following,
        }  # fmt: skip
        return {name: (tail, tail + parts[name]) for name, tail in tails.items()}

    def passing_points(self, step: int) -> np.ndarray:
        """(M, 2) where the chain is, its path, and the tips of its velocities."""
        ends = self.ends(step)
        return np.stack([self.x[step], *self.path[step], ends["momentum"][1], ends["next"][1]])

    def drawn_ends(self, step: int, done: Mapping[str, float]) -> Ends:
        """The same, each velocity where the chain has come with it; one that passes on its way to the next one."""
        ends, here = self.ends(step), self.now(step, done["move"])
        if "kick" not in done:
            (a, b), (c, d) = ends["momentum"], ends["next"]
            return {"momentum": (here, here + (b - a) + done["move"] * ((d - c) - (b - a)))}
        for name in ("kicked", "shaken"):
            tail, tip = ends[name]
            middle = self.path[step][1]
            at = np.asarray(here if (name == "shaken") == (done["drift_on"] > 0) else middle, float)
            ends[name] = (at, at + tip - tail)
        return ends

    def draw_step(self, step: int, done: Mapping[str, float]) -> None:
        """Draw the arrows of the stage that has come, and the path as far as it has been gone."""
        grown, there = self.grown(done), self._there(done)
        drawn = self.drawn_ends(step, done)
        for name, arrow in self.arrows.items():
            if not there[name] or name not in drawn:
                arrow.lay([])
                continue
            start, end = drawn[name]
            (a,), (b,) = self.inside(start[None], end[None])
            arrow.put(a, b, grown[name] * bool(self.holds(start)))
            self.fading[name].set(there[name])
        self.draw_way(step, done["move"])

    def grown(self, done: Mapping[str, float]) -> Mapping[str, float]:
        """How far arrows have grown, and how far the equation's terms are lit."""
        if "kick" not in done:
            return {"momentum": 1.0}
        changes = {name: after(done[name], 0, RESULT) for name in ("kick", "noise", "kick_on")}
        made = {
            "kicked": after(done["kick"], RESULT, 1), "shaken": after(done["noise"], RESULT, 1),
            "next": after(done["kick_on"], RESULT, 1), "momentum": 1.0, "friction": done["friction"],
        }  # fmt: skip
        there = self._there(done)
        lit = {"score": max(changes["kick"] * there["kick"], changes["kick_on"]), "reject": done["friction"]}
        return changes | made | lit

    def strength(self, name: str, done: Mapping[str, float]) -> float:
        """How far what has a tag is there."""
        return self._there(done)[name]

    @staticmethod
    def _there(done: Mapping[str, float]) -> dict[str, float]:
        """How opaque each arrow is: it goes as the chain goes on with what came of it."""
        if "kick" not in done:
            return {name: float(name == "momentum") for name in COLORS}
        first, second, last = (1 - after(done[name], 0, 0.6) for name in ("drift", "drift_on", "glide"))
        first_dimmed = first * (1 - DIMMED * after(done["kick"], RESULT, 1))
        passed = second * (1 - DIMMED * after(done["noise"], RESULT, 1))
        leaving = {"momentum": first_dimmed, "kick": first, "kicked": passed, "friction": passed, "noise": second}
        return leaving | {"shaken": last, "kick_on": last, "next": 1.0}


def momentum_parts(path: np.ndarray, momentum: np.ndarray, step_size: float, friction: float) -> dict[str, np.ndarray]:
    """Velocities of K steps of BAOAB, (K, 2) each, and what changes them, in the order in which they come.

    `momentum`, half a `kick`, `kicked`; what `friction` takes, what `noise` gives, `shaken`; half a kick, `kick_on`,
    and `next`. path: (K, 3, 2). momentum: (K + 1, 2), or (K, 2) if the recording ends with these steps, whose last half
    kick it does not hold: it is zero.
    """
    kept = float(np.exp(-friction * step_size))
    first, second = np.moveaxis(np.diff(np.asarray(path, float), axis=1) * 2 / step_size, 1, 0)
    v, following = np.asarray(momentum[: len(path)], float), np.asarray(momentum[1:], float)
    if len(following) < len(path):
        following = np.concatenate([following, second[-1:]])
    return {
        "momentum": v, "kick": first - v, "kicked": first, "friction": (kept - 1) * first,
        "noise": second - kept * first, "shaken": second, "kick_on": following - second, "next": following,
    }  # fmt: skip
