"""Anyone's diffusers pipeline is recorded by watching its scheduler, and is not changed by it."""

import copy
import functools
import inspect
import json
import math

import diffusers
import numpy as np
import pytest
import torch

from diffrender.core.errors import TrajectoryError
from diffrender.diffusion.recording import attach, scheduler_watch
from diffrender.diffusion.recording.keep import Keep
from diffrender.diffusion.recording.recorder import Recorder
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
    *[("CogVideoXDDIMScheduler", {"prediction_type": p, "clip_sample": False}) for p in THREE],
    *[("DPMSolverSDEScheduler", {"prediction_type": p, "noise_sampler_seed": 3}) for p in THREE[::2]],
    *[("CosineDPMSolverMultistepScheduler", {"prediction_type": p}) for p in THREE[::2]],
    *[("UnCLIPScheduler", {"prediction_type": p, "clip_sample": False}) for p in THREE[:2]],
    ("DDPMWuerstchenScheduler", {}),
    ("FlowMatchLCMScheduler", {}),
    ("FlowMapEulerDiscreteScheduler", {}),
    ("LTXEulerAncestralRFScheduler", {}),
    ("SCMScheduler", {}),
    *[("DPMSolverMultistepScheduler", {"prediction_type": p, "algorithm_type": "sde-dpmsolver++"}) for p in THREE],
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


@functools.cache
def built(name, options):
    return getattr(diffusers, name)(**dict(options))


def make(name, options):
    """A scheduler of its own; to build some takes a second."""
    return copy.deepcopy(built(name, tuple(options.items())))


class Pipeline:
    """A pipeline as diffusers writes them, that knows of no callback; notes what went in and came out of each step."""

    def __init__(self, unet, scheduler, guided=False, tuples=True):
        self.unet, self.scheduler, self.guided, self.tuples = unet, scheduler, guided, tuples
        self.given, self.outputs, self.results, self.scales = [], [], [], []

    @torch.no_grad()
    def __call__(self, steps=6, start=0, fail_at=None):
        scheduler, torch_state = self.scheduler, torch.Generator().manual_seed(1)
        torch.manual_seed(2)
        more = {"intermediate_timesteps": None} if type(scheduler).__name__ == "SCMScheduler" else {}
        scheduler.set_timesteps(steps, **more)
        noise = torch.randn(2, 1, 8, 8, generator=torch_state)
        if start:
            scheduler.set_begin_index(start)
            x = scheduler.add_noise(torch.zeros_like(noise), noise, scheduler.timesteps[start : start + 1])
        else:
            x = noise * float(getattr(scheduler, "init_noise_sigma", 1.0))
        takes = inspect.signature(scheduler.step).parameters
        known = {"generator": torch_state} if "generator" in takes else {}
        walked = scheduler.timesteps[start:]
        ended = len(scheduler.timesteps) == steps + 1 and walked[-1] == 0  # they say where the last step ends too
        for i, t in enumerate(walked[:-1] if ended else walked):
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
            if "prev_timestep" in takes:
                known["prev_timestep"] = int(walked[i + 1]) if i + 1 < len(walked) else None
            at = t.expand(2) if type(scheduler).__name__ == "DDPMWuerstchenScheduler" else t
            self.results.append(scheduler.step(output, at, x, return_dict=not self.tuples, **known))
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
    scheduler.set_timesteps(6, **({"intermediate_timesteps": None} if name == "SCMScheduler" else {}))
    start = 2 if hasattr(scheduler, "set_begin_index") or name == "UnCLIPScheduler" else 0
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(start)
    t = scheduler.timesteps[start]
    clean, eps = 0.3 * torch.randn(2, 2, 1, 8, 8, generator=torch.Generator().manual_seed(3))
    alpha, sigma = level_of(scheduler, start, t)
    if not hasattr(scheduler, "add_noise") or "Flow" in name:
        x = alpha * clean + sigma * eps
    elif name == "IPNDMScheduler":
        x = scheduler.alphas[start] * clean + scheduler.betas[start] * eps
    else:
        x = scheduler.add_noise(clean, eps, t[None])
    flows = "Flow" in name or "LTX" in name or options.get("use_flow_sigmas")
    usual = "epsilon" if "Wuerstchen" in name else "v_prediction"
    kind = "flow_prediction" if flows else scheduler.config.get("prediction_type", usual)
    t = t.expand(2) if "Wuerstchen" in name else t
    with Recorder(tmp_path / "a.npz") as recorder, recorder.attach(scheduler):
        output = answer(scheduler, kind, clean, eps, x, alpha, sigma)
        scheduler.step(output, t, x)
        while scheduler_watch.is_trial(scheduler):
            start += 1
            scheduler.step(output, scheduler.timesteps[start], x)
    run = Trajectory.open(tmp_path / "a.npz")
    clipped = clean.clamp(-1, 1) if scheduler.config.get("clip_sample") else clean
    np.testing.assert_allclose(run.x0[0], clipped.numpy(), atol=1e-4 * float(x.abs().max()))
    assert not np.allclose(run.x0[0], eps.numpy(), atol=0.1)


