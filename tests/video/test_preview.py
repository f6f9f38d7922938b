"""Previewing: the frame under the cursor first, then all, and the same pictures as the film's."""

import io
import os
import threading
import time

import numpy as np
import pytest
from PIL import Image

from diffrender.video import frames
from diffrender.video.preview.preview import Preview
from diffrender.video.preview.version import CHUNK, Picture, Version
from diffrender.video.spec import RenderSpec

SCENE = '''
from manim import LEFT, RIGHT, Scene, Square


class Toy(Scene):
    """A square goes to and fro."""

    def construct(self):
        square = Square(2, color="#FFFFFF", fill_opacity=1)
        self.add(square)
        self.play(square.animate.shift(3 * RIGHT), run_time=2)
        self.next_section("back")
        self.play(square.animate.shift(3 * LEFT), run_time=2)
        self.wait(1)
'''
FRAMES = 50


@pytest.fixture
def scene(tmp_path):
    file = tmp_path / "toy.py"
    file.write_text(SCENE)
    return file


def spec_of(scene, tmp_path):
    out = tmp_path / "toy.mp4"
    return RenderSpec.of(scene=scene, scene_class="Toy", out=out, format="mp4", width=160, height=90, fps=10)


@pytest.fixture
def preview():
    with Preview(2, lambda: None) as preview:
        yield preview


def until(preview, holds, seconds=60):
    end = time.monotonic() + seconds
    with preview.news:
        while not holds():
            assert time.monotonic() < end, "never came true"
            preview.news.wait(0.2)


def pixels(preview, frame):
    picture = preview.picture(preview.shown.number, frame, 30)
    return np.asarray(Image.open(io.BytesIO(picture)), int)


def rendered(spec, tmp_path, wanted, **how):
    """Frames as a film has them."""
    found = {}
    settings = frames.manim_config(spec.width, spec.height, spec.fps, transparent=False, media=tmp_path / "media")
    scene = frames.load_scene(spec.scene, spec.scene_class)
    order = iter(wanted)
    windows = [(k, k + 1) for k in wanted]
    frames.draw(
        lambda r: scene(renderer=r),
        settings,
        windows,
        lambda p, n: found.update({next(order): p[..., :3].copy()}),
        **how,
    )
    return found


# ---- what is drawn next ----------------------------------------------------------------------------------------------
def version(total=100, markers=(1, 41, 81), drawn=(), busy=()):
    made = Version(1, None, 0.0, total, [], list(markers), busy=set(busy))
    made.pictures = {k: Picture(None, True) for k in drawn}
    return made


def test_frames_come_from_the_cursor_outwards():
    made, order = version(drawn=[0]), []
    while chunk := made.next_chunk(50):
        marker, first, last = chunk
        assert marker <= first < last <= first + CHUNK
        made.pictures.update({k: Picture(None, True) for k in range(first, last)})
        order.append(first)
    assert sorted(made.pictures) == list(range(100))
    assert order[0] == 50
    distances = [min(abs(first - 50), abs(first + CHUNK - 1 - 50)) for first in order]
    assert distances == sorted(distances) or max(np.diff(distances)) <= CHUNK


def test_what_is_being_drawn_is_not_drawn_twice_and_what_was_jumped_to_is_drawn_again():
    assert version(drawn=range(50), busy=["50-58"]).next_chunk(50)[1:] == (58, 66)
    made = version(drawn=range(100))
    assert made.next_chunk(50) is None
    made.pictures[60] = Picture(None, False)
    assert made.next_chunk(50) == (41, 60, 61)


def test_an_exact_picture_is_not_replaced_by_one_that_was_jumped_to(tmp_path):
    made = version()
    made.keep({"at": 5, "repeat": 2, "file": "a", "jumped": False}, tmp_path)
    made.keep({"at": 5, "repeat": 3, "file": "b", "jumped": True}, tmp_path)
    assert [made.pictures[k].file.name for k in (5, 6, 7)] == ["a", "a", "b"]
    assert made.drawn() == [(5, 8)]


# ---- drawing ---------------------------------------------------------------------------------------------------------
def test_all_frames_are_drawn_as_the_film_has_them(preview, scene, tmp_path):
    spec = spec_of(scene, tmp_path)
    preview.look(30)
    preview.show(spec)
    until(preview, lambda: preview.shown and preview.shown.total)
    assert preview.shown.total == FRAMES
    assert preview.shown.acts == [[0, ""], [20, "back"]]
    until(preview, lambda: preview.shown.next_chunk(0) is None and not preview.shown.busy)
    assert all(picture.exact for picture in preview.shown.pictures.values())
    wanted = [0, 1, 13, 20, 30, 39, 49]
    film = rendered(spec, tmp_path, wanted)
    for frame in wanted:
        assert np.abs(pixels(preview, frame) - film[frame]).mean() < 1.5  # what JPEG costs
    assert np.abs(pixels(preview, 13) - film[30]).mean() > 5  # the control


