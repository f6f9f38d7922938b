"""The recorder: what it keeps is what happened, of our samplers and of other people's loops."""

from __future__ import annotations

import diffusers
import numpy as np
import pytest
import torch

from diffrender.config.sections import ScheduleConfig
from diffrender.core.errors import TrajectoryError
from diffrender.diffusion.denoisers.exact import MixtureDenoiser
from diffrender.diffusion.levels import Level, choose
from diffrender.diffusion.noise import Noise
from diffrender.diffusion.recording.keep import Keep
from diffrender.diffusion.recording.recorder import Recorder
from diffrender.diffusion.recording.rows import BLOCK_BYTES
from diffrender.diffusion.recording.schedulers import scheduler_scales
from diffrender.diffusion.recording.starts import grid_of_starts
from diffrender.diffusion.samplers.base import Step, start
from diffrender.diffusion.samplers.catalogue import SAMPLERS
from diffrender.diffusion.schedules import make_levels
from diffrender.diffusion.targets.densities.mixtures import GaussianMixture
from diffrender.trajectory.reader import Trajectory
from diffrender.trajectory.writer import recover

MIXTURE = GaussianMixture([0.3, 0.7], [[-1.0, 0.0], [1.0, 0.5]], [np.eye(2) * 0.05] * 2)
DENOISE = MixtureDenoiser(MIXTURE)
GRID = choose(make_levels(ScheduleConfig(kind="linear")), 10)
CHAINS = 6


def reverse(first: int = 0, chains: int = CHAINS, kind: str = "ddpm"):
    noise = Noise(0, chains, (2,), first=first)
    return SAMPLERS[kind].make(DENOISE, start(GRID[0], noise), GRID, noise)


def langevin(kind: str = "mala", steps: int = 10):
    return SAMPLERS[kind].make(MIXTURE, torch.zeros(CHAINS, 2), Noise(0, CHAINS, (2,)), steps=steps, step_size=0.05)


def recorded(path, steps, **options) -> Trajectory:
    with Recorder(path, **options) as recorder:
        recorder.record(steps)
    return Trajectory.open(path)


def worst(t: Trajectory, moved: np.ndarray) -> float:
    return float(np.abs(np.diff(t.x, axis=0) - moved).max())


def test_every_state_and_level_is_kept(tmp_path):
    t = recorded(tmp_path / "a.npz", reverse())
    steps = list(reverse())
    assert np.array_equal(t.x, torch.stack([*(s.x for s in steps), steps[-1].x_next]).numpy())
    assert np.array_equal(t.x0, torch.stack([s.x0 for s in steps]).numpy())
    assert [(t.alpha[i], t.sigma[i], t.time[i]) for i in range(11)] == [tuple(level) for level in GRID]
    assert list(t.nfe) == list(range(11))


@pytest.mark.parametrize("every", [1, 3, 10, 100])
def test_drift_and_noise_make_up_the_moves_between_kept_states(tmp_path, every):
    t = recorded(tmp_path / "a.npz", reverse(), keep=Keep(every=every))
    rows = [*range(0, 10, every), 10]
    whole = recorded(tmp_path / "b.npz", reverse())
    assert np.array_equal(t.x, whole.x[rows])
    assert np.array_equal(t.time, whole.time[rows])
    assert np.array_equal(t.nfe, rows)
    assert worst(t, t.drift + t.noise) < 2e-6
    if t.steps > 1:
        assert worst(t, np.roll(t.drift, 1, 0) + t.noise) > 1e-2  # one step off is seen


@pytest.mark.parametrize("every", [1, 4])
def test_refused_proposals_do_not_move(tmp_path, every):
    t = recorded(tmp_path / "a.npz", langevin(), kind="langevin", keep=Keep(every=every))
    assert worst(t, t.accepted[..., None] * (t.drift + t.noise)) < 2e-6
    if every == 1:
        assert 0 < t.accepted.mean() < 1
        assert worst(t, t.drift + t.noise) > 1e-3
    assert ("proposal" in t) == (every == 1)


