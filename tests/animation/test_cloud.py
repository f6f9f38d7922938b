"""Point clouds: true to discs, in any number, at any size, wherever the points are."""

import copy

import numpy as np
import pytest
from manim import Dot, VGroup

from diffrender.animation.mobjects.camera import BulkThreeDCamera
from diffrender.animation.mobjects.plane.cloud import PointCloud
from diffrender.animation.mobjects.space.cloud import PointCloud3D
from diffrender.animation.mobjects.space.orbit import Orbit
from diffrender.core.errors import RenderError

rng = np.random.default_rng(0)
POINTS = rng.normal(0, 0.5, (400, 2))


def cloud(studio, xy=POINTS, color="#58C4DD", radius=0.08, **kwargs):
    return PointCloud(studio.BOX, studio.RECT, xy, color=color, radius=radius, **kwargs)


def dots(studio, shown, radius=0.08, opacity=1.0):
    return VGroup(*(Dot(p, radius=radius, color="#58C4DD", fill_opacity=opacity) for p in shown.to_scene(shown.xy)))


@pytest.mark.parametrize(("radius", "opacity"), [(0.02, 1.0), (0.08, 1.0), (0.08, 0.6), (0.6, 0.5)])
def test_a_cloud_is_a_group_of_dots(studio, radius, opacity):
    xy = POINTS[: 400 if radius < 0.5 else 8]
    shown = cloud(studio, xy, radius=radius, alpha=opacity, clip=False)
    size = (1920, 1080)
    ours, dotted = studio.draw(shown, size=size), studio.draw(dots(studio, shown, radius, opacity), size=size)
    # over the part of the frame where the points are, which is harder than over all of it
    ys, xs = np.nonzero(dotted[..., 0])
    part = np.s_[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]
    assert studio.psnr(ours[part], dotted[part]) >= 45
    moved = studio.draw(cloud(studio, xy + 0.002, radius=radius, alpha=opacity, clip=False), size=size)
    assert studio.psnr(moved[part], dotted[part]) < 45, "0.8 px off must fail"


def test_every_point_has_its_colour_size_and_opacity(studio):
    xy = np.array([[-1.0, 0], [0, 0], [1, 0]])
    colors = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]], np.uint8)
    radii = np.array([0.2, 0.6, 1.2])
    pixels = studio.draw(cloud(studio, xy, colors, radii, alpha=np.array([1.0, 0.5, 0.25])))
    unit = studio.SIZE[1] / 8
    for channel, (x, r, a) in enumerate(zip((-3, 0, 3), radii, (1, 0.5, 0.25), strict=True)):
        column, row = (int(v) for v in studio.pixel(x, 0))
        assert pixels[row, column, channel] == pytest.approx(255 * a, abs=2)
        lit = pixels[..., channel].sum() / 255
        assert lit == pytest.approx(a * np.pi * (r * unit) ** 2, rel=0.02)


def test_sizes_that_differ_are_as_true_as_one_size(studio):
    one = studio.draw(cloud(studio, radius=0.0711))
    many = studio.draw(cloud(studio, radius=np.full(len(POINTS), 0.0711)))
    assert studio.psnr(one, many) > 40


def test_a_ring_lies_round_its_point_and_leaves_it_whole(studio):
    plain = studio.draw(cloud(studio, np.zeros((1, 2)), "#FFFFFF", 0.5), background="#404040")
    ringed = studio.draw(cloud(studio, np.zeros((1, 2)), "#FFFFFF", 0.5, ring="#FF0000"), background="#404040")
    row = int(studio.pixel(0, 0)[1])
    columns = {name: int(studio.pixel(x, 0)[0]) for name, x in (("in", 0.45), ("ring", 0.505), ("out", 0.6))}
    assert (ringed[row, columns["in"]] == 255).all()
    assert tuple(ringed[row, columns["out"]]) == tuple(plain[row, columns["out"]]) == (64, 64, 64, 255)
    reddest = (ringed[row, :, 0].astype(int) - ringed[row, :, 1]).max()
    assert reddest > 60
    assert (plain[row, :, 0] == plain[row, :, 1]).all()


def test_opacity_fades_the_whole_cloud(studio):
    full = studio.ink(studio.draw(cloud(studio, radius=0.05)))
    half = studio.ink(studio.draw(cloud(studio, radius=0.05).set_opacity(0.5)))
    assert 0.4 < half / full < 0.75
    assert studio.ink(studio.draw(cloud(studio).set_opacity(0))) == 0


