"""The probability-flow ODE by an adaptive Runge–Kutta method, and the log-likelihood it gives (Song et al. 2021, §4.3).

The variable is τ = log u, u = σ/α, and the state z = x/α, where dz/dτ = u ε̂.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

import torch
from pydantic import Field

from diffrender.core.errors import DiffrenderError
from diffrender.diffusion.levels import Level, LevelSequence
from diffrender.diffusion.noise import Noise
from diffrender.diffusion.samplers.base import Denoise, Levels, Step, along, inside, move
from diffrender.diffusion.samplers.registry import SAMPLERS

Tolerance = Annotated[float, Field(gt=0)]
Slope = Callable[[float, torch.Tensor], torch.Tensor]

# Dormand & Prince 1980: stages, and the difference between the solutions of order 5 and 4; the last row is the solution
NODES = (1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0)
ROWS = (
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
ERROR = (71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)
SMALLEST = 1e-9


@dataclass
class RungeKutta45:
    """dy/dt = slope(t, y), y (N, …), with an error per step below atol + rtol·|y| (root mean square) in every chain.

    width: the step that is tried next, kept from one call of `advance` to the next.
    """

    slope: Slope
    rtol: float
    atol: float
    width: float = 0.05

    def advance(self, t: float, end: float, y: torch.Tensor, first: torch.Tensor) -> torch.Tensor:
        """y at `end`, from y and its slope `first` at t."""
        while t != end:
            h = min(self.width, abs(end - t)) * math.copysign(1, end - t)
            slopes = [first]
            for node, row in zip(NODES, ROWS, strict=True):
                y_next = y + h * sum(a * k for a, k in zip(row, slopes, strict=True))
                slopes.append(self.slope(t + node * h, y_next))
            lost = h * sum(e * k for e, k in zip(ERROR, slopes, strict=True))
            scale = self.atol + self.rtol * torch.maximum(y.abs(), y_next.abs())
            error = float((lost / scale).flatten(1).square().mean(1).max().sqrt())
            if not math.isfinite(error) or abs(h) < SMALLEST:
                raise DiffrenderError(
                    f"The probability flow cannot be followed to rtol {self.rtol:g}, atol {self.atol:g}.",
                    "Raise sampler.rtol and sampler.atol, or check that the model's predictions are finite.",
                )
            if error <= 1:
                t = end if abs(h) >= abs(end - t) else t + h
                y, first = y_next, slopes[-1]
            if error > 1 or abs(h) == self.width:
                self.width = abs(h) * min(5.0, max(0.2, 0.9 * max(error, 1e-10) ** -0.2))
        return y


@SAMPLERS.register(
    "rk45",
    title="probability flow",
    equation="{{dot(x) : sum}} = f_t (x) - {{1\\/2 thin g_t^2 thin nabla log p_t (x) : score}}",
    aliases=("probability_flow", "dopri5"),
    paper="Song et al. 2021, eq. 13, by Dormand & Prince 1980",
    order=5,
    nfe_per_step="adaptive",
)
def rk45(
    denoise: Denoise,
    x: torch.Tensor,
    levels: Levels,
    noise: Noise,
    *,
    rtol: Tolerance = 1e-5,
    atol: Tolerance = 1e-5,
) -> Iterator[Step]:
    """As many steps between two levels as the tolerance needs; the last, into the clean level, is Euler's."""
    grid, nfe = LevelSequence.of(levels), 0

    def slope(tau: float, z: torch.Tensor) -> torch.Tensor:
        nonlocal nfe
        nfe += 1
        level = grid.at_ratio(math.exp(tau))
        return level.ratio * denoise(level.alpha * z, level).eps

    solver = RungeKutta45(slope, rtol, atol)
    for i, (now, to) in enumerate(pairwise(grid)):
        p = denoise(x, now)
        nfe += 1
        if inside(now, to):
            mean = to.alpha * solver.advance(-now.lam, -to.lam, x / now.alpha, now.ratio * p.eps)
        else:
            mean = along(p, to.alpha, to.sigma)
        step = move(i, now, to, p, mean, nfe)
        yield step
        x = step.x_next


