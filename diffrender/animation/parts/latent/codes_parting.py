"""Codes of some images part by class while the autoencoder learns; beside them what it loses, and what it makes."""

from __future__ import annotations

import numpy as np

from diffrender.animation.parts.class_labels import ClassLabels, class_rgb
from diffrender.animation.parts.clock import Clock
from diffrender.animation.parts.latent.code_plane import CodePlane
from diffrender.animation.parts.latent.encoder_curves import EncoderCurves

APART = 0.4  # of their last spread, from which on the middles of the classes are named in full


class CodesParting:
    """Bound to a clock whose steps are the recorded moments of the training.

    stage, side: what stands on the plane and beside it. moving: what changes.
    """

    def __init__(self, plane: CodePlane, clock: Clock) -> None:
        run, page, names = plane.run, plane.page, plane.names
        label = np.asarray(run["code_label"])
        rgb = class_rgb(page.theme, label, len(names))
        cloud = plane.view.cloud(run["code"], color=rgb, radius=plane.radius(len(label)), alpha=0.85)
        labels = ClassLabels(page, names)
        middles = np.array([plane.middles(shot, label) for shot in run["code"]])
        apart = np.clip(middles.std(1).mean(1) / middles[-1].std(0).mean() / APART, 0, 1)

        def follow(shot: float) -> None:
            k = min(int(shot), len(middles) - 2)
            now, shown = (values[k] + (shot - k) * (values[k + 1] - values[k]) for values in (middles, apart))
            labels.put(plane.view.to_scene(now), shown)

        clock.bind(cloud)
        clock.bind(follow, moves=labels.mobjects)
        self.stage = [cloud, *labels.mobjects]
        self.side = EncoderCurves(page, run, plane.boxes.side, clock).mobjects
        self.moving = list(clock.mobjects)
