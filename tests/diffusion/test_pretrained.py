"""Models saved by diffusers: found in a folder, sampled as their own pipeline samples them, refused when damaged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from diffusers import DDIMPipeline, DDIMScheduler, DDPMPipeline, DDPMScheduler, UNet2DModel
from safetensors.torch import load_file, save_file

from diffrender.config.load import load_config
from diffrender.core.errors import ConfigError, DiffrenderError
from diffrender.diffusion import diffusers_folder
from diffrender.diffusion.denoisers.pretrained import PretrainedDenoiser, load_pretrained
from diffrender.diffusion.diffusers_folder import WEIGHTS
from diffrender.diffusion.diffusers_weights import load_network
from diffrender.diffusion.levels import Level
from diffrender.diffusion.recording.record import sample
from diffrender.diffusion.recording.run import Run
from diffrender.jobs.plan.subject import Subject
from diffrender.trajectory.reader import Trajectory


def tiny(**more) -> UNet2DModel:
    torch.manual_seed(0)
    small = {"sample_size": 8, "in_channels": 1, "out_channels": 1, "layers_per_block": 1, "norm_num_groups": 4}
    blocks = {
        "block_out_channels": (8, 8),
        "down_block_types": ("DownBlock2D",) * 2,
        "up_block_types": ("UpBlock2D",) * 2,
    }
    return UNet2DModel(**{**small, **blocks, **more}).eval()


def loaded(folder, scale=1.0, offset=0.0) -> PretrainedDenoiser:
    return load_pretrained(diffusers_folder.find(str(folder)), scale=scale, offset=offset, device="cpu")


@pytest.fixture(scope="module")
def pipeline_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pipeline")
    DDPMPipeline(tiny(), DDPMScheduler(num_train_timesteps=100, clip_sample=False)).save_pretrained(folder)
    return folder


def level_at(scheduler, timestep: int) -> Level:
    bar = float(scheduler.alphas_cumprod.double()[timestep])
    return Level(bar**0.5, (1 - bar) ** 0.5, (timestep + 1) / 100)


def test_a_pipeline_and_a_bare_model_are_the_same_model(pipeline_folder, tmp_path):
    tiny().save_pretrained(tmp_path)
    DDPMScheduler(num_train_timesteps=100, clip_sample=False).save_pretrained(tmp_path)
    x, level = torch.randn(3, 1, 8, 8), Level(0.8, 0.6, 0.3)
    one, other = loaded(pipeline_folder)(x, level).eps, loaded(tmp_path)(x, level).eps
    assert torch.equal(one, other)
    assert one.abs().max() > 0
    assert diffusers_folder.find(str(tmp_path)).event == (1, 8, 8)


@pytest.mark.parametrize("prediction_type", ["epsilon", "sample", "v_prediction"])
def test_at_its_own_timesteps_it_says_what_the_network_says(tmp_path, prediction_type):
    scheduler = DDPMScheduler(
        num_train_timesteps=100, beta_schedule="squaredcos_cap_v2", prediction_type=prediction_type
    )
    DDPMPipeline(tiny(), scheduler).save_pretrained(tmp_path)
    denoiser, x = loaded(tmp_path), torch.randn(2, 1, 8, 8)
    for timestep in (0, 40, 98):
        level = level_at(scheduler, timestep)
        assert denoiser.timestep(level.ratio) == timestep
        with torch.no_grad():
            step = scheduler.step(denoiser.network(x, timestep).sample, timestep, x)
        assert torch.allclose(denoiser(x, level).x0, step.pred_original_sample, atol=1e-5)
        wrong = loaded(tmp_path)
        wrong.prediction_type = "sample" if prediction_type != "sample" else "epsilon"
        assert not torch.allclose(wrong(x, level).x0, step.pred_original_sample, atol=1e-5)


def test_ddim_of_ours_is_ddim_of_its_own_pipeline(pipeline_folder):
    """The last images, from the same noise; on another table of levels they are others."""
    from diffrender.diffusion.levels import choose
    from diffrender.diffusion.noise import Noise
    from diffrender.diffusion.samplers.catalogue import SAMPLERS
    from diffrender.diffusion.schedules import from_betas

    scheduler = DDIMScheduler(
        num_train_timesteps=100, clip_sample=False, set_alpha_to_one=True, timestep_spacing="trailing"
    )
    pipeline = DDIMPipeline(tiny(), scheduler)
    pipeline.set_progress_bar_config(disable=True)
    generator = torch.Generator().manual_seed(0)
    expected = pipeline(2, generator, eta=0.0, num_inference_steps=10, output_type="np").images
    noise = torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    for betas, right in ((scheduler.betas.double().numpy(), True), (scheduler.betas.double().numpy() * 2, False)):
        levels = choose(from_betas(betas), 10, "trailing")
        for step in SAMPLERS["ddim"].make(loaded(pipeline_folder), noise, levels, Noise(0, 2, (1, 8, 8))):
            x = step.x_next
        found = (x / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1).numpy()
        assert (abs(found - expected).max() < 1e-4) == right


def test_states_may_be_centred_and_scaled(pipeline_folder):
    """raw = x · scale + offset: the answer for x is the answer for raw, in the coordinates of x."""
    scale, offset = 0.5, torch.full((1, 1, 1), -0.7)
    raw, level = torch.randn(2, 1, 8, 8), Level(0.7, 0.4, 0.5)
    x, inner = (raw - level.alpha * offset) / scale, Level(0.7, 0.4 / scale, 0.5)
    expected = loaded(pipeline_folder)(raw, level)
    found = loaded(pipeline_folder, scale, offset)(x, inner)
    assert torch.allclose(found.x0 * scale + offset, expected.x0, atol=1e-4)
    assert torch.allclose(found.eps, expected.eps, atol=1e-4)
    assert not torch.allclose(loaded(pipeline_folder)(x, inner).eps, expected.eps, atol=1e-4)


def test_between_timesteps_the_place_has_the_same_noise(pipeline_folder):
    denoiser = loaded(pipeline_folder)
    middle = denoiser.timestep(float(torch.tensor(denoiser.log_ratios[30:32]).mean().exp()))
    assert middle == pytest.approx(30.5)
    assert denoiser.timestep(float("inf")) == 99
    assert denoiser.timestep(0.0) == 0


def test_a_model_that_clips_is_clipped(tmp_path):
    DDPMPipeline(tiny(), DDPMScheduler(num_train_timesteps=100, clip_sample=True)).save_pretrained(tmp_path)
    x, level = 3 * torch.randn(2, 1, 8, 8), Level(0.9, 0.436, 0.3)
    clipped = loaded(tmp_path)
    assert clipped(x, level).x0.abs().max() == 1
    clipped.clip = None
    assert clipped(x, level).x0.abs().max() > 1


def test_a_model_that_knows_classes_is_told_them(tmp_path):
    DDPMPipeline(tiny(num_class_embeds=3), DDPMScheduler(num_train_timesteps=100)).save_pretrained(tmp_path)
    denoiser, x, level = loaded(tmp_path), torch.randn(1, 1, 8, 8), Level(0.8, 0.6, 0.3)
    answers = [denoiser(x, level, torch.tensor([k])).x0 for k in range(3)]
    assert denoiser.classes == 3
    assert not torch.equal(answers[0], answers[1])
    for label in (None, torch.tensor([-1])):
        with pytest.raises(ConfigError, match=r"knows classes.*\n.*guidance_scale"):
            denoiser(x, level, label)


def test_a_variance_that_was_learned_too_is_left_out(tmp_path):
    DDPMPipeline(tiny(out_channels=2), DDPMScheduler(num_train_timesteps=100)).save_pretrained(tmp_path)
    assert loaded(tmp_path)(torch.randn(1, 1, 8, 8), Level(0.8, 0.6, 0.3)).x0.shape == (1, 1, 8, 8)


# ---- what cannot be used, and the hub ------------------------------------------------------------------------------
def spoil(folder, file, **changes):
    settings = json.loads((folder / file).read_text())
    (folder / file).write_text(json.dumps(settings | changes))


@pytest.mark.parametrize(
    ("file", "changes", "says"),
    [
        ("unet/config.json", {"_class_name": "UNet2DConditionModel"}, "only a UNet2DModel"),
        ("unet/config.json", {"sample_size": None}, "sample_size"),
        ("scheduler/scheduler_config.json", {"_class_name": "os"}, "no scheduler of diffusers"),
        ("scheduler/scheduler_config.json", {"_class_name": "ScoreSdeVeScheduler"}, "no table of alphas_cumprod"),
        ("scheduler/scheduler_config.json", {"prediction_type": "guess"}, "'guess' is not known"),
    ],
)
def test_a_model_of_another_kind_is_refused(tmp_path, file, changes, says):
    DDPMPipeline(tiny(), DDPMScheduler(num_train_timesteps=100)).save_pretrained(tmp_path)
    spoil(tmp_path, file, **changes)
    with pytest.raises(DiffrenderError, match=says):
        loaded(tmp_path)


def test_damaged_weights_and_missing_files_are_refused(tmp_path):
    DDPMPipeline(tiny(), DDPMScheduler(num_train_timesteps=100)).save_pretrained(tmp_path)
    weights = tmp_path / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-40])
    with pytest.raises(DiffrenderError, match=r"safetensors: damaged, or no weights.*\nCopy or download it again"):
        loaded(tmp_path)
    (tmp_path / "unet" / "config.json").unlink()
    with pytest.raises(DiffrenderError, match="no model saved by diffusers"):
        loaded(tmp_path)


def test_the_hub_is_asked_only_when_the_name_is_no_folder(pipeline_folder, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "huggingface_hub.snapshot_download", lambda name, **_: asked.append(name) or str(pipeline_folder)
    )
    diffusers_folder.find(str(pipeline_folder))
    assert asked == []
    assert diffusers_folder.find("someone/a-model").unet == pipeline_folder / "unet"
    assert asked == ["someone/a-model"]


def test_a_missing_folder_and_a_hub_out_of_reach_are_said(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(DiffrenderError, match=r"no folder, and the hub cannot be reached.*\n.*this machine"):
        diffusers_folder.find("someone/a-model")
    with pytest.raises(ConfigError, match="no such folder, and no name of the hub"):
        diffusers_folder.find(str(tmp_path / "nowhere"))


# ---- weights as people have them ------------------------------------------------------------------------------------
class Code:
    """What runs a command where a pickle of it is loaded."""

    def __reduce__(self):
        return Path.touch, (Path("ran"),)


def prefixed(prefix):
    return lambda tensors: {prefix + name: value for name, value in tensors.items()}


@pytest.fixture
def theirs(tmp_path):
    """A function: the U-Net's folder of a model whose weights are what `change` makes of them."""

    def make(change, kind="safetensors"):
        DDPMPipeline(tiny(), DDPMScheduler(num_train_timesteps=20)).save_pretrained(tmp_path / "theirs")
        file = tmp_path / "theirs" / "unet" / WEIGHTS[0]
        changed = change(load_file(file))
        if isinstance(changed, bytes):
            file.write_bytes(changed)
        elif kind == "bin":
            file.unlink()
            torch.save(changed, file.with_suffix(".bin"))
        else:
            save_file(changed, file)
        return file.parent

    return make


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (prefixed("_orig_mod."), "safetensors"),
        (prefixed("module._orig_mod."), "bin"),
        (lambda tensors: {"state_dict": prefixed("model.")(tensors), "epoch": 3}, "bin"),
    ],
)
def test_what_trainers_put_around_names_is_taken_off(theirs, change, kind, caplog):
    network = load_network(theirs(change, kind), WEIGHTS)
    assert all(torch.equal(value, tiny().state_dict()[name]) for name, value in network.state_dict().items())
    assert "without what a trainer put around them" in caplog.text


