"""The film: packets left as they are, dissolves, holds, sound, chapters, subtitles, and what had to be fitted."""

import struct
import wave
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest
import srt
from PIL import Image

from diffrender.core.errors import RenderError
from diffrender.video.encode import container
from diffrender.video.encode.settings import choose, open_stream
from diffrender.video.film import posters, sound, subtitles
from diffrender.video.film.join import join_film
from diffrender.video.film.spec import FilmEntry, FilmSpec, GifSpec, PostersSpec

SIZE, FPS = (96, 64), 10


def clip(path, greys, size=SIZE, fps=FPS, codec="libx264"):
    """A video whose frame k is the grey `greys[k]`."""
    with av.open(str(path), "w") as target:
        if codec == "libx264":
            stream = open_stream(target, choose("mp4"), *size, fps)
        else:
            stream = target.add_stream(codec, rate=fps)
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for i, grey in enumerate(greys):
            picture = np.full((size[1], size[0], 3), grey, np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format="yuv420p", dst_colorspace=1)
            frame.pts, frame.time_base = i, Fraction(1, fps)
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return path


def voice(path, seconds, amplitude=0.25, rate=22_050, hertz=441):
    """A tone of one channel."""
    samples = amplitude * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return path


def greys(path):
    """The mean grey of every frame."""
    with av.open(str(path)) as opened:
        return [float(frame.to_ndarray(format="gray").mean()) for frame in opened.decode(video=0)]


def heard(path):
    """(n,) samples of the left side, from second 0 of the film on."""
    with av.open(str(path)) as opened:
        frames = list(opened.decode(audio=0))
        first = round(frames[0].time * sound.SAMPLE_RATE)
        samples = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    return np.concatenate([np.zeros(max(first, 0)), samples[max(-first, 0) :]])


def payloads(path):
    with av.open(str(path)) as opened:
        return [bytes(packet) for packet in opened.demux(video=0) if packet.size]


def make(tmp_path, *pieces, **more):
    spec = FilmSpec(out=tmp_path / "film.mp4", pieces=pieces, width=SIZE[0], height=SIZE[1], fps=FPS, **more)
    return spec, join_film(spec, lambda event: None)


@pytest.fixture
def two(tmp_path):
    """A dark and a light clip of a second each."""
    return clip(tmp_path / "dark.mp4", [40] * 10), clip(tmp_path / "light.mp4", [200] * 10)


def test_clips_of_the_films_format_are_not_touched(tmp_path, two):
    _, figures = make(tmp_path, FilmEntry(file=two[0]), FilmEntry(file=two[1], hold=0.5), crossfade=0.4)
    found = payloads(tmp_path / "film.mp4")
    assert found[:10] == payloads(two[0])
    assert found[14:24] == payloads(two[1])
    assert len(found) == 10 + 4 + 10 + 5
    assert figures == {"length": "2.9 s", "entries": 2}
    shown = greys(tmp_path / "film.mp4")
    assert len(shown) == 29
    fade = shown[9:15]
    assert fade == sorted(fade)
    assert all(abs(a - b) > 5 for a, b in pairwise(fade)), "each frame of the dissolve is another"
    np.testing.assert_allclose(shown[24:], shown[23], atol=2)
    with av.open(str(tmp_path / "film.mp4")) as opened:
        times = [frame.time for frame in opened.decode(video=0)]
    np.testing.assert_allclose(times, np.arange(29) / FPS, atol=1e-4)
    assert not list(tmp_path.glob(".*")), "nothing is left beside it"


def test_a_clip_that_was_encoded_otherwise_is_told_apart(tmp_path, two):
    """The control: were every clip encoded anew, its packets would differ from these too."""
    clip(tmp_path / "other.mp4", [200] * 10, codec="mpeg4")
    _, figures = make(tmp_path, FilmEntry(file=two[0]), FilmEntry(file=tmp_path / "other.mp4"))
    assert len(figures["notes"]) == 1
    assert payloads(tmp_path / "film.mp4")[10:] != payloads(two[1])
    np.testing.assert_allclose(greys(tmp_path / "film.mp4")[10:], 200, atol=6)


