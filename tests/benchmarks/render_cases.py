"""What `render.py` times: the same moving picture drawn by us and by the alternatives, each in a process of its own.

Run as `python render_cases.py CASE JSON-ARGUMENTS`; prints one line of JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from functools import cache
from itertools import count, pairwise
from pathlib import Path

import numpy as np
from memory import peak_mb

WIDTH, HEIGHT, FPS = 1920, 1080, 30
BOX = RECT = (-7.0, 7.0, -4.0, 4.0)
RADIUS = 0.02
COLOR = "#58C4DD"
TRAIL = 200
BEFOREHAND = 100  # frames
ROUNDS = 4


def positions(n: int):
    """t in seconds → (n, 2) float32: two noisy clusters that contract. Those of whole frames are made once, beforehand:
    nobody's drawing is charged with them."""
    rng = np.random.default_rng(0)
    base = rng.normal(0, 0.8, (n, 2)) + np.where(rng.random((n, 1)) < 0.5, -2, 2) * [1, 0]
    speed, phase = rng.normal(0, 1, (n, 2)), rng.random((n, 2)) * 6.28

    @cache
    def at(t):
        return (base * (1 - 0.1 * t) + 0.05 * np.sin(phase + 6 * t) * speed).astype(np.float32)

    for k in range(BEFOREHAND):
        at(k / FPS)
    return at


def grid():
    """600 places, and t → (600, 2) vectors."""
    x, y = np.meshgrid(np.linspace(-6, 6, 30), np.linspace(-3.4, 3.4, 20))
    xy = np.stack([x.ravel(), y.ravel()], 1)
    return xy, lambda t: 0.35 * np.stack([np.sin(xy[:, 1] + t), np.cos(xy[:, 0] - t)], 1)


def walks(n: int, steps: int) -> np.ndarray:
    """(steps + 1, n, 2) random walks."""
    rng = np.random.default_rng(1)
    start = rng.normal(0, 1.5, (1, n, 2))
    return np.concatenate([start, start + np.cumsum(rng.normal(0, 0.05, (steps, n, 2)), 0)]).astype(np.float32)


def clocked(mobject, show):
    """`mobject` with show(mobject, frame number) before every frame."""
    state = {"frame": -1}

    def update(m, dt):
        state["frame"] += 1
        show(m, state["frame"])

    return mobject.add_updater(update)


# ---- scenes ----------------------------------------------------------------------------------------------------------
def cloud(n):
    from diffrender.animation.mobjects.plane.cloud import PointCloud

    at = positions(n)
    return [
        clocked(
            PointCloud(BOX, RECT, at(0), color=COLOR, radius=RADIUS, clip=False), lambda m, k: m.set_xy(at(k / FPS))
        )
    ]


def dots(n):
    from manim import Dot, VGroup

    at = positions(n)
    group = VGroup(*[Dot([*p, 0], radius=RADIUS, color=COLOR) for p in at(0)])

    def show(g, k):
        for dot, p in zip(g, at(k / FPS), strict=True):
            dot.move_to([*p, 0])

    return [clocked(group, show)]


def pmobject(n):
    from manim import PMobject

    at = positions(n)
    points = PMobject(stroke_width=5)
    points.add_points(np.pad(at(0), ((0, 0), (0, 1))), color=COLOR)

    def show(m, k):
        m.points[:, :2] = at(k / FPS)

    return [clocked(points, show)]


def field(n):
    from diffrender.animation.mobjects.plane.field import VectorField

    xy, v = grid()
    table = np.linspace([63, 82, 124], [198, 239, 218], 256).astype(np.uint8)

    def show(m, k):
        m.v = v(k / FPS)

    return [clocked(VectorField(BOX, RECT, xy, v(0), table=table, vmax=0.5, length=0.4, clip=False), show)]


def arrow_vector_field(n):
    from manim import ArrowVectorField

    clock = {"t": 0.0}

    def made():
        t = clock["t"]
        return ArrowVectorField(
            lambda p: np.array([np.sin(p[1] + t), np.cos(p[0] - t), 0]),
            x_range=[-6, 6, 12 / 29],
            y_range=[-3.4, 3.4, 6.8 / 19],
        )

    def show(m, k):
        clock["t"] = k / FPS
        m.become(made())

    return [clocked(made(), show)]


def trails(n):
    from diffrender.animation.mobjects.plane.trails import Trails

    x = walks(n, TRAIL + 300)
    made = Trails(BOX, RECT, x, color="#FFB24D", width=0.02, length=TRAIL, power=1.0, clip=False)
    return [clocked(made, lambda m, k: m.show_step(TRAIL + k))]


