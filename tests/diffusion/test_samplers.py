"""What holds for every reverse sampler: the split, the ends, the noise, the counts, the names."""

import math
from itertools import groupby

import numpy as np
import pytest
import torch

from diffrender.config.sections import ScheduleConfig
from diffrender.core.errors import ConfigError, DiffrenderError, MissingToolError
from diffrender.diffusion.denoisers.base import Prediction
from diffrender.diffusion.denoisers.exact import MixtureDenoiser
from diffrender.diffusion.levels import Level, LevelSequence, choose
from diffrender.diffusion.noise import Noise, Purpose
from diffrender.diffusion.samplers.base import start
from diffrender.diffusion.samplers.catalogue import SAMPLERS
from diffrender.diffusion.schedules import make_levels
from diffrender.diffusion.targets.densities.mixtures import GaussianMixture

MEANS = np.array([[1.2, 0.9], [-1.3, 0.7], [-0.2, -1.2]])
DENOISE = MixtureDenoiser(GaussianMixture(np.array([0.4, 0.4, 0.2]), MEANS, np.tile(np.diag([0.05, 0.02]), (3, 1, 1))))
OURS = [entry.name for entry in SAMPLERS if entry.info["kind"] == "reverse"]
THEIRS = [
    "diffusers:" + name + "Scheduler"
    for name in (
        *("DDIM", "DDPM", "EulerDiscrete", "EulerAncestralDiscrete", "HeunDiscrete", "KDPM2AncestralDiscrete", "PNDM"),
        *("LMSDiscrete", "DPMSolverMultistep", "UniPCMultistep", "DEISMultistep", "SASolver", "TCD"),
        *("FlowMatchEulerDiscrete", "FlowMatchHeunDiscrete"),
    )
]
TABLES = {kind: make_levels(ScheduleConfig(kind=kind)) for kind in ("linear", "squaredcos_cap_v2", "karras", "flow")}


def walk(name, kind="linear", steps=12, noise=None, denoise=DENOISE, **params):
    noise = noise or Noise(0, 200, (2,))
    grid = choose(TABLES[kind], steps, "trailing")
    make, params = SAMPLERS.resolve(name, params, "sampler")
    return start(grid[0], noise), grid, list(make(denoise, start(grid[0], noise), grid, noise, **params))


def test_whatever_is_registered_is_tested():
    """These tests take every reverse sampler of the registry; this one sees that there are some."""
    assert {"ddpm", "ddim", "annealed", "unipc"} <= set(OURS)
    assert len(OURS) >= 23


def joined():
    """Every sampler on every table, but schedulers where they cannot run: FlowMatch starts where alpha = 0, and the
    tables of the others lose their digits near there."""
    for name in (*OURS, *THEIRS):
        for kind in TABLES:
            if name in OURS or ("FlowMatch" in name) == (kind == "flow"):
                yield name, kind


@pytest.mark.parametrize(("name", "kind"), joined())
def test_steps_join_and_split(name, kind):
    """x_next − x = drift + noise to 4 ulp of the largest term; each step begins where the last one ended."""
    x, grid, steps = walk(name, kind)
    ulp = torch.finfo(x.dtype).eps
    at, nfe = x, 0
    for i, step in enumerate(steps):
        parts = [part.double() for part in (step.x, step.x_next, step.drift, step.noise)]
        largest = torch.stack([part.abs() for part in parts]).amax(0)
        before, after, drift, noise = parts
        assert ((after - before - drift - noise).abs() <= 4 * ulp * largest).all()
        if i or name in OURS:
            assert torch.allclose(step.x, at, rtol=1e-6, atol=0)
        assert step.index == i
        assert step.nfe > nfe
        assert step.x.dtype == step.x_next.dtype == step.drift.dtype == step.noise.dtype == torch.float32
        assert step.x0.shape == step.eps.shape == x.shape
        at, nfe = step.x_next, step.nfe
    if name in OURS:
        passed = [*(step.level for step in steps), steps[-1].next_level]
        assert [level for level, _ in groupby(passed)] == list(grid)
    assert steps[-1].next_level.sigma <= 1.02 * TABLES[kind][1].sigma
    if kind in ("linear", "karras"):
        assert at.abs().max() < 6


@pytest.mark.parametrize("name", OURS)
def test_calls_are_counted(name):
    calls = 0

    def counted(x, level):
        nonlocal calls
        calls += 1
        return DENOISE(x, level)

    _, _, steps = walk(name, denoise=counted, steps=6)
    assert steps[-1].nfe == calls
    entry = SAMPLERS[name]
    per_step = entry.info["nfe_per_step"]
    if per_step in entry.parameters():  # an option says how many there are at each level, and the last move is one more
        assert calls == 6 * entry.parameters()[per_step].default + 1
    elif per_step != "adaptive":
        assert 6 * per_step - 2 <= calls <= 6 * per_step