def test_paths_and_momenta_are_kept_by_chain(tmp_path):
    t = recorded(tmp_path / "a.npz", langevin("hmc"), kind="langevin")
    assert t["path"].shape == (10, CHAINS, 11, 2)
    assert np.array_equal(t["path"][:, :, 0], t.x[:-1])
    assert np.array_equal(t["path"][:, :, -1], t.proposal)


def test_batches_of_chains_make_the_same_recording(tmp_path):
    whole = recorded(tmp_path / "a.npz", reverse())
    with Recorder(tmp_path / "b.npz", chains=CHAINS) as recorder:
        for first, chains in ((0, 1), (1, 3), (4, 2)):
            recorder.record(reverse(first, chains), first)
    parts = Trajectory.open(tmp_path / "b.npz")
    assert set(parts) == set(whole)
    for key in whole:
        assert np.abs(parts[key] - whole[key]).max() <= 1e-5 * np.abs(whole[key]).max()


def test_chains_of_unequal_length_are_refused(tmp_path):
    def run() -> None:
        with Recorder(tmp_path / "a.npz", chains=2) as recorder:
            recorder.record(reverse(0, 1), 0)
            recorder.record(list(reverse(1, 1))[:-1], 1)

    with pytest.raises(TrajectoryError, match="same number of steps"):
        run()
    assert not list(tmp_path.iterdir())


def test_no_step_is_an_error(tmp_path):
    with pytest.raises(TrajectoryError, match="made no step"):
        recorded(tmp_path / "a.npz", iter(()))
    assert not list(tmp_path.iterdir())


def test_what_is_in_flight_is_bounded(tmp_path):
    x, level = torch.zeros(20_000, 2), Level(1.0, 0.0, 0.0)
    held = []

    def steps():
        for i in range(300):
            yield Step(i, level, level, x + i, x + i + 1, i + 1, drift=x + 1, noise=x)
            held.append(sum(t.nbytes for block in recorder.rows.blocks.values() for t in block))

    with Recorder(tmp_path / "a.npz", kind="langevin") as recorder:
        recorder.record(steps())
    assert max(held) <= 3 * BLOCK_BYTES
    assert Trajectory.open(tmp_path / "a.npz").x.nbytes > 10 * BLOCK_BYTES


def test_only_what_was_asked_for(tmp_path):
    t = recorded(tmp_path / "a.npz", reverse(), keep=Keep(("x0",)), seed=4, sampler={"name": "mine"})
    assert {"eps", "drift", "noise"}.isdisjoint(t)
    assert "x0" in t
    assert (t.meta["seed"], t.meta["sampler"]["name"]) == (4, "mine")


# ---- other people's loops --------------------------------------------------------------------------------------------
def test_a_loop_of_ones_own(tmp_path):
    x, sigmas, seen = torch.full((3, 2), 8.0), [8.0, 2.0, 0.5, 0.0], []
    with Recorder(tmp_path / "a.npz") as recorder:
        for now, to in zip(sigmas, [*sigmas[1:], None], strict=True):
            seen.append(x.clone())
            recorder.state(x, alpha=1, sigma=now, x0=0.5 * x)
            if to is not None:
                x += (x - 0.5 * x) / now * (to - now)  # in place, as many loops do
    t = Trajectory.open(tmp_path / "a.npz")
    assert np.array_equal(t.x, torch.stack(seen).numpy())
    assert np.array_equal(t.x0, 0.5 * t.x[:-1])
    assert list(t.sigma) == sigmas


class ThroughArray:
    """An array of another library that NumPy reads by its own protocol, as JAX's."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array


class ThroughDLPack:
    """An array of another library that can be handed over as DLPack alone."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **options):
        return self.array.__dlpack__()

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


