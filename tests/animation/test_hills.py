"""Hills of class densities: heights to scale, and hidden parts left out as a ray-cast of the same grid leaves them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from diffrender.animation.colors import srgb
from diffrender.animation.mobjects.space import hills as module
from diffrender.animation.mobjects.space.hills import Hills
from diffrender.animation.theme import theme
from diffrender.core.errors import RenderError

LOOK = theme("dark")
EXTENT = (-3.0, 3.0, -3.0, 3.0)
RED, BLUE = "#FF0000", "#0000FF"
TOPS = np.array([[-0.6, 0.9], [0.7, -0.9]])  # the second one stands before the first


def densities(spread=0.45, weights=(0.5, 0.5)):
    """(2, 61, 61) of two Gaussians."""
    axis = np.linspace(-3, 3, 61)
    away = (np.stack(np.meshgrid(axis, axis), -1)[None] - TOPS[:, None, None]) ** 2
    return np.array(weights)[:, None, None] * np.exp(-away.sum(-1) / (2 * spread**2))


def standing(rise=1.0, turn=0.0, **more):
    made = Hills(EXTENT, EXTENT, densities(**more), colors=(RED, BLUE), theme=LOOK, extent=EXTENT)
    made.rise, made.turn = rise, turn
    return made


def whose(frame):
    """(H, W): 1 where it is red, 2 where it is blue, else 0."""
    red, blue = frame[..., 0].astype(int), frame[..., 2].astype(int)
    return np.where(red > blue + 60, 1, np.where(blue > red + 60, 2, 0))


def ray_cast(hills, size, turned=1.0):
    """(H, W) whose sheet each pixel shows, by walking each ray from the eye: the surface first met, its own way.

    turned: by which the depth is multiplied; −1 sees the hills from behind, which is wrong.
    """
    width, height = size
    unit = height / 8 * hills.grown()
    mx, my, ct, st, cp, sp, lift = hills.view()
    tall, density = hills.heights() * hills.rise, hills.density
    whole = density.sum(0)
    out = np.zeros((height, width), int)
    depths = np.linspace(-4.3, 4.3, 700) * turned  # near ones first

    def at(grid, x, y):
        i, j = np.clip((x + 3) * 10, 0, 59.999), np.clip((y + 3) * 10, 0, 59.999)
        i0, j0 = i.astype(int), j.astype(int)
        u, v = i - i0, j - j0
        rows = grid[j0, i0] * (1 - u) + grid[j0, i0 + 1] * u, grid[j0 + 1, i0] * (1 - u) + grid[j0 + 1, i0 + 1] * u
        return rows[0] * (1 - v) + rows[1] * v

    u = (np.arange(width)[:, None] + 0.5 - width / 2) / unit
    x, y = mx + u * ct - depths * st, my + u * st + depths * ct  # (W, 700), the same in every row
    tall_there = at(tall, x, y)
    there = (abs(x) < 3) & (abs(y) < 3) & (at(whole, x, y) > module.LEAST * hills.highest)
    for row in range(height):
        up = (height / 2 - row - 0.5) / unit + lift
        over = tall_there * sp + depths * cp - up  # above 0: the ray runs below the surface
        met = there[:, 1:] & there[:, :-1] & (over[:, 1:] >= 0) & (over[:, :-1] < 0)
        k = np.arange(width), met.argmax(1) + 1
        out[row] = np.where(met.any(1), 1 + (at(density[1], x[k], y[k]) > at(density[0], x[k], y[k])), 0)
    return out


@pytest.mark.parametrize("turn", [0.0, 0.7])
def test_hidden_surfaces_are_those_of_a_ray_cast(studio, turn, monkeypatch):
    monkeypatch.setattr(module, "GROUND", 0.0)  # the floor has no colours of its own here
    monkeypatch.setattr(module, "LINE", 0.0)
    size, hills = (160, 120), standing(turn=turn)
    drawn = whose(studio.draw(hills, size=size))
    truth = ray_cast(hills, size)
    assert {1, 2} <= set(np.unique(truth))
    wrong = (drawn != truth).mean()
    assert wrong < 0.02  # edges, and where both classes are as dense
    assert (drawn != ray_cast(hills, size, turned=-1.0)).mean() > 3 * wrong + 0.02  # as seen from behind
    flat = standing(turn=turn)
    flat.weights = (1.0, 0.3)
    assert (whose(studio.draw(flat, size=size)) != truth).mean() > 3 * wrong  # other heights, another picture


def test_heights_are_the_densities_to_scale():
    """Of two classes, one three times as dense, and of one that stands half as high as it will."""
    hills = standing(weights=(0.75, 0.25))
    one, other = (hills.height(*top) for top in TOPS)
    assert one == pytest.approx(hills.span * module.RISE, rel=0.02)
    assert one / other == pytest.approx(3, rel=0.03)
    hills.weights = (0.5, 1.0)
    assert hills.height(*TOPS[0]) == pytest.approx(one / 2, rel=0.02)
    assert hills.height(*TOPS[1]) == pytest.approx(other, rel=0.02)
    hills.rise = 0.0
    assert hills.height(*TOPS[0]) == 0


def test_a_top_is_drawn_where_it_is_said_to_be_seen(studio):
    hills = standing(turn=0.4)
    x, y = hills.seen_at(*TOPS[1], hills.height(*TOPS[1]))
    column, row = studio.pixel(x, y)
    frame = whose(studio.draw(hills))
    assert frame[round(row) + 3, round(column)] == 2
    assert frame[round(row) - 6, round(column)] != 2


def test_while_flat_each_class_lies_at_its_place(studio):
    frame = whose(studio.draw(standing(rise=0.0)))
    for k, top in enumerate(TOPS):
        column, row = studio.pixel(*top)
        assert frame[round(row), round(column)] == k + 1


def test_a_top_behind_another_hill_is_said_to_be_hidden():
    line = math.atan2(*(np.abs(TOPS[1] - TOPS[0])))  # the turn by which one top lies behind the other
    low, high = standing(weights=(0.1, 0.9), turn=line), standing(turn=line)
    assert low.hidden_by(*TOPS[0], low.height(*TOPS[0])) > 0
    assert high.hidden_by(*TOPS[0], high.height(*TOPS[0])) < 0  # as high as the other, it is seen over it
    low.turn = -line
    assert low.hidden_by(*TOPS[0], low.height(*TOPS[0])) < 0  # past it


def test_contours_are_on_the_floor(studio):
    hills = standing()
    hills.weights = (0.0, 0.0)
    frame = studio.draw(hills)[..., :3].astype(int)
    ground = np.rint(srgb(LOOK.panel) * 255)
    lit = np.abs(frame - ground).max(-1)[100:200] > 40
    assert lit.any()
    assert whose(studio.draw(hills)).any()


def test_what_is_no_density_of_classes_is_refused():
    with pytest.raises(RenderError, match="densities have shape"):
        Hills(EXTENT, EXTENT, np.ones((4, 4)), colors=(RED,), theme=LOOK, extent=EXTENT)
