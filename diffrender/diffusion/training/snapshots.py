"""Snapshots of a training: samples from always the same noise, the learned score, the distance left to go."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch

from diffrender.config.sections import Config
from diffrender.diffusion.denoisers.base import Denoiser
from diffrender.diffusion.denoisers.build import classes
from diffrender.diffusion.denoisers.guidance import Guided
from diffrender.diffusion.levels import choose
from diffrender.diffusion.noise import Noise, Purpose, generator
from diffrender.diffusion.recording.grids import Grid, spread
from diffrender.diffusion.recording.metrics import sliced_wasserstein
from diffrender.diffusion.samplers.base import start
from diffrender.diffusion.samplers.catalogue import SAMPLERS
from diffrender.diffusion.schedules import make_levels
from diffrender.diffusion.training.pairs import Pairs

SNAPSHOT_SAMPLER = "dpmpp_2m"
STEPS_PER_SNAPSHOT = 15  # training steps that cost about as much as a snapshot
FIELD_RATIO = 0.3  # sigma / alpha where the learned score is probed


def snapshot_steps(steps: int, count: int) -> list[int]:
    """Training steps before each snapshot, first and last included: close together at first, when most changes.

    At most `count`, and in a short training fewer, so that they cost no more than the training itself.
    """
    count = min(count, 2 + steps // STEPS_PER_SNAPSHOT)
    return sorted({round(steps * (k / max(1, count - 1)) ** 2) for k in range(count)})


class Snapshots:
    """Snapshots of a model in training, by a solver of the flow: smooth in the weights, with no noise of its own.

    kept: member → one array a snapshot. label: of image models that know classes, that of each sample: all in turn.
    way: of points, the states (N, D) from noise to the latest snapshot, at `levels`.
    """

    def __init__(self, config: Config, target: Any, device: torch.device, pairs: Pairs | None = None) -> None:
        """pairs: that the network is asked about, if any."""
        self.pairs = pairs
        training, seed = config.training, config.seed
        self.target, self.device = target, device
        self.noise = Noise(seed, training.snapshot_chains, target.event, device=device)
        table = make_levels(config.schedule)
        spacing = SAMPLERS[SNAPSHOT_SAMPLER].info["spacing"]
        self.levels, self.field_level = choose(table, training.snapshot_steps, spacing), table.at_ratio(FIELD_RATIO)
        plain = len(target.event) == 1
        self.grid = None
        if plain and target.dim <= 3:
            box = config.record.box or spread(target.box, config.record.grid)
            self.grid = Grid(box, config.record.grid, target.dim)
        self.fresh = target.draw(training.snapshot_chains, generator(seed, Purpose.METRIC)) if plain else None
        self.steps = snapshot_steps(training.steps, training.snapshots)
        self.kept: dict[str, list[np.ndarray]] = {}
        self.way: list[torch.Tensor] = []
        self.label: torch.Tensor | None = None
        self.guidance_scale = config.sampler.guidance_scale
        if not plain and (count := classes(config, target)):
            self.label = (torch.arange(training.snapshot_chains) % count).to(device)

    def take(self, step: int, denoiser: Denoiser) -> None:
        """One more snapshot."""
        x = start(self.levels[0], self.noise)
        model: Any = denoiser
        if self.label is not None:
            guided = denoiser if self.guidance_scale == 1 else Guided(denoiser, self.guidance_scale)
            model = partial(guided, label=self.label)
        way = [x]
        for move in SAMPLERS[SNAPSHOT_SAMPLER].make(model, x, self.levels, self.noise):
            x = move.x_next
            way.append(x)
        samples = x.cpu().numpy()
        shot: dict[str, Any] = {"snapshot": samples, "snapshot_step": step}
        if self.fresh is not None:
            self.way = way
            shot["metric_sliced_wasserstein"] = sliced_wasserstein(samples, self.fresh)
        if self.grid is not None:
            score = denoiser(self.grid.points.to(self.device), self.field_level).score
            shot |= {"field_score": self.grid.vectors(score)[0], "field_time": float(step)}
        if self.pairs is not None:
            shot["pair_guess"] = self.pairs.guess(denoiser)
        for key, value in shot.items():
            self.kept.setdefault(key, []).append(np.asarray(value))

    def members(self) -> dict[str, np.ndarray]:
        """What is recorded."""
        fixed = dict(self.grid.members("grid")) if self.grid is not None and self.kept else {}
        if self.pairs is not None:
            fixed |= self.pairs.members()
        if self.way:
            fixed["generation"] = torch.stack(self.way).cpu().numpy()
            fixed |= {f"generation_{name}": np.array([getattr(level, name) for level in self.levels])
                      for name in ("alpha", "sigma")}  # fmt: skip
        if self.label is not None:
            fixed["label"] = self.label.cpu().numpy()
        return {key: np.stack(shots) for key, shots in self.kept.items()} | fixed