def traced_paths(n):
    from manim import Dot, TracedPath

    x = np.pad(walks(n, TRAIL + 300), ((0, 0), (0, 0), (0, 1)))
    out = []
    for i in range(n):
        dot = Dot(x[TRAIL, i], radius=0.02)
        clocked(dot, lambda m, k, i=i: m.move_to(x[TRAIL + k, i]))
        path = TracedPath(dot.get_center, stroke_width=2, stroke_opacity=[0, 1], dissipating_time=TRAIL / FPS)
        path.set_points_as_corners(x[: TRAIL + 1, i])
        path.time = 0
        out += [path, dot]
    return out


SCENES = {f.__name__: f for f in (cloud, dots, pmobject, field, arrow_vector_field, trails, traced_paths)}


# ---- timing ----------------------------------------------------------------------------------------------------------
def cpu_seconds():
    """CPU seconds of this process, to the microsecond, and of children that have ended (an ffmpeg program)."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


class Clock:
    """Seconds a frame, from the first frame on (what it costs to set up is not what is compared)."""

    def __init__(self, sink=None):
        self.times, self.cpu, self.sink = [], [], sink

    def __call__(self, pixels, repeat):
        if self.sink is not None:
            self.sink(pixels, repeat)
        for _ in range(repeat):
            self.times.append(time.perf_counter())
            self.cpu.append(cpu_seconds())

    def result(self, end=None):
        """ms, cpu_ms: the mean of the frames; median_ms, median_cpu_ms: of the usual one, that noise disturbs less."""
        n = len(self.times) - 1
        return {
            "ms": 1e3 * ((end or self.times[-1]) - self.times[0]) / n,
            "cpu_ms": 1e3 * (cpu_seconds() - self.cpu[0]) / n,
            "median_ms": 1e3 * float(np.median(np.diff(self.times))),
            "median_cpu_ms": 1e3 * float(np.median(np.diff(self.cpu))),
        }


def settings(folder, fps=FPS):
    from diffrender.video import frames

    return frames.manim_config(WIDTH, HEIGHT, fps, transparent=False, media=Path(folder))


def scene_of(name, n, frames):
    """A scene class that shows SCENES[name] for so many frames."""
    from manim import Scene

    class Moving(Scene):
        def construct(self):
            self.add(*SCENES[name](n))
            self.wait((frames - 0.5) / FPS, frozen_frame=False)

    return Moving


def encoding(preset, crf="23"):
    from diffrender.video.encode.settings import Encoding

    return Encoding("mp4", "libx264", "yuv420p", {"preset": preset, "crf": crf, "x264-params": "sliced-threads=0"})


def draw(name, n, frames, preset=""):
    """Frames of a scene through our renderer, and our encoder if a preset is given."""
    from diffrender.video import frames as engine
    from diffrender.video.encode.encoder import Encoder

    scene = scene_of(name, n, frames)
    with tempfile.TemporaryDirectory() as folder:
        if not preset:
            clock = Clock()
            engine.draw(lambda r: scene(renderer=r), settings(folder), [(0, frames)], clock)
            return clock.result()
        with Encoder(Path(folder) / "a.mp4", encoding(preset), WIDTH, HEIGHT, FPS) as encoder:
            clock = Clock(encoder.write)
            engine.draw(lambda r: scene(renderer=r), settings(folder), [(0, frames)], clock)
        return clock.result(time.perf_counter())


def stock(name, n, frames):
    """The same through Manim's own renderer, without writing anything."""
    from manim import tempconfig
    from manim.renderer.cairo_renderer import CairoRenderer

    clock = Clock()

    class Timed(CairoRenderer):
        def add_frame(self, frame, num_frames=1):
            clock(frame, num_frames)
            self.time += num_frames / FPS

    with tempfile.TemporaryDirectory() as folder, tempconfig(settings(folder)):
        scene_of(name, n, frames)(renderer=Timed()).render()
    return clock.result()


