"""Radial power against a sum over modes written out, white noise, and a wave of one frequency."""

from __future__ import annotations

import numpy as np
import pytest

from diffrender.animation.layout.box import Box
from diffrender.animation.parts.spectrum import band_pass, cutoffs, low_pass, octaves, radial_power
from diffrender.animation.parts.spectrum_plot import SpectrumPlot


def test_power_is_the_sum_over_modes_written_out():
    image = np.random.default_rng(0).normal(size=(6, 6))
    sums = {1: [], 2: [], 3: []}
    place = np.arange(6)
    for u in range(-3, 3):
        for v in range(-3, 3):
            wave = np.exp(-2j * np.pi * (u * place[:, None] + v * place[None]) / 6)
            sums.setdefault(round(np.hypot(u, v)), []).append(abs((image * wave).sum()) ** 2 / 36)
    frequencies, power = radial_power(image)
    direct = [np.mean(sums[k]) for k in (1, 2, 3)]
    assert frequencies.tolist() == [1, 2, 3]
    assert np.allclose(power, direct, rtol=1e-10)
    assert not np.allclose(radial_power(image.T[::-1] + image)[1], direct, rtol=0.01)


def test_white_noise_is_flat_at_its_variance_and_smoothed_noise_is_not():
    noise = 0.7 * np.random.default_rng(1).normal(size=(3000, 1, 8, 8))
    assert np.allclose(radial_power(noise)[1], 0.49, rtol=0.03)
    smooth = (noise + np.roll(noise, 1, -1)) / 2
    assert not np.allclose(radial_power(smooth)[1], 0.49, rtol=0.2)


def test_a_low_pass_keeps_the_wave_below_and_drops_the_one_above():
    x = np.arange(8)
    slow, fast = (np.tile(np.cos(2 * np.pi * k * x / 8), (8, 1)) for k in (1, 3))
    assert np.allclose(low_pass(slow + fast, 2), slow)
    assert not np.allclose(low_pass(slow + fast, 3), slow)


@pytest.mark.parametrize("side", [8, 28, 64])
def test_bands_are_octaves_and_together_the_image(side):
    image = np.random.default_rng(2).normal(size=(side, side)) + 3
    bands = octaves(side, side)
    parts = [band_pass(image, *band) for band in bands]
    assert np.allclose(sum(parts), image)
    assert not np.allclose(sum(parts[:-1]), image), "the control: a band is missing"
    assert abs(parts[0].mean() - 3) < 0.5
    assert all(abs(part.mean()) < 1e-9 for part in parts[1:])
    assert [high for _, high in bands[:-1]] == [2.0**k for k in range(len(bands) - 1)]


@pytest.fixture(scope="module")
def run(recorded):
    return recorded(
        "digits",
        sampler={"kind": "forward", "steps": 24, "chains": 6},
        record={"keep": [], "target_points": 0},
    )


def test_it_fits_every_frame(cinema, run, shape, look):
    assert cinema("spectrum", run=run).layout(shape, look, every=9, duration=2.0) == []


def test_the_cutoff_of_a_power_law_is_where_it_meets_the_noise():
    f = np.arange(1.0, 8)
    power = np.stack([f**-2.0] * 3)
    found = cutoffs(f, power, np.array([3.5**-2.0, 2.0, 1e-9]))
    assert found[1:].tolist() == [0, 7]
    assert abs(found[0] - 3.5) < 1e-9
    assert abs(cutoffs(f, power * 1.2, np.full(3, 3.5**-2.0))[0] - 3.5) > 0.1


RESTART = 0.3 + 0.5  # seconds from the poster to the first motion


def scene_at(cinema, run, second):
    """The grids of a moment in the way there: state, what is below the cut-off, bands; the step, and the cut-off."""
    (shot,) = cinema("spectrum", run=run).at(RESTART + second, duration=6.0)
    state, below, *bands = shot.rasters["ImageGrid"]
    step = int(below.step)
    alpha, sigma = (float(run[key][step]) for key in ("alpha", "sigma"))
    frequencies, power = radial_power(run["x"][0])
    assert 0 < step < run.steps
    return state, below, bands, step, cutoffs(frequencies, alpha**2 * power[None], np.array([sigma**2]))[0]


