"""A title card or a part heading, for lectures: its title is denoised from particles."""

from __future__ import annotations

from typing import Any

import numpy as np
from manim import Dot, Line, config
from pydantic import Field

from diffrender.animation import (
    HAIR,
    LINE,
    SMOOTHEST,
    Contours,
    OpacityScale,
    PointCloud,
    Rect,
    SceneOptions,
    Trails,
    TrajectoryScene,
    UpdateFromAlpha,
    containing,
    denoised,
    eased,
    farthest,
    frame,
    noise_levels,
    paced,
    paragraph,
    point_radius,
    rises,
)

TITLE = {"wide": 1.5, "classic": 1.25, "square": 1.0, "tall": 1.0}  # em of the title, if there is room
RULE = -0.55  # where the rule lies on every card, so that headings do not jump
LEADING = 1.45  # from one line to the next, in em
BEATS = (0.4, 2.3, 4.3, 4.7)  # seconds: the title stands until, is noise at, has been denoised at, is sharp again at
MOST = 0.84  # of the card's seconds until then: it stands at the end
GROUND, GROUND_POINTS = 0.12, 2000  # opacity of the recording behind it, and how many of its points are shown
APART = 0.5  # units from one iso-line to the next, where there is no recording
ISOLINE, WIDER = 0.85, 1.5  # its opacity; its width, in hairlines
CLEAR = 0.1  # units round small words, where there are no iso-lines
SLOW = 1.5  # power with which scattering comes to rest
LARGER, SPREAD = 1.5, 0.3  # times the size of points at the end; from this noise level on
COMETS, TAIL = 500, 1  # particles with a tail while they become the title, which is so many steps long
DOT, DOTS_APART = 0.07, 0.36  # the row of parts


