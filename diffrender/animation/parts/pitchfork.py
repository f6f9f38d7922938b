"""Fixed points of the score over a run, splitting like a fork; paths that must choose; p(class | x_t) as ribbons."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from manim import VGroup, VMobject

from diffrender.animation.layout.box import Box
from diffrender.animation.layout.page import Page
from diffrender.animation.mobjects.furniture.arrow import set_polygons
from diffrender.animation.mobjects.furniture.panels import frame, line, put_dashes
from diffrender.animation.mobjects.plane.cloud import PointCloud
from diffrender.animation.mobjects.plane.trails import Trails
from diffrender.animation.parts.axes import Axes, evenly
from diffrender.animation.parts.tally import as_bytes, category_colors
from diffrender.animation.theme import LINE
from diffrender.trajectory.projection import principal
from diffrender.trajectory.reader import Trajectory

PATHS, RIBBONS = 60, 4  # chains whose paths are drawn, and whose probabilities are
SURE = 0.9  # a path has decided once p(its class | x_t) stays above
STABLE, UNSTABLE, HEAD = 0.034, 0.02, 0.05  # radii of fixed points, and of what moves
END = 0.12  # of the last split: below so much noise nothing is decided any more, and nothing shown
ROOM, GUTTER = 1.15, 0.12


class Decisions:
    """Which class each watched path takes and when, as `class_prob` says.

    x: (T,) log-SNR of the states that are shown. ratio: (T,) σ/α there. ends: the log-SNR that an axis shows. label:
    (W,) the class in the end. step: (W,) the first state from which p(label | x_t) stays above `SURE`. chosen: chains
    whose ribbons are drawn: of each class those that decide at even places in the order of time. splits: log-SNR and
    σ/α where the fixed points split.
    half: log-SNR and σ/α at which half of all watched paths have decided.
    """

    def __init__(self, run: Trajectory) -> None:
        run.require("class_prob", "fixed_point", "fixed_point_step", "fixed_point_stable")
        alpha, sigma = (np.asarray(run[key], float) for key in ("alpha", "sigma"))
        found = [s["sigma"] / s["alpha"] for s in run.meta["splits"]]
        count = int((sigma > END * min(found, default=0.0) * alpha).sum())
        self.ratio = sigma[:count] / alpha[:count]
        self.x = -2 * np.log(self.ratio)
        prob = np.asarray(run["class_prob"], float)
        self.prob, self.label = prob[:count], prob[-1].argmax(1)
        doubt = prob[:, np.arange(len(self.label)), self.label] <= SURE
        self.step = np.where(doubt.any(0), len(prob) - np.argmax(doubt[::-1], axis=0), 0)
        classes = np.unique(self.label)[:RIBBONS]
        each = max(1, RIBBONS // len(classes))
        self.chosen = []
        for k in classes:
            mine = np.flatnonzero(self.label == k)
            order = mine[np.argsort(self.step[mine], kind="stable")]
            self.chosen += [int(order[int((j + 0.5) / each * len(order))]) for j in range(each)]
        self.splits = [(-2 * float(np.log(u)), u) for u in found]
        seen = [*self.x, *(at for at, _ in self.splits)]  # few steps may pass over a split
        self.ends = float(min(seen)), max(float(max(seen)), float(min(seen)) + 1.0)
        middle = min(int(np.median(self.step)), len(sigma) - 1)
        ratio = float(sigma[middle] / alpha[middle])
        self.half = min(-2 * math.log(ratio), self.ends[1]) if ratio else self.ends[1], ratio


class Pitchfork:
    """Fixed points and paths along the direction in which the data vary most, against log-SNR, growing with a clock.

    fixed: stable and unstable points. paths: of chains, in that of `colors` which the class has that each ends in.
    heads: where they are. lines: dashed down to `foot`, where the number of stable points changes. mobjects: the axes.
    along: (D,) the direction.
    """

    def __init__(self, page: Page, run: Trajectory, decisions: Decisions, box: Box, foot: float, name: str) -> None:
        theme, self.count, x = page.theme, len(decisions.x), decisions.x
        varied = np.asarray(run.target if len(run.target) else run.states[-1], float)
        self.along = principal(varied, 1)[0][:, 0]
        states = np.stack([np.asarray(run.states[k][: len(decisions.label)], float) for k in range(self.count)])
        y = states @ self.along
        early = np.asarray(run["fixed_point_step"]) < self.count
        self.step = np.asarray(run["fixed_point_step"])[early]
        shrink = np.asarray(run["alpha"], float)[self.step] / run.scale[self.step]
        places = np.stack([x[self.step], shrink * (np.asarray(run["fixed_point"], float)[early] @ self.along)], 1)
        reach = ROOM * max(float(np.quantile(np.abs(y), 0.995)), float(np.abs(places[:, 1]).max()))
        self.axes = axes = Axes(
            page,
            box,
            x=decisions.ends,
            y=(-reach, reach),
            x_ticks=[],
            y_ticks=evenly(-reach, reach, 4),
            pad=0.0,
            y_name=name,
        )
        frame_of: dict[str, Any] = {"box": axes.box, "rect": axes.rect}
        stable = np.asarray(run["fixed_point_stable"])[early]
        self.parts = [(stable, 1.0), (~stable, 0.8)]
        self.fixed = [
            PointCloud(**frame_of, xy=places[stable], color=theme.fg, radius=STABLE),
            PointCloud(**frame_of, xy=places[~stable], color=theme.muted, radius=UNSTABLE),
        ]
        shown = np.unique([*range(min(PATHS, len(decisions.label))), *decisions.chosen])
        walks = np.stack([np.broadcast_to(x[:, None], y.shape), y], -1)
        self.colors = colors = category_colors(theme, decisions.prob.shape[2])
        self.paths: list[Any] = []
        for k, color in enumerate(colors):
            few = [w for w in shown if decisions.label[w] == k and w not in decisions.chosen]
            told = [w for w in decisions.chosen if decisions.label[w] == k]
            if few:
                self.paths.append(Trails(**frame_of, xy=walks[:, few], color=color, width=0.7 * LINE, power=0.0))
            if told:
                bold: dict[str, Any] = {"width": 1.6 * LINE, "casing": theme.bg, "power": 0.0}
                self.paths.append(Trails(**frame_of, xy=walks[:, told], color=color, **bold))
        hues = as_bytes(colors, decisions.label[shown])
        self.heads = PointCloud(**frame_of, xy=walks[0, shown], color=hues, radius=HEAD, ring=theme.bg, clip=False)
        self.heads.follow(walks[:, shown])
        self.lines = [dashed(axes, at, foot, theme.reject) for at, _ in decisions.splits]
        for z, mobs in ((3, self.paths), (5, self.fixed), (6, [self.heads])):
            for mob in mobs:
                mob.set_z_index(z)
        self.mobjects: list[Any] = axes.mobjects

    def show_fixed(self, step: float) -> None:
        """Show the fixed points of all levels up to a recorded step."""
        for cloud, (which, alpha) in zip(self.fixed, self.parts, strict=True):
            cloud.alpha = np.where(self.step[which] <= step, alpha, 0.0)

    def show_step(self, step: float) -> None:
        """Show the paths up to a recorded step; the clean state, that has no log-SNR, as the one before it."""
        for mob in (*self.paths, self.heads):
            mob.show_step(min(step, self.count - 1))


class Ribbons:
    """p(class | x_t) of the chosen chains, a row each, as stacked ribbons; a line where the path has decided.

    They lie in `box`, over one log-SNR axis that begins `room` from its left: that of the fork above them. half: dashed
    where half of all paths have decided. mobjects: ribbons, then frames, marks, `half`; axis: its texts.
    """

    def __init__(self, page: Page, decisions: Decisions, box: Box, room: float) -> None:
        theme, self.decisions = page.theme, decisions
        x0, x1 = decisions.ends
        axes = Axes(
            page, box, x=(x0, x1), y=(0, 1), y_ticks=[], x_ticks=evenly(x0, x1, 6), x_name="log SNR", room=room, pad=0.0
        )
        self.axis, colors = axes.mobjects, category_colors(theme, decisions.prob.shape[2])
        rows = axes.rect._replace(left=axes.rect.left).rows(*[1] * len(decisions.chosen), gap=GUTTER)
        share = (decisions.x - x0) / (x1 - x0)
        self.rows: list[tuple[int, np.ndarray, np.ndarray, list[VMobject], VMobject]] = []
        for w, row in zip(decisions.chosen, rows, strict=False):
            edges = np.concatenate([np.zeros((len(share), 1)), np.cumsum(decisions.prob[:, w], axis=1)], axis=1)
            x, y = row.left + share * row.width, row.bottom + np.minimum(edges, 1.0) * row.height
            bands = [VMobject(fill_color=color, fill_opacity=0.9, stroke_width=0).set_z_index(2) for color in colors]
            at = x[min(int(decisions.step[w]), len(x) - 1)]
            ends = [(at, row.bottom), (at, row.top)]
            mark = VGroup(line(ends, theme.bg, 4 * LINE), line(ends, theme.fg, 1.8 * LINE)).set_z_index(5)
            self.rows.append((w, x, y, bands, mark))
        self.frames = [frame(row, theme.border).set_z_index(4) for row in rows[: len(self.rows)]]
        bands = [band for *_, bands, _ in self.rows for band in bands]
        self.half = dashed(axes, decisions.half[0], axes.rect.top, theme.fg)
        self.mobjects: list[Any] = [*bands, *self.frames, *(row[-1] for row in self.rows)]
        self.show_step(len(share))

    def show_step(self, step: float) -> None:
        """Let the ribbons reach up to a recorded step."""
        last = int(step)
        for w, x, y, bands, mark in self.rows:
            for k, band in enumerate(bands):
                low, high = (np.stack([x, y[:, j], 0 * x], 1)[: last + 1] for j in (k, k + 1))
                set_polygons(band, [np.concatenate([low, high[::-1]])] if len(low) > 1 else [])
            mark.set_stroke(opacity=float(last >= self.decisions.step[w]))


def dashed(axes: Axes, at: float, end: float, color: str) -> VMobject:
    """A dashed line at a value across, through axes and on to the height `end`, which may lie over or under them."""
    x, (bottom, top) = axes.at(at, 0.0)[0], axes.rect[2:]
    return put_dashes(VMobject(stroke_color=color, stroke_width=180 * LINE), (x, min(bottom, end)), (x, max(top, end))
                      ).set_z_index(6)  # fmt: skip
