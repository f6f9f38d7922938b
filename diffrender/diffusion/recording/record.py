"""Recording what a config describes: states, target, fields, density and figures."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from diffrender.config.sections import Config
from diffrender.core.errors import DiffrenderError
from diffrender.diffusion.levels import Level
from diffrender.diffusion.noise import Purpose, generator
from diffrender.diffusion.recording.budgets import (
    PROJECTIONS,
    budget_members,
    check_budgets,
    figures,
    fresh_data,
    measured_points,
    within_budget,
)
from diffrender.diffusion.recording.decoded import decoded
from diffrender.diffusion.recording.describe import (
    autoencoder_facts,
    model_facts,
    objective_facts,
    sampler_facts,
    target_facts,
)
from diffrender.diffusion.recording.frames import kept_states, recording_bytes
from diffrender.diffusion.recording.keep import Keep
from diffrender.diffusion.recording.metrics import sliced_wasserstein
from diffrender.diffusion.recording.nearest import nearest_states
from diffrender.diffusion.recording.probes import check_probes, probe
from diffrender.diffusion.recording.recorder import Recorder
from diffrender.diffusion.recording.run import Progress, Run
from diffrender.diffusion.recording.tilted import check_tilted, tilted
from diffrender.diffusion.recording.watched import check_start, check_watched, watched, watches
from diffrender.diffusion.samplers.langevin.blocks import Block
from diffrender.trajectory.follow import CANDIDATES

LARGE_BYTES = 250_000_000  # of a recording, which one wants to know before it is made
VERY_LARGE_BYTES = 1_000_000_000  # where the key that makes it smaller is said too
METRIC_STEPS = 2000  # of at most so many the distance is measured: it costs next to nothing


def sample(
    config: Config,
    out: Path,
    *,
    weights: Path | None = None,
    worse: Path | None = None,
    device: str = "auto",
    key: str = "",
    progress: Progress | None = None,
) -> Path:
    """Run the config's sampler and record it at `out`.

    weights: of a learned model; worse: of the network that `sampler.autoguidance` guides by. key: content key for
    `meta`. progress: called with {"stage", "done", "total"}, and with {"note"} for what should be known before.
    Raises DiffrenderError naming what is wrong with config, weights or disk; `out` is then as it was.
    """
    run = Run.of(config, weights=weights, worse=worse, device=device)
    check_budgets(run)
    if config.sampler.evaluations:
        run = within_budget(run, config.sampler.evaluations)
    check_probes(run)
    check_watched(config, run.target, run.kind)
    check_tilted(config, run.target, run.kind)
    check_start(run)
    keep = _keep(run)
    _announce(run, keep, out, progress)
    if progress:
        for warning in run.warnings:
            progress({"note": warning})
    meta = {
        "config": config.as_dict(),
        "seed": config.sampling_seed,
        "title": config.title,
        "key": key,
        **describe(run),
    }
    with Recorder(out, kind=run.kind, keep=keep, chains=config.sampler.chains, **meta) as recorder:
        near: list[torch.Tensor] = []
        distances, last = _record_chains(run, recorder, progress or (lambda event: None), near)
        if run.labels is not None:
            recorder.add("label", run.labels)
        if config.record.target_points:
            _add_target(run, recorder)
        if last is not None and run.records_nearest:
            _add_nearest(run, recorder, last)
        asked = getattr(run.denoiser, "denoiser", run.denoiser)  # beneath guidance
        if (side := getattr(asked, "side", None)) is not None:
            recorder.add("metric_patch_side", np.array([side(level.ratio) for level in recorder.levels], float))
        if distances:
            recorder.add("metric_sliced_wasserstein", np.array(distances))
            recorder.meta["figures"] = figures(run)
        if config.record.budgets:
            for name, values in budget_members(run, progress or (lambda event: None)):
                recorder.add(name, values)
        for name, rows in probe(run, recorder.levels):
            recorder.add(name, rows)
        if run.autoencoder is not None and last is not None:
            for name, rows in decoded(run, near, last, recorder.levels):
                recorder.add(name, rows)
        if config.record.tilted and last is not None:
            more, members = tilted(run, last)
            recorder.meta.update(more)
            for name, rows in members:
                recorder.add(name, rows)
        if watches(config):
            more, members = watched(run, near, recorder.levels)
            recorder.meta.update(more)
            for name, rows in members:
                recorder.add(name, rows)
    return out


def describe(run: Run) -> dict[str, Any]:
    """What `meta` says of sampler, model, objective and target."""
    model = model_facts(run.config, run.kind, run.denoiser is not None)
    said = {"sampler": sampler_facts(run.entry, run.params), "model": model}
    if run.config.model.learned and model["kind"] == "learned":
        said["objective"] = objective_facts(run.config.training.objective)
    if run.autoencoder is not None:
        said["autoencoder"] = autoencoder_facts(run.config, run.autoencoder.figures)
    return {**said, "target": target_facts(run.target)}


def _record_chains(
    run: Run, recorder: Recorder, progress: Progress, near: list[torch.Tensor]
) -> tuple[list[float], np.ndarray | None]:
    """Record every batch; the kept states of the first chains are put into `near` too, if any are watched.

    Returns how far each kept state is from the target, where that is cheap to say, and the last states of all chains,
    (N, *event), where they are to be compared with the data.
    """
    config, done = run.config, 0
    states = config.record.frames or config.sampler.steps // config.record.every
    count, steps = config.sampler.chains, config.sampler.steps
    measured = config.sampler.start != "grid" and count >= 100 and states <= METRIC_STEPS and len(run.target.event) == 1
    n = measured_points(run)
    fresh = fresh_data(run, n) if measured else None
    if fresh is None and recorder.keep.all and (blocks := run.blocks()) is not None:
        _record_blocks(run, recorder, blocks, progress)
        return [], None
    distances: list[float] = []
    ends: list[np.ndarray] = []
    latents = run.autoencoder is not None
    watching = latents or watches(config)
    parts = list(run.batches())
    for first, chains in parts:
        for step in recorder.follow(run.steps(first, chains), first):
            kept = first == 0 and (step.index == 0 or recorder.keep.keeps(step.index))
            if kept and watching:
                near.append(step.x[:CANDIDATES].clone())
            if fresh is not None and kept:
                distances.append(sliced_wasserstein(step.x[:n].cpu().numpy(), fresh, PROJECTIONS))
            done += 1
            progress({"stage": "sample", "done": min(done, steps * len(parts)), "total": steps * len(parts)})
        if run.records_nearest or latents or config.record.tilted:
            ends.append(step.x_next.cpu().numpy())
        if first == 0 and watching:
            near.append(step.x_next[:CANDIDATES].clone())
        if fresh is not None and first == 0:
            distances.append(sliced_wasserstein(step.x_next[:n].cpu().numpy(), fresh, PROJECTIONS))
    recorder.nfe[:] = [calls * run.calls for calls in recorder.nfe]
    return distances, np.concatenate(ends) if ends else None


def _record_blocks(run: Run, recorder: Recorder, blocks: Iterator[Block], progress: Progress) -> None:
    """Record a run that comes in compiled blocks: each state stands on the clean level, at its own time."""
    for block in blocks:
        levels, (*nfe, last) = [Level(1.0, 0.0, time) for time in block.times], block.nfe
        recorder.moves(block.x[:-1], levels[:-1], nfe, first=block.first, **block.parts)
        progress({"stage": "sample", "done": block.first + len(nfe), "total": run.config.sampler.steps})
    recorder.end(torch.from_numpy(block.x[-1]), levels[-1], last)


def _keep(run: Run) -> Keep:
    """What is kept of this run: of images x and x0 in half precision."""
    record = run.config.record
    states = None if record.frames is None else kept_states(run.state_levels, record.frames)
    half = ("x", "x0") if len(run.target.event) == 3 else ()
    return Keep(record.keep, record.every, states, half)


def _announce(run: Run, keep: Keep, out: Path, progress: Progress | None) -> None:
    """Refuse a recording that the disk has no room for; say how large one of images, or a large one, becomes."""
    chains = run.config.sampler.chains
    states = -(-run.states // keep.every) if keep.states is None else len(keep.states)
    size = recording_bytes(states, chains, run.target.dim, keep.members, keep.half)
    free = shutil.disk_usage(_there(out.parent)).free
    if size > free:
        raise DiffrenderError(
            f"{out}: the recording takes {size / 1e6:,.0f} MB, and the disk has room for {free / 1e6:,.0f} MB.",
            "Take fewer chains with --chains, or keep fewer states with record.every or record.frames.",
        )
    if progress and (len(run.target.event) == 3 or size > LARGE_BYTES):
        shape = " × ".join(map(str, run.target.event))
        megabytes = max(size / 1e6, 0.1)
        said = f"{megabytes:,.0f}" if megabytes >= 10 else f"{megabytes:.1f}"
        smaller = f" {_smaller(states, chains, size)}" if size > VERY_LARGE_BYTES else ""
        progress({"note": f"{chains:,} chains × {states:,} states of {shape}: {said} MB.{smaller}"})


def _smaller(states: int, chains: int, size: int) -> str:
    """What makes a recording of `size` bytes as small as the limit, in words."""
    frames, fewer = states * VERY_LARGE_BYTES // size, chains * VERY_LARGE_BYTES // size
    by_states = f"--set record.frames={frames} or " if frames > 1 else ""
    return f"With {by_states}--chains {max(fewer, 1)} it has {VERY_LARGE_BYTES / 1e6:,.0f} MB."


def _there(folder: Path) -> Path:
    """`folder`, or the nearest one above it that exists."""
    return folder if folder.exists() or folder == folder.parent else _there(folder.parent)


def _add_nearest(run: Run, recorder: Recorder, last: np.ndarray) -> None:
    """The nearest image of the set to each final sample, its number, how far it is in values of [−1, 1], and what to
    judge that by: how far that image itself is from the nearest other one."""
    found = nearest_states(last, run.target.parts())
    if found is not None:
        states, index, far = found
        recorder.add("nearest", states.astype(np.float16))
        recorder.add("nearest_index", index)
        recorder.add("nearest_distance", far * run.target.scale)
        if others := nearest_states(states, run.target.parts(), apart_from=index):
            recorder.add("nearest_apart", others[2] * run.target.scale)


def _add_target(run: Run, recorder: Recorder) -> None:
    """Reference points, with their classes where there are some."""
    rng = generator(run.config.seed, Purpose.DATA, 2)
    points, label = run.target.draw_labelled(run.config.record.target_points, rng)
    recorder.add("target", points)
    if label is not None:
        recorder.add("target_label", label)
