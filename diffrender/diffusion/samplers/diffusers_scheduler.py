"""Any scheduler of an installed diffusers as a sampler: `diffusers:UniPCMultistepScheduler`.

The scheduler runs by its own code, on our table, our network calls and our noise. It keeps states as x / √(α² + σ²), as
x / α, or, for flow matching, as x / (α + σ). The noise in a move is what changes when a copy of the scheduler makes the
same move with zeros for its draws.
"""

from __future__ import annotations

import copy
import inspect
import math
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import torch

from diffrender.core.errors import ConfigError, MissingToolError, suggest
from diffrender.core.registry import Entry
from diffrender.diffusion.levels import LEVELS_BETWEEN, Level, LevelSequence
from diffrender.diffusion.noise import Noise, Purpose
from diffrender.diffusion.samplers.base import Denoise, Levels, Step

PREFIX = "diffusers:"
LAST_BETA = 0.9  # for β = 1: schedulers divide by alpha, so the table they get ends just before alpha = 0
OURS = {"num_train_timesteps", "trained_betas", "beta_start", "beta_end", "beta_schedule", "prediction_type"}
CALL = {"self", "model_output", "timestep", "sample", "generator", "return_dict", "variance_noise"}


def find(name: str) -> type:
    """The scheduler class that `diffusers:Name` means; ConfigError if there is none, or none that fits."""
    try:
        import diffusers
    except ImportError:
        raise MissingToolError(f"'{name}' needs the package diffusers.", "Install it: pip install diffusers") from None
    known = [k for k in dir(diffusers) if k.endswith("Scheduler")]
    wanted = name.removeprefix(PREFIX)
    if wanted not in known:
        raise ConfigError(f"diffusers {diffusers.__version__} has no scheduler '{wanted}'.", suggest(wanted, known))
    kind: Any = getattr(diffusers, wanted)
    if hasattr(kind, "_backends"):
        raise MissingToolError(f"'{name}' needs {', '.join(kind._backends)}.", "Install what is missing with pip.")
    asked = inspect.signature(kind.step).parameters if hasattr(kind, "step") else {}
    needed = {k for k, p in asked.items() if p.default is p.empty}
    tabled = "trained_betas" in inspect.signature(kind).parameters or _is_flow(kind)
    if not tabled or not needed or needed - CALL or "Inverse" in wanted or wanted.startswith(("IPNDM", "RePaint")):
        raise ConfigError(
            f"'{name}' cannot run on a table of noise levels by its `step` alone.",
            "Take one that has trained_betas, or one of flow matching; `diffrender list samplers` shows our own.",
        )
    return kind


@dataclass(frozen=True)
class SchedulerEntry(Entry):
    """A scheduler class as a registered sampler; its options are those of its constructor and of its `step`."""

    def check(self, params: Mapping[str, Any], where: str, also: Iterable[str] = ()) -> dict[str, Any]:
        """`params`, if the class knows them all."""
        kind: Any = find(self.name)
        known = {*inspect.signature(kind).parameters, *inspect.signature(kind.step).parameters} - OURS - CALL
        for key in params:
            if key not in known:
                raise ConfigError(f"{where}.{key}: '{self.name}' has no such key.", suggest(key, {*known, *also}))
        return dict(params)


def entry(name: str) -> SchedulerEntry:
    """The registry's entry of `diffusers:Name`; `stochastic` says whether the scheduler may draw noise."""
    kind = find(name)

    def sample(denoise: Denoise, x: torch.Tensor, levels: Levels, noise: Noise, **options: Any) -> Iterator[Step]:
        yield from Run(kind, LevelSequence.of(levels), options).steps(denoise, x, noise)

    sample.__doc__ = f"{kind.__name__} of diffusers, run by its own code."
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind.__name__.removesuffix("Scheduler"))
    info = {
        "title": f"{words} (diffusers)",
        "equation": "",
        "kind": "reverse",
        "order": None,
        "spacing": "linspace",
        "nfe_per_step": None,
        "paper": kind.__module__,
    }
    return SchedulerEntry(name, sample, (), {**info, "stochastic": _draws(kind)})


