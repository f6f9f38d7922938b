"""Heat maps and isolines: each pixel has the colour of its value."""

import numpy as np
import pytest

from diffrender.animation.mobjects import kernels
from diffrender.animation.mobjects.furniture.color_bar import ColorBar
from diffrender.animation.mobjects.plane.heat import Contours, Heatmap
from diffrender.core.errors import RenderError

TABLE = np.stack([np.arange(256)] * 3, axis=1).astype(np.uint8)


def bump(xy):
    return np.exp(-(xy**2).sum(-1) / 0.5)


def heat(studio, values=bump, table=TABLE, **kwargs):
    return Heatmap(studio.BOX, studio.RECT, values, table=table, **kwargs)


def seen(studio, size):
    """Data coordinates of the pixels of a frame, and which lie well inside the panel."""
    unit = size[1] / 8
    x, y = np.meshgrid((np.arange(size[0]) + 0.5 - size[0] / 2) / unit, (size[1] / 2 - np.arange(size[1]) - 0.5) / unit)
    return np.stack([x / 3, y / 3], axis=-1), (abs(x) < 5.8) & (abs(y) < 2.8)


@pytest.mark.parametrize("power", [1.0, 0.7])
def test_every_pixel_has_the_colour_of_its_value(studio, power):
    size = (960, 540)
    xy, inside = seen(studio, size)
    pixels = studio.draw(heat(studio, power=power), size=size)
    error = pixels[..., 0] - 255.0 * bump(xy) ** power
    assert abs(error[inside]).max() <= 1.25
    shifted = pixels[..., 0] - 255.0 * bump(xy + 0.02) ** power
    assert abs(shifted[inside]).max() > 1.5, "a data error of 0.02 must be seen"


def test_dither_keeps_the_mean_and_is_the_same_each_time(studio):
    values = np.full((4, 4), 100.3 / 255)
    first, second = studio.draw(heat(studio, values)), studio.draw(heat(studio, values))
    assert (first == second).all()
    inner = first[60:200, 60:400, 0]
    assert set(np.unique(inner)) == {100, 101}
    assert inner.mean() == pytest.approx(100.3, abs=0.03)


def test_the_map_is_clipped_to_its_rounded_panel(studio):
    pixels = studio.draw(heat(studio, np.ones((3, 3))))
    lit = pixels[..., 0] > 0
    unit = studio.SIZE[1] / 8
    assert lit.sum() == pytest.approx(12 * unit * 6 * unit, rel=0.01)
    ys, xs = np.nonzero(lit)
    assert pixels[ys.min(), xs.min(), 0] < 128
    assert pixels[ys.min() + 4, xs.min() + 4, 0] == 255


def test_the_spline_goes_through_its_nodes():
    rng = np.random.default_rng(0)
    from scipy.ndimage import map_coordinates, spline_filter

    values = rng.normal(size=(7, 9))
    coefficients = spline_filter(values, order=3, mode="mirror").astype(np.float32)
    assert np.allclose(kernels.resample(coefficients, np.arange(7.0), np.arange(9.0)), values, atol=1e-5)
    rows, columns = np.linspace(0, 6, 31), np.linspace(0, 8, 47)
    scipys = map_coordinates(values, np.meshgrid(rows, columns, indexing="ij"), order=3, mode="mirror")
    assert np.allclose(kernels.resample(coefficients, rows, columns), scipys, atol=1e-5)
    assert np.isnan(kernels.resample(coefficients, np.array([-0.1, 6.1]), columns)).all()


def test_it_is_made_once_and_then_pasted(studio, monkeypatch):
    shown, made = heat(studio), []
    make = shown.make
    shown.make = lambda *a: made.append(1) or make(*a)
    for _ in range(5):
        studio.draw(shown)
    assert len(made) == 1
    studio.draw(shown.set_opacity(0.5))
    assert len(made) == 1
    studio.draw(shown.shift([0.1, 0, 0]))
    studio.draw(shown.set_box((-1, 1, -0.5, 0.5)))
    assert len(made) == 3


