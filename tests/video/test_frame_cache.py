"""What stands still is drawn once, and every frame is what it would be if all were drawn anew."""

import numpy as np
import pytest
from manim import Camera, Circle, Dot, Line, MovingCamera, PMobject, Square, Text, VGroup, tempconfig

from diffrender.animation.mobjects.camera import BulkCamera, BulkMovingCamera
from diffrender.animation.mobjects.furniture.color_bar import ColorBar
from diffrender.animation.mobjects.plane.cloud import PointCloud
from diffrender.animation.mobjects.plane.curve import Curve
from diffrender.animation.mobjects.plane.field import VectorField
from diffrender.animation.mobjects.plane.heat import Heatmap
from diffrender.animation.mobjects.plane.trails import Trails
from diffrender.video import frame_cache
from diffrender.video.frame_cache import FrameCache
from diffrender.video.frames import manim_config

TABLE = np.stack([np.arange(256)] * 3, axis=1).astype(np.uint8)
BLUE = {"color": "#58C4DD", "radius": 0.05}
FIELD = {"table": TABLE, "vmax": 1, "length": 0.4}
BOX, RECT = (-2.0, 2.0, -1.0, 1.0), (-3.0, 3.0, -1.5, 1.5)
RNG = np.random.default_rng(0)


def walks(seed):
    return np.cumsum(np.random.default_rng(seed).normal(0, 0.2, (40, 5, 2)), axis=0).astype(np.float32)


def mobjects():
    """Some of everything, overlapping here and there; each with what moves it to frame k, or None."""
    xy, arrows = RNG.normal(0, 1, (300, 2)), RNG.normal(0, 0.4, (30, 2))
    places = RNG.uniform(-1, 1, (30, 2))
    curve = Curve(BOX, RECT, np.linspace(-2, 2, 41), np.linspace(-1, 1, 41), color="#FF0000", ring="#FFFFFF").scale(0.3)
    tails = Trails(BOX, RECT, walks(0), color="#FFB24D", width=0.05, length=9, clip=False)
    points = PMobject().add_points(np.pad(RNG.normal(0, 0.1, (20, 2)), ((0, 0), (0, 1))))
    return [
        (Square(2, fill_opacity=0.4).shift([-5, 2, 0]), lambda m, k: m.rotate(0.1)),
        (PointCloud(BOX, RECT, xy, **BLUE, alpha=0.6, clip=False).scale(0.25).shift([-2, 2, 0]), None),
        (Circle(1, fill_opacity=0.5, stroke_width=20).shift([-4, 2, 0]), None),
        (PointCloud(BOX, RECT, xy / 3, **BLUE).scale(0.5), lambda m, k: m.set_xy(xy / 3 + 0.01 * k)),
        (Trails(BOX, RECT, walks(1), color="#FFB24D", casing="#000000").scale(0.4).shift([-4, -2, 0]), None),
        (Text("Still", font_size=30).shift([0, 3, 0]), None),
        (Heatmap(BOX, RECT, lambda p: np.exp(-(p**2).sum(-1)), table=TABLE).scale(0.4).shift([5, -3, 0]), None),
        (curve.shift([5, 0, 0]), lambda m, k: m.show_step(k)),
        (ColorBar((-6, -5.7, -1, 1), TABLE, border="#FFFFFF"), None),
        (Line([-6, -3, 0], [6, 3, 0], stroke_width=8), None),
        (VGroup(Dot([2, 0, 0]), Dot([6, 3, 0])).set_z_index(1), lambda m, k: m[0].shift([0, 0.05, 0])),
        (Line([-6, -3.5, 0], [6, -3.5, 0], stroke_width=8), None),
        (Circle(0.5, fill_opacity=0.5, fill_color=["#FF0000", "#00FF00"]).shift([0, -3, 0]), None),
        (VectorField(BOX, RECT, places, arrows, **FIELD, clip=False).scale(0.4).shift([3, 2, 0]), None),
        (points.shift([-2, -3, 0]), None),
        (tails.shift([2, -2, 0]), lambda m, k: m.show_step(k)),
    ]  # fmt: skip


def films(camera_class, tmp_path, frames=40, every=lambda camera, k: None):
    """(pictures as we draw them, pictures of all drawn anew, mobjects drawn in the last of ours)."""
    with tempconfig(manim_config(480, 270, 10, transparent=False, media=tmp_path)):
        ours, stock = camera_class(), camera_class()
        drawer, scene, pictures, drawn = FrameCache(ours), mobjects(), ([], []), []
        capture = ours.capture_mobjects
        ours.capture_mobjects = lambda mobs, **more: (drawn.extend(mobs), capture(mobs, **more))
        for k in range(frames):
            drawn.clear()
            for mob, move in scene:
                if move and not (10 < k < 14):  # at times nothing moves
                    move(mob, k)
            if k == 8:
                scene[5][0].set_color("#FF0000")  # and then what has stood still changes
            for camera in (ours, stock):
                every(camera, k)
            drawer.draw(ours.background, [mob for mob, _ in scene])
            stock.reset()
            stock.capture_mobjects([mob for mob, _ in scene])
            for kept, camera in zip(pictures, (ours, stock), strict=True):
                kept.append(camera.pixel_array.copy())
    return *pictures, len(drawn)