class Run:
    """One run of a scheduler over as many steps as `grid` has, on the grid's table."""

    def __init__(self, kind: type, grid: LevelSequence, options: Mapping[str, Any]) -> None:
        self.kind, self.grid, self.flow = kind, grid, _is_flow(kind)
        if self.flow and grid.table.family == "ve":
            raise ConfigError(
                f"{kind.__name__} starts where alpha = 0.", "Set schedule.kind to flow, where that is so."
            )
        if grid.spacing in LEVELS_BETWEEN:
            raise ConfigError(
                f"sampler.timestep_spacing: {kind.__name__} chooses its own timesteps, and knows no '{grid.spacing}'.",
                "Leave it out, or set its option use_karras_sigmas, if it has one.",
            )
        known = inspect.signature(kind).parameters
        ratios = torch.tensor([level.ratio for level in grid.table], dtype=torch.float64)
        alpha_bar = 1 / (1 + ratios**2)
        betas = 1 - alpha_bar[1:] / alpha_bar[:-1]
        betas = torch.where(betas < 1, betas, LAST_BETA)
        given = {
            "num_train_timesteps": len(betas),
            "trained_betas": betas.tolist(),
            "prediction_type": "epsilon",
            "timestep_spacing": grid.spacing,
            "clip_sample": False,
        }
        given = {key: value for key, value in given.items() if key in known}
        self.scheduler: Any = kind(**given | {key: value for key, value in options.items() if key in known})
        self.extra = {key: value for key, value in options.items() if key not in known}
        self.scheduler.set_timesteps(len(grid) - 1)
        self.exploding = not self.flow and float(self.scheduler.init_noise_sigma) > 1

    def level(self, n: int) -> Level:
        """Where the scheduler's state stands before its n-th call."""
        own = self.scheduler
        if n >= len(own.timesteps) and not hasattr(own, "sigmas"):
            return self.grid.table[0]
        if not hasattr(own, "sigmas"):
            alpha_bar = float(own.alphas_cumprod[int(own.timesteps[n])])
            return self.grid.at_ratio(math.sqrt(1 / alpha_bar - 1))
        sigma = float(own.sigmas[n])
        if not getattr(own, "state_in_first_order", True) and hasattr(own, "sigmas_interpol"):
            sigma = float(own.sigmas_interpol[n - 1 if hasattr(own, "sigmas_up") else n])
        if self.flow:
            sigma = math.inf if sigma == 1 else sigma / (1 - sigma)
        return self.grid.at_ratio(sigma)

    def scale(self, level: Level) -> float:
        """x over the scheduler's state."""
        if self.flow:
            return level.alpha + level.sigma
        return level.alpha if self.exploding else math.hypot(level.alpha, level.sigma)

    def steps(self, denoise: Denoise, x: torch.Tensor, noise: Noise) -> Iterator[Step]:
        """One Step a move; a move of two network calls (Heun, KDPM2) is one."""
        own, n = self.scheduler, 0
        state = x / math.hypot(*self.grid[0][:2])
        state = state * math.hypot(*self.level(0)[:2]) / self.scale(self.level(0))
        for index in count():
            if n == len(own.timesteps):
                return
            now, calm, begun = self.level(n), state, None
            twin, source = copy.deepcopy(own) if _draws(self.kind) else own, _from_noise(noise, index)
            while begun is None or not getattr(own, "state_in_first_order", True):
                level, time = self.level(n), own.timesteps[n]
                p = denoise(self.scale(level) * state, level)
                begun = begun or p
                answer = p.flow if self.flow else p.eps
                state = self.call(own, source, answer, time, state)
                calm = self.call(twin, torch.zeros, answer, time, calm) if _draws(self.kind) else state
                n += 1
                if n == len(own.timesteps):
                    break
            to = self.level(n)
            x_next, mean = self.scale(to) * state, self.scale(to) * calm
            yield Step(index, now, to, begun.x, x_next, n, begun.x0, begun.eps, mean - begun.x, x_next - mean)

    def call(self, own: Any, source: Callable, answer: torch.Tensor, time: Any, state: torch.Tensor) -> torch.Tensor:
        """The scheduler's next state, in the dtype of `state`."""
        if not self.flow:
            own.scale_model_input(state, time)
        with _drawing(self.kind, source):
            return own.step(answer, time, state, **self.extra).prev_sample.to(state.dtype)


def _is_flow(kind: type) -> bool:
    return kind.__name__.startswith("FlowMatch")


def _draws(kind: type) -> bool:
    return hasattr(sys.modules[kind.__module__], "randn_tensor")


def _from_noise(noise: Noise, index: int) -> Callable:
    """A source of our draws for step `index`, the first and the second of different purposes."""
    purposes = iter((Purpose.STEP, Purpose.INNER))
    return lambda *_, **__: noise(index, next(purposes))


@contextmanager
def _drawing(kind: type, source: Callable) -> Iterator[None]:
    """Let the scheduler's module draw from `source(shape, dtype=…)`."""
    module: Any = sys.modules[kind.__module__]
    if not _draws(kind):
        yield
        return
    kept = module.randn_tensor
    module.randn_tensor = lambda shape, dtype=None, **_: source(shape, dtype=dtype)
    try:
        yield
    finally:
        module.randn_tensor = kept
