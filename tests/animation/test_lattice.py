"""The grid that a flow carries along: a line keeps its ink where it is stretched."""

import numpy as np
import pytest

from diffrender.animation.mobjects.plane.lattice import Lattice, areas

FIRST = np.stack(np.meshgrid([-1.2, -0.6, 0.0], [-0.6, 0.0, 0.6]), axis=-1).reshape(1, -1, 2)


def lightness(studio, reach):
    """Levels of a line in its first, unstretched part, and near the end of its last one, `reach` times as long."""
    after = FIRST.copy()
    after[0, 2::3, 0] += 0.6 * (reach - 1)
    black = np.zeros((256, 3), np.uint8)
    mob = Lattice(studio.BOX, studio.RECT, np.concatenate([FIRST, after]), mass=np.ones((2, 2)), table=black, vmax=1.0,
                  color="#FFFFFF", every=1, alpha=0.8, width=0.1).show_step(1)  # fmt: skip
    light, rows = studio.draw(mob)[..., 0], slice(125, 146)
    columns = [round(studio.pixel(x * 3, 0)[0]) for x in (-1.15, -0.6 + 0.51 * reach)]
    return [int(light[rows, k - 2 : k + 3].max()) for k in columns]


@pytest.mark.parametrize("reach", [1.0, 1.5, 2.5])
def test_a_stretched_line_is_as_much_fainter(studio, reach):
    kept, stretched = lightness(studio, reach)
    assert kept == pytest.approx(0.8 * 255, abs=12)
    assert stretched == pytest.approx(kept / reach, rel=0.12)


def test_a_line_is_never_lost(studio):
    kept, stretched = lightness(studio, 4.2)
    assert stretched == pytest.approx(kept / 4, rel=0.15), "no fainter than a quarter"


def grid_of(rows):
    """A lattice of points (R, R, 2), each cell with the probability 1."""
    x = np.asarray(rows, float)
    look = {"mass": np.ones((len(x) - 1, len(x) - 1)), "table": np.zeros((256, 3), np.uint8), "vmax": 1.0}
    return Lattice((-1, 1, -1, 1), (-1, 1, -1, 1), x.reshape(1, -1, 2), color="#FFFFFF", **look)


def test_a_cell_that_turns_over_has_for_that_moment_the_density_round_it():
    x = np.stack(np.meshgrid(np.arange(6.0), np.arange(6.0)), axis=-1)
    x[2, 2] = x[3, 3] + (1e-6, 0)  # of one cell two corners fall together, and its area is that of a thread
    x[2, 3], x[3, 2] = (x[3, 3] + x[2, 2]) / 2, (x[3, 3] + x[2, 2]) / 2
    assert grid_of(x).density()[2, 2] < 4, "no streak"
    assert 1 / max(areas(x)[2, 2], 1e-12) > 1e6, "the control: its own probability over its own area"
    x = np.stack(np.meshgrid(np.arange(6.0), np.arange(6.0)), axis=-1)
    np.testing.assert_allclose(grid_of(x).density(), 1.0)
    x[:, 3:] -= (0.5, 0)  # a column that is only pressed together keeps what it has
    assert grid_of(x).density()[0, 2] == pytest.approx(2.0)


def test_fine_parts_lead_from_one_cell_to_the_next_and_keep_its_own_in_the_middle():
    mob = grid_of(np.stack(np.meshgrid(np.arange(4.0), np.arange(4.0)), axis=-1))
    mob.fine = 5
    shades = np.arange(9.0).reshape(3, 3) ** 2
    parts = mob._parted(shades)
    assert parts.shape == (15, 15)
    np.testing.assert_allclose(parts[2::5, 2::5], shades)
    assert np.abs(np.diff(parts, axis=0)).max() <= np.abs(np.diff(shades, axis=0)).max() / 5 + 1e-9
    places = mob._parted(mob.nodes(), ends=True)
    assert places.shape == (16, 16, 2)
    np.testing.assert_allclose(places[::5, ::5], mob.nodes(), err_msg="the recorded points are among them")