def matplotlib(n, frames, artist="plot", blit=False, preset=""):
    """matplotlib's FuncAnimation with Agg: shown frame by frame as its timer would, or saved by its ffmpeg writer.

    artist: "plot" stamps one marker of one colour on whole pixels; "scatter" draws every point with a colour of its own
    where it is, as our cloud does. Saving never blits.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.animation import FFMpegWriter, FuncAnimation

    from diffrender.video.encode.gif import ffmpeg_program

    at, clock = positions(n), Clock()
    figure = plt.figure(figsize=(WIDTH / 100, HEIGHT / 100), dpi=100, facecolor="black")
    axes = figure.add_axes((0, 0, 1, 1), facecolor="black")
    axes.set(xlim=(-7.11, 7.11), ylim=(-4, 4))
    axes.axis("off")
    diameter = 2 * RADIUS * HEIGHT / 8 * 72 / 100
    if artist == "plot":
        (drawn,) = axes.plot(*at(0).T, "o", ms=diameter, mew=0, color=COLOR)
    else:
        drawn = axes.scatter(*at(0).T, s=diameter**2, linewidths=0, color=COLOR)

    def update(k):
        xy = at(k / FPS)
        drawn.set_data(*xy.T) if artist == "plot" else drawn.set_offsets(xy)
        if preset:
            clock(None, 1)
        return (drawn,)

    if preset:
        mpl.rcParams["animation.ffmpeg_path"] = ffmpeg_program()
        arguments = ["-preset", preset, "-crf", "23", "-x264-params", "sliced-threads=0", "-threads", "4"]
        with tempfile.TemporaryDirectory() as folder:
            writer = FFMpegWriter(fps=FPS, codec="libx264", extra_args=[*arguments, "-pix_fmt", "yuv420p"])
            FuncAnimation(figure, update, frames=frames, blit=False).save(
                Path(folder) / "a.mp4", writer=writer, dpi=100
            )
        return clock.result(time.perf_counter())
    animation = FuncAnimation(figure, update, frames=frames, blit=blit, repeat=False)
    figure.canvas.draw()  # the first draw event starts it
    while animation.event_source is not None and animation._step():
        if not blit:
            figure.canvas.draw()  # `draw_idle` leaves this to a window's event loop; Agg has none
        clock(None, 1)
    return clock.result()


def likeness(n):
    """PSNR in dB of a cloud's frame against a VGroup of Dots'."""
    from diffrender.video import frames as engine

    pictures = []
    with tempfile.TemporaryDirectory() as folder:
        for name in ("cloud", "dots"):
            scene = scene_of(name, n, 2)
            keep = lambda pixels, repeat: pictures.append(pixels[..., :3].astype(float))  # noqa: E731
            engine.draw(lambda r, s=scene: s(renderer=r), settings(folder), [(1, 2)], keep)
    return {"psnr": float(10 * np.log10(255**2 / np.mean((pictures[0] - pictures[1]) ** 2)))}


def skipped(n, frames=600):
    """Milliseconds for a frame of a bound cloud that nobody wants."""
    from manim import Scene

    from diffrender.animation.animations import PlayTrajectory
    from diffrender.animation.mobjects.plane.cloud import PointCloud
    from diffrender.animation.timeline import eased
    from diffrender.video import frames as engine

    x = np.random.default_rng(0).normal(0, 1, (61, n, 2)).astype(np.float32)

    class Bound(Scene):
        def construct(self):
            made = PointCloud(BOX, RECT, x[0], color=COLOR, radius=RADIUS).follow(x)
            self.add(made)
            started = time.perf_counter()
            self.play(PlayTrajectory(made, timeline=eased(60), run_time=(frames - 0.5) / FPS))
            self.seconds = time.perf_counter() - started

    scenes = []
    with tempfile.TemporaryDirectory() as folder:
        engine.count(lambda r: scenes.append(Bound(renderer=r)) or scenes[-1], settings(folder))
    return {"ms": 1e3 * scenes[0].seconds / frames}


# ---- the denoise scene -----------------------------------------------------------------------------------------------
def recording(path, n, steps=1000):
    """A made-up reverse run: noise that becomes two clusters, in so many steps that no two frames are alike."""
    from diffrender.trajectory.writer import TrajectoryWriter

    at = positions(n)
    rng = np.random.default_rng(2)
    alpha = np.linspace(0.02, 1, steps + 1)
    sigma = np.sqrt(1 - alpha**2)
    end, noise = at(0) / 2, rng.normal(0, 1, (n, 2))
    meta = {"kind": "reverse", "seed": 0, "sampler": {"name": "ddim"}, "config": {}}
    with TrajectoryWriter(path, meta) as writer:
        for a, s in zip(alpha, sigma, strict=True):
            writer.write("x", (a * end + s * noise)[None].astype(np.float32))
        writer.add("alpha", alpha)
        writer.add("sigma", sigma)
        writer.add("time", np.arange(steps, -1, -1, dtype=float))
        writer.add("nfe", np.arange(steps + 1))
        writer.add("target", end[:4000].astype(np.float32))


def denoise(n, frames, preset, profile=False):
    """The denoise scene with encoding, and encoding of the very same frames made beforehand."""
    from diffrender.trajectory.reader import Trajectory
    from diffrender.video import frames as engine
    from diffrender.video.encode.encoder import Encoder

    scene = engine.load_scene(Path(__file__).parents[2] / "scenes" / "denoise.py", "Denoise")
    first = 14 * FPS  # all points are on their way by then
    with tempfile.TemporaryDirectory() as folder:
        recording(Path(folder) / "run.npz", n)
        run = Trajectory.open(Path(folder) / "run.npz")

        def make(renderer):
            return scene(trajectories={"run": run}, options={}, theme="dark", renderer=renderer)

        made = []
        engine.draw(make, settings(folder), [(first, first + frames)], lambda p, k: made.extend([p.copy()] * k))
        out = Path(folder) / "a.mp4"

        def whole():
            with Encoder(out, encoding(preset), WIDTH, HEIGHT, FPS) as encoder:
                clock = Clock(encoder.write)
                engine.draw(make, settings(folder), [(first, first + frames)], clock)
            return clock.result(time.perf_counter())

        def encoder_alone():
            with Encoder(out, encoding(preset), WIDTH, HEIGHT, FPS) as encoder:
                clock = Clock(encoder.write)
                for picture in made:
                    clock(picture, 1)
            return clock.result(time.perf_counter())

        # turn and turn about, so that what else the machine does meets both alike
        rounds = [(whole(), encoder_alone()) for _ in range(ROUNDS)]
        ours, alone = ({key: min(r[i][key] for r in rounds) for key in ("ms", "cpu_ms")} for i in (0, 1))
        drawn = Clock()
        engine.draw(make, settings(folder), [(first, first + frames)], drawn)
        result = {
            "scene": ours,
            "encoder": alone,
            "part": alone["ms"] / ours["ms"],
            "cpu_part": alone["cpu_ms"] / ours["cpu_ms"],
            "changed": float(np.mean([(a != b).any() for a, b in pairwise(made)])),
            "drawing": drawn.result(),
        }
        if profile:
            result["profile"] = _profiled(
                lambda: engine.draw(make, settings(folder), [(first, first + frames)], Clock())
            )
        return result


class Moving:
    """CPU milliseconds of each frame that differs from the one before it in the same window of frames."""

    def __init__(self) -> None:
        self.cpu: list[float] = []
        self.before, self.left = None, 0.0

    def __call__(self, pixels, repeat):
        came = cpu_seconds()
        if self.before is not None and (pixels != self.before).any():
            self.cpu.append(1e3 * (came - self.left))
        self.before = pixels.copy() if repeat == 1 else None
        self.left = cpu_seconds()

    def windows(self):
        """Five frames of every two seconds; on the way to them the film goes by undrawn, which is no frame's time."""
        for first in count(FPS, 2 * FPS):
            self.before = None
            yield first, first + 5


