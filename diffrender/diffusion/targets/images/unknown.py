"""The data of a model that others trained: the shape of its images is known, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from diffrender.core.errors import DiffrenderError
from diffrender.diffusion.diffusers_folder import find
from diffrender.diffusion.targets.base import Target
from diffrender.diffusion.targets.images.catalogue import IMAGES


@dataclass(frozen=True)
class UnknownImages(Target):
    """Images in [−1, 1] that a pretrained model makes, with as many classes as it knows; none can be drawn."""

    def draw_labelled(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray | None]:
        """Refused: the model does not bring its data."""
        raise DiffrenderError(
            "target: a pretrained model does not bring the images that it was trained on.",
            "Name them (target: {kind: image_folder, path: …}), or set record.target_points: 0.",
        )


@IMAGES.register("pretrained", event=("C", "H", "W"))
def pretrained(folder: Path, *, path: str, revision: str | None = None, null_class: int | None = None) -> UnknownImages:
    """What a pretrained model of diffusers draws, when its data are not at hand: only their shape is known.

    null_class: the row of its class embedding that is no class.
    """
    model = find(path, revision)
    classes = int(model.network.get("num_class_embeds") or 0)
    labels = tuple(str(k) for k in range(classes) if k != null_class) or None
    return UnknownImages("pretrained", model.event, 1.0, np.zeros((model.event[0], 1, 1)), (), labels=labels)