@pytest.mark.parametrize("kind", [torch.from_numpy, np.asarray, ThroughArray, ThroughDLPack])
def test_arrays_of_any_library_make_the_same_recording(tmp_path, kind):
    rng = np.random.default_rng(0)
    x, target = rng.standard_normal((3, 4, 2), np.float32), rng.standard_normal((5, 2), np.float32)
    with Recorder(tmp_path / "a.npz") as recorder:
        for i, sigma in enumerate((2.0, 1.0, 0.0)):
            recorder.state(kind(x[i]), alpha=1, sigma=sigma, x0=kind(x[i] / 2))
        recorder.target(kind(target), labels=[0, 1, 0, 1, 1], names=["a", "b"])
        recorder.classes(kind(np.array([1, 0, 1, 1])))
        recorder.metric("mine", [3.0, 2.0, 1.0])
    t = Trajectory.open(tmp_path / "a.npz")
    assert np.array_equal(t.x, x)
    assert np.array_equal(t.x0, x[:2] / 2)
    assert np.array_equal(t.target, target)
    assert (t.label.tolist(), t.target_label.tolist()) == ([1, 0, 1, 1], [0, 1, 0, 1, 1])
    assert t.metric_mine.tolist() == [3, 2, 1]
    assert t.meta["target"]["labels"] == ["a", "b"]


@pytest.mark.parametrize("event", [(1,), (2,), (3,), (7,), (1, 4, 4)])
def test_states_of_any_shape(tmp_path, event):
    with Recorder(tmp_path / "a.npz") as recorder:
        for sigma in (1.0, 0.0):
            recorder.state(np.ones((2, *event), np.float32), alpha=1, sigma=sigma)
    assert Trajectory.open(tmp_path / "a.npz").event == event


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (np.array([[3, 5], [7, 1]]), "Tokens"),
        (torch.ones(2, 2, dtype=torch.bool), "Tokens"),
        (np.ones(4, np.float32), "One row a chain"),
        (["a", "b"], "numbers"),
        (np.array([[1.0, np.nan]]), "NaN"),
    ],
)
def test_what_is_no_state_is_refused(tmp_path, x, said):
    with pytest.raises(TrajectoryError, match=said), Recorder(tmp_path / "a.npz") as recorder:
        recorder.state(x, alpha=1, sigma=1)
    assert not list(tmp_path.iterdir())


def test_what_a_state_does_not_know_is_named(tmp_path):
    with pytest.raises(TrajectoryError, match="no 'xo'"), Recorder(tmp_path / "a.npz") as recorder:
        recorder.state(np.ones((2, 2)), alpha=1, sigma=1, xo=np.ones((2, 2)))


def test_the_states_of_a_plain_loop(tmp_path):
    sigmas = [2.0, 1.0, 0.0]
    with Recorder(tmp_path / "a.npz") as recorder:
        seen = list(recorder.states((np.full((2, 2), s, np.float32) for s in sigmas), sigma=sigmas))
    with Recorder(tmp_path / "b.npz") as recorder:
        items = ({"x": np.full((2, 2), s, np.float32), "alpha": 1, "sigma": s} for s in sigmas)
        assert [item["sigma"] for item in recorder.states(items)] == sigmas
    a, b = Trajectory.open(tmp_path / "a.npz"), Trajectory.open(tmp_path / "b.npz")
    assert np.array_equal(a.x, b.x)
    assert np.array_equal(a.x, np.stack(seen))
    assert a.sigma.tolist() == b.sigma.tolist() == sigmas
    with pytest.raises(TrajectoryError, match="levels"), Recorder(tmp_path / "c.npz") as recorder:
        list(recorder.states([np.ones((2, 2), np.float32)]))


def test_fields_and_densities_from_functions_and_arrays(tmp_path):
    """A normal density: its score is −x / (1 + σ²), as a function and as the same values in an array."""
    box, sigmas = (-3.0, 3.0, -2.0, 2.0), [2.0, 1.0, 0.0]

    def score(points, level):
        return -points / (1 + level.sigma**2)

    def density(points, level):
        var = 1 + level.sigma**2
        return np.exp(-(np.asarray(points) ** 2).sum(1) / (2 * var)) / (2 * np.pi * var)

    with Recorder(tmp_path / "a.npz") as recorder:
        for sigma in sigmas:
            recorder.state(np.ones((2, 2), np.float32), alpha=1, sigma=sigma)
        recorder.field("score", score, box=box, grid=(7, 5))
        recorder.density(density, box=box, grid=(31, 21))
        recorder.describe(sampler="Mine", equation="{{x_(t-1) : sum}} = x_t", model="exact")
    a = Trajectory.open(tmp_path / "a.npz")
    grid = np.stack(np.meshgrid(a.grid_x, a.grid_y), -1)
    assert a.field_score.shape == (2, 5, 7, 2)
    np.testing.assert_allclose(a.field_score[0], -grid / 5, rtol=1e-5)
    assert not np.allclose(a.field_score[1], -grid / 5)
    np.testing.assert_allclose(a.density[1].max(), 1 / (2 * np.pi * 2), rtol=1e-5)
    assert a.meta["sampler"] == {"name": "Mine", "title": "Mine", "equation": "{{x_(t-1) : sum}} = x_t"}
    with Recorder(tmp_path / "b.npz") as recorder:
        for sigma in sigmas:
            recorder.state(np.ones((2, 2), np.float32), alpha=1, sigma=sigma)
        recorder.field("score", a.field_score, axes=[a.grid_x, a.grid_y], time=a.field_time)
        with pytest.raises(TrajectoryError, match="share one grid"):
            recorder.field("velocity", a.field_score, axes=[a.grid_x[:-1], a.grid_y], time=a.field_time)
    assert np.array_equal(Trajectory.open(tmp_path / "b.npz").field_score, a.field_score)