def test_colour_follows_set_color(studio):
    pixels = studio.draw(cloud(studio).set_color("#FF0000"))
    assert pixels[..., 0].max() == 255
    assert pixels[..., 1:3].max() == 0


def test_transparent_frames_stay_premultiplied(studio):
    shown = cloud(studio, np.zeros((1, 2)), "#FFFFFF", 1.0, alpha=0.5)
    pixels = studio.draw(shown, background_opacity=0.0)
    column, row = (int(v) for v in studio.pixel(0, 0))
    assert tuple(pixels[row, column]) == pytest.approx((128, 128, 128, 128), abs=1)
    assert (pixels[..., :3] <= pixels[..., 3:]).all()


def test_what_passes_the_panel_is_cut_off(studio):
    xy = rng.uniform(-3, 3, (3000, 2))
    pixels = studio.draw(cloud(studio, xy, "#FFFFFF", 0.2))
    a, b = (int(v) for v in studio.pixel(-6, 3)), (int(v) for v in studio.pixel(6, -3))
    (x0, y0), (x1, y1) = a, b
    inside = np.zeros(pixels.shape[:2], bool)
    inside[y0 : y1 + 1, x0 : x1 + 1] = True
    assert studio.ink(pixels[..., :3] * ~inside[..., None]) == 0
    # the corner is rounded: nothing in its pixel, everything two radii in
    assert pixels[y0, x0, 0] < 64
    assert pixels[y0 + 7, x0 + 7, 0] == 255
    assert studio.ink(studio.draw(cloud(studio, xy, "#FFFFFF", 0.2, clip=False))) > studio.ink(pixels)


