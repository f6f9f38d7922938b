"""The corner that a lecture's logo and its author's name have on every clip: at the bottom, on the right.

It is part of the ground: drawn once, behind everything, whatever a scene plays. Pages with one leave its row free.
"""

from __future__ import annotations

import numpy as np

from diffrender.animation.layout.page import Page
from diffrender.animation.mobjects.camera import BulkCamera
from diffrender.animation.text.typst import escaped

BASELINE = 0.30  # of the name, above the frame's lower edge
GAP = 0.5  # between name and logo, in em


def logo_height(page: Page) -> float:
    """How high a logo is, in units."""
    return 1.3 * page.em("caption")


def corner_mark(page: Page, author: str, logo: np.ndarray | None) -> np.ndarray:
    """(H, W, 4) uint8 RGBA, premultiplied: the rows at a frame's foot with the mark in them, all else empty.

    logo: (h, w, 4) uint8 RGBA, as high as `logo_height` in pixels.
    """
    camera = BulkCamera(background_opacity=0.0, background_color="#000000")
    frame, em = page.frame, page.em("caption")
    unit = camera.pixel_height / frame.height
    right, baseline = frame.x, BASELINE - frame.height / 2
    width = 0 if logo is None else logo.shape[1] / unit
    if author:
        end = right - width - (GAP * em if logo is not None else 0)
        camera.capture_mobjects([page.words(escaped(author), "caption", "muted").at(end, baseline, 1)])
    pixels = camera.pixel_array.copy()
    if logo is not None:
        middle = baseline + 0.33 * em
        top = round((frame.height / 2 - middle) * unit - logo.shape[0] / 2)
        left = round((frame.width / 2 + right) * unit) - logo.shape[1]
        alpha = logo[..., 3:].astype(np.uint16)
        laid = np.concatenate([(logo[..., :3] * alpha + 127) // 255, alpha], axis=2).astype(np.uint8)
        pixels[top : top + logo.shape[0], left : left + logo.shape[1]] = laid
    first = int(np.flatnonzero(pixels[..., 3].any(axis=1))[0])
    return pixels[first:].copy()
