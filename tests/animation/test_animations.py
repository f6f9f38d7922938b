"""Recorded time in a scene: what is drawn depends on the frame alone; fades, order and copies behave as Manim's."""

import time

import numpy as np
import pytest
from manim import RIGHT, FadeIn, FadeOut, MovingCameraScene, Scene, Square, tempconfig

from diffrender.animation.animations import PlayTrajectory
from diffrender.animation.mobjects.camera import BulkCamera, BulkMovingCamera
from diffrender.animation.mobjects.plane.cloud import PointCloud
from diffrender.animation.mobjects.plane.heat import Heatmap
from diffrender.animation.mobjects.plane.trails import Trails
from diffrender.animation.mobjects.space.cloud import PointCloud3D
from diffrender.animation.mobjects.space.orbit import Orbit, Turn
from diffrender.animation.timeline import linear

rng = np.random.default_rng(0)
X = np.cumsum(rng.normal(0, 0.05, (31, 200, 2)), axis=0).astype(np.float32)
SIZE = {"pixel_width": 240, "pixel_height": 136, "frame_height": 8.0, "frame_width": 8.0 * 240 / 136}
QUIET = {"progress_bar": "none", "disable_caching": True, "format": "none", "frame_rate": 10, "verbosity": "ERROR"}


def filmed(construct, base=Scene, camera=BulkCamera):
    """The frames of a scene, and the scene."""
    frames = []

    class Film(base):
        def __init__(self):
            super().__init__(camera_class=camera)

        def construct(self):
            construct(self)

    with tempconfig(SIZE | QUIET):
        film = Film()
        film.renderer.add_frame = lambda pixels, num_frames=1: frames.extend([pixels.copy()] * num_frames)
        film.render()
    return frames, film


def cloud(studio, **kwargs):
    return PointCloud(studio.BOX, studio.RECT, X[0], color="#FFFFFF", radius=0.1, **kwargs).follow(X)


def test_each_frame_shows_its_recorded_step(studio):
    shown, steps = cloud(studio), []
    shown.show_step = lambda s, show=shown.show_step: steps.append(s) or show(s)
    frames, _ = filmed(lambda s: s.play(PlayTrajectory(shown, timeline=linear(30), run_time=3)))
    assert len(frames) == 30
    # Manim draws times 0, 0.1, … 2.9; the last step is shown when the animation has ended
    assert steps[1:31] == list(range(30))
    assert steps[-1] == 30
    for k in (0, 7, 29):
        alone = studio.draw(cloud(studio).show_step(k), size=(240, 136))
        assert (frames[k] == alone).all()


def test_trails_and_clouds_stay_in_order_and_no_copy_is_made(studio):
    under, over = cloud(studio), Square(6, fill_opacity=1, fill_color="#FF0000", stroke_width=0)

    def construct(scene):
        scene.add(under, over)
        scene.play(PlayTrajectory(under, timeline=linear(30), run_time=1))
        assert scene.mobjects == [under, over]

    frames, _ = filmed(construct)
    assert all(tuple(f[68, 120]) == (255, 0, 0, 255) for f in frames)


def test_part_of_a_timeline(studio):
    shown = cloud(studio)
    filmed(lambda s: s.play(PlayTrajectory(shown, timeline=linear(30), start=0.2, end=0.5, run_time=0.5)))
    assert shown.step == 15


def test_fades_really_fade(studio):
    shown = Heatmap(studio.BOX, studio.RECT, np.ones((3, 3)), table=np.full((256, 3), 200, np.uint8))

    def construct(scene):
        scene.play(FadeIn(shown, run_time=1))
        scene.play(shown.animate.shift(RIGHT), run_time=0.3)
        scene.play(FadeOut(shown, run_time=1))

    frames, scene = filmed(construct)
    light = np.array([f[68, 120, 0] for f in frames], float)
    assert (np.diff(light[:10]) > 0).all()
    assert light[10:13] == pytest.approx(200, abs=1)
    assert (np.diff(light[13:]) < 0).all()
    assert light[0] < 10
    assert shown not in scene.mobjects


def test_recordings_are_not_copied_by_animations(studio):
    class Watched(np.ndarray):
        def __deepcopy__(self, memo):
            raise AssertionError("a recording was copied")

    watched = X.view(Watched)
    shown = PointCloud(studio.BOX, studio.RECT, X[0], color="#FFFFFF", radius=0.1).follow(watched)
    tails = Trails(studio.BOX, studio.RECT, watched, color="#FFFFFF", length=5)

    def construct(scene):
        scene.play(FadeIn(shown, tails), run_time=0.2)
        scene.play(shown.animate.scale(0.5), PlayTrajectory(tails, timeline=linear(30), run_time=0.2))

    filmed(construct)


def test_a_zooming_camera_sees_larger_points(studio):
    shown = cloud(studio, clip=False)

    def construct(scene):
        scene.add(shown)
        scene.wait(0.1)
        scene.camera.frame.scale(0.5)
        scene.wait(0.1)

    frames, _ = filmed(construct, MovingCameraScene, BulkMovingCamera)
    one = studio.draw(cloud(studio, clip=False), size=(480, 272))[68:204, 120:360]
    assert studio.psnr(frames[-1], one) > 30
    assert studio.psnr(frames[0], one) < 20


def test_an_orbit_turns_what_is_seen_through_it(studio):
    orbit = Orbit(phi=1.2, theta=0.0)
    shown = PointCloud3D(
        orbit, studio.BOX, studio.RECT, rng.normal(0, 0.4, (100, 3)), color="#FFFFFF", radius=0.1, haze="#000000"
    )

    def construct(scene):
        scene.add(shown)
        scene.play(Turn(orbit, shown, theta=1.0, zoom=2.0, run_time=1))

    frames, _ = filmed(construct)
    assert (orbit.theta, orbit.zoom, orbit.phi) == (1.0, 2.0, 1.2)
    assert all((frames[k] != frames[k + 1]).any() for k in range(1, 7))


def test_a_skipped_frame_costs_at_most_half_a_millisecond(studio):
    animation = PlayTrajectory(cloud(studio), Trails(studio.BOX, studio.RECT, X, color="#FFFFFF"), timeline=linear(30))
    animation.begin()
    started = time.process_time()
    for k in range(1000):
        animation.interpolate(k / 1000)
    assert (time.process_time() - started) / 1000 < 0.5e-3
