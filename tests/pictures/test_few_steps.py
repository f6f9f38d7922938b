"""Runs of one step, and of two or three levels, as consistency models have them: they play like any other."""

import numpy as np
import pytest

import diffrender
from diffrender.animation.text.typst import Typeset

from .small_runs import EVERY, recordings

SHORT = {"duration": 1, "slow_steps": 1}
FEW = {
    "one step of DDIM": {"kind": "ddim", "steps": 1},
    "one step of Heun": {"kind": "heun", "steps": 1},
    "one step with noise": {"kind": "ddpm", "steps": 1},
    "two steps of a multistep rule": {"kind": "dpmpp_2m", "steps": 2},
}


def consistency_run(path, levels):
    """A recording of a consistency model's sampler: at each level the data are predicted, then noise comes back."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 2))
    with diffrender.Recorder(path, sampler={"name": "consistency"}) as recorder:
        for sigma in levels:
            x0 = x / np.linalg.norm(x, axis=1, keepdims=True)
            recorder.state(x, alpha=(1 - sigma**2) ** 0.5, sigma=sigma, x0=x0)
            x = x0 + 0.3 * sigma * rng.normal(size=x.shape)
        recorder.state(x0, alpha=1.0, sigma=0.0)
    return diffrender.Trajectory.open(path)


@pytest.mark.parametrize("name", FEW)
def test_a_clip_of_one_step_or_two(name, cinema, recorded):
    run = recorded("circle", sampler={**FEW[name], "chains": 60})
    assert len(run["x"]) == FEW[name]["steps"] + 1
    assert cinema("denoise", run=run).layout((480, 270), **SHORT) == []


@pytest.mark.parametrize("levels", [(1.0,), (0.999, 0.5), (1.0, 0.9, 0.4)])
def test_a_clip_of_a_consistency_model(levels, cinema, tmp_path):
    run = consistency_run(tmp_path / "x.npz", levels)
    first, *_, last = cinema("denoise", run=run).play([(1, 2), (10, 11)], (480, 270), fps=4, **SHORT)
    assert np.abs(first.frame.astype(int) - last.frame).max() > 50, "it moves"


@pytest.mark.parametrize("name", ["decide", "fan", "likelihood", "step", "images", "surf"])
def test_scenes_with_charts_and_slow_steps_have_room_for_one_step(name, cinema, recorded):
    sections, options = EVERY[name]
    one = {k: {**each, "sampler": {**each["sampler"], "steps": 1}} for k, each in sections.items()}
    scene = cinema(name, **recordings(one, recorded, None))
    assert scene.layout((480, 270), every=30, **options) == []
    if name == "decide":
        said = [m.body for top in scene.scene.mobjects for m in top.get_family() if isinstance(m, Typeset)]
        assert not any("nothing splits" in body for body in said), "what one step passes over"
