"""Anyone's diffusers pipeline is recorded by watching its scheduler, and is not changed by it."""

import copy
import inspect
import json

import diffusers
import numpy as np
import pytest
import torch

from diffrender.core.errors import TrajectoryError
from diffrender.diffusion.recording import attach
from diffrender.diffusion.recording.recorder import Keep, Recorder
from diffrender.trajectory.reader import Trajectory

THREE = ("epsilon", "sample", "v_prediction")
VARIANTS = [
    *[("DDPMScheduler", {"prediction_type": p}) for p in THREE],
    *[("DDIMScheduler", {"prediction_type": p, "set_alpha_to_one": False, "steps_offset": 1}) for p in THREE],
    *[("DDIMParallelScheduler", {"prediction_type": p}) for p in THREE],
    *[("DDPMParallelScheduler", {"prediction_type": p}) for p in THREE],
    *[("PNDMScheduler", {"prediction_type": p, "skip_prk_steps": s}) for p in THREE[::2] for s in (True, False)],
    *[("EulerDiscreteScheduler", {"prediction_type": p}) for p in THREE[::2]],
    *[("EulerAncestralDiscreteScheduler", {"prediction_type": p}) for p in THREE[::2]],
    *[("HeunDiscreteScheduler", {"prediction_type": p, "clip_sample": False}) for p in THREE[::2]],
    *[("KDPM2DiscreteScheduler", {"prediction_type": p}) for p in THREE[::2]],
    *[("KDPM2AncestralDiscreteScheduler", {"prediction_type": p}) for p in THREE[::2]],
    *[("LMSDiscreteScheduler", {"prediction_type": p}) for p in THREE[::2]],
    *[("DPMSolverMultistepScheduler", {"prediction_type": p}) for p in THREE],
    ("DPMSolverMultistepScheduler", {"prediction_type": "flow_prediction", "use_flow_sigmas": True}),
    *[("DPMSolverSinglestepScheduler", {"prediction_type": p}) for p in THREE],
    *[("DEISMultistepScheduler", {"prediction_type": p}) for p in THREE],
    *[("UniPCMultistepScheduler", {"prediction_type": p}) for p in THREE],
    *[("SASolverScheduler", {"prediction_type": p}) for p in THREE],
    *[("LCMScheduler", {"prediction_type": p}) for p in THREE],
    *[("TCDScheduler", {"prediction_type": p}) for p in THREE],
    *[("EDMEulerScheduler", {"prediction_type": p}) for p in THREE[::2]],
    *[("EDMDPMSolverMultistepScheduler", {"prediction_type": p}) for p in THREE[::2]],
    ("FlowMatchEulerDiscreteScheduler", {}),
    ("FlowMatchHeunDiscreteScheduler", {}),
    ("CMStochasticIterativeScheduler", {}),
    ("IPNDMScheduler", {}),
]
NAMES = [f"{name}-{'-'.join(map(str, options.values()))}" for name, options in VARIANTS]


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return diffusers.UNet2DModel(
        sample_size=8,
        in_channels=1,
        out_channels=1,
        block_out_channels=(8,),
        layers_per_block=1,
        norm_num_groups=4,
        down_block_types=("DownBlock2D",),
        up_block_types=("UpBlock2D",),
    ).eval()


def make(name, options):
    return getattr(diffusers, name)(**options)


class Pipeline:
    """A pipeline as diffusers writes them, that knows of no callback; notes what went in and came out of each step."""

    def __init__(self, unet, scheduler, guided=False, tuples=True):
        self.unet, self.scheduler, self.guided, self.tuples = unet, scheduler, guided, tuples
        self.given, self.outputs, self.results, self.scales = [], [], [], []

    @torch.no_grad()
    def __call__(self, steps=6, start=0, fail_at=None):
        scheduler, torch_state = self.scheduler, torch.Generator().manual_seed(1)
        torch.manual_seed(2)
        scheduler.set_timesteps(steps)
        noise = torch.randn(2, 1, 8, 8, generator=torch_state)
        if start:
            scheduler.set_begin_index(start)
            x = scheduler.add_noise(torch.zeros_like(noise), noise, scheduler.timesteps[start : start + 1])
        else:
            x = noise * float(getattr(scheduler, "init_noise_sigma", 1.0))
        known = {"generator": torch_state} if "generator" in inspect.signature(scheduler.step).parameters else {}
        for i, t in enumerate(scheduler.timesteps[start:]):
            if i == fail_at:
                raise RuntimeError("out of memory")
            scaled = scheduler.scale_model_input(x, t) if hasattr(scheduler, "scale_model_input") else x
            place = t.reshape(1).expand(2).float()
            if self.guided:
                output = self.unet(torch.cat([scaled] * 2), place.repeat(2)).sample.chunk(2)[0]
            else:
                output = self.unet(scaled, place).sample
            self.given.append(x)
            self.outputs.append(output)
            self.results.append(scheduler.step(output, t, x, return_dict=not self.tuples, **known))
            x = self.results[-1][0]
        return x


