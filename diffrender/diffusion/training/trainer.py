"""The state of a training: network, average, optimiser, snapshots and losses; saved and restored bit for bit."""

from __future__ import annotations

import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.optim.swa_utils import AveragedModel

from diffrender.config.sections import TRAINING_SECTIONS, Config
from diffrender.core.errors import DiffrenderError
from diffrender.core.files import digest, replacing
from diffrender.diffusion.denoisers import build, learned
from diffrender.diffusion.denoisers.networks.gaussian_preconditioned import GaussianPreconditioned
from diffrender.diffusion.denoisers.objectives import objective
from diffrender.diffusion.noise import Purpose, generator
from diffrender.diffusion.training.batches import Batches, loss_of
from diffrender.diffusion.training.snapshots import Snapshots

BETAS = (0.9, 0.99)
WARM_UP = 200  # steps over which the learning rate rises
DECAY = 0.4  # of all steps, over which `wsd` lets it fall
EMA_EVERY = 8  # steps between two updates of the average


class Trainer:
    """Network, average, optimiser, snapshots and losses: all that a training run is after `step` steps."""

    def __init__(self, config: Config, target: Any, device: torch.device) -> None:
        self.config, self.device, self.step = config, device, 0
        self.objective = objective(config.training.objective)
        classes = build.classes(config, target)
        self.network = learned.network(config, target.event, classes).to(device)
        rng = generator(config.seed, Purpose.DATA)
        data, label = target.states() or target.draw_labelled(config.training.data_size, rng)
        if isinstance(self.network, GaussianPreconditioned):
            self.network.fit(torch.from_numpy(data))
        self.batches = Batches(config, data, label if classes else None, device)
        rate = config.training.learning_rate
        self.optimiser = torch.optim.Adam(self.network.parameters(), rate, BETAS, fused=device.type != "mps")
        self.average = AveragedModel(self.network, multi_avg_fn=self._average)
        self.snapshots = Snapshots(config, target, device)
        self.losses: list[float] = []
        self.new_losses: list[torch.Tensor] = []

    def advance(self) -> None:
        """One step of training, after the snapshot that is due before it."""
        if self.step in self.snapshots.steps:
            self.take_snapshot()
        for group in self.optimiser.param_groups:
            group["lr"] = self.learning_rate(self.step)
        loss = loss_of(self.network, self.objective, self.batches(self.step))
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        self.new_losses.append(loss.detach())
        self.step += 1
        if self.step % EMA_EVERY == 0 or self.step == self.config.training.steps:
            self.average.update_parameters(self.network)

    def learning_rate(self, step: int) -> float:
        """A short rise, then what `lr_scheduler` says."""
        training = self.config.training
        rise = min(1.0, (step + 1) / min(WARM_UP, 1 + training.steps // 10))
        left = 1 - step / training.steps
        shape = {"cosine": 0.5 * (1 - math.cos(math.pi * left)), "constant": 1.0, "wsd": min(1.0, left / DECAY)}
        return training.learning_rate * rise * shape[training.lr_scheduler]

    def _average(self, averages: Any, weights: Any, count: Any) -> None:
        """Moving average of the weights: exponential, at first, when all are poor, a shorter one; or by a power.

        With weight t^γ for the weights after t steps it spans the same share of the run at any time, so the average of
        every moment is a finished model (Karras et al. 2024, eq. 121).
        """
        power = self.config.training.ema_power
        if power is not None:
            decay = (1 - EMA_EVERY / (self.step + EMA_EVERY)) ** (power + 1)
        else:
            decay = min(self.config.training.ema**EMA_EVERY, (1 + int(count)) / (10 + int(count)))
        torch._foreach_lerp_(averages, weights, 1 - decay)

    def denoiser(self) -> learned.Learned:
        """The averaged network."""
        return learned.Learned(self.average.module, self.objective)

    def take_snapshot(self) -> None:
        """Draw a snapshot."""
        self.snapshots.take(self.step, self.denoiser())

    def collect_losses(self) -> float:
        """Move the losses of the last steps into the record; the last one, or DiffrenderError if it is not finite."""
        if self.new_losses:
            self.losses += torch.stack(self.new_losses).tolist()
            self.new_losses.clear()
            if not math.isfinite(self.losses[-1]):
                raise DiffrenderError(
                    f"Training diverged: the loss is not finite at step {self.step}.",
                    f"Set training.learning_rate below {self.config.training.learning_rate:g}.",
                )
        return self.losses[-1]

    def save(self, path: Path) -> None:
        """Write everything that the rest of the run depends on."""
        self.collect_losses()
        state = {
            "run": _run_digest(self.config),
            "step": self.step,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "losses": torch.tensor(self.losses, dtype=torch.float64),
            "snapshots": {key: torch.from_numpy(np.stack(shots)) for key, shots in self.snapshots.kept.items()},
        }
        with replacing(path) as file:
            torch.save(state, file)

    def restore(self, path: Path) -> bool:
        """Go on from a saved state of the same run; False if there is none, or it is of a run with other settings."""
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
        except FileNotFoundError:
            return False
        except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
            reason = str(error).splitlines()[0]
            raise DiffrenderError(f"{path}: cannot be resumed from ({reason}).", "Delete it and train again.") from None
        if state["run"] != _run_digest(self.config):
            return False
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.losses = state["step"], state["losses"].tolist()
        self.snapshots.kept = {key: list(shots.numpy()) for key, shots in state["snapshots"].items()}
        return True


def _run_digest(config: Config) -> str:
    """By which a saved state is known to be of the same run."""
    return digest(config.part(*TRAINING_SECTIONS, "record"))
