"""What a network is trained to say, and by which loss.

A network answers in a form whose target has about unit variance at every level, so the loss is a plain mean square.
Score matching proper has no target: it needs noised data only, and the slope of the network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from scipy.special import ndtri

from diffrender.core.errors import ConfigError, suggest
from diffrender.diffusion.levels import Level, Schedule

Target = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
Answer = Callable[[torch.Tensor, Level], dict[str, torch.Tensor]]
Score = Callable[[torch.Tensor], torch.Tensor]
ScoreLoss = Callable[[Score, torch.Tensor, torch.Tensor], torch.Tensor]
MAX_LOG_SNR = 20.0
EDM_MEAN, EDM_STD = -1.2, 1.2  # of log(sigma / alpha) while training (Karras et al. 2022, table 1)


@dataclass(frozen=True)
class Objective:
    """One way to train.

    answer: the network's output as the keyword of a Prediction. target: of that output, from x_0, eps, alpha, sigma;
    None for score matching, whose `score_loss` takes (score, x, directions) to (N,). levels: where training ones fall.
    """

    paper: str
    answer: Answer
    target: Target | None = None
    score_loss: ScoreLoss | None = None
    levels: Literal["table", "lognormal"] = "table"


def exact_score_matching(score: Score, x: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
    """½|s|² + tr ∇s, (N,), one backward pass a coordinate (Hyvärinen 2005, eq. 4)."""
    x = x.detach().requires_grad_()
    with torch.enable_grad():
        s = score(x)
        flat = s.flatten(1)
        total = flat.square().sum(1) / 2
        for i in range(flat.shape[1]):
            (slope,) = torch.autograd.grad(flat[:, i].sum(), x, create_graph=True)
            total = total + slope.flatten(1)[:, i]
        return total


def sliced_score_matching(score: Score, x: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """½|s|² + vᵀ∇(vᵀs), (N,), for directions v (N, *event) of unit covariance (Song et al. 2019, eq. 8)."""
    x = x.detach().requires_grad_()
    with torch.enable_grad():
        s = score(x)
        (slope,) = torch.autograd.grad((s * v).sum(), x, create_graph=True)
        return s.flatten(1).square().sum(1) / 2 + (slope * v).flatten(1).sum(1)


def _norm(alpha, sigma):
    """√(alpha² + sigma²), of numbers or tensors."""
    return (alpha * alpha + sigma * sigma) ** 0.5


def _as_score(out: torch.Tensor, level: Level) -> dict[str, torch.Tensor]:
    """The output is sigma·score, which is −eps, and finite where sigma is 0."""
    return {"eps": -out}


OBJECTIVES: Mapping[str, Objective] = {
    "epsilon": Objective(
        "Ho, Jain & Abbeel 2020, eq. 14",
        lambda out, level: {"eps": out},
        lambda x0, eps, alpha, sigma: eps,
    ),
    "sample": Objective(
        "Ho, Jain & Abbeel 2020, §3.2",
        lambda out, level: {"x0": out},
        lambda x0, eps, alpha, sigma: x0,
    ),
    "v_prediction": Objective(
        "Salimans & Ho 2022, §4",
        lambda out, level: {"velocity": out * _norm(level.alpha, level.sigma)},
        lambda x0, eps, alpha, sigma: (alpha * eps - sigma * x0) / _norm(alpha, sigma),
    ),
    "flow": Objective(
        "Lipman et al. 2023, eq. 23",
        lambda out, level: {"flow": out},
        lambda x0, eps, alpha, sigma: eps - x0,
    ),
    # c_skip, c_out and the weight 1/c_out² of table 1 for data of unit variance; there the output is −v
    "edm": Objective(
        "Karras et al. 2022, table 1",
        lambda out, level: {"velocity": -out * _norm(level.alpha, level.sigma)},
        lambda x0, eps, alpha, sigma: (sigma * x0 - alpha * eps) / _norm(alpha, sigma),
        levels="lognormal",
    ),
    "denoising_score_matching": Objective(
        "Vincent 2011, eq. 9; weighted by sigma², Song & Ermon 2019, eq. 6",
        _as_score,
        lambda x0, eps, alpha, sigma: -eps,
    ),
    "sliced_score_matching": Objective("Song et al. 2019, eq. 8", _as_score, score_loss=sliced_score_matching),
    "score_matching": Objective("Hyvärinen 2005, eq. 4", _as_score, score_loss=exact_score_matching),
}


def objective(name: str) -> Objective:
    """The objective called `name`; ConfigError with the nearest name if there is none."""
    if name not in OBJECTIVES:
        raise ConfigError(f"training.objective: unknown objective '{name}'.", suggest(name, OBJECTIVES))
    return OBJECTIVES[name]


def training_levels(
    levels: Schedule, how: str, u: np.ndarray, *, p_mean: float = EDM_MEAN, p_std: float = EDM_STD
) -> tuple[np.ndarray, np.ndarray]:
    """alpha and sigma, each the shape of u, for u in [0, 1): evenly over the table, or lognormal in sigma / alpha.

    p_mean, p_std: of log(sigma / alpha) where it is lognormal. Evenly spread u (one in each of B strata) make the loss
    of a batch much less noisy (Kingma et al. 2021, §G.1).
    """
    if how == "lognormal":
        ratio = np.exp(p_mean + p_std * ndtri(np.clip(u, 1e-6, 1 - 1e-6)))
        scale = {"ve": np.ones_like(ratio), "flow": 1 + ratio, "vp": np.hypot(1, ratio)}[levels.family]
        return 1 / scale, ratio / scale
    index = 1 + np.minimum((u * (len(levels) - 1)).astype(np.int64), len(levels) - 2)
    return levels.alpha[index], levels.sigma[index]


def log_snr(alpha: np.ndarray | float, sigma: np.ndarray | float) -> np.ndarray:
    """log(alpha² / sigma²) as networks are given it: within ±MAX_LOG_SNR, also where alpha or sigma is 0."""
    with np.errstate(divide="ignore"):
        return np.clip(2 * (np.log(alpha) - np.log(sigma)), -MAX_LOG_SNR, MAX_LOG_SNR)
