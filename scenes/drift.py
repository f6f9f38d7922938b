"""The vector field that carries noise to data: one particle riding it, many, their paths, and what they came to."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
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
    Narration,
    Recording,
    SceneOptions,
    Streamlines,
    TrajectoryScene,
    all_round,
    directions,
    flowing,
    frame,
    key_dot,
    key_dots,
    key_hues,
    key_line,
    key_path,
    panel,
    path_length,
    point_radius,
    scale_bar,
    speeds,
)

DATA, POINT = 0.75, 0.95  # opacity of the data and of what is carried
REWIND, BACK = 1.2, 0.9  # seconds: back to the noise, and once more
ALONE, PATHS, ROUND = 4.5, 2.0, 4.0  # seconds: one particle alone, the paths of all; and a turn about them in space
ARRIVE = 0.8  # seconds in which all that have arrived, and their paths, come in the field's place
TAIL = {"width": 1.2 * LINE, "alpha": 0.9, "power": 1.0}
FAR = 0.97  # the one particle goes farther than so much of the others
HUES = 17  # of directions in which particles start
# in the direction that is shown, in which t falls
EQUATION = "- #h(0.1em) dot(x) = inline(1/2) thin g_t^2 thin {{nabla log p_t (x) : score}} - f_t (x)"


class Drift(TrajectoryScene):
    """The flow from noise to data: one particle carried by it, then many, and the paths of all."""

    default_config = "spiral"
    shows = ("plane", "space")
    unused_options = ("trails", "project")
    needs = {
        "flow": Recording(
            "reverse",
            {"sampler.kind": "ddim", "sampler.chains": 2000, "record.fields": ["velocity"], "record.keep": []},
        )
    }
    words = {
        "title": "Probability flow",
        "terms": "$f, g$: the forward process",
        "named": "forward: $dif x = f_t dif t + g_t dif w$\n$f_t$ moves, $g_t$ adds noise\n"
        "$p_t$: density of the noisy data\n$nabla log p_t$, the score: uphill",
        "angle": "hue: start angle|start angle",
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
        "ends": "where they end",
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

        # the data, the field, and what it carries; the camera stands, so that all that moves are the particles
        view.held = True
        self.look(1)
        paths, states = self.ways(flow, view), run["x"][:, : options.points or options.particles]
        data = [view.cloud(run.target, color=theme.data, radius=0.016, alpha=DATA)] if len(run.target) else []
        field, arrows = flow.drawn(view, options.style, theme=theme), not plane or options.style == "arrows"
        tail: dict[str, Any] = TAIL | {"length": options.trail_steps, "casing": theme.panel}
        many = [view.trails(states, color=theme.samples, **tail)]
        many.append(view.cloud(states, color=theme.samples, radius=0.046, alpha=POINT, ring=theme.panel))
        ends = view.cloud(
            np.asarray(run["x"][-1]), color=theme.samples, radius=point_radius(run.chains, 24), alpha=DATA
        )
        ends.set_z_index(paths[0].z_index - 0.5)  # under their own hues, until they stand beside the data
        hero = Hero(view, run["x"], theme=theme, length=run.steps, even=True, way=FAR)

        # what stands round it
        clock = self.clock(run, timeline=path_length(run.states))
        clock.bind(field, *(paths if plane else paths[-1:]), *many, hero)
        clock.bind(lambda k: field.set_fill(opacity=flow.trusted[int(k)]), moves=[field])
        header = self.header(words["title"], EQUATION)
        sigma = clock.number("$sigma_t =$ {:.3f}", run["sigma"])
        beside = (sigma.room + 0.3) * (page.column_align == 0)  # under the stage they share a line
        room = boxes.column._replace(right=boxes.column.right - beside)
        bar = page.log_scale('$norm(dot(x)) "(log)"$', room, speeds(theme), flow.low, flow.high)
        turns = {0: "0°", 0.5: "180°", 1: "360°"}
        angle = page.value_bar(page.fitting(words["angle"], 0.5 * room.width, "label"), room, all_round(theme), turns)
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
        terms = words["terms"] if page.shape == "tall" else ""
        under = min(float(text.get_bottom()[1]) for text in (sigma, *error)) - 0.35
        floor = float(max(key.get_top()[1] for key in keys.values())) + 0.2
        told = Narration(self, boxes.column._replace(top=under), size="legend", floor=floor)
        named = told.texts(words["named"]) if page.column_align and options.alone else []
        faint = words["faint"] if page.shape == "wide" and not arrows and flow.trusted.min() < 1 else ""
        caption = self.caption("sampler", "step", lengths, "seed", "model", faint or terms * (not lengths))
        edge = [frame(boxes.stage, theme.border).set_z_index(9)]
        edge.append(scale_bar(view, page, boxes.stage, under=theme.panel).set_z_index(9))

        clock.show(1)
        if not plane:
            view.lay(view.close_up(shape), view.rect)
        stage, read, ended = (
            [panel(boxes.stage, theme), *edge],
            [sigma, *numbers],
            [*paths, ends, *angle, keys["paths"]],
        )
        shown = [m for m in view.made if m not in (*many, *data, field, *ended)]
        self.intro(*header, ground=[*stage, *read, caption, *shown, *ended], result=boxes.stage)
        self.rewind(clock, REWIND)
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
                *ended,
                *(numbers if options.alone else []),  # they are of all, of whom but one is seen
                *([] if options.alone else hero.mobjects),
            ],
            [keys[acts[0]], first if options.alone else then, *named],
            early=[field, *data, *bar, *error],
        )
        if options.alone:
            self.carry(clock, field, ALONE)
            self.rewind(clock, BACK)  # the field stands, what it carries goes back
            hidden = [] if plane else [field, *bar]  # in space it would lie before the particles
            self.crossfade([keys["one"], first, *named, *hidden], [*many, *numbers, keys["many"], then])
        else:
            self.play(FadeInFast(*many, run_time=0.4))
        self.carry(clock, field, options.duration)
        self.play(
            FadeOutFast(keys["many"], then, run_time=0.3),
            FadeOutFast(*(m for m in (field, *bar, *data, *error, *many) if m in self.mobjects), run_time=ARRIVE),
            FadeInFast(*paths, ends, run_time=ARRIVE),
            FadeInFast(*angle, keys["paths"], everyone, run_time=ARRIVE, after=0.4),
        )
        self.wait(PATHS)
        if turning := view.go_round(self.seconds(ROUND), shape, degrees=options.orbit):
            self.play(*turning)
        gone = [*(mob for mob in view.made if mob is not ends), *stage, *read, *angle, keys["paths"], everyone, caption]
        if len(data):
            self.beside_the_data(view, [mob for mob in gone if mob in self.mobjects])
        self.outro()

    def ways(self, flow: FlowField, view: Any) -> list[Any]:
        """The paths of all and their ends, in the hues of the directions in which they start, as they are seen."""
        x, theme = self.run["x"], self.theme
        starts = view.flat(np.asarray(x[0], float))
        hues = directions(starts - starts.mean(0), theme, HUES)
        paths = flow.paths(view, hues)
        return [*paths, view.cloud(x, color=hues, radius=point_radius(len(hues), 24), alpha=1.0)]

    def error_of(self, clock: Clock, flow: FlowField, width: float) -> list[Any]:
        """How large the network's error is, where it is known, as a line of text no wider than `width`."""
        if flow.error is None:
            return []
        share = 100 * flow.error
        form = self.page.fitting(self.words["error"], width, "legend", share.max())
        return [clock.number(form, share, size="legend", color="muted")]

    def beside_the_data(self, view: Any, gone: list[Any]) -> None:
        """All particles, as they have arrived on their paths, make room for the data, to which they should be alike."""
        data, run = self.run.target, self.run
        boxes = BesideData.boxes(self.page, view.in_the_end(data))
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
        self.play_run(clock, seconds, *moving)

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
        field = (key_line(theme.muted, width=1.5 * LINE), 0.4, some_field)
        drawn = flow.paths_shown(view)
        whole = f" of {chains:,}" if drawn < chains and self.page.column_align else ""
        hues = theme.noise, theme.reject, theme.accept
        paths = (key_hues(*hues), 0.4, f"{words['paths']} {drawn:,}{whole}")
        ends = (key_dots(*hues), 0.4, words["ends"])
        followed = [one] if self.options.alone and self.page.shape != "square" else []  # there one line holds no more
        return {
            "paths": [*followed, paths, ends],
            "one": [*items, one, field],
            "many": [*items, *followed, many, *([field] if self.run.event == (2,) or not self.options.alone else [])],
        }
