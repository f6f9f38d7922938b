"""Chains in compiled blocks are the chains of the plain samplers, whatever density of a compiled form they follow."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from diffrender.config.sections import Config
from diffrender.core.errors import DiffrenderError
from diffrender.diffusion.noise import Noise, Purpose
from diffrender.diffusion.recording.record import sample
from diffrender.diffusion.recording.run import Run
from diffrender.diffusion.samplers.catalogue import SAMPLERS
from diffrender.diffusion.samplers.langevin.blocks import langevin_blocks
from diffrender.diffusion.targets.densities import kernels
from diffrender.diffusion.targets.densities.catalogue import DENSITIES
from diffrender.trajectory.reader import Trajectory

PLANE = {"means": [[-1.0, 0.2], [1.0, -0.3]], "weights": [0.3, 0.7], "stds": [0.25, 0.3]}
SMOOTH = {  # density, its options, a step size that suits it
    "smiley": ({}, 0.02),
    "star": ({}, 0.005),
    "gaussian_mixture": (PLANE, 0.02),
    "ring": ({}, 0.02),
    "donut": ({}, 0.02),
    "double_well": ({}, 0.005),
    "funnel": ({}, 0.005),
    "muller_brown": ({}, 0.0005),
}


def both(name: str, sampler: str, steps: int, chains: int = 3, offset: float = 0.0):
    """(steps + 1, chains, D) states of the plain sampler and of its blocks, the noise of the latter scaled."""
    options, size = SMOOTH[name]
    density = DENSITIES[name].make(**options)
    noise = Noise(3, chains, (density.dim,))
    x = 0.5 * noise(0, Purpose.START)
    moves = list(SAMPLERS[sampler].make(density, x, noise, steps=steps, step_size=size))
    plain = np.stack([*(step.x.numpy() for step in moves), moves[-1].x_next.numpy()])
    usual = {key: one.default for key, one in SAMPLERS[sampler].parameters().items()}
    found = langevin_blocks(density, x + offset, noise, sampler=sampler, **usual | {"steps": steps, "step_size": size})
    blocks = list(found)
    return plain, np.concatenate([*(block.x[:-1] for block in blocks), blocks[-1].x[-1:]]), blocks


@pytest.mark.parametrize("sampler", ["ula", "gradient", "mala", "underdamped", "hmc"])
@pytest.mark.parametrize("name", SMOOTH)
def test_blocks_are_the_plain_chains(name, sampler):
    steps = 400 if sampler in ("ula", "gradient") else 60  # tests and paths are steeper in what is rounded
    plain, ours, _ = both(name, sampler, steps)
    assert ours.shape == plain.shape
    assert np.abs(ours - plain).max() < 2e-5 * max(1.0, np.abs(plain).max())  # what 400 roundings in float32 make
    first = np.abs(ours[1] - plain[1]).max()
    assert first <= 1e-6 * max(1.0, np.abs(plain[1]).max())


def test_other_chains_are_found_out():
    plain, ours, _ = both("smiley", "ula", 400, offset=1e-3)
    assert np.abs(ours - plain).max() > 1e-4


def test_blocks_join_and_split():
    noise = Noise(3, 2, (2,))
    density, x = DENSITIES["smiley"].make(), noise(0, Purpose.START)
    blocks = list(langevin_blocks(density, x, noise, sampler="ula", steps=100_000, step_size=0.02))
    assert len(blocks) > 1
    for block in blocks:
        gap = block.x[1:] - block.x[:-1] - block.parts["drift"] - block.parts["noise"]
        assert np.abs(gap).max() <= 4 * np.spacing(np.float32(np.abs(block.x).max()))
    assert all(np.array_equal(a.x[-1], b.x[0]) for a, b in itertools.pairwise(blocks))


def test_noise_in_blocks_is_the_noise_of_the_steps():
    noise = Noise(2**62 + 5, 4, (2,), first=3)
    block = noise.block(70, 5)
    assert all(np.array_equal(block[i], noise(70 + i).numpy()) for i in range(5))
    assert not np.array_equal(block[0], noise(71).numpy())


def config(steps: int, **sampler) -> Config:
    return Config(
        target={"kind": "smiley"},
        model={"kind": "exact"},
        sampler={"kind": "ula", "steps": steps, "chains": 1, "start": "point", **sampler},
        record={"keep": ["drift", "noise"], "target_points": 0},
        seed=7,
    )


@pytest.mark.parametrize(
    ("sampler", "close"),
    [
        ({"kind": "ula", "steps": 3000}, 1e-6),
        ({"kind": "mala", "steps": 200, "step_size": 0.15}, 2e-4),
        ({"kind": "underdamped", "steps": 300, "step_size": 0.25}, 2e-4),
        ({"kind": "hmc", "steps": 60, "step_size": 0.4, "leapfrogs": 5}, 2e-4),
    ],
)
def test_the_recording_of_a_chain_is_that_of_the_plain_path(tmp_path, monkeypatch, sampler, close):
    fast = Trajectory.open(sample(config(**sampler), tmp_path / "fast.npz", device="cpu"))
    monkeypatch.setattr(Run, "blocks", lambda self: None)
    plain = Trajectory.open(sample(config(**sampler), tmp_path / "plain.npz", device="cpu"))
    assert set(fast) == set(plain)
    for key in plain:
        assert fast[key].dtype == plain[key].dtype
        assert fast[key].shape == plain[key].shape
        assert np.abs(fast[key].astype(float) - plain[key].astype(float)).max() <= close, key
    if "accepted" in plain:
        assert 0 < plain["accepted"].mean() < 1
    assert {k: v for k, v in fast.meta.items() if k != "versions"} == {
        k: v for k, v in plain.meta.items() if k != "versions"
    }


@pytest.mark.parametrize("change", [{"kind": "mala", "chains": 200}, {"chains": 200}])
def test_what_has_no_blocks_is_sampled_as_before(tmp_path, change):
    run = Trajectory.open(sample(config(20, **change), tmp_path / "a.npz", device="cpu"))
    assert run.steps == 20


@pytest.mark.parametrize("name", SMOOTH)
def test_log_p_is_the_density_s_own_but_for_a_constant(name):
    density = DENSITIES[name].make(**SMOOTH[name][0])
    arrays = kernels.compiled(density)
    x = 0.5 * Noise(5, 40, (density.dim,))(0, Purpose.START)
    logs, slopes, score = (
        np.empty(len(arrays.families)),
        np.empty((len(arrays.families), density.dim)),
        np.empty(density.dim),
    )
    found = np.array([kernels.log_prob_and_score(*arrays, row, logs, slopes, score) for row in x.double().numpy()])
    known = density.log_prob(x.double()).numpy()
    assert np.ptp(found - known) < 1e-5 * max(1.0, np.abs(known).max())
    assert np.ptp(found - 1.01 * known) > 1e-3, "the control"


def test_uniform_draws_in_blocks_are_those_of_the_steps():
    noise = Noise(2**62 + 5, 4, (2,), first=3)
    block = noise.uniform_block(70, 5)
    assert all(np.array_equal(block[i], noise.uniform(70 + i).numpy()) for i in range(5))
    assert not np.array_equal(block[0], noise.uniform(71).numpy())


def test_a_density_known_to_pytorch_only_has_no_compiled_form():
    assert kernels.compiled(DENSITIES["expression"].make(log_p="-x**2 - y**2", box=(-5, 5, -5, 5))) is None
    assert kernels.compiled(DENSITIES["banana"].make()) is None


def test_a_chain_that_runs_away_is_an_error_that_names_its_step(tmp_path):
    density = DENSITIES["double_well"].make()
    blocks = langevin_blocks(
        density, torch.ones(1, density.dim), Noise(0, 1, (density.dim,)), sampler="ula", steps=50, step_size=5.0
    )
    with pytest.raises(DiffrenderError, match="left for infinity at step"):
        list(blocks)