def test_half_weights_are_taken_and_further_ones_named(theirs, caplog):
    load_network(theirs(lambda tensors: {name: value.half() for name, value in tensors.items()}), WEIGHTS)
    assert not caplog.messages
    load_network(theirs(lambda tensors: tensors | {"more": torch.ones(2)}), WEIGHTS)
    assert "left out, as the network has no such weights: more" in caplog.text


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        (lambda t: dict(list(t.items())[1:]), "safetensors", r"lacks 1 of the network's \d+ weights"),
        (prefixed("another."), "safetensors", r"lacks (\d+) of the network's \1 weights"),
        (lambda t: {n: v * float("nan") for n, v in t.items()}, "safetensors", "holds NaN or infinity"),
        (lambda t: {n: v[:1].clone() for n, v in t.items()}, "safetensors", "size mismatch"),
        (lambda t: t | {"code": Code()}, "bin", "code in weights is never run"),
        (lambda t: b"version https://git-lfs.github.com/spec/v1", "bytes", "git lfs pull"),
        (lambda t: b"", "bytes", "damaged, or no weights"),
    ],
)
def test_weights_that_are_not_all_there_are_refused(theirs, change, kind, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DiffrenderError, match=said):
        load_network(theirs(change, kind), WEIGHTS)
    assert not Path("ran").exists()


