"""Radial power spectra of images, and what is left of an image under a frequency."""

from __future__ import annotations

import numpy as np


def radial_frequency(height: int, width: int) -> np.ndarray:
    """Frequency of each Fourier mode (H, W), in cycles per image of the shorter side."""
    up, across = np.fft.fftfreq(height), np.fft.fftfreq(width)
    return np.hypot(up[:, None], across[None]) * min(height, width)


def radial_power(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies 1 … ⌊min(H, W)/2⌋ in cycles per image, and the mean power of a mode in the ring round each.

    images: (…, H, W); the mean is over all leading axes. A mode's power is |FFT|² / (H·W), so white noise of variance
    σ² has power σ² at every frequency. The mean of an image, at frequency 0, is left out.
    """
    height, width = images.shape[-2:]
    power = np.abs(np.fft.fft2(np.asarray(images, float))) ** 2 / (height * width)
    power = power.reshape(-1, height, width).mean(0)
    ring = np.rint(radial_frequency(height, width)).astype(int)
    rings = np.arange(1, min(height, width) // 2 + 1)
    return rings.astype(float), np.array([power[ring == k].mean() for k in rings])


def octaves(height: int, width: int) -> list[tuple[float, float]]:
    """Bands of frequencies, each from above its first number to its second: up to 1 cycle, to 2, to 4, …, and the rest.

    The first holds the mean of an image; together they hold all of it.
    """
    highest = min(height, width) // 2
    edges = [2.0**k for k in range(max(int(np.log2(highest)), 1))]
    return list(zip([-1.0, *edges], [*edges, np.inf], strict=True))


def band_pass(images: np.ndarray, low: float, high: float) -> np.ndarray:
    """Images (…, H, W) with their modes above `low` and up to `high` alone, in cycles per image."""
    frequency = radial_frequency(*images.shape[-2:])
    return np.fft.ifft2(np.fft.fft2(np.asarray(images, float)) * ((frequency > low) & (frequency <= high))).real


def low_pass(images: np.ndarray, cutoff: float) -> np.ndarray:
    """Images (…, H, W) without their modes above `cutoff`, in cycles per image."""
    return band_pass(images, -1.0, cutoff)


def cutoffs(frequencies: np.ndarray, signal: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """The frequency (T+1,) at which signal power (T+1, K) first falls under the noise's (T+1,), log-log between rings.

    The last frequency where the signal is stronger everywhere; 0 where it is weaker everywhere.
    """
    found = np.full(len(signal), frequencies[-1])
    for k, (power, level) in enumerate(zip(signal, noise, strict=True)):
        under = np.flatnonzero(power < level)
        if len(under) and under[0] == 0:
            found[k] = 0.0
        elif len(under):
            a, b = under[0] - 1, under[0]
            part = np.log(power[a] / level) / np.log(power[a] / max(power[b], 1e-300))
            found[k] = np.exp(np.log(frequencies[a]) + part * np.log(frequencies[b] / frequencies[a]))
    return found
