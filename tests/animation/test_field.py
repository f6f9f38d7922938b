"""Vector fields: arrows that point where the field does, as long as it is strong; streamlines along it."""

import numpy as np
import pytest

from diffrender.animation.mobjects import kernels
from diffrender.animation.mobjects.plane.field import VectorField, arrows
from diffrender.animation.mobjects.plane.streamlines import LIT, SEGMENTS, Streamlines, fronts, heads
from diffrender.animation.mobjects.space.cloud import VectorField3D
from diffrender.animation.mobjects.space.orbit import Orbit
from diffrender.animation.mobjects.space.streamlines import Streamlines3D
from diffrender.core.errors import RenderError

TABLE = np.stack([np.arange(256)] * 3, axis=1).astype(np.uint8)
GRID = np.stack(np.meshgrid(np.linspace(-1.8, 1.8, 9), np.linspace(-0.8, 0.8, 5)), axis=-1)
TURN = np.stack([-GRID[..., 1], GRID[..., 0]], axis=-1)


def field(studio, v=TURN, xy=GRID, vmax=2.0, length=1.2, **kwargs):
    return VectorField(studio.BOX, studio.RECT, xy, v, table=TABLE, vmax=vmax, length=length, **kwargs)


@pytest.mark.parametrize("angle", np.arange(0, 360, 30))
def test_an_arrow_points_where_its_vector_does(studio, angle):
    v = np.array([[np.cos(np.radians(angle)), np.sin(np.radians(angle))]])
    shown = field(studio, 2 * v, np.zeros((1, 2)), vmax=2, length=4)
    light = studio.draw(shown, size=(960, 540))[..., 0].astype(float)
    ys, xs = np.mgrid[: light.shape[0], : light.shape[1]] + 0.5
    along = (xs - 480) * v[0, 0] - (ys - 270) * v[0, 1]
    across = (xs - 480) * v[0, 1] + (ys - 270) * v[0, 0]
    assert along[light > 128].max() == pytest.approx(2 * 540 / 8, abs=3)
    assert along[light > 128].min() == pytest.approx(-2 * 540 / 8, abs=3)
    # the head, the widest place, is at the front
    assert (
        along[abs(across) > 0.8 * abs(across[light > 128]).max()][
            light[abs(across) > 0.8 * abs(across[light > 128]).max()] > 128
        ].min()
        > 50
    )
    assert (light * across).sum() / light.sum() == pytest.approx(0, abs=0.5)


def test_length_and_colour_follow_the_magnitude(studio):
    for power in (1.0, 0.5):
        spans, peaks = [], []
        for magnitude in (0.25, 0.5, 1.0, 4.0):
            shown = field(studio, np.array([[magnitude, 0]]), np.zeros((1, 2)), vmax=1.0, length=6, power=power)
            light = studio.draw(shown)[..., 0]
            columns = np.flatnonzero(light.max(0))
            spans.append(np.ptp(columns) / (6 * studio.SIZE[1] / 8))
            peaks.append(light.max() / 255)
        expected = np.minimum(np.array([0.25, 0.5, 1, 4]), 1) ** power
        assert spans == pytest.approx(expected, abs=0.02)
        assert peaks == pytest.approx(expected, abs=0.02)


def test_small_arrows_thin_and_fade(studio):
    def light(magnitude):
        shown = field(studio, np.array([[magnitude, 0]]), np.zeros((1, 2)), vmax=1.0, length=1.0)
        shown.table = np.full((256, 3), 255, np.uint8)
        return studio.draw(shown, size=(1920, 1080))[..., 0]

    long, short = light(0.5), light(0.05)
    assert long.max() == 255
    assert short.max() == pytest.approx(0.35 * 255, abs=3)


def test_no_vector_no_arrow(studio):
    nothing = np.array([[0.0, 0], [np.nan, 1], [np.inf, 0]])
    assert studio.ink(studio.draw(field(studio, nothing, np.zeros((3, 2))))) == 0
    assert studio.ink(studio.draw(field(studio, np.zeros((0, 2)), np.zeros((0, 2))))) == 0
    far = field(studio, np.ones((2, 2)), np.array([[1e9, 0], [0, -1e30]]))
    assert studio.ink(studio.draw(far)) == 0


def test_a_step_shows_the_field_that_belongs_to_it(studio):
    recorded = np.stack([TURN, -TURN, 2 * TURN])
    shown = field(studio).follow(recorded, index=np.array([0, 0, 1, 1, 2]))
    for step, k in ((0, 0), (2, 1), (2.6, 1), (4, 2), (99, 2)):
        assert (shown.show_step(step).vectors == recorded[k]).all()
    assert (studio.draw(shown.show_step(0)) == studio.draw(field(studio))).all()