@pytest.mark.parametrize(
    ("file", "change", "said"),
    [
        ("unet/config.json", {"sample_size": -4}, "whole numbers above 0"),
        ("unet/config.json", {"sample_size": "eight"}, "whole numbers above 0"),
        ("scheduler/scheduler_config.json", {"trained_betas": [2.0] * 20}, "do not fall from 1 to 0"),
        ("scheduler/scheduler_config.json", {"num_train_timesteps": 0}, "do not fall from 1 to 0"),
    ],
)
def test_settings_that_cannot_be_are_refused(theirs, file, change, said):
    folder = theirs(lambda tensors: tensors).parent
    settings = json.loads((folder / file).read_text())
    (folder / file).write_text(json.dumps(settings | change))
    found = diffusers_folder.find(str(folder))
    with pytest.raises(DiffrenderError, match=said):
        _ = found.event, found.scheduler


# ---- in a config -----------------------------------------------------------------------------------------------------
def run_of(tmp_path, folder, **sets) -> Run:
    (tmp_path / "theirs.yaml").write_text(f"model: {{kind: pretrained, path: {folder.name}}}\n")
    given = {"sampler.kind": "ddim", "sampler.steps": 5, "sampler.chains": 4, **sets}
    return Run.of(load_config(tmp_path / "theirs.yaml", given), device="cpu")


