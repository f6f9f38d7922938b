"""A close-up of the hero of a cloud: the view closes in, some of its steps are taken apart, and it goes back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from manim import Mobject

from diffrender.animation.animations import FadeInFast, FadeOutFast, OpacityScale, UpdateFromAlpha
from diffrender.animation.layout.box import Box
from diffrender.animation.layout.views import Plane
from diffrender.animation.mobjects.furniture.panels import frame
from diffrender.animation.parts.clock import Clock
from diffrender.animation.parts.hero_step import HeroStep, arrived
from diffrender.trajectory.distance import shape_step

ZOOM_SECONDS, STEP_SECONDS = 1.0, 1.8
DIMMED = {2: 0.6, 3: 0.5}  # the others while one point is followed: in space they lie behind and before it
MOST_TIMES = {False: 6.0, True: 3.5}  # how large a close-up is at most: of a shape some must be seen
AHEAD = 8  # steps from where predictions have a shape over which the way to them should be long
EARLY = 0.75  # where no predictions are recorded, steps are taken apart among the first so many of all
SHOWN_OVER = 0.25  # of the highest noise level: under it predictions are not told from samples any more
NAMED = "close-up of one point × {0:.1f}: from step {1:,} to {2:,}|close-up × {0:.1f}: from step {1:,} to {2:,}"
NAMED += "|× {0:.1f}: from step {1:,} to {2:,}"


class CloseUp(NamedTuple):
    """Recorded steps that are taken apart, `steps` from `first` on; `shaped`: predictions have a shape by then."""

    first: int
    steps: int
    shaped: bool

    @property
    def end(self) -> int:
        """The state that the last of them leads to."""
        return self.first + self.steps


def way_ahead(clock: Clock, view: Plane, degrees: float) -> np.ndarray | None:
    """(N,) how long the way from each point to what is predicted for it is seen to be, when predictions have come to
    have a shape, by the camera that turns by `degrees` on its way; None if they never have, or are not recorded."""
    run = clock.run
    if (shaped := shape_step(run)) is None:
        return None
    view.look(clock.timeline.course(shaped), degrees=degrees)
    ways = []
    for k in range(shaped, min(shaped + AHEAD, len(run["x0"]))):
        here, there = (view.flat(np.asarray(points[k], float)) for points in (run.states, run["x0"]))
        ways.append(np.linalg.norm(there - here, axis=1))
    view.look(0, degrees=degrees)
    return np.mean(ways, axis=0)


def close_ups(clock: Clock, parts: HeroStep, count: int, degrees: float) -> list[CloseUp]:
    """Where `count` steps of the hero are taken apart, all by rule: the first third early, where predictions have no
    shape, the others when they have taken that of the data. With no predictions, or none that take a shape: all early.
    degrees: by which the camera turns on its way, which stands at its beginning now.
    """
    run = clock.run
    count = min(count, run.steps)
    if not count:
        return []
    shaped = shape_step(run)
    seen = np.flatnonzero(np.asarray(run["sigma"]) >= SHOWN_OVER * np.max(run["sigma"]))
    last = min(int(seen[-1]) + 1 if len(seen) else 0, run.steps)
    late = count - max(count // 3, 1)

    def picked(count: int, first: int, last: int) -> CloseUp:
        best = parts.pick(count, first, last, aim)
        return CloseUp(best, count, shaped is not None and best >= shaped)

    def aim(step: int) -> None:
        parts.view.look(clock.timeline.course(step), degrees=degrees)

    early = int(EARLY * run.steps) if shaped is None else shaped // 2  # just before it one is seen already
    if shaped is None or not late or last - shaped < late or shaped < count - late:
        found = [picked(count, 0, early)]
    else:
        found = [picked(count - late, 0, early), picked(late, shaped, last)]
    aim(0)
    return found


def play_close_up(
    scene: Any,
    clock: Clock,
    parts: HeroStep,
    close_up: CloseUp,
    others: Sequence[Mobject],
    key: Mobject,
    box: Box,
    *,
    gone: Sequence[Mobject] = (),
    told: Sequence[Mobject] = (),
) -> None:
    """Close in on the hero, take its steps apart, the others dimmed, and go back.

    key: the legend, in whose `box` that of the arrows stands meanwhile; so does `told` instead of what is `gone`.
    What is read says of each instant what the arrows do: a step's own noise while it is drawn, and the next state as
    soon as the point has come to it.
    """
    view, fade, page = parts.view, OpacityScale(*others), scene.page
    (first, count, shaped), dimmed = close_up, DIMMED[parts.view.dims]
    whole, seconds = view.box, scene.seconds(ZOOM_SECONDS)
    parts.hero.begin(first)
    near = parts.window(first, count, view.rect, most=MOST_TIMES[shaped])
    edge = frame(view.rect, scene.theme.border).set_z_index(7)  # what is seen is a part: it is cut at this edge
    scene.play(
        view.move(near, view.rect, seconds),
        FadeInFast(edge, run_time=seconds),
        UpdateFromAlpha(lambda u: fade.set(1 - u * (1 - dimmed)), *others, run_time=seconds),
    )
    times = (whole[1] - whole[0]) / (near[1] - near[0])
    marks = scene.legend(parts.keys(page, box), box)
    named = page.tag(NAMED, view.rect, times, first, first + count)
    scene.crossfade([key, *gone], [marks, named, *told])

    def show(u: float) -> None:
        step = min(int(u * count), count - 1)
        part = u * count - step
        clock.show_step(first + step + arrived(part))
        parts.show(first + step, part)

    scene.add(*parts.mobjects)
    moved = [*clock.mobjects, *parts.mobjects]  # but what is gone meanwhile stays away
    scene.play(UpdateFromAlpha(show, *moved, run_time=scene.seconds(STEP_SECONDS) * count, adds=False))
    parts.rest()
    scene.crossfade([marks, named, *told], [key, *gone])
    scene.play(
        view.move(whole, view.rect, seconds),
        FadeOutFast(edge, run_time=seconds),
        UpdateFromAlpha(lambda u: fade.set(dimmed + u * (1 - dimmed)), *others, run_time=seconds),
    )
