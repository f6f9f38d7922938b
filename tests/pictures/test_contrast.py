"""What is drawn can be seen in every scene: text stands out 4.5 : 1 from what lies under it, marks 3 : 1, or more."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from manim import Dot

from diffrender.animation.colors import contrast, linear
from diffrender.animation.layout.checks import texts
from diffrender.animation.mobjects.plane.cloud import PointCloud
from diffrender.animation.mobjects.plane.curve import Curve
from diffrender.animation.mobjects.plane.tail import Tail
from diffrender.animation.mobjects.plane.trails import Trails
from diffrender.animation.mobjects.space.cloud import PointCloud3D
from diffrender.animation.theme import theme
from diffrender.video import frames
from tests.pictures.small_runs import CASES, TRAINED, recordings

FEW = 5  # of fewer points most may lie under an arrow
TEXT, MARK = 4.5, 3.0  # WCAG 2: text, and what is to be seen as a shape
SIZE, FPS = (1280, 720), 4
UNIT = min(SIZE) / 8
SMALL = {"chains": 300, "steps": 20}
GRID = {"kind": "ddim", "chains": 441, "steps": 20, "start": "grid"}
IMAGES = {"target": "digits", "record": {"keep": ["x0"], "target_points": 0, "frames": 100}}
GEOMETRIC = {"kind": "geometric", "sigma_min": 0.08, "sigma_max": 6.5, "num_train_timesteps": 20}
CLASSES = {"target": "digits", "schedule": {"kind": "karras", "sigma_min": 0.02}}
CONDITIONAL = {"kind": "exact", "conditional": True}
GAUSSIAN = CONDITIONAL | {"kind": "gaussian"}


def denoised(chains=9, model=CONDITIONAL, **more):
    """A short run of images."""
    sampler = {"kind": "ddim", "steps": 12, "chains": chains} | more
    record = {"keep": ["x0"], "target_points": 200, "nearest": True}
    return CLASSES | {"model": model, "record": record, "sampler": sampler}


def local(size):
    return denoised(model={"kind": "local", "conditional": True, "locality": size})


RUNS = {
    "denoise in space": {"run": {"target": "torus", "sampler": {"kind": "ddim"} | SMALL, "record": {"keep": ["x0"]}}},
    "training": {"training": TRAINED},
    "card": {},
    "images": {"run": denoised(12)},
    "memory": {
        "gaussian": denoised(model=GAUSSIAN),
        "exact": denoised(),
        "own": local(2),
        "near": local(1),
        "local": local(2),
        "far": local(3),
        "farthest": local(6),
    },
    "guidance": {
        name: denoised(20, GAUSSIAN, guidance_scale=scale)
        for name, scale in {"free": 0, "plain": 1, "two": 2, "eight": 8}.items()
    },
    "spectrum": {
        "run": {
            "target": "digits",
            "sampler": {"kind": "forward", "steps": 24, "chains": 6},
            "record": {"keep": [], "target_points": 0},
        }
    },
    "denoise": {"run": {"sampler": {"kind": "ddpm"} | SMALL, "record": {"keep": ["x0", "drift", "noise"]}}},
    "drift": {"flow": {"sampler": {"kind": "ddim"} | SMALL, "record": {"fields": ["velocity"], "grid": [9, 7]}}},
    "mesh": {"flow": {"sampler": GRID}},
    "forward": {"run": {"sampler": {"kind": "forward"} | SMALL}},
    "chain": {
        name: IMAGES | {"sampler": {"kind": kind, "steps": 12, "chains": 4}}
        for name, kind in (("forward", "forward"), ("reverse", "ddim"))
    },
    "surf": {
        "run": IMAGES
        | {
            "schedule": GEOMETRIC,
            "sampler": {"kind": "annealed", "steps": 20, "inner_steps": 3, "step_size": 0.25, "chains": 16},
        }
    },
}
OTHERS = "langevin", "compare", "decide", "fan", "likelihood", "step", "race", "flow"
RUNS |= {name: CASES[name][0] for name in OTHERS}


def luminance(pixels):
    """(…, 3) levels → relative luminance."""
    return linear(np.asarray(pixels, float) / 255) @ (0.2126, 0.7152, 0.0722)


def ratio(a, b):
    """WCAG 2 contrast of two pixels."""
    low, high = sorted((float(luminance(a)), float(luminance(b))))
    return (high + 0.05) / (low + 0.05)


def hexed(pixel):
    return "#{:02X}{:02X}{:02X}".format(*(int(v) for v in pixel))


def commonest(pixels):
    """The colour (3,) that most of the pixels (K, 3) have: what lies under marks or letters."""
    r, g, b = pixels.astype(np.int32).T
    values, counts = np.unique(r << 16 | g << 8 | b, return_counts=True)
    value = values[counts.argmax()]
    return np.array([value >> 16, value >> 8 & 255, value & 255])


def around(frame, low, high, room=3):
    """The pixels (K, 3) of a rectangle of the scene, and a little round it."""
    (x0, y1), (x1, y0) = (np.array(SIZE) / 2 + np.asarray(p[:2]) * (UNIT, -UNIT) for p in (low, high))
    x0, y0 = max(int(x0) - room, 0), max(int(y0) - room, 0)
    return frame[y0 : int(y1) + room, x0 : int(x1) + room].reshape(-1, 3)


def faint_texts(frame, standing):
    """Texts (body, contrast) of a picture with letters that do not stand out from what lies under them."""
    found = []
    for text in texts(standing):
        letters = [mob for mob in text.family_members_with_points() if mob.fill_rgbas[0, 3] > 0.99]
        ground = around(frame, text.get_corner([-1, -1, 0]), text.get_corner([1, 1, 0]))
        if not letters or not len(ground):
            continue
        under = hexed(commonest(ground))
        worst = min(contrast(mob.get_fill_color().to_hex(), under) for mob in letters)
        if worst < TEXT:
            found.append((getattr(text, "body", "number"), under, round(worst, 2)))
    return found


def mark(frame, cloud):
    """Contrast of a cloud's points with what lies under them, as the median of the pixels at their middles; or None."""
    xy = np.asarray(cloud.xy, float)
    if xy.shape[1] == 3:
        xy = cloud.orbit.project(np.float32(xy))[0].astype(float)
    (x0, x1, y0, y1), (a, c), (b, d) = cloud.box, cloud.points[0, :2], cloud.points[3, :2]
    scene = (xy - (x0, y0)) / (x1 - x0, y1 - y0) * (b - a, d - c) + (a, c)
    inside = ((scene > (a, c)) & (scene < (b, d))).all(1)
    column, row = np.floor(np.array(SIZE) / 2 + scene[inside] * (UNIT, -UNIT)).astype(int).T
    # where opacity says how likely a point is, those are looked at that are to be seen
    alpha = np.broadcast_to(cloud.alpha, inside.shape)[inside]
    shown = (column >= 0) & (column < SIZE[0]) & (row >= 0) & (row < SIZE[1]) & (alpha > 0.5 * np.max(cloud.alpha))
    if shown.sum() < FEW:
        return None
    under = commonest(around(frame, cloud.points[0], cloud.points[3], 0))
    return float(np.median([ratio(pixel, under) for pixel in frame[row[shown], column[shown]]]))