def recorded(path, pipeline, keep=None, **call):
    with Recorder(path, keep=keep) as recorder, recorder.attach(pipeline):
        result = pipeline(**call)
    return result, Trajectory.open(path)


@pytest.mark.parametrize(("name", "options"), VARIANTS, ids=NAMES)
def test_a_scheduler_of_diffusers_is_recorded_as_it_is_and_not_changed(tmp_path, network, name, options):
    plain = Pipeline(network, make(name, options), tuples=False)
    alone = plain()
    watched = Pipeline(network, make(name, options))
    result, t = recorded(tmp_path / "a.npz", watched)
    assert torch.equal(result, alone)
    assert all(torch.equal(a, b[0]) for a, b in zip(watched.given[1:], watched.results[:-1], strict=True))

    calls = [i for i, x in enumerate(plain.given) if any(np.array_equal(x.numpy(), kept) for kept in t.x[:-1])]
    assert np.array_equal(t.x, np.stack([*[plain.given[i].numpy() for i in calls], alone.numpy()]))
    assert np.array_equal(t.model_output, np.stack([plain.outputs[i].numpy() for i in calls]))
    assert np.array_equal(t.nfe, [*calls, len(plain.given)])
    falls = np.diff(t.sigma / (t.alpha + t.sigma))
    assert np.all(falls[:-1] < 0)
    assert falls[-1] <= 0  # PNDM's timestep 0 is its final level too
    assert t.meta["x0_from"] == "pred_original_sample" or not hasattr(plain.results[0], "pred_original_sample")

    size = np.abs(t.x).max()
    for row, i in enumerate(calls):
        own = getattr(plain.results[i], "pred_original_sample", None)
        if own is not None:
            assert np.abs(t.x0[row] - own.numpy()).max() <= 1e-5 * size
        assert np.abs(t.alpha[row] * t.x0[row] + t.sigma[row] * t.eps[row] - t.x[row]).max() <= 1e-5 * size


def test_what_a_consistency_model_ends_on_is_what_it_last_predicted(tmp_path, network):
    scheduler = make("CMStochasticIterativeScheduler", {"clip_denoised": False})
    _, t = recorded(tmp_path / "a.npz", Pipeline(network, scheduler))
    np.testing.assert_allclose(t.x0[-1], t.x[-1], atol=1e-5 * np.abs(t.x).max())
    assert t.meta["x0_from"] == "consistency"


KNOWN = [i for i, (name, _) in enumerate(VARIANTS) if not name.startswith("CM")]  # others' outputs have a formula


@pytest.mark.parametrize(("name", "options"), [VARIANTS[i] for i in KNOWN], ids=[NAMES[i] for i in KNOWN])
def test_a_network_that_knows_the_answer_is_seen_to_predict_it(tmp_path, name, options):
    """Noise and data that are known, mixed at the scheduler's own first level: x̂0 is the data."""
    scheduler = make(name, options)
    scheduler.set_timesteps(6)
    start = 2 if hasattr(scheduler, "set_begin_index") else 0
    if start:
        scheduler.set_begin_index(start)
    t = scheduler.timesteps[start]
    clean, eps = 0.3 * torch.randn(2, 2, 1, 8, 8, generator=torch.Generator().manual_seed(3))
    if "FlowMatch" in name:
        x = scheduler.scale_noise(clean, t[None], eps)
    elif name == "IPNDMScheduler":
        x = scheduler.alphas[start] * clean + scheduler.betas[start] * eps
    else:
        x = scheduler.add_noise(clean, eps, t[None])
    kind = "flow_prediction" if "Flow" in name else scheduler.config.get("prediction_type", "v_prediction")
    with Recorder(tmp_path / "a.npz") as recorder, recorder.attach(scheduler):
        alpha, sigma = level_of(scheduler, start, t)
        output = answer(scheduler, kind, clean, eps, x, alpha, sigma)
        scheduler.step(output, t, x)
        while attach.is_trial(scheduler):
            start += 1
            scheduler.step(output, scheduler.timesteps[start], x)
    run = Trajectory.open(tmp_path / "a.npz")
    clipped = clean.clamp(-1, 1) if scheduler.config.get("clip_sample") else clean
    np.testing.assert_allclose(run.x0[0], clipped.numpy(), atol=1e-4 * float(x.abs().max()))
    assert not np.allclose(run.x0[0], eps.numpy(), atol=0.1)