def test_a_function_of_the_wrong_shape_is_refused(tmp_path):
    recorder = Recorder(tmp_path / "a.npz")
    recorder.state(np.ones((2, 2), np.float32), alpha=1, sigma=1)
    with pytest.raises(TrajectoryError, match="shape"):
        recorder.field("score", lambda points, level: points[:, :1], box=(-1, 1, -1, 1))


def test_an_error_in_anyones_loop_leaves_what_was_recorded_and_says_so(tmp_path):
    def fails():
        for sigma in (3.0, 2.0, 1.0):
            yield {"x": np.ones((2, 2), np.float32), "alpha": 1, "sigma": sigma}
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"), Recorder(tmp_path / "a.npz") as recorder:
        list(recorder.states(fails()))
    t = Trajectory.open(tmp_path / "a.npz")
    assert (t.steps, t.meta["incomplete"]) == (2, "RuntimeError: out of memory")

    def cut():
        yield next(iter(reverse()))
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError):  # a job of ours leaves nothing that could be taken for its result
        recorded(tmp_path / "b.npz", cut())
    assert [f.name for f in tmp_path.iterdir()] == ["a.npz"]


def test_what_a_killed_process_recorded_is_recovered(tmp_path):
    def states(recorder, count):
        for sigma in range(count, 0, -1):
            x = np.full((2, 2), float(sigma), np.float32)
            recorder.state(x, alpha=1, sigma=sigma, x0=x / 2)

    killed = Recorder(tmp_path / "a.npz", parts=tmp_path / "parts")
    states(killed, 5)  # and never left
    assert recover(tmp_path / "parts", "killed") == tmp_path / "a.npz"
    t = Trajectory.open(tmp_path / "a.npz")
    assert t.x[:, 0, 0].tolist() == [5, 4, 3, 2, 1]
    assert t.x0[:, 0, 0].tolist() == [2.5, 2, 1.5, 1]
    assert t.sigma.tolist() == [5, 4, 3, 2, 1]
    assert t.meta["incomplete"] == "killed"
    assert [f.name for f in tmp_path.iterdir()] == ["a.npz"]
    killed = Recorder(tmp_path / "b.npz", parts=tmp_path / "parts")
    states(killed, 1)
    assert recover(tmp_path / "parts", "killed") is None
    with Recorder(tmp_path / "c.npz", parts=tmp_path / "parts") as whole:
        states(whole, 5)
    assert np.array_equal(Trajectory.open(tmp_path / "c.npz").x, t.x)
    assert sorted(f.name for f in tmp_path.iterdir()) == ["a.npz", "c.npz"]


def test_a_grid_of_starts_is_even_and_runs_along_x_first():
    grid = grid_of_starts(5, deviation=2.0)
    assert grid.shape == (25, 2)
    assert grid[:5, 0].tolist() == [-6, -3, 0, 3, 6]
    assert (grid[:5, 1] == -6).all()
    assert grid.mean(0).tolist() == [0, 0]