def keys(standing):
    """The dots of legends whose words are neither fading nor gone; a slider's knob is larger."""

    def stands(mob):
        letters = [part for text in texts([mob]) for part in text.family_members_with_points()]
        return bool(letters) and min(part.fill_rgbas[0, 3] for part in letters) > 0.99

    family = [part for mob in standing if stands(mob) for part in mob.get_family()]
    return [part for part in family if isinstance(part, Dot) and part.width < 0.2]


def seen(frame, standing):
    """What is too faint in a picture: texts, clouds of points, dots of keys."""
    found = [("text", *fault) for fault in faint_texts(frame, standing)]
    family = [part for mob in standing for part in mob.get_family()]
    lines = (part for part in family if isinstance(part, Tail | Trails | Curve) and part.get_fill_opacity() > 0.99)
    for line in lines:
        ground = commonest(around(frame, line.points[0], line.points[3], 0))
        alpha, own = getattr(line, "alpha", 1.0), getattr(line, "colors", None)
        for color in 255 * line.fill_rgbas[:1, :3] if own is None else np.unique(own, axis=0):
            inked = np.rint(alpha * color + (1 - alpha) * ground)
            if ratio(inked, ground) < MARK:
                found.append(("line", type(line).__name__, hexed(color), hexed(ground)))
    for cloud in (part for part in family if type(part) in (PointCloud, PointCloud3D)):
        value = mark(frame, cloud) if cloud.get_fill_opacity() > 0.99 and cloud.radius.max() * UNIT >= 1 else None
        if value is not None and value < MARK:
            found.append(("points", round(value, 2)))
    for dot in keys(standing):
        center = np.floor(np.array(SIZE) / 2 + dot.get_center()[:2] * (UNIT, -UNIT)).astype(int)
        ground = commonest(around(frame, dot.get_corner([-1, -1, 0]), dot.get_corner([1, 1, 0]), 12))
        if ratio(frame[center[1], center[0]], ground) < MARK:
            found.append(("key", hexed(ground)))
    return found


