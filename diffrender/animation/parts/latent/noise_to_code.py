"""Noise flows to the codes; one point leaves its path, and beside the plane its decoded image changes as it goes."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffrender.animation.mobjects.furniture.panels import frame
from diffrender.animation.parts.class_labels import class_rgb
from diffrender.animation.parts.clock import Clock
from diffrender.animation.parts.hero import Hero
from diffrender.animation.parts.latent.code_plane import CodePlane
from diffrender.animation.parts.pictures import image_grid
from diffrender.animation.parts.tiles import ImageTiles, even_changes
from diffrender.core.errors import RenderError
from diffrender.trajectory.reader import Trajectory

TILES = 11
RIM = 0.04  # of the plane that is shown, at its edge
CHANGES = "the image changes equally from tile to tile|equal change from tile to tile|equal changes"


class NoiseToCode:
    """The first `count` chains of a run, coloured by the class that is read at their end, and one that is followed.

    stage, side: what stands on the plane and beside it. moving: what changes. Bound to the clock.
    """

    def __init__(self, plane: CodePlane, run: Trajectory, clock: Clock, count: int) -> None:
        run.require("read", "decoded")
        page, theme, read, decoded = plane.page, plane.page.theme, np.asarray(run["read"]), run["decoded"]
        rgb = class_rgb(theme, read[:count], len(plane.names))
        cloud = plane.view.cloud(run.states[:, :count], color=rgb, radius=plane.radius(count), alpha=0.75)
        hero = Hero(plane.view, run.states, theme=theme, chain=followed(plane, run), length=run.steps)
        square, strip = plane.square(), plane.strip()
        live = image_grid(decoded, square, theme=theme, rows=1, cols=1, chains=[hero.chain]).set_z_index(1)
        said = page.words(page.fitting(CHANGES, strip.width, "legend"), "legend", "muted")
        said.at(strip.left, strip.top - said.em)
        boxes = strip._replace(top=strip.top - 1.5 * said.em).squares(TILES, lines=2 if plane.upright else 3)
        steps = even_changes(np.asarray(decoded[:, hero.chain], np.float32), TILES)
        tiles = ImageTiles(page, decoded, steps, boxes, chain=hero.chain)
        sigma = clock.number("$sigma_t =$ {:.2f}", run["sigma"], size="legend")
        sigma.at(square.left, square.top + 0.3 * page.em("legend"))
        clock.bind(cloud, hero, live, tiles)
        self.stage: list[Any] = [cloud, *hero.mobjects]
        edge = frame(square, theme.border).set_z_index(3)
        self.side: list[Any] = [edge, live, sigma, said, *tiles.grounds, *tiles.mobjects]
        self.moving = [*self.stage, live, sigma, *tiles.mobjects]


def followed(plane: CodePlane, run: Trajectory) -> int:
    """The chain that is followed: of those decoded and of the class asked for, the one whose last image differs most.

    From its first, that is; none that leaves what is shown of the plane, if there are others.
    """
    near = np.arange(run["decoded"].shape[1])
    mine = near if plane.asked is None else near[np.asarray(run["read"])[: len(near)] == plane.asked]
    if not len(mine):
        raise RenderError("No chain that is decoded becomes of the class asked for.", "Raise record.decoded.")
    x0, x1, y0, y1 = plane.view.box
    places = (np.asarray(run.states)[:, mine] - (x0, y0)) / (x1 - x0, y1 - y0)
    seen = np.abs(places - 0.5).max((0, 2)) < 0.5 - RIM
    images = np.asarray(run["decoded"], np.float32)[:, mine]
    changed = np.sqrt(((images[-1] - images[0]) ** 2).sum((1, 2, 3)))
    return int(mine[np.where(seen, changed, changed - changed.max() - 1).argmax()])
