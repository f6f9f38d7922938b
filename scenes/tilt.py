"""Guidance in the plane: the fields that it adds up, and what it really samples beside the density that it claims."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from diffrender.animation import (
    KEY_DOT_WIDTH,
    ClaimPanels,
    GuidedFields,
    Recording,
    SceneOptions,
    TrajectoryScene,
    class_colors,
    class_names,
    key_dot,
    linear,
)

MOST_KEYS = 5  # classes that a legend has room for
EQUATION = "tilde(s)_w = {{s_nothing : noise}} + w ({{s_c : data}} - {{s_nothing : noise}})"
CLAIM = "p_w (x|c) prop {{p(x|c) : data}}^w thin {{p(x) : noise}}^(1-w)"
METHOD = (
    "shade: what guidance claims; distance: sliced Wasserstein, floor: two draws of the claim"
    "|shade: claimed; distance: sliced Wasserstein|shade: what is claimed; distance (floor)"
)


class Tilt(TrajectoryScene):
    """Guided fields in the plane as the scale sweeps; then clouds of each class beside the density that is claimed."""

    default_config = "three_modes"
    shows = ("plane",)
    unused_options = ("trails", "orbit", "project")
    needs = {
        "scale": Recording(
            "reverse",
            {
                "model.kind": "exact",
                "model.conditional": True,
                "sampler.kind": "dpmpp_2m",
                "sampler.steps": 100,
                "sampler.chains": 3000,
                "sampler.timestep_spacing": "linspace",
                "record.keep": [],
            },
            fixed={"record.tilted": True},
            each={"sampler.guidance_scale": "scales"},
        ),
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
        ),
    }
    words = {
        "title": "Guidance",
        "free": "no class, $w = 0$",
        "given": "class {0}, $w = 1$",
        "difference": "their difference",
        "distance": "distance {0:.2f}, floor {1:.2f}|{0:.2f}, floor {1:.2f}|{0:.2f} ({1:.2f})",
    }

    class Options(SceneOptions):
        """Options of `tilt`."""

        scales: tuple[float, ...] = Field(
            (1.0, 2.0, 4.0, 8.0), min_length=1, max_length=4, description="guidance scales"
        )
        sweep: float = Field(6.0, gt=0, le=600, description="seconds in which the scale of the fields grows")
        duration: float = Field(8.0, gt=0, le=600, description="seconds in which the noise becomes data")

    def construct(self) -> None:
        """The three fields, the third as the scale grows; then all clouds in lockstep over what is claimed of each."""
        shown = self.fields()
        self.clouds(shown)
        self.outro()

    def fields(self) -> list[Any]:
        """Scores without class, of a class, and guided from w = 0 to the largest scale; returns what is shown."""
        page, run, words = self.page, self.trajectories["fields"], self.words
        boxes = self.arrange("grid", count=4, slider=False)
        views = [self.view(run.target, cell, reach=0.95) for cell in boxes.cells]
        fields = GuidedFields(page, run, views, top=max(self.options.scales))
        clock = self.clock(run, timeline=linear(len(fields.scales) - 1, interpolate=True))
        clock.bind(fields)
        known = class_names(run)[fields.label]
        y = [label.bottom + 0.35 * page.em("legend") for label in boxes.labels]
        names = [
            page.label(words["free"], boxes.cells[0].left, y[0], -1, "legend"),
            page.label(words["given"].format(known), boxes.cells[1].left, y[1], -1, "legend"),
            page.label(words["difference"], boxes.cells[2].left, y[2], -1, "legend"),
            clock.number("guided, $w =$ {:.1f}", fields.scales, size="legend").at(boxes.cells[3].left, y[3]),
        ]
        caption = self.caption(
            f"scores at $sigma\\/alpha =$ {fields.ratio:.2f}", "length as $sqrt(|s|)$", "scales of their own", "model"
        )
        ground = [caption, *names, *fields.standing]
        clock.show(1)
        self.title = self.header(words["title"], EQUATION)
        self.intro(*self.title, ground=[*ground, *fields.mobjects])
        self.restart(clock, fields.guided)
        self.play_run(clock, self.options.sweep)
        self.wait(1.0)
        return [*ground, *fields.mobjects, self.title[-1]]

    def clouds(self, before: list[Any]) -> None:
        """The chains of each scale, coloured by the class asked for, over the tilted density of all classes."""
        page, theme, words = self.page, self.theme, self.words
        runs = [run for name, run in self.trajectories.items() if name.startswith("scale")]
        boxes = self.arrange("grid", count=len(runs), slider=False)
        views = [self.view(run.target, cell, reach=0.8) for run, cell in zip(runs, boxes.cells, strict=True)]
        panels = ClaimPanels(page, runs, views, points=self.options.points)
        clock = self.clock(runs[0])
        clock.bind(panels)
        names, figures = [], []
        for run, cell, label in zip(runs, boxes.cells, boxes.labels, strict=True):
            said, y = run.meta["tilted"], label.bottom + 0.35 * page.em("legend")
            names.append(page.label(f"$w = {said['scale']:g}$", cell.left, y, -1, "legend"))
            values = said["distance"], said["floor"]
            form = page.fitting(words["distance"], cell.width - names[-1].width - 0.3, "legend", *values)
            figures.append(page.label(form.format(*values), cell.right, y, 1, "legend"))
        labels = class_names(self.run)
        hues = class_colors(theme, len(labels))
        keys = [(key_dot(hue), KEY_DOT_WIDTH, f"class {name}") for name, hue in zip(labels, hues, strict=True)]
        key = [self.legend(keys, boxes.key)] if len(keys) <= MOST_KEYS else []
        caption = self.caption(page.fitting(METHOD, 0.8 * page.frame.width, "caption"), *self.acting(), "step")
        into = [caption, page.equation(CLAIM), *key, *names, *panels.standing, *panels.mobjects]
        clock.show(0)
        self.crossfade(before, into)
        self.play_run(clock)
        self.crossfade((), figures)

    def acting(self) -> list[str]:
        """Where guidance acts, if not at all levels; and how densities are smoothed, if they are."""
        sampler, smoothed = self.run.meta["config"]["sampler"], float(self.run.meta["tilted"]["smoothed"])
        found = [f"densities smoothed by {smoothed:g}"] if smoothed else []
        if interval := sampler.get("guidance_interval"):
            found.append("guided at $sigma\\/alpha$ {:g} to {:g}".format(*interval))
        return found