def level_of(scheduler, start, t):
    """alpha and sigma by definition, from the table that add_noise uses."""
    one, zero = torch.ones(1, 1, 1, 1), torch.zeros(1, 1, 1, 1)
    if "FlowMatch" in type(scheduler).__name__:
        return 1 - float(scheduler.sigmas[start]), float(scheduler.sigmas[start])
    if type(scheduler).__name__ == "IPNDMScheduler":
        return float(scheduler.alphas[start]), float(scheduler.betas[start])
    return float(scheduler.add_noise(one, zero, t[None])), float(scheduler.add_noise(zero, one, t[None]))


def answer(scheduler, kind, clean, eps, x, alpha, sigma):
    """What a perfect network puts out."""
    if hasattr(scheduler, "precondition_outputs"):
        at_zero = scheduler.precondition_outputs(x, torch.zeros_like(x), torch.tensor(sigma))
        slope = scheduler.precondition_outputs(torch.zeros_like(x), torch.ones_like(x), torch.tensor(sigma))
        return (clean - at_zero) / slope
    norm = (alpha**2 + sigma**2) ** 0.5
    return {
        "epsilon": eps,
        "sample": clean,
        "v_prediction": ((alpha / norm) * x / norm - clean) / (sigma / norm),
        "flow_prediction": eps - clean,
    }[kind]


def test_a_run_from_the_middle_has_the_levels_of_the_middle(tmp_path, network):
    scheduler = make("EulerDiscreteScheduler", {})
    _, half = recorded(tmp_path / "half.npz", Pipeline(network, scheduler), steps=8, start=4)
    np.testing.assert_allclose(half.sigma, scheduler.sigmas[4:].numpy(), rtol=1e-6)
    np.testing.assert_allclose(half.timestep, scheduler.timesteps[4:].numpy())
    assert not np.allclose(half.sigma, scheduler.sigmas[:5].numpy(), rtol=0.1)  # what step numbers would have said
    np.testing.assert_allclose(half.x[0].std(), half.sigma[0], rtol=0.2)


def test_ddim_that_stops_short_of_clean_is_recorded_so(tmp_path, network):
    options = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}
    ends = {}
    for clean in (False, True):
        scheduler = make("DDIMScheduler", {**options, "set_alpha_to_one": clean})
        ends[clean] = recorded(tmp_path / f"{clean}.npz", Pipeline(network, scheduler))[1].sigma[-1]
    assert ends[False] == pytest.approx(0.00085**0.5, rel=1e-3)
    assert ends[True] == 0


def test_evaluations_are_counted_and_not_steps(tmp_path, network):
    heun = recorded(tmp_path / "h.npz", Pipeline(network, make("HeunDiscreteScheduler", {})), steps=12)[1]
    assert heun.nfe.tolist() == [*range(0, 23, 2), 23]
    guided = Pipeline(network, make("DDIMScheduler", {}), guided=True)
    assert recorded(tmp_path / "g.npz", guided)[1].nfe.tolist() == list(range(0, 13, 2))
    alone = Pipeline(network, make("DDIMScheduler", {}))
    assert recorded(tmp_path / "a.npz", alone)[1].nfe.tolist() == list(range(7))


def test_only_each_third_state_is_kept_if_asked(tmp_path, network):
    pipeline = Pipeline(network, make("DDIMScheduler", {}))
    result, t = recorded(tmp_path / "a.npz", pipeline, keep=Keep(every=3), steps=7)
    assert np.array_equal(t.x, np.stack([*[pipeline.given[i].numpy() for i in (0, 3, 6)], result.numpy()]))
    assert t.nfe.tolist() == [0, 3, 6, 7]


