"""Title cards: particles become the title by the exact reverse process of its ink, and long ones fit."""

import numpy as np
import pytest
from manim import Dot

from diffrender.animation.layout.checks import texts
from diffrender.animation.layout.paragraph import markup, paragraph
from diffrender.animation.parts.lettering import (
    LOWEST,
    PIXEL,
    SMOOTHEST,
    denoised,
    farthest,
    noise_levels,
    posterior_mean,
    raster,
    rises,
)
from diffrender.animation.text.language import Language, own
from diffrender.animation.text.typst import words
from diffrender.config.catalogue import languages, read_catalogue
from diffrender.core.errors import RenderError
from diffrender.trajectory import Trajectory, TrajectoryWriter

SIZES = [((480, 270), "dark"), ((270, 480), "light"), ((270, 270), "dark"), ((360, 270), "light")]


@pytest.fixture(scope="module")
def card(cinema):
    return cinema("card")


def letters():
    return [words("Ab", 1.2, "#FFFFFF").at(0, 0, 0)]


def test_the_posterior_mean_is_the_sum_over_all_the_ink():
    ink, corner = raster(letters())
    rows, columns = np.nonzero(ink)
    places = np.stack([columns + 0.5, rows + 0.5], 1) * PIXEL + corner
    x = np.array([[0.1, 0.3], [-0.8, 1.0], [1.5, -0.4]])
    for sigma in (0.05, 0.3, 1.2):
        away = np.square(x[:, None] - places).sum(-1) / (2 * sigma**2)
        weight = ink[rows, columns] * np.exp(-(away - away.min(1, keepdims=True)))
        wanted = weight @ places / weight.sum(1, keepdims=True)
        near = np.sqrt(2 * away.min(1)) < 5  # farther out, blur ends
        assert posterior_mean(ink, corner, x, sigma)[near] == pytest.approx(wanted[near], abs=0.02 + 0.03 * sigma)
        assert not np.allclose(posterior_mean(ink, corner, x, 2 * sigma)[near], wanted[near], atol=0.002)


def test_particles_end_on_the_ink_and_cover_it():
    made = letters()
    ink, corner = raster(made)
    states = denoised(made, count=3000)
    at = np.clip(np.floor((states - corner) / PIXEL).astype(int), 0, np.array(ink.shape[::-1]) - 1)
    on_ink = (ink[at[..., 1], at[..., 0]] > 0).mean(1)
    assert on_ink[-1] > 0.97
    assert on_ink[0] < 0.3
    halves = [(states[k, :, 0] < states[-1, :, 0].mean()).mean() for k in (-1, 0)]
    ink_half = ink[:, : int((states[-1, :, 0].mean() - corner[0]) / PIXEL)].sum() / ink.sum()
    assert halves[0] == pytest.approx(ink_half, abs=0.06)
    assert LOWEST < PIXEL
    assert np.array_equal(states, denoised(made, count=3000))


def test_the_first_and_the_last_frame_are_the_whole_card_and_between_them_is_noise(card):
    options = {"title": "Noise to data", "text": "a lecture", "part": 2, "seconds": 4.0}
    first, noise, last = (shot.frame.astype(int) for shot in card.play([(0, 1), (10, 11), (38, 39)], **options))
    assert np.abs(first - last).mean() < 0.05
    assert np.abs(first - noise).mean() > 0.3
    assert np.ptp(first.sum(-1)) > 500
    bright = [(frame.min(-1) > 200).sum() for frame in (first, noise, last)]
    assert bright[1] < bright[0] / 3


def test_the_finished_title_stands_at_the_end_and_points_are_larger_in_the_noise(card):
    shots = card.play([(k, k + 1) for k in (22, 43, 44, 47, 49, 55)], title="Noise to data", seconds=5.6)
    noise, formed = (float(shot.rasters["PointCloud"][0].radius[0]) for shot in shots[:2])
    assert noise == pytest.approx(1.5 * formed, rel=0.05)
    before, *stands, whole = (shot.frame.astype(int) for shot in shots[2:])
    assert max(np.abs(frame - whole).mean() for frame in stands) < 0.05
    assert np.abs(before - whole).mean() > 0.1, "the control: before it is finished"


