"""From a spec to a file: clips, stills, contact sheets, and what is said when something cannot be."""

import json
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from diffrender.core.errors import ConfigError, RenderError, UsageError
from diffrender.video.encode import container
from diffrender.video.render import as_drawn, render, sheet_frames
from diffrender.video.settings import RenderSettings
from diffrender.video.spec import RenderSpec

TOYS = Path(__file__).with_name("toy_scenes.py")


def spec(out, **fields):
    """A small render of a toy scene."""
    usual = {"scene": TOYS, "scene_class": "Toy", "width": 320, "height": 180, "fps": 10}
    return RenderSpec.of(**{**usual, "out": out, **fields})


def decoded(path):
    with av.open(str(path)) as opened:
        return [frame.to_ndarray(format="rgb24") for frame in opened.decode(video=0)]


def psnr(a, b):
    return 10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2))


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A clip and the progress that was reported while it was made."""
    events = []
    result = render(spec(tmp_path_factory.mktemp("clip") / "clip.mp4", metadata={"title": "Toy"}), events.append)
    return result, events


def test_a_clip(clip):
    result, _ = clip
    found = container.probe(result.path)
    assert (found.codec, found.pixel_format) == ("h264", "yuv420p")
    assert (found.width, found.height, found.fps, found.frames) == (320, 180, 10, 28)
    assert (result.width, result.height, result.fps, result.frames, result.notes) == (320, 180, 10, 28, ())
    assert found.metadata["title"] == "Toy"
    assert list(result.path.parent.iterdir()) == [result.path]


def test_progress_goes_up_to_the_number_of_frames(clip):
    _, events = clip
    drawn = [e for e in events if e["stage"] == "draw"]
    assert [e["done"] for e in drawn] == sorted(e["done"] for e in drawn)
    assert (drawn[0]["done"], drawn[-1]["done"], drawn[-1]["total"]) == (0, 28, 28)
    assert list(dict.fromkeys(e["stage"] for e in events)) == ["count", "draw", "join"]


def test_a_still_is_the_frame_at_that_part_of_the_clip(clip, tmp_path):
    result = render(spec(tmp_path / "half.png", still=0.5, metadata={"comment": "{}"}))
    with Image.open(result.path) as image:
        assert (image.mode, image.size, image.info["comment"]) == ("RGB", (320, 180), "{}")
        still = np.asarray(image)
    likeness = [psnr(still, frame) for frame in decoded(clip[0].path)]
    assert int(np.argmax(likeness)) == 14
    assert likeness[14] > 35


def test_a_contact_sheet(clip, tmp_path):
    result = render(spec(tmp_path / "sheet.png", contact_sheet=True, width=640, height=360))
    assert result.frames == 12
    sheet = np.asarray(Image.open(result.path).convert("RGB"))
    gap, width, height = 7, (640 - 7) // 4 - 7, round(((640 - 7) // 4 - 7) * 360 / 640)
    smaller = [Image.fromarray(f).resize((width, height), 1) for f in decoded(clip[0].path)]
    for i, k in enumerate(sheet_frames(28)):
        x, y = gap + i % 4 * (width + gap), gap + i // 4 * (height + gap)
        tile = sheet[y : y + height, x : x + width]
        likeness = [psnr(tile, np.asarray(small)) for small in smaller]
        assert likeness[k] > 25
        assert likeness[k] >= max(likeness) - 0.5


def test_sheet_frames_are_in_the_middle_of_equal_parts():
    assert sheet_frames(120) == list(range(5, 120, 10))
    assert sheet_frames(3) == [0, 1, 2]
    assert sheet_frames(1) == [0]


def test_the_finished_state_with_alpha(tmp_path):
    result = render(spec(tmp_path / "end.png", scene_class="Flat", transparent=True))
    rgba = np.asarray(Image.open(result.path))
    assert rgba[0, 0].tolist() == [0, 0, 0, 0]
    assert rgba[60, 130].tolist() == [255, 255, 255, 128]  # white at half, not grey


def test_gif_is_narrower_and_slower(tmp_path):
    result = render(
        spec(tmp_path / "a.gif", scene_class="Colours", fps=30, gif_width=160, gif_fps=10, metadata={"comment": "{}"})
    )
    assert (result.width, result.height, result.fps, result.frames) == (160, 90, 10, 5)
    with Image.open(result.path) as image:
        assert (image.size, image.info["loop"], image.info["comment"]) == ((160, 90), 0, b"{}")
        assert image.info["duration"] == 100
        assert np.abs(np.asarray(image.convert("RGB"))[45, 20].astype(int) - (255, 0, 0)).max() <= 8


@pytest.mark.parametrize(
    ("given", "width"),
    [({}, 720), ({"resolution": "1024,768"}, 1024), ({"resolution": "1024,768", "gif_width": 300}, 300)],
)
def test_a_gif_has_the_pixels_that_were_asked_for_by_number(tmp_path, given, width):
    wish = RenderSettings.of(**given)
    made = RenderSpec.with_settings(wish, out=tmp_path / "a.gif", scene=tmp_path / "a.py", scene_class="A")
    assert as_drawn(made)[0].width == width


def test_a_looped_gif_ends_as_it_began_and_is_as_long(tmp_path):
    def jump_and_length(name, **fields):
        pictures, milliseconds = [], 0
        with Image.open(render(spec(tmp_path / name, **fields)).path) as image:
            for k in range(image.n_frames):
                image.seek(k)
                pictures.append(np.asarray(image.convert("RGB")).astype(int))
                milliseconds += image.info["duration"]
        return np.abs(pictures[-1] - pictures[0]).mean(), milliseconds

    plain, looped = jump_and_length("a.gif"), jump_and_length("b.gif", loop=True)
    assert looped[0] < 0.3
    assert plain[0] > 3, "the control: without it there is a jump"
    assert looped[1] == plain[1] == 2800
    with pytest.raises(UsageError, match="for GIFs"):
        spec(tmp_path / "a.mp4", loop=True)


def test_metadata_say_how_recorded_time_was_shown(tmp_path):
    result = render(spec(tmp_path / "a.mp4", scene_class="Recorded", metadata={"comment": '{"key":"k"}'}))
    comment = json.loads(container.probe(result.path).metadata["comment"])
    assert comment == {"key": "k", "shown": [{"timeline": "linear", "steps": 4, "interpolated": True}]}


def test_webm_with_alpha(tmp_path):
    result = render(spec(tmp_path / "a.webm", scene_class="Colours", transparent=True))
    assert container.probe(result.path).pixel_format == "yuva420p"


def test_odd_sizes_are_made_even_and_it_is_said(tmp_path):
    result = render(spec(tmp_path / "a.mp4", width=321, height=181, scene_class="Blink"))
    assert (result.width, result.height, result.frames) == (320, 180, 1)
    assert result.notes == ("321×181 was rounded to 320×180: mp4 wants even numbers.",)
    lossless, notes = as_drawn(spec(tmp_path / "a.mov", width=321, height=181, transparent=True))
    assert (lossless.width, notes) == (321, ())


# ---- what cannot be --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"out": "a.avi"}, "avi"),
        ({"fps": 0}, "fps"),
        ({"fps": 241}, "fps"),
        ({"width": -4}, "width"),
        ({"transparent": True}, "mp4 cannot be transparent"),
        ({"format": "webm"}, "does not end in .webm"),
        ({"codek": "x"}, "Did you mean 'codec'"),
    ],
)
def test_specs_that_cannot_be(fields, message, tmp_path):
    with pytest.raises((ConfigError, UsageError), match=message):
        spec(**{"out": tmp_path / "a.mp4", **fields})


def test_an_encoder_that_does_not_open_is_found_out_before_drawing(tmp_path):
    events = []
    with pytest.raises(RenderError, match=r"mpeg4 does not open here[\s\S]*These do: .*libvpx-vp9"):
        render(spec(tmp_path / "a.webm", codec="mpeg4"), events.append)
    assert {e["stage"] for e in events} == {"count"}
    assert list(tmp_path.iterdir()) == []


def test_a_mistake_in_a_scene_is_found_by_its_line(tmp_path):
    line = TOYS.read_text().splitlines().index("        self.nothing_of_the_kind()") + 1
    with pytest.raises(RenderError, match=f"toy_scenes.py, line {line}: AttributeError") as caught:
        render(spec(tmp_path / "a.mp4", scene_class="Wrong"))
    assert "Traceback" in caught.value.__notes__[0]


def test_a_formula_in_tex_without_latex_says_what_else_there_is(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "formula.py").write_text(
        "from manim import MathTex, Scene\n\n\nclass Formula(Scene):\n    def construct(self):\n"
        '        self.add(MathTex("x"))\n'
    )
    with pytest.raises(RenderError, match=r"line 6: MathTex and Tex need LaTeX.*\n.*MathTypst"):
        render(spec(tmp_path / "a.mp4", scene=tmp_path / "formula.py", scene_class="Formula"))


def test_a_scene_that_is_not_the_same_twice(tmp_path):
    with pytest.raises(RenderError, match="ended after 10 frames"):
        render(spec(tmp_path / "a.mp4", scene_class="Changes"))
