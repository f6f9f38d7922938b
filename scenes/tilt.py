"""Guidance in the plane: the fields that it adds up, and what it really samples beside the density that it claims."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from pydantic import Field

from diffrender.animation import (
    KEY_DOT_WIDTH,
    ClaimPanels,
    GuidedFields,
    Recording,
    SceneOptions,
    Trajectory,
    TrajectoryScene,
    class_colors,
    class_names,
    guided_where,
    key_dot,
    linear,
)

LONGEST = 1.35  # times the other: a side of a panel
MOST_KEYS = 5  # classes that a legend has room for
EQUATION = "tilde(s)_w = {{s_nothing : noise}} + w ({{s_c : data}} - {{s_nothing : noise}})"
CLAIM = "p_w (x|c) prop {{p(x|c) : data}}^w thin {{p(x) : noise}}^(1-w)"
WORSE = "tilde(D)_w = {{D_0 : noise}} + w ({{D_1 : data}} - {{D_0 : noise}})"
METHOD = (
    "shade: what guidance claims; sliced Wasserstein (true samples: two draws of it)"
    "|shade: claimed; sliced Wasserstein (true samples)|shade: claim; sliced Wasserstein (true)"
)

EXACT = {
    "model.kind": "exact",
    "model.conditional": True,
    "sampler.kind": "dpmpp_2m",
    "sampler.steps": 100,
    "sampler.chains": 3000,
    "sampler.timestep_spacing": "linspace",
    "record.keep": [],
}
LEARNED = {
    "model.kind": "residual_mlp",
    "model.width": 32,
    "model.conditional": True,
    "training.steps": 500,
    "training.label_dropout": 0.15,
    "sampler.kind": "dpmpp_2m",
    "sampler.steps": 60,
    "sampler.chains": 3000,
    "sampler.timestep_spacing": "linspace",
    "sampler.guidance_scale": 2.0,
    "sampler.autoguidance.training.steps": 120,
    "record.keep": [],
}
TILTED = {"record.tilted": True}
BY_NOTHING = {"record.tilted": True, "sampler.autoguidance": None}
ALONE = {"record.tilted": True, "sampler.autoguidance": None, "sampler.guidance_scale": 1.0}


class Tilt(TrajectoryScene):
    """Guided fields in the plane as the scale sweeps; then clouds of each class beside the density that is claimed."""

    default_config = "three_modes"
    shows = ("plane",)
    unused_options = ("trails", "orbit", "project")
    needs = {
        "scale": Recording("reverse", EXACT, fixed=TILTED, each={"sampler.guidance_scale": "scales"}, acts=("clouds",)),
        "fields": Recording(
            "reverse",
            {
                "model.kind": "exact",
                "model.conditional": True,
                "sampler.kind": "ddim",
                "sampler.steps": 30,
                "sampler.chains": 100,
                "sampler.timestep_spacing": "log_snr",
                "record.keep": [],
                "record.grid": [15, 13],
            },
            fixed={"record.fields": ["score", "class_score"], "sampler.guidance_scale": 1.0},
            acts=("fields",),
        ),
        "alone": Recording("reverse", LEARNED, fixed=ALONE, acts=("autoguidance",)),
        "by_nothing": Recording("reverse", LEARNED, fixed=BY_NOTHING, acts=("autoguidance",)),
        "by_worse": Recording("reverse", LEARNED, fixed=TILTED, acts=("autoguidance",)),
    }
    words = {
        "title": "Guidance",
        "free": "no class, $w = 0$",
        "given": "class {0}, $w = 1$",
        "difference": "their difference",
        "alone": "the class alone, $w = {:g}$|alone, $w = {:g}$",
        "by_nothing": "away from no class, $w = {:g}$|no class, $w = {:g}$",
        "by_worse": "away from a worse network, $w = {:g}$|worse network, $w = {:g}$|worse net, $w = {:g}$",
        "distance": "sliced Wasserstein {0:.2f}, true samples {1:.2f}|sliced $W_2$ {0:.2f}, true samples {1:.2f}"
        "|sliced $W_2$ {0:.2f} ({1:.2f})|{0:.2f} ({1:.2f})",
    }

    class Options(SceneOptions):
        """Options of `tilt`."""

        acts: tuple[Literal["fields", "clouds", "autoguidance"], ...] = Field(
            ("fields", "clouds"), min_length=1, description="what is shown, in this order"
        )
        scales: tuple[float, ...] = Field(
            (1.0, 2.0, 4.0, 8.0), min_length=1, max_length=4, description="guidance scales"
        )
        sweep: float = Field(6.0, gt=0, le=600, description="seconds in which the scale of the fields grows")
        duration: float = Field(8.0, gt=0, le=600, description="seconds in which the noise becomes data")

    def construct(self) -> None:
        """The three fields, the third as the scale grows; all clouds in lockstep over what is claimed of each; and by a
        learned score those of the class alone, away from no class, and away from a worse network."""
        shown: list[Any] = []
        for act in self.options.acts:
            if shown:
                self.wait(1.0)
            shown = getattr(self, act)(shown)
        self.outro()

    def begin(self, before: list[Any], equation: str, standing: list[Any], moving: list[Any]) -> list[Any]:
        """What stands at the beginning of an act; returns all that its end will show."""
        if before:
            formula = self.page.equation(equation)
            self.crossfade(before, [*standing, formula, *moving])
            return [*standing, formula, *moving]
        title = self.header(self.words["title"], equation)
        self.intro(*title, ground=[*standing, *moving])
        return [*standing, *moving, title[-1]]

    def fields(self, before: list[Any]) -> list[Any]:
        """Scores without class, of a class, and guided from w = 0 to the largest scale; returns what is shown."""
        page, run, words = self.page, self.trajectories["fields"], self.words
        boxes = self.arrange("grid", count=4, slider=False, longest=LONGEST)
        views = [self.view(run.target, cell, reach=0.95) for cell in boxes.cells]
        fields = GuidedFields(page, run, views, top=max(self.options.scales))
        clock = self.clock(run, timeline=linear(len(fields.scales) - 1, interpolate=True))
        clock.bind(fields)
        y = [label.bottom + 0.35 * page.em("legend") for label in boxes.labels]
        said = words["free"], words["given"].format(class_names(run)[fields.label]), words["difference"]
        names: list[Any] = [
            page.roomy(page.words(text, "legend"), cell.width).at(cell.left, at)
            for text, cell, at in zip(said, boxes.cells, y, strict=False)
        ]
        names.append(clock.number("guided, $w =$ {:.1f}", fields.scales, size="legend").at(boxes.cells[3].left, y[3]))
        caption = self.caption(
            f"scores at $sigma\\/alpha =$ {fields.ratio:.2f}", "length as $sqrt(|s|)$", "scales of their own", "model"
        )
        clock.show(0 if before else 1)
        shown = self.begin(before, EQUATION, [caption, *names, *fields.standing], fields.mobjects)
        if not before:
            self.restart(clock, fields.guided)
        self.play_run(clock, self.options.sweep)
        return shown

    def clouds(self, before: list[Any]) -> list[Any]:
        """The chains of each scale, coloured by the class asked for, over the tilted density of all classes."""
        runs = [run for name, run in self.trajectories.items() if name.startswith("scale")]
        named = [(f"$w = {run.meta['tilted']['scale']:g}$", run) for run in runs]
        return self.beside_claims(before, CLAIM, named)

    def autoguidance(self, before: list[Any]) -> list[Any]:
        """The chains of a network alone, guided away from its own answer without class, and away from a worse one's."""
        named = []
        for name in ("alone", "by_nothing", "by_worse"):
            run = self.trajectories[name]
            scale = float(run.meta["config"]["sampler"]["guidance_scale"])
            named.append(("|".join(form.format(scale) for form in self.words[name].split("|")), run))
        return self.beside_claims(before, WORSE, named)

    def beside_claims(self, before: list[Any], equation: str, named: Sequence[tuple[str, Trajectory]]) -> list[Any]:
        """Named runs in lockstep, each over what its guidance claims, and in the end how far they are from that."""
        page, runs = self.page, [run for _, run in named]
        boxes = self.arrange("grid", count=len(runs), slider=False, longest=LONGEST)
        held = np.concatenate([held_by(points) for run in runs for points in (run.target, *run.states)])  # by all
        views = [self.view(held, cell, reach=0.85) for cell in boxes.cells]
        panels = ClaimPanels(page, runs, views, points=self.options.points)
        clock, low = self.clock(runs[0]), 0.35 * page.em("legend")
        clock.bind(panels)
        names = [
            page.roomy(page.words(page.fitting(name, 0.95 * cell.width, "legend"), "legend"), 0.95 * cell.width).at(
                cell.left, label.bottom + low
            )
            for (name, _), cell, label in zip(named, boxes.cells, boxes.labels, strict=True)
        ]
        room = min(cell.width for cell in boxes.cells) - max(text.width for text in names)
        figures = panels.distances(page, self.words["distance"], boxes, room=room)
        labels = class_names(runs[0])
        hued = zip(labels, class_colors(self.theme, len(labels)), strict=True)
        keys = [(key_dot(hue), KEY_DOT_WIDTH, f"class {name}") for name, hue in hued]
        key, acting = [self.legend(keys, boxes.key)] if len(keys) <= MOST_KEYS else [], guided_where(runs)
        method = page.fitting(METHOD, (0.8 - 0.2 * len(acting)) * page.frame.width, "caption")
        caption = self.caption(method, *acting, "step", run=runs[-1])
        clock.show(0 if before else 1)
        shown = self.begin(before, equation, [caption, *key, *names, *panels.standing], panels.mobjects)
        if not before:
            self.restart(clock, *panels.mobjects)
        self.play_run(clock)
        self.crossfade((), figures)
        return [*shown, *figures]


def held_by(points: np.ndarray) -> np.ndarray:
    """Two corners (2, D) of the box that holds 99 of a hundred points (N, D) in each coordinate."""
    return np.percentile(points, (0.5, 99.5), axis=0)