def recordings(card, config, overrides, folder):
    """What a scene declares that it needs, by name, recorded from a shipped config unless it lies in the folder.

    A network that a recording is of is trained first.
    """
    from diffrender.config.sections import Config
    from diffrender.diffusion.recording.record import sample
    from diffrender.diffusion.training.loop import train
    from diffrender.jobs.plan.needs import recordings as planned
    from diffrender.trajectory.reader import Trajectory

    found = {}
    for name, job in planned(card, config, overrides, outputs=folder).items():
        made, wanted = folder / f"{card.class_name}-{name}.npz", Config.model_validate(job.settings["config"])
        if not made.exists():
            weights = train(wanted, folder / f"{name}.safetensors").weights if wanted.model.learned else None
            sample(wanted, made, weights=weights)
        found[name] = Trajectory.open(made)
    return found


def figure(scene, config, folder, overrides=None, options=None):
    """Frames of a whole film without encoding, some of every two seconds, with what the scene declares that it needs.

    Of those in which something moves: the CPU time of the usual one (median_cpu_ms), and of one in ten (tenth_cpu_ms).
    """
    from diffrender.config.scene_card import read_scene, with_options
    from diffrender.video import frames as engine

    file, options = Path(__file__).parents[2] / "scenes" / f"{scene}.py", options or {}
    card = with_options(read_scene(file), options)
    made = engine.load_scene(file, card.class_name)
    runs = recordings(card, config, overrides or {}, Path(folder))
    moving = Moving()
    with tempfile.TemporaryDirectory() as media:
        engine.draw(
            lambda renderer: made(trajectories=runs, options=options, theme="dark", renderer=renderer),
            settings(media), moving.windows(), moving,
        )  # fmt: skip
    return {
        "median_cpu_ms": float(np.median(moving.cpu)),
        "tenth_cpu_ms": float(np.quantile(moving.cpu, 0.9)),
        "frames": len(moving.cpu),
    }


def _profiled(work):
    """The functions that take most of the time, as (name, ms by itself)."""
    import cProfile
    import pstats

    profiler = cProfile.Profile()
    profiler.runcall(work)
    table = sorted(pstats.Stats(profiler).stats.items(), key=lambda item: -item[1][2])[:8]
    return [[f"{Path(f).name}:{line} {name}", round(1e3 * own, 1)] for (f, line, name), (_, _, own, *_) in table]


CASES = {f.__name__: f for f in (draw, stock, matplotlib, likeness, skipped, denoise, figure)}

if __name__ == "__main__":
    answer = CASES[sys.argv[1]](**json.loads(sys.argv[2]))
    answer["peak_mb"] = peak_mb()
    print(json.dumps(answer))