@pytest.mark.parametrize("name", OURS)
def test_stochastic_is_what_draws(name):
    _, _, steps = walk(name, **({"eta": 0.5} if name == "ddim" else {}))
    noisy = any(float(step.noise.abs().max()) > 0 for step in steps)
    assert noisy == (SAMPLERS[name].info["stochastic"] or name == "ddim")
    assert float(steps[-1].noise.abs().max()) == 0 or name == "predictor_corrector"


@pytest.mark.parametrize("name", [*OURS, "diffusers:DDPMScheduler"])
def test_a_chain_alone_is_the_chain_among_many(name):
    """Noise to the bit, states to 1e-5 of the largest."""
    _, _, together = walk(name, noise=Noise(5, 20_000, (2,)), steps=8)
    for first, chains in ((0, 1), (777, 3), (19_990, 10)):
        part = slice(first, first + chains)
        small = Noise(5, chains, (2,), first=first)
        for purpose in Purpose:
            assert torch.equal(small(3, purpose), Noise(5, 20_000, (2,))(3, purpose)[part])
        _, _, alone = walk(name, noise=small, steps=8)
        for a, b in zip(together, alone, strict=True):
            assert (a.x_next[part] - b.x_next).abs().max() <= 1e-5 * a.x_next.abs().max()


@pytest.mark.parametrize("name", OURS)
def test_images(name):
    """States of any shape: N(0.3, 0.2²) pixels, each found again."""

    def denoise(x, level):
        gain = level.alpha * 0.04 / (level.alpha**2 * 0.04 + level.sigma**2)
        return Prediction(x, level, x0=0.3 + gain * (x - 0.3 * level.alpha))

    _, _, steps = walk(name, steps=40, noise=Noise(2, 16, (3, 8, 8)), denoise=denoise)
    assert steps[-1].x_next.shape == (16, 3, 8, 8)
    assert float(steps[-1].x_next.mean()) == pytest.approx(0.3, abs=0.02)
    assert float(steps[-1].x_next.std()) == pytest.approx(0.2, abs=0.06)


@pytest.mark.parametrize("name", OURS)
def test_plain_levels_that_end_in_noise(name):
    """A list of levels is enough, and σ > 0 may be its end."""
    grid = [Level(math.cos(a), math.sin(a), a) for a in np.linspace(1.5, 0.2, 9)]
    noise = Noise(0, 50, (2,), dtype=torch.float64)
    *_, last = SAMPLERS[name].make(DENOISE, start(grid[0], noise), grid, noise)
    assert last.next_level == grid[-1]
    assert last.x_next.isfinite().all()
    assert last.x_next.dtype == torch.float64


@pytest.mark.parametrize("kind", ["flow"])
@pytest.mark.parametrize("name", OURS)
def test_a_model_of_the_flow_can_start_in_pure_noise(name, kind):
    """Where alpha = 0 there is no x0 in x, but flow, velocity and data predictions have it."""
    _, _, steps = walk(name, kind, denoise=lambda x, level: Prediction(x, level, flow=DENOISE(x, level).flow))
    assert steps[0].level.alpha == 0
    assert steps[-1].x_next.isfinite().all()


def test_a_model_of_the_noise_cannot():
    with pytest.raises(DiffrenderError, match="alpha = 0"):
        walk("ddim", "flow", denoise=lambda x, level: Prediction(x, level, eps=DENOISE(x, level).eps))


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("DDPMScheduler", "ddpm"),
        ("DDIMScheduler", "ddim"),
        ("sample_euler", "euler"),
        ("EulerDiscreteScheduler", "euler"),
        ("sample_euler_ancestral", "euler_ancestral"),
        ("EulerAncestralDiscreteScheduler", "euler_ancestral"),
        ("sample_heun", "heun"),
        ("HeunDiscreteScheduler", "heun"),
        ("sample_dpm_2", "dpm2"),
        ("KDPM2DiscreteScheduler", "dpm2"),
        ("sample_dpm_2_ancestral", "dpm2_ancestral"),
        ("KDPM2AncestralDiscreteScheduler", "dpm2_ancestral"),
        ("sample_lms", "lms"),
        ("LMSDiscreteScheduler", "lms"),
        ("sample_dpmpp_2s_ancestral", "dpmpp_2s_ancestral"),
        ("DPMSolverSinglestepScheduler", "dpmpp_2s"),
        ("sample_dpmpp_sde", "dpmpp_sde"),
        ("DPMSolverSDEScheduler", "dpmpp_sde"),
        ("sample_dpmpp_2m", "dpmpp_2m"),
        ("DPMSolverMultistepScheduler", "dpmpp_2m"),
        ("sample_dpmpp_2m_sde", "dpmpp_2m_sde"),
        ("sample_dpmpp_3m_sde", "dpmpp_3m_sde_published"),
        ("UniPCMultistepScheduler", "unipc"),
        ("FlowMatchEulerDiscreteScheduler", "flow_euler"),
    ],
)
def test_names_of_k_diffusion_and_diffusers(alias, name):
    assert alias in SAMPLERS
    assert SAMPLERS[alias].name == name


