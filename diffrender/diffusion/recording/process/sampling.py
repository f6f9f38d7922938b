"""One run of a sampler that calls us as it goes: what is kept of it, and that nothing of ours can hinder it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from diffrender.core.errors import TrajectoryError
from diffrender.diffusion.recording.recorder import Recorder


class Sampling:
    """Records the states that the recorder's `keep` keeps, of the first `chains` chains (0: of all).

    problem: why recording ended early; empty if it did not.
    """

    def __init__(self, recorder: Recorder, chains: int) -> None:
        self.recorder, self.chains, self.problem = recorder, chains, ""
        self.seen = 0

    def guarded(self, do: Callable[..., None], *args: Any) -> None:
        """Do something of ours: where it fails recording ends, and the sampler goes on."""
        try:
            if not self.problem:
                do(*args)
        except Exception as error:
            self.problem = str(error) if isinstance(error, TrajectoryError) else f"{type(error).__name__}: {error}"

    def keep(self, x: Any, alpha: float, sigma: float, nfe: int | None, *, last: bool = False, **parts: Any) -> None:
        """Record a state and what was predicted at it, if it is one that is kept; the last always is."""
        if last or self.recorder.keep.keeps(self.seen):
            first = slice(self.chains or None)
            found = {key: value[first] for key, value in parts.items()}
            self.recorder.state(x[first], alpha=alpha, sigma=sigma, nfe=nfe, **found)
        self.seen += 1
