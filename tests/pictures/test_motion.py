"""No second passes in which nothing happens: outside the holds that a scene declares, its picture goes on changing."""

from __future__ import annotations

import numpy as np
import pytest

from diffrender.video import frames
from tests.pictures.small_runs import EVERY, OF_IMAGES, recordings

LONGEST = 1.5  # seconds for which a picture may stand still without being held on purpose
FPS, SIZE = 10, (320, 180)
CHANGED = 12  # levels by which some pixel must change
SNOW = 12.0  # mean difference of two successive frames, in levels: more would be television snow


def played(cinema, name, options, **trajectories):
    """All frames (K, H, W, 3) of a clip, and the frames [first, last) of every hold that its scene declares."""
    film = cinema(name, **trajectories)
    pictures, holds = [], []

    def make(renderer):
        unused = film.scene_class.unused_options
        usual = {} if "duration" in unused else {"duration": 5}
        scene = film.scene_class(trajectories=film.trajectories, options=usual | options, renderer=renderer)
        wait = scene.wait

        def held(seconds=1.0, **kwargs):
            first = len(pictures)
            wait(seconds, **kwargs)
            holds.append((first, len(pictures)))

        scene.wait = held
        return scene

    settings = frames.manim_config(*SIZE, FPS, transparent=False, media=film.media)
    frames.draw(make, settings, [(0, 10**6)], lambda p, n: pictures.extend([p[..., :3].astype(np.int16)] * n))
    return np.stack(pictures), holds


def dead(pictures, holds):
    """First frames of windows of `LONGEST` seconds, outside of all holds, in which no pixel changes enough."""
    length = round(LONGEST * FPS)
    return [
        k
        for k in range(len(pictures) - length)
        if not any(first < k + length and k < last for first, last in holds)
        and all(np.abs(later - pictures[k]).max() < CHANGED for later in pictures[k + length - 1 : k : -1])
    ]


FADES = 16  # so many pictures of their clips, in which all images fade out or in, may change more


LATENT = "latent"  # whose recordings are made by an autoencoder and a model of their own


@pytest.fixture(scope="module", params=[*EVERY, pytest.param(LATENT, marks=pytest.mark.slow)])
def clip(request, cinema, recorded, trained):
    if request.param == LATENT:
        return played(cinema, LATENT, {"duration": 2.5}, **request.getfixturevalue("latent_runs"))
    sections, options = EVERY[request.param]
    return played(cinema, request.param, options, **recordings(sections, recorded, trained))


def test_something_happens_in_every_second_that_is_not_held(clip):
    pictures, holds = clip
    assert holds[0][0] == 0
    assert dead(pictures, holds) == []
    middle = holds[0][1] + 15
    frozen = np.concatenate([pictures[:middle], np.repeat(pictures[middle : middle + 1], 20, 0), pictures[middle:]])
    assert dead(frozen, holds[:1])  # a picture that stands still is found out


def test_no_frame_is_snow_and_the_first_is_a_picture(clip, read, request):
    pictures, _ = clip
    steps = np.abs(np.diff(pictures, axis=0)).mean((1, 2, 3))
    fades = FADES if request.node.callspec.params["clip"] in (*OF_IMAGES, LATENT) else 1
    assert np.sort(steps)[-fades] < SNOW
    noise = np.random.default_rng(0).integers(0, 120, (2, *pictures.shape[1:]))
    assert np.abs(noise[0] - noise[1]).mean() > SNOW  # snow is found out
    empty = np.broadcast_to(read.rgb(read.LOOK.bg), pictures[0].shape)
    lit, dark = ((np.abs(picture - empty).max(-1) > 40).mean() for picture in (pictures[0], empty))
    assert lit > 0.02
    assert not dark > 0.02  # an empty frame is found out
