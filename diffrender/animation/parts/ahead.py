"""Recorded time passing while predictions are ahead of samples: what is said of them, and when they are gone."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from diffrender.animation.animations import FadeInFast, FadeOutFast
from diffrender.animation.layout.box import Boxes
from diffrender.animation.parts.clock import Clock

SAID, LEAST = 2.4, 0.9  # seconds that it is said that they have the shape; and the least for what else is said
COMES, GOES = 0.4, 0.3  # seconds
SEEN = 0.6  # opacity under which predictions are no longer told of


class Ahead:
    """The run of a scene in parts: says while predictions narrow, in `words["narrows"]`, and when they have the shape,
    in `words["ahead"]`, and takes their row off the legend when none is seen any more.

    keys: legends with that row and without it; `key` is the one that stands. opacity: (T+1,) of the predictions.
    shaped: the step from which they have the shape. there: whether any are shown.
    """

    def __init__(
        self,
        scene: Any,
        clock: Clock,
        boxes: Boxes,
        keys: tuple[Any, Any],
        opacity: np.ndarray,
        shaped: int | None,
        there: bool,
    ) -> None:
        self.scene, self.clock, self.there = scene, clock, there
        self.key, self.bare = keys
        course, last = clock.timeline.course, len(opacity) - 1
        faint = np.flatnonzero(opacity[shaped or 0 :] < SEEN)
        gone = np.flatnonzero(opacity > 0)
        self.shaped = None if shaped is None or not there else course(shaped)
        self.faint = course(min((shaped or 0) + int(faint[0]), last)) if len(faint) else 1.0
        self.gone = course(min(int(gone[-1]) + 1, last)) if len(gone) else 0.0
        page = scene.page
        self.narrows, self.ahead = (page.tag(scene.words[said], boxes.stage) for said in ("narrows", "ahead"))

    def play(
        self, seconds: float, begin: float, end: float, closing: Callable[..., Any], *, stand: bool = False
    ) -> None:
        """Let the run go from `begin` to `end` of its way. closing: (seconds, first, last) of it, 0..1, to what else
        plays. stand: at its end it stands as long as what is said has to be read."""
        scene = self.scene
        marks = [m for m in (self.shaped, self.faint, self.gone) if self.there and m is not None and begin < m < end]
        places, whole = [begin, *sorted(set(marks)), end], end - begin
        for a, b in pairwise(places):
            # of one step there may be no way to go: then all of it stands
            first, last = ((a - begin) / whole, (b - begin) / whole) if whole > 0 else (0.0, 1.0)
            took = seconds * (last - first)
            also = self._said(a, begin, took) if self.there else []
            scene.play_run(self.clock, took, closing(took, first, last), *also, start=a, end=b)
            if b == self.shaped and self.narrows in scene.mobjects:
                scene.remove(self.narrows)
        self._drop(end)
        if stand and self.ahead in scene.mobjects:
            read = seconds * (end - max(self.shaped or 0, begin)) / whole if whole > 0 else seconds
            scene.stand(scene.seconds(max(SAID - read, 0.0)))
            scene.play(FadeOutFast(self.ahead, run_time=GOES))

    def _drop(self, at: float) -> None:
        """Take the row of predictions off the legend, if none is seen from this moment on."""
        scene = self.scene
        if self.there and at >= self.gone and self.key is not self.bare:
            if self.key in scene.mobjects:
                scene.remove(self.key)
                scene.add(self.bare)
            self.key = self.bare

    def _said(self, at: float, begin: float, seconds: float) -> list[Any]:
        """What comes and goes in a part of the run that begins at `at` and takes so long."""
        scene, made = self.scene, list[Any]()
        self._drop(at)
        if self.shaped is None:
            return made
        if at == begin > 0 and at < self.shaped and seconds > LEAST:
            made.append(FadeInFast(self.narrows, run_time=COMES))
        if at == self.shaped:
            made.append(FadeInFast(self.ahead, run_time=min(COMES, seconds)))
        if at >= self.faint and self.ahead in scene.mobjects:
            made.append(FadeOutFast(self.ahead, run_time=min(GOES, seconds)))
        return made
