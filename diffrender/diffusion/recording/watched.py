"""A few watched chains, and what is worked out of each state: posterior, other samplers' moves, classes, log p."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from diffrender.config.sections import Config
from diffrender.core.errors import ConfigError
from diffrender.diffusion.denoisers.exact import DataDenoiser
from diffrender.diffusion.denoisers.fixed_points import fixed_points, splits
from diffrender.diffusion.denoisers.posterior import covariance, weighted_points
from diffrender.diffusion.levels import Level, LevelSequence
from diffrender.diffusion.noise import Noise
from diffrender.diffusion.recording.run import Run
from diffrender.diffusion.samplers.catalogue import SAMPLERS
from diffrender.diffusion.samplers.reverse.probability_flow import along_flow, without_noise
from diffrender.diffusion.targets.base import Target
from diffrender.diffusion.targets.densities.mixtures import GaussianMixture
from diffrender.trajectory.follow import pick_hero

Members = Iterator[tuple[str, np.ndarray]]
KEYS = ("posterior", "moves", "collapse", "classes", "log_p")  # of `record`, that ask for it
FAR = 1e6  # sigma / alpha where x says nothing of x_0, so that x̂0 is the mean of the data
SMOOTH = 1e-8  # tolerance of log p along the flow


def watches(config: Config) -> bool:
    """Whether anything here is asked for, so that states of the first `CANDIDATES` chains are to be kept at hand."""
    record = config.record
    return any(getattr(record, key) for key in KEYS)


def check_watched(config: Config, target: Target, kind: str) -> None:
    """ConfigError if what is asked for is not known of this target, or of a run of this kind."""
    record = config.record
    asked = [key for key in KEYS if getattr(record, key)]
    if not asked:
        return
    if kind != "reverse" or len(target.event) != 1 or target.dim > 3:
        raise ConfigError(
            f"record.{asked[0]}: needs a reverse run of points in 1 to 3 dimensions; this is a {kind} run of states of"
            f" shape {target.event}.",
            "Choose another target or sampler.",
        )
    if record.classes and not isinstance(target.density, GaussianMixture):
        raise ConfigError(
            f"record.classes: the classes are the components of a mixture of Gaussians, and '{target.name}' is none.",
            "Take a config such as two_modes or three_modes, or a target {kind: gaussian_mixture, means: …}.",
        )
    for name in record.moves:
        info = SAMPLERS[name].info if name in SAMPLERS else None
        if info is None or info["kind"] != "reverse" or info["stochastic"]:
            raise ConfigError(
                f"record.moves: '{name}' is no sampler of reverse runs that draws no noise.",
                "Such are ddim, heun and dpm2.",
            )


def check_start(run: Run) -> None:
    """ConfigError if what is asked for has no meaning where the run begins: at alpha = 0 there is no x / alpha."""
    record = run.config.record
    asked = [key for key in ("classes", "log_p") if getattr(record, key)]
    if asked and run.grid[0].alpha == 0:
        raise ConfigError(
            f"record.{asked[0]}: the run begins at alpha = 0, where x_t says nothing of x_0.",
            "Take levels that begin above it: sampler.timestep_spacing: log_snr.",
        )


def watched(run: Run, states: Sequence[torch.Tensor], levels: Sequence[Level]) -> tuple[dict[str, Any], Members]:
    """`meta` and members for what the config asks for.

    states: the kept ones of the first chains, T + 1 of (W, D). levels: theirs.
    """
    followed = pick_hero([x.cpu().numpy() for x in states])
    meta: dict[str, Any] = {"followed": followed, "exact": _exact_label(run)}
    record = run.config.record
    if record.moves:
        entries = [SAMPLERS[name] for name in record.moves]
        meta["moves"] = {e.name: {"title": e.info["title"], "nfe": e.info["nfe_per_step"]} for e in entries}
    if record.classes:
        ratios = [level.ratio for level in levels if level.sigma > 0]
        if (least := run.table[1].ratio) < ratios[-1]:  # of few steps, the last passes over what splits below it
            ratios.append(least)
        found = splits(run.target.density, ratios)
        places = [(run.table.at_ratio(u), count) for u, count in found]
        meta["splits"] = [{"alpha": a.alpha, "sigma": a.sigma, "time": a.time, "stable": count} for a, count in places]
    return meta, _members(run, states, levels, followed)


def _members(run: Run, states: Sequence[torch.Tensor], levels: Sequence[Level], followed: int) -> Members:
    record = run.config.record
    if record.posterior:
        yield from _posterior(run, states, levels, followed)
    for name in record.moves:
        yield f"move_{name}", _moves(run, states, levels, name)
    if record.collapse:
        yield "collapse", _collapse(run, levels)
    if record.classes:
        yield from _classes(run, states, levels)
    if record.log_p:
        yield from _log_p(run, states, levels)


def _posterior(run: Run, states: Sequence[torch.Tensor], levels: Sequence[Level], chain: int) -> Members:
    """Points and weights of p(x_0 | x_t), its mean, and its covariance as the exact score and the model's have it."""
    rows: dict[str, list[np.ndarray]] = {}
    denoise = run.denoise(chain, 1)
    for x, (level, to) in zip(states[:-1], pairwise(levels), strict=True):
        x = x[chain : chain + 1]
        exact, near = x.double(), level if level.alpha > 0 else to  # at α = 0 x says nothing of x_0, nor its Jacobian
        points, weights = weighted_points(run.exact, exact, level)
        found = {
            "posterior": points,
            "posterior_weight": weights,
            "posterior_mean": run.exact(exact, level).x0,
            "posterior_cov": covariance(run.exact, exact, near),
            "model_cov": covariance(denoise, x, near),
        }
        for key, value in found.items():
            rows.setdefault(key, []).append(value[0].detach().cpu().float().numpy())
    yield from ((key, np.stack(values)) for key, values in rows.items())


