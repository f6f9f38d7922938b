"""Videos, sounds and subtitles as people have them: shown and heard as they are meant, or refused before any work."""

import contextlib
import re
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from diffrender.core.errors import DiffrenderError, RenderError
from diffrender.core.glyphs import check_words, missing_glyphs
from diffrender.lecture.file import load
from diffrender.lecture.inputs import check_sound, check_video
from diffrender.lecture.plan import plan
from diffrender.video.film import sound, subtitles
from diffrender.video.film.join import join_film
from diffrender.video.film.posters import poster
from diffrender.video.film.spec import FilmEntry, FilmSpec

RATE = 48_000


def video(path, seconds=1.0, heard=None, late=0.0, aspect=None, picture_late=0.0, options=None):
    """A white video of 160 × 120 and a tone of `heard` seconds that begins `late`."""
    noise = np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8) if options is not None else 255
    with av.open(str(path), "w", options=options or {}) as out:
        stream = out.add_stream("mpeg4" if path.suffix == ".avi" else "libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        if aspect:
            stream.sample_aspect_ratio = aspect
        track = out.add_stream("aac", rate=RATE, layout="mono") if heard else None
        for k in range(round(seconds * 10)):
            frame = av.VideoFrame.from_ndarray(np.full((120, 160, 3), np.roll(noise, 7 * k), np.uint8), format="rgb24")
            frame.pts = k + round(picture_late * 10)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        for k in range(round((heard or 0) * RATE) // 1024):
            wave = np.sin(np.arange(k * 1024, (k + 1) * 1024) / 10)[None].astype(np.float32)
            block = av.AudioFrame.from_ndarray(wave / 2, format="fltp", layout="mono")
            block.sample_rate, block.pts = RATE, k * 1024 + round(late * RATE)
            out.mux(track.encode(block))
        if track:
            out.mux(track.encode(None))
    return path


@pytest.fixture
def film(tmp_path):
    """A function: a film of one video, its report, its first picture (grey) and loudness in tenths of a second."""

    def make(file):
        out = tmp_path / "film.mp4"
        spec = FilmSpec(out=out, pieces=[FilmEntry(file=file)], width=320, height=180, fps=10, encode="draft")
        report = join_film(spec, lambda event: None)
        with av.open(str(out)) as source:
            pictures = [frame.to_ndarray(format="gray") for frame in source.decode(video=0)]
            has_sound = bool(source.streams.audio)
        loud = []
        if has_sound:
            wave = np.concatenate(list(sound._decoded(out)), axis=1)[0]
            loud = [np.abs(part).max() > 0.05 for part in np.array_split(wave, max(1, round(len(wave) / RATE * 10)))]
        return report, pictures, loud

    return make


def test_pixels_that_are_not_square_fill_their_shape(film, tmp_path):
    _, (picture, *_), _ = film(video(tmp_path / "a.mp4", aspect=Fraction(4, 3)))
    assert (picture.mean(0) > 200).all()  # 160 × 4/3 by 120 is 16:9
    _, (picture, *_), _ = film(video(tmp_path / "b.mp4"))
    assert not (picture.mean(0) > 200).all()  # the control: square ones stand between bars


def test_cues_after_the_end_are_named(film, tmp_path):
    late = "1\n00:00:00,000 --> 00:00:00,500\nhere\n\n2\n00:01:00,000 --> 00:01:01,000\nnowhere\n"
    (tmp_path / "a.srt").write_text(late)
    report, *_ = film(video(tmp_path / "a.mp4"))
    assert "a.srt: 1 cue after its end left out: 'nowhere'." in report["notes"]
    assert "nowhere" not in (tmp_path / "film.srt").read_text()


def test_late_sound_is_heard_late(film, tmp_path):
    _, _, loud = film(video(tmp_path / "a.mp4", seconds=2, heard=1, late=1))
    assert not any(loud[:9])
    assert all(loud[11:19])
    _, _, loud = film(video(tmp_path / "b.mp4", seconds=2, heard=1))
    assert all(loud[1:9])  # the control


def test_a_picture_that_begins_late_stands_while_its_sound_is_heard(film, tmp_path):
    _, pictures, loud = film(video(tmp_path / "a.mp4", seconds=1, heard=2, picture_late=1))
    assert len(pictures) in (20, 21)
    assert all(loud[1:19])


def test_sound_longer_than_the_picture_holds_the_last_frame(film, tmp_path):
    report, pictures, loud = film(video(tmp_path / "a.mp4", seconds=1, heard=3))
    assert 29 <= len(pictures) <= 31
    assert all(loud[1:28])
    assert any("longer than its picture" in note for note in report["notes"])
    report, pictures, _ = film(video(tmp_path / "b.mp4", seconds=3, heard=1))
    assert len(pictures) == 30
    assert not any("longer" in note for note in report["notes"])


CUES = "1\n00:00:01,000 --> 00:00:02,000\n{}\n\n2\n00:00:03,000 --> 00:00:04,000\nb\n"
VTT = "WEBVTT\n\nfirst\n00:01.000 --> 00:02.000 align:start\na\n\nNOTE no cue\n\nthe end\n00:03.000 --> 00:04.000\nb\n"


@pytest.mark.parametrize(
    ("name", "content", "texts", "said"),
    [
        ("a.vtt", VTT.encode(), "ab", ""),
        ("a.srt", VTT.encode(), "ab", ""),
        ("a.srt", CUES.format("a").encode("utf-32"), "ab", ""),
        ("a.srt", CUES.format("a\x1b\0").encode(), "ab", ""),
        ("a.srt", CUES.format("").encode(), "b", ""),
        ("a.srt", CUES.format("é").encode("latin-1"), "éb", "save it as UTF-8"),
        ("a.srt", b"[Script Info]\nTitle: x\n", "", "no captions that can be read, it begins '.Script Info"),
        ("a.srt", b"\n\n", "", "no captions in it"),
        ("a.ass", b"[Script Info]\n", "", "a.ass: left out.*save them as .srt"),
        ("a.txt", b"hello", "", ""),
    ],
)
def test_captions_of_every_kind_are_read_or_named(name, content, texts, said, tmp_path):
    (tmp_path / name).write_bytes(content)
    cues, notes = subtitles.beside(tmp_path / "a.mp4")
    assert [text for *_, text in cues] == list(texts)
    assert re.search(said, " ".join(notes))
    assert bool(notes) == bool(said)


def test_a_changed_vtt_makes_the_film_again(tmp_path):
    video(tmp_path / "a.mp4")
    keys = set()
    for words in ("one", "two", "two"):
        (tmp_path / "a.vtt").write_text(VTT + words)
        keys.add(card_and("a.mp4", tmp_path).film.key)
    assert len(keys) == 2


# ---- other kinds of files --------------------------------------------------------------------------------------------
def card_and(video, folder, more=""):
    (folder / "talk.yaml").write_text(f"title: x\nentries:\n  - card: a\n  - video: {video}\n{more}")
    return plan(load(folder / "talk.yaml"), folder / "outputs")


PICTURES = {"a.png": "PNG", "a.jpg": "JPEG", "a.webp": "WEBP", "a.gif": "GIF", "a.mp4": "PNG", "a.tiff": "TIFF"}


@pytest.mark.parametrize("name", PICTURES)
def test_a_single_picture_stands_as_long_as_it_is_told(name, film, tmp_path):
    Image.new("RGB", (80, 60), (200, 200, 200)).save(tmp_path / name, PICTURES[name])
    with pytest.raises(DiffrenderError, match=r"entry 2: .*a single picture.*\nAdd: hold: 5"):
        card_and(name, tmp_path)
    card_and(name, tmp_path, "    hold: 5\n")
    _, pictures, _ = film(tmp_path / name)
    assert len(pictures) == 1
    assert abs(int(pictures[0][90, 160]) - 200) < 4


def test_a_photograph_lies_as_its_exif_says(film, tmp_path):
    half = np.zeros((40, 80, 3), np.uint8)
    half[:, :40] = 255  # white on the left; turned clockwise it is on top
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(half).save(tmp_path / "a.jpg", exif=exif)
    _, (picture,), _ = film(tmp_path / "a.jpg")
    assert picture[45, 160] > 200
    assert picture[135, 160] < 60
    assert picture[90, 40] < 60  # a bar: it stands upright
    assert poster(tmp_path / "a.jpg").size == (40, 80)
    Image.fromarray(half).save(tmp_path / "b.jpg")
    assert poster(tmp_path / "b.jpg").size == (80, 40)  # the control


def test_posters_have_square_pixels(tmp_path):
    assert poster(video(tmp_path / "a.mp4", aspect=Fraction(4, 3))).size == (214, 120)


def cover(path):
    """A second of sound with a picture of its cover, and no video."""
    with av.open(str(path), "w", format="mp3") as out:
        track = out.add_stream("libmp3lame", rate=RATE, layout="mono")
        picture = out.add_stream("mjpeg", rate=1)
        picture.width, picture.height, picture.pix_fmt = 80, 60, "yuvj420p"
        picture.disposition = av.stream.Disposition.attached_pic
        frame = av.VideoFrame(80, 60, "yuvj420p")
        frame.pts = 0
        out.mux(picture.encode(frame))
        out.mux(picture.encode(None))
        for k in range(40):
            block = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            block.sample_rate, block.pts = RATE, k * 1024
            out.mux(track.encode(block))
        out.mux(track.encode(None))


def animated_webp(path):
    Image.new("RGB", (8, 8)).save(
        path, "WEBP", save_all=True, append_images=[Image.new("RGB", (8, 8), (200, 0, 0))], duration=100
    )


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda f: f.write_bytes(b"<!DOCTYPE html><html>log in"), "a web page"),
        (lambda f: f.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid"), "git lfs pull"),
        (lambda f: f.write_bytes(b"%PDF-1.7 and more"), "a PDF"),
        (lambda f: f.write_bytes(b"PK\x03\x04" + bytes(100)), "an Office file"),
        (animated_webp, "an animated WebP"),
        (cover, r"a picture of its cover, no video\.\nSound is named under narration"),
    ],
)
def test_what_is_no_video_is_called_what_it_is(make, said, tmp_path):
    make(tmp_path / "a.mp4")
    with pytest.raises(DiffrenderError, match=said):
        check_video(tmp_path / "a.mp4")


