"""The training of an autoencoder: the network first, then a reader of its images, and the codes of them all."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from diffrender.config.sections import AUTOENCODER_SECTIONS, Config
from diffrender.core.files import digest
from diffrender.diffusion.autoencoders.reader import BATCH, ImageReader, train_reader
from diffrender.diffusion.autoencoders.trained import TrainedAutoencoder, new_network, new_reader
from diffrender.diffusion.noise import Purpose, generator
from diffrender.diffusion.recording.metrics import neighbour_agreement
from diffrender.diffusion.recording.run import pick_device
from diffrender.diffusion.targets.base import Target
from diffrender.diffusion.targets.build import build_target
from diffrender.diffusion.targets.subsets import first_of_each
from diffrender.diffusion.training.base import TrainerBase
from diffrender.diffusion.training.loop import Progress, one_thread, resume_file, run_steps

SHOTS = (0, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20)  # of 20 epochs, after which its codes are kept: dense at first
BETWEEN = (0.05, 0.15, 0.35, 0.7, 1.5, 4, 7, 14)  # and these, so that the codes are seen to move
FILMED, PICTURED = 1500, 6  # images whose codes, and whose reconstructions, are kept
LESSON = 2  # steps of the autoencoder, which one of the reader takes as long as, about
READER_STEPS, READER_EPOCHS = 1900, 64  # at most so many, of batches of images, and so often each image
JUDGED = 20_000  # codes whose neighbours are compared
LAST = 200  # steps over which the final loss is averaged
FAR = 1 << 40  # numbers of draws that no epoch or step has


class AutoencoderTrainer(TrainerBase):
    """The training of a config's autoencoder on images (N, *event) in [−1, 1] with classes (N,) or None.

    Each batch is a function of seed and step; every epoch sees each image once, in an order of its own.
    """

    network: Any

    def __init__(
        self, config: Config, images: torch.Tensor, label: torch.Tensor | None, classes: int, device: torch.device
    ) -> None:
        assert config.autoencoder
        settings, self.seed = config.autoencoder, config.seed
        self.images, self.label = images, label if settings.labels else None
        self.size = min(settings.batch_size, len(images))
        self.per_epoch, self.epoch, self.order = len(images) // self.size, -1, np.zeros(0, np.int64)
        network = new_network(config, tuple(images.shape[1:]), classes).to(device)
        run, steps = digest(config.part(*AUTOENCODER_SECTIONS)), settings.epochs * self.per_epoch
        super().__init__(network, settings, steps, device, section="autoencoder", run=run)
        self.shot_steps = sorted({round(steps * epoch / 20) for epoch in (*SHOTS, *BETWEEN)})
        filmed = generator(self.seed, Purpose.AUTOENCODER, FAR).permutation(len(images))[:FILMED]
        self.filmed = torch.from_numpy(np.sort(filmed))
        known = None if label is None else label.numpy()
        self.pictured = torch.from_numpy(first_of_each(known, len(images), PICTURED))
        self.kept: dict[str, list[np.ndarray]] = {}

    def loss_parts(self, step: int) -> torch.Tensor:
        """The network's own parts (P,) of a batch's loss; each epoch goes through the images in an order of its own."""
        epoch, place = divmod(step, self.per_epoch)
        if epoch != self.epoch:
            self.order = generator(self.seed, Purpose.AUTOENCODER, epoch).permutation(len(self.images))
            self.epoch = epoch
        rows = torch.from_numpy(self.order[place * self.size : (place + 1) * self.size])
        draws = generator(self.seed, Purpose.AUTOENCODER, FAR + 1 + step)
        noise = torch.from_numpy(draws.standard_normal((self.size, self.network.size), dtype=np.float32))
        label = None if self.label is None else self.label[rows].to(self.device)
        return self.network.loss_parts(self.images[rows].to(self.device), label, noise.to(self.device))

    def take_snapshot(self) -> None:
        """Keep the codes of some images, and how some are reconstructed."""
        pictures = self.images[self.pictured].to(self.device)
        network: Any = self.average.module
        with torch.no_grad():
            decoded = network.decode(network.encode(pictures)).cpu()
        shot = {"code": encoded(network, self.images[self.filmed], self.device)}
        shot |= {"reconstruction": pixels(decoded), "step": torch.tensor(self.step)}
        for name, values in shot.items():
            self.kept.setdefault(name, []).append(values.numpy())

    def film(self) -> dict[str, torch.Tensor]:
        """What was kept, and what does not change."""
        film = {name: torch.from_numpy(np.stack(shots)) for name, shots in self.kept.items()}
        film |= {"loss": torch.tensor(self.losses), "image": pixels(self.images[self.pictured])}
        return film | {"filmed": self.filmed, "per_epoch": torch.tensor([self.per_epoch])}


def train_autoencoder(
    config: Config,
    out: Path,
    *,
    device: str = "auto",
    resume: bool = False,
    key: str = "",
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Train the config's autoencoder and write it at `out`; its figures are returned.

    resume: go on from where an interrupted run of the same config stopped. key, progress, errors: as of `train`.
    """
    assert config.autoencoder
    report, cpu, place = progress or (lambda event: None), time.process_time(), pick_device(device)
    data = build_target(config.autoencoder.data, config.folder)
    images, label = images_of(data, config)
    names = tuple(data.labels or ()) if label is not None else ()
    trainer, state = AutoencoderTrainer(config, images, label, len(names), place), resume_file(out)
    lessons = 0 if label is None else min(READER_STEPS, max(1, READER_EPOCHS * len(images) // BATCH))
    whole = trainer.steps + LESSON * lessons
    begun = trainer.step if resume and trainer.restore(state) else 0
    with one_thread():
        run_steps(trainer, state, lambda event: report(event | {"total": whole}))
        trainer.save(state)
        trainer.take_snapshot()
        network: Any = trainer.average.module.eval().cpu()
        figures: dict[str, Any] = {}
        codes = encoded(network, images)
        reader: ImageReader | None = None
        if label is not None:
            reader = new_reader(data.event, len(names), config.seed)

            def said(lesson: int) -> None:
                report({"stage": "learn to read", "done": trainer.steps + LESSON * lesson, "total": whole})

            figures["reader"] = train_reader(reader, images, label, lessons, config.seed, said)
            figures["neighbours"] = neighbour_agreement(codes[:JUDGED].numpy(), label[:JUDGED].numpy())
    figures |= dict(zip(network.parts, np.mean(trainer.losses[-LAST:], 0).tolist(), strict=True))
    trained = TrainedAutoencoder(network, data.event, codes, label, names, reader, trainer.film(), figures)
    trained.save(out, config, {"key": key})
    state.unlink(missing_ok=True)
    return {**figures, "resumed_at": begun, "cpu_seconds": time.process_time() - cpu}


def images_of(data: Target, config: Config) -> tuple[torch.Tensor, torch.Tensor | None]:
    """The images of a target, all or as many as a training takes, (N, *event) in [−1, 1], and their classes."""
    rng = generator(config.seed, Purpose.DATA)
    x, label = data.states() or data.draw_labelled(config.training.data_size, rng)
    np.multiply(x, np.float32(data.scale), out=x)
    x += np.asarray(data.offset, np.float32)
    return torch.from_numpy(x.clip(-1, 1, out=x)), None if label is None else torch.from_numpy(label)


@torch.no_grad()
def encoded(network: Any, images: torch.Tensor, device: torch.device | str = "cpu") -> torch.Tensor:
    """The codes of images, (N, Z), on the CPU."""
    return torch.cat([network.encode(part.to(device)).cpu() for part in images.split(4096)])


def pixels(images: torch.Tensor) -> torch.Tensor:
    """Values in [−1, 1] as bytes."""
    return ((images.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
