"""Radial power against a sum over modes written out, white noise, and a wave of one frequency."""

from __future__ import annotations

import numpy as np

from diffrender.animation.parts.spectrum import low_pass, radial_power


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
