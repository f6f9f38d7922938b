"""Flow matching (Lipman et al. 2023): dy/dt = v(y, t) = ε̂ − x̂0 on the straight path y = (1 − t) x_0 + t ε.

Every table lies on that path once x is divided by α + σ, with t = σ / (α + σ): so these run on every schedule.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch

from diffrender.diffusion.levels import LevelSequence
from diffrender.diffusion.noise import Noise
from diffrender.diffusion.samplers.base import Denoise, Levels, Step, move
from diffrender.diffusion.samplers.registry import SAMPLERS


@dataclass(frozen=True)
class Tableau:
    """Butcher's tableau without its empty first row: stage k is at t + nodes[k] h, from y + h Σ rows[k][j] v_j."""

    weights: tuple[float, ...]
    nodes: tuple[float, ...] = ()
    rows: tuple[tuple[float, ...], ...] = ()


EULER = Tableau((1.0,))
MIDPOINT = Tableau((0.0, 1.0), (0.5,), ((0.5,),))
HEUN = Tableau((0.5, 0.5), (1.0,), ((1.0,),))
RK4 = Tableau((1 / 6, 1 / 3, 1 / 3, 1 / 6), (0.5, 0.5, 1.0), ((0.5,), (0.0, 0.5), (0.0, 0.0, 1.0)))


def runge_kutta(denoise: Denoise, x: torch.Tensor, levels: Levels, tableau: Tableau, last: Tableau) -> Iterator[Step]:
    """Steps of `tableau` in t; `last` steps into t = 0, where there is no ε̂ to ask for."""
    nfe, grid = 0, LevelSequence.of(levels)
    for i, (now, to) in enumerate(pairwise(grid)):
        method = tableau if to.sigma > 0 else last
        p = denoise(x, now)
        y, h, slopes = x / (now.alpha + now.sigma), to.straight - now.straight, [p.flow]
        for node, row in zip(method.nodes, method.rows, strict=True):
            t = now.straight + node * h
            level = to if node == 1 else grid.at_ratio(t / (1 - t))
            stage = y + h * sum(a * v for a, v in zip(row, slopes, strict=True))
            slopes.append(denoise((level.alpha + level.sigma) * stage, level).flow)
        nfe += len(slopes)
        y = y + h * sum(b * v for b, v in zip(method.weights, slopes, strict=True))
        step = move(i, now, to, p, (to.alpha + to.sigma) * y, nfe)
        yield step
        x = step.x_next


@SAMPLERS.register(
    "flow_euler",
    title="flow, Euler",
    equation="{{y_(t-1) : sum}}"
    " = {{y_t : state}} + Delta t thin ({{hat(epsilon) : noise}} - {{hat(x)_0 : data}}), quad y = x\\/(alpha + sigma)",
    aliases=("FlowMatchEulerDiscreteScheduler",),
    paper="Lipman et al. 2023, by Euler's method",
)
def flow_euler(denoise: Denoise, x: torch.Tensor, levels: Levels, noise: Noise) -> Iterator[Step]:
    """y' = y + (t' − t) v(y, t)."""
    yield from runge_kutta(denoise, x, levels, EULER, EULER)


@SAMPLERS.register(
    "flow_midpoint",
    title="flow, midpoint",
    equation="{{y_(t-1) : sum}} = {{y_t : state}}"
    " + {{Delta t thin v_(t-1\\/2) : score}}, quad v = hat(epsilon) - hat(x)_0",
    paper="Lipman et al. 2023, by the midpoint method",
    order=2,
    nfe_per_step=2,
)
def flow_midpoint(denoise: Denoise, x: torch.Tensor, levels: Levels, noise: Noise) -> Iterator[Step]:
    """y' = y + (t' − t) v at half an Euler step."""
    yield from runge_kutta(denoise, x, levels, MIDPOINT, MIDPOINT)


@SAMPLERS.register(
    "flow_heun",
    title="flow, Heun",
    equation="{{y_(t-1) : sum}} = {{y_t : state}}"
    " + {{Delta t thin (v_t + v_(t-1))\\/2 : score}}, quad v = hat(epsilon) - hat(x)_0",
    aliases=("FlowMatchHeunDiscreteScheduler",),
    paper="Lipman et al. 2023, by Heun's method",
    order=2,
    nfe_per_step=2,
)
def flow_heun(denoise: Denoise, x: torch.Tensor, levels: Levels, noise: Noise) -> Iterator[Step]:
    """y' = y + (t' − t) times the mean of v at both ends of an Euler step; the last step is Euler's."""
    yield from runge_kutta(denoise, x, levels, HEUN, EULER)


@SAMPLERS.register(
    "flow_rk4",
    title="flow, Runge–Kutta 4",
    equation="{{y_(t-1) : sum}} = {{y_t : state}}"
    " + {{Delta t thin (v_1 + 2 v_2 + 2 v_3 + v_4)\\/6 : score}}, quad v = hat(epsilon) - hat(x)_0",
    paper="Lipman et al. 2023, by Kutta's method of 1901",
    order=4,
    nfe_per_step=4,
)
def flow_rk4(denoise: Denoise, x: torch.Tensor, levels: Levels, noise: Noise) -> Iterator[Step]:
    """The classical Runge–Kutta method in t; the last step is the midpoint method's."""
    yield from runge_kutta(denoise, x, levels, RK4, MIDPOINT)
