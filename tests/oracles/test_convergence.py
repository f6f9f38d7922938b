"""Order of convergence on a Gaussian mixture whose probability flow is known to 1e-12.

Each method runs on equal steps of its own variable (u = σ/α, λ = log α/σ or t = σ/(α+σ)), down to σ > 0. A method that
remembers starts on the exact flow: its first states are replaced by it.
"""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.integrate import quad

from diffrender.diffusion.denoisers.exact import MixtureDenoiser
from diffrender.diffusion.levels import Level, LevelSequence
from diffrender.diffusion.noise import Noise
from diffrender.diffusion.samplers.catalogue import SAMPLERS
from diffrender.diffusion.samplers.reverse import dpmpp_multistep, heun
from diffrender.diffusion.samplers.reverse.probability_flow import RungeKutta45, log_likelihood
from diffrender.diffusion.targets.densities.mixtures import GaussianMixture

MEANS = np.array([[1.0, 0.5], [-0.8, 0.6], [0.1, -1.0]])
DENOISE = MixtureDenoiser(GaussianMixture(np.array([0.5, 0.3, 0.2]), MEANS, np.tile(np.diag([0.3, 0.2]), (3, 1, 1))))
NOISE = Noise(0, 1, (2,), dtype=torch.float64)
HIGH, LOW = 4.0, 0.4
X = torch.tensor([[0.7, -1.9], [2.1, 0.4], [-1.2, 3.0], [-3.3, -0.8]], dtype=torch.float64)


def vp(u: float) -> Level:
    return Level(1 / math.hypot(1, u), u / math.hypot(1, u), u)


def flow(t: float) -> Level:
    return Level(1 - t, t, t)


def grid(variable: str, steps: int) -> LevelSequence:
    """`steps` equal steps of the variable from u = HIGH to u = LOW."""
    if variable == "t":
        return LevelSequence(flow(t) for t in np.linspace(HIGH / (1 + HIGH), LOW / (1 + LOW), steps + 1))
    space = np.geomspace if variable == "lambda" else np.linspace
    return LevelSequence(vp(u) for u in space(HIGH, LOW, steps + 1))


def errors(name: str, params: dict, variable: str, coarsest: int, remembered: int, before: int) -> list[float]:
    """The largest error of x/α for four grids, each twice as fine, `before` steps before the last."""
    out = []
    for steps in (coarsest, 2 * coarsest, 4 * coarsest, 8 * coarsest):
        levels = grid(variable, steps)
        x = X * levels[0].alpha
        for step in SAMPLERS[name].make(DENOISE, x, levels, NOISE, **params):
            if step.index < remembered:
                step.x_next = DENOISE.flow(x, levels[0], step.next_level)
            if step.index == steps - 1 - before:
                exact = DENOISE.flow(x, levels[0], step.next_level)
                out.append(float((step.x_next - exact).abs().max()) / step.next_level.alpha)
    return out


def orders(found: list[float]) -> list[float]:
    return [math.log2(a / b) for a, b in pairwise(found)]


def is_flow_solver(entry) -> bool:
    """Whether it solves the flow in steps of its own: an adaptive one has no order in the steps it is given."""
    return entry.info["kind"] == "reverse" and not entry.info["stochastic"] and entry.info["nfe_per_step"] != "adaptive"


FLOW = {"eta": 0.0}
METHODS = [  # sampler, its options, its variable, the coarsest grid, exact states to begin with, steps left out, order
    ("ddim", {}, "u", 16, 0, 0, 1),
    ("euler", {}, "u", 16, 0, 0, 1),
    ("euler_ancestral", FLOW, "u", 16, 0, 0, 1),
    ("heun", {}, "u", 16, 0, 0, 2),
    ("dpm2", {}, "lambda", 16, 0, 0, 2),
    ("dpm2_ancestral", FLOW, "lambda", 16, 0, 0, 2),
    ("lms", {}, "u", 96, 3, 0, 4),
    ("lms", {"order": 2}, "u", 64, 1, 0, 2),
    ("dpmpp_2s", {}, "lambda", 16, 0, 0, 2),
    ("dpmpp_2s_ancestral", FLOW, "lambda", 16, 0, 0, 2),
    ("dpmpp_sde", FLOW, "lambda", 16, 0, 0, 2),
    ("dpmpp_2m", {}, "lambda", 32, 1, 0, 2),
    ("dpmpp_2m_sde", FLOW, "lambda", 32, 1, 0, 2),
    ("dpmpp_3m_sde", FLOW, "lambda", 32, 2, 0, 3),
    ("unipc", {}, "lambda", 16, 1, 0, 2),  # its last step, without a corrector, is of the first order …
    ("unipc", {}, "lambda", 32, 1, 2, 3),  # … before it UniPC-p has order p + 1 (Zhao et al. 2023, theorem 3.1)
    ("unipc", {"order": 3}, "lambda", 64, 2, 3, 4),
    ("flow_euler", {}, "t", 16, 0, 0, 1),
    ("flow_midpoint", {}, "t", 16, 0, 0, 2),
    ("flow_heun", {}, "t", 16, 0, 0, 2),
    ("flow_rk4", {}, "t", 8, 0, 0, 4),
]


@pytest.mark.parametrize("method", METHODS, ids=lambda m: f"{m[0]}{m[1] or ''}-{m[5]}")
def test_order(method):
    *how, nominal = method
    measured = orders(errors(*how))
    assert all(abs(order - nominal) < 0.25 for order in measured), measured


SOLVERS = [entry.name for entry in SAMPLERS if is_flow_solver(entry)]
VARIABLES = {name: variable for name, _, variable, *_ in METHODS if name != "lms"}  # lms: in λ it is soon asymptotic


