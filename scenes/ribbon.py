"""p_t of a mixture on a line over all time; the SDE and the ODE that share it, and the dial between them."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal

from manim import VGroup
from pydantic import Field

from diffrender.animation import (
    KEY_DOT_WIDTH,
    Clock,
    FadeInFast,
    FadeOutFast,
    FamilyMaps,
    MapBetweenEnds,
    MapRows,
    Recording,
    SceneOptions,
    Trajectory,
    TrajectoryScene,
    chance,
    even_chains,
    key_dot,
    key_line,
    linear,
)

STARTS = 9  # paths drawn on the large map
FADE = 0.9  # seconds: large maps that went at once would flash
EQUATIONS = {
    "forward": "dif x = f x thin dif t + {{g thin dif w : noise}}",
    "backward": "dif x = (f x - {{(1 + eta)\\/2 thin g^2 thin nabla log p_t : score}}) dif t"
    " + {{sqrt(eta) thin g thin dif w : noise}}",
    "flow": "dif x = (f x - {{1\\/2 thin g^2 thin nabla log p_t : score}}) dif t",
}
CHANCE = (
    "gap of the distribution functions, by chance under {0:.3f} in 19 of 20"
    "|gap by chance under {0:.3f} in 19 of 20|gap by chance: under {0:.3f}"
)
FAMILIES = {"vp": "variance preserving", "ve": "variance exploding", "straight": "flow matching"}
SAMPLED = {
    "model.kind": "exact",
    "sampler.steps": 120,
    "sampler.chains": 4000,
    "sampler.timestep_spacing": "linspace",
    "record.keep": [],
    "record.density": True,
    "record.density_grid": [601, 1],
}
LEARNED = {
    "model.kind": "residual_mlp",
    "model.width": 64,
    "training.steps": 1500,
    "sampler.steps": 120,
    "sampler.chains": 4000,
    "sampler.timestep_spacing": "linspace",
    "record.keep": [],
    "record.density": True,
    "record.density_grid": [601, 1],
}
FLOW = {"sampler.kind": "dpmpp_2m_sde", "sampler.eta": 0.0, "sampler.start": "flow"}
SDE = {"sampler.kind": "dpmpp_2m_sde", "sampler.eta": 1.0, "sampler.start": "flow"}
BETWEEN = {"sampler.kind": "dpmpp_2m_sde", "sampler.start": "flow"}
VP = {"sampler.kind": "rk45", "sampler.start": "flow", "schedule.kind": "squaredcos_cap_v2"}
STRAIGHT = {"sampler.kind": "rk45", "sampler.start": "flow", "schedule.kind": "flow"}
VE = {
    "sampler.kind": "rk45", "sampler.start": "flow",
    "schedule.kind": "karras", "schedule.rho": 1.0, "schedule.sigma_max": 3.0,
}  # fmt: skip
Shown = tuple[Clock, list[Any], list[Any]]  # an act: its clock, what stands, what moves


class Ribbon(TrajectoryScene):
    """p_t of a mixture on a line as a heat map over time, paths of SDE and ODE on it, and the dial between them."""

    default_config = "three_peaks"
    shows = ("line",)
    unused_options = ("trails", "points", "interpolate", "orbit", "project")
    needs = {
        "flow": Recording("reverse", SAMPLED, fixed=FLOW),
        "sde": Recording("reverse", SAMPLED, fixed=SDE),
        "dial": Recording("reverse", SAMPLED, fixed=BETWEEN, each={"sampler.eta": "dial"}),
        "forward": Recording("forward", SAMPLED, fixed={"sampler.kind": "forward"}, acts=("forward",)),
        "vp": Recording("reverse", SAMPLED, fixed=VP, acts=("families",)),
        "ve": Recording("reverse", SAMPLED, fixed=VE, acts=("families",)),
        "straight": Recording("reverse", SAMPLED, fixed=STRAIGHT, acts=("families",)),
        "learned": Recording("reverse", LEARNED, fixed=FLOW, acts=("learned",)),
    }
    words = {
        "title": "One density",
        "ode": "probability flow (ODE)|ODE",
        "sde": "SDE",
        "forward": "from data to noise|data to noise",
        "backward": "from noise to data|noise to data",
        "exact": "exact",
        "learned": "learned",
    }

    class Options(SceneOptions):
        """Options of `ribbon`."""

        acts: tuple[Literal["forward", "backward", "dial", "families", "learned"], ...] = Field(
            ("forward", "backward", "dial"), min_length=1, description="what is shown, in this order"
        )
        dial: tuple[float, ...] = Field((0.5,), max_length=2, description="settings of the dial between ODE and SDE")
        duration: float = Field(7.0, gt=0, le=600, description="seconds in which recorded time passes, in each act")

    def construct(self) -> None:
        """Each act begins where nothing has moved yet; the first picture is the first act's last."""
        shown: list[Any] = []
        for k, act in enumerate(self.options.acts):
            clock, standing, moving = getattr(self, act)()
            formula = EQUATIONS.get(act, EQUATIONS["backward" if act == "dial" else "flow"])
            if k == 0:
                title = self.header(self.words["title"], formula)
                clock.show(1)
                large = self.large.map.rect if act in ("forward", "backward") else None
                self.intro(*title, ground=[*standing, *moving], result=large)
                self.restart(clock, *moving)
                shown = [*title[-1:], *standing, *moving]
            else:
                clock.show(0)
                after = [*standing, *moving, self.page.equation(formula)]
                self.play(FadeOutFast(*(mob for mob in shown if mob not in after), run_time=FADE))
                self.play(FadeInFast(*(mob for mob in after if mob not in shown), run_time=FADE))
                shown = after
            self.play_run(clock)
            self.wait(1.0)
        self.outro()

    def forward(self) -> Shown:
        """The forward SDE and the flow backwards, from the same data."""
        return self.both(self.trajectories["forward"], back=True)

    def backward(self) -> Shown:
        """The reverse SDE and the flow, from the same noise."""
        return self.both(self.trajectories["sde"], back=False)

    def both(self, sde: Trajectory, *, back: bool) -> Shown:
        """Paths of the flow and of an SDE from the same starts, on one large map between data and noise."""
        page, theme, run = self.page, self.theme, self.run
        density, stage = self.large.map, self.large.map.rect
        chains = even_chains(run, STARTS)
        moving = [*density.paths(sde, chains, theme.samples), *density.paths(run, chains, theme.fg, back=back)]
        clock = self.clock(sde, timeline=linear(run.steps, interpolate=True))
        clock.bind(*moving)
        said = page.fitting(self.words["forward" if back else "backward"], stage.width, "label")
        label = page.roomy(page.words(said), stage.width - 0.6, 0.85).at(stage.center[0], stage.top + 0.2, 0)
        caption = self.caption(f"{STARTS} of {run.chains:,} paths", "colour as $sqrt(p_t)$", "seed", "model", "step")
        return clock, [self.key, *self.large.standing, caption, label], moving

    @cached_property
    def large(self) -> MapBetweenEnds:
        """The large map, which stands whichever way time goes."""
        return MapBetweenEnds(self.page, self.run, self.arrange("ribbon"))

    @cached_property
    def key(self) -> VGroup:
        """What the lines on it mean."""
        theme, words = self.theme, self.words
        ode = self.page.fitting(words["ode"], 0.5 * self.page.frame.width, "legend")
        keys = [(key_line(theme.fg), 0.4, ode), (key_line(theme.samples), 0.4, words["sde"])]
        return self.legend(keys, self.arrange("ribbon").key)

    def dial(self) -> Shown:
        """The flow, the settings between, and the SDE: other paths, the same p_t at every moment."""
        runs = [run for name, run in self.trajectories.items() if name.startswith("dial")]
        runs = [self.run, *runs, self.trajectories["sde"]]
        etas = [float(run.meta["config"]["sampler"]["eta"]) for run in runs]
        names = {0.0: self.words["ode"], 1.0: self.words["sde"]}
        forms = ["|".join(f"{f}{', ' * bool(f)}$eta = {eta:g}$" for f in names.get(eta, "").split("|")) for eta in etas]
        return self.rows(list(zip(forms, runs, strict=True)))

    def learned(self) -> Shown:
        """The flow of the exact score, and that of a learned one."""
        return self.rows([(self.words["exact"], self.run), (self.words["learned"], self.trajectories["learned"])])

    def rows(self, named: list[tuple[str, Trajectory]]) -> Shown:
        """A map with paths for each run, and beside it the histogram of all chains over p_t, now."""
        page, theme, boxes = self.page, self.theme, self.arrange("rows with sides", count=len(named))
        clock = self.clock(self.run, timeline=linear(self.run.steps, interpolate=True))
        rows, count = MapRows(page, clock, named, boxes), self.run.chains
        keys = [(key_dot(theme.samples), KEY_DOT_WIDTH, f"all {count:,} points")]
        keys += [(key_line(theme.data), 0.4, "$p_t$ in closed form")]
        floor = page.fitting(CHANCE, 0.56 * page.frame.width, "caption", chance(count))
        caption = self.caption(floor.format(chance(count)), "colour as $sqrt(p_t)$", "seed", "step")
        return clock, [caption, self.legend(keys, boxes.key), *rows.standing], rows.moving

    def families(self) -> Shown:
        """The flow of three families of levels, from the same data."""
        boxes = self.arrange("grid", count=len(FAMILIES), slider=False)
        named = [(said, self.trajectories[name]) for name, said in FAMILIES.items()]
        run = named[0][1]
        clock = self.clock(run, timeline=linear(run.steps, interpolate=True))
        maps = FamilyMaps(self.page, clock, named, boxes)
        caption = self.caption("sampler", "colour as $sqrt(p_t)$", "seed", "model", "step")
        return clock, [caption, *maps.standing], maps.moving
