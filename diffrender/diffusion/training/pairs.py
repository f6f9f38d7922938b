"""Pairs of training: some of the data with noise, what a network makes of them as it learns, and the best answer."""

from __future__ import annotations

import numpy as np
import torch

from diffrender.config.sections import Config
from diffrender.diffusion.denoisers.base import Denoiser
from diffrender.diffusion.denoisers.objectives import Objective
from diffrender.diffusion.levels import Level
from diffrender.diffusion.noise import Purpose, generator
from diffrender.diffusion.training.batches import Batches
from diffrender.diffusion.training.floor import best_guess, least_is_known

PAIRS = 32
RATIO = 0.4  # sigma / alpha: so much that for data of unit variance it is not plain any more where a point was


class Pairs:
    """`PAIRS` of the data that are trained on, each with noise of its own, all at one level.

    x0, noised, best: (PAIRS, D) the data, x_t, and E[x_0 | x_t] of those data.
    """

    def __init__(self, config: Config, batches: Batches) -> None:
        rng = generator(config.seed, Purpose.TRAINING, 1 << 41)  # steps of training are far from it
        data = torch.from_numpy(batches.data).to(batches.device)
        self.level: Level = batches.levels.at_ratio(RATIO)
        self.x0 = data[rng.choice(len(data), min(PAIRS, len(data)), replace=False)]
        noise = torch.from_numpy(rng.standard_normal(tuple(self.x0.shape), dtype=np.float32)).to(batches.device)
        self.noised = self.level.alpha * self.x0 + self.level.sigma * noise
        alpha, sigma = (torch.full((len(noise), 1), value, device=noise.device) for value in self.level[:2])
        self.best = best_guess(self.noised, alpha, sigma, data)

    @classmethod
    def of(cls, config: Config, batches: Batches, objective: Objective) -> Pairs | None:
        """Pairs of a training; None where its loss is not the distance from a guess to the data, or no such best is
        known."""
        return cls(config, batches) if least_is_known(batches, objective) else None

    def guess(self, denoiser: Denoiser) -> np.ndarray:
        """(PAIRS, D) what a denoiser says that the data were."""
        return denoiser(self.noised, self.level).x0.cpu().numpy()

    def members(self) -> dict[str, np.ndarray]:
        """What is recorded of them, but for the guesses."""
        return {f"pair_{name}": getattr(self, name).cpu().numpy() for name in ("x0", "noised", "best")}

    def facts(self) -> dict[str, float]:
        """`meta.pair_level`."""
        return {"alpha": self.level.alpha, "sigma": self.level.sigma, "time": self.level.time}
