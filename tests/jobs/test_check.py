"""What is about to be made is checked before its first job starts; what is up to date is not."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from diffrender.core import trust
from diffrender.core.errors import TrajectoryError, UsageError
from diffrender.jobs.cluster import bundle
from diffrender.jobs.job import pending
from diffrender.jobs.plan.clip import clip
from diffrender.jobs.plan.subject import Subject
from diffrender.jobs.run.check import check_before_start, trusted_code
from tests import one_process

MINE = '''"""Mine."""
import numpy as np
import torch

import beside
from diffrender import Density, Step


def knot(n, rng, *, twists: int = 3):
    """A closed curve with bumps."""
    t = rng.random(n) * 2 * np.pi
    reach = 1 + beside.DEPTH * np.cos(twists * t)
    return np.stack([reach * np.cos(t), reach * np.sin(t)], 1)


class Bowl(Density):
    """A normal density."""

    dim, bounds = 2, ((-4, 4), (-4, 4))

    def __init__(self, *, width: float = 1.0):
        self.width = width

    def evaluate(self, x):
        return -(x**2).sum(1) / (2 * self.width**2) - np.log(2 * np.pi * self.width**2), -x / self.width**2


def leap(density, x, noise, *, steps: int, step_size: float = 0.1):
    """Unadjusted Langevin, once more."""
    from diffrender import Level

    for i in range(steps):
        drift, kick = step_size * density.score(x), (2 * step_size) ** 0.5 * noise(i, 1)
        now, to = (Level(1.0, 0.0, step_size * (i + k)) for k in (0, 1))
        step = Step(i, now, to, x, x + drift + kick, i + 1, drift=drift, noise=kick)
        yield step
        x = step.x_next


def straight(denoise, x, levels, noise):
    """Euler's method on the probability flow."""
    for i, (now, to) in enumerate(zip(levels, levels[1:])):
        p = denoise(x, now)
        mean = to.alpha * p.x0 + to.sigma * p.eps
        step = Step(i, now, to, x, mean, i + 1, p.x0, p.eps, mean - x, torch.zeros_like(x))
        yield step
        x = step.x_next


class Tiny(torch.nn.Module):
    def __init__(self, size, width):
        super().__init__()
        self.net = torch.nn.Sequential(torch.nn.Linear(size + 1, width), torch.nn.SiLU(), torch.nn.Linear(width, size))

    def forward(self, x, log_snr, label=None):
        return self.net(torch.cat([x, log_snr[:, None] / 10], 1))


def tiny(event, classes, *, width: int = 8):
    """One hidden layer."""
    return Tiny(event[0], width)


def clean():
    """The clean data."""
    from diffrender import Objective

    return Objective(lambda out, level: {"x0": out}, target=lambda x0, eps, alpha, sigma: x0)


def even(n):
    """Straight paths in even steps."""
    from diffrender import Schedule

    t = np.arange(n + 1) / n
    return Schedule(1 - t, t, t, "even")