def stills(film, look, wanted, **options):
    """Every so-many-th picture of a clip with what stands in it."""
    shots = []

    usual = {} if "duration" in film.scene_class.unused_options else {"duration": 2.0}

    def make(renderer):
        film.scene = film.scene_class(
            trajectories=film.trajectories, options=usual | options, theme=look, renderer=renderer
        )
        return film.scene

    def keep(pixels, repeat):
        shots.append(SimpleNamespace(frame=pixels[..., :3].copy(), faint=None))
        shots[-1].faint = seen(shots[-1].frame, film.scene.mobjects)

    settings = frames.manim_config(*SIZE, FPS, transparent=False, media=film.media)
    frames.draw(make, settings, wanted, keep)
    return shots


LOOKS = "light", "dark"  # the suite draws each scene in one of them, make check-slow in the other
SHOWN = [
    pytest.param(name, look, marks=[pytest.mark.slow] * (LOOKS.index(look) != k % 2))
    for k, name in enumerate(RUNS)
    for look in LOOKS
]


@pytest.mark.parametrize(("name", "look"), SHOWN)
def test_text_points_and_keys_stand_out_from_what_lies_under_them(name, look, cinema, recorded, trained):
    film = cinema(name.partition(" ")[0], **recordings(RUNS[name], recorded, trained))
    shots = stills(film, look, ((k, k + 1) for k in range(0, 10**4, 9)), **CASES.get(name, ({}, {}))[1])
    assert len(shots) >= (2 if type(film.scene).__name__ == "Card" else 3)
    assert [fault for shot in shots for fault in shot.faint] == []


def test_what_is_too_faint_is_found_out(cinema, recorded):
    run = recorded("spiral", **RUNS["denoise"]["run"])
    film = cinema("denoise", run=run)
    pale = replace(theme("light"), muted="#B0B8C0", noise="#F0B890")
    (shot,) = stills(film, pale, [(0, 1)])
    assert {fault[0] for fault in shot.faint} >= {"text", "points", "key"}


@pytest.mark.parametrize("name", ["denoise", "drift"])
def test_a_key_is_drawn_as_its_mark_is(cinema, recorded, name):
    film = cinema(name, **{run: recorded("spiral", **more) for run, more in RUNS[name].items()})
    stills(film, "light", [(0, 1)])
    family = [part for mob in film.scene.mobjects for part in mob.get_family()]
    drawn = {
        (cloud.get_fill_color().to_hex(), cloud.alpha, cloud.ring) for cloud in family if type(cloud) is PointCloud
    }
    hues = {
        tuple(hue) for cloud in family if type(cloud) is PointCloud and cloud.colors is not None for hue in cloud.colors
    }
    assert keys(film.scene.mobjects)
    for dot in keys(film.scene.mobjects):
        ring = dot.get_stroke_color().to_hex() if dot.get_stroke_width() else None
        shown = dot.get_fill_color().to_hex(), round(dot.get_fill_opacity(), 4), ring
        if name == "drift" and not ring:
            assert tuple(bytes.fromhex(shown[0][1:])) in hues, "three of those of all directions"
            continue
        assert shown in drawn
        assert (shown[0], 0.5, ring) not in drawn