def test_a_field_fades_and_each_arrow_has_its_opacity(studio):
    full, half = studio.draw(field(studio)), studio.draw(field(studio).set_opacity(0.5))
    assert half[..., 0].max() == pytest.approx(full[..., 0].max() / 2, abs=2)
    alpha = (GRID[..., 0].ravel() > 0).astype(float)
    assert studio.draw(field(studio, alpha=alpha))[:, : studio.SIZE[0] // 2 - 15, 0].max() == 0


def test_polygons_cover_their_area_exactly():
    rng = np.random.default_rng(0)
    for _ in range(30):
        frame = np.full(64 * 64, 0xFF000000, np.uint32)
        middle, angle = rng.uniform(20, 44, (1, 2)), rng.uniform(0, 7)
        along = np.array([[np.cos(angle), np.sin(angle)]])
        shape = arrows(middle, along, np.array([30.0]), np.array([60.0]), 0.05)
        kernels.polygons(frame, 64, np.array([0, 64, 0, 64]), shape, np.full((1, 4), 255, np.uint8))
        x, y = shape[0].T
        area = 0.5 * abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))
        assert frame.view(np.uint8).reshape(-1, 4)[:, 0].sum() / 255 == pytest.approx(area, rel=0.01)


def test_polygons_that_pass_the_frame_are_cut(studio):
    frame = np.full(64 * 64, 0xFF000000, np.uint32)
    wide = np.array([[[-500.0, -400], [900, -400], [900, 700], [-500, 700]]])
    kernels.polygons(frame, 64, np.array([0, 64, 0, 64]), wide, np.full((1, 4), 255, np.uint8))
    assert (frame == 0xFFFFFFFF).all()


def test_streamlines_run_along_the_field():
    grid = np.stack(np.meshgrid(np.linspace(-2, 2, 81), np.linspace(-2, 2, 81)), axis=-1)
    v = np.ascontiguousarray(np.stack([-grid[..., 1], grid[..., 0]], axis=-1))
    starts = np.array([[1.0, 0.0], [0, 0.5], [5, 5]])
    lines, speed = kernels.trace(v, np.array([-2.0, 2, -2, 2]), starts, np.array([0.05, 0.05]), 40)
    radius = np.hypot(lines[..., 0], lines[..., 1])
    assert radius[:, 0] == pytest.approx(1.0, abs=2e-3)  # a circle stays one
    assert radius[:, 1] == pytest.approx(0.5, abs=2e-3)
    assert np.isnan(lines[:, 2]).all()
    assert speed[:, 1] == pytest.approx(0.5, abs=2e-3)
    turned = np.unwrap(np.arctan2(lines[:, 0, 1], lines[:, 0, 0]))
    assert turned[-1] == pytest.approx(40 * 0.05, rel=1e-2)  # forwards, arc length as asked


def test_streamlines_are_drawn_and_fade(studio):
    shown = Streamlines(studio.BOX, studio.RECT, GRID, TURN, table=TABLE, vmax=2.0)
    full = studio.ink(studio.draw(shown))
    assert full > 100
    assert studio.ink(studio.draw(shown.set_opacity(0.5))) == pytest.approx(full / 2, rel=0.1)
    still = Streamlines(studio.BOX, studio.RECT, GRID, 0 * TURN, table=TABLE, vmax=2.0)
    studio.draw(still)


def test_heads_lead_the_lit_parts_and_point_along_the_lines():
    x = np.linspace(0, 240, SEGMENTS + 1)
    lines = np.stack([np.stack([x, 0 * x], -1), np.stack([50 - x, 0 * x], -1)], axis=1)
    corners, shown = heads(lines, np.array([0.5, 0.25]), 60)
    assert corners[:, 0] == pytest.approx(np.array([[120.0, 0], [-10, 0]])), "the tip"
    behind = corners[:, 0, 0] - corners[:, 1, 0]
    assert (behind[0] > 4) & (behind[1] < -4)
    assert shown == pytest.approx(np.ones(2))
    assert heads(lines, np.array([0.0, 1.2]), 60)[1] == pytest.approx(np.zeros(2)), "none where a part runs out"
    to_and_fro = lines.copy()
    to_and_fro[1::2] = lines[:1]
    to_and_fro[::2] = lines[1:2]
    assert heads(to_and_fro, np.array([0.5, 0.5]), 60)[1] == pytest.approx(np.zeros(2)), "what has arrived has none"
    assert fronts(0.5, np.zeros(1)) == pytest.approx((1 + LIT) / 2)


