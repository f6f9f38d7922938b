"""What Langevin samplers yield: the exact split, what was proposed and accepted, and errors that say what to do."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from diffrender.core.errors import ConfigError, DiffrenderError
from diffrender.diffusion.denoisers.exact import DataDenoiser, MixtureDenoiser
from diffrender.diffusion.levels import Level
from diffrender.diffusion.noise import Noise, Purpose
from diffrender.diffusion.samplers.catalogue import SAMPLERS
from diffrender.diffusion.samplers.langevin.base import AtLevel, metropolis
from diffrender.diffusion.targets.densities.catalogue import DENSITIES

PLAIN = [entry.name for entry in SAMPLERS if entry.info["kind"] == "langevin"]
SMILEY = DENSITIES["smiley"].make()
LEVELS = [Level(1.0, sigma, sigma) for sigma in (3.0, 1.0, 0.3, 0.1)] + [Level(1.0, 0.0, 0.0)]


def run(name, density=SMILEY, chains=50, steps=40, seed=0, first=0, **options):
    x = Noise(seed, chains, (2,), first=first)(0, Purpose.START)
    return list(SAMPLERS[name].make(density, x, Noise(seed, chains, (2,), first=first), steps=steps, **options))


@pytest.mark.parametrize("name", PLAIN)
def test_steps_join_up_and_are_counted(name):
    steps = run(name)
    for i, step in enumerate(steps):
        assert step.index == i
        assert (step.level.alpha, step.level.sigma) == (1, 0)
        assert step.x_next.dtype == torch.float32
        assert step.level.time < step.next_level.time
    for before, after in itertools.pairwise(steps):
        assert torch.equal(before.x_next, after.x)
        assert before.next_level == after.level
    per_step = SAMPLERS[name].info["nfe_per_step"]
    per_step = SAMPLERS[name].parameters()[per_step].default if isinstance(per_step, str) else per_step
    assert steps[-1].nfe - steps[-2].nfe == per_step
    assert steps[-1].nfe <= 40 * per_step + 1


@pytest.mark.parametrize("name", PLAIN)
def test_only_a_stochastic_sampler_depends_on_the_seed_of_its_noise(name):
    x = Noise(0, 50, (2,))(0, Purpose.START)
    ends = [list(SAMPLERS[name].make(SMILEY, x, Noise(seed, 50, (2,)), steps=5))[-1].x_next for seed in (0, 1)]
    assert SAMPLERS[name].info["stochastic"] != torch.equal(*ends)


@pytest.mark.parametrize("name", PLAIN)
def test_every_move_is_its_drift_and_noise(name):
    steps = run(name)
    if steps[0].drift is None:  # of momentum instead: its path leads from x to where it would go
        for step in steps:
            assert step.momentum is not None
            assert torch.equal(step.path[0], step.x)
            assert torch.equal(step.path[-1], step.x_next if step.proposal is None else step.proposal)
        return
    for step in steps:
        taken = 1 if step.accepted is None else step.accepted[:, None]
        largest = max(float(t.abs().max()) for t in (step.x, step.drift, step.noise))
        gap = float((step.x_next - step.x - taken * (step.drift + step.noise)).abs().max())
        assert gap <= 4 * np.spacing(np.float32(largest))


def test_the_drift_is_the_score_and_the_noise_is_the_noise():
    step = run("ula", step_size=0.03)[5]
    assert torch.equal(step.drift, 0.03 * SMILEY.score(step.x))
    assert torch.equal(step.noise, 0.06**0.5 * Noise(0, 50, (2,))(5))
    still = run("gradient", step_size=0.03)
    assert all(not step.noise.any() for step in still)
    p = torch.stack([SMILEY.log_prob(step.x) for step in still])
    assert (p[1:] >= p[:-1] - 1e-5).all()
    assert float(SMILEY.score(run("gradient", steps=600)[-1].x_next).abs().max()) < 0.01  # they rest on the modes


def test_proposals_refused_leave_the_chain_where_it_was():
    for name, step_size in [("mala", 0.3), ("hmc", 0.4)]:
        steps = run(name, step_size=step_size)
        taken = torch.stack([step.accepted for step in steps])
        assert 0.05 < float(taken.float().mean()) < 0.95
        for step in steps:
            assert step.accepted.dtype == torch.bool
            assert torch.equal(step.x_next[~step.accepted], step.x[~step.accepted])
            assert torch.equal(step.x_next[step.accepted], step.proposal[step.accepted])


def test_metropolis_draws_are_a_purpose_of_their_own():
    """With the uniforms all 0 everything is taken, and the proposals of the first step are not touched by it."""

    class Eager(Noise):
        def uniform(self, step, purpose=Purpose.METROPOLIS):
            assert purpose == Purpose.METROPOLIS
            return torch.zeros(self.chains)

    x = torch.randn(50, 2)
    eager = next(SAMPLERS["mala"].make(SMILEY, x, Eager(0, 50, (2,)), steps=1, step_size=0.3))
    usual = next(SAMPLERS["mala"].make(SMILEY, x, Noise(0, 50, (2,)), steps=1, step_size=0.3))
    assert eager.accepted.all()
    assert not usual.accepted.all()
    assert torch.equal(eager.proposal, usual.proposal)


def test_momentum_and_path():
    for step in run("hmc", step_size=0.2, leapfrogs=7, steps=3):
        assert step.path.shape == (8, 50, 2)
        assert torch.equal(step.path[0], step.x)
        assert torch.equal(step.path[-1], step.proposal)
        assert torch.equal(step.momentum, Noise(0, 50, (2,))(step.index, Purpose.MOMENTUM))
        first = step.x + 0.2 * (step.momentum + 0.1 * SMILEY.score(step.x))
        assert torch.allclose(step.path[1], first, atol=1e-6)
        last = (step.path[-1] - step.path[-2]) / 0.2 + 0.1 * SMILEY.score(step.path[-1])
        assert torch.allclose(step.momentum_end, last, atol=1e-5)
        assert step.drift is None
    for step in run("underdamped", step_size=0.2, steps=3):
        assert step.path.shape == (3, 50, 2)
        assert torch.equal(step.path[0], step.x)
        assert torch.equal(step.path[2], step.x_next)
        assert torch.allclose(step.path[1], step.x + 0.1 * (step.momentum + 0.1 * SMILEY.score(step.x)), atol=1e-6)


@pytest.mark.parametrize("kind", ["mala", "hmc"])
def test_a_test_says_the_numbers_that_decided_it(kind):
    """log_ratio is H(x, v) − H(x', v') of HMC; where a proposal has no density it is finite, and refuses."""
    for step in run(kind, step_size=0.5, steps=5):
        assert torch.equal(step.accepted, step.uniform < step.log_ratio.exp())
        assert torch.equal(step.uniform, Noise(0, 50, (2,)).uniform(step.index))
        if kind == "hmc":
            ends = ((step.x, step.momentum), (step.proposal, step.momentum_end))
            before, after = (v.square().sum(1) / 2 - SMILEY.log_prob(x) for x, v in ends)
            assert torch.allclose(step.log_ratio, (before - after).clamp(-80, 80), atol=1e-3)
    nowhere = metropolis(torch.tensor([float("nan"), float("-inf"), 900.0]), Noise(0, 3, (2,)), 0)
    assert nowhere.accepted.tolist() == [False, False, True]
    assert nowhere.log_ratio.tolist() == [-80, -80, 80]


def test_without_friction_energy_is_kept():
    """BAOAB at nearly no friction is velocity Verlet: its energy wavers but does not drift."""
    steps = run("underdamped", step_size=0.02, friction=1e-9, steps=500)
    energy = [step.momentum.square().sum(1) / 2 - SMILEY.log_prob(step.x) for step in steps]
    assert float((energy[-1] - energy[0]).abs().max()) < 0.04


@pytest.mark.parametrize("name", PLAIN)
def test_a_chain_is_the_same_alone_and_among_many(name):
    alone, among = run(name, chains=1, first=1234), run(name, chains=2000)
    largest = float(among[-1].x_next.abs().max())
    assert float((alone[-1].x_next[0] - among[-1].x_next[1234]).abs().max()) < 1e-5 * largest


def test_annealed_walks_the_levels_and_ends_clean():
    star = DENSITIES["star"].make()
    start = 3 * torch.randn(2000, 2, generator=torch.Generator().manual_seed(0))
    steps = list(SAMPLERS["annealed"].make(MixtureDenoiser(star), start, LEVELS, Noise(0, 2000, (2,)), inner_steps=100))
    assert len(steps) == 401 == steps[-1].nfe
    assert [s.level for s in steps[::100]] == LEVELS[:4] + LEVELS[3:4]
    assert steps[99].next_level == steps[100].level == LEVELS[1]
    assert steps[-1].next_level == LEVELS[-1]
    spread = torch.from_numpy(star.sample(20_000, np.random.default_rng(0))).std(0)
    assert torch.allclose(steps[-1].x_next.std(0), spread, atol=0.1)
    to_sigma_min = list(SAMPLERS["annealed"].make(MixtureDenoiser(star), start, LEVELS[:-1], Noise(0, 2000, (2,))))
    assert to_sigma_min[-1].next_level == LEVELS[3]


def test_a_denoiser_serves_as_a_density():
    """Learned or exact, at one noise level: all samplers where log p is known, the unadjusted ones where it is not."""
    points = DataDenoiser(SMILEY.sample(300, np.random.default_rng(0)))
    known = AtLevel(points, Level(1, 0.5, 0.5))
    assert run("mala", known)[-1].accepted.float().mean() > 0.5
    unknown = AtLevel(lambda x, level: points(x, level), Level(1, 0.5, 0.5))
    assert torch.equal(run("ula", known)[-1].x_next, run("ula", unknown)[-1].x_next)
    for name in ("mala", "hmc"):
        with pytest.raises(DiffrenderError, match=rf"'{name}' needs log p.*\nUse ula or underdamped"):
            run(name, unknown)


def test_a_step_too_large_is_said_to_be():
    quartic = DENSITIES["double_well"].make()
    with pytest.raises(DiffrenderError, match=r"left for infinity at step .*\n.*step_size below 5"):
        run("ula", quartic, step_size=5.0)
    with pytest.raises(DiffrenderError, match="left for infinity"):
        run("underdamped", quartic, step_size=50.0)
    assert run("mala", quartic, step_size=5.0)[-1].x_next.isfinite().all()  # it refuses such proposals instead


@pytest.mark.parametrize(
    ("key", "value"), [("step_size", 0), ("step_size", float("nan")), ("stepsize", 0.1), ("steps", 0)]
)
def test_wrong_options_are_refused(key, value):
    with pytest.raises(ConfigError, match=rf"sampler\.{key}"):
        SAMPLERS["ula"].check({"steps": 3, key: value}, "sampler")