@pytest.mark.parametrize("name", ["EulerDiscreteScheduler", "HeunDiscreteScheduler"])
@pytest.mark.parametrize("fail_at", [3, 4])
def test_an_error_leaves_a_readable_file_and_the_scheduler_as_it_was(tmp_path, network, name, fail_at):
    pipeline = Pipeline(network, make(name, {}))
    alone = Pipeline(network, make(name, {}))
    with pytest.raises(RuntimeError, match="out of memory"):
        alone(fail_at=fail_at)
    with pytest.raises(RuntimeError, match="out of memory"):
        recorded(tmp_path / "a.npz", pipeline, fail_at=fail_at)
    assert set(vars(pipeline.scheduler)) == set(vars(alone.scheduler))
    assert not network._forward_pre_hooks
    t = Trajectory.open(tmp_path / "a.npz")
    assert t.meta["incomplete"] == "RuntimeError: out of memory"
    assert t.steps == (fail_at if name.startswith("Euler") else fail_at // 2)
    assert len(t.timestep) == len(t.x0) == t.steps
    whole = recorded(tmp_path / "b.npz", pipeline)[1]
    assert "incomplete" not in whole.meta
    assert np.array_equal(whole.x[: t.steps + 1], t.x)


def test_nothing_is_left_where_not_one_step_was_made(tmp_path, network):
    with pytest.raises(RuntimeError, match="out of memory"):
        recorded(tmp_path / "a.npz", Pipeline(network, make("DDIMScheduler", {})), fail_at=0)
    with (
        pytest.raises(TrajectoryError, match="no step"),
        Recorder(tmp_path / "a.npz") as recorder,
        recorder.attach(make("DDIMScheduler", {})),
    ):
        pass
    assert not list(tmp_path.iterdir())


def test_a_pipeline_of_diffusers_needs_no_callback(tmp_path, network):
    pipeline = diffusers.DDPMPipeline(network, make("DDPMScheduler", {}))
    pipeline.set_progress_bar_config(disable=True)

    def sample():
        seed = torch.Generator().manual_seed(0)
        return pipeline(batch_size=3, num_inference_steps=4, generator=seed, output_type="np").images

    alone = sample()
    with Recorder(tmp_path / "a.npz") as recorder, recorder.attach(pipeline):
        images = sample()
    t = Trajectory.open(tmp_path / "a.npz")
    assert np.array_equal(images, alone)
    assert "step" not in vars(pipeline.scheduler)
    assert t.x.shape == (5, 3, 1, 8, 8)
    assert np.array_equal(np.clip(t.x[-1] / 2 + 0.5, 0, 1).transpose(0, 2, 3, 1), images)
    assert json.loads(json.dumps(t.meta))["x0_from"] == "pred_original_sample"


def test_what_cannot_be_recorded_is_refused_before_anything_runs(tmp_path, network):
    with Recorder(tmp_path / "a.npz") as recorder:
        for scheduler in (
            make("DDIMInverseScheduler", {}),
            make("VQDiffusionScheduler", {"num_vec_classes": 4}),
            object(),
        ):
            with pytest.raises(TrajectoryError, match=type(scheduler).__name__), recorder.attach(scheduler):
                pass
        pipeline = Pipeline(network, make("DDIMScheduler", {}))
        with recorder.attach(pipeline):
            pipeline()
            with pytest.raises(TrajectoryError, match="second run"):
                pipeline()


def test_a_scheduler_that_was_wrapped_before_stays_so(tmp_path):
    scheduler = copy.deepcopy(make("DDIMScheduler", {}))
    own = scheduler.step
    scheduler.step = own
    with attach.attached(Recorder(tmp_path / "a.npz"), scheduler):
        assert scheduler.step is not own
        scheduler.set_timesteps(2)
        scheduler.step(torch.randn(1, 1, 8, 8), scheduler.timesteps[0], torch.randn(1, 1, 8, 8))
    assert scheduler.step is own


@pytest.mark.parametrize(
    ("spoilt", "wrong", "options"),
    [
        ("is_trial", lambda scheduler: False, ("HeunDiscreteScheduler", {})),
        ("scales_before", lambda scheduler, t: (0.9, 0.5), ("DPMSolverMultistepScheduler", {})),
        ("place_of_clean", lambda signature: 0, ("DDIMScheduler", {})),
        (
            "predicted_clean",
            lambda scheduler, x, output, alpha, sigma: (output, "epsilon"),
            ("UniPCMultistepScheduler", {}),
        ),
    ],
)
def test_these_checks_fail_where_the_watching_is_wrong(tmp_path, network, monkeypatch, spoilt, wrong, options):
    monkeypatch.setattr(attach, spoilt, wrong)

    def checks():
        test_a_scheduler_of_diffusers_is_recorded_as_it_is_and_not_changed(tmp_path, network, *options)
        test_a_network_that_knows_the_answer_is_seen_to_predict_it(tmp_path, *options)

    with pytest.raises(AssertionError):
        checks()