def test_jumping_shows_what_playing_shows(scene, tmp_path):
    spec = spec_of(scene, tmp_path)
    for frame in (7, 19, 20, 33, 45):
        played, jumped = (rendered(spec, tmp_path, [frame], jump=jump)[frame] for jump in (False, True))
        assert np.array_equal(played, jumped)


def test_the_picture_stays_when_the_next_version_fails(preview, scene, tmp_path):
    spec = spec_of(scene, tmp_path)
    preview.look(25)
    preview.show(spec)
    until(preview, lambda: preview.shown and 25 in preview.shown.pictures)
    before = pixels(preview, 25)
    scene.write_text(SCENE.replace("        self.wait(1)", "        self.wait(1)\n        square.shfit(3)"))
    preview.show(spec)
    until(preview, lambda: preview.current.error and not preview.current.busy)
    assert "line 15" in preview.current.error.problem
    scene.write_text(SCENE.replace("construct(self):", "construct(self):\n        raise SystemExit(3)"))
    preview.show(spec)
    until(preview, lambda: preview.current.error)
    assert "SystemExit" in preview.current.error.problem
    assert np.array_equal(pixels(preview, 25), before)
    scene.write_text(SCENE.replace("Square(2,", "Square(4,"))
    preview.show(spec)
    until(preview, lambda: preview.shown is preview.current and 25 in preview.shown.pictures)
    assert np.abs(pixels(preview, 25) - before).mean() > 5


def test_all_of_a_version_is_of_the_text_with_which_it_began(preview, scene, tmp_path):
    preview.show(spec_of(scene, tmp_path))
    scene.write_text(SCENE.replace("construct(self):", "construct(self:"))  # before any process has read it
    until(preview, lambda: preview.shown and preview.shown.total)
    assert (preview.shown.total, preview.failed) == (FRAMES, False)
    preview.show(spec_of(scene, tmp_path))
    until(preview, lambda: preview.failed)
    assert preview.current.error.problem.startswith(f"{scene}, line 8: not Python (")


def test_a_cursor_beyond_the_end_of_a_shorter_version_goes_to_its_last_frame(preview, scene, tmp_path):
    preview.look(1000)
    preview.show(spec_of(scene, tmp_path))
    until(preview, lambda: preview.shown and FRAMES - 1 in preview.shown.pictures)
    assert preview.cursor == FRAMES - 1


def test_a_scene_that_hangs_is_dropped_by_the_next(preview, scene, tmp_path):
    spec = spec_of(scene, tmp_path)
    scene.write_text(SCENE.replace("construct(self):", "construct(self):\n        while True: pass"))
    preview.show(spec)
    until(preview, lambda: len(preview.current.busy) == 1)  # nothing else begins before there is a picture
    until(preview, lambda: len(processes(str(preview.folder))) == 2)
    scene.write_text(SCENE)
    preview.show(spec)
    until(preview, lambda: preview.shown and preview.shown.markers)
    assert preview.shown.number == 2
    assert standing_still(str(preview.folder)) == []


def test_never_more_processes_than_it_was_given(scene, tmp_path):
    most = []
    with Preview(1, threading.Event().set) as preview:
        preview.changed = lambda: most.append(len(preview.current.busy) if preview.current else 0)
        preview.show(spec_of(scene, tmp_path))
        until(preview, lambda: preview.shown and len(preview.shown.pictures) == FRAMES)
    assert max(most) == 1


def test_nothing_is_left_when_it_is_closed(scene, tmp_path):
    with Preview(2, lambda: None) as preview:
        preview.show(spec_of(scene, tmp_path))
        until(preview, lambda: preview.shown and preview.shown.markers)
        mine = str(preview.folder)
        assert len(processes(mine)) > 3
    end = time.monotonic() + 10
    while processes(mine) and time.monotonic() < end:
        time.sleep(0.05)
    assert processes(mine) == []
    assert not os.path.exists(mine)


def processes(word):
    """Processes on whose command line a word stands."""
    import psutil

    return [p.pid for p in psutil.process_iter(["cmdline"]) if word in " ".join(p.info["cmdline"] or [])]


def standing_still(word):
    """Those of them that are halted."""
    import psutil

    return [pid for pid in processes(word) if psutil.Process(pid).status() == psutil.STATUS_STOPPED]
