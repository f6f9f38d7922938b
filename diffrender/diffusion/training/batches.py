"""Training batches and their loss."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch

from diffrender.config.sections import Config
from diffrender.diffusion.denoisers.networks.gaussian_preconditioned import GaussianPreconditioned
from diffrender.diffusion.denoisers.objectives import Objective, log_snr, objective, training_levels
from diffrender.diffusion.noise import Purpose, generator
from diffrender.diffusion.schedules import make_levels
from diffrender.diffusion.training.coupling import optimal_transport

BLOCK_STEPS, BLOCK_NUMBERS = 64, 1 << 20  # batches drawn at a time, and how many numbers they may hold


class Batch(NamedTuple):
    """Noised data as a network is given them, and what it should answer.

    x: (B, *event), x_t / norm. log_snr: (B,). target: (B, *event); of sliced score matching, the directions. sigma,
    norm: (B, 1, …), norm = √(alpha² + sigma²). label: (B,) int64, −1 for any class, or None.
    """

    x: torch.Tensor
    log_snr: torch.Tensor
    target: torch.Tensor
    sigma: torch.Tensor
    norm: torch.Tensor
    label: torch.Tensor | None


class Batches:
    """Training batches, each a pure function of (seed, step): drawn, noised and scaled a block of steps at a time."""

    def __init__(
        self,
        config: Config,
        data: np.ndarray,
        label: np.ndarray | None,
        device: torch.device,
        noise: np.ndarray | None = None,
    ) -> None:
        """data, noise: (M, *event); each is trained with its own noise, or with any if none is given. label: (M,)."""
        self.seed, self.size, self.dropout = config.seed, config.training.batch_size, config.training.label_dropout
        self.objective, self.levels = objective(config.training.objective), make_levels(config.schedule)
        self.p_mean, self.p_std = config.training.p_mean, config.training.p_std
        self.data, self.label, self.noise, self.device = data, label, noise, device
        self.transports = config.training.coupling == "ot" and noise is None
        self.steps = max(1, min(BLOCK_STEPS, BLOCK_NUMBERS // (self.size * math.prod(data.shape[1:]))))
        self.number, self.block = 0, self._draw(0)

    def __call__(self, step: int) -> Batch:
        """The batch of one step."""
        number, k = divmod(step, self.steps)
        if number != self.number:
            self.number, self.block = number, self._draw(number)
        x, place, target, sigma, norm, label = self.block
        return Batch(x[k], place[k], target[k], sigma[k], norm[k], None if label is None else label[k])

    def _draw(self, number: int) -> Batch:
        """All batches of a block, each part with a leading axis of steps."""
        rng, shape = generator(self.seed, Purpose.TRAINING, number), (self.steps, self.size)
        index = rng.integers(len(self.data), size=shape)
        u = (np.arange(self.size) + rng.random(shape)) / self.size
        eps = self._noise(index, rng)
        drawn = training_levels(self.levels, self.objective.levels, u, p_mean=self.p_mean, p_std=self.p_std)
        alpha, sigma = (self._tensor(a).view(*shape, *[1] * (self.data.ndim - 1)) for a in drawn)
        norm, x0 = torch.hypot(alpha, sigma), self._tensor(self.data[index])
        noise = self._tensor(eps)
        if self.objective.target is not None:
            target = self.objective.target(x0, noise, alpha, sigma)
        else:
            target = self._tensor(rng.choice((-1, 1), x0.shape))  # Rademacher: less noisy than normal directions
        label = None if self.label is None else self.label[index]
        if label is not None and self.dropout:
            label = np.where(rng.random(shape) < self.dropout, -1, label)
        return Batch(
            x=(alpha * x0 + sigma * noise) / norm,
            log_snr=self._tensor(log_snr(*drawn)),
            target=target,
            sigma=sigma,
            norm=norm,
            label=None if label is None else torch.from_numpy(label).to(self.device),
        )

    def _noise(self, index: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The noise (steps, B, *event) that the data of these numbers (steps, B) are trained with."""
        if self.noise is not None:
            return self.noise[index]
        eps = rng.standard_normal((*index.shape, *self.data.shape[1:]), dtype=np.float32)
        if self.transports:
            eps = np.stack([e[optimal_transport(self.data[k], e)] for k, e in zip(index, eps, strict=True)])
        return eps

    def _tensor(self, array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.asarray(array, np.float32)).to(self.device)


def loss_of(network: torch.nn.Module, objective: Objective, batch: Batch) -> torch.Tensor:
    """The loss of one batch, a scalar."""
    if objective.score_loss is None:
        squares = (network(batch.x, batch.log_snr, batch.label) - batch.target).square()
        if isinstance(network, GaussianPreconditioned):
            return (squares.flatten(1).mean(1) * network.loss_weight(batch.log_snr)).mean()
        return squares.mean()

    def score(x: torch.Tensor) -> torch.Tensor:
        return network(x / batch.norm, batch.log_snr, batch.label) / batch.sigma

    losses = objective.score_loss(score, batch.x * batch.norm, batch.target)
    return (losses * batch.sigma.flatten().square()).mean()
