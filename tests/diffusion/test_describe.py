"""Names and equations in `meta`: everything registered has them, and they can be set as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from diffrender.animation.text.typst import maths, words
from diffrender.config.sections import CLOSED_FORMS as UNTRAINED, Config, ModelConfig
from diffrender.core.errors import RenderError
from diffrender.diffusion.denoisers.closed_forms import CLOSED_FORMS
from diffrender.diffusion.denoisers.networks.catalogue import NETWORKS
from diffrender.diffusion.denoisers.objectives import OBJECTIVES
from diffrender.diffusion.recording.describe import model_facts, objective_facts, sampler_facts
from diffrender.diffusion.recording.record import sample
from diffrender.diffusion.samplers.catalogue import SAMPLERS
from diffrender.trajectory.reader import Trajectory

TERMS = {"sum", "state", "data", "samples", "score", "noise", "accept", "reject"}


def check_equation(source: str) -> None:
    """Terms of the known names, each of which sets some glyphs."""
    names = re.findall(r":\s*(\w+)\s*\}\}", source)
    assert set(names) <= TERMS
    assert all(len(glyphs) for glyphs in maths(source, 0.5, "#FFFFFF").terms.values())


@pytest.mark.parametrize("name", list(SAMPLERS.entries))
def test_every_sampler_says_its_title_and_an_equation_that_can_be_set(name):
    facts = sampler_facts(SAMPLERS[name], {})
    assert facts["title"]
    assert facts["summary"]
    assert "sum" in facts["equation"] or name in ("hmc", "underdamped"), "these write their dynamics, not a step"
    check_equation(facts["equation"])
    if "acceptance" in facts:
        check_equation(facts["acceptance"])


def test_an_equation_that_cannot_be_set_or_tags_an_unknown_term_is_found_out():
    with pytest.raises(RenderError):
        check_equation("{{x_(t : sum}}")
    with pytest.raises(AssertionError):
        check_equation("{{x_t : sumo}}")


def test_ddims_equation_has_fresh_noise_only_where_eta_adds_it():
    calm, noisy = (sampler_facts(SAMPLERS["ddim"], {"eta": eta})["equation"] for eta in (0.0, 0.5))
    assert "xi" not in calm
    assert "xi" in noisy


@pytest.mark.parametrize("name", list(OBJECTIVES.entries))
def test_every_objective_says_its_title_paper_and_loss(name):
    facts = objective_facts(name)
    assert facts["title"]
    assert facts["paper"]
    assert facts["equation"].startswith("cal(L)")
    check_equation(facts["equation"])
    words(facts["title"], 0.5, "#FFFFFF")


def config(**model) -> Config:
    return Config(target={"kind": "moons"}, model=ModelConfig(**model))


@pytest.mark.parametrize("name", [*CLOSED_FORMS.entries, *NETWORKS.entries])
def test_every_models_label_is_filled_in(name):
    label = model_facts(config(kind=name), "reverse")["label"]
    assert label
    assert "{" not in label


def test_a_models_label_says_its_size_and_what_was_exact():
    assert model_facts(config(kind="mlp", depth=2), "reverse")["label"] == "learned: MLP 2 × 128"
    assert model_facts(config(kind="exact"), "reverse")["label"] == "exact denoiser"
    assert model_facts(config(kind="exact"), "langevin")["label"] == "score by formula"
    assert model_facts(config(kind="exact"), "langevin", asked=False)["kind"] == "density"
    assert model_facts(config(kind="mlp"), "forward")["label"] == ""


def test_a_recording_says_what_its_sampler_is_called(tmp_path: Path):
    settings = Config(
        target={"kind": "moons"},
        model=ModelConfig(kind="exact"),
        sampler={"kind": "heun", "steps": 3, "chains": 4},
        record={"target_points": 0},
    )
    meta = Trajectory.open(sample(settings, tmp_path / "run.npz", device="cpu")).meta
    assert meta["sampler"]["title"] == "Heun"
    assert "hat(epsilon)" in meta["sampler"]["equation"]
    assert meta["model"] == {"kind": "exact", "name": "exact", "label": "exact denoiser"}
    assert "objective" not in meta


def test_models_that_need_no_training_are_those_the_config_says():
    assert set(UNTRAINED) == set(CLOSED_FORMS.entries)