def log_likelihood(
    denoise: Denoise, x: torch.Tensor, levels: Levels, *, rtol: float = 1e-5, atol: float = 1e-5
) -> tuple[torch.Tensor, int]:
    """log p(x), (N,), of states x (N, *event) at the last level with noise, and the network calls it took.

    d log p_z(z)/dτ = −div(u ε̂) along the flow, up to levels[0] where x is normal as `start` draws it (Song et al. 2021,
    eq. 39). The divergence is exact, by one backward pass a dimension; a call with them counts once.
    """
    grid, nfe, size = LevelSequence.of(levels), 0, x[0].numel()
    low = next(level for level in reversed(grid) if level.sigma > 0)
    high = next(level for level in grid if level.alpha > 0)

    def slope(tau: float, y: torch.Tensor) -> torch.Tensor:
        nonlocal nfe
        nfe += 1
        rate, rows = rate_and_rows(denoise, y[:, :size], grid.at_ratio(math.exp(tau)), x.shape[1:])
        return torch.cat([rate, torch.stack([row[:, d] for d, row in enumerate(rows)], 1).sum(1, keepdim=True)], 1)

    y = torch.cat([x.flatten(1) / low.alpha, x.new_zeros(len(x), 1)], 1)
    solver = RungeKutta45(slope, rtol, atol)
    y = solver.advance(-low.lam, -high.lam, y, slope(-low.lam, y))
    return log_prior(y[:, :size], high) + y[:, size] - size * math.log(low.alpha), nfe


def along_flow(
    denoise: Denoise, x: torch.Tensor, levels: Levels, *, rtol: float = 1e-6, atol: float = 1e-6
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """States x_t along the flow from noise to data, (L, N, D), log p there, (L, N), and ∂x_t/∂x_T, (L, N, D, D).

    x: (N, D) at levels[0], where it is normal as `start` draws it. levels: L of them, alpha and sigma above 0.
    log p_t(x_t) = log p_T(x_T) − log |det ∂x_t/∂x_T|, the determinant by the exact divergence, as in `log_likelihood`.
    """
    grid, (count, size) = LevelSequence.of(levels), x.shape

    def slope(tau: float, y: torch.Tensor) -> torch.Tensor:
        rate, rows = rate_and_rows(denoise, y[:, :size], grid.at_ratio(math.exp(tau)), (size,))
        matrix = torch.stack(list(rows), 1)
        turned = matrix @ y[:, size + 1 :].view(count, size, size)
        return torch.cat([rate, matrix.diagonal(dim1=1, dim2=2).sum(1, keepdim=True), turned.flatten(1)], 1)

    first, eye = grid[0], torch.eye(size, dtype=x.dtype, device=x.device).flatten().expand(count, -1)
    y = torch.cat([x / first.alpha, x.new_zeros(count, 1), eye], 1)
    prior, solver = log_prior(y[:, :size], first), RungeKutta45(slope, rtol, atol)
    states, log_p, jacobian = [], [], []
    for before, level in zip([first, *grid], grid, strict=False):
        if level != before:
            y = solver.advance(-before.lam, -level.lam, y, slope(-before.lam, y))
        states.append(y[:, :size] * level.alpha)
        log_p.append(prior - y[:, size] - size * math.log(level.alpha))
        jacobian.append(y[:, size + 1 :].view(count, size, size) * (level.alpha / first.alpha))
    return torch.stack(states), torch.stack(log_p), torch.stack(jacobian)


def without_noise(
    denoise: Denoise, x: torch.Tensor, levels: Levels, *, rtol: float = 1e-8, atol: float = 1e-8
) -> torch.Tensor:
    """x̂0, (N, D), at the last level (with noise) when x (N, D) goes from the first without the reverse SDE's noise.

    dz/dτ = 2 u ε̂: the drift of the SDE is twice that of the flow, and without the noise nothing holds it back.
    """
    grid = LevelSequence.of(levels)

    def slope(tau: float, z: torch.Tensor) -> torch.Tensor:
        level = grid.at_ratio(math.exp(tau))
        return 2 * level.ratio * denoise(level.alpha * z, level).eps

    first, last = grid[0], grid[-1]
    z = x / first.alpha
    z = RungeKutta45(slope, rtol, atol).advance(-first.lam, -last.lam, z, slope(-first.lam, z))
    return denoise(last.alpha * z, last).x0


def log_prior(z: torch.Tensor, level: Level) -> torch.Tensor:
    """log density, (N,), of z = x/α (N, size) where x is normal of variance α² + σ²."""
    variance = level.ratio**2 + 1
    return -0.5 * (z.square().sum(1) / variance + z.shape[1] * math.log(2 * math.pi * variance))


def rate_and_rows(
    denoise: Denoise, z: torch.Tensor, level: Level, event: Sequence[int]
) -> tuple[torch.Tensor, Iterator[torch.Tensor]]:
    """dz/dτ = u ε̂ of the flow at z (N, size), and the rows of its Jacobian, (N, size) each, by a backward pass each."""
    with torch.enable_grad():
        z = z.detach().requires_grad_()
        rate = level.ratio * denoise(level.alpha * z.view(-1, *event), level).eps.flatten(1)
    rows = (torch.autograd.grad(rate[:, d].sum(), z, retain_graph=True)[0] for d in range(rate.shape[1]))
    return rate.detach(), rows
