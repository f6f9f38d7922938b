"""The plane of an autoencoder's codes, the room beside it, and what every act does in them."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffrender.animation.layout.box import Box, Boxes
from diffrender.animation.layout.page import Page
from diffrender.animation.layout.plane import Plane
from diffrender.animation.mobjects.furniture.panels import frame
from diffrender.animation.parts.class_labels import class_colors, class_names
from diffrender.animation.parts.pictures import image_grid
from diffrender.animation.text.typst import escaped
from diffrender.animation.theme import point_radius
from diffrender.trajectory.reader import Trajectory

NOWHERE = 1e3  # where the middle of a class without points lies


class CodePlane:
    """What the acts share.

    run: the recording of the codes. view: the plane on the stage. asked: the class that was asked for, or None. names:
    of the classes. upright: whether the room beside the plane is higher than wide.
    """

    def __init__(self, page: Page, run: Trajectory, view: Plane, boxes: Boxes, asked: int | None) -> None:
        self.page, self.run, self.view, self.boxes, self.asked = page, run, view, boxes, asked
        self.names = class_names(run)
        self.upright = boxes.side.height > boxes.side.width

    def middles(self, points: np.ndarray, label: np.ndarray) -> np.ndarray:
        """(K, 2) the median of each class's points (N, 2); far away where there are none."""
        groups = [points[label == k] for k in range(len(self.names))]
        return np.array([np.median(group, 0) if len(group) else np.full(2, NOWHERE) for group in groups])

    def fitting(self, forms: str, size: str, color: str = "fg") -> Any:
        """The longest of some forms of a text that the side has room for."""
        return self.page.words(self.page.fitting(forms, self.boxes.side.width, size), size, color)

    def radius(self, count: int) -> float:
        """Of points of a cloud."""
        return point_radius(count, 0.5 * self.boxes.stage.width * self.boxes.stage.height)

    def square(self, share: float = 0.6) -> Box:
        """A large square in the side, for one image, with room over it for a line of text; 1: it has the side alone."""
        side = self.boxes.side
        shares = (share, 1 - share) if self.upright else (share - 0.18, 1.18 - share)
        part = side if share == 1 else (side.rows if self.upright else side.columns)(*shares)[0]
        part = part._replace(top=part.top - 1.4 * self.page.em("legend"))
        size, (x, y) = min(part.width, part.height), part.center
        return Box(x - size / 2, x + size / 2, y - size / 2, y + size / 2)

    def strip(self) -> Box:
        """The rest of it."""
        side = self.boxes.side
        return side.rows(0.6, 0.4)[1] if self.upright else side.columns(0.42, 0.58)[1]

    def decoded_at(self, places: np.ndarray) -> np.ndarray:
        """(1, K, C, H, W): of the decoded sheet the images nearest to places (K, 2)."""
        run = self.run
        column = np.abs(np.asarray(run["sheet_x"])[:, None] - places[:, 0]).argmin(0)
        row = np.abs(np.asarray(run["sheet_y"])[:, None] - places[:, 1]).argmin(0)
        return np.asarray(run["sheet"])[row, column][None]

    def tiles(self, values: np.ndarray, *texts: Any, chains: int = 0) -> list[Any]:
        """An image for each class in the side, its name and colour round it, texts above them."""
        count, theme, em = chains or values.shape[1], self.page.theme, self.page.em("legend")
        side = self.boxes.side
        head = self.page.stack(side, *texts, gap=0.3)
        body = side._replace(top=head[-1].get_bottom()[1] - 0.3, bottom=side.bottom + 1.25 * em)
        wide = body.width / body.height
        columns = min(count, 5 if wide > 1.4 else 4 if wide > 0.75 else 3)
        made: list[Any] = list(head)
        colors = class_colors(theme, len(self.names))
        for k, box in enumerate(body.squares(count, gap=1.5 * em, lines=-(-count // columns))):
            grid = image_grid(values, box, theme=theme, rows=1, cols=1, chains=[k]).set_z_index(1)
            strong = self.asked is None or self.asked == k
            rim = frame(box, colors[k % len(colors)], 0.06 if strong else 0.02).set_z_index(3)
            said = escaped(self.names[k % len(self.names)])
            made += [grid, rim, self.page.label(said, box.center[0], box.bottom - 1.05 * em, 0, "legend")]
        return made
