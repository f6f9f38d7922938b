"""Evaluations as a budget: the steps that so many network calls allow, and the samples that each budget buys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any

import numpy as np
import torch

from diffrender.core.errors import ConfigError
from diffrender.diffusion.denoisers.base import Prediction
from diffrender.diffusion.levels import Level
from diffrender.diffusion.noise import Noise, Purpose, generator
from diffrender.diffusion.recording.metrics import sliced_wasserstein
from diffrender.diffusion.recording.run import Progress, Run

PROJECTIONS = 32  # along which the distance to the data is measured
FLOOR_SETS = 4  # fresh data sets whose mean distance to the one that samples are compared with is the floor


def check_budgets(run: Run) -> None:
    """ConfigError if the config counts network calls of a sampler whose calls are not known before it runs."""
    config = run.config
    for key, asked in (("sampler.evaluations", config.sampler.evaluations), ("record.budgets", config.record.budgets)):
        if not asked:
            continue
        if run.kind != "reverse":
            raise ConfigError(f"{key}: network calls are counted of samplers that remove noise.", "Leave it out.")
        if run.entry.info["nfe_per_step"] == "adaptive":
            remedy = "Say how many steps it makes with sampler.steps, or take another sampler."
            raise ConfigError(f"{key}: {run.entry.name} decides itself how many network calls it makes.", remedy)
        for calls in np.atleast_1d(asked).tolist():
            steps_within(run, calls, key)


def within_budget(run: Run, calls: int, key: str = "sampler.evaluations") -> Run:
    """The run with as many steps as `calls` network calls allow."""
    sampler = run.config.sampler.model_copy(update={"steps": steps_within(run, calls, key), "evaluations": None})
    return replace(run, config=run.config.model_copy(update={"sampler": sampler}))


def steps_within(run: Run, calls: int, key: str) -> int:
    """The most steps that need at most `calls` network calls, counted by running the sampler on one point.

    Methods of several calls a step often need fewer in the last one, so nothing but a run says how many they are.
    Raises ConfigError naming `key` where not even one step can be made.
    """
    needed = partial(_calls, run)
    if needed(1) > calls:
        raise ConfigError(f"{key}: one step of {run.entry.name} takes {needed(1)} network calls, not {calls}.")
    high = next(steps for k in count(1) if needed(steps := 2**k) > calls)
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if needed(middle) <= calls else (low, middle)
    return low


def _calls(run: Run, steps: int) -> int:
    """Network calls of a run of so many steps."""
    levels, noise, asked = run.levels(steps), Noise(0, 1, (1,)), 0

    def denoise(x: torch.Tensor, level: Level) -> Prediction:
        nonlocal asked
        asked += 1
        return Prediction(x, level, x0=torch.zeros_like(x))

    for _ in run.entry.make(denoise, torch.ones(1, 1), levels, noise, **run.params):
        pass
    return asked * run.calls


def measured_points(run: Run) -> int:
    """Of how many chains the distance to the data is measured."""
    return min(run.config.sampler.chains, run.config.record.metric_points)


def fresh_data(run: Run, points: int) -> np.ndarray:
    """The draw of the data (points, *event) that samples of a run are compared with."""
    return run.target.draw(points, generator(run.config.seed, Purpose.METRIC))


def distance_floor(run: Run, points: int) -> float:
    """How far other draws of the data, of so many points each, are from `fresh_data`: no samples can be nearer."""
    fresh = fresh_data(run, points)
    others = [run.target.draw(points, generator(run.config.seed, Purpose.METRIC, 1 + k)) for k in range(FLOOR_SETS)]
    return float(np.mean([sliced_wasserstein(other, fresh, PROJECTIONS) for other in others]))


def budget_members(run: Run, progress: Progress = lambda event: None) -> Iterator[tuple[str, np.ndarray]]:
    """Members `budget_…`: what the run's noise becomes with each of `record.budgets` network calls, and how far off.

    The distance is left out where it is not measured: of images.
    """
    runs = [within_budget(run, calls, "record.budgets") for calls in run.config.record.budgets]
    ends = [one.final(progress, f"sample with {_calls(one, one.config.sampler.steps)} calls") for one in runs]
    yield "budget_nfe", np.array([_calls(one, one.config.sampler.steps) for one in runs])
    yield "budget_x", np.stack(ends)
    if len(run.target.event) == 1:
        n = measured_points(run)
        fresh = fresh_data(run, n)
        yield "budget_sliced_wasserstein", np.array([sliced_wasserstein(x[:n], fresh, PROJECTIONS) for x in ends])


def figures(run: Run) -> dict[str, Any]:
    """`meta.figures` of a run whose distance to the data was measured."""
    points = measured_points(run)
    return {"metric": "sliced Wasserstein-2", "samples": points, "floor": distance_floor(run, points)}
