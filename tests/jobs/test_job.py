"""What is up to date and what must be made."""

import json

import numpy as np
import pytest

from diffrender.config.scene_card import find_scene
from diffrender.core import provenance
from diffrender.core.errors import UsageError
from diffrender.jobs.job import ordered, pending
from diffrender.jobs.plan.clip import clip
from diffrender.jobs.plan.subject import Subject

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
    for path in (job.out, *job.also):
        if path.suffix == ".npz":
            np.savez(path, meta=np.array(json.dumps({"key": job.key})))
        else:
            header = json.dumps({"__metadata__": {"key": job.key}}).encode()
            path.write_bytes(len(header).to_bytes(8, "little") + header)


def test_own_files_come_first_and_the_plan_needs_no_scene_import(lecture_folder):
    card = find_scene("mine")
    assert (card.summary, card.default_config) == ("A scene of my own.", "tiny")
    job = clip("mine", quality="l")
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
    plain, longer = Subject.of("tiny"), Subject.of("tiny", [(["training", "steps"], 20)])
    assert plain.folder.name == "tiny"
    assert longer.folder.name.startswith("tiny-")
    other = Subject.of("tiny", [(["sampler", "kind"], "ddim")])
    assert (other.folder, other.recording.name) == (plain.folder, "ddim.npz")
    seeded = Subject.of("tiny", [(["sampler", "seed"], 5)])
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
    assert clip("mine", workers=2).key == key
    assert clip("mine", theme="light").key != key
    assert clip("mine", options={"pace": 2}).key != key
    assert clip("mine", sets=[(["seed"], 3)]).key != key
    scene = lecture_folder / "scenes/mine.py"
    scene.write_text(scene.read_text() + "# changed\n")
    assert clip("mine").key != key


def test_scene_needs_stand_behind_the_users_sets_unless_fixed(lecture_folder):
    subject = Subject.of("tiny", [(["sampler", "steps"], 9), (["sampler", "kind"], "heun")])
    asked = subject.for_scene([(["sampler", "steps"], 7)], [(["sampler", "kind"], "gradient")])
    assert asked.config.sampler.kind == "gradient"
    assert asked.config.sampler.steps == 9


def test_two_jobs_for_one_file_are_refused(lecture_folder):
    out = lecture_folder / "x.mp4"
    with pytest.raises(UsageError, match="Two different jobs"):
        ordered([clip("mine", out=out), clip("mine", out=out, theme="light")])


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ({"scene": "langevni"}, "Did you mean 'langevin'?"),
        ({"scene": "mine", "config": "spirla"}, "Did you mean 'spiral'?"),
        ({"scene": "mine", "quality": "x"}, "--quality x"),
        ({"scene": "mine", "resolution": "12"}, "W,H"),
        ({"scene": "mine", "theme": "drak"}, "Did you mean 'dark'?"),
        ({"scene": "mine", "format": "avi"}, "--format avi"),
        ({"scene": "mine", "trajectories": ["nothing.npz"]}, "no such file"),
        ({"scene": "mine", "trajectories": ["x=nothing.npz"]}, "no recording called 'x'"),
        ({"scene": "missing.py"}, "no such scene file"),
        ({"scene": "scenes/mine.py:Yours"}, "Known: Mine"),
    ],
)
def test_wrong_names_are_refused_with_the_nearest(lecture_folder, call, said):
    with pytest.raises(UsageError) as caught:
        clip(**call)
    assert said in str(caught.value)


def test_provenance_of_what_is_damaged_is_nothing(tmp_path):
    for name in ("a.npz", "a.safetensors", "a.mp4", "a.gif", "a.png", "a.txt"):
        path = tmp_path / name
        assert provenance.read(path) is None
        path.write_bytes(b"\x01\x02" * 50)
        assert provenance.read(path) is None
