"""The same noise through several denoisers: one blurs, one remembers, one recombines, one has learned."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from diffrender.animation import (
    Clock,
    NearestPairs,
    PatchFrame,
    Recording,
    RenderError,
    SceneOptions,
    TrajectoryScene,
    captions,
    cells,
    paced_by_prediction,
)

SAMPLED = {
    "sampler.kind": "ddim",
    "sampler.steps": 40,
    "sampler.chains": 16,
    "sampler.guidance_scale": 1,
    "record.nearest": True,
}
DENOISERS = {  # its name, what it does with the data, and what it knows of them
    "gaussian": ("Gaussian", "blurs", "knows mean, covariance"),
    "exact": ("exact", "remembers", "knows every image"),
    "local": ("local", "recombines", "knows their patches"),
    "own": ("network", "learned", "trained on them"),
}
LOCALITIES = {"near": "locality 1", "local": "locality 2", "far": "locality 3", "farthest": "locality 6"}


class Memory(TrajectoryScene):
    """The same noise through several denoisers: what blurs, what remembers, what recombines, what has learned."""

    default_config = "photographs"
    shows = ("images",)
    unused_options = ("trails", "points", "interpolate", "orbit", "project")
    needs = {
        "own": Recording("reverse", SAMPLED),
        "gaussian": Recording("reverse", SAMPLED, fixed={"model.kind": "gaussian", "model.conditional": True}),
        "exact": Recording("reverse", SAMPLED, fixed={"model.kind": "exact", "model.conditional": True}),
        "near": Recording(
            "reverse", SAMPLED, fixed={"model.kind": "local", "model.conditional": True, "model.locality": 1}
        ),
        "local": Recording(
            "reverse", SAMPLED, fixed={"model.kind": "local", "model.conditional": True, "model.locality": 2}
        ),
        "far": Recording(
            "reverse", SAMPLED, fixed={"model.kind": "local", "model.conditional": True, "model.locality": 3}
        ),
        "farthest": Recording(
            "reverse", SAMPLED, fixed={"model.kind": "local", "model.conditional": True, "model.locality": 6}
        ),
    }

    class Options(SceneOptions):
        """Options of `memory`."""

        duration: float = Field(7.0, gt=0, le=600, description="seconds in which the noise becomes images, each time")
        images: int = Field(2, ge=1, le=4, description="images of each denoiser, if there is room for them")
        first: int = Field(6, ge=0, description="the first of the chains that are shown")
        dial: bool = Field(True, description="go on with the local denoiser at four localities")

    def construct(self) -> None:
        """Several denoisers in lockstep, and the nearest image of the data to each sample; then locality as a dial."""
        page, runs = self.page, self.trajectories
        if len({run.steps for run in runs.values()}) > 1 or any("nearest" not in run for run in runs.values()):
            raise RenderError("memory compares runs of equally many steps, each with its nearest images.")
        compared = [name for name in DENOISERS if name != "own" or captions.learned(self.run)]
        clock = self.clock(self.run, timeline=paced_by_prediction(runs["local"]))
        caption = self.caption(
            "sampler",
            "rms distances, under 0.1 a copy",
            *captions.data_apart(self.trajectories["exact"]),
            "seed",
            "step",
        )

        pairs = self.pairs(compared, caption)
        samples, states, told = self.parts(pairs)
        clock.bind(*samples, *(pair.states[0] for pair in pairs))
        texts = [text for name, pair in zip(compared, pairs, strict=True) for text in pair.names(*DENOISERS[name])]
        ends = {"wide": ": what a denoiser remembers", "tall": ": memory"}
        words = captions.title(self.run, "Images") + ends.get(page.shape, ": what it remembers")
        title = self.header(words, "{{hat(x)_0 : data}} approx EE [{{x_0 : data}} mid(|) {{x_t : noise}}]")
        clock.show(1)
        self.intro(*title, ground=[caption, *texts, *samples, *told])
        self.crossfade(told)
        self.restart(clock, *samples, also=states)
        self.play_run(clock)
        self.crossfade(states, told)
        self.wait(self.seconds(3.0))
        if self.options.dial:
            clock.release(*samples, *states)
            self.turn_dial(clock, caption, [*title, *texts, *samples, *told])
        self.outro()

    def turn_dial(self, clock: Clock, caption: Any, before: list[Any]) -> None:
        """The local denoiser at four localities, and round one pixel of each how much of the image it sees."""
        page, runs = self.page, self.trajectories
        pairs = self.pairs(list(LOCALITIES), caption)
        samples, states, told = self.parts(pairs)
        texts = [
            text for name, pair in zip(LOCALITIES, pairs, strict=True) for text in pair.names(LOCALITIES[name], "", "")
        ]
        clock.bind(*samples, *(pair.states[0] for pair in pairs))
        squares: list[Any] = []
        for name, pair in zip(LOCALITIES, pairs, strict=True):
            if "metric_patch_side" in runs[name]:
                pixels = max(self.run.event[1:])
                sides = np.minimum(np.asarray(runs[name]["metric_patch_side"]), pixels)
                squares += clock.bind(PatchFrame(self.theme, pair.tile(0), sides, pixels)).mobjects
                if page.shape != "tall":
                    sees = "sees {:.0f} × {:.0f} pixels" if page.shape == "wide" else "sees {:.0f} × {:.0f}"
                    texts.append(pair.under(clock.number(sees, sides, sides, size="legend", color="muted")))
        words = "Locality: how much a pixel sees" if page.shape == "wide" else "How much a pixel sees"
        title = self.header(words, '{{hat(x)_0 : data}} = EE [{{x_0 : data}} mid(|) "patch of" {{x_t : noise}}]')
        clock.show(0)
        pictures = [*samples, *(pair.states[0] for pair in pairs)]
        later = [*title, *texts, *(mob for mob in states if mob not in pictures), *squares]
        self.crossfade(before, later, early=pictures)
        self.play_run(clock)
        self.crossfade([*states, *squares], told)

    def pairs(self, names: list[str], caption: Any) -> list[NearestPairs]:
        """Samples and what becomes of their noise, of each of some recordings."""
        stage = self.arrange("stage", key=False, slider=False).stage.above(caption)
        places = cells(stage, len(names), tall=self.page.shape == "tall")
        first = min(self.options.first, self.run.chains - 1)
        chains = range(first, min(first + self.options.images, self.run.chains))
        return [
            NearestPairs(self.page, self.trajectories[name], cell, chains)
            for name, cell in zip(names, places, strict=True)
        ]

    def parts(self, pairs: list[NearestPairs]) -> tuple[list[Any], list[Any], list[Any]]:
        """Samples, noisy states, and what is told at the end, of all of them."""
        return (
            [pair.samples for pair in pairs],
            [mob for pair in pairs for mob in pair.states],
            [mob for pair in pairs for mob in pair.told],
        )
