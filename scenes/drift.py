"""The vector field that carries noise to data, over time, with particles riding it and the paths they leave."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from diffrender.animation import (
    KEY_DOT_WIDTH,
    LINE,
    Clock,
    FadeInFast,
    FlowField,
    Hero,
    Recording,
    SceneOptions,
    Streamlines,
    TrajectoryScene,
    UpdateFromAlpha,
    frame,
    key_dot,
    key_line,
    panel,
    path_length,
    scale_bar,
)

FLOWS = 0.45  # how often a second a lit part travels along each line
DATA, POINT = 0.75, 0.95  # opacity of the data and of what is carried
REWIND, ALONE = 1.2, 4.0  # seconds: back to the noise, and the way of one particle alone
EQUATION = "dot(x) = f_t (x) - 1\\/2 thin g_t^2 thin {{nabla log p_t (x) : score}}"


class Drift(TrajectoryScene):
    """The flow from noise to data: one particle carried by it, then many, and the paths of all."""

    default_config = "spiral"
    shows = ("plane", "space")
    needs = {
        "flow": Recording(
            "reverse",
            {"sampler.kind": "ddim", "sampler.chains": 2000, "record.fields": ["velocity"], "record.keep": []},
        )
    }
    words = {
        "title": "Probability flow",
        "terms": "$f_t, g_t$: the forward process",
        "data": "data",
        "riders": "particles",
        "paths": "paths of",
    }

    class Options(SceneOptions):
        """Options of `drift`."""

        style: Literal["arrows", "streamlines"] = Field("streamlines", description="in space always a slice of arrows")
        duration: float = Field(8.0, gt=0, le=600, description="seconds in which the particles go from noise to data")
        particles: int = Field(250, ge=0, le=20000, description="points that are carried, each with a tail")
        trail_steps: int = Field(18, ge=1, le=500, description="steps that a tail is long")
        alone: bool = Field(True, description="show one particle first")

    def construct(self) -> None:
        """All paths and back to the noise; one particle; many; all paths again, and how near they have come."""
        run, page, theme, options = self.run, self.page, self.theme, self.options
        boxes = self.arrange("stage with column", slider=False)
        flow = FlowField(run, "velocity", sign=-1)
        if plane := len(run.event) and run.event[0] == 2:
            self.views.append(view := flow.view(boxes.stage))
        else:
            view = self.view(run.target if len(run.target) else run.states[-1], boxes.stage, haze=theme.panel)

        # the data, the field, and what it carries
        data = [view.cloud(run.target, color=theme.data, radius=0.016, alpha=DATA)] if len(run.target) else []
        field = (flow.lines if plane and options.style == "streamlines" else flow.arrows)(view, theme=theme)
        paths, states = flow.paths(view, color=theme.samples), run["x"][:, : options.points or options.particles]
        tail: dict[str, Any] = {"width": LINE, "alpha": 0.9, "length": options.trail_steps, "casing": theme.panel}
        many = [view.trails(states, color=theme.samples, **tail)]
        many.append(view.cloud(states, color=theme.samples, radius=0.046, alpha=POINT, ring=theme.panel))
        hero = Hero(view, run["x"], theme=theme, length=run.steps)

        # what stands round it
        clock = self.clock(run, timeline=path_length(run.states))
        clock.bind(field, paths, *many, hero)
        header = self.header(self.words["title"], EQUATION)
        bar = page.log_scale("$norm(dot(x))$", boxes.column, theme.table("magnitude"), flow.low, flow.high)
        sigma = clock.number("$sigma_t =$ {:.3f}", run["sigma"])
        if page.column_align == 0:  # under the stage: beside the bar
            numbers = [sigma.at(boxes.column.right, bar[0].baseline, 1)]
        else:
            numbers = [
                sigma,
                page.words(self.words["terms"], "legend", "muted"),
                *self.distance_lines(clock),
            ]
            page.stack(boxes.column._replace(top=boxes.column.top - 2.9 * page.em("legend")), *numbers)
        key = self.legend(self.keys(len(data), flow.paths_shown(view)), boxes.key)
        lengths = "" if isinstance(field, Streamlines) else "lengths: square root, anew each step"
        caption = self.caption("sampler", "step", lengths, "seed", "model")
        edge = [frame(boxes.stage, theme.border).set_z_index(9)]
        edge += [scale_bar(view, page, boxes.stage).set_z_index(9)] if plane else []

        clock.show(1)
        self.look(1)
        ground = [panel(boxes.stage, theme), caption, key, *bar, *numbers, *edge]
        self.intro(*header, ground=[*ground, *[m for m in view.made if m not in (*many, field)]])
        self.rewind(clock, REWIND)
        self.crossfade([paths, *hero.mobjects], [field])
        if options.alone:
            self.carry(clock, field, ALONE, hero.mobjects)
            self.rewind(clock, REWIND)
            self.crossfade(hero.mobjects)
        self.carry(clock, field, options.duration, many)
        self.crossfade([field, many[0]], [paths])
        self.outro()

    def carry(self, clock: Clock, field: Any, seconds: float, riders: list[Any]) -> None:
        """Let recorded time pass with these riders, the lines of the field flowing meanwhile."""
        self.play(FadeInFast(*riders, run_time=0.4))
        flowing = []
        if isinstance(field, Streamlines):
            turns = FLOWS * self.seconds(seconds)
            began = field.phase or 0.0

            def flow(u: float) -> None:
                field.phase = began + u * turns

            flowing.append(UpdateFromAlpha(flow, field, run_time=self.seconds(seconds)))
        self.play_run(clock, seconds, *flowing)

    def keys(self, data: int, paths: int) -> list[Any]:
        """What the marks mean."""
        theme, particles = self.theme, min(self.options.points or self.options.particles, self.run.chains)
        items: list[Any] = [(key_dot(theme.data, alpha=DATA), KEY_DOT_WIDTH, self.words["data"])] if data else []
        items.append(
            (
                key_dot(theme.samples, alpha=POINT, ring=theme.panel),
                KEY_DOT_WIDTH,
                f"{particles:,} {self.words['riders']}",
            )
        )
        return [*items, (key_line(theme.samples), 0.4, f"{self.words['paths']} {paths:,}")]
