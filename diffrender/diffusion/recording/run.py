"""Running what a config describes: a sampler at work on a target. `record.py` records it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from diffrender.config.sections import Config
from diffrender.core.errors import UsageError
from diffrender.core.registry import Entry
from diffrender.diffusion.autoencoders.trained import TrainedAutoencoder
from diffrender.diffusion.denoisers.base import Denoiser, Prediction
from diffrender.diffusion.denoisers.build import build_denoiser, classes
from diffrender.diffusion.denoisers.exact import exact_denoiser
from diffrender.diffusion.denoisers.guidance import Guided
from diffrender.diffusion.levels import LEVELS_BETWEEN, MAX_FALL, Level, LevelSequence, Schedule, choose, steepest_fall
from diffrender.diffusion.noise import Noise
from diffrender.diffusion.recording.starts import PATHS, places_along, start_states
from diffrender.diffusion.recording.traced import Traced
from diffrender.diffusion.samplers.base import Step
from diffrender.diffusion.samplers.catalogue import SAMPLERS
from diffrender.diffusion.samplers.langevin.base import AtLevel
from diffrender.diffusion.samplers.langevin.blocks import Block, langevin_blocks
from diffrender.diffusion.samplers.registry import suited_spacing
from diffrender.diffusion.schedules import make_levels
from diffrender.diffusion.targets.build import config_target
from diffrender.diffusion.targets.latents import Latents
from diffrender.diffusion.targets.subsets import class_numbers

Progress = Callable[[dict[str, Any]], None]
MAX_TRACED_CHAINS, MIN_TRACED_STEPS = 8, 2000  # of a Langevin run whose density is worth tracing
SETTLED_STEPS = 60  # from which multistep methods, whose first step is one of DDIM, are as near to the data as DDIM
FEW_SAID = (  # as tests/benchmarks/spacing.txt has it
    "On a spiral in 10 such steps ddpm ended 0.15 to 0.31 from the data, 0.15 in steps even in angle, ddim 0.12 to"
    " 0.21, where two sets of data are 0.09 apart: leave out sampler.timestep_spacing."
)
LAG_SAID = (
    "On a spiral it ended 0.14 to 0.17 from the data with 10 to 50 steps, ddim 0.10 to 0.12, where two sets of data are"
    " 0.09 apart: take another schedule, or ddim."
)
NUMBERS_IN_FLIGHT = 1 << 21  # coordinates of the chains that run together


def pick_device(name: str) -> torch.device:
    """auto|cpu|cuda|mps, or cuda:1, as a device that this machine has; UsageError if it has none such."""
    known = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device(next((k for k in ("cuda", "mps") if known[k]), "cpu"))
    kind, _, number = name.partition(":")
    cards = torch.cuda.device_count() if kind == "cuda" else 1
    if not known.get(kind, False) or (number and not (number.isdecimal() and int(number) < cards)):
        raise UsageError(f"--device {name}: this machine has no such device.", "Use --device auto.")
    return torch.device(name)


@dataclass
class Run:
    """A sampler at work on a config's target: everything but the recording.

    denoiser: None where the target's own density is followed, and where noise is only added.
    """

    config: Config
    target: Any
    table: Schedule
    entry: Entry
    denoiser: Denoiser | None
    device: torch.device

    @classmethod
    def of(
        cls,
        config: Config,
        *,
        weights: Path | None = None,
        worse: Path | None = None,
        device: str = "auto",
        denoiser: Denoiser | None = None,
    ) -> Run:
        """The run that `config` describes, by `denoiser` if one is given."""
        place = pick_device(device)
        target, entry = config_target(config), SAMPLERS[config.sampler.kind]
        in_closed_form = entry.info["kind"] == "langevin" and target.density is not None and not config.model.learned
        if denoiser is None and not in_closed_form and config.sampler.asks_model:
            denoiser = build_denoiser(config, target, weights, place, worse=worse)
        return cls(config, target, make_levels(config.schedule), entry, denoiser, place)

    @property
    def kind(self) -> str:
        """reverse: noise is removed; langevin: a density is followed; forward: noise is added."""
        return self.entry.info["kind"]

    @property
    def langevin(self) -> bool:
        """Whether a density is followed."""
        return self.kind == "langevin"

    def levels(self, steps: int) -> LevelSequence:
        """The levels of so many steps, noisiest first: chosen as the config says, else as suits the sampler."""
        suited = suited_spacing(self.entry.info, steps, len(self.table) - 1)
        return choose(self.table, steps, self.config.sampler.timestep_spacing or suited)

    @cached_property
    def grid(self) -> LevelSequence:
        """The levels walked: noisiest first, of the forward process last."""
        grid = self.levels(self.config.sampler.steps)
        return LevelSequence(grid[::-1], self.table) if self.kind == "forward" else grid

    @cached_property
    def warnings(self) -> list[str]:
        """What a user should know before the run: levels that do not suit the sampler, in figures.

        Of few steps nothing is said where the recording measures itself what several budgets buy.
        """
        sampler, order = self.config.sampler, self.entry.info["order"] or 1
        if self.kind != "reverse" or self.entry.info["nfe_per_step"] == "adaptive":
            return []
        if self.entry.info.get("moves_per_level") and self.table.family == "flow":
            return [f"{self.entry.name} lags behind the levels of a flow schedule. {LAG_SAID}"]
        if order < 2:
            suited = suited_spacing(self.entry.info, sampler.steps, len(self.table) - 1)
            few = suited == "angle" and self.grid.spacing not in LEVELS_BETWEEN and not self.config.record.budgets
            return [f"{self.entry.name} draws fresh noise in each of {sampler.steps} steps. {FEW_SAID}"] if few else []
        high, low = steepest_fall(self.grid)
        settled = self.entry.info["nfe_per_step"] == 1 and sampler.steps >= SETTLED_STEPS
        if high / low <= MAX_FALL or settled:
            return []
        asked = sampler.timestep_spacing
        remedy = f"Leave out sampler.timestep_spacing: {asked}" if asked else "Take another schedule"
        return [
            f"{self.entry.name} is of order {order}, and in one of {sampler.steps} steps sigma / alpha falls from"
            f" {high:,.4g} to {low:,.4g}: samples may be worse than those of ddim. {remedy}, or more steps."
        ]

    @cached_property
    def state_levels(self) -> list[Level]:
        """Where the states of a run stand, the first and the last included."""
        if self.langevin:
            return [Level(1.0, 0.0, float(i)) for i in range(self.config.sampler.steps + 1)]
        inner = self.entry.info.get("moves_per_level")
        if inner is None:
            return list(self.grid)
        noisy = [level for level in self.grid if level.sigma > 0]
        repeated = [level for level in noisy for _ in range(self.params[inner])]
        return [*repeated, noisy[-1], *self.grid[len(noisy) :]]

    @property
    def states(self) -> int:
        """How many states a run has, the first and the last included."""
        one_a_step = self.langevin or self.entry.info.get("moves_per_level") is None
        return self.config.sampler.steps + 1 if one_a_step else len(self.state_levels)

    @cached_property
    def records_nearest(self) -> bool:
        """Whether the final states are compared with all the data: if asked, or if the model is made of them."""
        asked = self.config.record.nearest
        model = self.config.model
        closed = self.denoiser is not None and (not model.learned or model.kind == "hybrid")
        return self.kind == "reverse" and len(self.target.event) == 3 and (closed if asked is None else asked)

    @cached_property
    def params(self) -> dict[str, Any]:
        """The sampler's own options, checked."""
        more = {"steps": self.config.sampler.steps} if self.langevin else {}
        return self.entry.check({**self.config.sampler.params, **more}, "sampler")

    @cached_property
    def labels(self) -> np.ndarray | None:
        """A class for each chain, `sampler.classes` in turn, (N,) int64; None unless the model knows classes."""
        if self.denoiser is None or not classes(self.config, self.target):
            return None
        chosen = self.config.sampler.classes
        numbers = (
            range(len(self.target.labels))
            if chosen is None
            else class_numbers(chosen, self.target.labels, "sampler.classes")
        )
        return np.resize(np.array(numbers, np.int64), self.config.sampler.chains)

    @cached_property
    def calls(self) -> int:
        """Network calls behind one call of the denoiser: guidance asks twice."""
        guided = isinstance(self.denoiser, Guided) and (self.labels is not None or self.denoiser.worse is not None)
        return 2 if guided else 1

    @cached_property
    def density(self) -> Any:
        """What Langevin samplers follow: the target's own density, or the model's at the lowest noise level."""
        return self.target.density if self.denoiser is None else AtLevel(self.denoise(), self.table[1])

    @property
    def autoencoder(self) -> TrainedAutoencoder | None:
        """What its states are the latents of, if they are."""
        return self.target.trained if isinstance(self.target, Latents) else None

    @cached_property
    def exact(self) -> Any:
        """The exact denoiser of the target, which learned ones are compared with."""
        return exact_denoiser(self.target, seed=self.config.seed, device=self.device)

    def denoise(self, first: int = 0, chains: int | None = None) -> Callable[[torch.Tensor, Level], Prediction]:
        """The denoiser with the classes of these chains bound; without `chains`, of any class."""
        assert self.denoiser is not None
        if self.labels is None or chains is None:
            return self.denoiser
        denoiser, label = self.denoiser, torch.from_numpy(self.labels[first : first + chains]).to(self.device)
        return lambda x, level: denoiser(x, level, label)

    def steps(self, first: int = 0, chains: int | None = None) -> Iterator[Step]:
        """The steps of chains `first` … `first + chains − 1`, each with the same noise in whatever company."""
        chains = self.config.sampler.chains - first if chains is None else chains
        noise = Noise(self.config.sampling_seed, chains, self.target.event, first=first, device=self.device)
        x = self.start(noise)
        if self.langevin:
            followed = self.density
            if self.denoiser is None and chains <= MAX_TRACED_CHAINS and self.config.sampler.steps >= MIN_TRACED_STEPS:
                followed = Traced(followed, x)
            return self.entry.make(followed, x, noise, **self.params)
        model = self.denoise(first, chains) if self.denoiser else None
        return self.entry.make(model, x, self.grid, noise, **self.params)

    def blocks(self) -> Iterator[Block] | None:
        """The whole run in compiled blocks of steps, if it follows a density that has such a form; else None."""
        config = self.config.sampler
        if not self.langevin or self.denoiser is not None or len(list(self.batches())) > 1:
            return None
        noise = Noise(self.config.sampling_seed, config.chains, self.target.event, device=self.device)
        options = {name: one.default for name, one in self.entry.parameters().items()} | self.params
        return langevin_blocks(self.density, self.start(noise), noise, sampler=self.entry.name, **options)

    def start(self, noise: Noise) -> torch.Tensor:
        """Where chains begin, (N, *event), as `sampler.start` says; see `start_states`."""
        how = self.config.sampler.start or ("target" if self.kind == "forward" else "noise")
        level = Level(1.0, 0.0, 0.0) if self.langevin else self.grid[0]
        chains = self.config.sampler.chains
        more: dict[str, Any] = {"chains": chains, "spread": self.kind != "reverse"}
        if how in PATHS:
            more["along"] = places_along(self.labels, chains)
        return start_states(how, level, self.box, self.target, noise, **more)

    @property
    def box(self) -> tuple[float, ...]:
        """What is probed and shown: x0, x1, y0, y1[, z0, z1]."""
        return tuple(self.config.record.box or self.target.box)

    def batches(self) -> Iterator[tuple[int, int]]:
        """(first, count) of chains, in batches small enough to keep in flight."""
        total, size = self.config.sampler.chains, max(1, NUMBERS_IN_FLIGHT // self.target.dim)
        return ((first, min(size, total - first)) for first in range(0, total, size))

    def final(self, report: Progress = lambda event: None, stage: str = "sample") -> np.ndarray:
        """The last states of all chains, (N, *event) float32, nothing else kept; `report` hears of every step."""
        parts, total = [], self.config.sampler.steps * len(list(self.batches()))
        for i, (first, count) in enumerate(self.batches()):
            for step in self.steps(first, count):
                x = step.x_next
                report(
                    {"stage": stage, "done": min(i * self.config.sampler.steps + step.index + 1, total), "total": total}
                )
            parts.append(x.cpu().numpy())
        return np.concatenate(parts)
