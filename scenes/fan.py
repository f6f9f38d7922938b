"""The posterior over clean data at a moving noisy point: its cloud, its mean, its covariance, exact and as learned."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from diffrender.animation import (
    KEY_DOT_WIDTH,
    Ellipse,
    FadeInFast,
    FadeOutFast,
    Fan,
    Hero,
    Mark,
    Plane,
    Recording,
    SceneOptions,
    SpreadChart,
    TrajectoryScene,
    UpdateFromAlpha,
    captions,
    frame,
    key_dot,
    key_line,
    paced,
)

SHARES = (0.55, 0.85)  # of its first spread, between which the posterior is looked at; it is followed down to NARROW
NARROW = 0.05
GROW, REWIND = 1.1, 1.6  # seconds of an act, and back to the noise
EQUATION = 'upright("Cov")[x_0 | x_t] = sigma_t^2\\/alpha_t^2 thin (I + sigma_t^2 {{nabla^2 log p_t (x_t) : score}})'

APART = "means {0:.2f} of a spread apart (median)|means apart by {0:.0%} of it|{0:.0%} of it apart"
CHECKED = "the ellipse and the points differ by {:.0e}|ellipse and points: {:.0e}|off by {:.0e}"


class PosteriorFan(TrajectoryScene):
    """p(x_0 | x_t) as a cloud while x_t moves, x̂0 its mean, its covariance by the score; exact beside learned."""

    default_config = "spiral"
    shows = ("plane",)
    needs = {
        "run": Recording(
            "reverse",
            {
                "sampler.kind": "ddim",
                "sampler.steps": 120,
                "sampler.chains": 400,
                "sampler.timestep_spacing": "log_snr",
            },
            fixed={"record.posterior": True, "record.keep": ["x0"]},
        )
    }
    words = {
        "title": "The posterior",
        "points": "Where it may come from",
        "mean": "The mean of that, $hat(x)_0$",
        "ellipse": "Its covariance",
        "spread": "Spread of $p(x_0|x_t)$",
    }

    class Options(SceneOptions):
        """Options of `fan`."""

        duration: float = Field(12.0, gt=0, le=600, description="seconds in which the point goes from noise to data")

    def construct(self) -> None:
        """One moment: cloud, mean, ellipse; then the whole way of x_t; then the moment again beside the figures."""
        run, page, theme, words = self.run, self.page, self.theme, self.words
        run.require("posterior", "posterior_mean")
        learned, chain = captions.learned(run), int(run.meta["followed"])
        boxes = self.arrange("two panels", slider=True)
        chart = SpreadChart(page, run, boxes.right, learned=learned)
        share = chart.exact / chart.exact[0]
        looked = (share > SHARES[0]) & (share < SHARES[1])
        k = int(np.argmax(np.where(looked, chart.moved, -1.0)))

        # the point and its posterior on the left; on the right what the network makes of it, or the figures
        way = np.stack([np.asarray(run.states[i][chain], float) for i in range(run.steps + 1)])
        near, guess = np.concatenate([run.target, way]), np.stack([run["x0"][i][chain] for i in range(run.steps)])
        left, fan, seen = self.side(near, boxes.left)
        exact = [Mark(left, run["posterior_mean"], color=theme.data, ring=theme.bg)]
        exact.append(Ellipse(left, run["posterior_mean"], run["posterior_cov"], color=theme.data, casing=theme.bg))
        theirs: list[Any] = []
        if learned:
            right, beside, hers = self.side(near, boxes.right)
            theirs = [Mark(right, guess, color=theme.accept, ring=theme.bg)]
            theirs += [
                Ellipse(right, mean, cov, color=color, casing=theme.bg)
                for mean, cov, color in (
                    (run["posterior_mean"], run["posterior_cov"], theme.data),
                    (guess, run["model_cov"], theme.accept),
                )
            ]

        # what stands round it, all on one clock
        clock = self.clock(run, timeline=paced(run.states[:, chain : chain + 1], run["x0"][:, chain : chain + 1]))
        clock.bind(fan, *exact, *seen, *theirs, *chart.curves, *([beside, *hers] if learned else []))
        wide = page.shape == "wide"
        said, values = (
            ("$sigma_t =$ {:.3f}, spread {:.3f}", (run["sigma"], chart.exact))
            if wide
            else ("spread {:.3f}", (chart.exact,))
        )
        numbers = [clock.number(said, *values, size="legend").at(*page.foot(boxes.left_key))]
        if learned:
            said = "learned: {:.3f}, means {:.3f} apart" if wide else "learned {:.3f}"
            values = (chart.model, chart.apart) if wide else (chart.model,)
            numbers.append(clock.number(said, *values, size="legend").at(*page.foot(boxes.right_key)))
        items = ["opacity: $sqrt(p)$", "seed", "model"] if wide else ["seed", "" if learned else "model"]
        caption = self.caption("sampler", "step", f"exact: {run.meta['exact']}", *items)
        key = self.legend(self.keys(learned), boxes.slider)
        frames = [frame(box, theme.border).set_z_index(9) for box in (boxes.left, boxes.right)[: 1 + learned]]
        label = page.panel_label(page.words(captions.model(run) if learned else words["spread"]), boxes.right)
        second = (
            [m for part in theirs for m in part.mobjects] + [beside.cloud, *hers[0].mobjects]
            if learned
            else chart.mobjects
        )

        # one moment: the cloud, its mean, its ellipse
        clock.show_step(k)
        title = self.header(words["title"], EQUATION)
        marks = [m for part in exact for m in part.mobjects]
        self.places["label"] = [self.heading("ellipse", boxes)]
        ground = [caption, key, *numbers, *frames, label, *self.places["label"], *second, *fan.mobjects, *marks]
        self.intro(*title, ground=[*ground, *seen[0].mobjects])
        self.play(FadeOutFast(*fan.mobjects, *marks, run_time=0.4))
        self.set_places(label=[self.heading("points", boxes)])
        self.play(FadeInFast(fan.cloud, run_time=GROW), UpdateFromAlpha(fan.open, fan.rays, run_time=GROW))
        self.wait(0.8)
        self.set_places(label=[self.heading("mean", boxes)])
        self.play(UpdateFromAlpha(lambda u: fan.open(1.0, u), fan.rays, run_time=GROW))
        self.play(FadeInFast(*exact[0].mobjects, run_time=0.4), FadeOutFast(fan.rays, run_time=0.4))
        self.wait(0.5)
        self.set_places(label=[self.heading("ellipse", boxes)])
        self.play(FadeInFast(*exact[1].mobjects, run_time=0.8))
        self.wait(0.5)

        # the whole way, and the moment again beside the figures of all moments
        now = clock.timeline.course(k)
        self.play(clock.play(self.seconds(REWIND), start=now, end=0.0))
        end = clock.timeline.course(float(np.argmax(np.append(share, 0.0) < NARROW)))
        self.play_run(clock, end=end)
        self.finish(end, clock, chart, fan, k, learned, [*second, label, *numbers[1:], *frames[1:]], boxes)

    def side(self, near: Any, box: Any) -> tuple[Plane, Fan, list[Any]]:
        """A panel with the fan and the point that moves."""
        view = self.view(near, box)
        fan = Fan(view, self.run, theme=self.theme)
        return view, fan, [Hero(view, self.run.states, theme=self.theme, chain=fan.chain)]

    def heading(self, word: str, boxes: Any) -> Any:
        """What is said over the left panel."""
        return self.page.panel_label(self.page.words(self.words[word]), boxes.left)

    def finish(
        self, start: float, clock: Any, chart: SpreadChart, fan: Fan, k: int, learned: bool, gone: list[Any], boxes: Any
    ) -> None:
        """The telling moment again, large, beside the spread at all moments and what the figures come to."""
        page = self.page
        apart = float(np.median(chart.apart / chart.exact)) if learned else float(np.abs(chart.exact - chart.fan).max())
        forms = page.fitting(APART if learned else CHECKED, boxes.right_key.width, "legend", apart)
        self.play(FadeOutFast(*(gone if learned else []), run_time=0.4))
        self.play(clock.play(self.seconds(REWIND), start=start, end=clock.timeline.course(k)))
        fan.open(1.0)
        into = [fan.rays, page.label(forms.format(apart), *page.foot(boxes.right_key), "legend")]
        if learned:
            into += [*chart.mobjects, page.panel_label(page.words(self.words["spread"]), boxes.right)]
        for curve in chart.curves:
            clock.release(curve)
            curve.show_step(len(curve.x) - 1)
        self.play(FadeInFast(*into, run_time=0.6))
        self.outro()

    def keys(self, learned: bool) -> list[Any]:
        """What the marks mean."""
        theme = self.theme
        items = [
            (key_dot(theme.fg, ring=theme.bg), KEY_DOT_WIDTH, "$x_t$"),
            (key_dot(theme.data, radius=0.05), KEY_DOT_WIDTH, "$p(x_0|x_t)$"),
            (key_line(theme.data), 0.4, "exact" if learned else "mean, covariance"),
        ]
        return [*items, (key_line(theme.accept), 0.4, "learned")] if learned else items
