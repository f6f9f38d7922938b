"""The training of a denoiser: batches of noised data, and snapshots of what its network draws by now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from diffrender.config.sections import TRAINING_SECTIONS, Config
from diffrender.core.files import digest
from diffrender.diffusion.denoisers import build, learned
from diffrender.diffusion.denoisers.networks.gaussian_preconditioned import GaussianPreconditioned
from diffrender.diffusion.denoisers.objectives import objective
from diffrender.diffusion.noise import Purpose, generator
from diffrender.diffusion.training.base import TrainerBase
from diffrender.diffusion.training.batches import Batches, loss_of
from diffrender.diffusion.training.coupling import reflow_pairs
from diffrender.diffusion.training.pairs import Pairs
from diffrender.diffusion.training.snapshots import Snapshots


class Trainer(TrainerBase):
    """The training of a config's denoiser on a target."""

    def __init__(self, config: Config, target: Any, device: torch.device, teacher: Path | None = None) -> None:
        """teacher: weights of the flow that is rectified, where `training.reflow` asks for that."""
        self.config, settings = config, config.training
        self.objective = objective(settings.objective)
        classes = build.classes(config, target)
        network = learned.network(config, target.event, classes).to(device)
        rng = generator(config.seed, Purpose.DATA)
        data, label = target.states() or target.draw_labelled(settings.data_size, rng)
        label, noise = label if classes else None, None
        if teacher is not None:
            data, noise = reflow_pairs(config, target, teacher, label, len(data), device)
        if isinstance(network, GaussianPreconditioned):
            network.fit(torch.from_numpy(data))
        self.batches = Batches(config, data, label, device, noise)
        run = digest(config.part(*TRAINING_SECTIONS, "record"))
        super().__init__(network, settings, settings.steps, device, section="training", run=run)
        self.snapshots = Snapshots(config, target, device, Pairs.of(config, self.batches, self.objective))
        self.kept, self.shot_steps = self.snapshots.kept, self.snapshots.steps

    def loss_parts(self, step: int) -> torch.Tensor:
        """The objective's loss of a step's batch as the only part, (1,)."""
        return loss_of(self.network, self.objective, self.batches(step))[None]

    def denoiser(self) -> learned.Learned:
        """The averaged network."""
        return learned.Learned(self.average.module, self.objective)

    def take_snapshot(self) -> None:
        """Draw a snapshot."""
        self.snapshots.take(self.step, self.denoiser())
