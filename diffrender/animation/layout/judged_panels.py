"""Two panels and the figures by which what is on them is judged, laid out so that what is on them is largest."""

from __future__ import annotations

from diffrender.animation.layout.box import Box, Boxes
from diffrender.animation.theme import Frame

COLUMN = {"wide": 12.6, "classic": 9.2, "square": 9.6, "tall": 6.9}  # em of the legend, of figures beside panels
WIDEST = 0.4  # of the frame's width, for that column
LINES = {"wide": 4, "classic": 4, "square": 4, "tall": 5}  # of figures under panels
LINE, GAP = 1.35, 0.16  # em of the legend, from line to line; over what lies under panels
VERDICT = {"wide": 2.1, "classic": 1.75, "square": 1.5, "tall": 3.1}  # em of the label: height of the closing sentence


def judged_panels(frame: Frame, shape: float, *, more: int = 0) -> Boxes:
    """Two panels of one size, `left` and `right`, room for a label over each, the `figures`, and under all the
    `verdict`: a sentence.

    shape: how many times as wide as high it is what the panels show. Figures are a `column` beside the panels or lines
    under them (`column` is False), as it lets the panels show it larger. more: lines that the latter need besides.
    """

    def size(boxes: Boxes) -> float:
        return min(boxes.left.width / shape, boxes.left.height)

    return max((_beside(frame), _under(frame, more)), key=size)


def _beside(frame: Frame) -> Boxes:
    body, label, gap = _body(frame), 1.3 * frame.type.label, {"wide": 0.4, "tall": 0.3}.get(frame.shape, 0.3)
    width = min(COLUMN[frame.shape] * frame.type.legend, WIDEST * body.width)
    upper = body._replace(bottom=body.bottom + VERDICT[frame.shape] * frame.type.label)
    rest = upper._replace(right=upper.right - width - gap)
    left, right = rest.rows(1, 1, gap=0.2) if frame.shape == "tall" else rest.columns(1, 1, gap=gap)
    return _boxes(body, left, right, label, upper._replace(left=upper.right - width), column=True)


def _under(frame: Frame, more: int) -> Boxes:
    body, label = _body(frame), 1.3 * frame.type.label
    foot = body.bottom + VERDICT[frame.shape] * frame.type.label
    upper = body._replace(bottom=foot + (LINES[frame.shape] + more) * LINE * frame.type.legend + GAP)
    gap = {"wide": 0.7, "classic": 0.5, "square": 0.4, "tall": 0.2}[frame.shape]
    left, right = (upper.rows if frame.shape == "tall" else upper.columns)(1, 1, gap=gap)
    return _boxes(body, left, right, label, body._replace(bottom=foot, top=upper.bottom - GAP), column=False)


def _body(frame: Frame) -> Box:
    return Box(-frame.x, frame.x, frame.bottom, frame.top)


def _boxes(body: Box, left: Box, right: Box, label: float, figures: Box, *, column: bool) -> Boxes:
    left, right = (box._replace(top=box.top - label) for box in (left, right))
    verdict = body._replace(top=min(figures.bottom, left.bottom, right.bottom))
    boxes = {"left": left, "right": right, "figures": figures, "verdict": verdict, "column": column}
    return Boxes("judged panels", boxes)
