"""The instant at which a mode is decided: fixed points split, paths choose, and p(class | x_t) says when each has."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from diffrender.animation import (
    KEY_DOT_WIDTH,
    LINE,
    Axes,
    Decisions,
    FadeInFast,
    FadeOutFast,
    Pitchfork,
    Recording,
    Ribbons,
    SceneOptions,
    TrajectoryScene,
    UpdateFromAlpha,
    key_dashes,
    key_dot,
    key_dots,
    line,
    linear,
)

SPLIT = 2.5  # seconds in which the fixed points split
EQUATION = "{{nabla log p_t (x) : score}} = 0"
# √λ_max of the data's covariance: where Biroli et al. 2024 expect the decision
FORK = (
    'splits where $lambda_max thin upright("Cov")[x_0 bar.v x] = sigma_t^2\\/alpha_t^2 = {1:.3f}^2$'
    "|splits at $sigma\\/alpha =$ {1:.3f}, data: $sqrt(lambda_max) =$ {2:.3f}|splits at $sigma\\/alpha =$ {1:.3f}"
)
HALF = "half of the paths are sure at $sigma\\/alpha =$ {1:.2f}|half sure at {1:.2f}"


class Decide(TrajectoryScene):
    """Fixed points of a mixture's score as the noise falls: one becomes several, and each path goes to one of them."""

    default_config = "two_modes"
    shows = ("line", "plane")
    unused_options = ("trails", "points", "interpolate")
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
        "along": "$x_t$ along the data's widest direction|$x_t$",
        "ribbons": "$p(#[class] bar.v x_t)$ along four paths|$p(#[class] bar.v x_t)$",
        "stable": "stable",
        "unstable": "unstable",
        "class": "class in the end|class",
        "split": "split",
        "sure": "sure, $p > 0.9$|sure",
        "half": "half are sure|half",
    }

    class Options(SceneOptions):
        """Options of `decide`."""

        duration: float = Field(9.0, gt=0, le=600, description="seconds in which the paths go from noise to data")

    def construct(self) -> None:
        """The whole figure; the fixed points split; then paths from noise to data, and how likely each class is."""
        run, page, words = self.run, self.page, self.words
        boxes = self.arrange("stage", slider=False)
        decisions = Decisions(run)
        upper, lower = boxes.stage.rows(0.5, 0.5, gap=0.1)
        lower, em = lower._replace(top=lower.top - 1.6 * page.em("legend")), page.em("legend")
        along, ribbon = (page.fitting(words[name], 0.4 * upper.width, "legend") for name in ("along", "ribbons"))
        fork = Pitchfork(page, run, decisions, upper, lower.bottom + 2.55 * em, along)
        ribbons = Ribbons(page, decisions, lower, fork.axes.room)

        # what stands round it
        clock = self.clock(run, timeline=linear(len(decisions.x) - 1))
        clock.bind(fork, ribbons)
        lines = [fork.axes.rect.top + 0.45 * em, lower.top + 0.45 * em]
        label = page.label(ribbon, fork.axes.rect.left, lines[1], size="legend")
        caption = self.caption("sampler", f"{len(decisions.label)} paths, some drawn", "seed", "model")
        key = self.legend(self.keys(fork.colors), boxes.key)
        said = self.said(decisions, fork.axes, lines)
        title = self.header(words["title"], EQUATION)

        # the whole figure is the first picture
        clock.show(1)
        fork.show_fixed(run.steps)
        moving = [*fork.paths, fork.heads, *ribbons.mobjects]
        stands = [caption, key, label, *ribbons.axis, *fork.mobjects]
        self.intro(*title, ground=[*stands, *said, *fork.fixed, *fork.lines, *moving, ribbons.half])

        # the fixed points alone
        self.play(FadeOutFast(*moving, *fork.lines, *said, ribbons.half, run_time=0.4))
        seconds = self.seconds(SPLIT)

        def split(u: float) -> None:
            fork.show_fixed(u * len(decisions.x))

        self.play(UpdateFromAlpha(split, *fork.fixed, run_time=seconds))
        self.play(FadeInFast(*fork.lines, *said[:1], run_time=0.6))
        self.wait(0.5)

        # paths, and what they have decided
        clock.show(0)
        self.play(FadeInFast(*moving, run_time=0.6))
        self.play_run(clock)
        self.play(FadeInFast(*said[1:], ribbons.half, run_time=0.6))
        self.outro()

    def said(self, decisions: Decisions, axes: Axes, lines: list[float]) -> list[Any]:
        """Over the fork where it splits, over the ribbons when half are sure; of one mode, that nothing splits.

        What stands over the ribbons lies to the right of the lines of the fork, which cross them.
        """
        page, made, rect = self.page, [], axes.rect
        widest = float(np.sqrt(np.linalg.eigvalsh(np.atleast_2d(np.cov(np.asarray(self.run.target, float).T)))[-1]))
        fork = (FORK, *decisions.splits[0], widest) if decisions.splits else ("nothing splits", 0.0)
        last = max((axes.at(at, 0.0)[0] for at, _ in decisions.splits), default=rect.left)
        ends = last > rect.right - 0.1  # of few steps, a line may stand at the end
        right, free = (last - 0.15, rect.width) if ends else (rect.right, rect.right - last - 0.15)
        rooms = 0.58 * rect.width, min(0.58 * rect.width, free)
        for y, room, (forms, *values) in zip(lines, rooms, (fork, (HALF, *decisions.half)), strict=True):
            form = page.fitting(forms, room, "legend", *values)
            made.append(page.label(form.format(*values), right, y, 1, "legend"))
        return made

    def keys(self, classes: list[str]) -> list[Any]:
        """What the marks mean."""
        theme, words, tall = self.theme, self.words, self.page.shape in ("tall", "square")
        items = [
            (key_dot(theme.fg, radius=0.05), KEY_DOT_WIDTH, words["stable"]),
            (key_dot(theme.muted, radius=0.04), KEY_DOT_WIDTH, words["unstable"]),
            (key_dots(*classes), 0.2 * len(classes), words["class"].split("|")[-1 if tall else 0]),
            (key_dashes(theme.reject, width=1.8 * LINE), 0.4, words["split"]),
            (lambda x0, x1, y: line([(x1, y - 0.13), (x1, y + 0.13)], theme.fg, 1.8 * LINE), 0.1,
             words["sure"].split("|")[-1 if tall else 0]),
            (key_dashes(theme.fg, width=1.8 * LINE), 0.4, words["half"].split("|")[-1 if tall else 0]),
        ]  # fmt: skip
        return items
