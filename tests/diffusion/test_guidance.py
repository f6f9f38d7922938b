"""Classifier-free guidance, and autoguidance."""

from __future__ import annotations

import pytest
import torch

from diffrender.config.overrides import worse_network
from diffrender.config.sections import Config
from diffrender.core.errors import ConfigError, DiffrenderError
from diffrender.diffusion.check import check_config
from diffrender.diffusion.denoisers.base import Prediction
from diffrender.diffusion.denoisers.guidance import Guided
from diffrender.diffusion.levels import Level
from diffrender.diffusion.recording.run import Run
from diffrender.diffusion.training.loop import train
from diffrender.jobs.plan.subject import Subject
from diffrender.jobs.run.check import check_before_start

LEVEL = Level(0.6, 0.8, 0.5)


class Labelled:
    """Predicts the label itself as x0, and 5 for any class; counts its calls."""

    def __init__(self, form: str) -> None:
        self.form, self.calls = form, 0

    def __call__(self, x, level, label=None):
        self.calls += 1
        said = torch.full((len(x),), -1) if label is None else label
        x0 = torch.where(said < 0, 5, said).to(x.dtype)[:, None].expand_as(x)
        return Prediction(x, level, **{self.form: getattr(Prediction(x, level, x0=x0), self.form)})


@pytest.mark.parametrize("form", ["x0", "eps", "score", "velocity", "flow"])
@pytest.mark.parametrize(("scale", "wanted"), [(0.0, [5, 5, 5]), (1.0, [0, 1, 2]), (3.0, [-10, -7, -4])])
def test_guidance_goes_beyond_the_condition(form, scale, wanted):
    x, label = torch.randn(3, 2, dtype=torch.float64), torch.tensor([0, 1, 2])
    denoiser = Labelled(form)
    p = Guided(denoiser, scale)(x, LEVEL, label)
    torch.testing.assert_close(p.x0, torch.tensor(wanted, dtype=torch.float64)[:, None].expand_as(x))
    assert denoiser.calls == 1
    assert p.given == form


def test_without_labels_there_is_nothing_to_guide_towards():
    x = torch.randn(3, 2)
    torch.testing.assert_close(Guided(Labelled("x0"), 7.0)(x, LEVEL).x0, torch.full((3, 2), 5.0))


def test_guidance_that_does_nothing_is_refused():
    plain = {"target": "moons", "model": "exact", "sampler": {"kind": "ddim", "guidance_scale": 3}}
    with pytest.raises(ConfigError, match=r"guidance_scale: 3 does nothing"):
        check_config(Config.model_validate(plain))
    with pytest.raises(ConfigError, match=r"guidance_scale: 3 does nothing"):
        Run.of(Config.model_validate(plain), device="cpu")
    check_config(Config.model_validate(plain | {"sampler": {"kind": "ddim"}}))
    check_config(Config.model_validate(plain | {"model": {"kind": "exact", "conditional": True}}))


# ---- autoguidance ----------------------------------------------------------------------------------------------------
NETWORK = {
    "target": "moons",
    "model": {"kind": "mlp", "width": 8, "conditional": True},
    "training": {"steps": 3, "batch_size": 16, "snapshots": 0, "snapshot_chains": 100, "data_size": 200},
    "sampler": {"kind": "ddim", "steps": 4, "chains": 6, "guidance_scale": 3.0},
    "record": {"target_points": 0},
}


def guided(**autoguidance):
    """A config that is guided by a network in which these sections differ."""
    sampler = NETWORK["sampler"] | {"autoguidance": autoguidance}
    return Config.model_validate(NETWORK | {"sampler": sampler})


@pytest.mark.parametrize("label", [None, torch.tensor([0, 1, 2])])
def test_autoguidance_goes_away_from_the_worse_networks_answer_of_the_same_class(label):
    class Worse(Labelled):
        def __call__(self, x, level, label=None):
            return Prediction(x, level, x0=super().__call__(x, level, label).x0 + 1)

    x = torch.randn(3, 2, dtype=torch.float64)
    own = Labelled("eps")(x, LEVEL, label).x0
    said = Guided(Labelled("eps"), 3.0, worse=Worse("x0"))(x, LEVEL, label)
    torch.testing.assert_close(said.x0, own + 1 + 3.0 * (own - own - 1))
    assert (said.x0 - Guided(Labelled("eps"), 2.0, worse=Worse("x0"))(x, LEVEL, label).x0).abs().max() > 0.5
    outside = Guided(Labelled("eps"), 3.0, (2.0, 9.0), worse=Worse("x0"))(x, LEVEL, label)
    torch.testing.assert_close(outside.x0, own)


def test_a_run_is_guided_by_the_worse_networks_weights(tmp_path):
    config = guided(training={"steps": 1})
    networks = [train(c, tmp_path / f"{k}.safetensors").weights for k, c in enumerate((config, worse_network(config)))]
    run, plain = (
        Run.of(c, weights=networks[0], worse=networks[1], device="cpu")
        for c in (config, Config.model_validate(NETWORK | {"sampler": NETWORK["sampler"] | {"guidance_scale": 1.0}}))
    )
    assert isinstance(run.denoiser, Guided)
    assert run.calls == 2
    x, label = torch.randn(5, 2), torch.zeros(5, dtype=torch.int64)
    mine, other = (part(x, LEVEL, label).x0 for part in (plain.denoiser, run.denoiser.worse))
    torch.testing.assert_close(run.denoiser(x, LEVEL, label).x0, other + 3.0 * (mine - other), atol=1e-5, rtol=1e-4)
    assert (mine - other).abs().max() > 1e-3, "the control: the two networks are not the same"
    with pytest.raises(DiffrenderError, match="must be trained before"):
        Run.of(config, weights=networks[0], device="cpu")


def test_the_worse_network_is_another_training_of_the_same_plan():
    overrides = {"model.conditional": True, "sampler.guidance_scale": 2.0, "sampler.autoguidance.training.steps": 9}
    job = Subject.of("moons", overrides).sample(device="cpu")
    steps = {need.out: need.settings["content"]["training"]["steps"] for need in job.needs}
    assert steps == {job.inputs["weights"]: 6000, job.inputs["worse"]: 9}
    check_config(Subject.of("moons", overrides).config)
    for need in job.needs:
        check_before_start([need])
    assert Subject.of("moons", overrides | {"sampler.autoguidance.training.steps": 8}).sample().key != job.key


@pytest.mark.parametrize(
    ("sections", "problem"),
    [
        ({"model": {"kind": "exact", "conditional": True}}, "none that is trained"),
        ({"sampler": {"autoguidance": {"training": {"steps": 1}}}}, "does nothing at guidance_scale: 1"),
        ({"sampler": {"guidance_scale": 2, "autoguidance": {"training": {"steps": 3}}}}, "the same network"),
        ({"sampler": {"guidance_scale": 2, "autoguidance": {"model": {"widht": 4}}}}, "widht"),
    ],
)
def test_autoguidance_that_cannot_be_is_refused_before_anything_is_trained(sections, problem):
    config = guided(training={"steps": 1}).model_dump()
    config = {name: value for name, value in config.items() if name not in ("source", "autoencoder_file")}
    for name, values in sections.items():
        config[name] = values if name == "model" else config[name] | {"guidance_scale": 1.0} | values
    with pytest.raises(ConfigError, match=problem):
        check_config(Config.model_validate(config))