def test_sound_alone_is_no_video(tmp_path):
    cover(tmp_path / "a.mp3")
    check_sound(tmp_path / "a.mp3")  # the control


def many(path, codec="libx264", pixels="yuv420p", videos=1, transfer=None):
    with av.open(str(path), "w") as out:
        streams = [out.add_stream(codec, rate=25) for _ in range(videos)]
        for stream in streams:
            stream.width, stream.height, stream.pix_fmt = 160, 120, pixels
            if transfer:
                stream.codec_context.color_trc = transfer
        for stream in streams:
            for k in range(30):
                noise = np.random.default_rng(k).integers(0, 255, (120, 160, 3), np.uint8)
                frame = av.VideoFrame.from_ndarray(noise, format="rgb24").reformat(format=pixels)
                frame.pts = k
                if transfer:
                    frame.color_trc = transfer
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
    return path


def torn(path):
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] + data[len(data) // 2 + 1500 :])
    return path


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda d: many(d / "a.mkv", videos=2), "holds 2 videos; the first is shown"),
        (lambda d: many(d / "a.mov", "qtrle", "argb"), "may be transparent"),
        (lambda d: many(d / "a.mp4", pixels="yuv420p10le", transfer=16), "high dynamic range"),
        (lambda d: torn(many(d / "a.mpg", "mpeg2video")), "damaged: is it cut or torn"),
        (lambda d: many(d / "a.mp4"), ""),
        (lambda d: many(d / "a.mkv", "ffv1", "rgb48le"), ""),
    ],
)
def test_what_of_a_video_is_not_shown_is_said(make, said, tmp_path, caplog):
    check_video(make(tmp_path))
    assert said in caplog.text
    assert bool(said) == bool(caplog.messages)