def test_every_frame_is_as_if_all_were_drawn_anew(tmp_path):
    ours, anew, drawn = films(BulkCamera, tmp_path)
    assert all(np.array_equal(a, b) for a, b in zip(ours, anew, strict=True))
    assert drawn <= 14  # of 21


def test_what_touches_is_kept_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(frame_cache, "_touches", lambda area, others: False)
    ours, anew, _ = films(BulkCamera, tmp_path)
    assert not all(np.array_equal(a, b) for a, b in zip(ours, anew, strict=True)), "overlaps would go unseen"


def test_a_camera_that_moves(tmp_path):
    ours, anew, _ = films(
        BulkMovingCamera, tmp_path, every=lambda camera, k: camera.frame.shift([0.1 * (k % 5 > 2), 0, 0])
    )
    assert all(np.array_equal(a, b) for a, b in zip(ours, anew, strict=True))


def test_a_camera_with_ways_of_its_own_draws_everything(tmp_path):
    class Other(BulkCamera):
        def transform_points_pre_display(self, mobject, points):
            return np.multiply(points, 0.5)

    ours, anew, drawn = films(Other, tmp_path, frames=4)
    assert drawn == 21
    assert all(np.array_equal(a, b) for a, b in zip(ours, anew, strict=True))


@pytest.mark.parametrize("camera", [Camera, MovingCamera])
def test_ordinary_cameras_are_known(camera, tmp_path):
    with tempconfig(manim_config(64, 36, 10, transparent=False, media=tmp_path)):
        assert FrameCache(camera()).applies


def test_points_changed_in_place_are_seen(tmp_path):
    with tempconfig(manim_config(480, 270, 10, transparent=False, media=tmp_path)):
        camera, xy = BulkCamera(), np.zeros((1, 2))
        cloud, square = PointCloud(BOX, RECT, xy, color="#FFFFFF", radius=0.2), Square(1).shift([4, 0, 0])
        drawer, seen = FrameCache(camera), []
        for k in range(6):
            drawer.draw(camera.background, [cloud, square])
            seen.append(camera.pixel_array.copy())
            xy += 0.05 * (k == 3)
            square.points[:, 1] += 0.1 * (k == 4)
        assert np.array_equal(seen[2], seen[3])
        assert not np.array_equal(seen[3], seen[4])
        assert not np.array_equal(seen[4][:, 300:], seen[5][:, 300:])


def jumping(frames, seed=3):
    """Ten discs, of which a few at a time jump somewhere: (the discs, in which frame each jumps where)."""
    rng = np.random.default_rng(seed)
    discs = [Dot([*rng.uniform(-3, 3, 2), 0], radius=0.5, fill_opacity=0.6) for _ in range(10)]
    return discs, [[(i, rng.uniform(-3, 3, 2)) for i in rng.choice(10, 3, replace=False)] for _ in range(frames)]


@pytest.mark.parametrize("broken", [False, True])
def test_what_moves_now_and_then_is_left_while_nothing_near_it_moves(tmp_path, monkeypatch, broken):
    if broken:  # as if nothing touched what has changed
        monkeypatch.setattr(frame_cache, "_touches", lambda area, others: False)
    with tempconfig(manim_config(480, 270, 10, transparent=False, media=tmp_path)):
        ours, stock = BulkCamera(), BulkCamera()
        drawer, (discs, jumps), drawn, same = FrameCache(ours), jumping(30), [], []
        capture = ours.capture_mobjects
        ours.capture_mobjects = lambda mobs, **more: (drawn.append(len(mobs)), capture(mobs, **more))
        drawer.begin(discs)
        for jump in jumps:
            for i, place in jump:
                discs[i].move_to([*place, 0])
            drawer.draw(ours.background, discs)
            stock.reset()
            stock.capture_mobjects(discs)
            same.append(np.array_equal(ours.pixel_array, stock.pixel_array))
    assert all(same) != broken
    assert broken or np.mean(drawn[1:]) < 9, "all ten were drawn nearly always"


def test_mobjects_are_shown_in_manims_order():
    """Those that come twice, at their last place; higher z last; without those that have no points; cycles end."""
    a, b, c, d = (Dot([x, 0, 0]) for x in range(4))
    inner, empty = VGroup(a, b), VGroup()
    outer = VGroup(inner, c, a)
    d.set_z_index(-1)
    for mobjects in ([outer, empty, d], [a, outer, inner], [inner, outer, b, d, outer], [a, b, a]):
        assert frame_cache.displayed(mobjects) == BulkCamera().get_mobjects_to_display(mobjects)
    inner.submobjects.append(outer)
    assert set(frame_cache.displayed([outer])) == {a, b, c}
