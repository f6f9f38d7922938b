"""The programs in docs/examples are whole: each is run as its reader would run it."""

import json
import re
import runpy
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests import one_process

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "docs/examples"
SMALL = ["--steps", "6", "--chains", "40", "--set", "training.steps=3", "--set", "training.snapshots=0"]


def run(*arguments, cwd):
    done = one_process.run(*arguments, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return Path(cwd) / done.stdout.strip().splitlines()[-1]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The examples in a folder of their own; nothing is trusted there yet."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return Path(shutil.copytree(EXAMPLES, tmp_path / "examples"))


@pytest.mark.parametrize("config", sorted(EXAMPLES.glob("*.yaml")), ids=lambda f: f.stem)
def test_a_config_with_code_of_its_own_runs(folder, config):
    recording = np.load(run("sample", config.name, "--trust", *SMALL, cwd=folder))
    assert recording["x"].shape[:2] == (7, 40)
    assert f"./{config.stem}.py:" in json.dumps(json.loads(str(recording["meta"]))["config"])


def test_the_midpoint_rule_is_better_than_eulers(folder, monkeypatch):
    """The sampler does what its docstring says: at as many steps its error is a fraction of that of Euler's method."""
    from diffrender.config.load import load_config
    from diffrender.diffusion.recording.run import Run

    monkeypatch.chdir(folder)
    target = {"kind": "gaussian_mixture", "means": [[0.5, 0]], "stds": 0.5}

    def end(kind, steps):
        sampler = {"sampler.kind": kind, "sampler.steps": steps, "sampler.chains": 50, "schedule.kind": "karras"}
        return Run.of(load_config(folder / "my_sampler.yaml", {"target": target, **sampler}), device="cpu").final()

    truth = end("ddim", 800)
    euler, midpoint = (np.abs(end(kind, 20) - truth).mean() for kind in ("ddim", "./my_sampler.py:midpoint"))
    assert midpoint < euler / 3


def test_the_scene_renders(folder):
    small = ["-n", 60, "-r", "160,90", "--fps", 4, "-O", "duration=1", "--set", "sampler.steps=8", "--still", 0.5]
    assert run("render", "my_scene.py", *small, "-o", "tails.png", cwd=folder).stat().st_size > 1000


def test_the_page_names_every_example():
    page = (ROOT / "docs/extending.md").read_text()
    assert {f.name for f in EXAMPLES.glob("my_*")} == set(re.findall(r"\(examples/(\w+\.\w+)\)", page))


OWN = {  # program → scene, shape of the states
    "diffusers_pipeline.py": ("images", (13, 4, 3, 16, 16)),
    "own_loop.py": ("drift", (61, 600, 2)),
    "k_diffusion_sampler.py": ("denoise", (41, 500, 2)),
    "numpy_sampler.py": ("denoise", (51, 500, 5)),
}


@pytest.mark.parametrize("program", OWN)
def test_a_model_of_ones_own_is_recorded_and_drawn(folder, program, monkeypatch, capsys):
    scene, shape = OWN[program]
    monkeypatch.chdir(folder)
    runpy.run_path(program, run_name="__main__")
    name = capsys.readouterr().out.strip().splitlines()[-1]
    recording = np.load(folder / name)
    assert recording["x"].shape == shape
    if len(shape) == 3:  # samples are near the data, and noise is not
        nearest = [np.linalg.norm(recording["target"][:, None] - x, axis=-1).min(0) for x in recording["x"][[0, -1]]]
        assert np.median(nearest[1]) < 0.3 * np.median(nearest[0])
    small = ["-r", "160,90", "--fps", 4, "-O", "duration=1", "--still", 0.5]
    assert run("render", scene, name, *small, "-o", "a.png", cwd=folder).stat().st_size > 1000


def test_the_page_of_ones_own_model_names_every_program():
    page = (ROOT / "docs/your-model.md").read_text()
    assert set(OWN) == set(re.findall(r"\(examples/(\w+\.py)\)", page))
