"""The loss that no network can beat: that of the exact denoiser of the very data that are trained on.

A mean square is least for the conditional mean of what is to be answered, and of a finite data set that mean is known
in closed form (Karras et al. 2022, eq. 57). Score matching proper has no target, and so no such floor.
"""

from __future__ import annotations

import torch

from diffrender.diffusion.denoisers.objectives import Objective
from diffrender.diffusion.training.batches import Batches

FLOOR_BATCHES = 4  # over which it is averaged: within some 1 % of the mean of ever so many
MAX_COORDINATES = 3  # of one state; of larger ones the floor of a finite set says nothing of what can be learned
MAX_PAIRS = 1 << 18  # pairs of noised states and data points held at a time: what a processor's cache holds
NEAR = 0.1  # sigma / alpha below which a variance is that of the noise, and cancels in the moments of the data


def loss_floor(batches: Batches, objective: Objective, count: int = FLOOR_BATCHES) -> float | None:
    """The least loss of any network on batches of this kind, averaged over `count` that no training sees.

    None where it is not known: images, class-conditional networks (their floor lies lower), score matching proper.
    """
    if not least_is_known(batches, objective):
        return None
    data = torch.from_numpy(batches.data).to(batches.device)
    # batches are a function of their step: those from far beyond any training are new
    losses = [_least(batches, objective, data, (1 << 40) + k) for k in range(count)]
    return float(torch.stack(losses).mean())


def least_is_known(batches: Batches, objective: Objective) -> bool:
    """Whether the best answers to batches of this kind are known: means of the data, given a noised state."""
    if batches.noise is not None or batches.transports:
        return False  # the best answer is not that of data and noise which know nothing of each other
    plain = batches.data.ndim == 2 and batches.data.shape[1] <= MAX_COORDINATES
    return objective.target is not None and plain and batches.label is None


def best_guess(x: torch.Tensor, alpha: torch.Tensor, sigma: torch.Tensor, data: torch.Tensor) -> torch.Tensor:
    """E[x_0 | x_t] given x_t = x (B, D), each at its own level, (B, 1), where x_0 is any of `data` (M, D) alike."""
    return _weights(x, alpha, sigma, data)[0] @ data


def _least(batches: Batches, objective: Objective, data: torch.Tensor, step: int) -> torch.Tensor:
    """The mean variance of what is to be answered, given the noised states of one batch, a scalar.

    Given x_t all answers are linear in x_0, so their variance is that of x_0 times a slope squared.
    """
    batch = batches(step)
    sigma, x = batch.sigma, batch.x * batch.norm
    alpha = (batch.norm.square() - sigma.square()).clamp(min=0).sqrt()
    assert objective.target is not None
    slope = objective.target(torch.ones_like(alpha), -alpha / sigma, alpha, sigma)
    rows = max(1, MAX_PAIRS // len(data))
    parts = zip(x.split(rows), alpha.split(rows), sigma.split(rows), strict=True)
    variance = torch.cat([_variance(*part, data) for part in parts])
    return (slope.square() * variance).mean() / data.shape[1]


def _variance(x: torch.Tensor, alpha: torch.Tensor, sigma: torch.Tensor, data: torch.Tensor) -> torch.Tensor:
    """E|x_0 − E x_0|² given x_t = x (B, D), each at its own level, (B, 1), where x_0 is any of `data` (M, D) alike."""
    weights, squares = _weights(x, alpha, sigma, data)
    mean, second = (weights @ torch.cat([data, data.square()], 1)).split(data.shape[1], 1)
    far = (second - mean.square()).sum(1, keepdim=True)
    near = (weights * squares).sum(1, keepdim=True) - (x - alpha * mean).square().sum(1, keepdim=True)
    return torch.where(sigma > NEAR * alpha, far, near / alpha.square())


def _weights(
    x: torch.Tensor, alpha: torch.Tensor, sigma: torch.Tensor, data: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """How likely each of the data was, given each state, and |x − alpha x_0|², both (B, M)."""
    squares = torch.zeros(len(x), len(data), dtype=x.dtype, device=x.device)
    for d in range(x.shape[1]):
        squares += (x[:, d : d + 1] - alpha * data[:, d]).square_()
    return torch.softmax(squares / (-2 * sigma.square()), dim=1), squares