def shown_image(run):
    """x_0 of the chain of most contrast, (8, 8) in [−1, 1], the test's own way."""
    said = run.meta["target"]
    first = run["x"][0][:, 0].astype(np.float32) * said["scale"] + said["offset"][0]
    return first[max(range(len(first)), key=lambda n: np.var(first[n]))]


def waves(image, low, high):
    """The sum of an image's waves above `low` and up to `high`, written out."""
    place, out = np.arange(8), np.zeros((8, 8))
    for u in range(-4, 4):
        for v in range(-4, 4):
            if low < np.hypot(u, v) <= high:
                wave = np.exp(2j * np.pi * (u * place[:, None] + v * place[None]) / 8)
                out += ((image * wave.conj()).sum() * wave / 64).real
    return out


def test_images_are_the_first_state_without_what_noise_has_drowned_whole_and_by_bands(cinema, run):
    _, below, bands, step, cut = scene_at(cinema, run, 1.4)
    image = shown_image(run)
    assert 1 < cut < 4
    assert np.allclose(below.recorded[step][0, 0], waves(image, -1, cut), atol=1e-4)
    assert not np.allclose(below.recorded[step][0, 0], image, atol=0.05), "the control: all of it"
    for grid, (low, high) in zip(bands, octaves(8, 8), strict=True):
        assert np.allclose(grid.recorded[step][0, 0], waves(image, low, min(high, max(cut, low))), atol=1e-4)
        assert grid.get_fill_opacity() == float(cut > low)


def test_bands_together_are_the_image_below_the_cutoff(cinema, run):
    _, below, bands, step, _ = scene_at(cinema, run, 1.4)
    parts = [grid.recorded[step][0, 0] for grid in bands]
    assert np.allclose(sum(parts), below.recorded[step][0, 0], atol=1e-4)
    assert not np.allclose(sum(parts[1:]), below.recorded[step][0, 0], atol=0.05), "the control: one band is missing"


def test_it_opens_and_ends_where_half_of_the_bands_are_left(cinema, run):
    poster, end = cinema("spectrum", run=run).at(-0.5, RESTART + 6.0 + 1.8, duration=6.0)
    steps = [int(shot.rasters["ImageGrid"][1].step) for shot in (poster, end)]
    frequencies, power = radial_power(run["x"][0])
    alpha, sigma = (np.asarray(run[key], float) for key in ("alpha", "sigma"))
    cut = cutoffs(frequencies, alpha[:, None] ** 2 * power, sigma**2)
    nearest = min(abs(np.log(cut[cut > 0]) - np.log(2)))
    assert all(np.isclose(abs(np.log(cut[k]) - np.log(2)), nearest) for k in steps)
    assert cut[0] == 4, "the control: at the start all are there"


def test_every_band_but_the_mean_is_stretched_to_its_own_contrast(cinema, run):
    _, _, bands, _, _ = scene_at(cinema, run, 1.4)
    image = shown_image(run)
    assert (bands[0].lo, bands[0].hi) == (-1, 1)
    for grid, (low, high) in list(zip(bands, octaves(8, 8), strict=True))[1:]:
        assert grid.hi == -grid.lo
        assert np.isclose(grid.hi, np.abs(waves(image, low, high)).max(), rtol=1e-3)
    assert not np.isclose(bands[1].hi, bands[2].hi, rtol=0.02), "the control: each has another"


def test_a_curve_leaves_the_axis_where_it_falls_under_it(cinema, run):
    cinema("spectrum", run=run).at(0.0)  # a page needs Manim's frame
    from diffrender.animation.layout.page import Page
    from diffrender.animation.theme import Frame, theme

    f = np.array([1.0, 2.0, 4.0, 8.0])
    signal = np.stack([f**-2.0, 0.01 * f**-2.0])
    page = Page(Frame.of(1280, 720), theme("dark"))
    plot = SpectrumPlot(page, Box(0, 5, 0, 3), f, signal, np.array([0.1, 0.5]), np.array([3.0, 0.0]), signal)
    assert np.isclose(plot.least, 8**-2.0 / 10)
    points = plot.above_least(signal[1])
    assert np.allclose(points[-1], (np.sqrt(0.01 / plot.least), plot.least)), "a straight line in logarithms"
    assert len(plot.above_least(signal[0])) == len(f), "the control: nothing is cut that is on the axis"
    assert plot.above_least(np.full(4, plot.least / 2)) == []