def test_what_a_list_says():
    for entry in (SAMPLERS[name] for name in OURS):
        assert entry.summary
        assert {"kind", "order", "stochastic", "nfe_per_step", "paper"} <= set(entry.info), entry.name


@pytest.mark.parametrize(
    ("name", "params", "words"),
    [
        ("dpmp_2m", {}, "Did you mean 'dpmpp_2m'"),
        ("ddim", {"eta": 2.0}, "sampler.eta"),
        ("ddim", {"etta": 0.5}, "Did you mean 'eta'"),
        ("ddpm", {"variance": "gamma"}, "sampler.variance"),
        ("rk45", {"rtol": 0.0}, "sampler.rtol"),
        ("diffusers:UniPCMultistep", {}, "Did you mean 'UniPCMultistepScheduler'"),
        ("diffusers:UniPCMultistepScheduler", {"solver_ordr": 3}, "Did you mean 'solver_order'"),
        ("diffusers:VQDiffusionScheduler", {}, "cannot run on a table"),
        ("diffusers:DDIMInverseScheduler", {}, "cannot run on a table"),
    ],
)
def test_wrong_names_and_options(name, params, words):
    with pytest.raises((ConfigError, MissingToolError), match=words):
        SAMPLERS.resolve(name, params, "sampler")


def test_rk45_says_when_it_cannot():
    def broken(x, level):
        return Prediction(x, level, x0=x * math.nan)

    with pytest.raises(DiffrenderError, match="cannot be followed"):
        walk("rk45", denoise=broken)


@pytest.mark.parametrize(
    ("theirs", "ours", "options"),
    [
        ("DDPMScheduler", "ddpm", {}),
        ("DDIMScheduler", "ddim", {"eta": 0.7}),
        ("EulerAncestralDiscreteScheduler", "euler_ancestral", {}),
        ("HeunDiscreteScheduler", "heun", {}),
        ("KDPM2AncestralDiscreteScheduler", "dpm2_ancestral", {}),
        ("UniPCMultistepScheduler", "unipc", {}),
    ],
)
def test_bridge_records_what_ours_would(theirs, ours, options):
    """The same states, and the same split into drift and noise, whatever the scheduler's own coordinates."""
    noise = Noise(0, 100, (2,), dtype=torch.float64)
    _, _, recorded = walk("diffusers:" + theirs, noise=noise, steps=20, **options)
    grid = LevelSequence([recorded[0].level, *(step.next_level for step in recorded)], TABLES["linear"])
    reference = SAMPLERS[ours].make(DENOISE, recorded[0].x, grid, noise, **options)
    for a, b in zip(recorded, reference, strict=True):
        for part in ("x", "x_next", "drift", "noise", "x0"):
            assert torch.allclose(getattr(a, part), getattr(b, part), rtol=0, atol=2e-3), (part, a.index)
        assert a.nfe == b.nfe


def test_bridge_options_reach_the_scheduler():
    _, _, second = walk("diffusers:DPMSolverMultistepScheduler", steps=20)
    _, _, third = walk("diffusers:DPMSolverMultistepScheduler", steps=20, solver_order=3)
    _, _, noisy = walk("diffusers:DPMSolverMultistepScheduler", steps=20, algorithm_type="sde-dpmsolver++")
    assert not torch.equal(second[-1].x_next, third[-1].x_next)
    assert not second[5].noise.any()
    assert noisy[5].noise.any()


def test_replacing_a_state_redirects_the_chain():
    grid, noise = choose(TABLES["linear"], 6), Noise(0, 5, (2,))
    steps = SAMPLERS["dpmpp_2m"].make(DENOISE, start(grid[0], noise), grid, noise)
    next(steps).x_next = torch.ones(5, 2)
    assert torch.equal(next(steps).x, torch.ones(5, 2))
