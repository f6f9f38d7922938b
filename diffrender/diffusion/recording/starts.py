"""Starts: the states in which the chains of a run begin."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from diffrender.core.errors import ConfigError
from diffrender.diffusion.denoisers.exact import MixtureDenoiser
from diffrender.diffusion.levels import Level
from diffrender.diffusion.noise import Noise, Purpose, generator
from diffrender.diffusion.samplers.base import start
from diffrender.diffusion.targets.densities.mixtures import GaussianMixture

FLOWED = 1e-9  # tolerance of the flow to where chains start
MESH_REACH = 3.0  # deviations of the noise that a grid of starts reaches: 99.5 % of the probability
PATHS = ("slerp", "lerp")
STARTS = ("noise", "target", "flow", "grid", "point", *PATHS)
CLEAN = Level(1.0, 0.0, 0.0)
POINT = (0.27, 0.4, 0.5)  # of the box's width, height and depth, where `point` puts all chains


def start_states(
    how: str,
    level: Level,
    box: tuple[float, ...],
    target: Any,
    noise: Noise,
    *,
    chains: int,
    along: np.ndarray | None = None,
    spread: bool = False,
) -> torch.Tensor:
    """Where the chains of `noise` begin, (N, *event).

    how: noise: normal at `level`, or, with `spread`, over the box. target: draws of the target, noised to the level.
    flow: the same draws, where the exact probability flow of a mixture takes them, so that it comes back to them.
    grid: an even grid of the plane over ± `MESH_REACH` deviations of the noise, row by row. point: all on one place,
    left of the middle and below it. "x,y": all on that place. slerp, lerp: on the way from the first noise of the seed
    to the second, on a great circle or a straight line, each chain at its place `along` (chains,) 0..1.
    box: x0, x1, y0, y1[, z0, z1]. chains: of the whole run, of which `noise` may be a batch.
    Raises ConfigError if `how` is none of these or does not suit the states.
    """
    check_start(how, target, chains)
    event, device, part = target.event, noise.device, slice(noise.first, noise.first + noise.chains)
    if how == "target":
        drawn = target.draw(chains, generator(noise.seed, Purpose.DATA, 1))[part]
        return level.alpha * torch.from_numpy(drawn).to(device) + level.sigma * noise(0, Purpose.START)
    if how == "flow":
        drawn = target.draw(chains, generator(noise.seed, Purpose.DATA, 1))[part]
        return MixtureDenoiser(target.density).flow(torch.from_numpy(drawn).to(device), CLEAN, level, FLOWED)
    if how == "grid":
        return grid_of_starts(math.isqrt(chains), math.hypot(level.alpha, level.sigma)).to(device)[part].clone()
    if how in PATHS:
        ends = start(level, Noise(noise.seed, 2, event, dtype=noise.dtype, device=device))
        places = np.linspace(0, 1, chains) if along is None else along
        return between(ends[0], ends[1], torch.from_numpy(places[part]).to(ends), straight=how == "lerp")
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


def check_start(how: str, target: Any, chains: int) -> None:
    """ConfigError if chains of this target cannot begin so; see `start_states`."""
    event = target.event
    if how == "flow" and not isinstance(target.density, GaussianMixture):
        raise ConfigError(
            f"sampler.start: the flow is known exactly of a mixture of Gaussians, and '{target.name}' is none.",
            "Take a config such as three_peaks or two_modes, or sampler.start: target.",
        )
    side = math.isqrt(chains)
    if how == "grid" and (event != (2,) or side < 2 or side**2 != chains):
        raise ConfigError(
            f"sampler.start: {chains} chains with states of shape {event} are no square grid of the plane.",
            "Take a two-dimensional target, and a square number of chains such as 14641.",
        )
    if how not in STARTS:
        _coordinates(how, event)


def between(a: torch.Tensor, b: torch.Tensor, u: torch.Tensor, *, straight: bool = False) -> torch.Tensor:
    """States (N, *event) on the way from `a` to `b`, (*event) each, at the places u (N,) 0..1.

    On the great circle, a sin((1 − u)θ) / sin θ + b sin(uθ) / sin θ with the angle θ between them (Shoemake 1985; Song,
    Meng & Ermon 2021, appendix D.5): noise of many dimensions has about one length, and keeps it there. `straight`:
    (1 − u) a + u b, which in the middle is shorter by √2.
    """
    u = u.view(-1, *[1] * a.ndim)
    if straight:
        return (1 - u) * a + u * b
    cosine = (a * b).sum() / (torch.linalg.vector_norm(a) * torch.linalg.vector_norm(b))
    angle = torch.arccos(cosine.clamp(-1, 1))
    if float(torch.sin(angle)) < 1e-6:  # on one line: there is no circle between them
        return (1 - u) * a + u * b
    return (torch.sin((1 - u) * angle) * a + torch.sin(u * angle) * b) / torch.sin(angle)


def places_along(labels: np.ndarray | None, chains: int) -> np.ndarray:
    """(chains,) float64 from 0 to 1: the place of each chain on a way that the chains of every class walk whole."""
    if labels is None:
        return np.linspace(0, 1, chains)
    places = np.empty(chains)
    for k in np.unique(labels):
        places[labels == k] = np.linspace(0, 1, int((labels == k).sum()))
    return places


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
            f"sampler.start: '{text}' is none of {', '.join(STARTS)}, nor {math.prod(event)} coordinates.",
            'Example: start: "-1.4, -0.6"',
        ) from None