def level_of(scheduler, start, t):
    """alpha and sigma by definition, from the table that add_noise uses."""
    one, zero = torch.ones(1, 1, 1, 1), torch.zeros(1, 1, 1, 1)
    if type(scheduler).__name__ == "SCMScheduler":
        return math.cos(t), math.sin(t) * scheduler.config.sigma_data
    if type(scheduler).__name__.startswith(("Flow", "LTX")):
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
        "trigflow": alpha * 0.5 * eps - sigma / 0.5 * clean,
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


# ---- noise, guidance, what the call was given, starts from data, images of latents ---------------------------------
NOISY = {
    "DDPMScheduler": lambda s, i, x0: s._get_variance(int(s.timesteps[i])) ** 0.5,
    "EulerAncestralDiscreteScheduler": lambda s, i, x0: (
        (s.sigmas[i + 1] ** 2 * (s.sigmas[i] ** 2 - s.sigmas[i + 1] ** 2) / s.sigmas[i] ** 2) ** 0.5
    ),
    "LCMScheduler": lambda s, i, x0: (1 - s.alphas_cumprod[s.timesteps[i + 1]]) ** 0.5,
    "FlowMatchLCMScheduler": lambda s, i, x0: s.sigmas[i + 1],
}


@pytest.mark.parametrize("name", NOISY)
def test_injected_noise_is_what_the_papers_formula_says(tmp_path, network, monkeypatch, name):
    """Each draw times its standard deviation by the sampler's own formula; nothing where nothing is drawn."""
    drawn, draw = [], torch.randn

    def noted(*args, **kwargs):
        made = draw(*args, **kwargs)
        drawn.extend([made] if made.any() else [])  # the step is made once more without noise
        return made

    monkeypatch.setattr(torch, "randn", noted)
    scheduler = make(name, {})
    _, t = recorded(tmp_path / "a.npz", Pipeline(network, scheduler), steps=5)
    size, drawn = np.abs(t.x).max(), drawn[1:]  # the first is where the run began
    for i in range(4):
        expected = float(NOISY[name](scheduler, i, t.x0[i])) * drawn[i].numpy()
        assert np.abs(t.noise[i] - expected).max() <= 2e-5 * size
        assert i or np.abs(t.noise[i] - 1.02 * expected).max() > 4e-5 * size  # a scale off by a fiftieth is seen
    assert len(t.noise) == 5


def test_a_method_without_noise_has_none(tmp_path, network):
    assert "noise" not in recorded(tmp_path / "a.npz", Pipeline(network, make("DDIMScheduler", {})))[1]


def test_noise_that_begins_late_was_nothing_before(tmp_path, network):
    class Late(diffusers.DDIMScheduler):
        def step(self, model_output, timestep, sample, generator=None, return_dict=True):
            eta = 0.0 if int(timestep) > 500 else 1.0
            return super().step(model_output, timestep, sample, eta=eta, generator=generator, return_dict=return_dict)

    t = recorded(tmp_path / "a.npz", Pipeline(network, Late()))[1]
    assert [bool(np.any(row)) for row in t.noise] == [False, False, True, True, True, False]


class Guided(Pipeline):
    """A pipeline as those for text are written: prompts, both branches in a batch, or in a call each."""

    @torch.no_grad()
    def __call__(self, prompt, guidance_scale=7.5, class_labels=None, asked_first=False, together=True):
        scheduler = self.scheduler
        scheduler.set_timesteps(4)
        x = torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(1))
        self.asked, self.plain = [], []
        for t in scheduler.timesteps:
            places = torch.stack([t, t + 7.0] if asked_first else [t + 7.0, t]).repeat_interleave(2)
            if together:
                a, b = self.unet(torch.cat([x] * 2), places).sample.chunk(2)
            else:
                a, b = (self.unet(x, places[k : k + 2], return_dict=False)[0] for k in (0, 2))
            asked, plain = (a, b) if asked_first else (b, a)
            self.asked.append(asked.numpy())
            self.plain.append(plain.numpy())
            x = scheduler.step(plain + guidance_scale * (asked - plain), t, x).prev_sample
        return x


@pytest.mark.parametrize("asked_first", [False, True])
@pytest.mark.parametrize("together", [False, True])
def test_both_branches_of_guidance_are_told_apart(tmp_path, network, asked_first, together):
    pipeline = Guided(network, make("DDIMScheduler", {"clip_sample": False}))
    call = {"asked_first": asked_first, "together": together, "class_labels": [3, 1]}
    _, t = recorded(tmp_path / "a.npz", pipeline, prompt=["a cat", "a dog"], **call)
    assert np.array_equal(t.output_conditional, np.stack(pipeline.asked))
    assert np.array_equal(t.output_unconditional, np.stack(pipeline.plain))
    assert not np.allclose(t.output_conditional, t.output_unconditional, atol=1e-5)
    assert t.meta["guidance"]["scale"] == pytest.approx(7.5, rel=1e-3)
    assert t.nfe.tolist() == [0, 2, 4, 6, 8]
    assert t.meta["pipeline"]["arguments"]["prompt"] == ["a cat", "a dog"]
    assert t.meta["pipeline"]["arguments"]["guidance_scale"] == 7.5
    assert t.label.tolist() == [3, 1]
    assert not network._forward_hooks


