"""The same noise steered to each class, over many such points; and how many of those are read as what was asked for."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffrender.animation.parts.class_labels import ClassLabels, class_rgb
from diffrender.animation.parts.clock import Clock
from diffrender.animation.parts.latent.code_plane import CodePlane
from diffrender.trajectory.reader import Trajectory

ASKED = "are read as the class asked for|are read as asked|read as asked"
DIM = 0.35  # opacity of points behind paths
HEAD = 0.1  # radius of the points that are steered
APART = 0.42  # of a label's middle from the point that has come to its class, at least


class OneNoiseEachClass:
    """The chains of `run`, one a class, from one noise; behind them the last states of `guided`.

    stage, side: what stands on the plane and beside it. moving: what changes. Bound to the clock.
    """

    def __init__(self, plane: CodePlane, run: Trajectory, guided: Trajectory, clock: Clock) -> None:
        page, theme, count = plane.page, plane.page.theme, len(plane.names)
        label, many = np.asarray(run["label"]), np.asarray(guided["label"])
        ends = np.asarray(guided.states[guided.steps])
        crowd = plane.view.cloud(ends, color=class_rgb(theme, many, count), radius=0.025, alpha=DIM)
        rgb = class_rgb(theme, label, count)
        trails = plane.view.trails(run.states, color=rgb, width=0.035, alpha=0.95, length=run.steps)
        heads = plane.view.cloud(run.states, color=rgb, radius=HEAD, alpha=1.0, ring=theme.bg)
        labels = ClassLabels(page, plane.names)
        reached = np.stack([np.asarray(run.states[run.steps])[label == k].mean(0) for k in range(count)])
        labels.put(clear_of(plane.view.to_scene(plane.middles(ends, many)), plane.view.to_scene(reached)))
        scale = (guided.meta.get("config") or {}).get("sampler", {}).get("guidance_scale", 1)
        right = 100 * float((np.asarray(guided["read"]) == many).mean())
        figure = f"guidance {scale:g}: {right:.1f} %"
        words = [plane.fitting(text, "label") for text in (f"{figure} of {len(many):,}|{figure}", ASKED)]
        self.side = plane.tiles(run["decoded"], *words, chains=len(label))
        grids = [mob for mob in self.side if hasattr(mob, "show_step")]
        clock.bind(trails, heads, *grids)
        self.stage: list[Any] = [crowd, trails, heads, *labels.mobjects]
        self.moving = [trails, heads, *grids]


def clear_of(places: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Places (K, 2) moved, where they lie too near to their points (K, 2), straight away from these.

    One that lies on its point goes outwards, away from the middle of all points.
    """
    way = places - points
    far = np.linalg.norm(way, axis=1, keepdims=True)
    outwards = points - points.mean(0)
    outwards /= np.maximum(np.linalg.norm(outwards, axis=1, keepdims=True), 1e-9)
    unit = np.where(far > HEAD / 2, way / np.maximum(far, 1e-9), outwards)
    return np.where(far < APART, points + APART * unit, places)
