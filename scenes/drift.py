"""The vector field that carries noise to data: one particle riding it, many, their paths, and what they came to."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import Field

from diffrender.animation import (
    BesideData,
    Boxes,
    DistanceCourse,
    FadeInFast,
    FadeOutFast,
    FlowField,
    FlowLegend,
    FlowMarks,
    Recording,
    SceneOptions,
    TrajectoryScene,
    UpdateFromAlpha,
    flow_terms,
    flowing,
    frame,
    panel,
    path_length,
    scale_bar,
)

REWIND, BACK = 1.2, 0.6  # seconds: back to the noise, and once more
READ, ALONE = 2.0, 3.2  # seconds: for what terms mean, before anything moves; and one particle alone
PATHS, ROUND = {2: 2.0, 3: 0.5}, 4.0  # seconds: the paths of all stand; and a turn about them in space
CLEAR = 0.9  # trust in the field from which on it is told of
ARRIVE = 0.8  # seconds in which all that have arrived, and their paths, come in the field's place
ROOM = {2: 0.9, 3: 0.42}  # of the stage's width for words in its corner: in space beside the corners of the box
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
        "named": "forward: $dif x = f_t dif t + g_t dif w$\n$f_t$ moves, $g_t dif w$ is fresh noise\n"
        "$p_t$: density of the noisy data\n$nabla log p_t$, the score: uphill\n$dot(x) = dif x slash dif t$: velocity",
        "time": "$t =$ {:.2f}, $sigma_t =$ {:.3f}",
        "began": "hue: where each began|where each began",
        "data": "data, for reference|data",
        "one": "one particle",
        "riders": "particles",
        "some": "{:,} of {:,} particles|{:,} of {:,}",
        "everyone": "all {:,}: where $p_t$ is now",
        "field": "direction only, as $t$ falls|direction only",
        "arrows": "motion as $t$ falls, $- #h(0.1em) dot(x)$|motion as $t$ falls",
        "first": "first one particle; lines: the field of this instant|first one particle",
        "blob": "first one particle; $p_t$ is still a blob: no way to the data yet|$p_t$ is still a blob",
        "near": "first one particle; arrows: the field near the data|first one particle",
        "faint": "faint: the network's error dominates|faint: mostly error",
        "then": "now {:,} at once, the same flow|now {:,} at once",
        "in_space": "now {:,} at once",
        "all": "where all {:,} end|all {:,}",
        "decided": "no noise: where each starts decides where it ends|no noise: the start decides the end"
        "|the start decides the end|all {:,}",
        "ways": "{:,} paths, {:,} ends",
        "whole": "{:,} paths and ends",
    }

    class Options(SceneOptions):
        """Options of `drift`."""

        style: Literal["arrows", "streamlines"] = Field(
            "streamlines", description="how the field is drawn; in space arrows stand near the data"
        )
        duration: float = Field(8.0, gt=0, le=600, description="seconds in which the particles go from noise to data")
        particles: int = Field(250, ge=0, le=20000, description="points that are carried, each with a tail")
        trail_steps: int = Field(30, ge=1, le=500, description="steps that a tail is long")
        alone: bool = Field(True, description="show one particle first")

    def construct(self) -> None:
        """All paths and back to the noise; one particle; many; all paths again, and how near they have come."""
        boxes = self.arrange("stage with column", slider=False)
        self.arrows = self.options.style == "arrows"
        view = self.seen(boxes)
        header = self.readouts(view, boxes)
        self.clocks[-1].show(1)
        if view.dims == 3:
            view.lay(view.close_up(self.shape), view.rect)
        self.clear = self.clocks[-1].timeline.course(int(np.argmax(self.flow.trusted >= CLEAR)))
        begins = [*self.marks.many, *self.marks.all, *self.marks.data, self.marks.field, self.marks.ends]
        shown = [m for m in view.made if m not in begins]
        self.intro(*header, ground=[*self.stage, *self.read, self.foot, *shown, self.keys["paths"]], result=boxes.stage)
        self.rewind(self.clocks[-1], REWIND)
        first, blob, then, everyone = self.tags(view, boxes)
        self.begin((blob or first) if self.options.alone else then)
        if self.options.alone:
            self.one_particle(view, first, blob, then)
        self.carry(self.options.duration)
        self.all_paths(view, then, everyone)
        if len(self.marks.data):
            self.beside_the_data(view, everyone)
        self.outro()

    def seen(self, boxes: Boxes) -> Any:
        """The view whose camera stands, so that all that moves are the particles, with all that it shows."""
        run = self.run
        self.flow = FlowField(run, "velocity", sign=-1)
        self.shape = run.target if len(run.target) else run.states[-1]
        if run.event == (2,):
            self.views.append(view := self.flow.view(boxes.stage))
        else:
            view = self.view(self.shape, boxes.stage, haze=self.theme.panel)
        view.held = True
        self.look(1)
        self.marks = FlowMarks(self.flow, view, self.options, theme=self.theme)
        self.marks.bind(self.clock(run, timeline=path_length(run.states)))
        return view

    def readouts(self, view: Any, boxes: Boxes) -> list[Any]:
        """What stands round it; returns the header."""
        page, words, clock = self.page, self.words, self.clocks[-1]
        header = self.header(words["title"], EQUATION)
        shown = [self.run["time"], self.run["sigma"]] if "time" in self.run else [self.run["sigma"]]
        time = clock.number(self.words["time"] if len(shown) > 1 else "$sigma_t =$ {:.3f}", *shown)
        course = DistanceCourse(clock)
        self.numbers: list[Any] = course.lines(boxes.column.width) if page.shape != "square" else []
        self.formed = course.halfway()
        page.stack(boxes.column, time, *self.numbers, align=page.column_align)
        items = FlowLegend(self, view, boxes, self.flow).items()
        self.keys = {act: self.legend(meant, boxes.key) for act, meant in items.items()}
        if page.column_align:
            highest = max(self.keys.values(), key=lambda key: key.height)
            self.numbers += course.chart(boxes.column, self.numbers, highest)
        self.read = [time, *self.numbers]
        self.named_terms, faint = flow_terms(self, boxes, self.keys, self.flow, float(time.get_bottom()[1]) - 0.35)
        self.footers(view, faint)
        edge = [frame(boxes.stage, self.theme.border).set_z_index(9)]
        edge.append(scale_bar(view, page, boxes.stage, under=self.theme.panel).set_z_index(9))
        self.stage = [panel(boxes.stage, self.theme), *edge]
        return header

    def footers(self, view: Any, faint: str) -> None:
        """The caption, and that of the field, which stands while the field does."""
        lengths = ("lengths: cube root of the speed", "lengths: 4th root, anew each step")[view.dims == 2] * self.arrows
        self.foot = self.about_field = self.caption("sampler", "step", "seed", "model")
        if lengths or faint:
            self.about_field = self.caption("sampler", "step", lengths, "seed", "model", faint * (not lengths))

    def tags(self, view: Any, boxes: Boxes) -> list[Any]:
        """What is said in the corner of the stage of one particle, of many, and of all; not over the one particle."""
        words, plane, chains = self.words, view.dims == 2, self.run.chains
        aside = bool(view.to_scene(self.marks.hero.states[0, 0])[0] < boxes.stage.center[0])
        begin = words["first"]
        if self.arrows:
            begin = begin.split("|")[-1] if plane else words["near"]
        tangled = (self.run.meta.get("sampler") or {}).get("stochastic", False)
        many = min(self.options.points or self.options.particles, chains)
        said = [(begin, 1), (words["blob"], 1), (words["then" if plane else "in_space"], many)]
        said.append((words["all" if tangled else "decided"], chains))
        room = ROOM[3 if self.page.shape == "square" else view.dims]
        tags: list[Any] = [self.page.tag(forms, boxes.stage, count, right=aside, room=room) for forms, count in said]
        return [*tags[:1], tags[1] if self.formed else None, *tags[2:]]

    def begin(self, said: Any) -> None:
        """The paths of all go; the field and one particle come, or many."""
        alone = self.options.alone
        gone = [*self.marks.paths, self.keys["paths"], *([] if alone else self.marks.hero.mobjects)]
        gone += self.numbers if alone else []  # they are of all, of whom but one is seen
        into = [self.keys["one" if alone else "many"], said, *self.named_terms]
        if self.about_field is not self.foot:
            gone, into = [*gone, self.foot], [*into, self.about_field]
        clock, seen = self.clocks[-1], self.clear if alone else 0.0
        on = [clock.play(self.seconds(0.5), end=seen)] if seen else []  # to where there is a field to be seen
        self.crossfade(gone, into, *on, early=[*(self.marks.all * alone), self.marks.field, *self.marks.data])
        if not alone:
            self.play(FadeInFast(*self.marks.many, run_time=0.4))

    def one_particle(self, view: Any, first: Any, blob: Any, then: Any) -> None:
        """One particle rides, when what terms mean has been read, and goes back; many come."""
        self.carry(READ * bool(self.named_terms), still=True)
        formed = max(self.clocks[-1].timeline.course(self.formed), self.clear) if blob else self.clear
        if blob:
            self.carry(ALONE * (formed - self.clear), start=self.clear, end=formed)
        change = [FadeOutFast(blob, run_time=0.2), FadeInFast(first, run_time=0.5, after=0.4)] if blob else []
        self.carry(ALONE * (1 - formed), *change, start=formed)
        self.rewind(self.clocks[-1], BACK)  # the field stands, what it carries goes back
        gone, into = (
            [self.keys["one"], first, *self.named_terms, *self.marks.all],
            [*self.marks.many, *self.numbers, self.keys["many"], then],
        )
        if view.dims == 3 and self.arrows:  # they would lie before them
            gone.append(self.marks.field)
            if self.about_field is not self.foot:
                gone, into = [*gone, self.about_field], [*into, self.foot]
        dim = [] if self.arrows else [UpdateFromAlpha(self.marks.dim, self.marks.field, run_time=0.5)]
        self.crossfade(gone, into, *dim)

    def carry(self, seconds: float, *also: Any, still: bool = False, start: float = 0.0, end: float = 1.0) -> None:
        """Let recorded time pass, or stand `still`, the lines of the field flowing meanwhile."""
        lines = not self.arrows and self.marks.field in self.mobjects
        moving = [flowing(self.marks.field, self.seconds(seconds))] if lines and seconds else []
        if not still:
            if seconds:
                self.play_run(self.clocks[-1], seconds, *moving, *also, start=start, end=end)
        elif moving:
            self.play(*moving)
        else:
            self.stand(self.seconds(seconds))

    def all_paths(self, view: Any, then: Any, everyone: Any) -> None:
        """The paths of all in the place of the field; in space the camera goes round them."""
        about = [self.about_field] if self.about_field is not self.foot and self.about_field in self.mobjects else []
        gone = [m for m in (self.marks.field, *self.marks.data, *self.marks.many) if m in self.mobjects]
        self.play(
            FadeOutFast(self.keys["many"], then, *about, run_time=0.3),
            FadeOutFast(*gone, run_time=ARRIVE),
            FadeInFast(*self.marks.paths, run_time=ARRIVE),
            FadeInFast(self.keys["paths"], everyone, run_time=ARRIVE, after=0.4),
            *([FadeInFast(self.foot, run_time=ARRIVE, after=0.4)] if about else []),
        )
        self.wait(PATHS[view.dims])
        if turning := view.go_round(self.seconds(ROUND), self.shape, degrees=self.options.orbit):
            self.play(*turning)

    def beside_the_data(self, view: Any, said: Any) -> None:
        """All particles, as they have arrived on their paths, make room for the data, to which they should be alike."""
        data, run = self.run.target, self.run
        self.add(self.marks.ends)
        boxes = BesideData.boxes(self.page, view.in_the_end(data))
        left, right = self.view(data, boxes.left), self.view(data, boxes.right)
        self.look(1)
        beside = BesideData(self.page, run, left, right, boxes, name=self.words["riders"])
        view.attached.clear()
        edges = [frame(box, self.theme.border).set_z_index(9) for box in (boxes.left, boxes.right)]
        edges.append(self.caption("sampler", beside.meant, "model"))
        gone = [*(m for m in view.made if m is not self.marks.ends), *self.stage, *self.read]
        gone = [m for m in (*gone, self.keys["paths"], said, self.foot) if m in self.mobjects]
        beside.play(self, view, gone, *edges)  # what leaves a panel is cut at its edge
