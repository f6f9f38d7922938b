"""Many processes, one file: the same bytes for any number of workers, joined by packets."""

from itertools import pairwise
from pathlib import Path

import av
import pytest

from diffrender.core.errors import RenderError
from diffrender.video.drawing import segments
from diffrender.video.drawing.work_folder import segments_key
from diffrender.video.encode import container
from diffrender.video.render import render
from diffrender.video.spec import RenderSpec

TOYS = Path(__file__).with_name("toy_scenes.py")


def spec(out, **fields):
    """A small render of a toy scene."""
    usual = {"scene": TOYS, "scene_class": "Toy", "width": 320, "height": 180, "fps": 10, "segment_seconds": 0.5}
    return RenderSpec.of(**{**usual, "out": out, **fields})


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """The same clip by 1, 2 and 3 workers."""
    folder = tmp_path_factory.mktemp("workers")
    return {n: render(spec(folder / f"{n}.mp4", workers=n)) for n in (1, 2, 3)}


def test_the_same_bytes_for_any_number_of_workers(clips):
    one, two, three = (clips[n].path.read_bytes() for n in (1, 2, 3))
    assert one == two == three
    assert [len(clips[n].cpu_seconds) for n in (1, 2, 3)] == [1, 2, 3]


def test_other_cuts_give_other_bytes(clips, tmp_path):
    assert render(spec(tmp_path / "a.mp4", segment_seconds=60)).path.read_bytes() != clips[1].path.read_bytes()


def test_timestamps_are_constant_and_every_segment_starts_with_a_key_frame(clips):
    with av.open(str(clips[2].path)) as opened:
        decoded = list(opened.decode(video=0))
    assert len(decoded) == clips[2].frames == 28
    assert decoded[0].pts == 0
    assert {b.pts - a.pts for a, b in pairwise(decoded)} == {decoded[0].duration}
    assert decoded[0].duration * decoded[0].time_base == pytest.approx(1 / 10, abs=0)
    assert all(decoded[k].key_frame for k in range(0, 25, 5))
    with av.open(str(clips[2].path)) as opened:
        dts = [packet.dts for packet in opened.demux(video=0) if packet.size]
    assert all(a < b for a, b in pairwise(dts))


@pytest.mark.parametrize(("total", "seconds"), [(1, 2.0), (59, 2.0), (61, 2.0), (600, 2.0), (7, 0.01), (30, 600)])
def test_cuts_cover_every_frame_once(total, seconds, tmp_path):
    cuts = list(segments.cut(spec(tmp_path / "a.mp4", segment_seconds=seconds, fps=30), tmp_path, total))
    assert [k for s in cuts for k in range(s.first, s.last)] == list(range(total))
    length = max(1, round(30 * seconds))
    assert all(s.last - s.first == length for s in cuts[:-1])
    assert len(cuts) == 1 or cuts[-1].last - cuts[-1].first >= length / 2


def test_the_work_of_another_spec_is_not_taken_up(tmp_path):
    first = spec(tmp_path / "a.mp4")
    assert segments_key(first) == segments_key(spec(tmp_path / "a.mp4", workers=3))
    for change in (
        {"fps": 12},
        {"options": {"a": 1}},
        {"encode": "small"},
        {"scene_class": "Still"},
        {"theme": "light"},
    ):
        assert segments_key(first) != segments_key(spec(tmp_path / "a.mp4", **change))


def test_clips_of_two_formats_are_not_joined(clips, tmp_path):
    other = render(spec(tmp_path / "b.mp4", width=160, height=90)).path
    with pytest.raises(RenderError, match="different formats"):
        container.join([clips[1].path, other], tmp_path / "c.mp4", 10)


def test_films_are_joined_with_chapters(clips, tmp_path):
    parts = [clips[1].path, clips[2].path]
    chapters = [container.Chapter("first", 0, 2.8), container.Chapter("second", 2.8, 5.6)]
    total = container.join(parts, tmp_path / "film.mp4", 10, metadata={"title": "Two"}, chapters=chapters)
    film = container.probe(tmp_path / "film.mp4")
    assert (total, film.frames, film.seconds, film.metadata["title"]) == (56, 56, 5.6, "Two")
    with av.open(str(tmp_path / "film.mp4")) as opened:
        assert [c["metadata"]["title"] for c in opened.chapters()] == ["first", "second"]
        times = [float(f.time) for f in opened.decode(video=0)]
    assert times == pytest.approx([k / 10 for k in range(56)])
