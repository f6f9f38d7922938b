"""The density that guidance claims to sample, p(x | c)^w p(x)^(1 − w), on a grid, and its samples' distance from it.

Guidance moves along w ∇log p_t(x | c) + (1 − w) ∇log p_t(x) at every level, which at each is the score of the tilted
density of that level. These are no p_t of one diffusion, so what is sampled in the end is another density (Du et al.
2023; Bradley & Nakkiran 2024).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from diffrender.config.sections import Config
from diffrender.core.errors import ConfigError
from diffrender.diffusion.denoisers.build import classes
from diffrender.diffusion.denoisers.exact import MixtureDenoiser
from diffrender.diffusion.levels import Level
from diffrender.diffusion.noise import Purpose, generator
from diffrender.diffusion.recording.grids import Grid
from diffrender.diffusion.recording.metrics import against_target
from diffrender.diffusion.recording.run import Run
from diffrender.diffusion.targets.base import Target

CELLS = 240  # of the grid along each side
REACH = 1.35  # how much farther than the data it goes: guidance pushes outwards
SMOOTHED = 0.08  # deviation with which densities of finite data are smoothed
SETS = 4  # of draws of what is claimed, over which distance and floor are averaged


def check_tilted(config: Config, target: Target, kind: str) -> None:
    """ConfigError if the claim is asked for of anything but a reverse run in the plane of what knows classes."""
    if config.record.tilted and (kind != "reverse" or target.event != (2,) or not classes(config, target)):
        raise ConfigError(
            "record.tilted: needs a reverse run in the plane, of a model that tells classes apart.",
            "Set model.conditional: true, of a target with classes such as moons or three_modes.",
        )


def tilted(run: Run, last: np.ndarray) -> tuple[dict[str, Any], Iterator[tuple[str, np.ndarray]]]:
    """What `meta` says and the members. last: (N, 2) the final states."""
    assert run.labels is not None
    sampler = run.config.sampler
    labels = np.unique(run.labels)
    scale = 1.0 if sampler.autoguidance else sampler.guidance_scale  # a worse network claims nothing but p(x | c)
    closed = isinstance(run.exact, MixtureDenoiser)
    level = Level(1.0, 0.0 if closed else SMOOTHED, 0.0)
    x0, x1, y0, y1 = run.box
    (x, y), (w, h) = ((x0 + x1) / 2, (y0 + y1) / 2), (REACH * (x1 - x0) / 2, REACH * (y1 - y0) / 2)
    grid = Grid((x - w, x + w, y - h, y + h), (CELLS, CELLS), 2)
    maps = [claimed(run.exact, grid, level, int(k), scale) for k in labels]
    rng, found = generator(run.config.seed, Purpose.METRIC, 3), []
    for k, density in zip(labels, maps, strict=True):
        cloud = last[run.labels == k]
        found.append(against_target(cloud, [drawn(grid, density, len(cloud), rng) for _ in range(SETS)]))
    away, floor = np.mean(found, axis=0)
    meta = {"distance": float(away), "floor": float(floor), "scale": scale, "smoothed": level.sigma}
    axes = (("tilted_x", grid.axes[0]), ("tilted_y", grid.axes[1]))
    members = (("tilted", np.stack(maps).astype(np.float32)), ("tilted_label", labels), *axes)
    return {"tilted": meta}, iter(members)


def claimed(exact: Any, grid: Grid, level: Level, label: int, scale: float) -> np.ndarray:
    """(Gy, Gx) p(x | label)^scale p(x)^(1 − scale) at the nodes of a grid, its sum times a cell's area 1."""
    points = grid.points.double()
    log_p = scale * exact.log_prob_t(points, level, label)
    if scale != 1:
        log_p += (1 - scale) * exact.log_prob_t(points, level)
    share = torch.softmax(log_p, 0).cpu().numpy().reshape(grid.shape)
    return share / (grid.axes[0][1] - grid.axes[0][0]) / (grid.axes[1][1] - grid.axes[1][0])


def drawn(grid: Grid, density: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """(count, 2) draws of a density on a grid: a node by its share, then anywhere in the cell round it."""
    cell = np.array([axis[1] - axis[0] for axis in grid.axes])
    nodes = rng.choice(density.size, count, p=density.ravel() / density.sum())
    return grid.points.numpy()[nodes] + (rng.random((count, 2)) - 0.5) * cell
