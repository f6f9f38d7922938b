"""Vector fields and densities on a grid, probed at the levels that a run went through."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from diffrender.core.errors import ConfigError
from diffrender.diffusion.levels import Level, LevelSequence
from diffrender.diffusion.noise import Noise
from diffrender.diffusion.recording.grids import Grid, along_axes, spread
from diffrender.diffusion.recording.run import Run

TAILS = 4.0  # deviations of unit-variance data with noise, beyond which p_t is as good as nothing
MAX_PROBES = 20_000_000  # probes (points × levels) of one recording


class NoNoise(Noise):
    """No noise: what a sampler does of its own accord."""

    def __call__(self, step: int, purpose: int = 1) -> torch.Tensor:
        """Zeros, (N, *event)."""
        return torch.zeros(self.chains, *self.event, dtype=self.dtype, device=self.device)


def check_probes(run: Run) -> None:
    """ConfigError if what the config asks to be probed is more than could be done, or nothing that can be."""
    record, sampler = run.config.record, run.config.sampler
    if record.fields and run.kind == "forward":
        raise ConfigError("record.fields: the forward process has no field to probe.", "Take a reverse sampler.")
    if "class_score" in record.fields and (run.langevin or run.labels is None):
        raise ConfigError("record.fields: class_score is of a model that tells classes apart.", "Leave it out.")
    levels = 1 if run.langevin else sampler.steps // record.every + 1
    asked = [("grid", record.grid)] * bool(record.fields) + [("density_grid", record.density_grid)] * record.density
    for key, counts in asked:
        sizes = along_axes(counts, run.target.dim)
        if math.prod(sizes) * levels > MAX_PROBES:
            raise ConfigError(
                f"record.{key}: {' × '.join(map(str, sizes))} points at {levels} levels are more than"
                f" {MAX_PROBES:,} probes.",
                f"Make record.{key} coarser, or keep fewer states with record.every.",
            )


def probe(run: Run, levels: Sequence[Level]) -> Iterator[tuple[str, np.ndarray]]:
    """Members for the fields and densities that the config asks for, at the levels of the kept states."""
    record = run.config.record
    if not (record.fields or record.density):
        return
    if len(run.target.event) != 1 or run.target.dim > 3:
        raise ConfigError(
            f"record: fields and density need states in 1 to 3 dimensions; these have shape {run.target.event}.",
            "Leave out record.fields and record.density.",
        )
    walked = [level for level, before in zip(levels, [None, *levels], strict=False) if level != before]
    if run.langevin:
        walked = walked[:2]
    if record.fields:
        grid = Grid(_field_box(run), record.grid, run.target.dim)
        yield from grid.members("grid")
        pairs = [(a, b) for a, b in pairwise(walked) if a.sigma > 0 or run.langevin]
        yield "field_time", np.array([level.time for level, _ in pairs])
        points = grid.points.to(run.device)
        for name in record.fields:
            ask = _FIELDS[name]
            yield f"field_{name}", np.concatenate([grid.vectors(ask(run, points, a, b)) for a, b in pairs])
    if record.density:
        yield from _densities(run, walked[:1] if run.langevin else walked)


def line_over_time(box: Sequence[float], walked: Sequence[Level]) -> tuple[float, ...]:
    """What of a line a picture of p_t over all time shows: the data's part, and 4 deviations of what x_t is at most."""
    reach = max([TAILS * math.hypot(a.alpha, a.sigma) for a in walked if a.sigma > 0], default=0.0)
    return min(box[0], -reach), max(box[1], reach), *box[2:]


def _field_box(run: Run) -> tuple[float, ...]:
    """Where fields are probed."""
    record = run.config.record
    return tuple(record.box or spread(run.target.box, record.grid))


def score(run: Run, x: torch.Tensor, level: Level, _: Level) -> torch.Tensor:
    """∇ log p_t as the model has it, (G, D), per unit of x."""
    return run.density.score(x) if run.langevin else run.denoise()(x, level).score


def class_score(run: Run, x: torch.Tensor, level: Level, _: Level) -> torch.Tensor:
    """∇ log p_t(x | c) as the model has it without guidance, (G, D), c the class of the first chain."""
    asked: Any = getattr(run.denoiser, "denoiser", run.denoiser)  # beneath guidance
    assert run.labels is not None
    return asked(x, level, torch.full((len(x),), int(run.labels[0]), device=x.device)).score


def exact_score(run: Run, x: torch.Tensor, level: Level, _: Level) -> torch.Tensor:
    """∇ log p_t of the target itself: in closed form, or of the ideal denoiser of some thousands of its points."""
    return run.target.density.score(x) if run.langevin and run.target.density else run.exact(x, level).score


def velocity(run: Run, x: torch.Tensor, level: Level, to: Level) -> torch.Tensor:
    """dx/dt of the probability flow over a step, per unit of `time`, (G, D); of a Langevin run, the score.

    Over a step x moves by (α' − α) x̂0 + (σ' − σ) ε̂ (DDIM, and Euler's method on the flow). Divided by t' − t that is
    what the particles of a deterministic run really ride, and for small steps the derivative itself. A reverse run goes
    towards t = 0, so they ride it backwards.
    """
    if run.langevin:
        return score(run, x, level, to)
    p = run.denoise()(x, level)
    return ((to.alpha - level.alpha) * p.x0 + (to.sigma - level.sigma) * p.eps) / (to.time - level.time)


def drift(run: Run, x: torch.Tensor, level: Level, to: Level) -> torch.Tensor:
    """How far one step of the sampler would move a chain standing there, but for its noise, (G, D)."""
    still = NoNoise(run.config.sampling_seed, len(x), run.target.event, device=run.device)
    if run.langevin:
        step = next(run.entry.make(run.density, x, still, **run.params))
    else:
        step = next(run.entry.make(run.denoise(), x, LevelSequence([level, to], run.table), still, **run.params))
    return step.x_next - step.x if step.drift is None else step.drift


_FIELDS = {"score": score, "class_score": class_score, "exact_score": exact_score, "velocity": velocity, "drift": drift}


def _densities(run: Run, walked: Sequence[Level]) -> Iterator[tuple[str, np.ndarray]]:
    """The target's density, noised to each level that was walked; at the clean level only where p is known."""
    box = _field_box(run) if run.config.record.fields else run.box  # both of one part of space, if there are both
    if run.target.dim == 1 and not run.config.record.box:
        box = line_over_time(box, walked)
    grid = Grid(box, run.config.record.density_grid, run.target.dim)
    points = grid.points.to(run.device)
    density = run.target.density
    kept = [level for level in walked if level.sigma > 0 or density is not None]
    yield from grid.members("density")
    yield "density_time", np.array([level.time for level in kept])
    maps = [density.prob(points) if a.sigma == 0 else run.exact.log_prob_t(points, a).exp() for a in kept]
    yield "density", np.stack([p.cpu().float().numpy().reshape(grid.shape) for p in maps])