def test_the_letters_scatter_without_a_jump(card):
    shots = card.play([(k, k + 1) for k in range(4, 24)], title="Noise to data", seconds=5.6)
    spread = np.array([shot.rasters["PointCloud"][0].xy[:, 1].std() for shot in shots])
    steps = np.diff(spread)
    assert (steps > 0).all()
    assert 12 <= steps.argmax() <= 17, "fastest once they are a cloud, slow at both ends"
    assert (spread < 2 * spread[0]).sum() > 8, "letters are a cloud after most of a second"
    assert steps.max() < 0.25 * steps.sum()
    assert spread[3] < 1.1 * spread[0], "the letters are seen to go"


def test_isolines_near_the_words_are_seen(card):
    """Three times as bright as the ground, in either theme the one that lies round the words."""
    for look in ("dark", "light"):
        (shot,) = card.play([(0, 1)], look=look, title="Hello")
        (height, width), beside = shot.frame.shape[:2], int(0.36 * shot.frame.shape[1])
        light = np.array([luminance(pixel) for pixel in shot.frame[height // 2, width // 5 : beside]])
        ground = np.median(light)
        ratio = max((max(v, ground) + 0.05) / (min(v, ground) + 0.05) for v in light)
        assert ratio > 3


def test_no_isoline_runs_through_small_words(card):
    """Above and below a word in the same columns there are lines, at its own height there is the ground alone."""
    (shot,) = card.play([(0, 1)], title="Noise to data", text="a lecture", part=2)
    patches = [mob for mob in card.scene.mobjects if type(mob).__name__ == "Outline"]
    assert len(patches) == 2
    for mob in patches:
        (left, top), (right, bottom) = (pixel_of(mob.get_corner([s, -s, 0])[:2]) for s in (-1, 1))
        edge = shot.frame[round(top) + 3 : round(bottom) - 3, round(left) + 3]
        assert np.ptp(edge.astype(int), axis=0).max() < 4
        assert right > left


def test_no_isoline_runs_through_the_finished_title(card):
    card.play([(0, 1)], title="Noise to data")
    (lines,) = (mob for mob in card.scene.mobjects if type(mob).__name__ == "Contours")
    title = [mob for mob in card.scene.mobjects if getattr(mob, "body", "").endswith("data")]
    box = lines.box
    highest = farthest(title, lines.recorded[-1], box)
    assert highest < min(lines.levels)
    assert farthest(title, rises(title, box)[-1], box) > min(lines.levels), "the control: as far as its value says"


def pixel_of(xy):
    return np.array([640, 360]) + np.asarray(xy) * (90, -90)


def luminance(pixel):
    part = np.asarray(pixel, float) / 255
    return float(np.where(part <= 0.03928, part / 12.92, ((part + 0.055) / 1.055) ** 2.4) @ (0.2126, 0.7152, 0.0722))


def test_isolines_round_the_words_are_those_of_the_density_of_what_the_particles_come_from():
    made, box = letters(), (-3.0, 3.0, -2.0, 2.0)
    ink, corner = raster(made)
    rows, columns = np.nonzero(ink)
    places = np.stack([columns + 0.5, rows + 0.5], 1) * PIXEL + corner
    maps, levels = rises(made, box), np.maximum(noise_levels(), SMOOTHEST)
    x, y = (np.linspace(a, b, n) for (a, b), n in zip((box[:2], box[2:]), maps.shape[:0:-1], strict=True))
    for k in (0, 12, len(maps) - 1):

        def density(j, i, sigma):
            away = np.square(places - (x[i], y[j])).sum(1)
            return ink[rows, columns] @ np.exp(-away / (2 * sigma**2))

        top = density(*np.unravel_index(maps[k].argmin(), maps[k].shape), levels[k])
        for j, i in ((5, 8), (20, 30), (30, 55)):
            height = levels[k] * np.sqrt(2 * np.log(top / density(j, i, levels[k])))
            assert maps[k][j, i] == pytest.approx(height, rel=1e-3)
            assert maps[k][j - 3, i - 3] != pytest.approx(height, rel=1e-3), "the control: another place"


def test_a_row_of_dots_says_which_part_of_how_many_it_is(card):
    def dots(**options):
        card.play([(0, 1)], title="Hello", **options)
        return [mob for mob in card.scene.mobjects if isinstance(mob, Dot)]

    row = dots(part=2, parts=5)
    sizes = [dot.width for dot in sorted(row, key=lambda dot: dot.get_x())]
    assert len(sizes) == 5
    assert int(np.argmax(sizes)) == 1
    assert sorted(sizes)[-1] > sorted(sizes)[-2]
    assert dots(part=2) == []


TITLES = (
    "Ten lectures on diffusion models, Langevin dynamics and what $nabla log p(x)$ has to do with all of them",
    "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen",
    "First line\nSecond line\nThird line",
    "costs 5$ & more #1 @ 100%",
)


@pytest.mark.parametrize(
    ("title", "size", "look"),
    [  # the suite sets each title in two sizes, make check-slow in the others
        pytest.param(title, *size, marks=[pytest.mark.slow] * ((k + n) % 2))
        for n, title in enumerate(TITLES)
        for k, size in enumerate(SIZES)
    ],
)
def test_every_title_fits(card, size, look, title):
    shots = card.play([(0, 1), (39, 40)], size, look, title=title, text="Words under it\nin two lines", part=12)
    assert [fault for shot in shots for fault in shot.faults] == []


def test_a_card_keeps_its_words_in_another_language_and_what_is_left_out_is_found(card, monkeypatch):
    said = read_catalogue(languages()["de"])
    for catalogue, unsaid in ((said, []), ({k: v for k, v in said.items() if k != "Part {}"}, ["Part 2"])):
        monkeypatch.setattr(Language, "of", lambda file, catalogue=catalogue: Language(catalogue))
        assert card.layout((480, 270), "dark_de", every=3, title="noise", text="data", part=2, seconds=2) == unsaid
        bodies = [text.body for text in texts(card.scene.mobjects)]
        assert any(body.endswith("/noise") for body in bodies)
        assert any("Teil 2" in body for body in bodies) == (not unsaid)


def test_line_breaks_are_kept_and_mathematics_is_set(card):
    card.play([(0, 1)], title="A\nB")
    page = card.scene.page
    room = {"top": 3.0, "bottom": 0.0, "leading": 1.4}
    lines = [line.body for line in paragraph(page, "A b\nc", 0.5, "#FFFFFF", **room)]
    assert lines == ["#strut;" + own("A b"), "#strut;" + own("c")]
    assert markup("slope $nabla p$ = #3") == "slope $nabla p$ \\= \\#3"
    assert markup("5$") == "5\\$"
    long = paragraph(page, "word " * 40, 0.5, "#FFFFFF", **room)
    assert len(long) > 1
    assert max(line.width for line in long) <= page.frame.width - 1
    assert long[0].em < 0.5


@pytest.mark.parametrize("title", [" ", "𐀀𐀁"])
def test_what_cannot_be_seen_is_refused_by_name(card, title):
    with pytest.raises(RenderError, match=r"title: (nothing but blanks|no font here has the characters 𐀀 𐀁)"):
        card.play([(0, 1)], title=title)


def test_a_recording_given_as_ground_moves_behind_the_words(cinema, tmp_path):
    rng = np.random.default_rng(0)
    with TrajectoryWriter(tmp_path / "a.npz", {"kind": "langevin"}) as writer:
        writer.add("x", rng.standard_normal((9, 400, 2)).astype(np.float32))
        writer.add("time", np.arange(9.0))
    with_ground = cinema("card", ground=Trajectory.open(tmp_path / "a.npz"))
    seconds = {"title": "Hello", "seconds": 6.0}
    moving, still = (c.play([(50, 51), (58, 59)], **seconds) for c in (with_ground, cinema("card")))
    assert np.abs(moving[0].frame.astype(int) - moving[1].frame).mean() > 0.02
    assert np.array_equal(still[0].frame, still[1].frame)


def test_a_card_is_the_same_played_and_sought(card):
    assert card.unlike_when_sought(7, title="Hello", seconds=4.0) == []
