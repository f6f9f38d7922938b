"""A small cinema: scenes are drawn losslessly from real recordings, and their frames are read as arrays.

Times are seconds from the moment the scene's run begins to move; `t / duration` is the course of its timeline.
"""

from __future__ import annotations

import copy
import itertools
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from diffrender.animation.colors import srgb
from diffrender.animation.layout.checks import faults
from diffrender.animation.mobjects.base import Raster
from diffrender.animation.text.language import Language
from diffrender.animation.theme import LARGE, theme
from diffrender.config.catalogue import find_catalogue
from diffrender.config.scene_card import read_scene
from diffrender.video import frames

SCENES = Path(__file__).parents[2] / "scenes"
SIZE, FPS = (1280, 720), 10
OPENING = 1.0  # seconds that the first picture stands
LOOK = theme("dark")


def pixel_of(scene_xy, size=SIZE):
    """Scene coordinates (…, 2) → pixels, the tests' own way: 8 units along the short side."""
    return np.array(size) / 2 + np.asarray(scene_xy, float)[..., :2] * (min(size) / 8) * (1, -1)


def laid(xy, mob):
    """Data coordinates (…, 2) → pixels, for the box of data and the rectangle that a mobject says it has."""
    (x0, x1, y0, y1), (a, c), (b, d) = mob.box, mob.points[0, :2], mob.points[3, :2]
    u = (np.asarray(xy, float) - (x0, y0)) / (x1 - x0, y1 - y0)
    return pixel_of(np.stack([a + u[..., 0] * (b - a), c + u[..., 1] * (d - c)], -1))


def window(mob, margin=4):
    """(rows, columns) of a mobject's rectangle within the frame, without its rim."""
    left, bottom = pixel_of(mob.points[0])
    right, top = pixel_of(mob.points[3])
    (left, right), (top, bottom) = np.clip([left, right], 0, SIZE[0]), np.clip([top, bottom], 0, SIZE[1])
    return slice(round(top) + margin, round(bottom) - margin), slice(round(left) + margin, round(right) - margin)


def warmth(frame):
    """(H, W) how much redder than blue: high for the samples' orange, below 0 for data, fields, lines and ground."""
    return frame[..., 0].astype(int) - frame[..., 2]


def check_points(mask, points, radius, where, over=None):
    """A mask (H, W) is the union of discs round `points` (N, 2), radii (1 | N,) pixels, and of nothing else.

    where: the part of the frame that is looked at. over: (M, 2) points of the same size that may lie over these.
    """
    rows, columns = where
    corner = np.array([columns.start, rows.start])
    radius = np.broadcast_to(radius, len(points))
    depth = np.full(mask[where].shape, -np.inf)  # how deep inside the nearest disc a pixel is

    def around(point, r):
        """The part of the window near a point, and the distances of its pixels."""
        low, high = (
            np.maximum(np.floor(point - corner - r - 3), 0).astype(int),
            np.ceil(point - corner + r + 3).astype(int),
        )
        part = np.s_[low[1] : max(high[1], 0), low[0] : max(high[0], 0)]
        y, x = np.indices(depth[part].shape) + low[::-1, None, None] + 0.5
        return part, np.hypot(x + corner[0] - point[0], y + corner[1] - point[1])

    for point, r in zip(np.asarray(points), radius, strict=True):
        part, away = around(point, r)
        depth[part] = np.maximum(depth[part], r - away)
    hidden = np.zeros(depth.shape, bool)
    for point in () if over is None else np.asarray(over):
        part, away = around(point, radius.max())
        hidden[part] |= away < radius.max() + 1.2
    seen = mask[rows, columns]
    assert not (seen & (depth < -1.2)).any(), "something is drawn where no point is"
    assert (seen | hidden)[depth > 1.2].all(), "a point is missing or not whole"
    assert (depth > 1.2).any()


