"""The vector field that carries noise to data: one particle riding it, many, their paths, and what they came to."""

from __future__ import annotations

from typing import Any, Literal

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
    Narration,
    Recording,
    SceneOptions,
    TrajectoryScene,
    UpdateFromAlpha,
    flow_pace,
    flowing,
    frame,
    panel,
    path_length,
    scale_bar,
)

REWIND, BACK = 1.2, 0.9  # seconds: back to the noise, and once more
READ, ALONE = 2.0, 4.5  # seconds: for what terms mean, before anything moves; and one particle alone
PATHS, ROUND = {2: 2.0, 3: 0.5}, 4.0  # seconds: the paths of all stand; and a turn about them in space
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
        "near": "first one particle; arrows: the field near the data|first one particle",
        "pace": "RMS speed of all particles: {:.2f}|RMS speed of all: {:.2f}|RMS speed: {:.2f}",
        "faint": "faint field: mostly the network's error|faint: mostly the network's error|faint: mostly error",
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
        begins = [*self.marks.many, *self.marks.data, self.marks.field, self.marks.ends]
        shown = [m for m in view.made if m not in begins]
        self.intro(*header, ground=[*self.stage, *self.read, self.foot, *shown, self.keys["paths"]], result=boxes.stage)
        self.rewind(self.clocks[-1], REWIND)
        first, then, everyone = self.tags(view, boxes)
        self.begin(first if self.options.alone else then)
        if self.options.alone:
            self.one_particle(view, first, then)
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
        sigma = clock.number("$sigma_t =$ {:.3f}", self.run["sigma"])
        course = DistanceCourse(clock)
        self.numbers: list[Any] = course.lines(boxes.column.width) if page.shape != "square" else []
        pace = flow_pace(clock, self.words["pace"], boxes.column.width) if page.column_align else []
        page.stack(boxes.column, sigma, *pace, *self.numbers, align=page.column_align)
        items = FlowLegend(self, view, boxes, self.flow).items()
        self.keys = {act: self.legend(meant, boxes.key) for act, meant in items.items()}
        if page.column_align:
            highest = max(self.keys.values(), key=lambda key: key.height)
            self.numbers += course.chart(boxes.column, self.numbers, highest)
        self.read = [sigma, *pace, *self.numbers]
        faint = self.name_terms(boxes, min(float(text.get_bottom()[1]) for text in (sigma, *pace)) - 0.35)
        self.footers(view, faint)
        edge = [frame(boxes.stage, self.theme.border).set_z_index(9)]
        edge.append(scale_bar(view, page, boxes.stage, under=self.theme.panel).set_z_index(9))
        self.stage = [panel(boxes.stage, self.theme), *edge]
        return header

    def name_terms(self, boxes: Boxes, under: float) -> str:
        """What the equation's letters mean, by the numbers; returns what is still to be said of a faint field."""
        page, faint = self.page, self.words["faint"] * bool(self.flow.trusted.min() < 1)
        floor = float(max(key.get_top()[1] for key in self.keys.values())) + 0.2
        box = boxes.column._replace(top=under)
        narration = Narration(self, box, size="legend", floor=floor, under=1 if page.shape == "square" else 2)
        notes = [page.words(page.fitting(faint, box.width, "legend"), "legend", "muted")] if faint else []
        alone, beside = self.options.alone, page.column_align != 0
        self.named_terms = narration.texts(self.words["named"], *(notes if beside else [])) if alone else []
        told = (alone and beside) or page.shape == "square"  # where one line holds no more
        return "" if told else faint.split("|")[0 if page.shape == "wide" else -1]

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
        said = [(begin, 1), (words["then" if plane else "in_space"], many)]
        said.append((words["all" if tangled else "decided"], chains))
        room = ROOM[3 if self.page.shape == "square" else view.dims]
        return [self.page.tag(forms, boxes.stage, count, right=aside, room=room) for forms, count in said]

    def begin(self, said: Any) -> None:
        """The paths of all go; the field and one particle come, or many."""
        alone = self.options.alone
        gone = [*self.marks.paths, self.keys["paths"], *([] if alone else self.marks.hero.mobjects)]
        gone += self.numbers if alone else []  # they are of all, of whom but one is seen
        into = [self.keys["one" if alone else "many"], said, *self.named_terms]
        if self.about_field is not self.foot:
            gone, into = [*gone, self.foot], [*into, self.about_field]
        self.crossfade(gone, into, early=[self.marks.field, *self.marks.data])
        if not alone:
            self.play(FadeInFast(*self.marks.many, run_time=0.4))

    def one_particle(self, view: Any, first: Any, then: Any) -> None:
        """One particle rides, when what terms mean has been read, and goes back; many come."""
        self.carry(READ * bool(self.named_terms), still=True)
        self.carry(ALONE)
        self.rewind(self.clocks[-1], BACK)  # the field stands, what it carries goes back
        gone, into = (
            [self.keys["one"], first, *self.named_terms],
            [*self.marks.many, *self.numbers, self.keys["many"], then],
        )
        if view.dims == 3:  # the field would lie before them
            gone.append(self.marks.field)
            if self.about_field is not self.foot:
                gone, into = [*gone, self.about_field], [*into, self.foot]
        dim = [] if self.arrows or view.dims == 3 else [UpdateFromAlpha(self.marks.dim, self.marks.field, run_time=0.5)]
        self.crossfade(gone, into, *dim)

    def carry(self, seconds: float, still: bool = False) -> None:
        """Let recorded time pass, or stand `still`, the lines of the field flowing meanwhile."""
        lines = not self.arrows and self.marks.field in self.mobjects
        moving = [flowing(self.marks.field, self.seconds(seconds))] if lines and seconds else []
        if not still:
            self.play_run(self.clocks[-1], seconds, *moving)
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