def test_opacity_turning_and_another_window(studio):
    shown = heat(studio, np.ones((3, 3)))
    assert studio.draw(shown.copy().set_opacity(0.5))[135, 240, 0] == pytest.approx(128, abs=1)
    full = studio.draw(shown)[..., 0].sum()
    turned = studio.draw(shown.copy().scale(0.5).rotate(0.5))[..., 0].sum()
    assert turned == pytest.approx(full / 4, rel=0.02)
    lopsided = heat(studio, lambda p: (p[..., 0] > 0) * (p[..., 1] > 0) * 1.0)
    upside_down = studio.draw(lopsided.rotate(np.pi))[..., 0]
    assert upside_down[170, 150] == 255
    assert upside_down[100, 330] == 0
    magnified = heat(studio).set_box((-0.2, 0.2, -0.1, 0.1))
    assert studio.draw(magnified)[60:200, 60:400, 0].min() > 200


def test_outside_its_extent_nothing_is_drawn(studio):
    shown = heat(studio, np.ones((3, 3)), extent=(0.0, 1.0, -1.0, 1.0))
    lit = np.flatnonzero(studio.draw(shown)[135, :, 0])
    assert lit.min() == pytest.approx(240, abs=1)
    assert lit.max() == pytest.approx(240 + 3 * 270 / 8, abs=1.5)


def test_recorded_densities_follow_the_step(studio):
    recorded = np.stack([np.full((3, 3), v) for v in (0.0, 0.5, 1.0)])
    shown = heat(studio, recorded[0]).follow(recorded, index=np.array([0, 0, 1, 2]))
    levels = [studio.draw(shown.show_step(s))[135, 240, 0] for s in (0, 1, 2, 3, 0)]
    assert levels == pytest.approx([0, 0, 128, 255, 0], abs=1)


def test_isolines_are_one_width_wherever_the_slope_is_steep_or_not(studio):
    lines = Contours(
        studio.BOX, studio.RECT, lambda p: p[..., 0] ** 3, levels=[0.008, 1.0, 3.375], color="#FFFFFF", width=0.1
    )
    pixels = studio.draw(lines, size=(1920, 1080))
    row = pixels[540, :, 0].astype(float) / 255
    for x in (0.2, 1.0, 1.5):
        column = int(studio.pixel(3 * x, 0, (1920, 1080))[0])
        assert row[column] == 1
        assert row[column - 20 : column + 20].sum() == pytest.approx(13.5, rel=0.1)
    # the same lines over a heat map are drawn in ink
    both = heat(studio, lambda p: (p[..., 0] + 2) / 4, levels=[0.25], ink="#FF0000", ink_alpha=1.0)
    picture = studio.draw(both, size=(1920, 1080))
    column = int(studio.pixel(-3, 0, (1920, 1080))[0])
    assert picture[540, column - 2 : column + 2, 0].max() > 190
    assert picture[540, column - 2 : column + 2, 1].min() < 20


def test_a_bar_shows_the_whole_table(studio):
    bar = ColorBar((-3, 3, -0.5, 0.5), TABLE, border="#FF0000")
    row = studio.draw(bar)[135]
    inner = row[150:330, 1].astype(int)
    assert (np.diff(inner) >= 0).all()
    assert inner[0] < 40
    assert inner[-1] > 210
    edge = studio.draw(bar, size=(1920, 1080))[540, int(studio.pixel(-3, 0, (1920, 1080))[0]) :][:3]
    assert edge[:, 0].max() > 200
    upright = ColorBar((-0.5, 0.5, -3, 3), TABLE)
    column = studio.draw(upright)[60:210, 240, 0].astype(int)
    assert (np.diff(column) <= 0).all()
    assert upright.at(0.5) == pytest.approx([0.5, 0, 0])
    assert bar.at(1.0) == pytest.approx([3, -0.5, 0])


@pytest.mark.parametrize(
    "what",
    [
        {"values": np.full((4, 4), np.nan)},
        {"values": np.zeros((1, 4))},
        {"values": np.zeros(4)},
        {"low": 1.0, "high": 1.0},
        {"values": np.zeros((4, 4)), "high": None},
    ],
)
def test_what_cannot_be_is_refused(studio, what):
    with pytest.raises(RenderError):
        heat(studio, **what)
