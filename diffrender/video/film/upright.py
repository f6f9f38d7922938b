"""Pictures as a video wants them shown: turned, mirrored, and with the shape that its pixels have."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image, UnidentifiedImageError

Filters = list[tuple[str, str]]  # of FFmpeg: name, arguments

TURNS: dict[int, Filters] = {  # degrees that a video says it shall be turned, counterclockwise
    90: [("transpose", "cclock")],
    -90: [("transpose", "clock")],
    -180: [("hflip", ""), ("vflip", "")],
}
EXIF_ORIENTATION = 274  # the tag's number
OF_EXIF: dict[int, Filters] = {
    2: [("hflip", "")],
    3: [("hflip", ""), ("vflip", "")],
    4: [("vflip", "")],
    5: [("transpose", "cclock_flip")],
    6: [("transpose", "clock")],
    7: [("transpose", "clock_flip")],
    8: [("transpose", "cclock")],
}


def turns(frame: av.VideoFrame, file: Path) -> Filters:
    """Filters that set a picture upright; [] if it is. `file` is where it comes from."""
    try:
        return mirrored(frame) or TURNS.get(frame.rotation, [])
    except ValueError:  # a kind of side data that PyAV does not know, as EXIF: photographs say there how they lie
        return OF_EXIF.get(_exif_orientation(file), [])


def square_pixels(aspect: Fraction | None) -> Filters:
    """Filters after which pixels of that aspect are square, of an even number across."""
    aspect = aspect or Fraction(1)
    return [("scale", f"max(2\\,trunc(iw*{aspect.numerator}/{aspect.denominator}/2+0.5)*2):ih"), ("setsar", "1")]


def upright_image(frame: av.VideoFrame, stream: Any, file: Path) -> Image.Image:
    """One picture of a stream as it is to be shown."""
    steps = [*square_pixels(stream.sample_aspect_ratio), *turns(frame, file)]
    graph = av.filter.Graph()
    chain = [graph.add_buffer(template=stream), *(graph.add(*step) for step in [*steps, ("buffersink", "")])]
    graph.link_nodes(*chain).configure()
    graph.push(frame)
    graph.push(None)
    return graph.pull().to_image()


def mirrored(frame: av.VideoFrame) -> Filters:
    """Filters that set a picture upright whose display matrix mirrors it; [] if it does not."""
    data = next((bytes(d) for d in frame.side_data if d.type.name == "DISPLAYMATRIX"), b"")
    if len(data) < 36:
        return []
    a, b, _, c, d = (int(v) for v in np.frombuffer(data, "<i4")[:5])  # x' = a x + c y, y' = b x + d y
    if a * d - b * c >= 0:
        return []
    turned = abs(b) > abs(a)
    across, down = (c, b) if turned else (a, d)
    flips = [("hflip", "")] * (across < 0) + [("vflip", "")] * (down < 0)
    return [("transpose", "cclock_flip"), *flips] if turned else flips


def _exif_orientation(file: Path) -> int:
    try:
        with Image.open(file) as picture:
            return int(picture.getexif().get(EXIF_ORIENTATION, 1))
    except (UnidentifiedImageError, OSError, ValueError, TypeError):
        return 1