def test_a_run_that_begins_from_data_records_them_and_the_noise(tmp_path, network):
    pipeline = Pipeline(network, make("EulerDiscreteScheduler", {}))
    _, t = recorded(tmp_path / "a.npz", pipeline, steps=8, start=4)
    assert not t.source.any()
    np.testing.assert_allclose(t.alpha[0] * t.source + t.sigma[0] * t.source_noise, t.x[0], rtol=1e-5)
    assert "source" not in recorded(tmp_path / "b.npz", pipeline)[1]
    assert not {"step", "set_timesteps", "add_noise", "scale_noise"} & set(vars(pipeline.scheduler))


def test_a_latent_pipeline_with_classes_is_recorded_and_decoded(tmp_path):
    """DiT: classes, guidance whose batch holds every chain twice, latents, a decoder."""
    torch.manual_seed(0)
    transformer = diffusers.DiTTransformer2DModel(
        sample_size=8, num_layers=1, patch_size=4, attention_head_dim=8, num_attention_heads=2, in_channels=4,
        out_channels=8, attention_bias=True, activation_fn="gelu-approximate", num_embeds_ada_norm=1000,
        norm_type="ada_norm_zero", norm_elementwise_affine=False,
    )  # fmt: skip
    vae = diffusers.AutoencoderKL(block_out_channels=(8,), norm_num_groups=4, latent_channels=4, scaling_factor=0.5)
    pipeline = diffusers.DiTPipeline(transformer.eval(), vae.eval(), make("DDIMScheduler", {"clip_sample": False}))
    pipeline.set_progress_bar_config(disable=True)

    def sample():
        seed = torch.Generator().manual_seed(0)
        return pipeline([5, 7, 9], generator=seed, num_inference_steps=5, output_type="np", guidance_scale=3.0).images

    alone = sample()
    with Recorder(tmp_path / "a.npz") as recorder, recorder.attach(pipeline, decode=2, decode_every=2):
        images = sample()
    t = Trajectory.open(tmp_path / "a.npz")
    assert np.array_equal(images, alone)
    assert t.x.shape == (6, 3, 4, 8, 8)  # each chain once
    assert t.label.tolist() == [5, 7, 9]
    assert t.nfe.tolist() == [0, 2, 4, 6, 8, 10]
    assert t.meta["guidance"]["scale"] == pytest.approx(3, rel=1e-3)
    guided = t.output_unconditional + 3 * (t.output_conditional - t.output_unconditional)
    np.testing.assert_allclose(guided, t.model_output, atol=1e-4)
    assert t.decoded_step.tolist() == [0, 2, 4, 5]
    shown = (t.decoded_x[-1].astype(np.float32) / 2 + 0.5).transpose(0, 2, 3, 1)
    np.testing.assert_allclose(shown, images[:2], atol=2e-3)
    assert not np.allclose(t.decoded_x[-1], t.decoded_x[0], atol=0.05)
    with torch.no_grad():
        own = vae.decode(torch.from_numpy(t.x0[2, :2]) / 0.5).sample.clamp(-1, 1)
    np.testing.assert_allclose(t.decoded_x0[1], own.numpy(), atol=2e-3)


def test_without_a_decoder_decode_is_refused_and_the_states_are_kept(tmp_path, network):
    pipeline = Pipeline(network, make("DDIMScheduler", {}))
    with (
        pytest.raises(TrajectoryError, match="no vae"),
        Recorder(tmp_path / "a.npz") as recorder,
        recorder.attach(pipeline, decode=1),
    ):
        pipeline()
    assert Trajectory.open(tmp_path / "a.npz").steps == 6


def test_states_that_are_no_numbers_end_the_recording_and_not_the_run(tmp_path, network):
    class Diverging(diffusers.DDIMScheduler):
        def step(self, model_output, timestep, sample, return_dict=True):
            made = super().step(model_output, timestep, sample)
            made.prev_sample = made.prev_sample * (float("nan") if int(timestep) < 500 else 1)
            return made if return_dict else (made.prev_sample, made.pred_original_sample)

    pipeline = Pipeline(network, Diverging())
    with (
        pytest.raises(TrajectoryError, match="NaN"),
        Recorder(tmp_path / "a.npz") as recorder,
        recorder.attach(pipeline),
    ):
        result = pipeline()
    assert len(pipeline.results) == 6
    assert torch.isnan(result).all()
    t = Trajectory.open(tmp_path / "a.npz")
    assert 1 <= t.steps < 6
    assert "NaN" in t.meta["incomplete"]


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
    monkeypatch.setattr(scheduler_watch, spoilt, wrong)

    def checks():
        test_a_scheduler_of_diffusers_is_recorded_as_it_is_and_not_changed(tmp_path, network, *options)
        test_a_network_that_knows_the_answer_is_seen_to_predict_it(tmp_path, *options)

    with pytest.raises(AssertionError):
        checks()