def test_streamlines_in_space_run_along_the_field():
    """Round the z axis, which they never leave nor come nearer to."""
    nodes = np.linspace(-2, 2, 21)
    _, y, x = np.meshgrid(nodes, nodes, nodes, indexing="ij")
    turning = np.stack([-y, x, 0 * x], -1)
    starts = np.array([[1.0, 0, 0.3], [0, 1.5, -1], [5.0, 0, 0]])
    lines = kernels.trace_space(turning, np.array([[-2.0] * 3, [2.0] * 3]), starts, 0.05, 40)
    assert np.hypot(*lines[:, :2, :2].transpose(2, 0, 1)) == pytest.approx(np.tile([1, 1.5], (41, 1)), abs=0.01)
    assert lines[:, :2, 2] == pytest.approx(np.tile([0.3, -1], (41, 1)))
    assert np.arctan2(lines[-1, 0, 1], lines[-1, 0, 0]) == pytest.approx(2.0, abs=0.02), "as far as they are long"
    assert np.isnan(lines[:, 2]).all(), "off the grid"


def test_streamlines_in_space_stay_in_their_box_and_are_thicker_where_they_are_near(studio):
    nodes = np.linspace(-2, 2, 9)
    places = np.stack(np.meshgrid(nodes, nodes, nodes, indexing="ij")[::-1], -1)
    orbit = Orbit(phi=np.pi / 2, theta=-np.pi / 2, perspective=0.15)
    inked = []
    for low, high in (((-1, -1.9, -0.5), (1, -1.2, 0.5)), ((-1, 1.2, -0.5), (1, 1.9, 0.5)), ((-1, -1, -1), (1, 1, 1))):
        at = np.stack(np.meshgrid(*np.linspace(low, high, 5)[1:4].T), -1).reshape(-1, 3)
        lines = Streamlines3D(
            orbit, studio.BOX, studio.RECT, places, np.broadcast_to([1.0, 0, 0], places.shape), table=TABLE, vmax=1.0,
            haze="#000000", low=np.array(low), high=np.array(high), starts=at, length=8.0, width=0.1, phase=0.4,
        )  # fmt: skip
        inked.append(studio.draw(lines, size=(960, 540))[..., 0].astype(float))
    near, far, both = (light.sum() for light in inked)
    assert near > 1.5 * far > 0, "nearer to the eye, at negative y"
    columns = np.flatnonzero(inked[2].max(0) > 60)
    scale = 540 / 8 * (studio.RECT[1] - studio.RECT[0]) / (studio.BOX[1] - studio.BOX[0])
    assert np.ptp(columns) < 2.6 * scale * 1.2, "a line as long as the box twice over ends at its sides"
    assert both > 0


def test_arrows_in_space_point_where_the_field_does(studio):
    orbit = Orbit(phi=0.0, theta=-np.pi / 2)
    shown = VectorField3D(
        orbit,
        studio.BOX,
        studio.RECT,
        np.zeros((1, 3)),
        np.array([[1.0, 0, 0]]),
        table=TABLE,
        vmax=1.0,
        length=4.0,
        haze="#000000",
    )
    light = studio.draw(shown)[..., 0]
    columns = np.flatnonzero(light.max(0)) - studio.SIZE[0] / 2
    assert np.abs([columns.min(), columns.max()]) == pytest.approx(2 * studio.SIZE[1] / 8, abs=2)
    height = (light > 0).sum(0)
    assert height[studio.SIZE[0] // 2 :].max() >= 2 * height[: studio.SIZE[0] // 2].max()  # the head is in front
    nothing = VectorField3D(
        orbit,
        studio.BOX,
        studio.RECT,
        np.zeros((2, 3)),
        np.array([[0.0, 0, 0], [np.nan, 0, 0]]),
        table=TABLE,
        vmax=1,
        length=4,
        haze="#000000",
    )
    assert studio.ink(studio.draw(nothing)) == 0


@pytest.mark.parametrize(
    "make",
    [
        lambda s: field(s, vmax=0),
        lambda s: field(s, vmax=np.nan),
        lambda s: field(s, TURN[:2]),
        lambda s: field(s).follow(np.zeros((3, 4, 4, 2))),
        lambda s: Streamlines(s.BOX, s.RECT, GRID[0], TURN[0], table=TABLE, vmax=1.0),
    ],
)
def test_what_cannot_be_is_refused(studio, make):
    with pytest.raises(RenderError):
        make(studio)
