"""Samplers that diffusers does not have, against the formulas of their papers in the papers' own variables.

These are σ with x = x_0 + σ ε for k-diffusion's, α and β for Song's. Ours run on a VP table, compared in x/α.
"""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from diffrender.config.sections import ScheduleConfig
from diffrender.diffusion.denoisers.exact import MixtureDenoiser
from diffrender.diffusion.levels import Level, choose
from diffrender.diffusion.noise import Noise, Purpose
from diffrender.diffusion.samplers.catalogue import SAMPLERS
from diffrender.diffusion.samplers.reverse.dpmpp_multistep import third_order
from diffrender.diffusion.schedules import make_levels
from diffrender.diffusion.targets.densities.mixtures import GaussianMixture

MEANS = np.array([[1.2, 0.9], [-1.3, 0.7], [-0.2, -1.2]])
DENOISE = MixtureDenoiser(GaussianMixture(np.array([0.4, 0.4, 0.2]), MEANS, np.tile(np.diag([0.05, 0.02]), (3, 1, 1))))
GRID = choose(make_levels(ScheduleConfig(kind="linear")), 15, "trailing")
SIGMAS = [level.ratio for level in GRID]
NOISE = Noise(4, 40, (2,), dtype=torch.float64)
START = math.hypot(1, SIGMAS[0]) * NOISE(0, Purpose.START)


def denoised(x, sigma):
    return DENOISE(x, Level(1.0, sigma, 0.0)).x0


def ancestral_step(sigma, sigma_next, eta):
    up = min(sigma_next, eta * (sigma_next**2 * (sigma**2 - sigma_next**2) / sigma**2) ** 0.5)
    return (sigma_next**2 - up**2) ** 0.5, up


def derivative(x, sigma):
    return (x - denoised(x, sigma)) / sigma


def euler(x):
    for sigma, sigma_next in pairwise(SIGMAS):
        x = x + derivative(x, sigma) * (sigma_next - sigma)
        yield x


def euler_ancestral(x, eta=1.0):
    for i, (sigma, sigma_next) in enumerate(pairwise(SIGMAS)):
        down, up = ancestral_step(sigma, sigma_next, eta)
        x = x + derivative(x, sigma) * (down - sigma)
        x = x + NOISE(i) * up if sigma_next > 0 else x
        yield x


def heun(x):
    for sigma, sigma_next in pairwise(SIGMAS):
        d, dt = derivative(x, sigma), sigma_next - sigma
        x = x + (d if sigma_next == 0 else (d + derivative(x + d * dt, sigma_next)) / 2) * dt
        yield x


def dpm2(x):
    for sigma, sigma_next in pairwise(SIGMAS):
        d, to, middle = derivative(x, sigma), sigma_next, math.sqrt(sigma * sigma_next)
        if sigma_next > 0:
            d = derivative(x + d * (middle - sigma), middle)
        x = x + d * (to - sigma)
        yield x


def dpm2_ancestral(x, eta=1.0):
    for i, (sigma, sigma_next) in enumerate(pairwise(SIGMAS)):
        down, up = ancestral_step(sigma, sigma_next, eta)
        d, middle = derivative(x, sigma), math.sqrt(sigma * down)
        if down > 0:
            d = derivative(x + d * (middle - sigma), middle)
        x = x + d * (down - sigma)
        x = x + NOISE(i) * up if sigma_next > 0 else x
        yield x


def lms(x, order=4):
    """The Lagrange polynomials of the last derivatives, integrated."""
    past = []
    for i in range(len(SIGMAS) - 1):
        past = [*past, derivative(x, SIGMAS[i])][-order:]
        known = min(i + 1, order)
        for j in range(known):
            others = [SIGMAS[i - k] for k in range(known) if k != j]
            basis = np.poly1d(others, r=True) / np.prod([SIGMAS[i - j] - o for o in others])
            x = x + (basis.integ()(SIGMAS[i + 1]) - basis.integ()(SIGMAS[i])) * past[-1 - j]
        yield x


def dpmpp_2m(x):
    old = None
    for i, (sigma, sigma_next) in enumerate(pairwise(SIGMAS)):
        data = denoised(x, sigma)
        if sigma_next == 0:
            x = data
        else:
            h, mixed = math.log(sigma / sigma_next), data
            if old is not None:
                r = math.log(SIGMAS[i - 1] / sigma) / h
                mixed = (1 + 1 / (2 * r)) * data - 1 / (2 * r) * old
            x = sigma_next / sigma * x - math.expm1(-h) * mixed
        old = data
        yield x


