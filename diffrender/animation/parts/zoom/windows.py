"""The choice of a recording's window under the magnifier: arrows or a path, its width and its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffrender.animation.layout.page import Page
from diffrender.animation.layout.views import Plane
from diffrender.animation.mobjects.furniture.panels import Rect
from diffrender.animation.parts.density_panel import DensityPanel
from diffrender.animation.parts.zoom.energies import Energies
from diffrender.animation.parts.zoom.friction_window import FrictionView
from diffrender.animation.parts.zoom.gauge import Gauge
from diffrender.animation.parts.zoom.leapfrog_window import LeapfrogView
from diffrender.animation.parts.zoom.legend import friction_of, momentum_color
from diffrender.animation.parts.zoom.pacing import centres_of, window_centres
from diffrender.animation.parts.zoom.path_window import PathView
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
PATH_ROOM = 1.4  # width of the window of paths, in the largest width of what one step draws
SCALE_ROOM = 0.65  # scene units: height of the strip in which the scale bar lies
LEAST, MOST = 0.05, 0.6  # of the density's width, at least and at most
# so many steps after which a momentum alone would be at its arrow's tip: if paths are judged, if not
ARROW = {True: 0.15, False: 2.5}
# of an equation, and their colours
TERMS = {"sum": "sum", "state": "fg", "score": "score", "noise": "noise", "reject": "reject"}
TAGS = {"sum": "x_(t+1)", "score": "tau nabla log p(x_t)", "noise": "sqrt(2 tau) thin epsilon", "state": "x_t"}
PROPOSED = "x'"  # where a step ends that is a proposal


@dataclass(frozen=True)
class Looked:
    """A window, where its centre (K, 2) is at each of the K steps that are shown, and the gauge that lies in it."""

    view: ChainWindow
    centres: np.ndarray
    gauge: Gauge | Energies | None = None


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
    """The window on some steps of a recording's first chain, as wide as the `slow` first of them need.

    Its parameters are those of the `Magnifier`.
    """
    verdict = None
    if "accepted" in run:
        verdict = _verdict(density.page, window, run, words)
    if "path" in run:
        return _on_paths(density, window, run, steps, slow, below, verdict)
    return _on_arrows(density, window, run, steps, below, verdict)


def _verdict(page: Page, window: Rect, run: Trajectory, words: Mapping[str, str]) -> Verdict:
    """The fate of proposals; with the numbers that decided it, if they were recorded."""
    colors = {"refused": "reject", "taken": "accept"}
    if "log_ratio" not in run:
        said = [page.words(words[name], "legend", color) for name, color in colors.items()]
        return Verdict(run["accepted"][:, 0], run["proposal"][:, 0], said, window, page.theme)
    why = np.stack([run["uniform"][:, 0], np.exp(np.minimum(run["log_ratio"][:, 0], 0.0))], -1)
    room = window[1] - window[0] - 0.5
    forms = [page.fitting(words[f"{name}_by"], room, "legend", 0.5, 0.5) for name in colors]
    said = [page.running(form, *(0.5,) * form.count("{"), size="legend", color=colors[name])
            for form, name in zip(forms, colors, strict=True)]  # fmt: skip
    return Verdict(run["accepted"][:, 0], run["proposal"][:, 0], said, window, page.theme, why)


def _on_arrows(
    density: DensityPanel, window: Rect, run: Trajectory, steps: slice, below: Rect, verdict: Verdict | None
) -> Looked:
    """The window on steps of two arrows, and the gauge of their lengths."""
    page, x, drift, noise = density.page, run["x"][:, 0], run["drift"][:, 0], run["noise"][:, 0]
    width = _WIDTH[page.shape] * float(np.sqrt((noise[steps] ** 2).mean()))
    size = (width, width * (window[3] - window[2]) / (window[1] - window[0]))
    longest = float(np.hypot(*np.concatenate([drift[steps], noise[steps]]).T).max())
    gauge = Gauge(page, window, below, drift, noise, longest).set_z_index(7)
    # what is looked at stays above the strip in which the gauge lies, and under that of the verdict
    unit, top = width / (window[1] - window[0]), verdict.strip if verdict else 0.0
    free = (size[0], size[1] - (gauge.strip + top) * unit)
    centres = window_centres(x[steps], drift[steps], noise[steps], free)
    centres = centres - (0.0, (gauge.strip - top) / 2 * unit)
    view = StepView(
        window, size, density.heat(window, levels=ISOLINES.tolist()), x=x, drift=drift, noise=noise,
        theme=page.theme, tags=_tags(page, TAGS | ({"sum": PROPOSED} if verdict else {}), TERMS), scale=_scale(page),
        verdict=verdict,
    )  # fmt: skip
    view.tag_rect = (*window[:2], window[2] + max(gauge.strip, SCALE_ROOM if verdict else 0.0), window[3] - top)
    return Looked(view, centres, gauge)


def _on_paths(
    density: DensityPanel,
    window: Rect,
    run: Trajectory,
    steps: slice,
    slow: int,
    below: Rect,
    verdict: Verdict | None,
) -> Looked:
    """The window on steps that are paths: of leapfrog steps that are judged, or of BAOAB."""
    page, path, momentum, judged = density.page, run["path"][:, 0], run["momentum"][:, 0], verdict is not None
    shape, extent = (window[3] - window[2]) / (window[1] - window[0]), density.box[1] - density.box[0]
    step = float(run["time"][1] - run["time"][0])
    told = judged and "momentum_end" in run and page.shape != "square"  # there it would hide the path
    energies = _energies(density, window, below, run, steps) if told else None
    low, high = (0.0 if energies is None else energies.strip), (verdict.strip if verdict else 0.0)
    of_window: dict[str, Any] = {
        "x": run["x"][:, 0], "path": path, "momentum": momentum, "time": ARROW[judged] * step, "theme": page.theme,
        "tags": _tags(page, *_path_tags(run, ARROW[judged] * step)), "scale": _scale(page), "verdict": verdict,
    }  # fmt: skip
    heat = density.heat(window, levels=ISOLINES.tolist())
    view: PathView
    if judged:
        arriving = run["momentum_end"][:, 0] if "momentum_end" in run else None
        view = LeapfrogView(
            window, (1.0, shape), heat, size_of_leap=step / (path.shape[1] - 1), momentum_end=arriving, **of_window
        )
    else:
        view = FrictionView(window, (1.0, shape), heat, step_size=step, friction=friction_of(run), **of_window)
    drawn = np.stack([view.drawn_points(k) for k in range(steps.start, steps.stop)])
    free = 1 - (low + high) / (window[3] - window[2])  # of the window's height, what nothing covers
    room = np.ptp(drawn, axis=1)
    widths = np.maximum(room[:, 0], room[:, 1] / (shape * free))
    width = PATH_ROOM * float(widths.max() if not judged else max(widths[:slow].max(), np.median(widths)))
    width = float(np.clip(width, LEAST * extent, MOST * extent))
    view.size = size = (width, width * shape)
    unit = width / (window[1] - window[0])
    raised = np.array([0.0, (high - low) / 2 * unit])
    centres = centres_of(drawn, (size[0], size[1] * free)) + raised
    least, most = np.array(density.box).reshape(2, 2).T
    half = np.array(size) / 2
    centres = np.clip(centres, least + half, most - half)  # the frame stays on the panel, unless a step leaves that
    least, most = drawn.max(1) - 0.92 * half, drawn.min(1) + 0.92 * half
    centres = np.clip(centres, np.minimum(least, most), np.maximum(least, most))
    view.tag_rect = (*window[:2], window[2] + max(SCALE_ROOM, low), window[3] - high)
    return Looked(view, centres, energies)


def _path_tags(run: Trajectory, time: float) -> tuple[dict[str, str], dict[str, str]]:
    """What is written at the ends of arrows and path, and its colours: so much of a velocity is the arrow."""
    if "accepted" in run:
        end = "x', v'" if "momentum_end" in run else PROPOSED
        tags = {"end": end, "state": "x_t", "momentum": f"{time:.2g} thin v"}
    else:
        tags = {"end": "x_(t+1)", "state": "x_t", "next": f"{time:.2g} thin v_(t+1)"}
        tags["momentum"] = f"{time:.2g} thin v_t"
    return tags, {"end": "sum", "state": "fg", "momentum": momentum_color(run), "next": momentum_color(run)}


def _energies(density: DensityPanel, window: Rect, below: Rect, run: Trajectory, steps: slice) -> Energies:
    """The bars of energy: kinetic as recorded, potential as the density says at the start, and as the test says later.

    The test knows the difference of the whole: log_ratio = H(x, v) − H(x', v').
    """
    from scipy.ndimage import map_coordinates

    shown = slice(0, steps.stop)
    start, end = (0.5 * np.square(run[name][shown, 0]).sum(-1) for name in ("momentum", "momentum_end"))
    at = Plane(density.extent, (0.0, density.values.shape[1] - 1.0, 0.0, density.values.shape[0] - 1.0))
    column, row = at.to_scene(run["x"][shown, 0])[:, :2].T
    likely = map_coordinates(density.values, [row, column], order=1, mode="nearest")
    before = -np.log(np.maximum(likely / density.high, 1e-12))
    later = np.maximum(before - run["log_ratio"][shown, 0] - (end - start), 0.0)
    terms = np.stack([np.stack([before, start], -1), np.stack([later, end], -1)], 1)
    return Energies(density.page, window, below, terms, 1.3 * float(terms[steps, 0].sum(-1).max())).set_z_index(7)


def _tags(page: Page, sources: Mapping[str, str], colors: Mapping[str, str]) -> dict[str, Typeset]:
    """The labels in a window."""
    return {name: page.maths(source, "label", colors[name]) for name, source in sources.items()}


def _scale(page: Page) -> float:
    """Of the arrows in a window."""
    return 0.95 if page.shape in ("classic", "square") else 1.25
