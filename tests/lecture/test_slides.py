"""Slides: steps are the acts of clips, and every kind of slides shows what the clips show at the same times."""

import io
import json
import re
import shlex
import shutil
import subprocess
import time
import wave
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
from diffrender.video.film import sound
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


def write_video(file, acts, rests=(), heard=()):
    """A video whose brightness tells the frame. heard: seconds at which a tenth of a second hums; silent if none."""
    pictures = file.with_name("pictures.mp4") if heard else file
    about = {"key": "0" * 64, "acts": acts, "rests": list(rests), "equations": ["x_t = alpha_t x_0"]}
    with av.open(str(pictures), "w", options={"movflags": "use_metadata_tags"}) as out:
        out.metadata["comment"] = json.dumps(about)
        stream = open_stream(out, choose("mp4", encode="fast"), *SIZE, FPS)
        for k in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(np.full((SIZE[1], SIZE[0], 3), grey(k), np.uint8)).reformat(
                format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG"
            )
            frame.pts = k
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    if heard:
        tone, track = hum(file.with_name("tone.wav"), 0.1), file.with_name("track.mp4")
        sound.write([sound.Cue(tone, at, at + 0.1) for at in heard], FRAMES / FPS, track)
        container.join([pictures], file, FPS, metadata={"comment": json.dumps(about)}, sound=track)


def hum(file, seconds):
    samples = 0.3 * np.sin(2 * np.pi * 400 * np.arange(round(16_000 * seconds)) / 16_000)
    with wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        out.writeframes((samples * 32767).astype("<i2").tobytes())
    return file


def first_heard(file):
    """The second at which a file begins to be heard."""
    loud = np.abs(np.concatenate([block[0] for block in sound._decoded(file, 0.0)])) > 0.05
    return int(np.argmax(loud)) / sound.SAMPLE_RATE


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


SPOKEN = {"acts": [[0, ""], [8, "run"], [18, "result"]], "rests": [5, 15], "heard": [0.0, 0.8, 1.8]}


def test_a_slide_waits_where_a_rest_begins_and_goes_on_with_the_act_after_it(lecture, tmp_path):
    write_video(tmp_path / "acts.mp4", **SPOKEN)
    slide = slides_of(lecture)[0]
    assert (slide.begins, slide.stops) == ((0, 8, 18), (6, 16, FRAMES))
    write_video(tmp_path / "acts.mp4", SPOKEN["acts"], [5])
    assert slides_of(lecture)[0].begins == (0, 9, 19), "rests that do not fit the acts are left out"


def test_what_is_heard_in_an_act_begins_with_its_piece(lecture, tmp_path):
    write_video(tmp_path / "acts.mp4", **SPOKEN)
    made(lecture, "manim-slides")
    pieces = sorted((lecture.folder / "acts").glob("*.mp4"))
    assert [container.probe(piece).frames for piece in pieces] == [6, 8, 6]
    assert [first_heard(piece) for piece in pieces] == pytest.approx([0, 0, 0], abs=0.05)
    assert first_heard(tmp_path / "acts.mp4") == pytest.approx(0, abs=0.05)
    shifted = {**SPOKEN, "heard": [0.0, 0.9, 1.8]}
    write_video(tmp_path / "acts.mp4", **shifted)
    for piece in pieces:
        piece.unlink()
    made(lecture, "manim-slides")
    assert first_heard(pieces[1]) == pytest.approx(0.1, abs=0.05), "the control"


def test_the_narration_of_an_entry_is_heard_on_its_slide(lecture, tmp_path):
    hum(tmp_path / "long.wav", 3.5)
    (tmp_path / "talk.yaml").write_text(
        LECTURE.replace("    title: In acts", "    narration: long.wav\n    title: In acts")
    )
    told = plan(lecture_file.load(tmp_path / "talk.yaml"), tmp_path / "outputs")
    slide, plain = slides_of(told)
    assert slide.video.parent == told.folder / "acts"
    assert slide.stops == (9, 19, 35), "its last picture stands until the sound ends"
    assert sound.length(slide.video) == pytest.approx(3.5, abs=0.05)
    assert not sound.has_sound(plain.video)
    before = slide.video.stat().st_mtime_ns
    assert slides_of(told)[0].video.stat().st_mtime_ns == before
    assert provenance.read(slide.video)["kind"] == "act"


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
def test_the_sound_of_an_act_starts_with_its_step(lecture, tmp_path):
    write_video(tmp_path / "acts.mp4", **SPOKEN)
    (file,) = made(lecture, "html")
    with Chromium(400, 300) as browser:
        browser.open(file.as_uri())
        browser.until("video(0).readyState >= 2")
        for step, (begin, stop) in enumerate(((0.0, 0.6), (0.8, 1.6), (1.8, 2.4))):
            browser.run("window.seen = []; video(0).ontimeupdate = () => seen.push(video(0).currentTime)")
            browser.press("ArrowRight")
            browser.until(f"at === {step} && !playing && !video(0).seeking")
            seen = browser.run("[...seen, video(0).currentTime]")
            assert min(seen) >= begin - 1e-6, "nothing of the rest before is played, so the sound is whole"
            assert max(seen) < stop
        assert browser.run("video(0).webkitAudioDecodedByteCount") > 0
        assert not browser.run("video(0).muted")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("soffice") is None, reason="no LibreOffice here")
def test_impress_shows_the_picture_of_each_act(lecture, tmp_path):
    """Outside the timed suite: the office takes its time."""
    from skimage.metrics import structural_similarity

    write_video(tmp_path / "acts.mp4", **SPOKEN)
    (file,) = made(lecture, "pptx")
    for kind in ("pdf", "png"):  # all pages, and the first as a picture
        command = [
            "soffice",
            f"-env:UserInstallation={(tmp_path / 'office').as_uri()}",
            "--headless",
            "--convert-to",
            kind,
        ]
        subprocess.run([*command, "--outdir", str(tmp_path), str(file)], check=True, capture_output=True, timeout=300)
    pages = re.findall(rb"/Type\s*/Page[^s]", (tmp_path / "slides.pdf").read_bytes())
    assert len(pages) == 4
    with Image.open(tmp_path / "slides.png") as picture:
        shown = np.asarray(picture.convert("RGB").resize(SIZE))
    with av.open("acts.mp4") as video:
        first, *_, last = (frame.to_ndarray(format="rgb24") for frame in video.decode(video=0))
    assert shown.mean() == pytest.approx(first.mean(), abs=3)
    assert structural_similarity(shown, first, channel_axis=2) >= 0.99
    assert abs(shown.mean() - last.mean()) > 20, "the control"


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
