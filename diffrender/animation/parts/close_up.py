"""A close-up of the hero of a cloud: the view closes in, some of its steps are taken apart, and it goes back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from manim import Mobject

from diffrender.animation.animations import FadeInFast, FadeOutFast, OpacityScale, UpdateFromAlpha
from diffrender.animation.layout.box import Box
from diffrender.animation.layout.plane import Plane
from diffrender.animation.mobjects.furniture.panels import Rect, frame
from diffrender.animation.mobjects.space.lines import Cage
from diffrender.animation.parts.clock import Clock
from diffrender.animation.parts.hero_step import GROWN, HeroStep, arrived
from diffrender.animation.timeline import settling
from diffrender.trajectory.distance import shape_step, strays
from diffrender.trajectory.reader import Trajectory

ZOOM_SECONDS, STEP_SECONDS = 1.0, 1.8
DIMMED = {2: 0.6, 3: 0.5}  # the others while one point is followed: in space they lie behind and before it
HOLD = {False: 1.2, True: 0.7}  # seconds that all arrows of a first step stand besides: early, and of a shape
MOST_TIMES = {False: 6.0, True: 12.0}  # how large a close-up is at most: of a shape some must be seen
RELIEF = 0.3  # of clouds in space: a close-up shows so small a part of them that perspective alone tells no depth
POINT = 0.6  # of its radius that the point has there: it shall not hide what begins at it
INSIDE = 0.9  # of the view's half: the one that is followed stays within it
SWAP = 0.3, 0.4  # seconds in which words go, and after which part of a zoom others come
SETTLING = 0.36  # of the way at least: what comes after predictions have their shape
WATCHED = 60  # steps at which points are looked at
EARLY = 0.75  # where no predictions are recorded, steps are taken apart among the first so many of all
SHOWN_OVER = 0.12  # of the highest noise level: under it predictions are not told from samples any more
FORMS = "close-up of one point × {0:.1f}: ", "close-up × {0:.1f}: ", "× {0:.1f}: "
IN_STEPS, IN_T = (
    "|".join(form + ends for form in FORMS) for ends in ("from step {1:,} to {2:,}", "$t =$ {1:,} to {2:,}")
)
STRAND, SOME = 0.15, 500  # of half the view's height: so far about a prediction data are counted, of so many


class CloseUp(NamedTuple):
    """Recorded steps that are taken apart, `steps` from `first` on; `shaped`: predictions have a shape by then; `near`:
    those of the hero are no farther from the data than any of these from its nearest."""

    first: int
    steps: int
    shaped: bool
    near: bool = False

    @property
    def end(self) -> int:
        """The state that the last of them leads to."""
        return self.first + self.steps


def settle(clock: Clock, share: float = SETTLING) -> int | None:
    """Give the end of a clock's way, in which samples condense on the shape that predictions have, this share of it.

    Returns the step from which these have it, if there is one.
    """
    if (shaped := shape_step(clock.run)) is not None:
        clock.timeline = settling(clock.timeline, shaped, share)
    return shaped


def way_ahead(clock: Clock, view: Plane, degrees: float, seen: Callable[[float], Rect]) -> np.ndarray | None:
    """(N,) how well each point can be followed: how long the way to what is predicted for it looks once predictions
    have a shape, more in the middle of the view than at its edge and by a single strand of the data, and nothing for
    points that leave it. None if predictions never have a shape, or are not recorded.

    degrees: by which the camera turns on its way. seen: what of the view's plane is shown at a moment 0..1 of it.
    """
    run = clock.run
    if (shaped := shape_step(run)) is None:
        return None
    stays, ways, off, begin = np.ones(run.chains, bool), [], [], np.zeros(run.chains)
    last = _last_shown(run)
    for k in np.unique(np.linspace(0, run.steps - 1, WATCHED).astype(int)):
        course = clock.timeline.course(k)
        view.look(course, degrees=degrees)
        x0, x1, y0, y1 = seen(course)
        here = view.flat(np.asarray(run.states[k], float))
        middle, half = np.array([x0 + x1, y0 + y1]) / 2, (y1 - y0) / 2
        begin = begin if k else np.linalg.norm(here - middle, axis=1) / half
        away = np.abs(here - middle) / ((x1 - x0) / 2, half)
        stays &= (away < INSIDE).all(1)
        if shaped <= k < last:
            there = view.flat(np.asarray(run["x0"][k], float))
            strand = _by_strand(view, np.asarray(run["x0"][k], float), run.target, STRAND * half)
            ways.append(np.linalg.norm(there - here, axis=1) * strand)
            off.append(np.linalg.norm(there - middle, axis=1) / half)
    view.look(0, degrees=degrees)
    central = np.exp(-np.square(np.mean(off, axis=0)) - np.square(2 * begin)) if ways else 0
    return stays * np.mean(ways, axis=0) * central if ways else None


def _by_strand(view: Plane, guess: np.ndarray, data: np.ndarray, reach: float) -> np.ndarray:
    """(N,) 0..1 whether predictions (N, D) lie by data, and what is seen within `reach` of them is no other strand."""
    data, near = np.asarray(data[:SOME], float), reach**2
    away = np.square(guess[:, None] - data).sum(-1)
    seen = np.square(view.flat(guess)[:, None] - view.flat(data)).sum(-1)
    about = (away < near).sum(1)
    return np.asarray(about / np.maximum((seen < near).sum(1), 1) * np.exp(-9 * away.min(1) / near))


def _last_shown(run: Trajectory) -> int:
    """The step before which predictions are told from samples."""
    seen = np.flatnonzero(np.asarray(run["sigma"]) >= SHOWN_OVER * np.max(run["sigma"]))
    return min(int(seen[-1]) + 1 if len(seen) else 0, run.steps)


def local_box(view: Any, near: Rect, low: np.ndarray, high: np.ndarray, *, theme: Any) -> Cage:
    """The box in space round what a close-up `near` is about: it tells how deep its arrows go."""
    return Cage(view.orbit, near, view.rect, low, high, color=theme.border, grid=theme.grid)


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
    last = _last_shown(run)
    late = count - max(count // 3, 1)

    def picked(count: int, first: int, last: int) -> CloseUp:
        best = parts.pick(count, first, last, aim)
        if shaped is None or best < shaped:
            return CloseUp(best, count, False)
        off = strays(np.asarray(run["x0"][best : best + count, parts.hero.chain]), run.target)
        return CloseUp(best, count, True, not off.any())

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
    (first, count, shaped, _), dimmed = close_up, DIMMED[parts.view.dims]
    whole, seconds = view.box, scene.seconds(ZOOM_SECONDS)
    parts.hero.begin(first)
    near = parts.window(first, count, view.rect, most=MOST_TIMES[shaped])
    edge = frame(view.rect, scene.theme.border).set_z_index(7)  # what is seen is a part: it is cut at this edge
    times = (whole[1] - whole[0]) / (near[1] - near[0])
    marks = scene.legend(parts.keys(page, box), box)
    if "t-1" in scene.sampler_equation():  # it counts down, to the data, as all that is read
        named = page.tag(IN_T, view.rect, times, clock.run.steps - first, clock.run.steps - first - count)
    else:
        named = page.tag(IN_STEPS, view.rect, times, first, first + count)
    point = parts.hero.point
    size = point.radius

    box_there = [] if view.dims == 2 else [local_box(view, near, *parts.around(first, count), theme=scene.theme)]
    deep = [cloud for cloud in others if hasattr(cloud, "relief")]

    def zoom(u: float) -> None:
        fade.set(1 - u * (1 - dimmed))
        for cloud in deep:
            cloud.relief = RELIEF * u
        point.radius = size * (1 - u * (1 - POINT))

    out, after = scene.seconds(SWAP[0]), SWAP[1]
    scene.play(
        view.move(near, view.rect, seconds),
        FadeOutFast(key, *gone, run_time=out),
        FadeInFast(edge, *box_there, run_time=seconds),
        FadeInFast(marks, named, *told, run_time=seconds, after=after),
        UpdateFromAlpha(zoom, *others, point, run_time=seconds),
    )

    def show(at: float) -> None:
        step = min(int(at), count - 1)
        clock.show_step(first + step + arrived(at - step))
        parts.show(first + step, at - step)

    scene.add(*parts.mobjects)
    moved = [*clock.mobjects, *parts.mobjects]  # but what is gone meanwhile stays away

    def taken_apart(begin: float, end: float) -> None:
        seconds = scene.seconds(STEP_SECONDS) * (end - begin)
        scene.play(UpdateFromAlpha(lambda u: show(begin + u * (end - begin)), *moved, run_time=seconds, adds=False))

    taken_apart(0, GROWN)
    scene.stand(scene.seconds(HOLD[shaped]))
    taken_apart(GROWN, count)
    parts.rest()
    scene.play(
        view.move(whole, view.rect, seconds),
        FadeOutFast(marks, named, *told, run_time=out),
        FadeOutFast(edge, *box_there, run_time=seconds),
        FadeInFast(key, *gone, run_time=seconds, after=after),
        UpdateFromAlpha(lambda u: zoom(1 - u), *others, point, run_time=seconds),
    )