def test_a_config_of_one_line_is_sampled_with_the_models_own_table(tmp_path):
    folder = tmp_path / "theirs"
    DDPMPipeline(tiny(), DDPMScheduler(num_train_timesteps=100, beta_end=0.05)).save_pretrained(folder)
    run = run_of(tmp_path, folder)
    assert run.target.event == (1, 8, 8)
    assert len(run.table) == 101
    assert run.table.alphas_cumprod[1:] == pytest.approx(DDPMScheduler(100, beta_end=0.05).alphas_cumprod.numpy())
    assert run.table.alphas_cumprod[1:] != pytest.approx(DDPMScheduler(100).alphas_cumprod.numpy())
    out = sample(run.config, tmp_path / "a.npz", device="cpu")
    recorded = Trajectory.open(out)
    assert recorded.x.shape == (6, 4, 1, 8, 8)
    assert run.labels is None


def test_classes_of_a_pretrained_model_are_drawn_in_turn(tmp_path):
    folder = tmp_path / "theirs"
    DDPMPipeline(tiny(num_class_embeds=3), DDPMScheduler(num_train_timesteps=100)).save_pretrained(folder)
    assert list(run_of(tmp_path, folder).labels) == [0, 1, 2, 0]
    assert list(run_of(tmp_path, folder, **{"sampler.classes": [2]}).labels) == [2, 2, 2, 2]


def test_the_bytes_of_the_model_are_in_the_key(tmp_path, monkeypatch):
    folder = tmp_path / "theirs"
    DDPMPipeline(tiny(), DDPMScheduler(num_train_timesteps=100)).save_pretrained(folder)
    run_of(tmp_path, folder)
    monkeypatch.chdir(tmp_path)
    before = Subject.of("theirs.yaml").sample().key
    assert Subject.of("theirs.yaml").sample().key == before
    spoil(folder, "scheduler/scheduler_config.json", beta_end=0.05)
    assert Subject.of("theirs.yaml").sample().key != before


