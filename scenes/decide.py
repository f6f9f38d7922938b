"""The instant at which a mode is decided: fixed points split, paths choose, and p(class | x_t) says when each has."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from diffrender.animation import (
    KEY_DOT_WIDTH,
    Decisions,
    FadeInFast,
    FadeOutFast,
    Pitchfork,
    Recording,
    Ribbons,
    SceneOptions,
    TrajectoryScene,
    UpdateFromAlpha,
    key_dot,
    key_line,
    linear,
)

SPLIT = 4.0  # seconds in which the fixed points split
EQUATION = '{{nabla log p_t (x) : score}} = 0 quad lambda_max thin upright("Cov")[x_0 | x] = sigma_t^2\\/alpha_t^2'
# √λ_max of the data's covariance: where Biroli et al. 2024 expect the decision
FORK = (
    "splits at $sigma\\/alpha =$ {:.3f}, near the data's $sqrt(lambda_max) =$ {:.3f}|splits at $sigma\\/alpha =$ {:.3f}"
)
HALF = "half of the paths are sure at $sigma\\/alpha =$ {0:.3f}|half sure at $sigma\\/alpha =$ {0:.2f}|half at {0:.2f}"


class Decide(TrajectoryScene):
    """Fixed points of a mixture's score as the noise falls: one becomes several, and each path goes to one of them."""

    default_config = "two_modes"
    shows = ("line", "plane")
    needs = {
        "run": Recording(
            "reverse",
            {
                "model.kind": "exact",
                "sampler.kind": "ddpm",
                "sampler.steps": 160,
                "sampler.chains": 400,
                "sampler.timestep_spacing": "log_snr",
            },
            fixed={"record.classes": True, "record.keep": []},
        )
    }
    words = {
        "title": "The decision",
        "fork": "Where the score is zero",
        "ribbons": "$p(#[class] | x_t)$ along paths",
        "stable": "stable",
        "unstable": "unstable",
        "split": "split",
        "sure": "sure, $p > 0.9$",
    }

    class Options(SceneOptions):
        """Options of `decide`."""

        duration: float = Field(9.0, gt=0, le=600, description="seconds in which the paths go from noise to data")

    def construct(self) -> None:
        """The whole figure; the fixed points split; then paths from noise to data, and how likely each class is."""
        run, page, words = self.run, self.page, self.words
        boxes = self.arrange("two panels", slider=True)
        decisions = Decisions(run)
        fork = Pitchfork(page, run, decisions, boxes.left)
        rows = boxes.right._replace(bottom=fork.axes.rect.bottom if page.shape != "tall" else boxes.right.bottom)
        ribbons = Ribbons(page, decisions, fork.axes, rows.rows(*[1] * len(decisions.chosen), gap=0.14))

        # what stands round it
        clock = self.clock(run, timeline=linear(len(decisions.x) - 1))
        clock.bind(fork, ribbons)
        labels = [
            page.panel_label(page.words(words[name]), box)
            for name, box in (("fork", boxes.left), ("ribbons", boxes.right))
        ]
        caption = self.caption("sampler", "step", f"{len(decisions.label)} paths, some drawn", "seed", "model")
        key = self.legend(self.keys(), boxes.slider)
        said = self.said(decisions, boxes)
        title = self.header(words["title"], EQUATION)

        # the whole figure is the first picture
        clock.show(1)
        fork.show_fixed(run.steps)
        moving = [*fork.paths, fork.heads, *ribbons.mobjects, labels[1]]
        self.intro(*title, ground=[caption, key, *labels, *said, *fork.mobjects, *fork.fixed, *fork.lines, *moving])

        # the fixed points alone
        self.play(FadeOutFast(*moving, *fork.lines, *said, run_time=0.4))
        seconds = self.seconds(SPLIT)

        def split(u: float) -> None:
            fork.show_fixed(u * len(decisions.x))

        self.play(UpdateFromAlpha(split, *fork.fixed, run_time=seconds))
        self.play(FadeInFast(*fork.lines, *said[:1], run_time=0.6))
        self.wait(0.8)

        # paths, and what they have decided
        clock.show(0)
        self.play(FadeInFast(*moving, run_time=0.6))
        self.play_run(clock)
        self.play(FadeInFast(*said[1:], run_time=0.6))
        self.outro()

    def said(self, decisions: Decisions, boxes: Any) -> list[Any]:
        """Under each panel the figure that belongs to it; of a mixture of one mode, that nothing splits."""
        page, made = self.page, []
        widest = float(np.sqrt(np.linalg.eigvalsh(np.atleast_2d(np.cov(np.asarray(self.run.target, float).T)))[-1]))
        fork = (FORK, decisions.splits[0][1], widest) if decisions.splits else ("nothing splits", 0.0)
        for box, (forms, *values) in ((boxes.left_key, fork), (boxes.right_key, (HALF, decisions.half()))):
            form = page.fitting(forms, box.width, "legend", *values)
            made.append(page.label(form.format(*values), *page.foot(box), "legend"))
        return made

    def keys(self) -> list[Any]:
        """What the marks mean."""
        theme, words = self.theme, self.words
        rest = [(key_dot(theme.muted, radius=0.04), KEY_DOT_WIDTH, words["unstable"])] * (self.page.shape != "tall")
        return [
            (key_dot(theme.fg), KEY_DOT_WIDTH, words["stable"]),
            *rest,
            (key_line(theme.reject), 0.4, words["split"]),
            (key_line(theme.fg), 0.4, words["sure"]),
        ]