def _moves(run: Run, states: Sequence[torch.Tensor], levels: Sequence[Level], name: str) -> np.ndarray:
    """(T, W, D) how far one step of another sampler, its first, goes from each state to the next level."""
    entry, denoise = SAMPLERS[name], run.denoise(0, len(states[0]))
    still = Noise(run.config.sampling_seed, len(states[0]), run.target.event, device=run.device)
    made = []
    for x, (level, to) in zip(states, pairwise(levels), strict=False):
        step = next(iter(entry.make(denoise, x, LevelSequence([level, to], run.table), still)))
        made.append((step.x_next - x).cpu().numpy())
    return np.stack(made)


def _collapse(run: Run, levels: Sequence[Level]) -> np.ndarray:
    """(D,) where the exact reverse process without its noise takes the mean of the data, from the noisiest level on."""
    noisy = [level for level in levels if level.sigma > 0 and level.alpha > 0]
    nothing = torch.zeros(1, run.target.dim, dtype=torch.float64, device=run.device)
    mean = run.exact(nothing, Level(1.0, FAR, 1.0)).x0
    start = noisy[0].alpha * mean
    return without_noise(run.exact, start, LevelSequence([noisy[0], noisy[-1]], run.table))[0].cpu().float().numpy()


def _classes(run: Run, states: Sequence[torch.Tensor], levels: Sequence[Level]) -> Members:
    """p(component | x_t) of each watched chain, and every fixed point of the score with the step it belongs to."""
    mixture = run.target.density
    shares = [mixture.posterior(x.double(), a.alpha, a.sigma)[0] for x, a in zip(states, levels, strict=True)]
    yield "class_prob", torch.stack(shares).cpu().float().numpy()
    found: list[tuple[int, Any]] = []
    for k, level in enumerate(levels):
        if level.sigma > 0:
            found.append((k, fixed_points(mixture, level.ratio, found[-1][1].z if found else None)))
    yield "fixed_point", np.concatenate([f.z for _, f in found]).astype(np.float32)
    yield "fixed_point_variance", np.concatenate([f.variance for _, f in found])
    yield "fixed_point_stable", np.concatenate([f.stable for _, f in found])
    yield "fixed_point_step", np.concatenate([np.full(len(f.z), k) for k, f in found])


def _log_p(run: Run, states: Sequence[torch.Tensor], levels: Sequence[Level]) -> Members:
    """log p_t(x_t) by the flow's divergence, in closed form, and ∂x_t/∂x_T, of each watched chain.

    Both log p are of one point, the flow's own: near a watershed between modes the kept states, solved to the
    sampler's tolerance, are farther from it than the figures are exact.
    """
    noisy = [level for level in levels if level.sigma > 0]
    start = states[0] if run.config.model.learned else states[0].double()  # networks are of single precision
    flowed, log_p, jacobian = along_flow(
        run.denoise(0, len(start)), start, LevelSequence(noisy, run.table), rtol=SMOOTH, atol=SMOOTH
    )
    yield "log_p", log_p.cpu().float().numpy()
    yield "flow_jacobian", jacobian.cpu().float().numpy()
    truth = [run.exact.log_prob_t(x.double(), level) for x, level in zip(flowed, noisy, strict=True)]
    yield "log_p_exact", torch.stack(truth).cpu().float().numpy()


def _exact_label(run: Run) -> str:
    """What "exact" means for this target, as captions say it."""
    exact = run.exact
    return f"of {len(exact.points):,} points" if isinstance(exact, DataDenoiser) else "closed form"
