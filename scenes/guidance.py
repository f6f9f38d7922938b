"""The same noise under several guidance scales: too little of the class asked for, enough of it, too much."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from pydantic import Field

from diffrender.animation import (
    Box,
    ClassStrips,
    Clock,
    NearestPairs,
    PredictedImages,
    Recording,
    RenderError,
    SceneOptions,
    TrajectoryScene,
    captions,
    cells,
    escaped,
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
CLOSER = 2  # classes that are shown large, if there is room for them
SAMPLED = {
    "sampler.kind": "ddim",
    "sampler.steps": 60,
    "sampler.chains": 40,
    "record.nearest": True,
    "record.target_points": 200,
    "record.decoded": 40,  # of latents
}


class Guidance(TrajectoryScene):
    """The same noise under several guidance scales, a row each, a class a column, over images of the data."""

    default_config = "digits"
    shows = ("images", "latents")
    unused_options = ("trails", "points", "interpolate", "orbit", "project")
    needs = {
        "free": Recording("reverse", SAMPLED, fixed={"sampler.guidance_scale": 0}),
        "plain": Recording("reverse", SAMPLED, fixed={"sampler.guidance_scale": 1}),
        "two": Recording("reverse", SAMPLED, fixed={"sampler.guidance_scale": 2}),
        "eight": Recording("reverse", SAMPLED, fixed={"sampler.guidance_scale": 8}),
    }

    class Options(SceneOptions):
        """Options of `guidance`."""

        duration: float = Field(5.0, gt=0, le=600, description="seconds in which the noise becomes images, each time")
        closer: bool = Field(True, description="go on with the class that the scale changes most, large")

    def construct(self) -> None:
        """All rows in lockstep from the same noise, and how far each is from the data; then one class, large."""
        page, runs = self.page, self.trajectories
        if len({run.steps for run in runs.values()}) > 1 or any("label" not in run for run in runs.values()):
            raise RenderError("guidance compares runs of equally many steps, each with its labels.")
        labels = np.asarray(self.run["label"])
        known = np.asarray(self.run["target_label"]) if "target_label" in self.run else labels[:0]
        classes = [int(k) for k in np.unique(labels)][:CLASSES]
        there = set(classes) <= set(known.tolist())  # an image of the data of each class
        names = (self.run.meta.get("target") or {}).get("labels") or [str(k) for k in range(max(classes) + 1)]
        clock = self.clock(self.run, timeline=paced_by_prediction(runs["two"]))
        apart = captions.data_apart(self.run)
        told = ["read by a small network"] if "read" in self.run else ["median rms distances", *apart]
        caption = self.caption("sampler", *told, "seed", "model", "step")
        stage = self.arrange("stage", key=False, slider=False).stage.above(caption)
        strips = ClassStrips(page, stage, len(SCALES) + there, [names[k] for k in classes])

        texts: list[Any] = strips.headings()
        grids, figures = [], []
        for k, (name, (scale, does)) in enumerate(SCALES.items()):
            grids.append(clock.bind(strips.grid(k, PredictedImages(runs[name]), first_of_each(labels, classes))))
            texts.append(strips.name(k, f"$w = {scale}$: {does}|$w = {scale}$|{scale}"))
            if "read" in runs[name]:  # latents, decoded
                right, of = int((np.asarray(runs[name]["read"]) == np.asarray(runs[name]["label"])).sum()), len(labels)
                said = f"{right} of {of} read as asked|{right} of {of}|{100 * right / of:.0f} %"
                figures.append(strips.figure(k, said))
            elif "nearest_distance" in runs[name]:
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
        if self.options.closer and all("nearest" in run for run in runs.values()):
            self.wait(self.seconds(1.0))
            clock.release(*grids)
            self.come_closer(clock, stage, names, first_of_each(labels, classes), [*texts, *grids, *figures])
        self.outro()

    def come_closer(self, clock: Clock, stage: Box, names: Sequence[str], chains: list[int], before: list[Any]) -> None:
        """The same run again of the chains whose images the scale changes most, large, over what it starts from; at
        the end over the image of the data that each is nearest to."""
        page, labels = self.page, np.asarray(self.run["label"])
        runs = [self.trajectories[name] for name in SCALES]
        ends = np.stack([image_values(run)[run.steps][chains] for run in runs])
        changed = np.square(np.diff(ends[1:].clip(-1, 1), axis=0)).mean((0, 2, 3, 4))
        most = [chains[k] for k in np.argsort(-changed)[:CLOSER]]
        pairs = [
            NearestPairs(page, run, cell, most)
            for run, cell in zip(runs, cells(stage, len(runs), tall=page.shape == "tall"), strict=True)
        ]
        samples, states = [pair.samples for pair in pairs], [mob for pair in pairs for mob in pair.states]
        clock.bind(*samples, *(pair.states[0] for pair in pairs))
        shown = ", ".join(names[int(labels[chain])] for chain in pairs[0].chains)
        texts = [
            text
            for pair, (scale, does) in zip(pairs, SCALES.values(), strict=True)
            for text in pair.names(
                f"$w = {scale}$",
                does,
                f"asks for {escaped(shown)}: $hat(x)_0$" if scale else "asks for nothing: $hat(x)_0$",
            )
        ]
        clock.show(0)
        self.crossfade(before, [*texts, *samples, *states])
        self.play_run(clock)
        self.crossfade(states, [mob for pair in pairs for mob in pair.told])

    def away(self, far: np.ndarray) -> str:
        """The median of distances (N,)."""
        return "|".join(f"{np.median(far):.2f}{more}" for more in (" from the data", " away", ""))
