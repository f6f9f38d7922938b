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


@pytest.mark.parametrize("name", EVERY)
def test_a_title_may_be_left_out_and_a_subtitle_stand_alone(name, cinema, recorded, trained):
    sections, given = EVERY[name]
    film = cinema(name, **recordings(sections, recorded, trained))
    settings = frames.manim_config(64, 36, 1, transparent=False, media=film.media)

    def shown(**options):
        """What stands in the header of the first picture: its parts."""
        made = []

        def make(renderer):
            scene = film.scene_class(trajectories=film.trajectories, options=given | options, renderer=renderer)
            header = scene.header
            scene.header = lambda *args: made.append(header(*args)) or made[-1]
            return scene

        frames.draw(make, settings, [(0, 1)], lambda pixels, repeat: None)
        return [len(part.submobjects) > 0 for part in made[0]]

    if "subtitle" not in film.scene_class.unused_options:
        bare, below = shown(title=""), shown(title="", subtitle="noise becomes data")
        assert bare[0] is below[0] is False
        assert below[1] is True
        assert len(below) == len(bare) + 1
        assert shown()[0] is True, "control"


@pytest.mark.parametrize("name", EVERY)
def test_a_projection_is_drawn_or_refused_before(name, cinema, recorded, trained):
    sections, given = EVERY[name]
    film = cinema(name, **recordings(sections, recorded, trained))
    if "project" not in film.scene_class.unused_options:
        settings = frames.manim_config(64, 36, 1, transparent=False, media=film.media)
        options = given | {"project": "1,0"}

        def make(renderer):
            return film.scene_class(trajectories=film.trajectories, options=options, renderer=renderer)

        frames.draw(make, settings, [(0, 1)], lambda pixels, repeat: None)
