"""Cleaning outputs: what nothing refers to may go, and nothing else."""

import hashlib
import json
import os
import time

import av
import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from safetensors.numpy import save_file

from diffrender.core.errors import DiffrenderError
from diffrender.core.files import locked
from diffrender.jobs.left_behind import remove, survey

DAY = 86_400


def key(name):
    return hashlib.sha256(name.encode()).hexdigest()


def video(file, about):
    file.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(file), "w", options={"movflags": "use_metadata_tags"}) as container:
        container.metadata["comment"] = json.dumps(about)
        stream = container.add_stream("mpeg4", rate=5)
        stream.width = stream.height = 16
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8))))
        container.mux(stream.encode(None))


def picture(file, about):
    file.parent.mkdir(parents=True, exist_ok=True)
    text = PngInfo()
    text.add_text("comment", json.dumps(about))
    Image.new("L", (2, 2)).save(file, pnginfo=text)


def spoken(file, about):
    file.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(file), "w", format="flac") as container:
        container.metadata["comment"] = json.dumps(about)
        stream = container.add_stream("flac", rate=8000, layout="mono")
        stream.codec_context.format = "s16"
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def recording(file, about):
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez(file, meta=np.array(json.dumps(about)), x=np.zeros((2, 3)))


@pytest.fixture
def outputs(tmp_path):
    """A folder as weeks of work leave it; everything a day old."""
    talk, spiral = tmp_path / "lectures/talk", tmp_path / "spiral"
    recording(spiral / "ddpm.npz", {"key": key("ddpm")})
    recording(spiral / "heun.npz", {"key": key("heun")})
    recording(spiral / "named.npz", {"key": key("named")})
    recording(spiral / "training.npz", {"key": key("weights")})
    recording(spiral / "theirs.npz", {"kind": "reverse"})
    save_file({"w": np.zeros(2)}, spiral / "model.safetensors", {"key": json.dumps(key("weights"))})
    bytes_of = hashlib.sha256((spiral / "named.npz").read_bytes()).hexdigest()
    video(talk / "clips/denoise.mp4", {
        "key": key("denoise"), "upstream": {"run": key("ddpm"), "b": bytes_of}, "spoken": [key("said")],
    })  # fmt: skip
    for name in ("said", "welcome", "unsaid"):
        spoken(talk / f"voice/{name}.flac", {"key": key(name), "kind": "speech"})
    video(talk / "clips/old.mp4", {"key": key("old"), "upstream": {}})
    (talk / "clips/old.srt").write_text("1")
    for name in ("denoise", "gone"):
        video(talk / f"acts/{name}-1.mp4", {"key": key(f"{name} act"), "kind": "act", "clip": key(name)})
    for name in ("denoise", "old", "video-board"):
        picture(talk / f"posters/{name}.png", {"key": key("pictures")})
    video(
        talk / "talk.mp4", {"key": key("talk"), "kind": "film", "clips": [key("denoise")], "spoken": [key("welcome")]}
    )
    (talk / "notes.txt").write_text("mine")
    (tmp_path / ".half.npz.0123abcd.part").write_text("x")
    half = talk / "clips/.drift.mp4.diffrender"
    half.mkdir()
    (half / "render.json").write_text("{}")
    (half / "00000.mp4").write_text("x")
    for path in tmp_path.rglob("*"):
        os.utime(path, (time.time() - DAY,) * 2)
    os.utime(talk / "talk.mp4", (time.time() - DAY + 60,) * 2)
    return tmp_path


MAY_GO = {
    ".half.npz.0123abcd.part",
    "lectures/talk/clips/.drift.mp4.diffrender",
    "lectures/talk/clips/old.mp4",
    "lectures/talk/clips/old.srt",
    "lectures/talk/acts/gone-1.mp4",
    "lectures/talk/posters/old.png",
    "lectures/talk/voice/unsaid.flac",
    "spiral/heun.npz",
}


def unused(folder, **when):
    return {output.path.relative_to(folder).as_posix() for output in survey(folder, **when).unused}


def test_what_nothing_refers_to_may_go_and_nothing_else(outputs):
    assert unused(outputs) == MAY_GO
    found = survey(outputs)
    assert found.foreign == 2, "a recording without a key, and notes"
    assert {output.what for output in found.outputs} == {
        *("clip", "film", "picture", "recording", "speech", "subtitles", "unfinished", "weights")
    }


def test_a_reference_more_and_it_stays(outputs):
    """The control: the same folder, with a film that holds the old clip, and a clip that shows the other recording."""
    talk = outputs / "lectures/talk"
    said = [key("welcome"), key("unsaid")]
    video(talk / "talk.mp4", {
        "key": key("talk"), "kind": "film", "clips": [key("denoise"), key("old")], "spoken": said,
    })  # fmt: skip
    video(outputs / "spiral/drift.mp4", {"key": key("drift"), "upstream": {"run": key("heun")}})
    video(outputs / "spiral/gone.mp4", {"key": key("gone"), "upstream": {}})
    assert unused(outputs) == {".half.npz.0123abcd.part", "lectures/talk/clips/.drift.mp4.diffrender"}


def test_what_is_new_stays_for_it_may_be_in_use(outputs):
    assert unused(outputs, now=time.time() - DAY + 1800) == set()
    os.utime(outputs / "lectures/talk/clips/old.mp4", (time.time() - DAY + 120,) * 2)
    assert "lectures/talk/clips/old.mp4" not in unused(outputs), "made after the film, which did not want it yet"


def test_what_was_listed_is_deleted_and_all_else_is_as_it_was(outputs):
    before = {path: path.lstat().st_mtime_ns for path in outputs.rglob("*") if path.is_file()}
    wanted = survey(outputs).unused
    (outputs / "spiral/heun.npz").write_bytes(b"somebody made another")
    gone = remove(outputs, wanted)
    assert {output.path.relative_to(outputs).as_posix() for output in gone} == MAY_GO - {"spiral/heun.npz"}
    assert not any((outputs / name).exists() for name in MAY_GO - {"spiral/heun.npz"})
    left = {path for path in outputs.rglob("*") if path.is_file()}
    assert left == {path for path in before if not any(path.is_relative_to(output.path) for output in gone)}


def test_a_link_is_never_followed_nor_removed(outputs, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    recording(elsewhere / "run.npz", {"key": key("run")})
    os.utime(elsewhere / "run.npz", (time.time() - DAY,) * 2)
    (outputs / "linked").symlink_to(elsewhere)
    (outputs / "run.npz").symlink_to(elsewhere / "run.npz")
    assert unused(outputs) == MAY_GO
    assert unused(elsewhere) == {"run.npz"}, "the control: where it lies it may go"


def test_nothing_is_deleted_while_something_is_being_made(outputs):
    with locked(outputs / "lectures/talk/.lock", DiffrenderError("busy")):
        with pytest.raises(DiffrenderError, match="being made there"):
            remove(outputs, survey(outputs).unused)
        assert unused(outputs) == MAY_GO
