"""What the README tells a reader to type works as it stands there."""

import re
import subprocess
import sys
from pathlib import Path

import av
import pytest
import yaml

from diffrender.config.load import load_config
from diffrender.core import provenance
from diffrender.jobs.plan.clip import clip
from diffrender.trajectory.reader import Trajectory
from diffrender.video.settings import RenderSettings
from tests import one_process

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.S)


def test_the_config_reads(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(blocks("yaml")[0])
    assert load_config(file).target.params == {"sides": 5}


def test_the_models_own_example_records_and_renders(tmp_path):
    code = next(block for block in blocks("python") if "Recorder" in block)
    assert 'out="mine.mp4"' in code
    code = code.replace('out="mine.mp4"', 'out="mine.mp4", resolution="160,90", fps=4, options={"duration": 1}')
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    run = Trajectory.open(tmp_path / "mine.npz")
    assert run["x"].shape == (120, 3000, 2)
    assert run["x"][-1].std() == pytest.approx(0.5**0.5, rel=0.02), "the points ended on the unit circle"
    with av.open(str(tmp_path / "mine.mp4")) as video:
        assert video.streams.video[0].frames > 8


def test_the_scene_renders(tmp_path, monkeypatch):
    from diffrender.jobs.job import pending
    from diffrender.jobs.run.local import run

    monkeypatch.chdir(tmp_path)
    (tmp_path / "walk.py").write_text(next(block for block in blocks("python") if "TrajectoryScene" in block))
    overrides = {"model.kind": "exact", "sampler.steps": 4, "sampler.chains": 20}
    settings = RenderSettings(resolution="160,90", fps=2)
    job = clip("walk.py:Walk", overrides=overrides, settings=settings, out=tmp_path / "walk.mp4")
    run(pending([job]))
    assert (tmp_path / "walk.mp4").stat().st_size > 1000


def test_render_draws_what_the_line_above_it_samples(tmp_path):
    _, sample, render = re.findall(r"^    diffrender (.*?)(?: *#.*)?$", README.split("## Every day")[1], re.M)[:3]
    exact = ["--set", "model.kind=exact", "--chains", "50"]  # nothing to train
    made = one_process.run(*sample.split(), *exact, cwd=tmp_path).stdout.strip()
    drawn = one_process.run(*render.split(), "-s", "-r", "160,90", cwd=tmp_path)
    assert f"Drawn as last sampled: {made}." in drawn.stderr
    about = provenance.read(tmp_path / drawn.stdout.strip())
    assert about["upstream"]["run"] == provenance.key(tmp_path / made)


def test_every_linked_file_and_picture_is_there():
    links = re.findall(r"\]\((?!http)([^)#]+)", README)
    assert links
    assert [link for link in links if not (ROOT / link).is_file()] == []


def test_every_command_named_is_one():
    from diffrender.cli.app import app

    known = {command.name for command in app.registered_commands}
    named = set(re.findall(r"^\s+diffrender (\w+)", README, re.M))
    assert named
    assert named <= known


def test_every_shipped_scene_is_in_the_table():
    scenes = {file.stem for file in (ROOT / "scenes").glob("*.py")}
    assert scenes <= set(re.findall(r"^\| `(\w+)` \|", README, re.M))


def test_shell_lines_of_the_makefile_are_named():
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.M))
    assert {"setup", "demo", "test", "lint", "types"} <= targets
    assert yaml.safe_load(blocks("yaml")[0])["training"]["steps"] == 4000