def test_what_was_not_recorded_is_named_with_how_to_add_it(tmp_path):
    with Recorder(tmp_path / "a.npz") as recorder:
        for sigma in (1.0, 0.0):
            recorder.state(np.ones((2, 2), np.float32), alpha=1, sigma=sigma)
    run = Trajectory.open(tmp_path / "a.npz")
    for key, said in {
        "field_velocity": "recorder.field('velocity'",
        "x0": "x0=",
        "label": "recorder.classes",
        "density": "recorder.density",
        "metric_fid": "recorder.metric('fid'",
        "mine": "recorder.add('mine'",
    }.items():
        with pytest.raises(TrajectoryError) as refused:
            run.require(key)
        assert said in refused.value.remedy


def test_k_diffusion_with_churn_stands_where_the_noise_has_brought_it(tmp_path):
    with Recorder(tmp_path / "a.npz") as recorder:
        x = torch.ones(2, 2)
        recorder.callback({"x": x, "i": 0, "sigma": 2.0, "sigma_hat": 2.5, "denoised": x})
        recorder.state(x, alpha=1, sigma=0)
    assert Trajectory.open(tmp_path / "a.npz").sigma.tolist() == [2.5, 0]


def test_k_diffusion(tmp_path):
    """`sample_euler` of k-diffusion, whose callback comes before each step with what the model said there."""
    sigmas = torch.cat([torch.logspace(1, -2, 12), torch.zeros(1)])

    def sample_euler(x, callback):
        for i in range(len(sigmas) - 1):
            denoised = DENOISE(x, Level(1.0, float(sigmas[i]), 0.0)).x0
            callback({"x": x, "i": i, "sigma": sigmas[i], "sigma_hat": sigmas[i], "denoised": denoised})
            x = x + (x - denoised) / sigmas[i] * (sigmas[i + 1] - sigmas[i])
        return x

    with Recorder(tmp_path / "a.npz") as recorder:
        last = sample_euler(10 * Noise(0, CHAINS, (2,))(0), recorder.callback)
        recorder.state(last, alpha=1, sigma=0)
    t = Trajectory.open(tmp_path / "a.npz")
    assert np.allclose(t.sigma, sigmas)
    slope = (t.x[:-1] - t.x0) / t.sigma[:-1, None, None]
    assert worst(t, slope * np.diff(t.sigma)[:, None, None]) < 1e-5
    assert np.array_equal(t.x[-1], last.numpy())


SCHEDULERS = [
    "DDIMScheduler",
    "DDPMScheduler",
    "EulerDiscreteScheduler",
    "DPMSolverMultistepScheduler",
    "UniPCMultistepScheduler",
    "FlowMatchEulerDiscreteScheduler",
]


@pytest.mark.parametrize("name", SCHEDULERS)
def test_diffusers_pipelines(tmp_path, name):
    """The loop of every diffusers pipeline, with its own scheduler; alpha and sigma against its own `add_noise`."""

    class Pipeline:
        scheduler = getattr(diffusers, name)()

    own = Pipeline.scheduler
    own.set_timesteps(8)
    torch.manual_seed(0)
    latents, seen = torch.randn(2, 4, 8, 8) * getattr(own, "init_noise_sigma", 1.0), []
    with Recorder(tmp_path / "a.npz") as recorder:
        for i, t in enumerate(own.timesteps):
            latents = own.step(0.1 * latents, t, latents).prev_sample
            seen.append(latents)
            handed = recorder.callback_on_step_end(Pipeline, i, t, {"latents": latents})
            assert handed["latents"] is latents
    t = Trajectory.open(tmp_path / "a.npz")
    assert np.array_equal(t.x, torch.stack(seen).numpy())
    assert (t.alpha[-1], t.sigma[-1]) == (1, pytest.approx(0, abs=0.02))
    x0, eps = torch.randn(2, 1, 4, 8, 8)
    fresh = getattr(diffusers, name)()
    fresh.set_timesteps(8)
    for i in range(7):
        alpha, sigma = scheduler_scales(fresh, i)
        own_way = (
            fresh.scale_noise(x0, fresh.timesteps[i : i + 1], eps)
            if "Flow" in name
            else fresh.add_noise(x0, eps, fresh.timesteps[i : i + 1])
        )
        torch.testing.assert_close(alpha * x0 + sigma * eps, own_way, rtol=1e-3, atol=1e-3)
