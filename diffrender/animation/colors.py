"""Colour arithmetic: sRGB, light and Oklab (Ottosson 2020), mixtures, and contrast.

Colours are "#RRGGBB", or (3,) arrays in 0..1.
"""

from __future__ import annotations

from functools import cache

import numpy as np

_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def srgb(color: str) -> np.ndarray:
    """(3,) in 0..1 of "#RRGGBB"."""
    return np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255


def linear(c: np.ndarray) -> np.ndarray:
    """sRGB in 0..1 → light."""
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def encoded(c: np.ndarray) -> np.ndarray:
    """Light → sRGB in 0..1."""
    c = np.clip(c, 0, 1)
    return np.where(c <= 0.0031308, 12.92 * c, 1.055 * c ** (1 / 2.4) - 0.055)


def oklab(color: str) -> np.ndarray:
    """(3,) L, a, b of "#RRGGBB"."""
    return np.cbrt(linear(srgb(color)) @ _TO_LMS.T) @ _TO_LAB.T


def _from_oklab(lab: np.ndarray) -> np.ndarray:
    light = (lab @ np.linalg.inv(_TO_LAB).T) ** 3 @ np.linalg.inv(_TO_LMS).T
    return np.rint(encoded(light) * 255).astype(np.uint8)


@cache
def ramp(anchors: tuple[str, ...], n: int = 256) -> np.ndarray:
    """(n, 3) uint8 through evenly spaced anchors, interpolated in Oklab. Do not write into it."""
    lab = np.array([oklab(a) for a in anchors])
    t = np.linspace(0, len(anchors) - 1, n)
    table = _from_oklab(np.stack([np.interp(t, np.arange(len(anchors)), lab[:, i]) for i in range(3)], 1))
    table.setflags(write=False)
    return table


def blend(a: str, b: str, amount: float) -> str:
    """The colour `amount` (0..1) of the way from a to b, in Oklab."""
    rgb = _from_oklab((1 - amount) * oklab(a) + amount * oklab(b))
    return "#{:02X}{:02X}{:02X}".format(*rgb)


def laid(color: str, ground: str, alpha: float) -> str:
    """What a mark of a colour and an opacity looks like on a ground: mixed in sRGB, as pixels are."""
    rgb = np.rint(255 * (alpha * srgb(color) + (1 - alpha) * srgb(ground))).astype(int)
    return "#{:02X}{:02X}{:02X}".format(*rgb)


def turned(a: str, b: str, amount: float) -> str:
    """The colour so far from `a` to `b` by lightness, chroma and hue in Oklab: never the grey between opposite hues."""
    ends = [(lab[0], np.hypot(*lab[1:]), np.arctan2(lab[2], lab[1])) for lab in map(oklab, (a, b))]
    light, chroma, hue = (u + amount * (v - u) for u, v in zip(*ends, strict=True))
    rgb = _from_oklab(np.array([light, chroma * np.cos(hue), chroma * np.sin(hue)]))
    return "#{:02X}{:02X}{:02X}".format(*rgb)


def contrast(a: str, b: str) -> float:
    """WCAG 2 contrast ratio of two colours, 1 to 21."""
    low, high = sorted(float(linear(srgb(c)) @ (0.2126, 0.7152, 0.0722)) for c in (a, b))
    return (high + 0.05) / (low + 0.05)