def dpmpp_2m_sde(x, eta=1.0):
    """Its solver_type "midpoint", the default."""
    old = None
    for i, (sigma, sigma_next) in enumerate(pairwise(SIGMAS)):
        data = denoised(x, sigma)
        if sigma_next == 0:
            x = data
        else:
            h = math.log(sigma / sigma_next)
            eta_h = eta * h
            x = sigma_next / sigma * math.exp(-eta_h) * x - math.expm1(-h - eta_h) * data
            if old is not None:
                r = math.log(SIGMAS[i - 1] / sigma) / h
                x = x - 0.5 * math.expm1(-h - eta_h) / r * (data - old)
            x = x + NOISE(i) * sigma_next * math.sqrt(-math.expm1(-2 * eta_h))
        old = data
        yield x


def dpmpp_2s_ancestral(x, eta=1.0):
    """Lu et al. 2023, algorithm 1 with r = 1/2, between ancestral steps."""
    for i, (sigma, sigma_next) in enumerate(pairwise(SIGMAS)):
        data = denoised(x, sigma)
        down, up = ancestral_step(sigma, sigma_next, eta)
        if sigma_next == 0:
            x = data
        else:
            t, t_next = -math.log(sigma), -math.log(down)
            h = t_next - t
            middle = math.exp(-(t + h / 2))
            x_2 = middle / sigma * x - math.expm1(-h / 2) * data
            x = down / sigma * x - math.expm1(-h) * denoised(x_2, middle) + up * NOISE(i)
        yield x


def dpmpp_sde(x, eta=1.0, r=0.4):
    """The same with noise at the midpoint, both draws from one Brownian path W over σ."""
    for i, (sigma, sigma_next) in enumerate(pairwise(SIGMAS)):
        data = denoised(x, sigma)
        if sigma_next == 0:
            x = data
        else:
            t = -math.log(sigma)
            h = -math.log(sigma_next) - t
            middle = math.exp(-(t + r * h))
            path_middle = math.sqrt(sigma - middle) * NOISE(i, Purpose.INNER)
            path_next = path_middle + math.sqrt(middle - sigma_next) * NOISE(i)
            down, up = ancestral_step(sigma, middle, eta)
            x_2 = down / sigma * x + (1 - down / sigma) * data + up * path_middle / math.sqrt(sigma - middle)
            both = (1 - 1 / (2 * r)) * data + 1 / (2 * r) * denoised(x_2, middle)
            down, up = ancestral_step(sigma, sigma_next, eta)
            x = down / sigma * x + (1 - down / sigma) * both + up * path_next / math.sqrt(sigma - sigma_next)
        yield x


def dpmpp_3m_sde_published(x, eta=1.0, share=0.5):
    """k-diffusion's, whose φ₂/h − ½ is half of the integral of Newton's second difference."""
    old = []
    for i, (sigma, sigma_next) in enumerate(pairwise(SIGMAS)):
        data = denoised(x, sigma)
        if sigma_next == 0:
            x = data
        else:
            h = math.log(sigma / sigma_next)
            h_eta = h * (eta + 1)
            x = math.exp(-h_eta) * x - math.expm1(-h_eta) * data
            phi_2 = math.expm1(-h_eta) / h_eta + 1
            if len(old) >= 2:
                (h_1, data_1), (h_2, data_2) = old[-1], old[-2]
                r0, r1 = h_1 / h, h_2 / h
                d1_0, d1_1 = (data - data_1) / r0, (data_1 - data_2) / r1
                d1, d2 = d1_0 + (d1_0 - d1_1) * r0 / (r0 + r1), (d1_0 - d1_1) / (r0 + r1)
                x = x + phi_2 * d1 - 2 * share * (phi_2 / h_eta - 0.5) * d2
            elif old:
                x = x + phi_2 * (data - old[-1][1]) / (old[-1][0] / h)
            x = x + NOISE(i) * sigma_next * math.sqrt(-math.expm1(-2 * h * eta))
            old.append((h, data))
        yield x


