"""Radial power against a sum over modes written out, white noise, and a wave of one frequency."""

from __future__ import annotations

import numpy as np
import pytest

from diffrender.animation.parts.spectrum import cutoffs, low_pass, radial_power


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


def test_the_lower_row_is_the_first_state_without_what_noise_has_drowned(cinema, run):
    (shot,) = cinema("spectrum", run=run).at(1.5, duration=3.0)
    said = run.meta["target"]
    first = run["x"][0][:3].astype(np.float32) * said["scale"] + said["offset"][0]
    (grid,) = [g for g in shot.rasters["ImageGrid"] if isinstance(g.recorded, np.ndarray)]
    step = int(grid.step)
    place, kept = np.arange(8), np.zeros_like(first, dtype=float)
    alpha, sigma = (float(run[key][step]) for key in ("alpha", "sigma"))
    frequencies, power = radial_power(run["x"][0])
    cut = cutoffs(frequencies, alpha**2 * power[None], np.array([sigma**2]))[0]
    assert 0 < step < run.steps
    for u in range(-4, 4):
        for v in range(-4, 4):
            if np.hypot(u, v) <= cut:
                wave = np.exp(2j * np.pi * (u * place[:, None] + v * place[None]) / 8)
                kept += ((first * wave.conj()).sum((-2, -1))[..., None, None] * wave / 64).real
    assert np.allclose(grid.recorded[step], kept, atol=1e-4)
    assert not np.allclose(grid.recorded[step], first, atol=0.05)
