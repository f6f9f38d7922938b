"""What is up to date and what must be made."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from diffrender.config import load
from diffrender.config.scene_card import find_scene
from diffrender.core import provenance
from diffrender.core.errors import UsageError
from diffrender.jobs.job import Job, ordered, pending
from diffrender.jobs.kinds import KINDS
from diffrender.jobs.plan.clip import clip
from diffrender.jobs.plan.subject import Subject
from diffrender.trajectory import TrajectoryWriter
from diffrender.video.settings import RenderSettings

MINE = '''"""Mine."""
from manim import Scene

from diffrender.animation import Recording, SceneOptions, Training


class Mine(Scene):
    """A scene of my own."""

    default_config = "tiny"
    needs = {"run": Recording("reverse", {"sampler.kind": "ddim"}), "film": Training()}

    class Options(SceneOptions):
        pace: int = 1
'''


@pytest.fixture
def lecture_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs/tiny.yaml").write_text("target: {kind: spiral}\ntraining: {steps: 10}\nsampler: {steps: 4}\n")
    (tmp_path / "configs/shape.yaml").write_text("target: {kind: drawing, file: shape.svg}\n")
    (tmp_path / "configs/shape.svg").write_text("<svg/>")
    (tmp_path / "scenes").mkdir()
    (tmp_path / "scenes/mine.py").write_text(MINE)
    return tmp_path


def finish(job):
    """Write a recording that carries the job's key where the job would."""
    job.out.parent.mkdir(parents=True, exist_ok=True)
    for path in job.outputs:
        if path.suffix == ".npz":
            np.savez(path, meta=np.array(json.dumps({"key": job.key})))
        else:
            header = json.dumps({"__metadata__": {"key": job.key}}).encode()
            path.write_bytes(len(header).to_bytes(8, "little") + header)


def test_own_files_come_first_and_the_plan_needs_no_scene_import(lecture_folder):
    card = find_scene("mine")
    assert (card.summary, card.default_config) == ("A scene of my own.", "tiny")
    job = clip("mine")
    kinds = [(j.kind, j.out.name) for j in ordered([job])]
    assert kinds == [("train", "model.safetensors"), ("sample", "ddim.npz"), ("render", "mine.mp4")]


def test_only_what_changed_is_made(lecture_folder):
    sample = Subject.of("tiny").sample()
    train = sample.needs[0]
    assert [j.kind for j in pending([sample])] == ["train", "sample"]
    finish(train)
    assert [j.kind for j in pending([sample])] == ["sample"]
    finish(sample)
    assert pending([sample]) == []
    train.out.unlink()
    assert pending([sample]) == [], "an up-to-date recording does not need its weights again"


def test_overrides_never_overwrite_what_was_made_without_them(lecture_folder):
    plain, longer = Subject.of("tiny"), Subject.of("tiny", {"training.steps": 20})
    assert plain.folder.name == "tiny"
    assert longer.folder.name.startswith("tiny-")
    other = Subject.of("tiny", {"sampler.kind": "ddim"})
    assert (other.folder, other.recording.name) == (plain.folder, "ddim.npz")
    seeded = Subject.of("tiny", {"sampler.seed": 5})
    assert seeded.folder == plain.folder, "another seed of the chains does not train again"
    assert seeded.train().key == plain.train().key
    assert seeded.recording != plain.recording


def test_the_key_covers_the_bytes_of_named_files(lecture_folder):
    before = Subject.of("shape").train().key
    assert Subject.of("shape").train().key == before
    (lecture_folder / "configs/shape.svg").write_text("<svg></svg>")
    assert Subject.of("shape").train().key != before


def test_the_key_covers_scene_options_theme_and_upstream_but_not_workers(lecture_folder):
    key = clip("mine").key
    assert clip("mine", settings=RenderSettings(workers=2)).key == key
    assert clip("mine", settings=RenderSettings(theme="light")).key != key
    assert clip("mine", options={"pace": 2}).key != key
    assert clip("mine", overrides={"seed": 3}).key != key
    scene = lecture_folder / "scenes/mine.py"
    scene.write_text(scene.read_text() + "# changed\n")
    assert clip("mine").key != key


def test_a_clip_of_four_recordings_checks_its_config_once_for_each(monkeypatch):
    """`langevin` needs four recordings of one config: each was read and checked as often."""
    counts = {"parsed": 0, "checked": 0}

    def counting(name, function):
        def call(*arguments):
            counts[name] += 1
            return function(*arguments)

        return call

    load._load.cache_clear()
    load._data.cache_clear()
    monkeypatch.setattr(load, "read_yaml", counting("parsed", load.read_yaml))
    monkeypatch.setattr(load, "validate", counting("checked", load.validate))
    job = clip("langevin")
    assert [need.kind for need in job.needs] == ["sample"] * 4
    assert 1 <= counts["parsed"] <= 3
    assert 1 <= counts["checked"] <= len(job.needs)
    clip("langevin", overrides={"seed": 5})
    assert counts["checked"] > len(job.needs), "the control: other overrides are other checks"


