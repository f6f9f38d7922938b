"""An option of every scene does something in each, or is refused there: what a scene never reads it must say."""

from __future__ import annotations

import pytest

from diffrender.config.scene_options import SceneOptions
from diffrender.video import frames
from tests.pictures.small_runs import EVERY, recordings

BY_THE_BASE = {"title", "subtitle", "color", "font_scale", "project"}  # read before a scene begins, or by its header
ELSEWHERE = {"langevin": {"orbit"}}  # read where the states lie in space
ASKED = {"orbit", "interpolate"}  # by every view and every counter of steps, whether or not they do anything


class Watched:
    """Options that remember which of them were read."""

    def __init__(self, options):
        self.__dict__ |= {"options": options, "read": set()}

    def __getattr__(self, name):
        self.read.add(name)
        return getattr(self.options, name)


def read_by(cinema, name, options, **trajectories):
    """(options that every scene has which a scene reads in making a clip, its class)."""
    film, watched = cinema(name, **trajectories), []

    def make(renderer):
        usual = {} if "duration" in film.scene_class.unused_options else {"duration": 1}
        scene = film.scene_class(trajectories=film.trajectories, options=usual | options, renderer=renderer)
        scene.options = Watched(scene.options)
        watched.append(scene.options)
        return scene

    settings = frames.manim_config(64, 36, 1, transparent=False, media=film.media)
    frames.draw(make, settings, [(0, 10**6)], lambda pixels, repeat: None)
    return watched[0].read & {*SceneOptions.model_fields}, film.scene_class


def ignored(read, unused):
    """Options that do nothing and are not refused."""
    return sorted({*SceneOptions.model_fields} - read - {*unused} - BY_THE_BASE)


@pytest.mark.parametrize("name", EVERY)
def test_what_a_scene_never_reads_it_refuses(name, cinema, recorded, trained):
    sections, given = EVERY[name]
    options = {key: value for key, value in given.items() if key not in ("duration", "seconds")}
    read, scene = read_by(cinema, name, options, **recordings(sections, recorded, trained))
    assert ignored(read | ELSEWHERE.get(name, set()), scene.unused_options) == []
    assert ignored(read - {"hold", "duration"}, ()) != [], "the control: an option that nobody reads"
    assert {*scene.unused_options} & read <= ASKED, "an option is refused that would do something"
