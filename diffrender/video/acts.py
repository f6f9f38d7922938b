"""The acts of a scene as it is played, sections in Manim's words, and how long each of them has to last.

An act lasts until what is said in it has been heard, and there may be a rest before the next one begins.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from diffrender.config.scene_acts import FIRST_ACT

REST_SECONDS = 0.3  # of quiet after what is said in an act, before something is said in the next
MIN_REST = 2  # frames: slides stop in it
ROUNDING = 1e-6  # frames; run times are sums of decimals, and 0.3 s × 10 fps must be three frames


@dataclass
class Acts:
    """What is asked of a scene's acts, and what they were when it was played, which is noted by the renderer.

    spoken: seconds of what is said in an act, by its name. pause: seconds of rest between two acts.
    begun: (first frame, name) of each. rests: of each but the last the frame from which all stands and nothing is said,
    if there are rests. said: name of each act in which something is said → its first frame.
    """

    spoken: Mapping[str, float] = field(default_factory=dict)
    pause: float = 0.0
    begun: list[tuple[int, str]] = field(default_factory=list)
    rests: list[int] = field(default_factory=list)
    said: dict[str, int] = field(default_factory=dict)

    def begin(self, frame: int, name: str) -> None:
        """Note that an act begins with a frame."""
        self.begun.append((frame, name))
        called = name or FIRST_ACT
        if called in self.spoken and called not in self.said:
            self.said[called] = frame

    def forget_empty(self, frame: int) -> bool:
        """Forget the last act if no frame of it was drawn before `frame`; whether it was so."""
        if not self.begun or self.begun[-1][0] < frame:
            return False
        self.begun.pop()
        self.said = {name: first for name, first in self.said.items() if first < frame}
        return True

    def end(self, frame: int, fps: float, *, more: bool) -> int:
        """For how many frames the picture has to stand before the act ends at `frame`. more: another one follows."""
        if not self.begun or not (self.spoken or self.pause):
            return 0
        first, name = self.begun[-1]
        called = name or FIRST_ACT
        seconds = self.spoken[called] if self.said.get(called) == first else 0.0
        waits = max(0, math.ceil(seconds * fps - ROUNDING) - (frame - first))
        if not more:
            return waits + math.ceil(REST_SECONDS * fps) if waits else 0
        self.rests.append(frame + waits)
        rest = max(self.pause, REST_SECONDS if self.spoken else 0.0)
        return waits + max(MIN_REST, math.ceil(rest * fps - ROUNDING))