def test_scene_needs_stand_behind_the_users_sets_unless_fixed(lecture_folder):
    subject = Subject.of("tiny", {"sampler.steps": 9, "sampler.kind": "heun"})
    asked = subject.for_scene({"sampler.steps": 7}, {"sampler.kind": "gradient"})
    assert asked.config.sampler.kind == "gradient"
    assert asked.config.sampler.steps == 9


def test_two_jobs_for_one_file_are_refused(lecture_folder):
    out = lecture_folder / "x.mp4"
    with pytest.raises(UsageError, match="Two different jobs"):
        ordered([clip("mine", out=out), clip("mine", out=out, settings=RenderSettings(theme="light"))])


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ({"scene": "langevni"}, "Did you mean 'langevin'?"),
        ({"scene": "mine", "config": "spirla"}, "Did you mean 'spiral'?"),
        ({"scene": "mine", "out": Path("a.avi")}, "'.avi' is not a format"),
        ({"scene": "mine", "trajectories": ["nothing.npz"]}, "no such recording"),
        ({"scene": "mine", "trajectories": ["x=nothing.npz"]}, "no recording called 'x'"),
        ({"scene": "missing.py"}, "no such scene file"),
        ({"scene": "scenes/mine.py:Yours"}, "Known: Mine"),
    ],
)
def test_wrong_names_are_refused_with_the_nearest(lecture_folder, call, said):
    with pytest.raises(UsageError) as caught:
        clip(**call)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"quality": "x"}, "--quality x: no such quality."),
        ({"resolution": "12"}, "W,H"),
        ({"theme": "drak"}, "Did you mean 'dark'?"),
        ({"format": "avi"}, "--format avi"),
        ({"aspect": "4:5"}, "--aspect 4:5"),
        ({"encode": "fats"}, "Did you mean 'fast'?"),
        ({"colour": "red"}, "unknown key 'colour'"),
        ({"fps": 0}, "fps"),
    ],
)
def test_wrong_settings_are_refused_with_the_nearest(given, said):
    with pytest.raises(UsageError) as caught:
        RenderSettings.of(**given)
    assert said in str(caught.value)


def test_a_module_beside_the_scene_that_it_imports_is_an_input_and_no_other(lecture_folder):
    """Editing a helper left the clip "up to date"."""
    scenes = lecture_folder / "scenes"
    (scenes / "mine.py").write_text(
        (scenes / "mine.py").read_text().replace("import Scene", "import Scene\nimport helper")
    )
    (scenes / "helper.py").write_text("def f():\n    from pack import deep\n")
    (scenes / "pack").mkdir()
    (scenes / "pack/__init__.py").write_text("")
    (scenes / "pack/deep.py").write_text("from . import deeper\nfrom .. import nothing_there\n")
    (scenes / "pack/deeper.py").write_text("import helper  # a circle is no harm\n")
    (scenes / "stranger.py").write_text("")
    job = clip("mine")
    assert {name for name in job.inputs if name.startswith("scene/")} == {
        "scene/mine", "scene/helper", "scene/pack/__init__", "scene/pack/deep", "scene/pack/deeper",
    }  # fmt: skip
    for module in ("helper.py", "pack/__init__.py", "pack/deep.py", "pack/deeper.py"):
        key = clip("mine").key
        (scenes / module).write_text((scenes / module).read_text() + "# changed\n")
        assert clip("mine").key != key, module
    key = clip("mine").key
    (scenes / "stranger.py").write_text("# changed\n")
    assert clip("mine").key == key, "the control: what it does not import does not count"
    (scenes / "helper.py").write_text("def f(:\n")
    assert clip("mine").key != key, "a module that is no Python counts by its bytes too"


def test_a_job_may_need_two_trainings_and_counts_each_by_its_key(lecture_folder):
    network, autoencoder = Subject.of("tiny").train(), Subject.of("tiny", {"model.width": 32}).train()
    out, inputs = lecture_folder / "latent.npz", {"weights": network.out, "autoencoder": autoencoder.out}
    job = Job("sample", "latent", out, {"steps": 5}, inputs, (network, autoencoder))
    assert [j.kind for j in pending([job])] == ["train", "train", "sample"]
    assert job.contents == {"weights": network.key, "autoencoder": autoencoder.key}
    other = Subject.of("tiny", {"model.width": 33}).train()
    assert replace(job, inputs={**inputs, "autoencoder": other.out}, needs=(network, other)).key != job.key
    swapped = {"weights": autoencoder.out, "autoencoder": network.out}
    assert replace(job, inputs=swapped).key != job.key, "which is which counts"


