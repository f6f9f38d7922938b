"""The base of every training: a network, its average, an optimiser and losses; saved and restored bit for bit."""

from __future__ import annotations

import math
import pickle
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from diffrender.config.sections import OptimiserConfig
from diffrender.core.errors import DiffrenderError, words_of
from diffrender.core.files import replacing
from diffrender.diffusion.training.adam import Adam

BETAS = (0.9, 0.99)
WARM_UP = 200  # steps over which the learning rate rises
DECAY = 0.4  # of all steps, over which `wsd` lets it fall
EMA_EVERY = 8  # steps between two updates of the average


class TrainerBase(ABC):
    """All that a training is after `step` of its `steps` steps.

    settings: how weights are found, the config's section `section`. run: by which a saved state is known to be of the
    same run. shot_steps: before which steps `take_snapshot` is called. kept: what it keeps, name → one array a shot.
    losses: the loss of every step, as the parts that it is the sum of.
    """

    kept: dict[str, list[np.ndarray]]
    shot_steps: Sequence[int]

    def __init__(
        self, network: nn.Module, settings: OptimiserConfig, steps: int, device: torch.device, *, section: str, run: str
    ) -> None:
        self.network, self.settings, self.steps, self.device = network, settings, steps, device
        self.section, self.run, self.step = section, run, 0
        self.optimiser = Adam(network.parameters(), settings.learning_rate, BETAS)
        self.average = AveragedModel(network, multi_avg_fn=self._average)
        self.losses: list[list[float]] = []
        self.new_losses: list[torch.Tensor] = []

    @abstractmethod
    def loss_parts(self, step: int) -> torch.Tensor:
        """The parts of a step's loss, (P,); their sum is what falls."""

    @abstractmethod
    def take_snapshot(self) -> None:
        """Keep what the averaged network can do by now."""

    def advance(self) -> None:
        """One step of training, after the snapshot that is due before it."""
        if self.step in self.shot_steps:
            self.take_snapshot()
        self.optimiser.learning_rate = self.learning_rate(self.step)
        parts = self.loss_parts(self.step)
        self.optimiser.zero_grad()
        parts.sum().backward()
        self.optimiser.step()
        self.new_losses.append(parts.detach())
        self.step += 1
        if self.step % EMA_EVERY == 0 or self.step == self.steps:
            self.average.update_parameters(self.network)

    def learning_rate(self, step: int) -> float:
        """A short rise, then what `lr_scheduler` says."""
        rise = min(1.0, (step + 1) / min(WARM_UP, 1 + self.steps // 10))
        left = 1 - step / self.steps
        shape = {"cosine": 0.5 * (1 - math.cos(math.pi * left)), "constant": 1.0, "wsd": min(1.0, left / DECAY)}
        return self.settings.learning_rate * rise * shape[self.settings.lr_scheduler]

    def _average(self, averages: Any, weights: Any, count: Any) -> None:
        """Moving average of the weights: exponential, at first, when all are poor, a shorter one; or by a power.

        With weight t^γ for the weights after t steps it spans the same share of the run at any time, so the average of
        every moment is a finished model (Karras et al. 2024, eq. 121).
        """
        power = self.settings.ema_power
        if power is not None:
            decay = (1 - EMA_EVERY / (self.step + EMA_EVERY)) ** (power + 1)
        else:
            decay = min(self.settings.ema**EMA_EVERY, (1 + int(count)) / (10 + int(count)))
        torch._foreach_lerp_(averages, weights, 1 - decay)

    def collect_losses(self) -> float:
        """Move the losses of the last steps into the record; the last one, or DiffrenderError if it is not finite."""
        if self.new_losses:
            self.losses += torch.stack(self.new_losses).tolist()
            self.new_losses.clear()
            if not math.isfinite(sum(self.losses[-1])):
                raise DiffrenderError(
                    f"Training diverged: the loss is not finite at step {self.step}.",
                    f"Set {self.section}.learning_rate below {self.settings.learning_rate:g}.",
                )
        return sum(self.losses[-1])

    def save(self, path: Path) -> None:
        """Write everything that the rest of the run depends on."""
        if self.new_losses:
            self.collect_losses()
        state = {
            "run": self.run,
            "step": self.step,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "moments": self.optimiser.state(),
            "losses": torch.tensor(self.losses, dtype=torch.float64),
            "snapshots": {key: torch.from_numpy(np.stack(shots)) for key, shots in self.kept.items()},
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
            raise DiffrenderError(
                f"{path}: cannot be resumed from ({words_of(error)}).", "Delete it and train again."
            ) from None
        if state["run"] != self.run or "moments" not in state:
            return False
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.restore(state["moments"])
        self.step, self.losses = state["step"], state["losses"].tolist()
        self.kept.clear()
        self.kept.update({key: list(shots.numpy()) for key, shots in state["snapshots"].items()})
        return True
