"""Training: generated samples, the learned score and the loss, as they change together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from manim import VMobject
from pydantic import Field

from diffrender.animation import (
    HAIR,
    KEY_DOT_WIDTH,
    Curve,
    Number,
    Plane,
    PointCloud,
    Rect,
    RenderError,
    Running,
    SceneOptions,
    Space,
    Training,
    TrajectoryScene,
    UpdateFromAlpha,
    around,
    averaged,
    blend,
    captions,
    containing,
    key_arrow,
    key_dot,
    legend,
    line,
    ticked,
)

MEAN = 80  # training steps over which the loss is averaged, as the caption says
SIZE = 0.045  # radius of a point
LOSSES = {
    "epsilon": "cal(L) = EE norm({{epsilon : noise}} - epsilon_theta (x_t, t))^2",
    "v_prediction": "cal(L) = EE norm(alpha_t {{epsilon : noise}} - sigma_t {{x_0 : data}} - v_theta (x_t, t))^2",
    "sample": "cal(L) = EE norm({{x_0 : data}} - x_theta (x_t, t))^2",
    "flow": "cal(L) = EE norm({{epsilon : noise}} - {{x_0 : data}} - u_theta (x_t, t))^2",
    "edm": "cal(L) = EE thin lambda_sigma norm({{x_0 : data}} - D_theta (x_sigma, sigma))^2",
    "denoising_score_matching": "cal(L) = EE norm(sigma_t s_theta (x_t, t) + {{epsilon : noise}})^2",
    "sliced_score_matching": "cal(L) = EE [1\\/2 norm(s_theta)^2 + v^T nabla s_theta thin v]",
    "score_matching": "cal(L) = EE [1\\/2 norm(s_theta)^2 + tr nabla s_theta]",
}


@dataclass(frozen=True)
class Layout:
    """Where things go in one shape of frame: boxes, and baselines."""

    cloud: Rect
    key: tuple[float, float, int]
    step: tuple[float, float]
    axes: Rect
    name: float  # of the loss, above its axes
    below: float  # from the axes down to the name of the horizontal one


LAYOUTS = {
    "wide": Layout((-6.61, -0.01, -2.7, 2.8), (-6.61, -3.05, -1), (0.75, 2.18), (1.35, 6.61, -1.7, 1.0), 1.36, 0.9),
    "square": Layout((-3.5, 0.3, -1.75, 2.05), (0.0, -2.25, 0), (1.0, 1.55), (1.3, 3.5, -0.9, 0.55), 0.85, 0.8),
    "tall": Layout((-3.5, 3.5, -0.6, 4.6), (0.0, -1.25, 0), (-3.5, -2.1), (-2.5, 3.5, -4.45, -3.1), -2.8, 0.0),
}


class TrainingScene(TrajectoryScene):
    """Data in blue, generated samples in orange, the learned score and the loss, evolving together."""

    default_config = "spiral"
    shows = ("plane", "space")
    needs = {"training": Training()}

    class Options(SceneOptions):
        """Options of `training`."""

        duration: float = Field(12.0, gt=0, le=600, description="seconds from the first to the last training step")
        points: int = Field(600, ge=1, le=20000, description="points shown of the data and of the samples each")
        field: bool = Field(True, description="show the learned score, where it was recorded; in the plane only")
        orbit: float = Field(120.0, ge=-3600, le=3600, description="degrees that the camera turns, in space")

    def construct(self) -> None:
        """All steps of the training, slowly at first, when most changes."""
        run, page, theme = self.trajectories["training"], self.page, self.theme
        run.require("snapshot", "snapshot_step", "loss")
        place, total = LAYOUTS[page.shape], len(run["loss"])
        shots = np.asarray(run["snapshot_step"])
        self.loss_axes(place)
        view = self.field_view(place.cloud)
        moving: list[Any] = [*self.curves]
        if self.options.field and "field_score" in run and view.dims == 2:
            moving.append(self.score(view))
        cloud = self.cloud(view)
        moving.append(cloud)

        objective = (run.meta.get("config") or {}).get("training", {}).get("objective", "")
        source = LOSSES.get(objective)
        header = [page.title("Training a diffusion model" if page.shape == "wide" else "Training")]
        if source:
            header.append(page.equation(source, **{k: k for k in ("noise", "data") if f": {k}" in source}))
        step = page.running("step {:,}", total, size="title" if page.shape == "wide" else "label")
        step.at(*place.step)
        loss = Number(".3f", float(np.max(self.mean)), em=page.em("label"), color=theme.fg)
        loss.at(place.axes[1] - loss.width, place.name)
        said = [
            captions.model(run),
            f"{len(shots)} snapshots by {captions.sampler(run)}",
            f"{cloud.xy.shape[0] // 2:,} of each shown",
        ]
        caption = page.caption(*(i for i in [*said, captions.seed(run), f"curve: exponential mean, {MEAN} steps"] if i))
        items = [
            (key_dot(color, radius=0.085), KEY_DOT_WIDTH, text)
            for color, text in ((theme.data, "data"), (theme.samples, "generated"))
        ]
        if len(moving) > len(self.curves) + 1:
            arrow = key_arrow(blend(theme.magnitude[2], theme.bg, 0.5), scale=0.55)
            level = run.meta.get("field_level", {}).get("sigma")
            at = f", $sigma = {level:.2f}$" if level is not None and page.shape == "wide" else ""
            items.append((arrow, 0.45, "score" if page.shape == "tall" else f"learned score{at}"))
        key = legend(items, *place.key[:2], page.em("legend"), theme, align=place.key[2], gap=0.6)
        numbers: list[VMobject] = [step, loss]
        distance = self.distance(place)
        if distance:
            numbers.append(distance)

        def show(u: float) -> None:
            now = (total - 1) * u**2
            shot = int(np.searchsorted(shots, now + 1, side="right")) - 1
            for mob in moving:
                mob.show_step(now if mob in self.curves else max(shot, 0))

        def count(u: float) -> None:
            now = int((total - 1) * u**2)
            step.set_values(now + 1)
            loss.set_value(float(self.mean[now]))
            if distance:
                shot = int(np.searchsorted(shots, now + 1, side="right")) - 1
                distance.set_values(float(run["metric_sliced_wasserstein"][max(shot, 0)]))

        show(0)
        count(0)
        self.intro(*header, ground=[caption, key, *numbers, *self.furniture, *self.curves, *view.made])
        seconds = self.options.duration
        self.play(
            UpdateFromAlpha(show, *moving, run_time=seconds),
            *view.turning(seconds, self.options.orbit),
            UpdateFromAlpha(lambda u: count(ticked(u, seconds)), *numbers, run_time=seconds),
        )
        for turn in view.coming_to_rest(3.0, self.options.orbit / seconds):
            self.play(turn)
        self.outro()

    def field_view(self, rect: Rect) -> Plane | Space:
        """All data, and room around them."""
        data, (a, b, c, d) = self.trajectories["training"]["target"], rect
        if data.shape[1:] == (3,):
            return around(data, rect, ((a + b) / 2, (c + d) / 2), (0.46 * (b - a), 0.46 * (d - c)), self.theme)
        if data.shape[1:] != (2,):
            raise RenderError(f"training shows data in the plane or in space, not of shape {data.shape[1:]}.")
        low, high = np.quantile(data, 0.001, axis=0), np.quantile(data, 0.999, axis=0)
        room = 0.15 * float(np.max(high - low))
        return Plane(containing((low[0] - room, high[0] + room, low[1] - room, high[1] + room), rect), rect)

    def cloud(self, view: Plane | Space) -> PointCloud:
        """Data and samples in one cloud, drawn in mixed order, so that neither hides the other where they agree."""
        run, theme = self.trajectories["training"], self.theme
        shots, data = run["snapshot"], run["target"]
        n = min(self.options.points, shots.shape[1], len(data))
        order = np.random.default_rng(0).permutation(2 * n)
        states = np.concatenate([np.broadcast_to(data[:n], (len(shots), n, view.dims)), shots[:, :n]], axis=1)[:, order]
        rgb = [[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in (theme.data, theme.samples)]
        colors = np.repeat(np.array(rgb, np.uint8), n, axis=0)[order]
        alpha = np.repeat([0.62, 0.78], n)[order]
        return view.cloud(states, color=colors, radius=SIZE, alpha=alpha)

    def score(self, view: Plane) -> Any:
        """The learned score at one noise level, faint, in one scale for the whole clip."""
        run = self.trajectories["training"]
        field = np.asarray(run["field_score"])
        places = np.stack(np.meshgrid(run["grid_x"], run["grid_y"]), axis=-1)
        vmax = float(np.quantile(np.linalg.norm(field[-1], axis=-1), 0.85)) or 1.0
        drawn = view.arrows(places, field[0], table=self.theme.table("magnitude"), vmax=vmax, length=0.8, power=0.5)
        (x0, x1, y0, y1), half = view.box, float(places[0, 1, 0] - places[0, 0, 0]) / 2
        x, y = places[..., 0].ravel(), places[..., 1].ravel()
        whole = (x - half > x0) & (x + half < x1) & (y - half > y0) & (y + half < y1)
        drawn.alpha = np.where(whole, 0.4, 0.0)  # no arrow is cut off at the edge
        return drawn.follow(field)

    def loss_axes(self, place: Layout) -> None:
        """The loss curve and what stands around it: `self.curves`, `self.mean` and `self.furniture`."""
        run, page, theme, axes = self.trajectories["training"], self.page, self.theme, place.axes
        loss = np.asarray(run["loss"], float)
        steps = np.arange(1, len(loss) + 1)
        self.mean = averaged(loss, MEAN)
        low, high = float(self.mean.min()), float(self.mean.max())
        logs = low > 0 and high / low > 3
        ticks = decades(low, high) if logs else evenly(low, high, 3)
        ticks = ticks if len(ticks) > 1 else evenly(low, high, 5)
        f = (lambda v: np.log(np.maximum(v, 1e-12))) if logs else (lambda v: np.asarray(v, float))
        low, high = float(f(min(low, ticks[0]))), float(f(max(high, ticks[-1])))
        pad = 0.08 * (high - low) or 1.0
        span = (0.0, float(len(loss)), low - pad, high + pad)
        raw = Curve(span, axes, steps, f(loss), color=theme.fg, width=HAIR).set_fill(opacity=0.28)
        self.curves = [raw, Curve(span, axes, steps, f(self.mean), color=theme.fg, ring=theme.bg)]

        def x(s: float) -> float:
            return axes[0] + (axes[1] - axes[0]) * s / span[1]

        def y(v: float) -> float:
            return axes[2] + (axes[3] - axes[2]) * (float(f(v)) - span[2]) / (span[3] - span[2])

        em = page.em("legend")
        made: list[VMobject] = [page.label("Loss", axes[0], place.name)]
        for value in ticks:
            made += [line([(axes[0], y(value)), (axes[1], y(value))], theme.grid)]
            made += [page.label(f"{value:g}", axes[0] - 0.14, y(value) - 0.3 * em, 1, "legend", "muted")]
        made.append(line([(axes[0], axes[2]), (axes[1], axes[2])], theme.border, HAIR * 1.4))
        across = evenly(0, span[1], 2 if page.shape == "square" else 3)
        for s in across:
            made.append(line([(x(s), axes[2]), (x(s), axes[2] - 0.09)], theme.border, HAIR * 1.4))
            align = 1 if x(s) > axes[1] - 0.3 else 0
            made.append(page.label(f"{s:,.0f}", x(s), axes[2] - 0.14 - 0.9 * em, align, "legend", "muted"))
        if place.below:
            made.append(page.label("training step", axes[1], axes[2] - place.below, 1, "legend", "muted"))
        self.furniture = made

    def distance(self, place: Layout) -> Running | None:
        """How far the samples still are from the data, if that was recorded."""
        run = self.trajectories["training"]
        if "metric_sliced_wasserstein" not in run or self.page.shape == "square":
            return None
        widest = float(np.max(run["metric_sliced_wasserstein"]))
        text = self.page.running("distance to the data {:.3f}", widest, size="legend", color="muted")
        y = place.axes[2] - 1.35 if self.page.shape == "wide" else place.step[1]
        return text.at(place.axes[1], y, 1)


def decades(low: float, high: float) -> list[float]:
    """1, 2 or 5 times powers of ten around low … high."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    ticks = [m * 10.0**e for e in range(first, last + 1) for m in (1, 2, 5)]
    inside = [t for t in ticks if 0.8 * low <= t <= 1.25 * high]
    return inside[:: max(1, len(inside) // 4)]


def evenly(low: float, high: float, count: int) -> list[float]:
    """About `count` + 1 round numbers, evenly spaced, within low … high."""
    raw = (high - low) / count or 1.0
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(m * size for m in (1, 2, 2.5, 5, 10) if m * size >= raw)
    first = math.ceil(low / step - 1e-9)
    return [round(k * step, 12) for k in range(first, math.floor(high / step + 1e-9) + 1)]