FORMULAS = [
    (euler, {}),
    (euler_ancestral, {}),
    (euler_ancestral, {"eta": 0.3}),
    (heun, {}),
    (dpm2, {}),
    (dpm2_ancestral, {}),
    (dpm2_ancestral, {"eta": 0.3}),
    (lms, {}),
    (lms, {"order": 2}),
    (dpmpp_2m, {}),
    (dpmpp_2m_sde, {}),
    (dpmpp_2m_sde, {"eta": 0.4}),
    (dpmpp_2s_ancestral, {}),
    (dpmpp_2s_ancestral, {"eta": 0.3}),
    (dpmpp_sde, {"r": 0.4}),
    (dpmpp_sde, {"r": 0.5, "eta": 0.7}),
    (dpmpp_3m_sde_published, {}),
    (dpmpp_3m_sde_published, {"eta": 0.4}),
]


def test_every_name_of_k_diffusion_is_its_sampler():
    """Whatever answers to `sample_…` is compared below."""
    named = {entry.name for entry in SAMPLERS if any(alias.startswith("sample_") for alias in entry.aliases)}
    assert named == {formula.__name__ for formula, _ in FORMULAS}


def test_two_formulas_differ():
    """The control: the comparison is not blind."""
    one, other = (list(formula(START)) for formula in (dpmpp_2m, heun))
    assert not torch.allclose(one[5], other[5], rtol=0, atol=1e-4)


@pytest.mark.parametrize(("formula", "params"), FORMULAS)
def test_k_diffusion(formula, params):
    steps = SAMPLERS[formula.__name__].make(DENOISE, START * GRID[0].alpha, GRID, NOISE, **params)
    for step, x in zip(steps, formula(START, **params), strict=True):
        assert torch.allclose(step.x_next / step.next_level.alpha, x, rtol=0, atol=1e-10), step.index


def test_ours_integrates_the_second_difference_in_full():
    found = list(third_order(DENOISE, START * GRID[0].alpha, GRID, NOISE, eta=0.4, bent=1.0, longest=math.inf))
    full, half = (list(dpmpp_3m_sde_published(START, 0.4, share)) for share in (1.0, 0.5))
    for step, x in zip(found, full, strict=True):
        assert torch.allclose(step.x_next / step.next_level.alpha, x, rtol=0, atol=1e-10)
    assert not torch.allclose(full[5], half[5], rtol=0, atol=1e-4)


def betas():
    """β of each step between the chosen levels, as if they were all there are: ᾱ' (1 − β) = ᾱ."""
    return [1 - (a.alpha / b.alpha) ** 2 for a, b in pairwise(GRID)]


def test_reverse_sde():
    """Song et al. 2021, eq. 6 for the VP SDE, f = −½ β x and g² = β, with ∫β dt = −log(1 − β) in the drift of x."""
    x = START * GRID[0].alpha
    for step, beta in zip(SAMPLERS["reverse_sde"].make(DENOISE, x, GRID, NOISE), betas(), strict=True):
        score = DENOISE(x, step.level).score
        x = x - 0.5 * math.log(1 - beta) * x + beta * score
        x = x + math.sqrt(beta) * NOISE(step.index) if step.next_level.sigma else x
        assert torch.allclose(step.x_next, x, rtol=0, atol=1e-10)


def test_predictor_corrector():
    """Song et al. 2021, alg. 3 and 5: ε = 2 (r ‖z‖/‖s‖)², with ‖z‖/‖s‖ at σ, its value in high dimension."""
    x, r = START * GRID[0].alpha, 0.1
    steps = SAMPLERS["predictor_corrector"].make(DENOISE, x, GRID, NOISE, snr=r)
    for step, beta in zip(steps, betas(), strict=True):
        size = 2 * (r * step.level.sigma) ** 2
        x = x + size * DENOISE(x, step.level).score + math.sqrt(2 * size) * NOISE(step.index, Purpose.CORRECTOR)
        x = x - 0.5 * math.log(1 - beta) * x + beta * DENOISE(x, step.level).score
        x = x + math.sqrt(beta) * NOISE(step.index) if step.next_level.sigma else x
        assert torch.allclose(step.x_next, x, rtol=0, atol=1e-10)


def test_corrector_step_is_the_papers_in_high_dimension():
    """‖z‖/‖s‖ of 4,096 normal numbers is σ to 5 %, so the paper's batch-averaged step and ours are one."""
    sigma, z = 0.7, Noise(0, 8, (4096,))(0)
    s = Noise(1, 8, (4096,))(0) / sigma
    assert float((z.norm(dim=1) / s.norm(dim=1) / sigma - 1).abs().max()) < 0.05
