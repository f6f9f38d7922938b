"""The choice of a recording's window under the magnifier: arrows or a path, its width and its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from diffrender.animation.layout.page import Page
from diffrender.animation.mobjects.furniture.panels import Key, Rect, key_arrow, key_line
from diffrender.animation.parts.density_panel import DensityPanel
from diffrender.animation.parts.zoom.gauge import Gauge
from diffrender.animation.parts.zoom.pacing import centres_of, window_centres
from diffrender.animation.parts.zoom.path_window import PathView
from diffrender.animation.parts.zoom.step_window import ChainWindow, StepView
from diffrender.animation.parts.zoom.verdict import Verdict, key_cross
from diffrender.animation.text.typst import Typeset
from diffrender.animation.theme import Theme
from diffrender.core.errors import RenderError
from diffrender.trajectory.reader import Trajectory

ISOLINES = np.arange(0.06, 1, 0.08)  # values of the colour at which they run
_WIDTH = {
    "wide": 5.0,
    "classic": 3.9,
    "square": 3.9,
    "tall": 5.5,
}  # of the window, in √(2τ), the spread of one step's noise
PATH_ROOM = 1.4  # width of the window of paths, in the largest width of what one step draws
SCALE_ROOM = 0.65  # scene units: height of the strip in which the scale bar lies
LEAST, MOST = 0.05, 0.6  # of the density's width, at least and at most
# so many steps after which a momentum alone would be at its arrow's tip: if paths are judged, if not
ARROW = {True: 0.3, False: 2.5}
TERMS = {"sum": "sum", "state": "fg", "score": "score", "noise": "noise"}  # of an equation, and their colours
TAGS = {"sum": "x_(t+1)", "score": "tau nabla log p(x_t)", "noise": "sqrt(2 tau) thin epsilon", "state": "x_t"}
PATH_TAGS = {"end": "x_(t+1)", "state": "x_t"}
PROPOSED = "x'"  # where a step ends that is a proposal


@dataclass(frozen=True)
class Looked:
    """A window, where its centre (K, 2) is at each of the K steps that are shown, and the gauge that lies in it."""

    view: ChainWindow
    centres: np.ndarray
    gauge: Gauge | None = None


def check_moves(run: Trajectory) -> None:
    """RenderError if a recording has no steps that the magnifier can take apart."""
    if "path" in run and "momentum" in run:
        moved = np.any(run["x"][1:] != run["x"][:-1], axis=-1)
        if np.allclose(run["path"][:, :, -1][moved], run["x"][1:][moved], atol=1e-4):
            return
        raise RenderError(f"{run.file}: its paths do not end at its states.", "Record every step (record.every: 1).")
    run.require("drift", "noise")
    moves = run["drift"] + run["noise"]
    if "accepted" in run:
        moves = moves * np.asarray(run["accepted"])[..., None]
    if not np.allclose(run["x"][1:] - run["x"][:-1], moves, atol=1e-4):
        raise RenderError(
            f"{run.file}: its moves are not drift + noise, so steps cannot be drawn as their sum.",
            "Record every step (record.every: 1) of a Langevin sampler (sampler.kind: ula, mala, underdamped or hmc).",
        )


def momentum_color(run: Trajectory) -> str:
    """That of chance, if each momentum is drawn for its path, with which it is judged; else, as it goes on, another."""
    return "noise" if "accepted" in run else "accept"


def window_keys(run: Trajectory, theme: Theme, words: Mapping[str, str]) -> list[tuple[Key, float, str]]:
    """A legend of what the window shows: its arrows or its path, and what is refused of proposals."""
    if "path" in run:
        momentum = key_arrow(theme.color(momentum_color(run)), dashed=True)
        keys = [(momentum, 0.62, words["momentum"]), (key_line(theme.sum), 0.5, words["path"])]
    else:
        keys = [
            (key_arrow(theme.score, dashed=True), 0.62, "$tau nabla log p$"),
            (key_arrow(theme.noise, dashed=True), 0.62, words["noise"]),
        ]
    if "accepted" in run:  # a proposal is the sum, which the window names
        return [*keys, (key_cross(theme), 0.2, words["refused"])]
    return keys if "path" in run else [*keys, (key_arrow(theme.sum), 0.62, words["sum"])]


def window_on(
    density: DensityPanel, window: Rect, run: Trajectory, steps: slice, below: Rect, words: Mapping[str, str]
) -> Looked:
    """The window on some steps of a recording's first chain; its parameters are those of the `Magnifier`."""
    verdict = None
    if "accepted" in run:
        page = density.page
        said = page.words(words["refused"], "legend", "reject"), page.words(words["taken"], "legend", "accept")
        verdict = Verdict(run["accepted"][:, 0], run["proposal"][:, 0], said, window, page.theme)
    if "path" in run:
        return _on_paths(density, window, run, steps, verdict)
    return _on_arrows(density, window, run, steps, below, verdict)


