"""Classifier-free guidance."""

from __future__ import annotations

import pytest
import torch

from diffrender.config.sections import Config
from diffrender.core.errors import ConfigError
from diffrender.diffusion.check import check_config
from diffrender.diffusion.denoisers.base import Prediction
from diffrender.diffusion.denoisers.guidance import Guided
from diffrender.diffusion.levels import Level
from diffrender.diffusion.recording.run import Run

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
