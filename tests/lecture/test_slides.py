"""Slides: steps are the acts of clips, and every kind of slides shows what the clips show at the same times."""

import io
import json
import shlex
import time
import zipfile

import av
import numpy as np
import pytest
from PIL import Image

from diffrender.cli.app import app
from diffrender.core import provenance
from diffrender.core.errors import MissingToolError
from diffrender.lecture import file as lecture_file
from diffrender.lecture.file import Clip
from diffrender.lecture.plan import plan
from diffrender.lecture.slides import write as kinds
from diffrender.lecture.slides.slide import command, slides_of
from diffrender.video.encode import container
from diffrender.video.encode.settings import choose, open_stream
from tests.cli.browser import PROGRAM, Chromium

FPS, SIZE = 10, (64, 48)
ACTS = [[0, ""], [8, "run"], [18, "result"]]
FRAMES = 24
LECTURE = """\
title: Noise </script> & "data"
defaults: {resolution: "64,48", fps: 10, seed: 3}
outputs: {film: false, contact_sheet: false}
entries:
  - video: acts.mp4
    title: In acts
    caption: "{{script}}"
    notes: |
      Greet them.
      <b>Then</b> begin.
  - video: plain.mp4
"""


def grey(frame):
    """How bright a frame is."""
    return 20 + 8 * frame


def write_video(file, acts):
    with av.open(str(file), "w", options={"movflags": "use_metadata_tags"}) as out:
        about = {"key": "0" * 64, "acts": acts, "equations": ["x_t = alpha_t x_0"]}
        out.metadata["comment"] = json.dumps(about)
        stream = open_stream(out, choose("mp4", encode="fast"), *SIZE, FPS)
        for k in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(np.full((SIZE[1], SIZE[0], 3), grey(k), np.uint8)).reformat(
                format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG"
            )
            frame.pts = k
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


@pytest.fixture
def lecture(tmp_path, monkeypatch):
    """The plan of a lecture of two videos, one of which says its acts, as clips of ours do."""
    monkeypatch.chdir(tmp_path)
    write_video(tmp_path / "acts.mp4", ACTS)
    write_video(tmp_path / "plain.mp4", [])
    (tmp_path / "talk.yaml").write_text(LECTURE)
    return plan(lecture_file.load(tmp_path / "talk.yaml"), tmp_path / "outputs")


def made(lecture, *names, **more):
    return kinds.write(lecture, names, **{"embed": False, "notice": lambda text: None, **more})


def brightness(png):
    with Image.open(io.BytesIO(png)) as picture:
        return picture.convert("L").getpixel((200, 100))


def greys(file):
    with av.open(str(file)) as video:
        return [float(frame.to_ndarray(format="rgb24").mean()) for frame in video.decode(video=0)]


def test_a_slide_waits_where_the_next_act_begins_and_at_its_end(lecture):
    acts, plain = slides_of(lecture)
    assert acts.stops == (9, 19, FRAMES)
    assert acts.acts == ("", "run", "result")
    assert (plain.stops, plain.acts) == ((FRAMES,), ("",))
    assert acts.notes == "Greet them.\n<b>Then</b> begin.\n"


@pytest.mark.parametrize("told", ["acts", [[0]], [[0, "a"], [-3, "b"], [FRAMES, "c"]], {"0": 1}])
def test_acts_that_cannot_be_are_left_out(lecture, tmp_path, told):
    write_video(tmp_path / "acts.mp4", told)
    assert slides_of(lecture)[0].stops == (FRAMES,)


def test_pieces_are_cut_at_the_frame_and_once(lecture):
    made(lecture, "manim-slides")
    pieces = sorted((lecture.folder / "acts").glob("*.mp4"))
    assert [container.probe(piece).frames for piece in pieces] == [9, 10, 5]
    whole = greys("acts.mp4")
    assert np.abs(np.concatenate([greys(piece) for piece in pieces]) - whole).max() < 1.5
    assert np.abs(np.diff(whole)).min() > 5, "the control: one frame off, and it would be seen"
    times = [piece.stat().st_mtime_ns for piece in pieces]
    made(lecture, "manim-slides")
    assert [piece.stat().st_mtime_ns for piece in pieces] == times
    assert provenance.read(pieces[0])["kind"] == "act"


def test_manim_slides_finds_every_file_from_the_folder_it_is_started_in(lecture):
    (file,) = made(lecture, "manim-slides")
    data = json.loads(file.read_text())
    assert file == lecture.folder / "slides/talk.json"
    assert len(data["slides"]) == 4
    assert all((lecture.folder / one[key]).is_file() for one in data["slides"] for key in ("file", "rev_file"))
    assert (data["resolution"], data["slides"][0]["notes"]) == ([64, 48], slides_of(lecture)[0].notes)