class Card(TrajectoryScene):
    """A title that noise becomes, a rule and a line of text under it; a part's number above it.

    A recording of points in the plane that is given as `ground` moves quietly behind it.
    """

    unused_options = (
        "trails", "points", "interpolate", "orbit", "project", "duration", "hold", "pause", "subtitle", "caption",
    )  # fmt: skip

    class Options(SceneOptions):
        """Options of `card`."""

        title: str = Field("diffrender", min_length=1, description="the words in the middle; $…$ is mathematics")
        text: str = Field("", description="the smaller words under the title")
        part: int = Field(0, ge=0, description="number of the part; 0 for none")
        parts: int = Field(0, ge=0, le=40, description="how many parts there are, as a row of dots; 0 for none")
        seconds: float = Field(5.6, ge=1, le=600, description="from the first frame to the last")

    def construct(self) -> None:
        """The whole card; its title dissolves into particles, which are denoised until it stands there again."""
        options, page, theme, frame = self.options, self.page, self.theme, self.page.frame
        low, high = RULE + 0.62, frame.height / 2 - 1.4
        size = TITLE[frame.shape]
        title = paragraph(page, options.title, size, theme.fg, bottom=low, top=high, leading=LEADING, key="title")
        around: list[Any] = []
        if options.text:
            below, color = 0.5 + frame.mark_row - frame.height / 2, theme.muted
            small, top = 0.95 * page.em("equation"), RULE - 0.3
            around += paragraph(page, options.text, small, color, top=top, bottom=below, leading=LEADING, hang=True)
        if options.part:
            around.append(page.label(f"Part {options.part}", 0, title[0].get_top()[1] + 0.4, 0, color="muted"))
        half = min(max(line.width for line in title), 4.4) / 2
        rule = Line([-half, RULE, 0], [half, RULE, 0], stroke_width=LINE * 1.5 * 100)
        rule.set_stroke([theme.data, theme.noise]).set_z_index(1)  # Manim's gradients run from right to left

        around = [mob.set_z_index(1) for mob in [*around, *self.row_of_parts()]]  # over the lines of the ground
        states = denoised(title)
        whole = (-frame.width / 2, frame.width / 2, -frame.height / 2, frame.height / 2)
        clear = (*whole[:2], whole[2] + 2 * frame.mark_row, whole[3])  # of a logo and a name
        size = 0.8 * point_radius(states.shape[1], sum(line.width * line.em for line in title))
        dust = PointCloud(whole, whole, states[-1], color=theme.noise, radius=size, clip=False).set_z_index(2)
        dust.follow(states)
        few = states[:, :: states.shape[1] // COMETS]
        comets = Trails(whole, whole, few, color=theme.noise, width=LARGER * LINE, length=TAIL).set_z_index(1)
        lines = [] if self.given() else [self.isolines(title, clear)]
        if lines and config.background_opacity == 1:  # no line runs through small words
            around += [patch(mob, theme.bg).set_z_index(0.5) for mob in around]
        sharp, ground, course = OpacityScale(*title), self.ground(clear), eased(len(states) - 1, interpolate=True)
        levels, steps = noise_levels(), np.arange(len(states))
        beats = np.array(BEATS) * min(1.0, MOST * options.seconds / BEATS[-1])

        def show(now: float) -> None:
            if now < beats[1]:  # the letters scatter: the noise grows by as many times in equal time, in the end slowly
                step = steps[-1] * (1 - float(np.interp(now, beats[:2], [0.0, 1.0]))) ** SLOW
            else:
                step = course.step(float(np.interp(now, beats[1:3], [0.0, 1.0])))
            apart = min(float(np.interp(step, steps, levels)) / SPREAD, 1.0)
            dust.radius = np.array([size * (1 + (LARGER - 1) * apart)])
            for mob in (dust, comets, *lines):
                mob.show_step(step)
            comets.set_fill(opacity=float(beats[1] < now < beats[3] - 1e-6))
            inked = float(np.interp(now, [beats[0], beats[0] + 0.2, beats[2], beats[3]], [1.0, 0.0, 0.0, 1.0]))
            sharp.set(inked)
            drawn = inked if now > beats[1] else 1.0  # it goes with the title, and is drawn with its end
            rule.set_points_by_ends(*([side * half * max(drawn, 0.01), RULE, 0] for side in (-1, 1)))
            rule.set_stroke(opacity=min(inked, 1.0) if now <= beats[1] else float(drawn > 0))
            dust.set_fill(opacity=1 - inked)
            for mob, timeline in ground:
                mob.show_step(timeline.step(now / options.seconds))

        name = "letters denoised by DDIM with the exact score of their own ink"
        self.shown = [{"timeline": name, "steps": len(states) - 1, "interpolated": True}]
        show(0)
        moving = [*(mob for mob, _ in ground), *lines, rule, *title, comets, dust]
        self.add(*around, *moving)
        # where nothing moves behind the words, the card stands before and after they come
        first, last = (0.0, options.seconds) if ground else beats[[0, -1]].tolist()
        self.stand(self.seconds(first))
        seconds = self.seconds(last - first)
        self.play(UpdateFromAlpha(lambda u: show(first + u * (last - first)), *moving, run_time=seconds))
        self.stand(self.seconds(options.seconds - last))

    def row_of_parts(self) -> list[Any]:
        """A dot for each part at the foot of the card, the present one filled and larger."""
        theme, count, y = self.theme, self.options.parts, 0.6 - self.page.frame.height / 2
        apart = min(DOTS_APART, (self.page.frame.width - 1) / max(count, 1))
        made = []
        for k in range(count):
            now = k + 1 == self.options.part
            fill, rim = (theme.noise, theme.noise) if now else (theme.bg, theme.muted)
            dot = Dot([(k - (count - 1) / 2) * apart, y, 0], radius=DOT * (1.4 if now else 1))
            made.append(dot.set_fill(fill, 1).set_stroke(rim, 2))
        return made

    def isolines(self, title: list[Any], box: Rect) -> Contours:
        """Iso-lines of the density of what the particles come from, round the words: where nothing else moves.

        They fade towards the edge of the frame, and at the end the first lies round all letters.
        """
        maps, color = rises(title, box), self.theme.muted
        formed = np.square(SMOOTHEST / np.maximum(noise_levels(), SMOOTHEST))[:, None, None]
        maps -= np.float32(max(farthest(title, maps[-1], box) + CLEAR - APART, 0.0)) * formed.astype(np.float32)
        most = float(maps.max())
        levels = np.arange(APART, most, APART).tolist()
        lines = Contours(box, box, maps[-1], levels=levels, color=color, alpha=ISOLINE, width=WIDER * HAIR, fade=most)
        return lines.follow(maps)

    def given(self) -> Any:
        """The recording that moves behind the words, if there is one that can: of points in the plane."""
        run = self.trajectories.get("ground")
        return None if run is None or run.kind == "training" or run.event != (2,) else run

    def ground(self, rect: Rect) -> list[tuple[PointCloud, Any]]:
        """The recording behind the words, if one is given, and the pace at which it passes."""
        run = self.given()
        if run is None:
            return []
        states = run.states[:, :GROUND_POINTS]
        ends = np.concatenate([states[0], states[-1]])
        (x0, y0), (x1, y1) = ends.min(0).tolist(), ends.max(0).tolist()
        box = containing((x0, x1, y0, y1), rect)
        size, clip = point_radius(states.shape[1], 40), bool(self.page.frame.mark_row)
        cloud = PointCloud(box, rect, states[0], color=self.theme.data, radius=size, alpha=GROUND, clip=clip)
        return [(cloud.follow(states), paced(states, interpolate=True))]


def patch(mob: Any, color: str) -> Any:
    """A patch of one colour, on which a mobject stands."""
    (x0, y0, _), (x1, y1, _) = mob.get_corner([-1, -1, 0]), mob.get_corner([1, 1, 0])
    return frame((x0 - CLEAR, x1 + CLEAR, y0 - CLEAR, y1 + CLEAR), color, 0, fill=color)
