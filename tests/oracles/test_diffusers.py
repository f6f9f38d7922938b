"""Our samplers against the schedulers of diffusers: the same states at every step, on a separated Gaussian mixture.

Two comparisons, in float64 and in x/α. *Fed*: the scheduler gets our β and every float32 of its module is made a
float64; then nothing but the formulas can differ. *Raw*: its own float32 tables against our float64 ones. Its options
are set where its defaults would measure something else: β given explicitly, clipping off, the grid ending at σ = 0.
"""

import math
import sys

import diffusers
import numpy as np
import pytest
import torch

from diffrender.config.sections import ScheduleConfig
from diffrender.diffusion.denoisers.exact import MixtureDenoiser
from diffrender.diffusion.levels import Level, LevelSequence, choose
from diffrender.diffusion.noise import Noise, Purpose
from diffrender.diffusion.samplers.catalogue import SAMPLERS
from diffrender.diffusion.schedules import make_levels
from diffrender.diffusion.targets.densities.mixtures import GaussianMixture

MEANS = np.array([[1.2, 0.9], [-1.3, 0.7], [-0.8, -1.2], [1.0, -1.0]])
MIXTURE = GaussianMixture(np.array([0.4, 0.3, 0.2, 0.1]), MEANS, np.tile(np.diag([0.03, 0.01]), (4, 1, 1)))
DENOISE = MixtureDenoiser(MIXTURE)
N = 1000
CHAINS = 48
BETAS = {"linear": (1e-4, 0.02), "scaled_linear": (0.00085, 0.012), "squaredcos_cap_v2": (1e-4, 0.02)}
LIKE_LINEAR = pytest.param("scaled_linear", marks=pytest.mark.slow)  # whose formulas and digits are those of linear
TABLES = "linear", LIKE_LINEAR, "squaredcos_cap_v2"

MULTISTEP = "DPMSolverMultistepScheduler"
CASES = {
    "ddpm": ("ddpm", {}, "DDPMScheduler", {"clip_sample": False}),
    "ddpm β": ("ddpm", {"variance": "beta"}, "DDPMScheduler", {"clip_sample": False, "variance_type": "fixed_large"}),
    "ddim": ("ddim", {}, "DDIMScheduler", {"clip_sample": False}),
    "ddim η": ("ddim", {"eta": 0.6}, "DDIMScheduler", {"clip_sample": False}),
    "euler": ("euler", {}, "EulerDiscreteScheduler", {}),
    "euler_ancestral": ("euler_ancestral", {}, "EulerAncestralDiscreteScheduler", {}),
    "heun": ("heun", {}, "HeunDiscreteScheduler", {}),
    "dpm2": ("dpm2", {}, "KDPM2DiscreteScheduler", {}),
    "dpm2_ancestral": ("dpm2_ancestral", {}, "KDPM2AncestralDiscreteScheduler", {}),
    "lms": ("lms", {}, "LMSDiscreteScheduler", {}),
    "dpmpp_2m": ("dpmpp_2m", {}, MULTISTEP, {}),
    "dpmpp_2m_sde": ("dpmpp_2m_sde", {}, MULTISTEP, {"algorithm_type": "sde-dpmsolver++"}),
    "dpmpp_2s": ("dpmpp_2s", {}, "DPMSolverSinglestepScheduler", {"lower_order_final": True}),
    "unipc": ("unipc", {}, "UniPCMultistepScheduler", {"final_sigmas_type": "zero"}),
    "unipc 3": ("unipc", {"order": 3}, "UniPCMultistepScheduler", {"final_sigmas_type": "zero", "solver_order": 3}),
}


class Wide:
    """A module in which float32 means float64."""

    def __init__(self, module):
        self.module, self.float32 = module, module.float64

    def __getattr__(self, name):
        return getattr(self.module, name)


def table_of(schedule):
    start, end = BETAS[schedule]
    ends = {} if schedule == "squaredcos_cap_v2" else {"beta_start": start, "beta_end": end}
    return make_levels(ScheduleConfig(kind=schedule, num_train_timesteps=N, **ends))


def scheduler(monkeypatch, case, schedule, fed):
    """The scheduler of a case; with `fed`, on our β and with every float32 of its module a float64 from now on."""
    _, _, kind, options = CASES[case]
    cls, (start, end) = getattr(diffusers, kind), BETAS[schedule]
    betas = {"beta_start": start, "beta_end": end, "beta_schedule": schedule}
    if fed:
        module, alpha_bar = sys.modules[cls.__module__], table_of(schedule).alphas_cumprod
        monkeypatch.setattr(module, "torch", Wide(torch))
        monkeypatch.setattr(module, "np", Wide(np))
        betas = {"trained_betas": (1 - alpha_bar[1:] / alpha_bar[:-1]).tolist()}
    return cls(num_train_timesteps=N, **betas, **options)


