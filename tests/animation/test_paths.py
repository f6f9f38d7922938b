"""Paths of many chains as a density, and light tails: they are where the chains went."""

from __future__ import annotations

import numpy as np
import pytest

from diffrender.animation.mobjects.plane.paths import PathDensity
from diffrender.animation.mobjects.plane.tail import Tail
from diffrender.animation.mobjects.plane.trails import Trails
from diffrender.core.errors import RenderError


def across(studio, count, y=0.0):
    """`count` chains that all go from the left to the right at height y."""
    x = np.linspace(-1.5, 1.5, 5)
    return np.stack([np.full((count, 2), (at, y)) for at in x]).astype(np.float32)


def test_paths_over_each_other_are_denser_than_one(studio):
    alpha = 0.1
    for count in (1, 3, 20):
        picture = studio.draw(PathDensity(studio.BOX, studio.RECT, across(studio, count), color="#FFFFFF", alpha=alpha))
        light = picture[..., 0].astype(float)[:, 180:300].sum(0).mean() / 255  # across the line
        rows = [1 - (1 - alpha) ** (count * share) for share in (0.5, 0.5)]  # it lies between two rows of pixels
        assert light == pytest.approx(sum(rows), abs=0.02)
        assert light != pytest.approx(sum(rows) * 1.3, abs=0.02)


def test_only_what_has_been_walked_is_shown(studio):
    paths = PathDensity(studio.BOX, studio.RECT, across(studio, 50), color="#FFFFFF", alpha=0.2)
    whole = studio.draw(paths)[..., 0].max(0)
    half = studio.draw(paths.show_step(2))[..., 0].max(0)
    middle = int(studio.pixel(0, 0)[0])
    assert whole[middle + 20] > 60
    assert half[middle - 20] > 60
    assert half[middle + 20 :].max() == 0


def test_what_cannot_be_paths_is_refused(studio):
    with pytest.raises(RenderError, match="shape"):
        PathDensity(studio.BOX, studio.RECT, np.zeros((3, 2)), color="#FFFFFF")
    with pytest.raises(RenderError, match="alpha"):
        PathDensity(studio.BOX, studio.RECT, across(studio, 1), color="#FFFFFF", alpha=1.0)


def test_a_tail_looks_like_a_trail(studio):
    walk = np.cumsum(np.random.default_rng(0).normal(0, 0.2, (12, 3, 2)), axis=0).astype(np.float32)
    style = {"color": "#FFFFFF", "width": 0.1, "length": 6}
    for step in (0, 4, 7.5, 11):
        tail = studio.draw(Tail(studio.BOX, studio.RECT, walk, **style).show_step(step))
        trail = studio.draw(Trails(studio.BOX, studio.RECT, walk, **style).show_step(step))
        assert studio.psnr(tail, trail) > 28
    other = studio.draw(Trails(studio.BOX, studio.RECT, walk, **style).show_step(6))
    assert studio.psnr(tail, other) < 28


def test_every_path_has_the_colour_that_it_was_given(studio):
    x = np.concatenate([across(studio, 30, -0.5), across(studio, 30, 0.5)], axis=1)
    colors = np.repeat(np.array([[255, 0, 0], [0, 0, 255]], np.uint8), 30, axis=0)
    picture = studio.draw(PathDensity(studio.BOX, studio.RECT, x, color="#FFFFFF", alpha=0.2, colors=colors))
    upper, lower = np.array_split(picture[:, picture.shape[1] // 2, :3].astype(int), 2)
    for half, hue in ((lower, 0), (upper, 2)):
        assert half[:, hue].max() > 200
        assert half[:, 2 - hue].max() < 20
