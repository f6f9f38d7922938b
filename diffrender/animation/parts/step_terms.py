"""One recorded step term by term: arrows in the colours of the equation's terms, and beside them their numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from manim import VGroup

from diffrender.animation.layout.page import Page, containing
from diffrender.animation.layout.plane import Plane
from diffrender.animation.mobjects.furniture.arrow import StepArrow
from diffrender.animation.mobjects.furniture.panels import KEY_DOT_WIDTH, Key, Rect, key_arrow, key_dot
from diffrender.animation.theme import Theme
from diffrender.trajectory.reader import Trajectory

SCALE = 0.9  # of the arrows
LONG = (
    0.7,
    0.8,
    0.6,
    0.4,
    2.0,
)  # of the way to x̂0: move, kick, DDIM's move, Heun's less DDIM's, the posterior's spread
ABOUT = 0.8  # of what must be seen, from its middle to the edge of the view
ROOM = 0.65  # deviations of the posterior that are shown about its mean


class StepTerms(VGroup):
    """The arrows of one step of the followed chain, as recorded: to x̂0, the move, the kick, the sum.

    step: which one. ends: name → (from, to) in data units as shown. values: name → the recorded vectors as the equation
    has them. mobjects: the arrows, each grown by `grow`.
    """

    def __init__(self, view: Plane, run: Trajectory, step: int, *, theme: Theme) -> None:
        run.require("x0", "drift", "noise")
        self.view, self.step, chain = view, step, int(run.meta["followed"])
        x, after, x0, drift, noise = (
            np.asarray(v, float)
            for v in (run["x"][step, chain], run["x"][step + 1, chain], *(run[k][step, chain] for k in
                                                                          ("x0", "drift", "noise")))
        )  # fmt: skip
        self.values = {"x": x, "guess": x0, "move": x + drift, "noise": noise, "sum": after}
        now, then = run.scale[step], run.scale[step + 1]
        mean = (x + drift) / then
        self.ends = {
            "guess": (x / now, x0),
            "move": (x / now, mean),
            "noise": (mean, after / then),
            "sum": (x / now, after / then),
        }
        look: dict[str, Any] = {"scale": SCALE, "casing": theme.bg}
        self.arrows = {
            "guess": StepArrow(theme.data, dashed=True, scale=0.6, casing=theme.bg),
            "move": StepArrow(theme.data, **look),
            "noise": StepArrow(theme.noise, **look),
            "sum": StepArrow(theme.fg, **look),
        }
        self.grown = dict.fromkeys(self.arrows, 0.0)
        self.mobjects: list[Any] = [arrow.set_z_index(7) for arrow in self.arrows.values()]
        super().__init__(*self.mobjects)
        view.attached.append(self)
        self.show_view(view)

    def grow(self, *names: str, u: float = 1.0) -> None:
        """Let arrows be grown to the part u of their length."""
        for name in names:
            self.grown[name] = u
        self.show_view(self.view)

    def show_view(self, view: Plane) -> None:
        """Follow the view where it moves to."""
        for name, arrow in self.arrows.items():
            a, b = (np.array([*view.to_scene(p), 0.0]) for p in self.ends[name])
            arrow.put(a, b, self.grown[name])

    def keys(self, theme: Theme) -> list[tuple[Key, float, str]]:
        """What the marks mean: the posterior, and the arrows of each term."""
        arrows = {"move": theme.data, "noise": theme.noise, "step": theme.fg}
        return [
            (key_dot(theme.data), KEY_DOT_WIDTH, "$p(x_0|x_t)$"),
            *((key_arrow(color), 0.62, name) for name, color in arrows.items()),
        ]

    def lines(self, page: Page) -> dict[str, Any]:
        """Lines of text with the numbers of each term, in its colour; where the vector is of the plane or of space."""
        names = {
            "x": ("x_t", "fg"),
            "guess": ("hat(x)_0", "data"),
            "move": ("tilde(mu)", "data"),
            "noise": ("tilde(sigma) xi", "noise"),
        }
        names["sum"] = ("x_(t-1)", "fg")
        return {key: page.words(f"${sign} = {vector(self.values[key])}$", "label", color)
                for key, (sign, color) in names.items()}  # fmt: skip


def vector(values: np.ndarray) -> str:
    """A vector as Typst sets it: (0.41, −0.30)."""
    return "(" + ", ".join(f"{v:.2f}" for v in values + 0.0) + ")"


def telling_step(run: Trajectory) -> int:
    """The recorded step that is best to be seen, by rule: what happens in it is near `LONG` of the way to x̂0."""
    chain, last = int(run.meta["followed"]), max(run.steps - 1, 1)  # the last has no noise

    def vectors(key: str) -> np.ndarray:
        return np.asarray(run[key][:last, chain], float)

    lengths = [np.linalg.norm(vectors(key), axis=1) for key in ("drift", "noise", "move_ddim")]
    lengths.append(np.linalg.norm(vectors("move_heun") - vectors("move_ddim"), axis=1))
    lengths.append(np.sqrt(np.trace(np.asarray(run["posterior_cov"][:last], float), axis1=1, axis2=2)))
    states = np.stack([np.asarray(run.states[k][chain], float) for k in range(last)])
    way = np.maximum(np.linalg.norm(vectors("x0") - states, axis=1), 1e-9)
    off = [np.abs(np.log(np.maximum(v, 1e-9) / (part * way))) for v, part in zip(lengths, LONG, strict=True)]
    return int(np.argmin(np.sum(off, axis=0)))


def window(view: Plane, run: Trajectory, terms: StepTerms) -> Rect:
    """The part of the view's plane, of the shape of its rectangle, that holds a step's arrows and its posterior."""
    mean, cov = (np.asarray(run[key][terms.step], float) for key in ("posterior_mean", "posterior_cov"))
    reach = ROOM * np.sqrt(np.diag(cov))
    points = view.flat(
        np.concatenate(
            [np.array(list(terms.ends.values())).reshape(-1, len(mean)), np.stack([mean + reach, mean - reach])]
        )
    )
    (x0, y0), (x1, y1) = points.min(0), points.max(0)
    x, y, w, h = (x0 + x1) / 2, (y0 + y1) / 2, ABOUT * (x1 - x0), ABOUT * (y1 - y0)
    return containing((x - w, x + w, y - h, y + h), view.rect)
