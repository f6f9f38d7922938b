"""A density that is tilted into a landscape, and the basins into which it is cut."""

import numpy as np
import pytest

from diffrender.animation.mobjects.plane.heat import Heatmap
from diffrender.animation.mobjects.space.landscape import Landscape
from diffrender.animation.parts.basins import Basins, draws
from diffrender.animation.parts.crowd import SLOW_PACE, SLOW_STEPS, slow_then_ramp, slow_then_ramp_seconds
from diffrender.animation.parts.filling import bin_masses
from diffrender.animation.theme import theme

LOOK = theme("dark")
EXTENT = (-3.0, 3.0, -2.0, 2.0)
TOPS = np.array([[-1.2, 0.0], [1.2, 0.4]])


def two_hills(weight=0.7, spread=0.35):
    """(81, 121) density of two Gaussians on the extent."""
    x, y = np.linspace(-3, 3, 121), np.linspace(-2, 2, 81)
    away = (np.stack(np.meshgrid(x, y), -1)[..., None, :] - TOPS) ** 2
    return np.exp(-away.sum(-1) / (2 * spread**2)) @ [weight, 1 - weight] / (2 * np.pi * spread**2)


def landscape(values, **changes):
    made = Landscape(
        EXTENT, EXTENT, values, high=float(values.max()), power=0.7, theme=LOOK, extent=EXTENT, shown=EXTENT
    )
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def test_while_flat_it_is_the_heat_map(studio):
    values = two_hills()
    high = float(values.max())
    flat = studio.draw(landscape(values)).astype(int)
    heat = studio.draw(Heatmap(EXTENT, EXTENT, values, table=LOOK.table("density"), high=high, power=0.7)).astype(int)
    inside = np.s_[studio_rows(flat), :]
    assert np.quantile(abs(flat - heat)[inside].max(-1), 0.97) <= 6
    risen = studio.draw(landscape(values, rise=1.0)).astype(int)
    assert np.quantile(abs(risen - heat)[inside].max(-1), 0.97) > 6


def studio_rows(frame):
    return slice(frame.shape[0] // 4, 3 * frame.shape[0] // 4)


def white(frame):
    """How many pixels are as bright as the ball."""
    return int((frame[..., :3].min(-1) > 150).sum())


def test_its_ground_is_cut_off_at_no_angle():
    made = landscape(two_hills())
    corners = np.array([[x, y] for x in EXTENT[:2] for y in EXTENT[2:]])
    for rise in np.linspace(0.05, 1, 12):
        made.rise = rise
        *_, ct, st, cp, _, lift = made.view()
        seen = np.stack([corners @ (ct, st), corners @ (-st, ct) * cp - lift], 1)
        assert (np.abs(seen * made.whole(0.5, 0.5)) <= np.array([3.0, 2.0]) + 1e-9).all()
        assert (np.abs(seen * made.whole(0.5, 0.5) * 1.02) > (3.0, 2.0)).any()  # no smaller than it must be


def test_a_ball_behind_a_hill_is_hidden_and_one_before_it_is_seen(studio):
    values = two_hills(weight=0.99)
    front, behind = (-1.2, -1.2), (-1.5, 1.15)
    shown = [white(studio.draw(landscape(values, rise=1.0, ball=ball))) for ball in (front, behind)]
    assert shown[0] > 12
    assert shown[1] < shown[0] / 2
    assert white(studio.draw(landscape(values, rise=0.0, ball=behind))) > 12  # from above it is seen


def test_its_height_is_the_logarithm_of_the_density():
    land = landscape(two_hills(weight=0.5))
    on_top, beside = land.height(TOPS[0]), land.height(TOPS[0] + [0.0, 0.35])
    assert on_top - beside == pytest.approx(land.span * 0.27 * 0.5 / 8.0, rel=0.03)
    assert on_top - land.height(TOPS[0] + [0.0, 0.7]) > 3 * (on_top - beside)


def test_basins_are_the_modes_with_their_masses():
    basins = Basins(two_hills(), EXTENT)
    assert basins.modes == pytest.approx(TOPS, abs=0.06)
    assert basins.masses == pytest.approx([0.7, 0.3], abs=0.01)
    assert basins.of(TOPS + 0.1).tolist() == [0, 1]
    assert basins.counts(np.repeat(TOPS, [5, 2], axis=0)).tolist() == [5, 2]
    assert basins.of(np.array([[-9.0, 0.0], [9.0, 0.0]])).tolist() == [0, 1]


def test_ripples_are_no_modes_of_their_own():
    values = two_hills() * (1 + 0.02 * np.random.default_rng(0).standard_normal((81, 121)))
    assert len(Basins(values, EXTENT).modes) == 2
    assert len(Basins(two_hills() * (1 + 0.9 * np.sin(np.arange(121))[None]), EXTENT).modes) > 2


def test_draws_of_a_density_have_its_means_and_shares():
    points = draws(two_hills(), EXTENT, 20_000, 0)
    assert (points[:, 0] < 0).mean() == pytest.approx(0.7, abs=0.02)
    assert points.mean(0) == pytest.approx([0.7, 0.3] @ TOPS, abs=0.02)
    assert not np.array_equal(points, draws(two_hills(), EXTENT, 20_000, 1))


def test_masses_of_bins_are_those_of_the_density():
    masses = bin_masses(two_hills(), EXTENT, EXTENT, (6, 4))
    assert masses.shape == (4, 6)
    assert masses.sum() == pytest.approx(1, abs=2e-3)
    assert masses[:, :3].sum() == pytest.approx(0.7, abs=2e-3)


def test_many_chains_go_slowly_while_something_happens():
    line, seconds = slow_then_ramp(400), slow_then_ramp_seconds(400)
    shown = [line.step(t / seconds) for t in np.linspace(0, seconds, 1000)]
    assert (np.diff(shown) >= 0).all()
    assert line.step((SLOW_STEPS - 1) / SLOW_PACE / seconds) == SLOW_STEPS - 1
    assert line.step(1) == 400
    assert line.step(0.99) < 400
    assert slow_then_ramp(10).step(1) == 10
    again = slow_then_ramp(400, 10)
    assert again.step(1) == 400
    assert again.step(8 / SLOW_PACE / slow_then_ramp_seconds(400, 10)) == 8
