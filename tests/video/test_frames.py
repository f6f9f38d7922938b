"""Drawing ranges of frames: what Manim draws, whichever range it is drawn in."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from manim import Camera, MovingCamera, ThreeDCamera, tempconfig
from manim.renderer.cairo_renderer import CairoRenderer

from diffrender.core.errors import UsageError
from diffrender.video import frames
from diffrender.video.acts import Acts

TOYS = Path(__file__).with_name("toy_scenes.py")


@pytest.fixture
def settings(tmp_path):
    return frames.manim_config(320, 180, 10, transparent=False, media=tmp_path)


def drawn(name, settings, windows, **kwargs):
    """The frames of a toy scene inside windows, and how many went by."""
    scene, out = frames.load_scene(TOYS, name), []
    went = frames.draw(
        lambda renderer: scene(renderer=renderer), settings, windows,
        lambda pixels, repeat: out.extend([pixels.copy()] * repeat), **kwargs,
    )  # fmt: skip
    return out, went


def counted(name, settings):
    scene = frames.load_scene(TOYS, name)
    return frames.count(lambda renderer: scene(renderer=renderer), settings)


class Stock(CairoRenderer):
    """Manim's own renderer, whose frames are kept."""

    def add_frame(self, frame, num_frames=1):
        self.kept = [*getattr(self, "kept", []), *[frame] * num_frames]
        self.time += num_frames / self.camera.frame_rate


@pytest.mark.parametrize(("name", "camera"), [("Toy", None), ("Zoom", MovingCamera), ("Orbit", ThreeDCamera)])
def test_draws_what_manim_draws(name, camera, settings):
    scene = frames.load_scene(TOYS, name)
    with tempconfig(settings):
        renderer = Stock(camera_class=camera)
        scene(renderer=renderer).render()
    ours, _ = drawn(name, settings, [(0, frames.NEVER)])
    assert len(ours) == len(renderer.kept) > 2
    assert all(np.array_equal(a, b) for a, b in zip(ours, renderer.kept, strict=True))


@pytest.mark.parametrize("name", ["Toy", "Random", "Skips"])
def test_a_frame_depends_on_its_number_alone(name, settings):
    total = counted(name, settings)
    whole, _ = drawn(name, settings, [(0, total)])
    cuts = [0, 1, 2, total // 2, total - 1, total]
    for first, last in pairwise(cuts):
        part, went = drawn(name, settings, [(first, last)])
        assert went == last
        assert all(np.array_equal(a, b) for a, b in zip(part, whole[first:last], strict=True))
    scattered, _ = drawn(name, settings, [(1, 2), (3, total - 2), (total - 1, total)])
    wanted = [whole[1], *whole[3 : total - 2], whole[-1]]
    assert all(np.array_equal(a, b) for a, b in zip(scattered, wanted, strict=True))
    assert any(not np.array_equal(a, b) for a, b in pairwise(whole)), "a shift would go unseen"


@pytest.mark.parametrize(
    ("name", "frames_expected"), [("Toy", 28), ("Decimals", 14), ("Still", 1), ("Blink", 1), ("Skips", 5)]
)
def test_counts_are_exact(name, frames_expected, settings):
    assert counted(name, settings) == frames_expected
    pictures, went = drawn(name, settings, [(0, frames_expected)])
    assert (len(pictures), went) == (frames_expected, frames_expected)
    assert pictures[0][..., :3].max() > 0


@pytest.mark.parametrize(
    ("name", "acts"), [("Toy", [(0, "")]), ("Skips", [(0, ""), (3, "shown")]), ("Still", []), ("Blink", [(0, "")])]
)
def test_sections_are_acts_and_one_without_frames_is_none(name, acts, settings):
    found = Acts()
    scene = frames.load_scene(TOYS, name)
    frames.count(lambda renderer: scene(renderer=renderer), settings, acts=found)
    assert found.begun == acts


@pytest.mark.parametrize(("fps", "expected"), [(1, 7), (240, 74 + 120 + 156 + 108 + 50 + 96 + 48)])
def test_one_frame_a_second_and_two_hundred_and_forty(fps, expected, tmp_path):
    assert counted("Toy", frames.manim_config(320, 180, fps, transparent=False, media=tmp_path)) == expected


def test_frames_nobody_wants_are_not_drawn(settings, monkeypatch):
    calls = []
    capture = Camera.capture_mobjects
    monkeypatch.setattr(Camera, "capture_mobjects", lambda *a, **k: (calls.append(1), capture(*a, **k)))
    counted("Toy", settings)
    assert not calls
    drawn("Toy", settings, [(9, 11)])
    assert 2 <= len(calls) <= 6  # what stands still, once, and in each of the two frames what moves


def test_finished_state_is_after_the_last_animation(settings):
    (last,), _ = drawn("Decimals", settings, [(13, 14)])
    (finished,), _ = drawn("Decimals", settings, [(frames.NEVER, frames.NEVER)], finished_state=True)
    assert not np.array_equal(finished, last)  # the last frame is drawn 1/fps before the animation's end


def test_the_short_side_is_eight_units(tmp_path):
    for width, height in ((320, 180), (180, 320), (200, 200)):
        config = frames.manim_config(width, height, 10, transparent=False, media=tmp_path)
        assert min(config["frame_width"], config["frame_height"]) == 8
        assert config["frame_width"] / config["frame_height"] == pytest.approx(width / height)


def test_unknown_scenes_are_named(tmp_path):
    with pytest.raises(UsageError, match=r"no scene 'Tyo'[\s\S]*Did you mean 'Toy'"):
        frames.load_scene(TOYS, "Tyo")
    with pytest.raises(UsageError, match="no such scene file"):
        frames.load_scene(tmp_path / "nothing.py", "Toy")
