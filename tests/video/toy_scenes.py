"""Ordinary Manim scenes, small and quick, that the tests of the rendering engine draw."""

import random

import numpy as np
from manim import (
    BLUE,
    LEFT,
    RED,
    RIGHT,
    UP,
    Circle,
    Dot,
    FadeIn,
    MovingCameraScene,
    Scene,
    Sphere,
    Square,
    ThreeDScene,
    ValueTracker,
    always_redraw,
)


class Toy(Scene):
    """Plays, waits, updaters with dt, redrawn and half-transparent mobjects; 28 frames at 10 a second."""

    def construct(self):
        square = Square(fill_opacity=0.5, color=BLUE)
        circle = Circle(color=RED, fill_opacity=0.4).shift(RIGHT)
        self.add(square)
        self.wait(0.31)
        self.play(FadeIn(circle), run_time=0.5)
        x = ValueTracker(0)
        dot = always_redraw(lambda: Dot([x.get_value(), 1, 0]))
        self.add(dot)
        self.play(x.animate.set_value(3), run_time=0.65)
        spinning = Square(0.5).shift(3 * LEFT)
        spinning.add_updater(lambda m, dt: m.rotate(dt))
        self.add(spinning)
        self.wait(0.45)
        self.remove(dot, spinning)
        self.wait(0.21)
        self.play(square.animate.shift(UP), circle.animate.set_opacity(0.1), run_time=0.4)
        self.play(x.animate.set_value(0), run_time=0.2)


class Decimals(Scene):
    """0.3 s standing and 1.1 s moving: 3 and 11 frames at 10 a second, though 0.3 × 10 < 3 and 1.1 × 10 > 11."""

    def construct(self):
        square = Square()
        self.add(square)
        self.wait(0.3)
        self.play(square.animate.shift(UP), run_time=1.1)


class ThreeActs(Scene):
    """Three acts of 8 frames each at 10 a second."""

    def construct(self):
        square = Square(fill_opacity=0.5)
        self.play(square.animate.shift(UP), run_time=0.8)
        self.next_section("second")
        self.play(square.animate.shift(RIGHT), run_time=0.8)
        self.next_section("third")
        self.play(square.animate.shift(LEFT), run_time=0.8)


class Still(Scene):
    """Plays nothing."""

    def construct(self):
        self.add(Square(fill_opacity=1, color=BLUE))


class Blink(Scene):
    """Shorter than one frame."""

    def construct(self):
        self.add(Square(fill_opacity=1, color=BLUE))
        self.wait(0.001)


class Zoom(MovingCameraScene):
    """A camera that moves."""

    def construct(self):
        self.add(Square())
        self.play(self.camera.frame.animate.scale(0.5), run_time=0.4)


class Orbit(ThreeDScene):
    """A camera in space."""

    def construct(self):
        self.set_camera_orientation(phi=1, theta=0.3)
        self.add(Sphere(resolution=(4, 4)))
        self.begin_ambient_camera_rotation(0.5)
        self.wait(0.3)


class Skips(Scene):
    """A section that is not shown, between two that are."""

    def construct(self):
        square = Square()
        self.add(square)
        self.play(square.animate.shift(RIGHT), run_time=0.3)
        self.next_section("hidden", skip_animations=True)
        self.play(square.animate.shift(UP), run_time=0.5)
        self.next_section("shown")
        self.play(square.animate.shift(LEFT), run_time=0.2)


class Random(Scene):
    """Uses the global generators, which are seeded."""

    def construct(self):
        dot = Dot()
        self.add(dot)
        for _ in range(8):
            dot.move_to([random.uniform(-6, 6), np.random.uniform(-3, 3), 0])  # noqa: NPY002
            self.wait(0.1)


class Flat(Scene):
    """A turning bar on a half-transparent white square: 60 frames at 10 a second. What it prints disturbs nobody."""

    def construct(self):
        print("a scene may print")
        bar = Square(2, fill_opacity=1, color=RED)
        bar.add_updater(lambda m, dt: m.rotate(dt))
        self.add(Square(4, fill_opacity=0.5, stroke_width=0, fill_color="#FFFFFF"), bar)
        self.wait(6)


class Colours(Scene):
    """Four fields of pure colours."""

    def construct(self):
        for color, x in (("#FF0000", -5.25), ("#00B050", -1.75), ("#1040FF", 1.75), ("#FF9B42", 5.25)):
            self.add(Square(3.5, fill_opacity=1, stroke_width=0, fill_color=color).move_to([x, 0, 0]))
        self.wait(0.5)


class Recorded(Scene):
    """A recording shown between its steps."""

    def construct(self):
        from diffrender.animation.animations import PlayTrajectory
        from diffrender.animation.mobjects.plane.cloud import PointCloud
        from diffrender.animation.timeline import linear

        x = np.zeros((5, 3, 2), np.float32)
        cloud = PointCloud((-1, 1, -1, 1), (-3, 3, -3, 3), x[0], color="#FFFFFF", radius=0.1).follow(x)
        self.play(PlayTrajectory(cloud, timeline=linear(4, interpolate=True), run_time=0.5))


class Wrong(Scene):
    """Fails."""

    def construct(self):
        self.wait(0.2)
        self.nothing_of_the_kind()


class Changes(Scene):
    """Shorter every time but the first that it is played in one process."""

    played = 0

    def construct(self):
        square = Square()
        self.add(square)
        self.play(square.animate.shift(UP), run_time=1.0 if Changes.played else 2.0)
        Changes.played += 1