def test_powerpoint_has_a_slide_for_each_act_whose_video_starts_by_itself(lecture):
    pptx = pytest.importorskip("pptx")
    (file,) = made(lecture, "pptx")
    deck = pptx.Presentation(str(file))
    assert len(deck.slides) == 4
    assert deck.slide_width / deck.slide_height == pytest.approx(64 / 48)
    for page, at in zip(deck.slides, (0, 9, 19, 0), strict=True):
        (shape,) = page.shapes
        assert (shape.width, shape.height) == (deck.slide_width, deck.slide_height)
        with Image.open(io.BytesIO(shape.poster_frame.blob)) as poster:
            assert np.asarray(poster.convert("L")).mean() == pytest.approx(greys("acts.mp4")[at], abs=2)
        xml = page._element.xml
        assert 'cmd="playFrom(0.0)"' in xml
        assert 'nodeType="afterEffect"' in xml
        assert xml.count(f'spid="{shape.shape_id}"') == 2
    assert deck.slides[0].notes_slide.notes_text_frame.text.startswith("Greet them.")
    with zipfile.ZipFile(file) as archive:
        assert sum(name.endswith(".mp4") for name in archive.namelist()) == 4


def test_without_python_pptx_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setattr(kinds, "find_spec", lambda name: None)
    kinds.check(["html", "pdf", "manim-slides"])
    with pytest.raises(MissingToolError, match=r"\[slides\]"):
        kinds.check(["pptx"])


def test_the_handout_is_a_pdf_with_a_page_for_each_entry(lecture, tmp_path):
    (file,) = made(lecture, "pdf")
    data = file.read_bytes()
    assert data.startswith(b"%PDF")
    assert data.count(b"/Type /Page\n") + data.count(b"/Type/Page/") == 2 or b"/Count 2" in data


def test_the_command_of_a_clip_makes_the_same_clip(lecture, tmp_path):
    (tmp_path / "clip.yaml").write_text(
        "title: T\ndefaults: {resolution: '64,48', fps: 10, seed: 3, theme: light}\nentries:\n"
        "  - {scene: denoise, config: spiral, set: {model.kind: exact, sampler.steps: 5}, options: {title: It’s $x$}}\n"
    )
    read = lecture_file.load(tmp_path / "clip.yaml")
    assert isinstance(read.entries[0], Clip)
    words = shlex.split(command(read, read.entries[0]))
    assert words[0] == "diffrender"
    import typer.main

    program = typer.main.get_command(app).commands["render"]
    given = program.make_context("render", words[2:]).params
    assert (given["scene"], given["config"], given["fps"], given["theme"]) == ("denoise", "spiral", 10, "light")
    assert given["sets"] == ["sampler.seed=3", "model.kind=exact", "sampler.steps=5"]
    assert given["options"] == ["title=It’s $x$"]


def test_the_page_asks_no_network_and_what_the_lecturer_wrote_stays_text(lecture):
    (file,) = made(lecture, "html")
    page = file.read_text()
    assert "http" not in page
    assert "<b>Then</b>" not in page
    assert page.count("</script>") == 2
    (embedded,) = made(lecture, "html", embed=True)
    assert embedded.read_text().count("data:video/mp4;base64,") == 2


@pytest.mark.skipif(PROGRAM is None, reason="no Chromium here")
def test_the_deck_plays_an_act_waits_and_goes_on(lecture):
    (file,) = made(lecture, "html")
    with Chromium(400, 300) as browser:

        def frame():
            """The frame that stands: by its time, which its brightness on the screen must bear out."""
            browser.until("video(steps[at].s).readyState >= 2 && !video(steps[at].s).seeking")
            number = int(browser.run("video(steps[at].s).currentTime") * FPS)
            until = time.monotonic() + 20  # a busy machine shows late what it has sought
            while abs(brightness(browser.picture()) - grey(number)) > 3:
                assert time.monotonic() < until, f"frame {number} is not what stands on the screen"
            return number

        browser.open(file.as_uri())
        assert frame() == 0
        for step, last in ((0, 8), (1, 18), (2, 23), (3, 23)):
            browser.press("ArrowRight")
            browser.until(f"at === {step} && !playing")
            assert frame() == last
        assert browser.run("document.querySelectorAll('video.on').length") == 1
        browser.press("ArrowLeft")
        assert (browser.run("at"), frame()) == (2, 23)
        browser.press("ArrowLeft")
        assert (browser.run("at"), frame()) == (1, 18)
        browser.touch([(300, 100), (200, 100), (80, 100)])
        browser.until("at === 2")
        browser.press(" ")  # while it plays: at once to its end
        browser.until("!playing")
        assert frame() == 23
        assert browser.run("document.title") == 'Noise </script> & "data"'
        browser.run("told({at: 1, playing: false, begun: 0})")
        assert browser.run("part('notes').textContent") == slides_of(lecture)[0].notes
        assert browser.run("part('title').textContent") == "In acts · run"
