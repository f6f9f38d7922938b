"""Which finished clip the same in another format is made of."""

import numpy as np
import pytest

from diffrender.core import provenance
from diffrender.jobs.plan.clip import render_job
from diffrender.jobs.plan.reuse import of_another_format
from diffrender.video.encode import container
from diffrender.video.encode.encoder import Encoder
from diffrender.video.encode.settings import choose
from diffrender.video.spec import RenderSpec


def job(folder, name, **settings):
    """The job of a clip of a scene and a recording that lie in `folder`."""
    usual = {"scene": folder / "scene.py", "scene_class": "X", "trajectories": {"run": folder / "run.npz"}}
    spec = RenderSpec.of(**{**usual, "width": 64, "height": 36, "fps": 10, **settings}, out=folder / name)
    return render_job("scene", spec, [], "render scene")


def make(wanted):
    """What stands for a drawn clip: a video that carries the job's key."""
    part = wanted.out.with_stem("part")
    with Encoder(part, choose(part.suffix[1:]), 64, 36, 10) as encoder:
        encoder.write(np.zeros((36, 64, 4), np.uint8), 3)
    comment = provenance.comment({"key": wanted.key, "settings": {}})
    container.join([part], wanted.out, 10, metadata={"comment": comment})
    part.unlink()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "scene.py").write_text("# a scene\n")
    (tmp_path / "run.npz").write_bytes(b"a recording")
    make(job(tmp_path, "a.mp4"))
    return tmp_path


@pytest.mark.parametrize("name", ["a.gif", "a.webm", "a.mov", "another-name.gif"])
def test_the_same_in_another_format_is_made_of_the_clip(folder, name):
    found = of_another_format(job(folder, name))
    assert (found.kind, found.inputs, found.out) == ("convert", {"video": folder / "a.mp4"}, folder / name)


@pytest.mark.parametrize("wish", [{"gif_width": 32}, {"gif_fps": 5}, {"max_mb": 3.0}, {"loop": True}])
def test_what_is_asked_of_a_gif_alone_draws_nothing_and_counts(folder, wish):
    found = of_another_format(job(folder, "a.gif", **wish))
    assert found.kind == "convert"
    assert found.key != of_another_format(job(folder, "a.gif")).key


@pytest.mark.parametrize(
    "change",
    [
        {"theme": "light"},
        {"fps": 20},
        {"width": 128},
        {"options": {"seconds": 3}},
        {"encode": "small"},
        {"seed": 1},
        {"transparent": True},
        {"codec": "libvpx-vp9"},
    ],
)
def test_whatever_changes_a_picture_is_drawn(folder, change):
    assert of_another_format(job(folder, "a.webm", **change)).kind == "render"


def test_another_recording_is_drawn(folder):
    (folder / "run.npz").write_bytes(b"another")
    assert of_another_format(job(folder, "a.gif")).kind == "render"


def test_a_picture_and_what_is_there_already_stay_as_they_are(folder):
    assert of_another_format(job(folder, "a.png", still=0.5)).kind == "render"
    assert of_another_format(job(folder, "a.mp4")).up_to_date()


def test_an_mp4_is_not_made_of_a_webm(folder):
    """VP9 of so many bits is coarser than what would be drawn."""
    (folder / "a.mp4").unlink()
    make(job(folder, "a.webm"))
    assert of_another_format(job(folder, "a.mp4")).kind == "render"