# ---- recorded time ---------------------------------------------------------------------------------------------------
def test_a_step_is_what_was_recorded(studio, tmp_path):
    x = rng.normal(0, 0.5, (5, 50, 2)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    shown = cloud(studio, x[0], color=np.arange(150, dtype=np.uint8).reshape(50, 3) + 100).follow(mapped)
    for step in (3, 0, 4):
        assert (shown.show_step(step).xy == x[step]).all()
    assert (shown.show_step(99).xy == x[4]).all()
    assert np.allclose(shown.show_step(1.25).xy, 0.75 * x[1] + 0.25 * x[2])
    few = cloud(studio, x[0]).follow(mapped, chains=[3, 7]).show_step(2)
    assert (few.xy == x[2][[3, 7]]).all()


def test_copies_share_the_recording(studio):
    x = np.zeros((5, 50, 2), np.float32)
    shown = cloud(studio, x[0]).follow(x)
    twin = copy.deepcopy(shown).show_step(4)
    assert twin.recorded is x
    assert shown.step == 0
    twin.shift([1, 0, 0])
    assert not np.allclose(shown.points, twin.points)


# ---- bad input -------------------------------------------------------------------------------------------------------
def test_points_that_are_not_numbers_are_not_drawn(studio):
    good = POINTS[:20]
    bad = np.array([[np.nan, 0], [0, np.nan], [np.inf, 0], [0, -np.inf], [1e300, 0], [-1e38, 1e38]])
    mixed = np.concatenate([bad, good, bad])
    assert (studio.draw(cloud(studio, mixed)) == studio.draw(cloud(studio, good))).all()


@pytest.mark.parametrize("far", [4.5, 1e3, 1e9, 2.0**31, 2.0**63, 1e20, 3e38])
@pytest.mark.parametrize("radius", [0.05, 3.0])
def test_points_far_outside_draw_nothing(studio, far, radius):
    xy = np.array([[far, 0], [-far, 0], [0, far], [0, -far], [far, far], [-far, -far]])
    assert studio.ink(studio.draw(cloud(studio, xy, radius=radius))) == 0


def test_no_points_draw_nothing(studio):
    assert studio.ink(studio.draw(cloud(studio, np.zeros((0, 2))))) == 0


def test_a_million_points(studio):
    xy = rng.uniform((-2, -1), (2, 1), (1_000_000, 2)).astype(np.float32)
    colors = np.tile(np.array([[200, 100, 50]], np.uint8), (len(xy), 1))
    pixels = studio.draw(cloud(studio, xy, colors, 0.01))
    column, row = (int(v) for v in studio.pixel(0, 0))
    assert pixels[row - 9 : row + 9, column - 9 : column + 9, 0].mean() > 150


@pytest.mark.parametrize("radius", [0.0, np.zeros(400)])
def test_radius_nought_draws_nothing(studio, radius):
    assert studio.ink(studio.draw(cloud(studio, radius=radius))) == 0


@pytest.mark.parametrize("radius", [40.0, 1e4, 1e12])
def test_a_radius_larger_than_the_frame_fills_it(studio, radius):
    pixels = studio.draw(cloud(studio, np.zeros((1, 2)), "#FFFFFF", radius, clip=False))
    assert (pixels == 255).all()
    ringed = studio.draw(cloud(studio, np.zeros((1, 2)), "#FFFFFF", radius, ring="#FF0000"))
    assert (ringed[100:150, 100:200] == 255).all()


@pytest.mark.parametrize(
    "make",
    [
        lambda s: cloud(s, radius=-1.0),
        lambda s: cloud(s, radius=np.nan),
        lambda s: cloud(s, radius=np.ones(3)),
        lambda s: cloud(s, color=np.zeros((3, 3), np.uint8)),
        lambda s: cloud(s, alpha=np.ones(3)),
        lambda s: cloud(s, np.zeros((5, 3))),
        lambda s: cloud(s, np.zeros(4)),
        lambda s: cloud(s).follow(np.zeros((4, 400, 3))),
        lambda s: PointCloud((0, 0, 0, 1), s.RECT, POINTS, color="#FFFFFF", radius=0.1),
        lambda s: PointCloud((0, 1, 0, np.nan), s.RECT, POINTS, color="#FFFFFF", radius=0.1),
    ],
)
def test_what_cannot_be_is_refused(studio, make):
    with pytest.raises(RenderError):
        make(studio)


# ---- three dimensions ------------------------------------------------------------------------------------------------
def test_an_orbit_projects_as_a_camera_does():
    xyz = rng.normal(size=(50, 3))
    xy, scale, depth = Orbit(phi=0.0, theta=-np.pi / 2).project(xyz)  # from above: x right, y up
    assert np.allclose(xy, xyz[:, :2], atol=1e-6)
    assert np.allclose(depth, xyz[:, 2], atol=1e-6)
    assert (scale == 1).all()
    xy, _, depth = Orbit(phi=np.pi / 2, theta=0.0).project(xyz)  # from the x axis: y right, z up
    assert np.allclose(np.c_[xy, depth], xyz[:, [1, 2, 0]], atol=1e-6)
    near, scale, _ = Orbit(phi=0.0, theta=-np.pi / 2, perspective=0.25, zoom=2).project(
        np.array([[1.0, 0, 2], [1, 0, 5]])
    )
    assert np.allclose(near[0], (4, 0))  # half way to the eye everything is twice as large
    assert np.isnan(near[1]).all()  # behind it


def test_near_points_cover_far_ones(studio):
    orbit = Orbit(phi=0.0, theta=-np.pi / 2, perspective=0.2)
    xyz = np.array([[0.0, 0, 1], [0, 0, -1]])
    colors = np.array([[255, 0, 0], [0, 255, 0]], np.uint8)
    for order in ([0, 1], [1, 0]):
        shown = PointCloud3D(
            orbit, studio.BOX, studio.RECT, xyz[order], color=colors[order], radius=0.5, haze="#000000"
        )
        pixels = studio.draw(shown)
        column, row = (int(v) for v in studio.pixel(0, 0))
        assert pixels[row, column, 0] > 200
        assert pixels[row, column, 1] == 0
    one = [
        PointCloud3D(orbit, studio.BOX, studio.RECT, p[None], color="#FFFFFF", radius=0.5, haze="#000000") for p in xyz
    ]
    near, far = (studio.draw(p) for p in one)
    assert (near[..., 0] > 0).sum() > 1.5 * (far[..., 0] > 0).sum()
    assert near.max(initial=0, where=[True, True, True, False]) > far.max(initial=0, where=[True, True, True, False])


def test_a_cloud_in_space_survives_what_is_not_finite(studio):
    xyz = np.concatenate([rng.normal(size=(50, 3)), [[np.nan, 0, 0], [np.inf, 0, 0], [0, 0, 1e30]]])
    shown = PointCloud3D(
        Orbit(perspective=0.1), studio.BOX, studio.RECT, xyz, color="#FFFFFF", radius=0.05, haze="#000000"
    )
    assert studio.ink(studio.draw(shown)) > 0


def test_a_flat_cloud_in_manims_own_space(studio):
    def from_above(camera):
        camera.set_phi(0)
        camera.set_theta(-np.pi / 2)

    shown = cloud(studio)
    assert studio.psnr(studio.draw(shown, camera=BulkThreeDCamera, prepare=from_above), studio.draw(shown)) > 30
