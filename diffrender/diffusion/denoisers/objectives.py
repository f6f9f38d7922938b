"""Objectives: what a network answers, and the loss it is trained by. Listed by `diffrender list objectives`.

A network answers in a form whose target has about unit variance at every level, so the loss is a plain mean square.
Score matching proper has no target: it needs noised data only, and the slope of the network.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from scipy.special import ndtri

from diffrender.core.errors import ConfigError, suggest
from diffrender.core.registry import Registry
from diffrender.diffusion.levels import Level, Schedule

Target = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
Answer = Callable[[torch.Tensor, Level], dict[str, torch.Tensor]]
Score = Callable[[torch.Tensor], torch.Tensor]
ScoreLoss = Callable[[Score, torch.Tensor, torch.Tensor], torch.Tensor]
MAX_LOG_SNR = 20.0
OBJECTIVES = Registry("objective", ((),))
EDM_MEAN, EDM_STD = -1.2, 1.2  # of log(sigma / alpha) while training (Karras et al. 2022, table 1)


@dataclass(frozen=True)
class Objective:
    """One way to train.

    answer: the network's output as the keyword of a Prediction. target: of that output, from x_0, eps, alpha, sigma;
    None for score matching, whose `score_loss` takes (score, x, directions) to (N,). levels: where training ones fall.
    """

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


def _norm(alpha: Any, sigma: Any) -> Any:
    """√(alpha² + sigma²), of numbers or tensors."""
    return (alpha * alpha + sigma * sigma) ** 0.5


def _as_score(out: torch.Tensor, level: Level) -> dict[str, torch.Tensor]:
    """The output is sigma·score, which is −eps, and finite where sigma is 0."""
    return {"eps": -out}


@OBJECTIVES.register(
    "epsilon",
    title="noise prediction",
    equation="cal(L) = EE norm({{epsilon : noise}} - {{epsilon_theta : samples}} (x_t, t))^2",
    paper="Ho, Jain & Abbeel 2020, eq. 14",
)
def epsilon() -> Objective:
    """The network answers with the noise, ε."""
    return Objective(lambda out, level: {"eps": out}, lambda x0, eps, alpha, sigma: eps)


@OBJECTIVES.register(
    "sample",
    title="data prediction",
    equation="cal(L) = EE norm({{x_0 : data}} - {{x_theta : samples}} (x_t, t))^2",
    paper="Ho, Jain & Abbeel 2020, §3.2",
)
def sample() -> Objective:
    """The network answers with the clean data, x_0."""
    return Objective(lambda out, level: {"x0": out}, lambda x0, eps, alpha, sigma: x0)


@OBJECTIVES.register(
    "v_prediction",
    title="velocity prediction",
    equation=(
        "cal(L) = EE norm(alpha_t {{epsilon : noise}} - sigma_t {{x_0 : data}} - {{v_theta : samples}} (x_t, t))^2"
    ),
    paper="Salimans & Ho 2022, §4",
)
def v_prediction() -> Objective:
    """The network answers with v = α ε − σ x_0, over √(α² + σ²)."""
    return Objective(
        lambda out, level: {"velocity": out * _norm(level.alpha, level.sigma)},
        lambda x0, eps, alpha, sigma: (alpha * eps - sigma * x0) / _norm(alpha, sigma),
    )


@OBJECTIVES.register(
    "flow",
    title="flow matching",
    equation="cal(L) = EE norm({{epsilon : noise}} - {{x_0 : data}} - {{u_theta : samples}} (x_t, t))^2",
    paper="Lipman et al. 2023, eq. 23",
)
def flow() -> Objective:
    """The network answers with the flow's velocity, ε − x_0."""
    return Objective(lambda out, level: {"flow": out}, lambda x0, eps, alpha, sigma: eps - x0)


@OBJECTIVES.register(
    "edm",
    title="preconditioned denoising",
    equation="cal(L) = EE thin lambda_sigma norm({{x_0 : data}} - {{D_theta : samples}} (x_sigma, sigma))^2",
    paper="Karras et al. 2022, table 1",
)
def edm() -> Objective:
    """c_skip, c_out and the weight 1/c_out² for data of unit variance, where the output is −v; σ is lognormal."""
    return Objective(
        lambda out, level: {"velocity": -out * _norm(level.alpha, level.sigma)},
        lambda x0, eps, alpha, sigma: (sigma * x0 - alpha * eps) / _norm(alpha, sigma),
        levels="lognormal",
    )


@OBJECTIVES.register(
    "denoising_score_matching",
    title="denoising score matching",
    equation="cal(L) = EE norm(sigma_t {{s_theta : samples}} (x_t, t) + {{epsilon : noise}})^2",
    paper="Vincent 2011, eq. 9; weighted by sigma², Song & Ermon 2019, eq. 6",
)
def denoising_score_matching() -> Objective:
    """The network answers with σ times the score, which is to be −ε."""
    return Objective(_as_score, lambda x0, eps, alpha, sigma: -eps)


@OBJECTIVES.register(
    "sliced_score_matching",
    title="sliced score matching",
    equation="cal(L) = EE [1\\/2 norm({{s_theta : samples}})^2 + v^T nabla {{s_theta : samples}} thin v]",
    paper="Song et al. 2019, eq. 8",
)
def sliced() -> Objective:
    """Needs no target: the score's own slope along random directions stands for its divergence."""
    return Objective(_as_score, score_loss=sliced_score_matching)


@OBJECTIVES.register(
    "score_matching",
    title="score matching",
    equation="cal(L) = EE [1\\/2 norm({{s_theta : samples}})^2 + tr nabla {{s_theta : samples}}]",
    paper="Hyvärinen 2005, eq. 4",
)
def exact_divergence() -> Objective:
    """Needs no target: the divergence of the score, by one backward pass a coordinate."""
    return Objective(_as_score, score_loss=exact_score_matching)


def objective(name: str) -> Objective:
    """The objective called `name`; ConfigError with the nearest name if there is none."""
    if name not in OBJECTIVES:
        raise ConfigError(f"training.objective: unknown objective '{name}'.", suggest(name, OBJECTIVES.entries))
    return OBJECTIVES[name].make()


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