'''
LEARNED = """target: {kind: ./mine.py:knot, twists: 5}
model: {kind: ./mine.py:tiny, width: 6}
schedule: {kind: ./mine.py:even}
training: {steps: 3, objective: ./mine.py:clean, snapshots: 0, data_size: 50}
sampler: {kind: ./mine.py:straight, steps: 4, chains: 20}
"""
FOLLOWED = """target: {kind: ./mine.py:Bowl, width: 0.5}
model: exact
sampler: {kind: ./mine.py:leap, steps: 30, chains: 400, step_size: 0.02}
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A folder with a config beside its code, worked on from elsewhere; nothing is trusted yet."""
    (here := tmp_path / "here").mkdir()
    (folder := tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv(trust.VARIABLE, raising=False)
    for name, text in {
        "mine.py": MINE,
        "beside.py": "DEPTH = 0.2\n",
        "learned.yaml": LEARNED,
        "followed.yaml": FOLLOWED,
    }.items():
        (folder / name).write_text(text)
    return folder


def run_diffrender(*arguments, code=0):
    done = one_process.run(*arguments, cwd=Path.cwd())
    assert done.returncode == code, done.stderr
    return done


def test_code_from_elsewhere_is_run_when_it_is_trusted(own):
    """Everything of a learned run from one file: target, network, schedule, objective and sampler."""
    refused = run_diffrender("sample", own / "learned.yaml", code=2)
    assert f"{own / 'beside.py'}, {own / 'mine.py'}" in refused.stderr
    assert "--trust" in refused.stderr
    assert not list(own.parent.glob("here/outputs/**/*.npz"))
    run_diffrender("sample", own / "learned.yaml", "--trust")
    found = np.load("outputs/learned/mine-straight.npz")
    meta = json.loads(str(found["meta"]))
    assert found["x"].shape == (5, 20, 2)
    assert meta["config"]["model"] == {"kind": "./mine.py:tiny", "width": 6}
    assert (meta["sampler"]["title"], "def straight" in meta["sampler"]["source"]) == ("straight", True)
    assert str(own) not in str(found["meta"]), "the recording does not say where the code lay"
    listed = run_diffrender("list", "--config", own / "learned.yaml").stdout
    assert all(text in listed for text in ("A closed curve with bumps.", "twists: int = 3", "One hidden layer."))


def test_a_density_and_a_langevin_sampler_of_the_users_own(own, monkeypatch):
    monkeypatch.setenv(trust.VARIABLE, "1")
    run_diffrender("sample", own / "followed.yaml")
    x = np.load("outputs/followed/mine-leap.npz")["x"]
    assert x[-1].std() == pytest.approx(0.5, rel=0.15), "it follows the density, in its own width"


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"sampler.step_sice": 1}, "sampler.step_sice: .*Did you mean 'step_size'"),
        ({"target.width": "wide"}, "target.width: a number is needed"),
        ({"sampler.kind": "./mine.py:laep"}, "Did you mean 'leap'"),
        ({"sampler.kind": "./mine.py:knot"}, r"a sampler takes \(denoise, x, levels, noise\) or \(density, x, noise\)"),
        ({"target.kind": "./mine.py:clean"}, "gives Objective, no density"),
        ({"model.kind": "./mine.py:leap"}, "a model takes .event, classes."),
    ],
)
def test_own_code_is_checked_before_anything_is_made(own, monkeypatch, setting, said):
    monkeypatch.setenv(trust.VARIABLE, "1")
    job = Subject.of(str(own / "followed.yaml"), setting).sample()
    with pytest.raises(UsageError, match=f"(?s){said}"):
        check_before_start(pending([job]))


def test_a_change_in_the_code_or_beside_it_makes_the_run_again(own):
    def keys():
        learned, followed = (Subject.of(str(own / name)).sample() for name in ("learned.yaml", "followed.yaml"))
        return learned.key, learned.needs[0].key, followed.key

    before = keys()
    assert keys() == before
    for name in ("mine.py", "beside.py"):
        (own / name).write_text((own / name).read_text() + "# changed\n")
        assert not set(keys()) & set(before)
        before = keys()


def test_a_cluster_is_sent_the_code(own, tmp_path):
    job = Subject.of(str(own / "learned.yaml")).train()
    packed, places = bundle.pack(job)
    there = tmp_path / "there"
    unpacked = bundle.unpack(packed, there, lambda digest: places[digest].read_bytes())
    for name in ("mine", "beside"):
        assert (there / f"code/0/{name}.py").read_text() == (own / f"{name}.py").read_text()
    assert unpacked["inputs"]["code/0/mine"] == str(there / "code/0/mine.py")
    assert unpacked["settings"]["code"] == {"./mine.py": "code/0/mine"}


def test_code_is_named_to_who_asks(own, monkeypatch):
    subject = Subject.of(str(own / "followed.yaml"))
    with pytest.raises(UsageError, match="--trust"):
        trusted_code(subject)
    monkeypatch.setenv(trust.VARIABLE, "1")
    found = trusted_code(subject)
    assert {section: entry.summary for section, entry in found.items()} == {
        "target": "A normal density.",
        "sampler": "Unadjusted Langevin, once more.",
    }
    assert list(found["sampler"].parameters()) == ["steps", "step_size"]


@pytest.mark.parametrize(
    ("scene", "config", "said"),
    [
        ("mesh", "donut", r"target: torus has states of shape \(3,\), and the scene shows plane alone"),
        ("langevin", "spiral", "of spiral no density is known"),
        ("training", "one", r"shape \(1,\)"),
        ("interpolate", "donut", r"target: torus has states of shape \(3,\), and the scene shows images alone"),
        ("denoise", "one", r"shape \(1,\), and the scene shows plane and space alone"),
    ],
)
def test_what_a_scene_cannot_show_is_refused_before_anything_is_trained(own, monkeypatch, scene, config, said):
    (own / "one.yaml").write_text("target: {kind: double_well, dim: 1}\ntraining: {steps: 5}\n")
    monkeypatch.chdir(own)
    name = f"{config}.yaml" if (own / f"{config}.yaml").is_file() else config
    job = clip(scene, config=name)
    with pytest.raises(UsageError, match=said):
        check_before_start(pending([job]))


def test_a_recording_that_is_there_and_that_the_scene_cannot_show_is_refused_before(own, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    asked = {"model.kind": "exact", "sampler.kind": "ula", "sampler.chains": 20, "sampler.steps": 5}
    made = Subject.of("two_modes", asked, tmp_path).sample()
    run_diffrender("sample", "two_modes", "--outputs", str(tmp_path), *(f"--set={k}={v}" for k, v in asked.items()))
    assert made.up_to_date()
    job = clip("denoise", config="two_modes", overrides=asked, outputs=tmp_path)
    assert [each.kind for each in pending([job])] == ["render"]
    with pytest.raises(UsageError, match="ula makes a langevin run, and the scene shows reverse runs"):
        check_before_start(pending([job]))
    with pytest.raises(UsageError, match=r"ula.*holds a langevin run, and the scene 'denoise' shows reverse runs"):
        clip("denoise", trajectories=[str(made.out)])
    (tmp_path / "broken.npz").write_bytes(made.out.read_bytes()[:900])
    with pytest.raises(TrajectoryError, match=r"broken\.npz"):
        clip("denoise", trajectories=[str(tmp_path / "broken.npz")])


def test_what_is_up_to_date_is_not_checked_and_loads_no_torch(own):
    code = (
        "from diffrender.jobs.run.check import check_before_start as c; c([])"
        "; import sys; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], env=os.environ).returncode == 0


def test_an_unknown_model_is_told_every_kind_there_is():
    wrong = Subject.of("circle", {"model.kind": "exat"}).train()
    with pytest.raises(UsageError, match=r"Unknown model 'exat'.\nDid you mean 'exact'\? Known: .*local.*unet"):
        check_before_start([wrong])


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"model.kind": "unet"}, r"a 'unet' needs images, and the states of this target have shape \(2,\)"),
        ({"sampler.start": "nowhere"}, "sampler.start: 'nowhere' is none of noise"),
        ({"sampler.start": "grid", "sampler.chains": 10}, "no square grid"),
        ({"target.kind": "moons", "model.conditional": True, "sampler.classes": [99]}, "no class '99'"),
    ],
)
def test_what_does_not_suit_the_states_is_refused_before_anything_is_trained(setting, said):
    job = Subject.of("circle", setting).sample()
    with pytest.raises(UsageError, match=said):
        check_before_start([*job.needs, job])
    check_before_start([Subject.of("circle", {"sampler.start": "0.5, 0.5"}).sample()])  # the control
