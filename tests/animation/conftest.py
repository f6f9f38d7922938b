"""A small studio: mobjects are drawn into one frame and looked at as arrays."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from manim import tempconfig

from diffrender.animation.mobjects.camera import BulkCamera

BOX = (-2.0, 2.0, -1.0, 1.0)  # data space,
RECT = (-6.0, 6.0, -3.0, 3.0)  # laid on this of the scene
SIZE = (480, 270)


CAMERAS = {}


def draw(*mobjects, size=SIZE, camera=BulkCamera, background="#000000", prepare=lambda camera: None, **settings):
    """(H, W, 4) uint8 premultiplied RGBA of the mobjects in a frame 8 units high."""
    key = size, camera, background, tuple(settings.items())
    if key not in CAMERAS:
        width, height = size
        frame = {"pixel_width": width, "pixel_height": height, "frame_height": 8.0, "frame_width": 8.0 * width / height}
        with tempconfig(frame):
            CAMERAS[key] = camera(background_color=background, **settings)
    made = CAMERAS[key]
    prepare(made)
    made.reset()
    made.capture_mobjects(list(mobjects))
    return made.pixel_array.copy()


def ink(pixels):
    """How much of a frame on black is lit, in whole pixels of full light."""
    return float(pixels[..., :3].max(-1).sum() / 255)


def psnr(a, b):
    """Peak signal to noise ratio in dB, over red, green and blue."""
    error = np.mean((a[..., :3].astype(float) - b[..., :3]) ** 2)
    return float("inf") if error == 0 else float(10 * np.log10(255**2 / error))


@pytest.fixture(scope="session")
def studio():
    """draw, ink, psnr, and a box and rect to lay mobjects on; `pixel(x, y)` is where a scene point falls."""

    def pixel(x, y, size=SIZE):
        unit = size[1] / 8
        return size[0] / 2 + x * unit, size[1] / 2 - y * unit

    return SimpleNamespace(draw=draw, ink=ink, psnr=psnr, pixel=pixel, BOX=BOX, RECT=RECT, SIZE=SIZE)
