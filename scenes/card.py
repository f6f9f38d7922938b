"""A title card or a part heading, for lectures: its title is denoised from particles."""

from __future__ import annotations

from typing import Any

import numpy as np
from manim import Line
from pydantic import Field

from diffrender.animation import (
    LINE,
    OpacityScale,
    PointCloud,
    SceneOptions,
    TrajectoryScene,
    UpdateFromAlpha,
    containing,
    denoised,
    eased,
    paced,
    paragraph,
    point_radius,
)

TITLE = {"wide": 1.2, "classic": 1.05, "square": 0.86, "tall": 0.9}  # em of the title, if there is room
RULE = -0.3  # where the rule lies on every card, so that headings do not jump
LEADING = 1.45  # from one line to the next, in em
BEATS = (0.4, 1.0, 2.9, 3.3)  # seconds: the title stands until, is noise at, has been denoised at, is sharp again at
MOST = 0.8  # of the card's seconds until then
GROUND, GROUND_POINTS = 0.12, 2000  # opacity of the recording behind it, and how many of its points are shown


class Card(TrajectoryScene):
    """A title that noise becomes, a rule and a line of text under it; a part's number above it.

    A recording of points in the plane that is given as `ground` moves quietly behind it.
    """

    unused_options = ("trails", "points", "interpolate", "orbit")

    class Options(SceneOptions):
        """Options of `card`."""

        title: str = Field("diffrender", min_length=1, description="the words in the middle; $…$ is mathematics")
        text: str = Field("", description="the smaller words under the title")
        part: int = Field(0, ge=0, description="number of the part; 0 for none")
        seconds: float = Field(4.0, ge=1, le=600, description="from the first frame to the last")

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
        around.append(rule.set_stroke([theme.data, theme.noise]))  # Manim's gradients run from right to left

        states = denoised(title)
        whole = (-frame.width / 2, frame.width / 2, -frame.height / 2, frame.height / 2)
        size = 0.8 * point_radius(states.shape[1], sum(line.width * line.em for line in title))
        dust = PointCloud(whole, whole, states[-1], color=theme.noise, radius=size, clip=False).set_z_index(2)
        dust.follow(states)
        sharp, ground, course = OpacityScale(*title), self.ground(whole), eased(len(states) - 1, interpolate=True)
        beats = np.array(BEATS) * min(1.0, MOST * options.seconds / BEATS[-1])

        def show(u: float) -> None:
            now = u * options.seconds
            part = np.interp(now, beats, [1.0, 0.0, 1.0, 1.0])
            dust.show_step(course.step(float(part)))
            inked = float(np.interp(now, [beats[0], beats[0] + 0.1, beats[2], beats[3]], [1.0, 0.0, 0.0, 1.0]))
            sharp.set(inked)
            dust.set_fill(opacity=1 - inked)
            for mob, timeline in ground:
                mob.show_step(timeline.step(u))

        name = "letters denoised by DDIM with the exact score of their own ink"
        self.shown = [{"timeline": name, "steps": len(states) - 1, "interpolated": True}]
        show(0)
        self.add(*(mob for mob, _ in ground), *around, *title, dust)
        moving = [*(mob for mob, _ in ground), *title, dust]
        self.play(UpdateFromAlpha(show, *moving, run_time=self.seconds(options.seconds)))

    def ground(self, whole: tuple[float, float, float, float]) -> list[tuple[PointCloud, Any]]:
        """The recording behind the words, if one is given, and the pace at which it passes."""
        run = self.trajectories.get("ground")
        if run is None or run.kind == "training" or run.event != (2,):
            return []
        states = run.states[:, :GROUND_POINTS]
        ends = np.concatenate([states[0], states[-1]])
        (x0, y0), (x1, y1) = ends.min(0).tolist(), ends.max(0).tolist()
        box = containing((x0, x1, y0, y1), whole)
        size = point_radius(states.shape[1], 40)
        cloud = PointCloud(box, whole, states[0], color=self.theme.data, radius=size, alpha=GROUND, clip=False)
        return [(cloud.follow(states), paced(states, interpolate=True))]
