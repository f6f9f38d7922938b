"""A logo for the corner of every clip: an SVG or a picture, drawn as high as it is shown."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from diffrender.config.theme_file import OwnTheme
from diffrender.core import limited_process
from diffrender.core.errors import UsageError, words_of
from diffrender.core.files import expanded
from diffrender.core.notes import note_once

ENDINGS = (".svg", ".png", ".jpg", ".jpeg", ".webp")
WIDEST = 8  # times its height
CHECKED_HEIGHT = 128  # pixels, in which its contrast is looked at
CONTRAST, SEEN = 3.0, 0.5  # least contrast of marks (WCAG 2, 1.4.11), and of how much of a logo it is asked


def find_logo(name: str) -> Path:
    """The file of a logo; UsageError if there is none, or if it cannot be read."""
    file = expanded(name)
    if not file.is_file():
        raise UsageError(f"--logo {name}: no such file.", "Looked for it beside the lecture, and from here.")
    if file.suffix.lower() not in ENDINGS:
        raise UsageError(f"--logo {name}: not a picture that is read here.", f"Known: {', '.join(ENDINGS)}.")
    _pixels(file.resolve(), file.stat().st_mtime_ns)
    return file.resolve()


def warn_of_contrast(file: Path, theme: str | OwnTheme) -> None:
    """Say if most of a logo is hard to see on the ground of a theme."""
    from diffrender.animation.colors import linear, srgb
    from diffrender.animation.own_theme import theme_of

    ground = theme_of(theme).bg
    pixels = _pixels(file, file.stat().st_mtime_ns) / 255
    shown = pixels[pixels[..., 3] > 0.5][:, :3]
    weights = np.array([0.2126, 0.7152, 0.0722])
    light, dark = linear(shown) @ weights, float(linear(srgb(ground)) @ weights)
    ratios = (np.maximum(light, dark) + 0.05) / (np.minimum(light, dark) + 0.05)
    if (share := float((ratios >= CONTRAST).mean())) < SEEN:
        text = f"{file.name}: on {ground} only {share:.0%} of it has the {CONTRAST:g} : 1 that marks need to be seen."
        note_once(text)


@cache
def _pixels(file: Path, changed: int) -> np.ndarray:
    """(H, W, 4) of a logo, read in a process with limits. changed: when the file was, so that it is read again."""
    _, (pixels,) = limited_process.call(
        "diffrender.video.logo:inspect_logo", str(file), file.read_bytes(), path=str(file)
    )
    return pixels


def inspect_logo(data: bytes, *, path: str) -> tuple[dict[str, Any], list[np.ndarray]]:
    """({}, pixels) of a logo in a height at which it can be judged."""
    return {}, [rasterized(data, path, CHECKED_HEIGHT)]


def rasterized(data: bytes, path: str, height: int) -> np.ndarray:
    """(height, W, 4) uint8 RGBA, colours not premultiplied, of a logo's bytes; UsageError if they are no picture."""
    from PIL import Image

    try:
        if Path(path).suffix.lower() == ".svg":
            import resvg_py

            data = bytes(resvg_py.svg_to_bytes(svg_string=data.decode("utf-8-sig"), height=4 * height))
        with Image.open(io.BytesIO(data)) as picture:
            image = picture.convert("RGBA")
    except Exception as error:
        raise UsageError(
            f"{path}: cannot be read as a logo ({words_of(error)}).", "Save it again as SVG or PNG."
        ) from None
    box = image.getchannel("A").getbbox()
    if box is None:
        raise UsageError(f"{path}: nothing is to be seen in it.", "Give another logo.")
    image = image.crop(box)
    width = max(1, round(image.width * height / image.height))
    if width > WIDEST * height:
        raise UsageError(f"{path}: more than {WIDEST} times as wide as high.", "Give a logo that fits a corner.")
    return np.asarray(image.resize((width, height), Image.Resampling.LANCZOS))
