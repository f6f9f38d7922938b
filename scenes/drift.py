"""The vector field that carries noise to data: one particle riding it, many, their paths, and what they came to."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from manim import Animation, smooth
from pydantic import Field

from diffrender.animation import (
    KEY_DOT_WIDTH,
    LINE,
    BesideData,
    Clock,
    DistanceCourse,
    FadeInFast,
    FadeOutFast,
    FlowField,
    Hero,
    Recording,
    SceneOptions,
    Streamlines,
    TrajectoryScene,
    flowing,
    frame,
    key_dot,
    key_line,
    key_path,
    panel,
    path_length,
    point_radius,
    scale_bar,
)

DATA, POINT = 0.75, 0.95  # opacity of the data and of what is carried
REWIND, BACK = 1.2, 0.9  # seconds: back to the noise, and once more
ALONE, PATHS = 4.0, 1.8  # seconds: one particle alone, the paths of all
ARRIVE = 0.8  # seconds in which all that have arrived, and their paths, come in the field's place
TAIL = {"width": 1.2 * LINE, "alpha": 0.9, "power": 1.0}
FAR = 0.97  # the one particle goes farther than so much of the others
# in the direction that is shown, in which t falls
EQUATION = "- #h(0.1em) dot(x) = inline(1/2) thin g_t^2 thin {{nabla log p_t (x) : score}} - f_t (x)"


def closing_in(u: float) -> float:
    """How far the view in space has closed in on the data when u of the run has passed."""
    return smooth(min(max((u - 0.3) / 0.6, 0.0), 1.0))


class Drift(TrajectoryScene):
    """The flow from noise to data: one particle carried by it, then many, and the paths of all."""

    default_config = "spiral"
    shows = ("plane", "space")
    unused_options = ("trails",)
    needs = {
        "flow": Recording(
            "reverse",
            {"sampler.kind": "ddim", "sampler.chains": 2000, "record.fields": ["velocity"], "record.keep": []},
        )
    }
    words = {
        "title": "Probability flow",
        "terms": "$f, g$: the forward process",
        "data": "data, for reference|data",
        "one": "one particle",
        "riders": "particles",
        "some": "{:,} of {:,} particles|{:,} of {:,}",
        "field": "motion as $t$ falls, $- #h(0.1em) dot(x)$|motion as $t$ falls",
        "first": "first one particle; lines: the field of this instant|first one particle",
        "slice": "first one particle; arrows: the field on one slice|first one particle",
        "error": "network's error: {:.0f} % of a step|error: {:.0f} % of a step|error {:.0f} %",
        "faint": "faint field: mostly the network's error",
        "then": "now {:,} at once, the same flow|now {:,} at once",
        "all": "where all {:,} end|all {:,}",
        "decided": "no noise: where each starts decides where it ends|no noise: the start decides the end|all {:,}",
        "paths": "paths of",
    }

    class Options(SceneOptions):
        """Options of `drift`."""

        style: Literal["arrows", "streamlines"] = Field(
            "streamlines", description="how the field is drawn in the plane; in space as arrows on a slice"
        )
        duration: float = Field(8.0, gt=0, le=600, description="seconds in which the particles go from noise to data")
        particles: int = Field(250, ge=0, le=20000, description="points that are carried, each with a tail")
        trail_steps: int = Field(30, ge=1, le=500, description="steps that a tail is long")
        alone: bool = Field(True, description="show one particle first")

    def construct(self) -> None:
        """All paths and back to the noise; one particle; many; all paths again, and how near they have come."""
        run, page, theme, options, words = self.run, self.page, self.theme, self.options, self.words
        boxes = self.arrange("stage with column", slider=False)
        flow, shape = FlowField(run, "velocity", sign=-1), run.target if len(run.target) else run.states[-1]
        if plane := run.event == (2,):
            self.views.append(view := flow.view(boxes.stage))
        else:
            view = self.view(shape, boxes.stage, haze=theme.panel)

        # the data, the field, and what it carries
        paths, states = flow.paths(view, color=theme.samples), run["x"][:, : options.points or options.particles]
        data = [view.cloud(run.target, color=theme.data, radius=0.016, alpha=DATA)] if len(run.target) else []
        field, arrows = flow.drawn(view, options.style, theme=theme), not plane or options.style == "arrows"
        tail: dict[str, Any] = TAIL | {"length": options.trail_steps, "casing": theme.panel}
        many = [view.trails(states, color=theme.samples, **tail)]
        many.append(view.cloud(states, color=theme.samples, radius=0.046, alpha=POINT, ring=theme.panel))
        ends = view.cloud(
            np.asarray(run["x"][-1]), color=theme.samples, radius=point_radius(run.chains, 24), alpha=DATA
        )
        ends.set_z_index(paths.z_index + 0.5)  # under the data, to which they have come, and under the one
        hero = Hero(view, run["x"], theme=theme, length=run.steps, even=True, way=FAR)

        # what stands round it
        clock = self.clock(run, timeline=path_length(run.states))
        clock.bind(field, *([paths] if plane else []), *many, hero)
        clock.bind(lambda k: field.set_fill(opacity=flow.trusted[int(k)]), moves=[field])
        header = self.header(words["title"], EQUATION)
        speeds = theme.table("magnitude"), flow.low, flow.high
        sigma = clock.number("$sigma_t =$ {:.3f}", run["sigma"])
        beside = (sigma.room + 0.3) * (page.column_align == 0)  # under the stage they share a line
        room = boxes.column._replace(right=boxes.column.right - beside)
        bar = page.log_scale('$norm(dot(x)) "(log)"$', room, *speeds)
        course = DistanceCourse(clock)
        below = boxes.column._replace(top=boxes.column.top - 2.9 * page.em("legend"))
        numbers: list[Any] = course.lines(below.width) if page.shape != "square" else []
        left = below.width - (page.shape != "wide") * (sigma.room + 0.2)  # in a wide frame it has a line of its own
        error = self.error_of(clock, flow, left) if page.column_align else []
        if page.column_align == 0:  # under the stage: beside the bar
            page.stack(below, *numbers)
            sigma.at(boxes.column.right, boxes.column.top - 0.9 * page.em("legend"), 1)
        else:
            page.stack(below, *([sigma], error) if page.shape == "wide" and error else [sigma, *error], *numbers)
        keys = {act: self.legend(items, boxes.key) for act, items in self.keys(len(data), flow, view).items()}
        if page.column_align:
            numbers += course.chart(below, numbers, max(keys.values(), key=lambda key: key.height))
        lengths = ("lengths: 4th root, anew each step" if plane else "lengths: 4th root of the speed") * arrows
        terms = words["terms"] if page.column_align else ""
        faint = words["faint"] if page.shape == "wide" and not arrows and flow.trusted.min() < 1 else ""
        caption = self.caption("sampler", "step", lengths, "seed", "model", faint or terms * (not lengths))
        edge = [frame(boxes.stage, theme.border).set_z_index(9)]
        edge.append(scale_bar(view, page, boxes.stage, under=theme.panel).set_z_index(9))

        self.seen, self.wide, self.near = view, view.box, view.box if plane else view.close_up(shape)
        clock.show(1)
        self.look(1)
        view.lay(self.near, view.rect)
        stage, read = [panel(boxes.stage, theme), *edge], [*bar, sigma, *numbers]
        ground = [*stage, *read, caption, keys["paths"]]
        shown = [m for m in view.made if m not in (*many, field)]
        self.intro(*header, ground=[*ground, *shown], result=boxes.stage)
        self.rewind(clock, REWIND, *self.closing(REWIND, back=True))
        acts = ["one", "many"] if options.alone else ["many"]
        aside = bool(view.to_scene(hero.states[0, 0])[0] < boxes.stage.center[0])  # not over the one particle
        begin = words["first" if plane else "slice"]
        begin = begin.split("|")[-1] if plane and arrows else begin
        tangled = (run.meta.get("sampler") or {}).get("stochastic", False)
        everywhere = words["all" if tangled else "decided"]
        first, then, everyone = (
            page.tag(said, boxes.stage, count, right=aside)
            for said, count in ((begin, 1), (words["then"], states.shape[1]), (everywhere, run.chains))
        )
        self.crossfade(
            [
                keys["paths"],
                paths,
                ends,
                *(numbers if options.alone else []),  # they are of all, of whom but one is seen
                *([] if options.alone else hero.mobjects),
            ],
            [keys[acts[0]], first if options.alone else then],
            early=[field, *error],
        )
        if options.alone:
            self.carry(clock, field, ALONE)
            self.rewind(clock, BACK, *self.closing(BACK, back=True))  # the field stands, what it carries goes back
            self.crossfade([keys["one"], first], [*many, *numbers, keys["many"], then])
        else:
            self.play(FadeInFast(*many, run_time=0.4))
        self.carry(clock, field, options.duration)
        self.play(
            FadeOutFast(keys["many"], then, run_time=0.3),
            FadeOutFast(field, *error, *many, run_time=ARRIVE),
            FadeInFast(paths, ends, run_time=ARRIVE),
            FadeInFast(keys["paths"], everyone, run_time=ARRIVE, after=0.4),
        )
        self.wait(PATHS)
        gone = [*(mob for mob in view.made if mob is not ends), *stage, *read, keys["paths"], everyone, caption]
        if len(data):
            self.beside_the_data(view, [mob for mob in gone if mob in self.mobjects])
        self.outro()

    def error_of(self, clock: Clock, flow: FlowField, width: float) -> list[Any]:
        """How large the network's error is, where it is known, as a line of text no wider than `width`."""
        if flow.error is None:
            return []
        share = 100 * flow.error
        form = self.page.fitting(self.words["error"], width, "legend", share.max())
        return [clock.number(form, share, size="legend", color="muted")]

    def beside_the_data(self, view: Any, gone: list[Any]) -> None:
        """All particles, as they have arrived on their paths, make room for the data, to which they should be alike."""
        boxes, data, run = self.arrange("two panels", lines=BesideData.lines(self.page)), self.run.target, self.run
        left, right = self.view(data, boxes.left), self.view(data, boxes.right)
        self.look(1)
        beside = BesideData(self.page, run, left, right, boxes, name=self.words["riders"])
        view.attached.clear()
        edges = [frame(box, self.theme.border).set_z_index(9) for box in (boxes.left, boxes.right)]
        edges.append(self.caption("sampler", beside.meant, "model"))
        beside.play(self, view, gone, *edges)  # what leaves a panel is cut at its edge

    def carry(self, clock: Clock, field: Any, seconds: float) -> None:
        """Let recorded time pass, the lines of the field flowing meanwhile."""
        moving = [flowing(field, self.seconds(seconds))] if isinstance(field, Streamlines) else []
        self.play_run(clock, seconds, *moving, *self.closing(seconds))

    def closing(self, seconds: float, *, back: bool = False) -> list[Animation]:
        """The view in space goes nearer to the data; back: to where it began."""
        box, course = (self.wide, smooth) if back else (self.near, closing_in)
        return [] if self.near == self.wide else [self.seen.move(box, self.seen.rect, self.seconds(seconds), course)]

    def keys(self, data: int, flow: FlowField, view: Any) -> dict[str, list[Any]]:
        """What the marks of each act mean."""
        theme, words, chains = self.theme, self.words, self.run.chains
        shown = min(self.options.points or self.options.particles, chains)
        reference = words["data"].split("|")[0 if self.page.column_align else -1]
        items: list[Any] = [(key_dot(theme.data, alpha=DATA), KEY_DOT_WIDTH, reference)] if data else []
        one = (key_dot(theme.fg, ring=theme.bg), KEY_DOT_WIDTH, words["one"])
        some = words["some"].split("|")[0 if self.page.column_align else -1]  # under a stage the key has no room
        riders = some.format(shown, chains) if shown < chains else f"{shown:,} {words['riders']}"
        some_field = words["field"].split("|")[0 if self.page.column_align else -1]
        many = (key_path(theme.samples), 0.4, riders)
        field = (key_line(theme.magnitude[2], width=1.5 * LINE), 0.4, some_field)
        drawn = flow.paths_shown(view)
        whole = f" of {chains:,}" if drawn < chains and self.page.column_align else ""
        paths = (key_line(theme.samples), 0.4, f"{words['paths']} {drawn:,}{whole}")
        followed = [one] if self.options.alone and self.page.shape != "square" else []  # there one line holds no more
        return {
            "paths": [*items, *followed, paths],
            "one": [*items, one, field],
            "many": [*items, *followed, many, field],
        }
