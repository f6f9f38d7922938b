"""The choice of a recording's window under the magnifier: arrows or a path, its width and its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from diffrender.animation.layout.box import Box
from diffrender.animation.layout.page import Page
from diffrender.animation.mobjects.furniture.panels import Rect
from diffrender.animation.parts.density_panel import DensityPanel
from diffrender.animation.parts.one_chain import track
from diffrender.animation.parts.zoom.decision import Decision, parted
from diffrender.animation.parts.zoom.friction_window import REACH, FrictionView
from diffrender.animation.parts.zoom.gauge import Gauge
from diffrender.animation.parts.zoom.leapfrog_window import LeapfrogView
from diffrender.animation.parts.zoom.legend import friction_of
from diffrender.animation.parts.zoom.pacing import centres_of, window_centres
from diffrender.animation.parts.zoom.path_window import PathView
from diffrender.animation.parts.zoom.splitting import Splitting, splitting_parted
from diffrender.animation.parts.zoom.step_window import ChainWindow, StepView
from diffrender.animation.parts.zoom.verdict import Verdict
from diffrender.animation.text.typst import Typeset
from diffrender.core.errors import RenderError
from diffrender.trajectory.reader import Trajectory

ISOLINES = np.arange(0.06, 1, 0.08)  # values of the colour at which they run
_WIDTH = {
    "wide": 5.0,
    "classic": 3.9,
    "square": 3.9,
    "tall": 5.5,
}  # of the window, in √(2τ), the spread of one step's noise
PATH_ROOM = 1.4  # width of the window of paths, in the largest width of what one step draws that is taken apart
ALL_ROOM = 1.08  # and in the largest of any step that is shown
LEAST, MOST, MOST_JUDGED = 0.05, 0.6, 0.9  # of the density's width, at least and at most; of paths that are judged
# so many steps after which a momentum alone would be at its arrow's tip: if paths are judged, if not
ARROW = {True: 0.2, False: REACH}
# of an equation, and their colours
TERMS = {"sum": "sum", "state": "fg", "score": "score", "noise": "noise", "reject": "reject"}
TAGS = {"sum": "x_(t+1)", "score": "tau nabla log p(x_t)", "noise": "sqrt(2 tau) thin epsilon", "state": "x_t"}
PROPOSED = "x'"  # where a step ends that is a proposal


@dataclass(frozen=True)
class Looked:
    """A window, where its centre (K, 2) is at each of the K steps that are shown, and what is read in or under it."""

    view: ChainWindow
    centres: np.ndarray
    beside: tuple[Gauge | Decision | Splitting, ...] = ()


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


def window_on(
    density: DensityPanel,
    window: Rect,
    run: Trajectory,
    steps: slice,
    slow: int,
    below: Rect,
    words: Mapping[str, str],
) -> Looked:
    """The window on some steps of a recording's first chain, as wide as the `slow` first need and as all fit in.

    Its parameters are those of the `Magnifier`. If proposals are judged, that is seen at its foot.
    """
    if "accepted" not in run and "path" in run:
        window, strip = splitting_parted(density.page, Box(*window))
        looked = _on_paths(density, window, run, steps, slow, below, None, words)
        return replace(looked, beside=(Splitting(density.page, strip, words),))
    if "accepted" not in run:
        return _on_arrows(density, window, run, steps, slow, below, None)
    page, fate = density.page, (run["accepted"][:, 0], run["proposal"][:, 0])
    window, strip = parted(page, Box(*window))
    decision = Decision(page, strip, run, words)
    if "path" in run:  # the next path leads away: an older proposal's cross would stand alone
        verdict = Verdict(*fate, window, page.theme, kept=0)
        looked = _on_paths(density, window, run, steps, slow, below, verdict, words)
    else:
        looked = _on_arrows(density, window, run, steps, slow, below, Verdict(*fate, window, page.theme))
    return replace(looked, beside=(*looked.beside, decision))


def _on_arrows(
    density: DensityPanel, window: Rect, run: Trajectory, steps: slice, _slow: int, below: Rect, verdict: Verdict | None
) -> Looked:
    """The window on steps of two arrows, and the gauge of their lengths."""
    page, x, drift, noise = density.page, run["x"][:, 0], run["drift"][:, 0], run["noise"][:, 0]
    width = _WIDTH[page.shape] * float(np.sqrt((noise[steps] ** 2).mean()))
    size = (width, width * (window[3] - window[2]) / (window[1] - window[0]))
    longest = float(np.hypot(*np.concatenate([drift[steps], noise[steps]]).T).max())
    gauge = None if verdict else Gauge(page, window, below, drift, noise, longest).set_z_index(7)
    strip = gauge.strip if gauge else 0.0
    covered = strip * width / (window[1] - window[0])  # what is looked at stays above the gauge
    centres = window_centres(x[steps], drift[steps], noise[steps], (size[0], size[1] - covered)) - (0.0, covered / 2)
    view = StepView(
        window, size, density.heat(window, levels=ISOLINES.tolist()), x=x, drift=drift, noise=noise,
        theme=page.theme, tags=_tags(page, TAGS | ({"sum": PROPOSED} if verdict else {}), TERMS), scale=_scale(page),
        verdict=verdict,
    )  # fmt: skip
    view.tag_rect = (*window[:2], window[2] + strip, window[3])
    return Looked(view, centres, (gauge,) if gauge else ())


def _on_paths(
    density: DensityPanel,
    window: Rect,
    run: Trajectory,
    steps: slice,
    slow: int,
    below: Rect,
    verdict: Verdict | None,
    words: Mapping[str, str],
) -> Looked:
    """The window on steps that are paths: of leapfrog steps that are judged, or of BAOAB."""
    page, path, momentum, judged = density.page, run["path"][:, 0], run["momentum"][:, 0], verdict is not None
    shape, extent = (window[3] - window[2]) / (window[1] - window[0]), density.box[1] - density.box[0]
    step = float(run["time"][1] - run["time"][0])
    of_window: dict[str, Any] = {
        "x": run["x"][:, 0], "path": path, "momentum": momentum, "time": ARROW[judged] * step, "theme": page.theme,
        "tags": _path_tags(page, run, words), "scale": _scale(page), "verdict": verdict, "track": track(run)[:, 0],
    }  # fmt: skip
    heat = density.heat(window, levels=ISOLINES.tolist())
    view: PathView
    if judged:
        arriving = run["momentum_end"][:, 0] if "momentum_end" in run else None
        view = LeapfrogView(
            window, (1.0, shape), heat, leapfrog_step=step / (path.shape[1] - 1), momentum_end=arriving, **of_window
        )
    else:
        view = FrictionView(window, (1.0, shape), heat, step_size=step, friction=friction_of(run), **of_window)
    points = [view.drawn_points(k) if k < steps.start + slow else view.passing_points(k)
              for k in range(steps.start, steps.stop)]  # fmt: skip
    drawn = np.stack([np.resize(each, points[0].shape) for each in points])  # fewer ones again and again
    room = np.ptp(drawn, axis=1)
    widths = np.maximum(room[:, 0], room[:, 1] / shape)
    apart = widths[:slow] if judged else widths
    width = float(max(PATH_ROOM * apart.max(), ALL_ROOM * widths.max()))  # of what goes by faster nothing is cut off
    width = float(np.clip(width, LEAST * extent, (MOST_JUDGED if judged else MOST) * extent))
    view.size = size = (width, width * shape)
    centres = centres_of(drawn, size)
    least, most = np.array(density.box).reshape(2, 2).T
    half = np.array(size) / 2
    centres = np.clip(centres, least + half, most - half)  # the frame stays on the panel, unless a step leaves that
    least, most = drawn.max(1) - 0.92 * half, drawn.min(1) + 0.92 * half
    centres = np.clip(centres, np.minimum(least, most), np.maximum(least, most))
    return Looked(view, centres)


def _path_tags(page: Page, run: Trajectory, words: Mapping[str, str]) -> dict[str, Typeset]:
    """What is written at the ends of arrows and path: of BAOAB also what each change of the velocity is."""
    color = "accept"  # of velocities
    if "accepted" in run:
        tags = {"end": PROPOSED, "state": "x_t", "momentum": "v", "arriving": "v'"}
        colors = {"end": "sum", "state": "fg", "momentum": color, "arriving": color}
        there = {name: tag for name, tag in tags.items() if name != "arriving" or "momentum_end" in run}
        return _tags(page, there, colors)
    named = {"friction": ("slowed", "reject"), "noise": ("noise", "noise")}
    named |= dict.fromkeys(("kick", "kick_on"), ("half_kick", "score"))
    said = {name: page.words(words[word].split("|")[0], "label", color) for name, (word, color) in named.items()}
    return said | _tags(page, {"next": "v_(t+1)", "momentum": "v_t"}, {"next": color, "momentum": color})


def _tags(page: Page, sources: Mapping[str, str], colors: Mapping[str, str]) -> dict[str, Typeset]:
    """The labels in a window."""
    return {name: page.maths(source, "label", colors[name]) for name, source in sources.items()}


def _scale(page: Page) -> float:
    """Of the arrows in a window."""
    return 0.95 if page.shape in ("classic", "square") else 1.25
