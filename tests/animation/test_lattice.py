"""The grid that a flow carries along: a line keeps its ink where it is stretched."""

import numpy as np
import pytest

from diffrender.animation.mobjects.plane.lattice import Lattice

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