def test_the_key_covers_settings_but_not_those_that_change_nothing(lecture_folder):
    for kind, row in KINDS.items():
        plain = Job(kind, "a", lecture_folder / "a", {"counted": 1})
        assert Job(kind, "b", lecture_folder / "b", {"counted": 1}).key == plain.key, "names and places do not count"
        assert Job(kind, "a", lecture_folder / "a", {"counted": 2}).key != plain.key
        for name in row.uncounted:
            assert Job(kind, "a", lecture_folder / "a", {"counted": 1, name: 5}).key == plain.key
    assert len({Job(kind, "a", lecture_folder / "a").key for kind in KINDS}) == len(KINDS)


def test_provenance_of_what_is_damaged_is_nothing(tmp_path):
    for name in ("a.npz", "a.safetensors", "a.mp4", "a.gif", "a.png", "a.txt"):
        path = tmp_path / name
        assert provenance.read(path) is None
        path.write_bytes(b"\x01\x02" * 50)
        assert provenance.read(path) is None


def test_forcing_a_job_makes_again_what_it_needs_if_that_is_gone(tmp_path, monkeypatch):
    from diffrender.jobs import make

    need = Job("sample", "need", tmp_path / "need.npz", {})
    wanted = Job("render", "clip", tmp_path / "clip.mp4", {}, {}, (need,))
    monkeypatch.setattr(Job, "up_to_date", lambda self: self is wanted)
    ran = []
    monkeypatch.setattr(make, "check_before_start", lambda todo, children: None)
    monkeypatch.setattr(make, "run", lambda todo, on_event, children: ran.extend(todo) or [])
    make.bring_up_to_date(wanted)
    assert ran == [], "the control: unforced there is nothing to do"
    make.bring_up_to_date(wanted, force=True)
    assert ran == [need, wanted]


def test_a_scene_names_a_config_beside_it_wherever_one_works(lecture_folder, monkeypatch):
    away = lecture_folder / "away"
    away.mkdir()
    (away / "own.yaml").write_text("target: {kind: moons}\nmodel: exact\n")
    (away / "walk.py").write_text(MINE.replace('"tiny"', '"./own.yaml"').replace(', "film": Training()', ""))
    job = clip(str(away / "walk.py"))
    assert job.needs[0].settings["config"]["target"]["kind"] == "moons"
    (away / "own.yaml").unlink()
    with pytest.raises(UsageError, match=r"own.yaml: no such config file"):
        clip(str(away / "walk.py"))


def test_a_walk_is_recorded_beside_samplers_with_momentum_alone_and_not_asked_for_where_recordings_are_given(tmp_path):
    job = clip("langevin", "", {"sampler.kind": "underdamped", "sampler.friction": 1.5}, outputs=tmp_path)
    walk = {need.name: need for need in job.needs}["sample langevin (walk)"].settings["config"]["sampler"]
    assert (walk["kind"], walk["leapfrogs"], walk["chains"]) == ("hmc", 1, 16)
    assert walk["step_size"] == 0.25  # the scene's, as the chain beside it has it
    smaller = clip("langevin", "", {"sampler.kind": "hmc", "sampler.step_size": 0.05}, outputs=tmp_path)
    sizes = [need.settings["config"]["sampler"]["step_size"] for need in smaller.needs if "still" not in need.name]
    assert sizes == [0.05] * 4
    assert not any("walk" in need.name for need in clip("langevin", outputs=tmp_path).needs)
    files = [tmp_path / f"{name}.npz" for name in ("chain", "many", "still")]
    for file in files:
        with TrajectoryWriter(file, {"kind": "langevin"}) as writer:
            writer.add("x", np.zeros((3, 2, 2), np.float32))
            writer.add("time", np.arange(3.0))
    assert clip("langevin", trajectories=[str(file) for file in files], outputs=tmp_path).needs == ()


def test_acts_that_are_not_shown_need_no_recording_and_samplers_that_cannot_be_shown_are_refused(tmp_path):
    zoom = clip("langevin", options={"acts": "zoom"}, outputs=tmp_path)
    every = clip("langevin", outputs=tmp_path)
    assert len(zoom.needs) == 1 < len(every.needs)
    with pytest.raises(UsageError, match="--sampler gradient: the scene 'langevin' cannot show") as refused:
        clip("langevin", "", {"sampler.kind": "gradient"}, outputs=tmp_path)
    assert "ula" in str(refused.value.remedy)
