"""With a logo and a name in its corner a clip of any scene leaves their row free, and all that it shows still fits."""

from __future__ import annotations

import numpy as np
import pytest

from diffrender.animation.layout.checks import faults, seen_box
from diffrender.animation.mobjects.base import Raster
from diffrender.animation.parts.corner_mark import BASELINE, logo_height
from diffrender.video import frames
from tests.pictures.small_runs import EVERY, recordings

SIZES = (64, 36), (36, 64), (48, 36)  # each scene is drawn in one of them
FIRST_ONE = [(0, 1), (10**6, 10**6 + 1)]  # the first frame is drawn, and all others are counted
SCENES = [*EVERY]  # and `latent`, by its own tests
OFTEN = "compare", "denoise", "forward", "images", "langevin", "race", "step"  # the others take longer


def lowest(page, mobjects):
    """How high the lowest of what is seen stands over the mark; not what lies under all the frame, its ground."""
    row = BASELINE + 0.33 * page.em("caption") + logo_height(page) / 2 - page.frame.height / 2
    feet = []
    for mob in (part for top in mobjects for part in top.get_family()):
        box = mob.points[:, :2] if isinstance(mob, Raster) and len(mob.points) else seen_box(mob)
        if box is not None and np.ptp(box[:, 0]) < page.frame.width:
            feet.append(float(box[:, 1].min()))
    return min(feet) - row


def drawn(film, size, options, *, marked):
    """(how high the lowest stands over the mark's place, faults of the layout) of the first and the last picture."""
    scenes, found = [], []
    usual = {} if "duration" in film.scene_class.unused_options else {"duration": 1}

    def make(renderer):
        more = {"trajectories": film.trajectories, "options": usual | options, "marked": marked}
        scenes.append(film.scene_class(renderer=renderer, **more))
        return scenes[0]

    def look(*_):
        page, mobjects = scenes[0].page, scenes[0].mobjects
        found.append((lowest(page, mobjects), faults(mobjects, page.frame)))

    settings = frames.manim_config(*size, 1, transparent=False, media=film.media)
    frames.draw(make, settings, FIRST_ONE, look)
    look()
    return min(foot for foot, _ in found), [fault for _, faults in found for fault in faults]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name not in OFTEN)) for name in SCENES]
)
def test_no_scene_stands_where_the_mark_is(name, cinema, recorded, trained):
    sections, given = EVERY[name]
    options = {key: value for key, value in given.items() if key not in ("duration", "seconds")}
    film, size = cinema(name, **recordings(sections, recorded, trained)), SIZES[SCENES.index(name) % 3]
    foot, found = drawn(film, size, options, marked=True)
    assert foot > 0
    assert found == []
    if name == "compare":
        assert drawn(film, size, options, marked=False)[0] < 0, "the control: without a mark its row is not left free"
