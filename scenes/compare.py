"""A learned score beside the exact one, over time, and where no data ever were; or two recordings of the same noise."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from diffrender.animation import (
    PairPanels,
    Recording,
    RenderError,
    SceneOptions,
    ScoreError,
    ScorePanels,
    TrajectoryScene,
    captions,
    path_length,
)

EQUATION = "{{sigma_t norm(s_theta (x, t) - nabla log p_t (x)) : sum}}"
APART = "{{norm(x_t - x'_t) : sum}}"


class Compare(TrajectoryScene):
    """A learned score over the exact one, the size of its error as a map, and against t where data are and are not."""

    default_config = "three_modes"
    shows = ("plane",)
    unused_options = ("trails",)
    needs = {
        "run": Recording(
            "reverse",
            {
                "sampler.kind": "ddim",
                "sampler.steps": 60,
                "sampler.chains": 400,
                "record.keep": [],
                "record.fields": ["score", "exact_score"],
                "record.grid": [56, 56],
                "record.density": True,
                "record.density_grid": [56, 56],
            },
        ),
        "exact": Recording(
            "reverse",
            {"sampler.kind": "ddim", "sampler.steps": 60, "sampler.chains": 400, "record.keep": []},
            fixed={"model.kind": "exact"},
        ),
    }
    words = {
        "title": "Learned and exact score",
        "scores": "Scores",
        "exact": "exact",
        "learned": "learned",
        "samples": "samples",
        "difference": "Size of the error",
        "never": "dotted: $p_t$ under 1 % of its peak|dotted: hardly asked|dotted: rarely",
        "error": "Error, root mean square|Error",
        "axis": "$t$, from noise to data|$t$",
        "here": "over $p_t$:",
        "elsewhere": "where hardly asked:|hardly asked:|rarely:",
        "pair": "The same noise, twice",
        "both": "Both",
        "joined": "lines: one chain, in both|lines: one chain",
        "alike": "The two are the same, bit for bit",
        "apart": "Chains apart against $sigma\\/(alpha + sigma)$: {:.3f}|Chains apart, on average: {:.3f}|Apart {:.3f}",
    }

    class Options(SceneOptions):
        """Options of `compare`."""

        duration: float = Field(9.0, gt=0, le=600, description="seconds from noise to data")

    def construct(self) -> None:
        """Of a recording with fields the scores; of any other the run beside another from the same noise."""
        if "field_score" in self.run:
            self.scores()
        else:
            self.pair()
        self.outro()

    def scores(self) -> None:
        """The level at which it errs most where it was hardly asked; all levels; and that one again, in the chart."""
        run = self.run
        if not captions.learned(run):
            raise RenderError(f"{run.file}: compare needs a learned score.", "Take a network: --set model.kind=mlp")
        error, clock = ScoreError(run), self.clock(timeline=path_length(run["x"]))
        boxes = self.arrange("two panels and chart")
        panels = ScorePanels(self.page, clock, self.trajectories["exact"], boxes, error, self.words)
        drawn = ("arrows: root of length", "lines: the noise that parts most", "seed")
        caption = self.caption("sampler", "step", *drawn[: None if self.page.shape == "wide" else 1], "model")
        worst = clock.timeline.course(float(np.argmax(error.elsewhere)))
        clock.show(worst)
        panels.curves.foresee(True)
        self.intro(*self.header(self.words["title"], EQUATION), ground=[*panels.mobjects, caption])
        panels.curves.foresee(False)
        self.restart(clock, *clock.mobjects)
        self.play_run(clock)
        self.wait(0.6)
        panels.curves.foresee(True)
        self.play(clock.play(self.seconds(1.5), start=1.0, end=worst))

    def pair(self) -> None:
        """Both ends; back to the noise, where they are one; both ways at the same noise level."""
        self.boxes = self.arrange("cells over chart", count=3)
        one, other = self.run, self.trajectories["exact"]
        shown = one.target if len(one.target) else one.states[-1]
        views = [self.view(shown, cell) for cell in self.boxes.cells]
        clock = self.clock(timeline=path_length(one.states))
        panels = PairPanels(self.page, clock, other, views, self.boxes, self.words)
        caption = self.caption("step", "points", "scaling", "seed")
        clock.show(1)
        ground, first = [*panels.mobjects, caption], self.boxes.cells[0]
        self.intro(*self.header(self.words["pair"], APART), ground=ground, result=first)
        self.rewind(clock, 1.2)
        self.play_run(clock)