def test_sizes_and_rates_are_fitted_with_a_word(tmp_path, two):
    clip(tmp_path / "tall.mp4", [120] * 50, size=(64, 128), fps=25)
    _, figures = make(tmp_path, FilmEntry(file=two[0]), FilmEntry(file=tmp_path / "tall.mp4"))
    assert figures["notes"] == [
        "tall.mp4 (64×128, 25 frames/s, h264) was encoded anew to fit the film (96×64, 10 frames/s)."
    ]
    found = container.probe(tmp_path / "film.mp4")
    assert (found.width, found.height, found.fps, found.frames) == (96, 64, 10, 30)
    with av.open(str(tmp_path / "film.mp4")) as opened:
        *_, last = opened.decode(video=0)
    last = last.to_ndarray(format="gray")
    assert last[:, :28].max() < 25, "a bar at the left"
    assert abs(float(last[:, 36:60].mean()) - 120) < 6
    assert last[:, 68:].max() < 25, "and at the right"


def turn_picture(file, out, degrees):
    """The same video whose track header says that it is shown turned, anticlockwise (ISO 14496-12, 8.3.2)."""
    c, s = (round(f(np.deg2rad(degrees))) for f in (np.cos, np.sin))
    whole = bytearray(file.read_bytes())
    start = whole.index(b"tkhd") + 44  # version, flags and the fields of version 0 before the matrix
    assert struct.unpack(">9i", whole[start : start + 36]) == (1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    matrix = (c << 16, -s << 16, 0, s << 16, c << 16, 0, 0, 0, 1 << 30)
    whole[start : start + 36] = struct.pack(">9i", *matrix)
    out.write_bytes(whole)


@pytest.mark.parametrize(("turn", "light"), [(90, "left"), (-90, "right"), (180, "bottom")])
def test_a_video_from_a_telephone_stands_upright(tmp_path, turn, light):
    with av.open(str(tmp_path / "flat.mp4"), "w") as target:
        stream = open_stream(target, choose("mp4"), 64, 64, FPS)
        picture = np.zeros((64, 64, 3), np.uint8)
        picture[:32] = 200
        for i in range(4):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format="yuv420p", dst_colorspace=1)
            frame.pts, frame.time_base = i, Fraction(1, FPS)
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    turn_picture(tmp_path / "flat.mp4", tmp_path / "turned.mp4", turn)
    make(tmp_path, FilmEntry(file=tmp_path / "turned.mp4"))
    with av.open(str(tmp_path / "film.mp4")) as opened:
        shown = next(opened.decode(video=0)).to_ndarray(format="gray")[:, 16:80]
    for grey in (shown, np.asarray(posters.poster(tmp_path / "turned.mp4").convert("L"))):
        sides = {"left": grey[:, :24], "right": grey[:, -24:], "top": grey[:24], "bottom": grey[-24:]}
        assert max(sides, key=lambda side: float(sides[side].mean())) == light


def test_narration_stands_at_its_clip_as_loud_as_it_was_and_holds_it(tmp_path, two):
    voice(tmp_path / "voice.wav", 1.73)
    make(
        tmp_path,
        FilmEntry(file=two[0]),
        FilmEntry(file=two[1], narration=tmp_path / "voice.wav"),
        FilmEntry(file=two[0]),
    )
    found = container.probe(tmp_path / "film.mp4")
    assert found.frames == 10 + 18 + 10, "the second clip is held until the voice ends"
    samples = heard(tmp_path / "film.mp4")
    assert abs(len(samples) / sound.SAMPLE_RATE - 3.8) < 0.05

    def loudness(a, b):
        return float(np.sqrt(np.mean(samples[round(a * sound.SAMPLE_RATE) : round(b * sound.SAMPLE_RATE)] ** 2)))

    assert loudness(0, 0.95) < 1e-3
    assert loudness(2.78, 3.7) < 1e-3
    assert loudness(1.1, 2.6) == pytest.approx(0.25 / np.sqrt(2), rel=0.03)  # 3 dB softer would be 0.70 of it
    rises = np.flatnonzero(np.abs(samples) > 0.05)
    assert rises[0] / sound.SAMPLE_RATE == pytest.approx(1.0, abs=0.03)
    assert rises[-1] / sound.SAMPLE_RATE == pytest.approx(2.73, abs=0.03)


