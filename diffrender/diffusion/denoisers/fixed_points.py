"""Fixed points of a mixture's score at a noise level: where x = α x̂0(x), so that the flow in x/α stands still.

A fixed point z = x/α is stable if the posterior there is narrower than the noise, λ_max(Cov[x_0 | x]) < u², u = σ/α.
As u falls, one stable point becomes several: the mode is decided (Raya & Ambrogioni 2023; Biroli et al. 2024).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch

from diffrender.diffusion.noise import Purpose, generator
from diffrender.diffusion.targets.densities.mixtures import GaussianMixture

SHIFTS, ITERATIONS = 3, 60
CONVERGED, APART = 1e-10, 1e-4  # of the mixture's extent: a residual that is none, and two points that are two
BISECTIONS = 40
STARTS = 40  # places among the components from which they are looked for, beside the means


@dataclass(frozen=True)
class FixedPoints:
    """z: (F, D) fixed points in units of the data, x = α z. variance: (F,) λ_max(Cov[x_0 | x]). ratio: u."""

    z: np.ndarray
    variance: np.ndarray
    ratio: float

    @property
    def stable(self) -> np.ndarray:
        """(F,) whether the flow towards the data comes to stand there."""
        return self.variance < self.ratio**2


def fixed_points(mixture: GaussianMixture, ratio: float, near: np.ndarray | None = None) -> FixedPoints:
    """All that Newton's method finds from the means, the mean of all, `STARTS` places among them, and `near` (M, D)."""
    among = generator(0, Purpose.DATA, 4).dirichlet(np.full(len(mixture.means), 0.7), STARTS) @ mixture.means
    z = torch.from_numpy(np.concatenate([[mixture.weights @ mixture.means], mixture.means, among]))
    reach = float(np.abs(mixture.means).max() + np.sqrt(mixture.spectrum.max()))
    for _ in range(SHIFTS):  # mean shift, which never leaves the data
        z = moments(mixture, z, ratio)[0]
    if near is not None:
        z = torch.cat([torch.from_numpy(near), z])
    for _ in range(ITERATIONS):  # Newton's steps, no longer than a tenth of the extent
        x0, cov = moments(mixture, z, ratio)
        slope = torch.eye(z.shape[1]).double() - cov / ratio**2
        move = torch.linalg.lstsq(slope, (x0 - z)[..., None]).solution[..., 0]
        length = torch.linalg.vector_norm(move, dim=1, keepdim=True)
        z = z + move * (0.1 * reach / length.clamp(min=0.1 * reach))
        if float(length.max()) < CONVERGED * reach:
            break
    x0, cov = moments(mixture, z, ratio)
    found: list[int] = []
    for k in range(len(z)):
        known = any(float(torch.linalg.vector_norm(z[k] - z[j])) < APART * reach for j in found)
        if float(torch.linalg.vector_norm(x0[k] - z[k])) < CONVERGED * reach and not known:
            found.append(k)
    return FixedPoints(z[found].numpy(), np.linalg.eigvalsh(cov[found].numpy())[:, -1], ratio)


def splits(mixture: GaussianMixture, ratios: list[float]) -> list[tuple[float, int]]:
    """(u, count) wherever the number of stable fixed points changes to `count` between two of `ratios`, falling."""
    counts = [int(fixed_points(mixture, u).stable.sum()) for u in ratios]
    found = []
    for (high, before), (low, after) in pairwise(zip(ratios, counts, strict=True)):
        if before == after:
            continue
        for _ in range(BISECTIONS):
            middle = (high * low) ** 0.5
            if int(fixed_points(mixture, middle).stable.sum()) == before:
                high = middle
            else:
                low = middle
        found.append((low, after))
    return found


def moments(mixture: GaussianMixture, z: torch.Tensor, ratio: float) -> tuple[torch.Tensor, torch.Tensor]:
    """E[x_0 | z] (N, D) and Cov[x_0 | z] (N, D, D) at z = x/α, (N, D) float64, in closed form."""
    share, means, variance = mixture.posterior(z, 1.0, ratio)
    axes = z.new_tensor(mixture.axes)
    inner = torch.einsum("kde,ke,kfe->kdf", axes, variance, axes)
    x0 = torch.einsum("nk,nkd->nd", share, means)
    off = means - x0[:, None]
    return x0, torch.einsum("nk,kdf->ndf", share, inner) + torch.einsum("nk,nkd,nkf->ndf", share, off, off)
