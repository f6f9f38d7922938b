"""Couplings: which noise is trained with which data. Any with any, by optimal transport, or as a flow before has it.

Every coupling leaves data and noise distributed as they were, so what is learned samples the same data; only the paths
between them become straighter, and fewer steps follow them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from diffrender.config.sections import Config
from diffrender.diffusion.denoisers import build, learned
from diffrender.diffusion.levels import choose
from diffrender.diffusion.noise import Noise, Purpose
from diffrender.diffusion.samplers.base import start
from diffrender.diffusion.samplers.catalogue import SAMPLERS
from diffrender.diffusion.schedules import make_levels

REFLOW_SAMPLER, REFLOW_STEPS, REFLOW_SPACING = "flow_heun", 24, "linspace"
NUMBERS_IN_FLIGHT = 1 << 20  # coordinates that flow together


def optimal_transport(x0: np.ndarray, eps: np.ndarray) -> np.ndarray:
    """The permutation p (B,) for which Σ |x0 − eps[p]|² is least: the coupling of a batch (B, *event) each.

    Solved exactly by POT. Over batches it nears the optimal transport of the whole (Pooladian et al. 2023; Tong et al.
    2024).
    """
    import ot

    cost = ot.dist(*(np.asarray(side, np.float64).reshape(len(side), -1) for side in (x0, eps)))
    return np.asarray(ot.emd([], [], cost)).argmax(1)


def reflow_pairs(
    config: Config, target: Any, teacher: Path, label: np.ndarray | None, count: int, device: torch.device
) -> tuple[np.ndarray, np.ndarray]:
    """(data, noise), each (count, *event): noise, and what the flow before carries it to (Liu, Gong & Liu 2023).

    teacher: weights of that flow. label: (count,) the class that each is to have, of a model that knows classes.
    """
    known = build.classes(config, target)
    flow = learned.load(teacher, config, target.event, known, device)
    levels = choose(make_levels(config.schedule), REFLOW_STEPS, REFLOW_SPACING)
    ends, noises = [], []
    for first, chains in _batches(count, target.dim):
        noise = Noise(config.seed, chains, target.event, first=first, device=device)
        x = start(levels[0], noise)
        noises.append(noise(0, Purpose.START).cpu().numpy())
        bound: Any = flow
        if label is not None:
            bound = partial(flow, label=torch.from_numpy(label[first : first + chains]).to(device))
        for step in SAMPLERS[REFLOW_SAMPLER].make(bound, x, levels, noise):
            x = step.x_next
        ends.append(x.cpu().numpy())
    return np.concatenate(ends), np.concatenate(noises)


def _batches(count: int, dim: int) -> Iterator[tuple[int, int]]:
    size = max(1, NUMBERS_IN_FLIGHT // dim)
    return ((first, min(size, count - first)) for first in range(0, count, size))
