"""The same noise under several guidance scales: too little of the class asked for, enough of it, too much."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from diffrender.animation import (
    ClassStrips,
    PredictedImages,
    Recording,
    RenderError,
    SceneOptions,
    TrajectoryScene,
    captions,
    first_of_each,
    image_values,
    paced_by_prediction,
)

SCALES = {  # recording → w, and what it does
    "free": (0, "no class"),
    "plain": (1, "the class"),
    "two": (2, "guided"),
    "eight": (8, "too far"),
}
CLASSES = 10  # at most
SAMPLED = {
    "sampler.kind": "ddim",
    "sampler.steps": 60,
    "sampler.chains": 40,
    "record.nearest": True,
    "record.target_points": 200,
}


class Guidance(TrajectoryScene):
    """The same noise under several guidance scales, a row each, a class a column, over images of the data."""

    default_config = "digits"
    shows = ("images",)
    unused_options = ("trails", "points", "interpolate", "orbit")
    needs = {
        "free": Recording("reverse", SAMPLED, fixed={"sampler.guidance_scale": 0}),
        "plain": Recording("reverse", SAMPLED, fixed={"sampler.guidance_scale": 1}),
        "two": Recording("reverse", SAMPLED, fixed={"sampler.guidance_scale": 2}),
        "eight": Recording("reverse", SAMPLED, fixed={"sampler.guidance_scale": 8}),
    }

    class Options(SceneOptions):
        """Options of `guidance`."""

        duration: float = Field(9.0, gt=0, le=600, description="seconds in which the noise becomes images")

    def construct(self) -> None:
        """All rows in lockstep from the same noise; at the end how far each is from the data, and these from others."""
        page, runs = self.page, self.trajectories
        if len({run.steps for run in runs.values()}) > 1 or any("label" not in run for run in runs.values()):
            raise RenderError("guidance compares runs of equally many steps, each with its labels.")
        labels = np.asarray(self.run["label"])
        known = np.asarray(self.run["target_label"]) if "target_label" in self.run else labels[:0]
        classes = [int(k) for k in np.unique(labels)][:CLASSES]
        there = set(classes) <= set(known.tolist())  # an image of the data of each class
        names = (self.run.meta.get("target") or {}).get("labels") or [str(k) for k in range(max(classes) + 1)]
        clock = self.clock(self.run, timeline=paced_by_prediction(runs["two"]))
        caption = self.caption("sampler", "rms to the nearest other image of the data", "seed", "model", "step")
        stage = self.arrange("stage", key=False, slider=False).stage.above(caption)
        strips = ClassStrips(page, stage, len(SCALES) + there, [names[k] for k in classes])

        texts: list[Any] = strips.headings()
        grids, figures = [], []
        for k, (name, (scale, does)) in enumerate(SCALES.items()):
            grids.append(clock.bind(strips.grid(k, PredictedImages(runs[name]), first_of_each(labels, classes))))
            texts.append(strips.name(k, f"$w = {scale}$: {does}|$w = {scale}$|{scale}"))
            if "nearest_distance" in runs[name]:
                figures.append(strips.figure(k, self.away(np.asarray(runs[name]["nearest_distance"]))))
        if there:
            texts += [strips.grid(len(SCALES), image_values(self.run, "target"), first_of_each(known, classes))]
            texts.append(strips.name(len(SCALES), "data", "data"))
            if "nearest_apart" in self.run:
                figures.append(strips.figure(len(SCALES), self.away(np.asarray(self.run["nearest_apart"])), "data"))
        if page.shape == "tall":
            texts.append(page.label("$w$", strips.left, strips.strips[0].top + 1.75 * page.em("legend"), -1, "legend"))
        title = self.header(
            captions.title(self.run, "Images") + (": one noise, four scales" if page.shape == "wide" else ": guidance"),
            "tilde(epsilon) = {{epsilon_nothing : noise}} + w ({{epsilon_c : data}} - {{epsilon_nothing : noise}})",
        )
        clock.show(1)
        self.intro(*title, ground=[caption, *texts, *grids, *figures])
        self.crossfade(figures)
        self.restart(clock, *grids)
        self.play_run(clock)
        self.crossfade((), figures)
        self.outro()

    def away(self, far: np.ndarray) -> str:
        """The median of distances (N,)."""
        return "|".join(f"{np.median(far):.2f}{more}" for more in (" from the data", " away", ""))