def test_a_videos_own_sound_comes_along_unless_it_is_narrated(tmp_path, two):
    voice(tmp_path / "voice.wav", 1.0)
    make(tmp_path, FilmEntry(file=two[0], narration=tmp_path / "voice.wav"))
    (tmp_path / "film.mp4").rename(tmp_path / "loud.mp4")
    make(tmp_path, FilmEntry(file=two[1]), FilmEntry(file=tmp_path / "loud.mp4"))
    samples = heard(tmp_path / "film.mp4")
    assert np.abs(samples[: sound.SAMPLE_RATE * 9 // 10]).max() < 0.01
    assert np.abs(samples[sound.SAMPLE_RATE * 11 // 10 :]).max() > 0.2
    make(tmp_path, FilmEntry(file=two[0]))
    with av.open(str(tmp_path / "film.mp4")) as opened:
        assert not opened.streams.audio, "a film in which nothing is heard has no track"


def test_what_is_no_sound_is_refused(tmp_path, two):
    (tmp_path / "voice.wav").write_text("not sound")
    with pytest.raises(RenderError, match=r"voice\.wav"):
        make(tmp_path, FilmEntry(file=two[0], narration=tmp_path / "voice.wav"))
    assert not (tmp_path / "film.mp4").exists()
    assert not list(tmp_path.glob(".*"))


def test_chapters_and_metadata(tmp_path, two):
    pieces = [FilmEntry(file=two[0], chapter="Denoise · spiral"), FilmEntry(file=two[1], chapter="A & B", hold=1)]
    make(tmp_path, *pieces, crossfade=0.5, metadata={"title": "Toys", "comment": '{"key":"k"}'})
    with av.open(str(tmp_path / "film.mp4")) as opened:
        chapters = [(c["start"] * c["time_base"], c["end"] * c["time_base"], c["metadata"]["title"])
                    for c in opened.chapters()]  # fmt: skip
        assert opened.metadata["title"] == "Toys"
        assert opened.metadata["comment"] == '{"key":"k"}'
    assert chapters == [(0, 1.5, "Denoise · spiral"), (1.5, 3.5, "A & B")]


def test_subtitles_are_the_scenes_own_and_the_entrys_between_them(tmp_path, two):
    own = [srt.Subtitle(1, *(np.timedelta64(ms, "ms").item() for ms in (200, 600)), "Noise\nleaves")]
    two[1].with_suffix(".srt").write_text(srt.compose(own))
    spec, _ = make(tmp_path, FilmEntry(file=two[0]), FilmEntry(file=two[1], caption="x < y & z", hold=1))
    assert spec.out.with_suffix(".srt").read_text() == (
        "1\n00:00:01,200 --> 00:00:01,600\nNoise\nleaves\n\n2\n00:00:01,600 --> 00:00:03,000\nx < y & z\n\n"
    )
    assert spec.out.with_suffix(".vtt").read_text() == (
        "WEBVTT\n\n00:00:01.200 --> 00:00:01.600\nNoise\nleaves\n\n00:00:01.600 --> 00:00:03.000\nx &lt; y &amp; z\n"
    )
    assert subtitles.placed([], "All", 1, 2) == [(1, 2, "All")]
    assert subtitles.placed([(0, 9, "Own")], "All", 1, 2) == [(1, 2, "Own")]
    assert subtitles.placed([(5, 9, "Late")], "", 1, 2) == []


def test_posters_sheet_and_gif(tmp_path, two):
    files = [clip(tmp_path / f"{i}.mp4", [20] * 7 + [40 * i + 60] + [20] * 2) for i in range(5)]
    pictures = [tmp_path / f"posters/{file.stem}.png" for file in files]
    spec = PostersSpec(videos=files, posters=pictures, sheet=tmp_path / "sheet.png", comment='{"key":"k"}')
    posters.pictures(spec, lambda event: None)
    for i, poster in enumerate(pictures):
        with Image.open(poster) as image:
            assert image.size == SIZE
            assert abs(float(np.asarray(image).mean()) - (40 * i + 60)) < 6, "the frame at seven tenths"
            assert image.info["comment"] == '{"key":"k"}'
    with Image.open(tmp_path / "sheet.png") as image:
        gap = posters.GAP
        assert image.size == (4 * (96 + gap) + gap, 2 * (64 + gap) + gap)
    noise = clip(tmp_path / "noise.mp4", range(10, 250, 4))
    out = tmp_path / "small.gif"
    figures = posters.gif(GifSpec(file=noise, out=out, width=64, fps=5, max_mb=1, comment="c"), lambda event: None)
    assert figures == {"width": 64, "fps": 5}
    with Image.open(out) as image:
        assert image.size[0] == 64
        assert image.n_frames == 30
    assert sorted(p.suffix for p in tmp_path.iterdir() if p.name.startswith(".")) == []
