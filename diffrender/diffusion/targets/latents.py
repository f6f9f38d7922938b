"""The latents of an autoencoder as a target: the codes of all its images, to be learned like any other points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diffrender.config.sections import Config
from diffrender.core.errors import ConfigError, DiffrenderError
from diffrender.diffusion.autoencoders.trained import TrainedAutoencoder, load_autoencoder, new_network
from diffrender.diffusion.targets.base import Target
from diffrender.diffusion.targets.drawn import shown_box
from diffrender.diffusion.targets.subsets import first_of_each


@dataclass(frozen=True)
class Latents(Target):
    """The codes of an autoencoder's images, centred and scaled. Without the trained one only their shape is known."""

    autoencoder: TrainedAutoencoder | None = None

    @property
    def trained(self) -> TrainedAutoencoder:
        """The autoencoder; DiffrenderError if it is not trained yet."""
        if self.autoencoder is None:
            raise DiffrenderError("The autoencoder must be trained before its latents.", "diffrender train NAME")
        return self.autoencoder

    def states(self, limit: int | None = None) -> tuple[np.ndarray, np.ndarray | None]:
        """All codes, (M, Z) float32, and the classes of their images."""
        codes, label = self.trained.scaled, self.trained.label
        classes = None if label is None else label.numpy()
        if limit is not None and limit < len(codes):
            kept = first_of_each(classes, len(codes), limit)
            codes, classes = codes[kept], None if classes is None else classes[kept]
        return codes, classes

    def draw_labelled(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray | None]:
        """n of the data's codes, each picked independently, (n, D) float32, and their classes."""
        codes, label = self.states()
        index = rng.integers(len(codes), size=n)
        return codes[index], None if label is None else label[index]


def latents(config: Config, data: Target) -> Latents:
    """The latents of the config's autoencoder of images `data`.

    Raises ConfigError for what cannot be encoded, DiffrenderError for a file that cannot be used.
    """
    assert config.autoencoder
    if config.target.params:
        key = next(iter(config.target.params))
        raise ConfigError(f"target.{key}: 'latents' has no such key.", "What is encoded is said under autoencoder.")
    if len(data.event) != 3:
        raise ConfigError(
            f"autoencoder.data: '{data.name}' has states of shape {data.event}, no images.",
            "Take images: digits, mnist, image_folder, …",
        )
    if config.autoencoder.labels and not data.labels:
        raise ConfigError("autoencoder.labels: the images have no classes.", "Leave it out, or take images with some.")
    if config.autoencoder_file is None:
        size = int(new_network(config, data.event, len(data.labels or ())).size)
        return Latents("latents", (size,), 1.0, np.zeros(size), (-3.0, 3.0) * size, labels=data.labels)
    trained = load_autoencoder(config.autoencoder_file, config)
    event, box = (int(trained.codes.shape[1]),), shown_box(trained.scaled)
    return Latents(
        "latents", event, trained.scale, trained.offset, box, labels=trained.names or None, autoencoder=trained
    )  # fmt: skip
