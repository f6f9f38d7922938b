"""The posterior over clean data at a moving noisy point: its cloud, its mean, its covariance, exact and as learned."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from diffrender.animation import (
    KEY_DOT_WIDTH,
    LINE,
    Box,
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
    scale_bar,
)

SHARES = (0.55, 0.85)  # of its first spread, between which the posterior is looked at; it is followed down to NARROW
NARROW = 0.02
NEAR = 4.0  # spreads from the mean to the edge of the view, once it has come so near
NEAREST = 1e-3  # of all that is shown, at which nothing comes nearer: where the posterior is one point
GROW = 1.1  # seconds of an act
POINT, GHOST = 0.032, 0.65  # radius and opacity of the data where no posterior is known
EQUATION = 'upright("Cov")[x_0 | x_t] = sigma_t^2\\/alpha_t^2 thin (I + sigma_t^2 {{nabla^2 log p_t (x_t) : score}})'
CHECKED = "the ellipse and the points differ by {:.0e}|ellipse and points: {:.0e}|off by {:.0e}"


class PosteriorFan(TrajectoryScene):
    """p(x_0 | x_t) as a cloud while x_t moves, x̂0 its mean, its covariance by the score; exact beside learned."""

    default_config = "spiral"
    shows = ("plane",)
    unused_options = ("trails", "points")
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
        "points": "Where it may come from|Where from",
        "mean": "The mean of that, $hat(x)_0$|Mean $hat(x)_0$",
        "learned": "The network's covariance|Network",
        "level": "ellipses: one deviation",
        "ellipse": "Its covariance",
        "spread": "Spread $sqrt(#[tr Cov])$ of $p(x_0 bar.v x_t)$|Spread $sqrt(#[tr Cov])$",
    }

    class Options(SceneOptions):
        """Options of `fan`."""

        duration: float = Field(12.0, gt=0, le=600, description="seconds in which the point goes from noise to data")

    def construct(self) -> None:
        """One moment: cloud, mean, ellipse, the network's; the whole way of x_t, ever nearer; the moment again."""
        run, page, theme, words = self.run, self.page, self.theme, self.words
        run.require("posterior", "posterior_mean")
        learned, chain = captions.learned(run), int(run.meta["followed"])
        boxes = self.arrange("two panels and chart")
        left_box = boxes.left if learned else boxes.left._replace(right=boxes.right.right)
        spread = SpreadChart(run)
        share = spread.exact / spread.exact[0]
        looked = (share > SHARES[0]) & (share < SHARES[1])
        k = int(np.argmax(np.where(looked, spread.moved, -1.0)))

        # the point and its posterior; what the network makes of it, over the data
        way = np.stack([np.asarray(run.states[i][chain], float) for i in range(run.steps + 1)])
        near, guess = np.concatenate([run.target, way]), np.stack([run["x0"][i][chain] for i in range(run.steps)])
        left = self.view(near, left_box)
        fan, hero = Fan(left, run, theme=theme), Hero(left, run.states, theme=theme, chain=chain)
        exact = [Mark(left, run["posterior_mean"], color=theme.data, ring=theme.bg)]
        exact.append(Ellipse(left, run["posterior_mean"], run["posterior_cov"], color=theme.data, casing=theme.bg))
        views, theirs, ghosts = [left], [], []
        if learned:
            right = self.view(near, boxes.right)
            ghosts = [right.cloud(run.target, color=theme.muted, radius=POINT, alpha=GHOST)]
            hers = Hero(right, run.states, theme=theme, chain=chain)
            theirs = [Mark(right, guess, color=theme.reject, ring=theme.bg)]
            theirs += [
                Ellipse(right, mean, cov, color=color, casing=theme.bg, width=width * LINE)
                for mean, cov, color, width in (
                    (run["posterior_mean"], run["posterior_cov"], theme.data, 3.2),
                    (guess, run["model_cov"], theme.reject, 1.4),
                )
            ]
            views.append(right)

        # what stands round it, all on one clock
        clock = self.clock(run, timeline=paced(run.states[:, chain : chain + 1], run["x0"][:, chain : chain + 1]))
        whole = [view.box for view in views]
        pairs = list(zip(views, whole, strict=True))
        clock.bind(lambda step: self.follow(pairs, spread, int(step)))
        chart = spread.chart(page, clock, boxes.chart, words["spread"], learned=learned)
        clock.bind(fan, *exact, hero, *theirs, *([hers] if learned else []))
        top = boxes.left_key.top - 1.15 * page.em("legend")
        numbers = [clock.number("$sigma_t =$ {:.3f}", run["sigma"], size="legend").at(boxes.left.left, top)]
        items = ["opacity: $sqrt(p)$", "seed"] if page.shape == "wide" else []
        caption = self.caption("sampler", "step", f"exact: {run.meta['exact']}", *items, "model")
        keys = [self.legend(items, box) for items, box in zip(self.keys(learned), self.rows(boxes), strict=False)]
        if learned and page.shape == "wide":
            numbers.append(page.label(words["level"], boxes.right.left, top - 1.3 * page.em("legend"), size="legend"))
        for key in keys:  # of two lines, none lies on the panel
            key.shift([0, min(0.0, boxes.left.bottom - 0.1 - float(key.get_top()[1])), 0])
        frames = [frame(view.rect, theme.border).set_z_index(9) for view in views]
        bars = [scale_bar(view, page, Box(*view.rect)) for view in views]
        second = [m for part in theirs for m in part.mobjects] + ([*hers.mobjects] if learned else [])
        second += [self.heading("learned", boxes.right)] if learned else []

        # one moment: the cloud, its mean, its ellipse; what the network says
        clock.show_step(k)
        chart.foresee(True)
        title = self.header(words["title"], EQUATION)
        marks = [m for part in exact for m in part.mobjects]
        self.places["label"] = [self.heading("ellipse", left_box)]
        ground = [caption, *keys, *numbers, *frames, *bars, *self.places["label"], *ghosts, *fan.mobjects, *marks]
        self.intro(*title, ground=[*ground, *second, *hero.mobjects, *chart.mobjects])
        chart.foresee(False)
        self.play(FadeOutFast(*fan.mobjects, *marks, *second, *chart.curves, run_time=0.4))
        self.set_places(label=[self.heading("points", left_box)])
        self.play(FadeInFast(fan.cloud, run_time=GROW), UpdateFromAlpha(fan.open, fan.rays, run_time=GROW))
        self.wait(0.8)
        self.set_places(label=[self.heading("mean", left_box)])
        self.play(UpdateFromAlpha(lambda u: fan.open(1.0, u), fan.rays, run_time=GROW))
        self.play(FadeInFast(*exact[0].mobjects, run_time=0.4), FadeOutFast(fan.rays, run_time=0.4))
        self.wait(0.5)
        self.set_places(label=[self.heading("ellipse", left_box)])
        self.play(FadeInFast(*exact[1].mobjects, run_time=0.8))
        self.wait(0.5)
        if learned:
            self.play(FadeInFast(*second, run_time=0.8))
            self.wait(0.5)

        # the whole way, and the moment again in the chart of all moments
        moving = [fan.cloud, *marks, *hero.mobjects, *second]
        self.play(FadeOutFast(*moving, run_time=0.3))
        clock.show(0)
        self.play(FadeInFast(*moving, *chart.curves, run_time=0.5))
        end = clock.timeline.course(float(np.argmax(np.append(share, 0.0) < NARROW)))
        self.play_run(clock, end=end)
        self.wait(0.5)
        clock.show(1)
        chart.foresee(True)
        self.play(clock.play(self.seconds(2.0), start=end, end=clock.timeline.course(k)))
        fan.open(1.0)
        into: list[Any] = [fan.rays]
        if not learned:
            form = page.fitting(CHECKED, boxes.right_key.width, "legend", off := abs(spread.exact - spread.fan).max())
            into.append(page.label(form.format(off), boxes.right.left, top, size="legend"))
        self.play(FadeInFast(*into, run_time=0.6))
        self.outro()

    def follow(self, views: list[tuple[Plane, Any]], spread: SpreadChart, step: int) -> None:
        """Let views, each with all it may show, come nearer as the posterior narrows, in the end about its mean."""
        k = min(step, len(spread.exact) - 1)
        for view, (x0, x1, y0, y1) in views:
            near = min(1.0, max(NEAR * spread.exact[k] / ((y1 - y0) / 2), NEAREST))
            (x, y), (mx, my) = ((x0 + x1) / 2, (y0 + y1) / 2), spread.mean[k]
            x, y, w, h = mx + near**2 * (x - mx), my + near**2 * (y - my), near * (x1 - x0) / 2, near * (y1 - y0) / 2
            view.lay((x - w, x + w, y - h, y + h), view.rect)

    def heading(self, word: str, box: Any) -> Any:
        """What is said over the left panel."""
        return self.page.panel_label(
            self.page.words(self.page.fitting(self.words[word], box[1] - box[0], "label")), box
        )

    def rows(self, boxes: Any) -> list[Any]:
        """Where the keys of both panels lie: a line under σ_t, and the right one's first."""
        em = self.page.em("legend")
        low = [boxes.left_key.top - 2.45 * em, boxes.right_key.top - 1.15 * em]
        first = boxes.left_key if captions.learned(self.run) else boxes.left_key._replace(right=boxes.right.right)
        return [b._replace(bottom=y - 0.3 * em, top=y + em) for b, y in
                zip((first, boxes.right_key), low, strict=True)]  # fmt: skip

    def keys(self, learned: bool) -> list[list[Any]]:
        """What the marks mean, of each panel."""
        theme = self.theme
        first = [
            (key_dot(theme.fg, ring=theme.bg), KEY_DOT_WIDTH, "$x_t$"),
            (key_dot(theme.data, radius=0.05), KEY_DOT_WIDTH, "$p(x_0|x_t)$"),
        ]
        second = [(key_line(theme.data), 0.4, "exact"), (key_line(theme.reject), 0.4, "learned")]
        exact = [(key_line(theme.data), 0.4, "mean, one deviation")] * (self.page.shape != "tall")
        return [first, second] if learned else [[*first, *exact]]
