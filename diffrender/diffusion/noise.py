"""The only randomness there is.

Every draw is a pure function of (seed, purpose, step): NumPy's Philox counter generator is keyed by seed and purpose,
and the step stands in the counter's *high* word. (In the low word, neighbouring steps would repeat nearly all draws.)
Numbers are drawn in chain order on the CPU, so chain i gets bit-identical noise alone or among ten thousand, in any
batch, on any device.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from enum import IntEnum

import numpy as np
import torch


class Purpose(IntEnum):
    """What a draw is for; each has a stream of its own."""

    START = 0
    STEP = 1
    METROPOLIS = 2
    MOMENTUM = 3
    CORRECTOR = 4
    INNER = 5  # second draw inside one step (dpmpp_sde, dpm2_ancestral)
    DATA = 6
    TRAINING = 7
    METRIC = 8
    FORWARD = 9
    AUTOENCODER = 10


def generator(seed: int, purpose: int = Purpose.DATA, step: int = 0) -> np.random.Generator:
    """A NumPy generator for one (seed, purpose, step)."""
    return np.random.Generator(np.random.Philox(key=[seed, int(purpose)], counter=[0, 0, 0, step]))


def _generators(seed: int, purpose: int, first: int, steps: int) -> Iterator[np.random.Generator]:
    """`generator(seed, purpose, step)` of `steps` steps from `first` on: one and the same, set to each in turn."""
    philox = np.random.Philox(key=[seed, int(purpose)])
    draw, state = np.random.Generator(philox), philox.state
    for step in range(first, first + steps):
        state["state"]["counter"][3] = step
        philox.state = state
        yield draw


class Noise:
    """Draws for chains `first` … `first + chains − 1` of a run.

    Parameters
    ----------
    seed: the run's seed, 0 ≤ seed < 2⁶³.
    chains: how many chains, N.
    event: shape of one state, e.g. (2,) or (3, 32, 32).
    first: index of the first chain, for runs in batches.
    dtype, device: of the tensors returned; the draw itself is float32 on the CPU.
    """

    def __init__(
        self,
        seed: int,
        chains: int,
        event: tuple[int, ...],
        *,
        first: int = 0,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        self.seed, self.chains, self.event, self.first = seed, chains, tuple(event), first
        self.dtype, self.device = dtype, torch.device(device)

    def __call__(self, step: int, purpose: int = Purpose.STEP) -> torch.Tensor:
        """Standard normal draws, (N, *event)."""
        size = math.prod(self.event)
        last = self.first + self.chains
        draws = generator(self.seed, purpose, step).standard_normal(last * size, dtype=np.float32)
        return self._tensor(draws[self.first * size :].reshape(self.chains, *self.event))

    def block(self, first: int, steps: int, purpose: int = Purpose.STEP) -> np.ndarray:
        """The draws of `steps` steps from step `first` on, (steps, N, *event) float32: the same as one by one."""
        size = math.prod(self.event)
        rows = np.empty((steps, (self.first + self.chains) * size), np.float32)
        for draw, row in zip(_generators(self.seed, purpose, first, steps), rows, strict=True):
            draw.standard_normal(out=row, dtype=np.float32)
        return rows[:, self.first * size :].reshape(steps, self.chains, *self.event)

    def uniform_block(self, first: int, steps: int, purpose: int = Purpose.METROPOLIS) -> np.ndarray:
        """Uniform draws in [0, 1) of so many steps, (steps, N) float32: the same as one by one."""
        rows = np.empty((steps, self.first + self.chains))
        for draw, row in zip(_generators(self.seed, purpose, first, steps), rows, strict=True):
            draw.random(out=row)
        return rows[:, self.first :].astype(np.float32)

    def uniform(self, step: int, purpose: int = Purpose.METROPOLIS) -> torch.Tensor:
        """Uniform draws in [0, 1), (N,), one a chain."""
        draws = generator(self.seed, purpose, step).random(self.first + self.chains, dtype=np.float64)
        return self._tensor(draws[self.first :])

    def _tensor(self, draws: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(draws)).to(self.device, self.dtype)