# ---- damaged files ---------------------------------------------------------------------------------------------------
def damaged(folder):
    whole = video(folder / "whole.mp4", heard=1).read_bytes()
    noise = bytearray(whole)
    middle = whole.index(b"mdat") + 100
    noise[middle : middle + 400] = np.random.default_rng(0).bytes(400)
    return {
        "empty.mp4": b"",
        "cut.mp4": whole[: len(whole) // 2],
        "words.mp4": b"this is no video",
        "zeros.mov": bytes(10_000),
        "header.webm": b"\x1a\x45\xdf\xa3" + bytes(100),
        "noise.mp4": bytes(noise),
    }


def test_damaged_videos_are_refused_by_name_or_read(tmp_path):
    for name, data in damaged(tmp_path).items():
        (tmp_path / name).write_bytes(data)
        with contextlib.ExitStack() as stack:
            if name != "noise.mp4":
                stack.enter_context(pytest.raises(RenderError, match=name))
            else:  # decoders conceal some damage
                stack.enter_context(contextlib.suppress(RenderError))
            check_video(tmp_path / name)
    check_video(tmp_path / "whole.mp4")  # the control
    check_sound(tmp_path / "whole.mp4")


@pytest.mark.parametrize("name", ["a.mp4", "b.mov", "silent.mp4", "c.mkv", "d.avi", "silent.avi", "e.ts"])
def test_a_video_that_is_cut_off_is_refused_before_any_work(name, tmp_path):
    """Its head says what should be there, or the last packet is torn."""
    options = {"movflags": "+faststart"} if name.endswith(("mp4", "mov")) else {}
    whole = video(tmp_path / name, seconds=8, heard=None if name.startswith("silent") else 8, options=options)
    check_video(whole)  # the control
    poster(whole)
    data = whole.read_bytes()
    for share in (0.3, 0.5, 0.7, 0.9, 0.99):
        cut = round(len(data) * share)
        (tmp_path / f"cut-{name}").write_bytes(data[: cut + (cut % 188 == 0)])
        with pytest.raises(RenderError, match=f"cut-{name}"):
            check_video(tmp_path / f"cut-{name}")
        with contextlib.suppress(RenderError):  # the picture before the cut, or none
            assert poster(tmp_path / f"cut-{name}").size == (160, 120)


@pytest.mark.parametrize("name", ["a.wav pcm_s16le", "b.flac flac", "c.opus libopus", "d.mp3 libmp3lame", "e.m4a aac"])
def test_a_sound_that_is_cut_off_is_refused(name, tmp_path):
    name, codec = name.split()
    with av.open(str(tmp_path / name), "w") as out:
        track = out.add_stream(codec, rate=RATE, layout="mono")
        wave = np.sin(np.arange(4 * RATE) / 10)[None].astype(np.float32) / 2
        block = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
        block.sample_rate = RATE
        fifo, kind = av.AudioFifo(), av.AudioResampler(format=track.format, layout="mono", rate=RATE)
        for part in kind.resample(block):
            fifo.write(part)
        for part in [*fifo.read_many(track.frame_size or 1024), fifo.read(partial=True)]:
            out.mux(track.encode(part) if part else [])
        out.mux(track.encode(None))
    check_sound(tmp_path / name)  # the control
    data = (tmp_path / name).read_bytes()
    for share in (0.3, 0.6, 0.85):
        (tmp_path / f"cut-{name}").write_bytes(data[: round(len(data) * share)])
        with pytest.raises(RenderError, match=f"cut-{name}"):
            check_sound(tmp_path / f"cut-{name}")


def test_an_ogg_file_cut_between_two_pages_is_refused(tmp_path):
    with av.open(str(tmp_path / "a.ogg"), "w") as out:
        track = out.add_stream("libopus", rate=48_000, layout="mono")
        for k in range(400):
            block = av.AudioFrame.from_ndarray(
                np.sin(np.arange(960) / (9 + k % 7))[None].astype(np.float32), "flt", "mono"
            )
            block.sample_rate, block.pts = 48_000, 960 * k
            out.mux(track.encode(block))
        out.mux(track.encode(None))
    check_sound(tmp_path / "a.ogg")  # the control
    data = (tmp_path / "a.ogg").read_bytes()
    pages = [at for at in range(len(data)) if data.startswith(b"OggS", at)]
    assert len(pages) > 4
    for end in pages[3:]:
        (tmp_path / "cut.ogg").write_bytes(data[:end])
        with pytest.raises(RenderError, match=r"cut.ogg: cut off"):
            check_sound(tmp_path / "cut.ogg")


def test_a_dry_run_names_the_video_that_is_cut_off(tmp_path, monkeypatch, capsys):
    from diffrender.cli.app import app

    data = video(tmp_path / "a.mp4", seconds=4, heard=4, options={"movflags": "+faststart"}).read_bytes()
    (tmp_path / "a.mp4").write_bytes(data[: len(data) * 3 // 4])
    (tmp_path / "talk.yaml").write_text("title: T\nentries:\n  - card: One\n  - video: a.mp4\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        app(["batch", "talk.yaml", "--dry-run"])
    assert ended.value.code == 2
    assert "talk.yaml, entry 2: " in (said := capsys.readouterr().err)
    assert "a.mp4" in said
    assert not (tmp_path / "outputs").exists()


def test_a_sound_file_without_sound_is_refused(tmp_path):
    with pytest.raises(RenderError, match="no sound"):
        check_sound(video(tmp_path / "a.mp4"))
    (tmp_path / "a.wav").write_bytes(b"RIFF" + bytes(50))
    with pytest.raises(RenderError, match=r"a\.wav"):
        check_sound(tmp_path / "a.wav")


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{video: words.mp4}", "entry 1: .*words.mp4 is not a video"),
        ("{card: Title, narration: words.mp4}", "entry 1: .*words.mp4 is not a sound file"),
        ("{card: Title, text: ' '}", "entry 1: text: nothing but blanks"),
        ("{card: ' '}", "entry 1: card: nothing but blanks"),
        ("{card: 𐀀𐀁}", "entry 1: card: .*𐀀 𐀁"),
        ("{card: Title, text: '\u200b\u2060'}", "entry 1: text: nothing but blanks"),
        ("{card: '\ufeff'}", "entry 1: card: nothing but blanks"),
        ("{part: '\u3000'}", "entry 1: part: nothing but blanks"),
        ("{card: Title, caption: '\u00ad'}", "entry 1: caption: nothing but blanks"),
    ],
)
def test_a_lecture_is_refused_before_any_work(entry, said, tmp_path):
    (tmp_path / "words.mp4").write_bytes(b"this is no video")
    (tmp_path / "lecture.yaml").write_text(f"title: T\nentries:\n  - {entry}\n")
    with pytest.raises(DiffrenderError, match=said) as caught:
        plan(load(tmp_path / "lecture.yaml"), tmp_path / "out")
    assert caught.value.exit_code == 2


def test_characters_that_no_bundled_font_has_are_named():
    assert missing_glyphs("Größe α ∇ → Привет") == []
    assert missing_glyphs("a 😀 b 漢") == ["漢", "😀"]
    check_words("Größe", "card")


def test_they_are_named_once(caplog):
    for _ in range(2):
        check_words("said once: 𓀀", "card")
    assert len(caplog.messages) == 1
    check_words("said once: 𓀀", "title")
    assert len(caplog.messages) == 2  # the control


# ---- subtitles -------------------------------------------------------------------------------------------------------
GOOD = "1\n00:00:00,000 --> 00:00:01,000\nFirst é\n\n2\n00:00:01,000 --> 00:00:01,900\nSecond\n"


def read(folder, data):
    (folder / "a.srt").write_bytes(data)
    return subtitles.beside(folder / "a.mp4")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252"])
def test_subtitles_in_any_encoding(encoding, tmp_path):
    cues, notes = read(tmp_path, GOOD.encode(encoding))
    assert [text for *_, text in cues] == ["First é", "Second"]
    assert bool(notes) == (encoding in ("latin-1", "cp1252"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("-->", "->"),
        ("00:00:00,000", "soon"),
        ("00:00:01,000\nFirst", "\nFirst"),
        ("00:00:00,000", "00:00:09,000"),
        ("00:00:00,000", "00:00:00:12"),
    ],
)
def test_a_bad_cue_is_named_and_the_good_one_kept(old, new, tmp_path):
    cues, notes = read(tmp_path, GOOD.replace(old, new, 1).encode())
    assert [text for *_, text in cues] == ["Second"]
    assert len(notes) == 1
    assert "1 cue that cannot be read" in notes[0]
    assert read(tmp_path, GOOD.encode())[1] == []  # the control


def test_windows_line_ends_and_blank_lines_inside_a_cue(tmp_path):
    cues, notes = read(tmp_path, GOOD.replace("First é", "First é\n\nmore").replace("\n", "\r\n").encode())
    assert len(cues) == 2
    assert "more" in cues[0][2]
    assert notes == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<i>a</i> & b", "<i>a</i> &amp; b"),
        ('<font color="red">r</font>', "r"),
        ("x < y > z", "x &lt; y &gt; z"),
        (r"{\an8}top", "top"),
        ("<script>alert(1)</script>", "alert(1)"),
        ("<B>x<y</B>", "<b>x&lt;y</b>"),
    ],
)
def test_tags_in_webvtt(text, words):
    assert subtitles.as_vtt([(0, 1, text)]).splitlines()[3] == words