class Reference:
    """A scheduler's loop as its own pipelines run it, on the levels that its timesteps have in our table."""

    def __init__(self, own, schedule, steps, spacing, end=0):
        self.own, self.table = own, table_of(schedule)
        own.register_to_config(timestep_spacing=spacing)
        own.set_timesteps(steps)
        self.stages = 2 if hasattr(own, "state_in_first_order") else 1
        self.exploding = type(own).__name__.startswith(("Euler", "Heun", "KDPM2", "LMS"))  # they keep x/α
        times = np.asarray(own.timesteps, np.float64)[:: self.stages]
        ratios = np.interp(times, np.arange(N), self.table.sigma[1:] / self.table.alpha[1:])
        self.grid = LevelSequence([*(self.table.at_ratio(u) for u in ratios), self.table[end]], self.table)

    def ratio(self, n, time):
        """σ/α at the n-th call, in the scheduler's own table."""
        if not hasattr(self.own, "sigmas"):
            return math.sqrt(1 / float(self.own.alphas_cumprod[int(time)]) - 1)
        if n % self.stages and hasattr(self.own, "sigmas_interpol"):
            return float(self.own.sigmas_interpol[n - 1 if hasattr(self.own, "sigmas_up") else n])
        return float(self.own.sigmas[n])

    def run(self, monkeypatch, start, noise, **extra):
        """States x/α after each full step, from the start x/α."""
        state = start if self.exploding else start * self.grid[0].alpha
        module, states = sys.modules[type(self.own).__module__], []
        for n, time in enumerate(self.own.timesteps):
            if hasattr(module, "randn_tensor"):
                monkeypatch.setattr(module, "randn_tensor", lambda *_, n=n, **__: noise(n // self.stages))
            shown = self.own.scale_model_input(state, time)
            eps = DENOISE(shown, self.table.at_ratio(self.ratio(n, time))).eps
            state = self.own.step(eps, time, state, **extra).prev_sample
            if n % self.stages == self.stages - 1 or n == len(self.own.timesteps) - 1:
                states.append(state if self.exploding else state / self.grid[len(states) + 1].alpha)
        return states


def difference(monkeypatch, own, case, schedule, steps, spacing, end=0):
    """The largest difference of any state in x/α, over the largest value of ours; `end` is the last entry reached."""
    name, params, kind, _ = CASES[case]
    theirs = Reference(own, schedule, steps, spacing, end)
    levels, noise = theirs.grid, Noise(3, CHAINS, (2,), dtype=torch.float64)
    start = math.hypot(1, levels[0].ratio) * noise(0, Purpose.START)
    steps_of_ours = SAMPLERS[name].make(DENOISE, start * levels[0].alpha, levels, noise, **params)
    ours = [step.x_next / step.next_level.alpha for step in steps_of_ours]
    reference = theirs.run(monkeypatch, start, noise, **(params if kind == "DDIMScheduler" else {}))
    assert len(ours) == len(reference) == steps
    largest = max(float(x.abs().max()) for x in ours)
    found = max(float((a - b).abs().max()) for a, b in zip(ours, reference, strict=True)) / largest
    return found if all(x.isfinite().all() for x in reference) else math.inf


def runs(case):
    """(steps, spacing) compared; what is left out has a reason."""
    for steps, spacing in [(5, "linspace"), (20, "leading"), (20, "trailing"), (20, "linspace"), (50, "linspace")]:
        if case.startswith("ddim") and spacing == "linspace":
            yield steps, "leading"  # see test_ddim_under_linspace
        elif case != "ddpm β" or spacing != "trailing":  # it adds noise to the very last state; DDPM, alg. 2, does not
            yield steps, spacing


@pytest.mark.parametrize("schedule", TABLES)
@pytest.mark.parametrize("case", CASES)
def test_same_formulas(monkeypatch, case, schedule):
    own = scheduler(monkeypatch, case, schedule, fed=True)
    for steps, spacing in runs(case):
        assert difference(monkeypatch, own, case, schedule, steps, spacing) < 1e-8, (steps, spacing)


@pytest.mark.parametrize("schedule", TABLES)
@pytest.mark.parametrize("case", CASES)
def test_same_states_on_its_own_tables(monkeypatch, case, schedule):
    """At cosine's noisiest level, where linspace and trailing begin, σ/α = 20,291: float32 keeps few digits of x0."""
    own = scheduler(monkeypatch, case, schedule, fed=False)
    for steps, spacing in runs(case):
        ill = schedule == "squaredcos_cap_v2" and spacing != "leading"
        if ill and case == "dpm2_ancestral" and steps < 50:
            spacing, ill = "leading", False  # see test_dpm2_ancestral_on_cosine
        found = difference(monkeypatch, own, case, schedule, steps, spacing)
        assert found < (5e-2 if ill else 1e-3), (steps, spacing)


def test_a_wrong_formula_is_seen(monkeypatch):
    """β for β̃, η = 0.6 for 1, and the order of a multistep method: each is far outside what is allowed."""
    for case, wrong in [
        ("ddpm", ("ddpm", {"variance": "beta"})),
        ("euler_ancestral", ("ddim", {"eta": 0.6})),
        ("dpmpp_2m", ("ddim", {})),
        ("unipc", ("ddim", {})),
        ("heun", ("ddim", {})),
    ]:
        own = scheduler(monkeypatch, case, "linear", fed=False)
        monkeypatch.setitem(CASES, "wrong", (*wrong, *CASES[case][2:]))
        assert difference(monkeypatch, own, "wrong", "linear", 20, "leading") > 2e-3, case


def test_ddim_under_linspace(monkeypatch):
    """diffusers takes t − N // K for the next timestep, which under linspace is none of the run's: there we differ, and
    the formula (Song, Meng & Ermon 2021, eq. 12) with the timestep that does come next is the oracle."""
    own = scheduler(monkeypatch, "ddim", "linear", fed=False)
    assert difference(monkeypatch, own, "ddim", "linear", 5, "linspace") > 5e-3
    table = table_of("linear")
    levels, noise = choose(table, 5, "linspace"), Noise(3, CHAINS, (2,), dtype=torch.float64)
    times = [round(N * level.time) - 1 for level in levels]
    assert times == [999, 749, 500, 250, 0, -1]
    x = noise(0, Purpose.START)
    for step, t, after in zip(SAMPLERS["ddim"].make(DENOISE, x, levels, noise), times, times[1:], strict=False):
        a, b = (table.alphas_cumprod[time + 1] for time in (t, after))
        eps = DENOISE(x, table[t + 1]).eps
        x = math.sqrt(b) * (x - math.sqrt(1 - a) * eps) / math.sqrt(a) + math.sqrt(1 - b) * eps
        assert torch.allclose(step.x_next, x, rtol=0, atol=1e-9)


def test_dpm2_ancestral_on_cosine(monkeypatch):
    """σ_down = √(σ'² − σ_up²) has no digit left in float32 when σ is 20,291: at 5 steps diffusers gives NaN; ours is
    σ'²/σ, and stays finite."""
    own = scheduler(monkeypatch, "dpm2_ancestral", "squaredcos_cap_v2", fed=False)
    theirs = Reference(own, "squaredcos_cap_v2", 5, "linspace")
    noise = Noise(3, CHAINS, (2,), dtype=torch.float64)
    start = math.hypot(1, theirs.grid[0].ratio) * noise(0, Purpose.START)
    *_, last = SAMPLERS["dpm2_ancestral"].make(DENOISE, start * theirs.grid[0].alpha, theirs.grid, noise)
    assert last.x_next.isfinite().all()
    assert not theirs.run(monkeypatch, start, noise)[-1].isfinite().all()


@pytest.mark.parametrize("steps", [20, 50])
def test_2m_to_sigma_min(monkeypatch, steps):
    """Ending above σ = 0 the second order holds to the end; under 15 steps diffusers would drop it."""
    monkeypatch.setitem(CASES, "min", ("dpmpp_2m", {}, MULTISTEP, {"final_sigmas_type": "sigma_min"}))
    own = scheduler(monkeypatch, "min", "linear", fed=True)
    assert difference(monkeypatch, own, "min", "linear", steps, "leading", end=1) < 1e-8
    assert difference(monkeypatch, own, "min", "linear", 5, "leading", end=1) > 1e-6


@pytest.mark.parametrize("case", [("flow_euler", "FlowMatchEulerDiscrete"), ("flow_heun", "FlowMatchHeunDiscrete")])
def test_flow_matching(monkeypatch, case):
    """On the scheduler's own t, in float64."""
    name, kind = case
    cls = getattr(diffusers, kind + "Scheduler")
    monkeypatch.setattr(sys.modules[cls.__module__], "torch", Wide(torch))
    monkeypatch.setattr(sys.modules[cls.__module__], "np", Wide(np))
    own = cls(num_train_timesteps=N)
    own.set_timesteps(12)
    stages = 2 if "Heun" in kind else 1
    times = [float(t) for t in (*own.sigmas[:-1:stages], 0.0)]
    levels = LevelSequence(Level(1 - t, t, t) for t in times)
    noise = Noise(3, CHAINS, (2,), dtype=torch.float64)
    x = y = noise(0, Purpose.START)
    ours = [step.x_next for step in SAMPLERS[name].make(DENOISE, x, levels, noise)]
    theirs = []
    for n, time in enumerate(own.timesteps):
        t = float(own.sigmas[n])
        y = own.step(DENOISE(y, Level(1 - t, t, t)).flow, time, y).prev_sample
        if n % stages == stages - 1 or n == len(own.timesteps) - 1:
            theirs.append(y)
    assert len(ours) == len(theirs) == 12
    assert max(float((a - b).abs().max()) for a, b in zip(ours, theirs, strict=True)) < 1e-8
