"""Schedules by name: each a function of the number of entries to a table of noise levels.

Names are those of diffusers where it has one. The tables, and how the levels of a run are chosen from one: levels.py.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from diffrender.config.sections import ScheduleConfig
from diffrender.core.errors import ConfigError
from diffrender.core.registry import Registry
from diffrender.diffusion.levels import Schedule

SCHEDULES = Registry("schedule", (("n",),))
Beta = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]


def make_levels(schedule: ScheduleConfig) -> Schedule:
    """The table that a config asks for, `num_train_timesteps` + 1 entries."""
    make, params = SCHEDULES.resolve(schedule.kind, schedule.params, "schedule")
    return make(schedule.num_train_timesteps, **params)


def from_betas(betas: np.ndarray, name: str = "") -> Schedule:
    """The VP table of per-step variances, (N,): ᾱ_t = ∏ (1 − β_s), alpha = √ᾱ, sigma = √(1 − ᾱ) (DDPM, eq. 4)."""
    log_alpha_bar = np.concatenate([[0.0], np.cumsum(np.log1p(-betas))])
    time = np.arange(len(betas) + 1) / len(betas)
    return Schedule(np.exp(log_alpha_bar / 2), np.sqrt(np.abs(np.expm1(log_alpha_bar))), time, name)


def from_sigmas(sigmas: np.ndarray, name: str = "") -> Schedule:
    """The VE table of rising noise scales, (N,): alpha = 1 (Song et al. 2021, §3.4)."""
    sigma = np.concatenate([[0.0], sigmas])
    return Schedule(np.ones_like(sigma), sigma, np.arange(len(sigma)) / len(sigmas), name)


@SCHEDULES.register("linear", family="vp", paper="Ho et al. 2020")
def linear(n: int, *, beta_start: Beta = 1e-4, beta_end: Beta = 0.02) -> Schedule:
    """β rises in equal steps."""
    return from_betas(np.linspace(beta_start, beta_end, n), "linear")


@SCHEDULES.register("scaled_linear", family="vp", paper="Rombach et al. 2022")
def scaled_linear(n: int, *, beta_start: Beta = 0.00085, beta_end: Beta = 0.012) -> Schedule:
    """√β rises in equal steps, with the ends of Stable Diffusion."""
    return from_betas(np.linspace(beta_start**0.5, beta_end**0.5, n) ** 2, "scaled_linear")


@SCHEDULES.register("quadratic", aliases=("quad",), family="vp", paper="Ho et al. 2020")
def quadratic(n: int, *, beta_start: Beta = 1e-4, beta_end: Beta = 0.02) -> Schedule:
    """√β rises in equal steps, with the ends of DDPM."""
    return from_betas(np.linspace(beta_start**0.5, beta_end**0.5, n) ** 2, "quadratic")


@SCHEDULES.register("sigmoid", family="vp", paper="Xu et al. 2022")
def sigmoid(n: int, *, beta_start: Beta = 1e-4, beta_end: Beta = 0.02) -> Schedule:
    """β follows a sigmoid over [−6, 6]."""
    return from_betas(beta_start + (beta_end - beta_start) / (1 + np.exp(-np.linspace(-6, 6, n))), "sigmoid")


@SCHEDULES.register("squaredcos_cap_v2", aliases=("cosine",), family="vp", paper="Nichol & Dhariwal 2021, eq. 17")
def squaredcos_cap_v2(n: int, *, max_beta: Beta = 0.999) -> Schedule:
    """ᾱ follows a squared cosine, each β capped."""
    alpha_bar = np.cos((np.arange(n + 1) / n + 0.008) / 1.008 * np.pi / 2) ** 2
    return from_betas(np.minimum(1 - alpha_bar[1:] / alpha_bar[:-1], max_beta), "squaredcos_cap_v2")


@SCHEDULES.register("karras", aliases=("edm",), family="ve", paper="Karras et al. 2022, eq. 5")
def karras(n: int, *, sigma_min: Positive = 0.002, sigma_max: Positive = 80.0, rho: Positive = 7.0) -> Schedule:
    """σ^(1/ρ) rises in equal steps."""
    _rising(sigma_min, sigma_max)
    return from_sigmas(np.linspace(sigma_min ** (1 / rho), sigma_max ** (1 / rho), n) ** rho, "karras")


@SCHEDULES.register("geometric", aliases=("exponential", "ve"), family="ve", paper="Song & Ermon 2019")
def geometric(n: int, *, sigma_min: Positive = 0.01, sigma_max: Positive = 50.0) -> Schedule:
    """log σ rises in equal steps."""
    _rising(sigma_min, sigma_max)
    return from_sigmas(np.geomspace(sigma_min, sigma_max, n), "geometric")


@SCHEDULES.register("flow", aliases=("rectified",), family="flow", paper="Lipman et al. 2023; Liu et al. 2023")
def flow(n: int) -> Schedule:
    """Straight paths: alpha = 1 − t, sigma = t."""
    time = np.arange(n + 1) / n
    return Schedule(1 - time, time, time, "flow")


@SCHEDULES.register("pretrained", family="vp")
def pretrained(n: int, *, path: str, revision: str | None = None) -> Schedule:
    """The table that a pretrained model of diffusers was trained with, of as many entries as it has."""
    from diffrender.diffusion.diffusers_folder import find

    alpha_bar = np.concatenate([[1.0], find(path, revision).alphas_cumprod])
    return Schedule(np.sqrt(alpha_bar), np.sqrt(1 - alpha_bar), np.arange(len(alpha_bar)) / (len(alpha_bar) - 1), "")


def _rising(sigma_min: float, sigma_max: float) -> None:
    if sigma_min >= sigma_max:
        raise ConfigError(f"schedule.sigma_max: {sigma_max} is not above sigma_min, {sigma_min}.")