def test_the_folder_of_the_model_is_an_input_and_travels_to_a_cluster(tmp_path, monkeypatch):
    """What is packed is unpacked elsewhere, and sampled there when the folder itself is gone."""
    from diffrender.config import find
    from diffrender.jobs.cluster.bundle import pack, unpack
    from diffrender.jobs.kinds import Task, sample as do_sample

    folder, elsewhere = tmp_path / "theirs", tmp_path / "elsewhere"
    DDPMPipeline(tiny(), DDPMScheduler(num_train_timesteps=100)).save_pretrained(folder)
    run_of(tmp_path, folder)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(find, "_places", {})
    job = Subject.of("theirs.yaml", {"sampler.kind": "ddim", "sampler.steps": 3, "sampler.chains": 2}).sample()
    assert job.inputs == {f"{section}.path": folder for section in ("model", "target", "schedule")}
    bundle, sources = pack(job)
    contents = {hash_: path.read_bytes() for hash_, path in sources.items()}
    assert any(name.endswith(".safetensors") for name in bundle.files)
    folder.rename(tmp_path / "gone")
    described = unpack(bundle, elsewhere, contents.__getitem__)
    do_sample(Task.from_dict(described, lambda event: None))
    assert Trajectory.open(elsewhere / "out" / job.out.name).x.shape == (4, 2, 1, 8, 8)
    monkeypatch.setattr(find, "_places", {})
    with pytest.raises(DiffrenderError):  # the control: without its own copy it cannot
        do_sample(
            Task.from_dict({**described, "inputs": {}, "settings": {**described["settings"], "files": {}}}, print)
        )


def test_guidance_compares_with_the_row_that_stands_for_no_class(tmp_path):
    folder, scheduler = tmp_path / "theirs", DDPMScheduler(num_train_timesteps=100, clip_sample=False)
    DDPMPipeline(tiny(num_class_embeds=4), scheduler).save_pretrained(folder)
    guided = run_of(tmp_path, folder, **{"model.null_class": 1, "sampler.guidance_scale": 3.0})
    assert guided.target.labels == ("0", "2", "3")
    assert guided.labels.tolist() == [0, 1, 2, 0]
    x, level = torch.randn(3, 1, 8, 8), Level(0.8, 0.6, 0.3)
    times = torch.full((3,), guided.denoiser.denoiser.timestep(level.ratio))

    def answer(rows):
        with torch.no_grad():
            return guided.denoiser.denoiser.network(x, times, class_labels=torch.tensor(rows)).sample

    def by_hand(free):
        return free + 3.0 * (answer([0, 2, 3]) - free)

    found = guided.denoiser(x, level, torch.tensor([0, 1, 2])).x0
    raw = {row: (x - 0.6 * by_hand(answer([row] * 3))) / 0.8 for row in (1, 0)}
    assert torch.allclose(found, raw[1], atol=1e-4)
    assert not torch.allclose(found, raw[0], atol=1e-3), "the control: another row is no class"


@pytest.mark.parametrize(
    ("embeds", "sets", "says"),
    [
        (4, {"sampler.guidance_scale": 3.0}, r"guidance_scale.*\n.*null_class"),
        (4, {"model.null_class": 4}, "no row of its class embedding, which has 4"),
        (None, {"sampler.classes": [1]}, "pretrained model knows no classes"),
        (None, {"sampler.guidance_scale": 3.0}, "does nothing"),
    ],
)
def test_classes_and_guidance_that_a_model_does_not_have_are_refused(tmp_path, embeds, sets, says):
    folder = tmp_path / "theirs"
    DDPMPipeline(tiny(num_class_embeds=embeds), DDPMScheduler(num_train_timesteps=100)).save_pretrained(folder)
    with pytest.raises(ConfigError, match=says):
        run_of(tmp_path, folder, **sets)


def test_images_that_the_target_does_not_have_are_refused(tmp_path):
    folder = tmp_path / "theirs"
    DDPMPipeline(tiny(sample_size=12), DDPMScheduler(num_train_timesteps=100)).save_pretrained(folder)
    with pytest.raises(ConfigError, match=r"shape \(1, 12, 12\).*\n.*Leave target out"):
        run_of(tmp_path, folder, target={"kind": "digits"})
    with pytest.raises(DiffrenderError, match="does not bring the images"):
        sample(run_of(tmp_path, folder, **{"record.target_points": 9}).config, tmp_path / "a.npz", device="cpu")
