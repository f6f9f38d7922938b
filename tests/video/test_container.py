"""Encoders, colours, alpha, GIFs and probing."""

import av
import numpy as np
import pytest
from av.video.reformatter import Colorspace
from PIL import Image, ImageSequence

from diffrender.core.errors import RenderError, UsageError
from diffrender.video.encode import container, gif, settings as encoding
from diffrender.video.encode.encoder import Encoder, straight, to_frame

WIDTH, HEIGHT = 192, 108
COLOURS = [(255, 0, 0), (0, 176, 80), (16, 64, 255), (255, 155, 66)]


def fields(alpha=255):
    """(HEIGHT, WIDTH, 4) premultiplied: four upright fields of colour."""
    pixels = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    for i, colour in enumerate(COLOURS):
        pixels[:, i * 48 : (i + 1) * 48, :3] = np.round(np.array(colour) * alpha / 255)
    pixels[..., 3] = alpha
    return pixels


def moving(n):
    """n frames of a disc that goes through the fields."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    for k in range(n):
        pixels = fields()
        pixels[np.hypot(x - 20 - 5 * k, y - 50) < 12, :3] = 240
        yield pixels


def encoded(path, pictures, how, fps=10):
    with Encoder(path, how, WIDTH, HEIGHT, fps) as encoder:
        for picture in pictures:
            encoder.write(picture)
    return path


def middles(rgb):
    return [rgb[HEIGHT - 8, 24 + 48 * i] for i in range(4)]


# ---- colours ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("suffix", "encode"), [("mp4", "draft"), ("mp4", "fast"), ("mp4", "small"), ("webm", "fast")])
def test_players_show_the_colours_that_were_drawn(suffix, encode, tmp_path):
    path = encoded(tmp_path / f"a.{suffix}", [fields()] * 5, encoding.choose(suffix, encode=encode))
    with av.open(str(path)) as file:
        context = file.streams.video[0].codec_context
        tags = context.colorspace, context.color_range, context.color_primaries, context.color_trc
        frame = next(file.decode(video=0))
    assert tags == (1, 1, 1, 1)  # BT.709 throughout, limited range
    assert frame.format.name == "yuv420p"
    as_709 = frame.reformat(format="rgb24", src_colorspace=Colorspace.ITU709).to_ndarray()
    as_601 = frame.reformat(format="rgb24", src_colorspace=Colorspace.ITU601).to_ndarray()
    assert np.abs(np.array(middles(as_709), int) - COLOURS).max() <= 4
    assert np.abs(np.array(middles(as_601), int) - COLOURS).max() > 12, "the test must see a wrong matrix"


def test_our_conversion_is_swscales(tmp_path):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (HEIGHT, WIDTH, 4), np.uint8)
    noise[..., 3] = 255
    ours = to_frame(noise, "yuv420p").to_ndarray().astype(int)
    theirs = av.VideoFrame.from_ndarray(noise, "rgba").reformat(
        format="yuv420p", interpolation="AREA", dst_colorspace=Colorspace.ITU709, dst_color_range=1
    )
    assert np.abs(ours - theirs.to_ndarray()).max() <= 1


def test_the_same_frames_give_the_same_bytes(tmp_path):
    for suffix in ("mp4", "mov"):
        how = encoding.choose(suffix, transparent=suffix == "mov")
        first, second = (encoded(tmp_path / f"{k}.{suffix}", moving(12), how).read_bytes() for k in "ab")
        assert first == second


# ---- alpha -----------------------------------------------------------------------------------------------------------
def test_alpha_is_straight():
    out = straight(np.array([[[128, 128, 128, 128], [0, 0, 0, 0], [10, 20, 30, 255], [64, 32, 0, 64]]], np.uint8))
    assert out.tolist() == [[[255, 255, 255, 128], [0, 0, 0, 0], [10, 20, 30, 255], [255, 128, 0, 64]]]


@pytest.mark.parametrize(("suffix", "codec"), [("webm", None), ("mov", None), ("mov", "prores_ks")])
def test_half_transparent_colours_are_not_darkened(suffix, codec, tmp_path):
    how = encoding.choose(suffix, transparent=True, codec=codec)
    part = encoded(tmp_path / f"part.{suffix}", [fields(128)] * 4, how)
    path = tmp_path / f"a.{suffix}"
    container.join([part], path, 10)
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        decoder = av.CodecContext.create("libvpx-vp9", "r") if suffix == "webm" else stream.codec_context
        frame = next(f for packet in file.demux(stream) for f in decoder.decode(packet))
    rgba = frame.reformat(format="rgba", src_colorspace=Colorspace.ITU709, dst_color_range=2).to_ndarray()
    found = np.array(middles(rgba), int)
    assert np.abs(found[:, 3] - 128).max() <= 2
    assert np.abs(found[:, :3] - COLOURS).max() <= 5
    if suffix == "webm":
        assert bytes.fromhex("53c08101") in path.read_bytes()[:4096]  # AlphaMode, which browsers ask for
        assert container.probe(path).pixel_format == "yuva420p"


# ---- encoders --------------------------------------------------------------------------------------------------------
def test_another_encoder_by_name(tmp_path):
    how = encoding.choose("mp4", codec="mpeg4")
    encoding.check(how, WIDTH, HEIGHT, 10)
    assert container.probe(encoded(tmp_path / "a.mp4", moving(5), how)).codec == "mpeg4"


def test_an_encoder_that_is_not_there():
    with pytest.raises(UsageError, match=r"no such encoder[\s\S]*libx264"):
        encoding.choose("mp4", codec="libx246")
    with pytest.raises(RenderError, match=r"does not open here for \.webm[\s\S]*These do: .*libvpx-vp9"):
        encoding.check(encoding.choose("webm", codec="mpeg4"), WIDTH, HEIGHT, 10)
    with pytest.raises(UsageError, match="cannot store transparency"):
        encoding.choose("mov", codec="libx264", transparent=True)


def test_errors_of_the_encoding_thread_come_out(tmp_path):
    with pytest.raises(RenderError, match="encoding with libx264 failed"):
        encoded(tmp_path / "no" / "a.mp4", moving(30), encoding.choose("mp4"))


def test_an_encoder_left_by_an_exception_leaves_no_file(tmp_path):
    def pictures():
        yield from moving(30)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        encoded(tmp_path / "a.mp4", pictures(), encoding.choose("mp4"))
    assert list(tmp_path.iterdir()) == []


# ---- GIF -------------------------------------------------------------------------------------------------------------
@pytest.fixture
def lossless(tmp_path):
    return encoded(tmp_path / "lossless.mp4", moving(30), encoding.choose("gif"))


def test_gif_loops_and_has_a_palette_of_its_own(lossless, tmp_path):
    out = tmp_path / "a.gif"
    assert gif.make_gif(lossless, out, comment="what it is") == (WIDTH, 10)
    with Image.open(out) as image:
        assert image.info["loop"] == 0
        assert image.info["comment"] == b"what it is"
        pictures = [np.asarray(f.convert("RGB")).astype(int) for f in ImageSequence.Iterator(image)]
    assert len(pictures) == 30
    assert np.abs(np.array(middles(pictures[-1])) - COLOURS).max() <= 8
    assert list(tmp_path.glob("*palette*")) == []


def test_gif_of_at_most_so_many_megabytes(lossless, tmp_path):
    rng = np.random.default_rng(0)
    noise = (np.dstack([rng.integers(0, 256, (HEIGHT, WIDTH, 3)), np.full((HEIGHT, WIDTH), 255)]) for _ in range(8))
    clip = encoded(tmp_path / "noise.mp4", (n.astype(np.uint8) for n in noise), encoding.choose("gif"))
    free = tmp_path / "free.gif"
    gif.make_gif(clip, free)
    limit = free.stat().st_size / 1e6 * 0.7
    width, _ = gif.make_gif(clip, tmp_path / "small.gif", max_mb=limit)
    assert width < WIDTH
    assert (tmp_path / "small.gif").stat().st_size <= limit * 1e6
    with pytest.raises(RenderError, match="at the smallest"):
        gif.make_gif(clip, tmp_path / "none.gif", max_mb=0.001)
    assert not (tmp_path / "none.gif").exists()


def test_transparent_gif(tmp_path):
    pixels = fields()
    pixels[:, :48] = 0
    clip = encoded(tmp_path / "a.mov", [pixels] * 3, encoding.choose("gif", transparent=True))
    gif.make_gif(clip, tmp_path / "a.gif", transparent=True)
    with Image.open(tmp_path / "a.gif") as image:
        rgba = np.asarray(image.convert("RGBA"))
    assert [p[3] for p in middles(rgba)] == [0, 255, 255, 255]


# ---- probing ---------------------------------------------------------------------------------------------------------
def test_probe_tells_what_a_file_holds(tmp_path):
    clip = container.probe(encoded(tmp_path / "a.mp4", moving(7), encoding.choose("mp4"), fps=25))
    assert (clip.codec, clip.width, clip.height, clip.fps, clip.frames, clip.seconds) == ("h264", 192, 108, 25, 7, 0.28)


def test_probe_of_what_is_no_video(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"not a video" * 100)
    for path, message in ((tmp_path / "a.mp4", "not a video"), (tmp_path / "b.mp4", "no such file")):
        with pytest.raises(RenderError, match=message):
            container.probe(path)


def test_mp4_starts_with_its_index(tmp_path):
    part = encoded(tmp_path / "part.mp4", moving(7), encoding.choose("mp4"))
    container.join([part], tmp_path / "a.mp4", 10, metadata={"title": "T", "comment": '{"key": 1}'})
    data = (tmp_path / "a.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    assert container.probe(tmp_path / "a.mp4").metadata["comment"] == '{"key": 1}'


def test_imageio_ffmpegs_program_is_used_where_none_is_on_path(monkeypatch):
    monkeypatch.setenv("PATH", "")
    gif.ffmpeg_program.cache_clear()
    try:
        assert "imageio_ffmpeg" in gif.ffmpeg_program()
    finally:
        gif.ffmpeg_program.cache_clear()
