"""Starts: the states in which the chains of a run begin."""

from __future__ import annotations

import math
from typing import Any

import torch

from diffrender.core.errors import ConfigError
from diffrender.diffusion.levels import Level
from diffrender.diffusion.noise import Noise, Purpose, generator
from diffrender.diffusion.samplers.base import start

MESH_REACH = 3.0  # deviations of the noise that a grid of starts reaches: 99.5 % of the probability
POINT = (0.27, 0.4, 0.5)  # of the box's width, height and depth, where `point` puts all chains


def start_states(
    how: str,
    level: Level,
    box: tuple[float, ...],
    target: Any,
    noise: Noise,
    *,
    chains: int,
    spread: bool = False,
) -> torch.Tensor:
    """Where the chains of `noise` begin, (N, *event).

    how: noise: normal at `level`, or, with `spread`, over the box. target: draws of the target, noised to the level.
    grid: an even grid of the plane over ± `MESH_REACH` deviations of the noise, row by row. point: all on one place,
    left of the middle and below it. "x,y": all on that place.
    box: x0, x1, y0, y1[, z0, z1]. chains: of the whole run, of which `noise` may be a batch.
    Raises ConfigError if `how` is none of these or does not suit the states.
    """
    event, device, part = target.event, noise.device, slice(noise.first, noise.first + noise.chains)
    if how == "target":
        drawn = target.draw(chains, generator(noise.seed, Purpose.DATA, 1))[part]
        return level.alpha * torch.from_numpy(drawn).to(device) + level.sigma * noise(0, Purpose.START)
    if how == "grid":
        return _mesh(event, chains, math.hypot(level.alpha, level.sigma), device)[part].clone()
    if how == "noise" and not spread:
        return start(level, noise)
    low, high = (torch.tensor(side, dtype=torch.float32, device=device) for side in _sides(box, event, target.dim))
    if len(event) > 1:
        low, high = low.view(event), high.view(event)
    if how == "noise":
        return (low + high) / 2 + (high - low) / 4 * noise(0, Purpose.START)
    if how == "point":
        place = low + (high - low) * torch.tensor(POINT, device=device)[: len(low)]
    else:
        place = _coordinates(how, event).to(device)
    return place.expand(noise.chains, *event).clone()


def _mesh(event: tuple[int, ...], chains: int, deviation: float, device: torch.device) -> torch.Tensor:
    """(chains, 2) an even grid of √chains × √chains points, x running fastest."""
    side = math.isqrt(chains)
    if event != (2,) or side < 2 or side**2 != chains:
        raise ConfigError(
            f"sampler.start: {chains} chains with states of shape {event} are no square grid of the plane.",
            "Take a two-dimensional target, and a square number of chains such as 14641.",
        )
    return grid_of_starts(side, deviation).to(device)


def grid_of_starts(side: int, deviation: float = 1.0) -> torch.Tensor:
    """(side², 2) an even grid of the plane, x running fastest, over ± 3 times the deviation of the noise.

    Where chains of your own sampler begin for the scene `mesh`.
    """
    axis = torch.linspace(-MESH_REACH, MESH_REACH, side) * deviation
    return torch.stack(torch.meshgrid(axis, axis, indexing="xy"), -1).reshape(-1, 2)


def _sides(box: tuple[float, ...], event: tuple[int, ...], dim: int) -> tuple[list[float], list[float]]:
    """Lowest and highest coordinates of the box, or ± 2 where it has not as many as the states."""
    if len(event) != 1 or len(box) < 2 * dim:
        box = (-2.0, 2.0) * dim
    return list(box[0 : 2 * dim : 2]), list(box[1 : 2 * dim : 2])


def _coordinates(text: str, event: tuple[int, ...]) -> torch.Tensor:
    """`sampler.start: "-1.4, -0.6"` as a state."""
    try:
        place = torch.tensor([float(part) for part in text.split(",")])
        return place.reshape(event)
    except (ValueError, RuntimeError):
        raise ConfigError(
            f"sampler.start: '{text}' is none of noise, target, grid, point, nor {math.prod(event)} coordinates.",
            'Example: start: "-1.4, -0.6"',
        ) from None
