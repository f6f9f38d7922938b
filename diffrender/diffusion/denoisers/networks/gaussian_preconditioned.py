"""A network that corrects the best affine denoiser of its data instead of learning it.

The denoiser G of a Gaussian with the data's mean and covariance is known in closed form, and so is its mean squared
error e(u)² at noise u = sigma/alpha. The network F only learns what is left,

    x0 = G(x, u) + e(u) · F([x / √(1 + u²), G], u, class),

whose target has unit variance at every level. On photographs this is worth a factor three of training, for their
covariance says most of what a short training learns.
"""

from __future__ import annotations

import math

import torch
from torch import nn


class GaussianPreconditioned(nn.Module):
    """`network` of twice the channels, as one that answers in the form of the objective `edm`.

    event: (C, H, W). axes: how many principal axes of the data are kept; along all others the variance is their mean.
    `fit` measures them; until then, or until they are loaded, they are zero.
    """

    objective = "edm"  # the form of the answer

    mean: torch.Tensor
    axes: torch.Tensor
    variances: torch.Tensor
    rest: torch.Tensor

    def __init__(self, network: nn.Module, event: tuple[int, ...], axes: int) -> None:
        super().__init__()
        self.network, self.event = network, tuple(event)
        size = math.prod(event)
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("axes", torch.zeros(size, axes))
        self.register_buffer("variances", torch.zeros(axes))
        self.register_buffer("rest", torch.ones(()))

    @torch.no_grad()
    def fit(self, data: torch.Tensor) -> None:
        """Measure mean, principal axes and variances of data (M, *event), in float64."""
        flat = data.flatten(1).double()
        mean = flat.mean(0)
        flat = flat - mean
        variances, axes = torch.linalg.eigh(flat.T @ flat / len(flat))  # in rising order
        kept = self.axes.shape[1]
        self.mean.copy_(mean)
        self.axes.copy_(axes[:, -kept:].flip(1))
        self.variances.copy_(variances[-kept:].flip(0))
        self.rest.copy_(variances[:-kept].clamp(min=0).mean())

    def affine(self, x: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
        """G: E[x_0 | x_0 + u ε = x] of the Gaussian, for x (N, *event) and u (N,)."""
        variance = u[:, None] ** 2
        flat = x.flatten(1) - self.mean
        rest = self.rest / (self.rest + variance)
        gain = self.variances / (self.variances + variance) - rest
        return (self.mean + rest * flat + (gain * (flat @ self.axes)) @ self.axes.T).view_as(x)

    def error(self, u: torch.Tensor) -> torch.Tensor:
        """e(u): the root of the mean squared error of G a coordinate, (N,)."""
        variance = u[:, None] ** 2
        size, kept = self.axes.shape
        along = (self.variances * variance / (self.variances + variance)).sum(1)
        across = (size - kept) * (self.rest * variance / (self.rest + variance))[:, 0]
        return ((along + across) / size).sqrt()

    def forward(self, x: torch.Tensor, log_snr: torch.Tensor, label: torch.Tensor | None = None) -> torch.Tensor:
        """x (N, *event) is x_t / √(alpha² + sigma²); the answer is (x0 · √(1 + u²) − x) / u."""
        u = torch.exp(-log_snr / 2)
        shape = (-1, *[1] * (x.ndim - 1))
        scale = torch.sqrt(1 + u * u).view(shape)
        affine = self.affine(x * scale, u)
        x0 = affine + self.error(u).view(shape) * self.network(torch.cat([x, affine], 1), log_snr, label)
        return (scale * x0 - x) / u.view(shape)

    def loss_weight(self, log_snr: torch.Tensor) -> torch.Tensor:
        """By which the squared error of the answer is weighted, (N,), so that F's own has weight 1."""
        u = torch.exp(-log_snr / 2)
        return (u / (torch.sqrt(1 + u * u) * self.error(u))) ** 2
