"""ULA and gradient ascent in compiled blocks of steps, where the density is one of `densities/kernels.py`.

The same chains as by the generators of ula.py and gradient.py, step by step, from the same noise.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch

from diffrender.core.errors import DiffrenderError
from diffrender.diffusion.noise import Noise
from diffrender.diffusion.samplers.langevin.base import finite

SAMPLERS_IN_BLOCKS = {"ula": True, "gradient": False}  # and whether they add noise
BLOCK_NUMBERS = 1 << 18  # coordinates of the states of one block


class Block(NamedTuple):
    """B consecutive moves of all chains: x (B + 1, N, D) float32 with both ends, drift and noise (B, N, D)."""

    first: int
    x: np.ndarray
    drift: np.ndarray
    noise: np.ndarray


def langevin_blocks(
    density: Any, x: torch.Tensor, noise: Noise, *, sampler: str, steps: int, step_size: float
) -> Iterator[Block] | None:
    """The run of `ula` or `gradient` from x (N, D), in blocks; None if density or sampler have no compiled form.

    Raises DiffrenderError where a chain leaves for infinity, naming the step.
    """
    from diffrender.diffusion.targets.densities.kernels import compiled

    arrays = compiled(density) if sampler in SAMPLERS_IN_BLOCKS and x.device.type == "cpu" and x.ndim == 2 else None
    return None if arrays is None else _blocks(arrays, x, noise, SAMPLERS_IN_BLOCKS[sampler], steps, step_size)


def _blocks(arrays: Any, x: torch.Tensor, noise: Noise, noisy: bool, steps: int, step_size: float) -> Iterator[Block]:
    from diffrender.diffusion.targets.densities.kernels import follow

    at, size = x.numpy().astype(np.float32), max(1, BLOCK_NUMBERS // x.numel())
    for first in range(0, steps, size):
        count = min(size, steps - first)
        if noisy:
            kicks = np.float32(math.sqrt(2 * step_size)) * noise.block(first, count)
        else:
            kicks = np.zeros((count, *at.shape), np.float32)
        states, drift = np.empty((count + 1, *at.shape), np.float32), np.empty_like(kicks)
        states[0] = at
        reached = follow(*arrays, step_size, kicks, states, drift)
        if reached <= count:
            finite(torch.from_numpy(states[reached]), first + reached - 1, step_size)
            raise DiffrenderError(f"A chain left for infinity at step {first + reached - 1}.")
        yield Block(first, states, drift, kicks)
        at = states[-1]