def _on_arrows(
    density: DensityPanel, window: Rect, run: Trajectory, steps: slice, below: Rect, verdict: Verdict | None
) -> Looked:
    """The window on steps of two arrows, and the gauge of their lengths."""
    page, x, drift, noise = density.page, run["x"][:, 0], run["drift"][:, 0], run["noise"][:, 0]
    width = _WIDTH[page.shape] * float(np.sqrt((noise[steps] ** 2).mean()))
    size = (width, width * (window[3] - window[2]) / (window[1] - window[0]))
    longest = float(np.hypot(*np.concatenate([drift[steps], noise[steps]]).T).max())
    gauge = Gauge(page, window, below, longest).set_z_index(7)
    # what is looked at stays above the strip in which the gauge lies, and under that of the verdict
    unit, top = width / (window[1] - window[0]), verdict.strip if verdict else 0.0
    free = (size[0], size[1] - (gauge.strip + top) * unit)
    centres = window_centres(x[steps], drift[steps], noise[steps], free)
    centres = centres - (0.0, (gauge.strip - top) / 2 * unit)
    view = StepView(
        window, size, density.heat(window, levels=ISOLINES.tolist()), x=x, drift=drift, noise=noise,
        theme=page.theme, tags=_tags(page, TAGS, TERMS, verdict), scale=_scale(page), verdict=verdict,
    )  # fmt: skip
    view.tag_rect = (*window[:2], window[2] + max(gauge.strip, SCALE_ROOM if verdict else 0.0), window[3] - top)
    return Looked(view, centres, gauge)


def _on_paths(density: DensityPanel, window: Rect, run: Trajectory, steps: slice, verdict: Verdict | None) -> Looked:
    """The window on steps that are paths."""
    page, x, path, momentum = density.page, run["x"][:, 0], run["path"][:, 0], run["momentum"][:, 0]
    shape, extent = (window[3] - window[2]) / (window[1] - window[0]), density.box[1] - density.box[0]
    time = ARROW[verdict is not None] * float(run["time"][1] - run["time"][0])
    tips = np.concatenate([path[steps], (x[steps.start : steps.stop] + time * momentum[steps])[:, None]], 1)
    top = verdict.strip / (window[3] - window[2]) if verdict else 0.0
    room = np.ptp(tips, axis=1).max(0)
    width = PATH_ROOM * max(float(room[0]), float(room[1]) / (shape * (1 - top)))
    width = float(np.clip(width, LEAST * extent, MOST * extent))
    size = (width, width * shape)
    centres = centres_of(tips, (size[0], size[1] * (1 - top))) + np.array([0.0, size[1] * top / 2])
    low, high = np.array(density.box).reshape(2, 2).T
    half = np.array(size) / 2
    centres = np.clip(centres, low + half, high - half)  # the frame stays on the panel, unless a step leaves that
    low, high = tips.max(1) - 0.92 * half, tips.min(1) + 0.92 * half
    centres = np.clip(centres, np.minimum(low, high), np.maximum(low, high))
    tags = PATH_TAGS | {"momentum": f"{time:.2g} thin v"}  # so much of it is the arrow
    colors = {"end": "sum", "momentum": momentum_color(run), "state": "fg"}
    view = PathView(
        window, size, density.heat(window, levels=ISOLINES.tolist()), x=x, path=path, momentum=momentum, time=time,
        color=colors["momentum"], theme=page.theme, tags=_tags(page, tags, colors, verdict), scale=_scale(page),
        verdict=verdict,
    )  # fmt: skip
    view.tag_rect = (*window[:2], window[2] + SCALE_ROOM, window[3] - (verdict.strip if verdict else 0.0))
    return Looked(view, centres)


def _tags(
    page: Page, sources: Mapping[str, str], colors: Mapping[str, str], verdict: Verdict | None
) -> dict[str, Typeset]:
    """The labels in a window."""
    named = dict(sources)
    if verdict:
        named[next(iter(named))] = PROPOSED
    return {name: page.maths(source, "label", colors[name]) for name, source in named.items()}


def _scale(page: Page) -> float:
    """Of the arrows in a window."""
    return 0.95 if page.shape in ("classic", "square") else 1.25