@pytest.mark.parametrize("name", SOLVERS)
def test_every_solver_of_the_flow_has_the_order_it_states(name):
    """Its start-up steps included; whatever is registered is measured."""
    measured = orders(errors(name, {}, VARIABLES.get(name, "lambda"), 32, 0, 0))
    assert abs(measured[-1] - SAMPLERS[name].info["order"]) < 0.25, measured


def test_a_stated_order_of_other_steps_is_that_of_a_run_with_exact_ones_to_begin_with():
    stated = {e.name: e.info["order_after_start"] for e in SAMPLERS if "order_after_start" in e.info}
    assert stated == {"lms": 4, "dpmpp_3m_sde": 3}
    for name, order in stated.items():
        assert order in {method[-1] for method in METHODS if method[0] == name and method[4] == order - 1}


def test_the_published_3m_is_of_the_second_order():
    """With half of its last term, as k-diffusion and diffusers have it: the test can tell."""
    assert orders(errors("dpmpp_3m_sde_published", FLOW, "lambda", 64, 2, 0))[-1] < 2.25


def test_3m_integrates_its_parabola():
    """One step against the quadrature of c ∫₀¹ e^(−c(1−s)) x̂0(s) ds, c = (1 + η) h, x̂0 through three uneven values."""
    lam, h, eta = [0.3, -0.15, -0.9], 0.4, 0.7
    values = [torch.tensor([[1.0, 0.3]]), torch.tensor([[0.6, 0.9]]), torch.tensor([[-0.4, 0.2]])]
    a, b = dpmpp_multistep.divided([(x, v.double()) for x, v in zip(lam, values, strict=True)], h)
    c = (1 + eta) * h
    for d in range(2):
        parabola = np.polynomial.Polynomial.fit([(x - lam[0]) / h for x in lam], [float(v[0, d]) for v in values], 2)
        wanted = quad(lambda s, p=parabola: c * math.exp(-c * (1 - s)) * p(s), 0, 1)[0]
        phi2 = math.expm1(-c) / c + 1
        ours = -math.expm1(-c) * float(values[0][0, d]) + phi2 * float(a[0, d]) + (1 - 2 * phi2 / c) * float(b[0, d])
        assert ours == pytest.approx(wanted, rel=1e-9)


def test_lms_weights_integrate_polynomials():
    """∫₀¹ s^k ds from values at four uneven nodes, k = 0 … 3."""
    nodes = [-2.7, -1.4, -0.8, 0.0]
    found = heun.adams_bashforth(nodes)
    for k in range(4):
        assert sum(w * s**k for w, s in zip(found, nodes, strict=True)) == pytest.approx(1 / (k + 1), rel=1e-10)


def test_adaptive_flow_is_of_the_fifth_order():
    def slope(tau, z):
        level = vp(math.exp(tau))
        return level.ratio * DENOISE(level.alpha * z, level).eps

    exact = DENOISE.flow(X, Level(1.0, HIGH, 0), Level(1.0, LOW, 0))
    found = []
    for steps in (12, 24, 48, 96):
        z = X
        for a, b in pairwise(np.linspace(math.log(HIGH), math.log(LOW), steps + 1)):
            z = RungeKutta45(slope, rtol=1e9, atol=1e9, width=9.0).advance(a, b, z, slope(a, z))
        found.append(float((z - exact).abs().max()))
    assert all(abs(order - 5) < 0.25 for order in orders(found)), orders(found)


@pytest.mark.parametrize("tolerance", [1e-3, 1e-5, 1e-7])
def test_adaptive_flow_keeps_its_tolerance(tolerance):
    """Few wide levels: between them it takes its own steps, and says how many calls they cost."""
    calls = 0

    def counted(x, level):
        nonlocal calls
        calls += 1
        return DENOISE(x, level)

    levels = grid("lambda", 3)
    x = X * levels[0].alpha
    *_, last = SAMPLERS["rk45"].make(counted, x, levels, NOISE, rtol=tolerance, atol=tolerance)
    exact = DENOISE.flow(x, levels[0], levels[-1])
    assert float((last.x_next - exact).abs().max()) < 20 * tolerance
    assert last.nfe == calls


def test_euler_is_ddim():
    """One implementation, two names: the same bits, and Euler's formula in x/α."""
    levels = grid("u", 12)
    x = X * levels[0].alpha
    runs = [list(SAMPLERS[name].make(DENOISE, x, levels, NOISE)) for name in ("euler", "ddim")]
    for a, b in zip(*runs, strict=True):
        assert torch.equal(a.x_next, b.x_next)
        z = a.x / a.level.alpha
        z = z + (a.next_level.ratio - a.level.ratio) * (z - a.x0) / a.level.ratio
        assert torch.allclose(a.x_next / a.next_level.alpha, z, rtol=0, atol=1e-14)


def test_log_likelihood_is_that_of_the_mixture():
    """Against the closed form at σ = 0.05; u = 5000 makes the start as good as normal."""
    levels = LevelSequence(vp(u) for u in np.geomspace(5000, 0.05, 10))
    x = 0.9 * X[:3] * levels[-1].alpha / 1.5
    found, nfe = log_likelihood(DENOISE, x, levels, rtol=1e-7, atol=1e-7)
    assert float((found - DENOISE.log_prob_t(x, levels[-1])).abs().max()) < 1e-3
    assert nfe > 50
    wrong, _ = log_likelihood(lambda y, level: DENOISE(y, level._replace(sigma=1.1 * level.sigma)), x, levels)
    assert float((wrong - found).abs().max()) > 0.05
