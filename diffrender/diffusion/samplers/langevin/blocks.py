"""Langevin samplers in compiled blocks of steps, where the density is one of `densities/kernels.py`.

The same chains as by the generators of ula.py, mala.py, …, step by step, from the same noise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch

from diffrender.core.errors import DiffrenderError
from diffrender.diffusion.noise import Noise, Purpose
from diffrender.diffusion.samplers.langevin.base import finite

BLOCK_NUMBERS = 1 << 18  # coordinates of the states of one block
Parts = dict[str, np.ndarray]


class Block(NamedTuple):
    """B consecutive moves of all chains: x (B + 1, N, D) float32 with both ends; parts: what is known of each move,
    (B, N, …), by the names of `Step`; times and nfe (B + 1,): of the states."""

    first: int
    x: np.ndarray
    parts: Parts
    times: list[float]
    nfe: list[int]


class Way(NamedTuple):
    """How a sampler goes in blocks. move: (arrays, noise, first, x, options, carried) → (rows that are finite, parts),
    which fills x (B + 1, N, D); seconds and calls: of its own time, and of the density, in one step; before: calls
    before the first."""

    move: Callable[[Any, Noise, int, np.ndarray, Mapping[str, Any], dict[str, Any]], tuple[int, Parts]]
    seconds: Callable[[Mapping[str, Any]], float]
    calls: Callable[[Mapping[str, Any]], int] = lambda options: 1
    before: int = 1


def langevin_blocks(
    density: Any, x: torch.Tensor, noise: Noise, *, sampler: str, **options: Any
) -> Iterator[Block] | None:
    """The run of a sampler from x (N, D), in blocks; None if density or sampler have no compiled form.

    options: of the sampler, with `steps` and `step_size`. Raises DiffrenderError where a chain leaves for infinity,
    naming the step.
    """
    from diffrender.diffusion.targets.densities.kernels import compiled

    arrays = compiled(density) if sampler in WAYS and x.device.type == "cpu" and x.ndim == 2 else None
    return None if arrays is None else _blocks(arrays, x, noise, WAYS[sampler], options)


def _blocks(arrays: Any, x: torch.Tensor, noise: Noise, way: Way, options: Mapping[str, Any]) -> Iterator[Block]:
    at, size = x.numpy().astype(np.float32), max(1, BLOCK_NUMBERS // x.numel())
    steps, carried = options["steps"], dict[str, Any]()
    calls, seconds = way.calls(options), way.seconds(options)
    for first in range(0, steps, size):
        count = min(size, steps - first)
        states = np.empty((count + 1, *at.shape), np.float32)
        states[0] = at
        reached, parts = way.move(arrays, noise, first, states, options, carried)
        if reached <= count:
            finite(torch.from_numpy(states[reached]), first + reached - 1, options["step_size"])
            raise DiffrenderError(f"A chain left for infinity at step {first + reached - 1}.")
        numbers = range(first, first + count + 1)
        nfe = [i * calls + way.before * (i > 0) for i in numbers]
        yield Block(first, states, parts, [i * seconds for i in numbers], nfe)
        at = states[-1]


def _langevin(
    arrays: Any,
    noise: Noise,
    first: int,
    x: np.ndarray,
    options: Mapping[str, Any],
    carried: dict[str, Any],
    *,
    noisy: bool = True,
) -> tuple[int, Parts]:
    """ULA, or gradient ascent without its noise."""
    from diffrender.diffusion.samplers.langevin.kernels import follow_langevin

    size, drift = options["step_size"], np.empty_like(x[1:])
    kicks = np.float32(math.sqrt(2 * size)) * noise.block(first, len(drift)) if noisy else np.zeros_like(drift)
    return follow_langevin(*arrays, size, kicks, x, drift), {"drift": drift, "noise": kicks}


def _mala(
    arrays: Any, noise: Noise, first: int, x: np.ndarray, options: Mapping[str, Any], carried: dict[str, Any]
) -> tuple[int, Parts]:
    """MALA."""
    from diffrender.diffusion.samplers.langevin.kernels import follow_mala

    size, (drift, proposal) = options["step_size"], (np.empty_like(x[1:]) for _ in range(2))
    kicks = np.float32(math.sqrt(2 * size)) * noise.block(first, len(drift))
    test = _tests(noise, first, drift)
    reached = follow_mala(*arrays, size, kicks, test["uniform"], x, drift, proposal, *_answers(test))
    return reached, {"drift": drift, "noise": kicks, "proposal": proposal, **test}


def _baoab(
    arrays: Any, noise: Noise, first: int, x: np.ndarray, options: Mapping[str, Any], carried: dict[str, Any]
) -> tuple[int, Parts]:
    """Underdamped Langevin; the momentum is carried from block to block."""
    from diffrender.diffusion.samplers.langevin.kernels import follow_baoab

    count, size = len(x) - 1, options["step_size"]
    momenta, path = np.empty_like(x), np.empty((count, x.shape[1], 3, x.shape[2]), np.float32)
    momenta[0] = carried["v"] if first else noise(0, Purpose.MOMENTUM).numpy()
    keep = math.exp(-options["friction"] * size)
    reached = follow_baoab(*arrays, size, keep, noise.block(first, count), x, momenta, path)
    carried["v"] = momenta[-1]
    return reached, {"momentum": momenta[:-1], "path": path}


def _hmc(
    arrays: Any, noise: Noise, first: int, x: np.ndarray, options: Mapping[str, Any], carried: dict[str, Any]
) -> tuple[int, Parts]:
    """Hamiltonian Monte Carlo."""
    from diffrender.diffusion.samplers.langevin.kernels import follow_hmc

    count, end = len(x) - 1, np.empty_like(x[1:])
    momentum = noise.block(first, count, Purpose.MOMENTUM)
    path = np.empty((count, x.shape[1], options["leapfrogs"] + 1, x.shape[2]), np.float32)
    test = _tests(noise, first, end)
    reached = follow_hmc(*arrays, options["step_size"], momentum, test["uniform"], x, path, end, *_answers(test))
    moves = {"proposal": path[:, :, -1], "momentum": momentum, "momentum_end": end, "path": path}
    return reached, {**moves, **test}


def _tests(noise: Noise, first: int, moves: np.ndarray) -> Parts:
    """Room for the Metropolis tests of moves (B, N, D), (B, N) each, and what they draw."""
    shape = moves.shape[:2]
    ratios, accepted = np.empty(shape, np.float32), np.empty(shape, bool)
    return {"uniform": noise.uniform_block(first, len(moves)), "log_ratio": ratios, "accepted": accepted}


def _answers(test: Parts) -> tuple[np.ndarray, np.ndarray]:
    return test["log_ratio"], test["accepted"]


def _step_size(options: Mapping[str, Any]) -> float:
    return float(options["step_size"])


WAYS = {
    "ula": Way(_langevin, _step_size, before=0),
    "gradient": Way(partial(_langevin, noisy=False), _step_size, before=0),
    "mala": Way(_mala, _step_size),
    "underdamped": Way(_baoab, _step_size),
    "hmc": Way(_hmc, lambda o: float(o["step_size"] * o["leapfrogs"]), lambda o: int(o["leapfrogs"])),
}
