"""A finished clip in another format, without drawing it again."""

import json

import av
import numpy as np
import pytest
from PIL import Image

from diffrender.core.errors import RenderError
from diffrender.video.convert import Conversion, convert
from diffrender.video.encode import container
from diffrender.video.encode.encoder import Encoder
from diffrender.video.encode.settings import choose
from diffrender.video.encode.settled import settled

WIDTH, HEIGHT, FRAMES, FPS = 192, 108, 24, 20
COLOURS = np.array([(255, 0, 0), (0, 176, 80), (16, 64, 255), (255, 155, 66)])


def frames():
    """Four fields of colour over which a white bar moves."""
    for k in range(FRAMES):
        pixels = np.full((HEIGHT, WIDTH, 4), 255, np.uint8)
        pixels[..., :3] = COLOURS.repeat(WIDTH // 4, axis=0)[None]
        pixels[90:, 4 * k : 4 * k + 16, :3] = 255
        yield pixels


@pytest.fixture
def clip(tmp_path):
    """An MP4 as diffrender encodes it."""
    with Encoder(tmp_path / "part.mp4", choose("mp4"), WIDTH, HEIGHT, FPS) as encoder:
        for pixels in frames():
            encoder.write(pixels)
    container.join([tmp_path / "part.mp4"], tmp_path / "clip.mp4", FPS, metadata={"comment": '{"key":"k"}'})
    (tmp_path / "part.mp4").unlink()
    return tmp_path / "clip.mp4"


def decoded(path):
    with av.open(str(path)) as opened:
        return np.array([frame.to_ndarray(format="rgb24") for frame in opened.decode(video=0)], float)


def made(clip, name, **wishes):
    out = clip.parent / name
    wish = Conversion(file=clip, out=out, format=out.suffix[1:], metadata={"comment": '{"key":"other"}'}, **wishes)
    return out, convert(wish, lambda event: None)


def test_a_webm_shows_the_pictures_of_the_mp4(clip):
    out, figures = made(clip, "clip.webm")
    found = container.probe(out)
    assert (found.codec, found.frames, found.fps, figures["frames"]) == ("vp9", FRAMES, FPS, FRAMES)
    assert json.loads(found.metadata["comment"]) == {"key": "other"}
    first, second = decoded(clip), decoded(out)
    assert np.abs(first - second).mean() < 3
    assert np.abs(first - second[::-1]).mean() > 3, "the control: backwards it is another clip"


def test_a_mov_holds_the_very_packets(clip):
    out, _ = made(clip, "clip.mov")
    assert np.array_equal(decoded(clip), decoded(out))


def test_a_gif_has_the_colours_and_is_as_wide_and_fast_as_asked_for(clip):
    out, figures = made(clip, "clip.gif", gif_width=96, gif_fps=10)
    with Image.open(out) as image:
        assert (image.size, image.info["duration"], image.info["comment"]) == ((96, 54), 100, b'{"key":"other"}')
        image.seek(image.n_frames - 1)
        pixels = np.asarray(image.convert("RGB")).astype(int)
    assert np.abs(pixels[20, 12::24] - COLOURS).max() <= 10
    assert figures == {"frames": 12, "film_seconds": 1.2}
    assert sorted(path.name for path in clip.parent.iterdir()) == ["clip.gif", "clip.mp4"]


def test_subtitles_go_along_to_another_name(clip):
    clip.with_suffix(".srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nwords\n")
    out, _ = made(clip, "talk.webm")
    assert out.with_suffix(".srt").read_text().endswith("words\n")
    made(clip, "small.gif")
    assert not (clip.parent / "small.srt").exists()


def test_a_damaged_clip_is_named_and_nothing_is_left(clip):
    clip.write_bytes(clip.read_bytes()[:900])
    with pytest.raises(RenderError, match=r"clip\.mp4"):
        made(clip, "clip.webm")
    assert list(clip.parent.iterdir()) == [clip]


def test_what_trembles_stands_still(tmp_path):
    noise = np.random.default_rng(0)
    with Encoder(tmp_path / "a.mp4", choose("gif"), WIDTH, HEIGHT, FPS) as encoder:
        for pixels in frames():
            pixels[..., :3] = np.clip(pixels[..., :3].astype(int) + noise.integers(-1, 2, (HEIGHT, WIDTH, 3)), 0, 255)
            encoder.write(pixels)
    source = container.probe(tmp_path / "a.mp4")

    def changing(tremble):
        pictures = decoded(settled(source, tmp_path / "s.mp4", WIDTH, FPS, lambda done, total: None, tremble=tremble))
        assert len(pictures) == FRAMES
        return (np.abs(np.diff(pictures[:, :80], axis=0)) > 0).mean()

    assert changing(4) == 0
    assert changing(0) > 0.5, "the control"