CUES = "1\n00:00:01,000 --> 00:00:02,500\nGrüße\n\n2\n00:01:03,000 --> 00:01:04,000\nzwei\n"


@pytest.mark.parametrize(
    "content",
    [
        CUES.encode(),
        CUES.encode("utf-16-le"),
        CUES.encode("utf-16-be"),
        CUES.encode("utf-16"),
        CUES.replace("00:00:0", "00:0").replace("00:01:0", "01:0").encode(),
        CUES.replace("02,500", "02.5").encode(),
        b"WEBVTT - mine\n\n" + CUES.replace(",", ".").encode(),
        CUES.replace("02,500", "02,500 X1:10 X2:20").encode(),
        CUES.replace("\n\n", "\n").encode(),
        CUES.replace(",", ", ").encode(),
        b"WEBVTT\n\nSTYLE\n::cue {color: red}\n\nNOTE by me\n\n" + CUES.replace(",", ".").encode(),
    ],
    ids=[
        "utf-8",
        "utf-16 le",
        "utf-16 be",
        "utf-16",
        "no hours",
        "short fraction",
        "vtt",
        "places",
        "close",
        "blanks",
        "style",
    ],
)
def test_cues_as_programs_write_them(content, tmp_path):
    (tmp_path / "a.srt").write_bytes(content)
    cues, notes = subtitles.beside(tmp_path / "a.mp4")
    assert cues == [(1.0, 2.5, "Grüße"), (63.0, 64.0, "zwei")]
    assert notes == []


def test_what_is_no_cue_is_named(tmp_path):
    """The control."""
    (tmp_path / "a.srt").write_text(CUES.replace("-->", "->", 1))
    cues, notes = subtitles.beside(tmp_path / "a.mp4")
    assert [text for *_, text in cues] == ["zwei"]
    assert "1 cue that cannot be read" in notes[0]
