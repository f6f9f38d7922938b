"""Logos: files that are read before anything is drawn, and clips that carry them; text that is large."""

import numpy as np
import pytest
from PIL import Image

from diffrender.animation.scene import TrajectoryScene
from diffrender.animation.theme import LARGE, Frame
from diffrender.core import notes
from diffrender.core.errors import UsageError
from diffrender.video import logo
from diffrender.video.drawing.worker import DrawingWorker
from diffrender.video.render import render
from diffrender.video.spec import RenderSpec
from tests.animation.test_arrangements import SIZES
from tests.video.test_frames import TOYS

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 20"><rect width="30" height="20" fill="{}"/></svg>'


def test_a_logo_is_drawn_as_high_as_it_is_shown_without_its_empty_rim(tmp_path):
    pixels = logo.rasterized(SVG.format("#FF0000").encode(), "a.svg", 32)
    assert pixels.shape == (32, 48, 4)
    assert pixels[16, 24].tolist() == [255, 0, 0, 255]
    Image.new("RGB", (30, 10), "#00FF00").save(tmp_path / "a.png")
    assert logo.rasterized((tmp_path / "a.png").read_bytes(), "a.png", 20).shape == (20, 60, 4)


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("gone.svg", None, "gone.svg: no such file"),
        ("a.txt", "x", "not a picture that is read here"),
        ("a.svg", "x", "cannot be read as a logo"),
        ("a.png", "x", "cannot be read as a logo"),
        ("a.svg", SVG.format("none"), "nothing is to be seen in it"),
        ("a.svg", SVG.format("#FF0000").replace('width="30"', 'width="1"').replace("0 0 40 20", "0 0 4000 20")
         .replace('width="1"', 'width="4000"'), "more than 8 times as wide"),
    ],
)  # fmt: skip
def test_what_is_no_logo_is_refused(tmp_path, name, text, problem):
    file = tmp_path / name
    if text:
        file.write_text(text)
    with pytest.raises(UsageError, match=problem):
        logo.find_logo(str(file))


def test_a_logo_that_is_hard_to_see_is_named(tmp_path):
    (tmp_path / "dark.svg").write_text(SVG.format("#181818"))
    file = logo.find_logo(str(tmp_path / "dark.svg"))
    notes.SAID.clear()
    logo.warn_of_contrast(file, "light")
    assert not notes.SAID, "the control: on white it is seen"
    logo.warn_of_contrast(file, "dark")
    assert [text for text in notes.SAID if text.startswith("dark.svg: on #0D1117 only 0%")]


def test_a_clip_of_a_plain_manim_scene_has_the_mark_on_every_frame(tmp_path):
    (tmp_path / "red.svg").write_text(SVG.format("#FF0000"))
    sheet = {"scene": TOYS, "scene_class": "Toy", "width": 320, "height": 180, "fps": 10}
    spec = RenderSpec.of(**sheet, logo_file=tmp_path / "red.svg", author="Ada", out=tmp_path / "a.png", still=0.5)
    render(spec)
    with Image.open(tmp_path / "a.png") as image:
        marked = np.asarray(image.convert("RGB")).astype(int)
    render(spec.model_copy(update={"logo_file": None, "author": "", "out": tmp_path / "b.png"}))
    with Image.open(tmp_path / "b.png") as image:
        bare = np.asarray(image.convert("RGB")).astype(int)
    corner = np.s_[-20:, -60:]
    assert (np.abs(marked - [255, 0, 0]).max(-1)[corner] < 10).sum() > 60
    assert np.array_equal(marked[:150], bare[:150]), "nothing else is changed"
    assert not (np.abs(bare - [255, 0, 0]).max(-1)[corner] < 10).any(), "the control"


def test_large_text_is_the_scale_of_every_scene_of_ours_unless_it_has_its_own(tmp_path):
    class Seen(TrajectoryScene):
        def __init__(self, **given):
            self.given, self.page = given, None

    def given(**fields):
        spec = RenderSpec.of(scene=TOYS, scene_class="Toy", out=tmp_path / "a.mp4", **fields)
        worker = DrawingWorker(spec, tmp_path, tmp_path)
        worker.scene = Seen
        return worker._make(None).given["options"]

    assert given(font_size="large") == {"font_scale": LARGE}
    assert given(font_size="large", options={"font_scale": 1.5}) == {"font_scale": 1.5}
    assert given() == {}


@pytest.mark.parametrize("shape", SIZES)
def test_large_text_is_larger_but_a_caption_keeps_its_lines(shape):
    plain, large = (Frame.of(*SIZES[shape], font_scale=scale).type for scale in (1.0, LARGE))
    for name in ("title", "equation", "label", "legend"):
        assert getattr(large, name) == pytest.approx(LARGE * getattr(plain, name))
    assert (large.caption > plain.caption) == (shape not in ("wide", "tall"))  # of which it fills one line, or two