class Cinema:
    """Draws frames of one scene."""

    def __init__(self, name, trajectories, media):
        file = SCENES / f"{name}.py"
        self.scene_class = frames.load_scene(file, read_scene(file).class_name)
        self.trajectories, self.media = trajectories, media

    def play(self, windows, size=SIZE, look="dark", fps=FPS, **options):
        """Frames as (H, W, 3) uint8, with the scene as it stood and what is wrong with its layout.

        look: a theme, or a theme and a language: `light_de`.
        """
        shots, (look, _, lang) = [], look.partition("_")
        self.language = Language.of(find_catalogue(lang or "en"))

        def make(renderer):
            self.scene = self.scene_class(
                trajectories=self.trajectories, options=options, theme=look, language=self.language, renderer=renderer
            )
            return self.scene

        def keep(pixels, repeat):
            found = faults(self.scene.mobjects, self.scene.page.frame)
            shots.append(SimpleNamespace(frame=pixels[..., :3].copy(), faults=found, rasters=self.rasters()))

        frames.draw(make, frames.manim_config(*size, fps, transparent=False, media=self.media), windows, keep)
        return shots

    def at(self, *times, **options):
        """Shots so many seconds after the run began to move."""
        first = [round((OPENING + t) * FPS) for t in times]
        return self.play([(k, k + 1) for k in first], **options)

    def layout(self, size, look="dark", every=8, **options):
        """Faults of the layout all through a short clip; in another language also what is not said in it.

        look: as in `play`, or `dark_large`: with large text.
        """
        options |= {"font_scale": LARGE} if look.endswith("_large") else {}
        look = look.removesuffix("_large")
        shots = self.play(((k, k + 1) for k in itertools.count(every, every)), size, look, 4, **options)
        assert len(shots) >= 2
        return [fault for shot in shots for fault in shot.faults] + sorted(self.language.unsaid)

    def unlike_when_sought(self, every, **options):
        """Frames that are not the same when the clip is played, all drawn, and when only each so-many-th is drawn."""
        passes = []
        for windows in ([(0, 10**6)], ((k, k + 1) for k in itertools.count(every // 2, every))):
            drawn = []

            def make(renderer):
                return self.scene_class(trajectories=self.trajectories, options=options, renderer=renderer)

            settings = frames.manim_config(320, 180, FPS, transparent=False, media=self.media)
            frames.draw(make, settings, windows, lambda p, n, drawn=drawn: drawn.extend([p.copy()] * n))
            passes.append(drawn)
        played, sought = passes
        assert len(sought) == len(played[every // 2 :: every]) > 2
        return [
            every // 2 + i * every
            for i, picture in enumerate(sought)
            if not np.array_equal(picture, played[every // 2 + i * every])
        ]

    def rasters(self):
        """Bulk mobjects of the scene by their kind, lowest first."""
        found = {}
        for mob in self.scene.mobjects:
            for part in mob.get_family():
                if isinstance(part, Raster):
                    found.setdefault(type(part).__name__, []).append(copy.copy(part))  # as it is now
        return found


@pytest.fixture(scope="session")
def cinema(tmp_path_factory):
    """`cinema(scene, name=Trajectory)`."""
    media = tmp_path_factory.mktemp("media")
    return lambda scene, **trajectories: Cinema(scene, trajectories, media)


@pytest.fixture(scope="session")
def recorded(tmp_path_factory):
    """`recorded(target, sampler={…}, record={…})`: a small run of the exact denoiser."""
    from diffrender.config.sections import Config
    from diffrender.diffusion.recording import tilted
    from diffrender.diffusion.recording.record import sample
    from diffrender.trajectory.reader import Trajectory

    folder = tmp_path_factory.mktemp("recordings")
    count = itertools.count()

    def make(target, **sections):
        base = {"target": target, "model": {"kind": "exact"}, "schedule": {"kind": "squaredcos_cap_v2"}}
        sections["record"] = {"keep": [], "target_points": 150} | sections.get("record", {})
        config = Config.model_validate(base | sections)
        return Trajectory.open(sample(config, folder / f"{next(count)}.npz"))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tilted, "CELLS", 60)
        yield make


@pytest.fixture(scope="session")
def read():
    """What frames are read with."""
    return SimpleNamespace(
        SIZE=SIZE, LOOK=LOOK, UNIT=SIZE[1] / 8, pixel_of=pixel_of, laid=laid, window=window, warmth=warmth,
        check_points=check_points, rgb=lambda color: np.rint(srgb(color) * 255).astype(int),
    )  # fmt: skip


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """The recording of a real training, short."""
    from diffrender.config.sections import Config
    from diffrender.diffusion.training.loop import train
    from diffrender.trajectory.reader import Trajectory

    folder = tmp_path_factory.mktemp("training")
    training = {
        "steps": 60,
        "batch_size": 64,
        "data_size": 2000,
        "snapshots": 6,
        "snapshot_chains": 60,
        "snapshot_steps": 5,
    }
    config = {
        "target": {"kind": "spiral"}, "model": {"kind": "mlp", "width": 32, "depth": 2}, "training": training,
        "schedule": {"kind": "squaredcos_cap_v2"}, "record": {"target_points": 150},
    }  # fmt: skip
    train(Config.model_validate(config), folder / "model.safetensors")
    return Trajectory.open(folder / "training.npz")


ENCODER = {"kind": "vae", "data": {"kind": "digits", "limit": 300}, "widths": [48], "epochs": 150, "batch_size": 50}
MODEL = {"kind": "residual_mlp", "width": 16, "depth": 1, "conditional": True}
TRAINING = {"steps": 300, "batch_size": 64, "snapshots": 0, "snapshot_chains": 20, "snapshot_steps": 2}


@pytest.fixture(scope="session")
def latent_runs(tmp_path_factory):
    """The four recordings of `latent`, of an autoencoder and a model hardly trained."""
    from diffrender.config.sections import Config
    from diffrender.diffusion.recording.codes import record_codes
    from diffrender.diffusion.recording.record import sample
    from diffrender.diffusion.training import autoencoder
    from diffrender.diffusion.training.loop import train
    from diffrender.trajectory.reader import Trajectory

    folder: Path = tmp_path_factory.mktemp("latent")
    encoder, weights = folder / "autoencoder.safetensors", folder / "model.safetensors"

    def config(sampler=None, **record):
        sections = {"target": "latents", "autoencoder": ENCODER, "model": MODEL, "training": TRAINING}
        record = {"target_points": 100, "keep": []} | record
        made = Config.model_validate(sections | {"sampler": sampler or {"kind": "ddim"}, "record": record})
        return made.model_copy(update={"autoencoder_file": encoder})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(autoencoder, "READER_STEPS", 40)
        autoencoder.train_autoencoder(config(), encoder, device="cpu")
    train(config(), weights, device="cpu", measured_samples=50)

    def run(name, sampler, **record):
        file = sample(config(sampler, **record), folder / f"{name}.npz", weights=weights, device="cpu")
        return Trajectory.open(file)

    ddim = {"kind": "ddim", "steps": 12}
    return {
        "codes": Trajectory.open(record_codes(config(), folder / "codes.npz")),
        "paths": run("paths", {**ddim, "chains": 60, "guidance_scale": 0}, decoded=20),
        "steered": run("steered", {**ddim, "chains": 10, "start": "0.6, -0.5", "guidance_scale": 2}),
        "guided": run("guided", {**ddim, "chains": 200, "guidance_scale": 2}, decoded=0),
    }


SHAPES = [((480, 270), "dark"), ((270, 480), "light"), ((270, 270), "dark")]
LARGE_TEXT = [((270, 270), "dark_large")]  # the shape with the least room
SPOKEN = [((480, 270), "dark_ja"), ((270, 480), "light_de_large")]
ALL_SAID = [  # in whose layout tests every line is said in one of these languages too, in make check-slow in the other
    "test_annealing", "test_chain", "test_compare", "test_decide", "test_denoise", "test_drift", "test_fan",
    "test_flow", "test_forward", "test_guidance", "test_images", "test_interpolate", "test_langevin",
    "test_langevin_space", "test_likelihood", "test_memory", "test_mesh", "test_race", "test_ribbon", "test_spectrum",
    "test_step", "test_surf", "test_tilt", "test_training",
]  # fmt: skip
FOUR_TO_THREE = {
    "test_annealing",
    "test_denoise",
    "test_drift",
    "test_forward",
    "test_langevin_space",
    "test_mesh",
    "test_ribbon",
    "test_tilt",
    "test_training",
}  # in these shapes too
CROWDED = {"test_compare", "test_decide", "test_flow", "test_latent", "test_likelihood", "test_training"}  # and large


def pytest_generate_tests(metafunc):
    """`shape` and `look`: every shape of frame, both themes between them, some in large text, one in each language."""
    if {"shape", "look"} <= set(metafunc.fixturenames):
        name = metafunc.module.__name__.rpartition(".")[2]
        large = LARGE_TEXT if name in CROWDED else []
        fourth = [((360, 270), "light")] if name in FOUR_TO_THREE else []
        spoken = []
        if name in ALL_SAID:
            now, later = SPOKEN if ALL_SAID.index(name) % 2 else SPOKEN[::-1]
            spoken = [now, pytest.param(*later, marks=pytest.mark.slow)]
        metafunc.parametrize(("shape", "look"), SHAPES + large + fourth + spoken)
