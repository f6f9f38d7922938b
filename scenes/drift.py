"""The vector field that carries noise to data: one particle riding it, many, their paths, and what they came to."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import Field

from diffrender.animation import (
    KEY_DOT_WIDTH,
    LINE,
    BesideData,
    Boxes,
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
    key_arrow,
    key_dot,
    key_hues,
    key_line,
    key_path,
    key_wheel,
    panel,
    path_length,
    point_radius,
    scale_bar,
)

DATA, POINT = 0.75, 0.95  # opacity of the data and of what is carried
REWIND, BACK = 1.2, 0.9  # seconds: back to the noise, and once more
READ, ALONE = 2.0, 4.5  # seconds: for what terms mean, before anything moves; and one particle alone
PATHS, ROUND = 2.0, 4.0  # seconds: the paths of all; and a turn about them in space
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
        "seen_angle": "hue: start angle, as first seen|start angle as seen|start angle",
        "data": "data, for reference|data",
        "one": "one particle",
        "riders": "particles",
        "some": "{:,} of {:,} particles|{:,} of {:,}",
        "field": "direction as $t$ falls, $- #h(0.1em) dot(x)$|direction as $t$ falls",
        "arrows": "motion as $t$ falls, $- #h(0.1em) dot(x)$|motion as $t$ falls",
        "first": "first one particle; lines: the field of this instant|first one particle",
        "slice": "first one particle; arrows: the field near the data|first one particle",
        "pace": "speed of all, RMS: {:.2f}|speed, RMS: {:.2f}",
        "faint": "faint field: mostly the network's error|faint: mostly the network's error|faint: mostly error",
        "then": "now {:,} at once, the same flow|now {:,} at once",
        "in_space": "now {:,} at once",
        "all": "where all {:,} end|all {:,}",
        "decided": "no noise: where each starts decides where it ends|no noise: the start decides the end|all {:,}",
        "ways": "{:,} paths, {:,} ends",
        "whole": "{:,} paths and ends",
    }

    class Options(SceneOptions):
        """Options of `drift`."""

        style: Literal["arrows", "streamlines"] = Field(
            "streamlines", description="how the field is drawn in the plane; in space as arrows near the data"
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
        course = DistanceCourse(clock)
        numbers: list[Any] = course.lines(boxes.column.width) if page.shape != "square" else []
        pace = self.pace(clock, boxes.column.width) if page.column_align else []
        page.stack(boxes.column, sigma, *pace, *numbers, align=page.column_align)
        keys = {act: self.legend(items, boxes.key) for act, items in self.keys(len(data), flow, view, boxes).items()}
        if page.column_align:
            numbers += course.chart(boxes.column, numbers, max(keys.values(), key=lambda key: key.height))
        lengths = ("lengths: 4th root, anew each step" if plane else "lengths: cube root of the speed") * arrows
        terms = words["terms"] if page.shape == "tall" else ""
        under = min(float(text.get_bottom()[1]) for text in (sigma, *pace)) - 0.35
        floor = float(max(key.get_top()[1] for key in keys.values())) + 0.2
        told = Narration(self, boxes.column._replace(top=under), size="legend", floor=floor)
        faint = words["faint"] * bool(flow.trusted.min() < 1)
        notes = [page.words(page.fitting(faint, boxes.column.width, "legend"), "legend", "muted")] if faint else []
        named = told.texts(words["named"], *notes) if page.column_align and options.alone else []
        faint = faint.split("|")[0] * (page.shape == "wide" and not arrows)
        caption = self.caption("sampler", "step", "seed", "model", terms)
        about_field = self.caption("sampler", "step", lengths, "seed", "model", faint, terms * (not lengths))
        foot = ([caption], [about_field]) if lengths or faint else ([], [])  # the field's own stands while it does
        edge = [frame(boxes.stage, theme.border).set_z_index(9)]
        edge.append(scale_bar(view, page, boxes.stage, under=theme.panel).set_z_index(9))

        clock.show(1)
        if not plane:
            view.lay(view.close_up(shape), view.rect)
        stage, read, ended = [panel(boxes.stage, theme), *edge], [sigma, *pace, *numbers], [*paths, keys["paths"]]
        shown = [m for m in view.made if m not in (*many, *data, field, ends, *ended)]
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
            for said, count in (
                (begin, 1),
                (words["then" if plane else "in_space"], states.shape[1]),
                (everywhere, run.chains),
            )
        )
        self.crossfade(
            [
                *ended,
                *(numbers if options.alone else []),  # they are of all, of whom but one is seen
                *([] if options.alone else hero.mobjects),
                *foot[0],
            ],
            [keys[acts[0]], first if options.alone else then, *named, *foot[1]],
            early=[field, *data],
        )
        if options.alone:
            self.carry(clock, field, READ * bool(named), still=True)
            self.carry(clock, field, ALONE)
            self.rewind(clock, BACK)  # the field stands, what it carries goes back
            hidden, back = ([], []) if plane else ([field, *foot[1]], foot[0])  # in space it would lie before them
            self.crossfade([keys["one"], first, *named, *hidden], [*many, *numbers, keys["many"], then, *back])
        else:
            self.play(FadeInFast(*many, run_time=0.4))
        self.carry(clock, field, options.duration)
        self.play(
            FadeOutFast(keys["many"], then, run_time=0.3),
            FadeOutFast(*(m for m in (field, *data, *many) if m in self.mobjects), run_time=ARRIVE),
            FadeOutFast(*(m for m in foot[1] if m in self.mobjects), run_time=0.3),
            FadeInFast(*paths, run_time=ARRIVE),
            FadeInFast(keys["paths"], everyone, run_time=ARRIVE, after=0.4),
            FadeInFast(*(m for m in foot[0] if m not in self.mobjects), run_time=ARRIVE, after=0.4),
        )
        self.wait(PATHS)
        if turning := view.go_round(self.seconds(ROUND), shape, degrees=options.orbit):
            self.play(*turning)
        gone = [*(mob for mob in view.made if mob is not ends), *stage, *read, keys["paths"], everyone, caption]
        if len(data):
            self.add(ends)
            self.beside_the_data(view, [mob for mob in gone if mob in self.mobjects])
        self.outro()

    def ways(self, flow: FlowField, view: Any) -> list[Any]:
        """The paths of all and their ends, in the hues of the directions in which they start, as they are seen."""
        x, theme = self.run["x"], self.theme
        starts = view.flat(np.asarray(x[0], float))
        hues = directions(starts - starts.mean(0), theme, HUES)
        paths = flow.paths(view, hues)
        return [*paths, view.cloud(x, color=hues, radius=point_radius(len(hues), 24), alpha=1.0)]

    def pace(self, clock: Clock, width: float) -> list[Any]:
        """How fast all go, where that is recorded and no noise drives them, as a line of text no wider than `width`."""
        run = self.run
        if "time" not in run or "noise" in run or (run.meta.get("sampler") or {}).get("stochastic", False):
            return []
        moved = np.diff(np.asarray(run["x"], np.float32), axis=0)
        speed = np.sqrt(np.square(moved).sum(2).mean(1)) / np.abs(np.diff(np.asarray(run["time"], float)))
        form = self.page.fitting(self.words["pace"], width, "legend", speed.max())
        return [clock.number(form, speed, size="legend", color="muted")]

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

    def carry(self, clock: Clock, field: Any, seconds: float, still: bool = False) -> None:
        """Let recorded time pass, or stand `still`, the lines of the field flowing meanwhile."""
        moving = [flowing(field, self.seconds(seconds))] if isinstance(field, Streamlines) and seconds else []
        if not still:
            self.play_run(clock, seconds, *moving)
        elif moving:
            self.play(*moving)
        else:
            self.stand(self.seconds(seconds))

    def keys(self, data: int, flow: FlowField, view: Any, boxes: Boxes) -> dict[str, list[Any]]:
        """What the marks of each act mean."""
        theme, words, chains = self.theme, self.words, self.run.chains
        shown = min(self.options.points or self.options.particles, chains)
        reference = words["data"].split("|")[0 if self.page.column_align else -1]
        items: list[Any] = [(key_dot(theme.data, alpha=DATA), KEY_DOT_WIDTH, reference)] if data else []
        one = (key_dot(theme.fg, ring=theme.bg), KEY_DOT_WIDTH, words["one"])
        some = words["some"].split("|")[0 if self.page.column_align else -1]  # under a stage the key has no room
        riders = some.format(shown, chains) if shown < chains else f"{shown:,} {words['riders']}"
        arrows = self.run.event != (2,) or self.options.style == "arrows"
        some_field = words["arrows" if arrows else "field"].split("|")[0 if self.page.column_align else -1]
        many = (key_path(theme.samples), 0.4, riders)
        mark = key_arrow(theme.muted, scale=0.5) if arrows else key_line(theme.muted, width=1.5 * LINE)
        field = (mark, 0.4, some_field)
        drawn = flow.paths_shown(view)
        hues = theme.noise, theme.reject, theme.accept
        paths = (key_hues(*hues), 0.4, words["ways" if drawn < chains else "whole"].format(drawn, chains))
        turn = words["angle" if self.run.event == (2,) else "seen_angle"]
        turn = self.page.fitting(turn, (boxes.key.width - 0.6) * (self.page.column_align != 0), "legend")
        wheel = (key_wheel(*("#" + bytes(hue).hex() for hue in all_round(theme, HUES)[:-1])), 0.4, turn)
        followed = [one] if self.options.alone and self.page.shape != "square" else []  # there one line holds no more
        return {
            "paths": [*(followed if self.page.column_align else []), paths, wheel],
            "one": [*items, one, field],
            "many": [*items, *followed, many, *([field] if self.run.event == (2,) or not self.options.alone else [])],
        }
