"""How often decoded latents are read as their class: python tests/benchmarks/latent_models.py NAME [FOLDER]

Drawn with DPM++ 2M in 25 steps at several guidance scales, and the codes of the images themselves, read by the reader
in the autoencoder's file and by two more that are trained here, from other seeds. Of what is shipped, or of the weights
and the autoencoder in FOLDER, as `diffrender train NAME` leaves them. Data are read from DIFFRENDER_DATA.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from diffrender.config.find import open_config
from diffrender.config.shipped_weights import shipped_autoencoder, shipped_weights
from diffrender.diffusion.autoencoders.reader import ImageReader, train_reader
from diffrender.diffusion.autoencoders.trained import new_reader
from diffrender.diffusion.recording.run import Run
from diffrender.diffusion.targets.build import build_target
from diffrender.diffusion.training.autoencoder import READER_STEPS, images_of

CHAINS = 2000
SCALES = (1.0, 1.5, 2.0, 3.0)
HELD_TO = {("latent-mnist", 2.0): 0.90, ("latent-mnist-labels", 1.0): 0.94, ("latent-mnist-labels", 1.5): 0.99}
SOLVER = {"sampler.kind": "dpmpp_2m", "sampler.steps": 25, "sampler.chains": CHAINS}


def other_readers(config: Any, seeds: tuple[int, ...]) -> list[ImageReader]:
    """Readers of the config's images from other seeds."""
    data = build_target(config.autoencoder.data, config.folder)
    images, label = images_of(data, config)
    assert label is not None
    found = []
    for seed in seeds:
        reader = new_reader(data.event, int(label.max()) + 1, seed)
        print(f"reader {seed}: {train_reader(reader, images, label, READER_STEPS, seed):.4f} of those held out")
        found.append(reader)
    return found


def drawn(name: str, folder: Path | None, scale: float) -> tuple[Run, torch.Tensor]:
    """A run at a guidance scale, and its last states decoded."""
    config = open_config(name, {**SOLVER, "sampler.guidance_scale": scale})
    weights = folder / "model.safetensors" if folder else shipped_weights(config.network)
    encoder = folder / "autoencoder.safetensors" if folder else shipped_autoencoder(config)
    run = Run.of(config.model_copy(update={"autoencoder_file": encoder}), weights=weights, device="cpu")
    return run, run.target.autoencoder.decode(run.final())


def main() -> None:
    torch.set_num_threads(1)
    name, folder = sys.argv[1], Path(sys.argv[2]) if sys.argv[2:] else None
    readers: list[ImageReader] = []
    for scale in SCALES:
        run, images = drawn(name, folder, scale)
        trained = run.target.autoencoder
        if not readers:
            readers = [trained.reader, *other_readers(run.config, (101, 102))]
            rows = np.arange(0, len(trained.codes), max(1, len(trained.codes) // 10_000))
            decoded = trained.decode(trained.scaled[rows])
            shares = [float((reader.read(decoded) == trained.label[rows]).float().mean()) for reader in readers]
            print("codes of images:", *(f"{share:.3f}" for share in shares), flush=True)
        label = torch.as_tensor(run.labels)
        shares = [float((reader.read(images) == label).float().mean()) for reader in readers]
        wanted = HELD_TO.get((name, scale))
        held = "" if wanted is None else f" {'held' if np.mean(shares) >= wanted else 'MISSED'}: at least {wanted:g}"
        print(f"guidance {scale:g}:", *(f"{share:.3f}" for share in shares), held, flush=True)


if __name__ == "__main__":
    main()
