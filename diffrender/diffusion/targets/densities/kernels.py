"""log p of densities and its gradient as compiled code, for chains of many steps: a call takes under a microsecond.

What can be compiled are mixtures of Gaussians, arcs and rings, the donut, double wells, funnels and the Müller–Brown
surface. Compiled code is cached on disk: the first call ever takes seconds, the first of a process
milliseconds.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numba as nb
import numpy as np

from diffrender.diffusion.targets.densities.base import Density
from diffrender.diffusion.targets.densities.mixtures import GaussianMixture, Mixture
from diffrender.diffusion.targets.densities.rings import Arc, Donut, Ring
from diffrender.diffusion.targets.densities.valleys import DoubleWell, Funnel, MullerBrown

GAUSSIAN, ARC, DOUBLE_WELL, FUNNEL, MULLER_BROWN = range(5)
NEAREST = 1e-6  # to a centre, so that directions stay finite


class Compiled(NamedTuple):
    """A density as arrays: Σ_k exp(log_weight_k) p_k of `families` (K,), each with its numbers, a row of `data`."""

    families: np.ndarray
    log_weights: np.ndarray
    data: np.ndarray


def compiled(density: Any) -> Compiled | None:
    """The density as arrays for `log_prob_and_score`; None if its score is known to PyTorch only."""
    parts = _parts(density)
    if parts is None:
        return None
    families, log_weights, rows = zip(*parts, strict=True)
    data = np.zeros((len(rows), max(map(len, rows))))
    for k, row in enumerate(rows):
        data[k, : len(row)] = row
    return Compiled(np.array(families, np.int64), np.array(log_weights, np.float64), data)


def _parts(density: Density) -> list[tuple[int, float, list[float]]] | None:
    """(family, log weight, numbers) of every component; None if one cannot be compiled."""
    kind = type(density)
    if isinstance(density, Mixture) and kind is Mixture:
        parts = []
        for weight, part in zip(density.weights, density.parts, strict=True):
            found = _parts(part)
            if found is None:
                return None
            parts += [(family, log_w + math.log(weight), row) for family, log_w, row in found]
        return parts
    if isinstance(density, GaussianMixture) and kind is GaussianMixture:
        parts = []
        for weight, mean, axes, spectrum in zip(
            density.weights, density.means, density.axes, density.spectrum, strict=True
        ):
            norm = -0.5 * float(np.log(2 * math.pi * spectrum).sum())
            precision = (axes / spectrum) @ axes.T
            parts.append((GAUSSIAN, math.log(weight) + norm, [*mean, *precision.ravel()]))
        return parts
    if isinstance(density, Arc) and kind is Arc:
        numbers = [*density.centre, density.radius, density.width, density.angle, 1 / density.spread**2, 0.0]
        return [(ARC, -density.log_norm, numbers)]
    if isinstance(density, Ring) and kind is Ring:
        return [(ARC, -density.log_norm, [0.0, 0.0, density.radius, density.width, 0.0, 0.0, 0.0])]
    if isinstance(density, Donut) and kind is Donut:
        numbers = [0.0, 0.0, density.ring.radius, density.width, 0.0, 0.0, 1 / density.width**2]
        return [(ARC, -density.ring.log_norm, numbers)]
    if isinstance(density, DoubleWell) and kind is DoubleWell:
        return [(DOUBLE_WELL, 0.0, [density.barrier, density.distance, density.width])]
    if isinstance(density, Funnel) and kind is Funnel:
        return [(FUNNEL, 0.0, [density.std])]
    if isinstance(density, MullerBrown) and kind is MullerBrown:
        d = density
        rows = np.column_stack([d.height, d.a, d.b, d.c, d.centre])
        return [(MULLER_BROWN, 0.0, [d.temperature, *rows.ravel()])]
    return None


@nb.njit(cache=True, nogil=True)
def _part(family, row, x, slope):
    """log p of one component, up to its weight, and its gradient in `slope`."""
    dim = len(x)
    if family == GAUSSIAN:
        log_p = 0.0
        for i in range(dim):
            pull = 0.0
            for j in range(dim):
                pull += row[dim + i * dim + j] * (x[j] - row[j])
            slope[i] = -pull
            log_p -= 0.5 * pull * (x[i] - row[i])
        return log_p
    if family == ARC:
        a, b = x[0] - row[0], x[1] - row[1]
        r = max(math.hypot(a, b), NEAREST)
        across = (r - row[2]) / row[3] ** 2
        theta = 0.0
        if row[5] > 0:
            turned = math.atan2(b, a) - row[4]
            theta = math.atan2(math.sin(turned), math.cos(turned))
        along = theta * row[5]
        slope[0] = -across * a / r + along * b / (r * r)
        slope[1] = -across * b / r - along * a / (r * r)
        log_p = -0.5 * (across * (r - row[2]) + along * theta)
        for i in range(2, dim):
            slope[i] = -x[i] * row[6]
            log_p += 0.5 * slope[i] * x[i]
        return log_p
    if family == DOUBLE_WELL:
        u = x[0] / row[1]
        slope[0] = -4 * row[0] / row[1] * u * (u * u - 1)
        log_p = -row[0] * (u * u - 1) ** 2
        if dim > 1:
            slope[1] = -x[1] / row[2] ** 2
            log_p += 0.5 * slope[1] * x[1]
        return log_p
    if family == FUNNEL:
        v, square = x[dim - 1], 0.0
        tight = math.exp(-v)
        for i in range(dim - 1):
            slope[i] = -x[i] * tight
            square += x[i] * x[i] * tight
        slope[dim - 1] = -v / row[0] ** 2 + 0.5 * (square - (dim - 1))
        return -0.5 * (v / row[0]) ** 2 - 0.5 * (square + (dim - 1) * v)
    slope[0] = slope[1] = log_p = 0.0
    for k in range(4):
        height, a, b, c, p, q = row[1 + 6 * k : 7 + 6 * k]
        u, v = x[0] - p, x[1] - q
        term = height * math.exp(a * u * u + b * u * v + c * v * v)
        slope[0] -= term * (2 * a * u + b * v) / row[0]
        slope[1] -= term * (b * u + 2 * c * v) / row[0]
        log_p -= term / row[0]
    return log_p


@nb.njit(cache=True, nogil=True)
def log_prob_and_score(families, log_weights, data, x, logs, slopes, score):
    """log p(x) but for a constant, and ∇ log p(x) in `score` (D,); logs (K,) and slopes (K, D) are room to work in."""
    parts = len(families)
    highest = -np.inf
    for k in range(parts):
        logs[k] = log_weights[k] + _part(families[k], data[k], x, slopes[k])
        highest = max(highest, logs[k])
    total, score[:] = 0.0, 0.0
    for k in range(parts):
        share = math.exp(logs[k] - highest)
        total += share
        for d in range(len(x)):
            score[d] += share * slopes[k, d]
    for d in range(len(x)):
        score[d] /= total
    return highest + math.log(total)
