"""Recording what a config describes: states, target, fields, density and figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from diffrender.config.sections import Config
from diffrender.diffusion.noise import Purpose, generator
from diffrender.diffusion.recording.describe import model_facts, objective_facts, sampler_facts
from diffrender.diffusion.recording.metrics import sliced_wasserstein
from diffrender.diffusion.recording.probes import check_probes, probe
from diffrender.diffusion.recording.recorder import Keep, Recorder
from diffrender.diffusion.recording.run import Progress, Run

METRIC_CHAINS, METRIC_STEPS, PROJECTIONS = 2000, 2000, 32  # the distance is measured where it costs next to nothing


def sample(
    config: Config,
    out: Path,
    *,
    weights: Path | None = None,
    device: str = "auto",
    key: str = "",
    progress: Progress | None = None,
) -> Path:
    """Run the config's sampler and record it at `out`.

    weights: of a learned model. key: content key for `meta`. progress: called with {"stage", "done", "total"}.
    Raises DiffrenderError naming what is wrong with config, weights or disk; `out` is then as it was.
    """
    run = Run.of(config, weights=weights, device=device)
    check_probes(run)
    keep = Keep(config.record.keep, config.record.every)
    meta = {
        "config": config.as_dict(),
        "seed": config.sampling_seed,
        "title": config.title,
        "key": key,
        **describe(run),
    }
    with Recorder(out, kind=run.kind, keep=keep, chains=config.sampler.chains, **meta) as recorder:
        figures = _record_chains(run, recorder, progress or (lambda event: None))
        if run.labels is not None:
            recorder.add("label", run.labels)
        if config.record.target_points:
            _add_target(run, recorder)
        if figures:
            recorder.add("metric_sliced_wasserstein", np.array(figures))
        for name, rows in probe(run, recorder.levels):
            recorder.add(name, rows)
    return out


def describe(run: Run) -> dict[str, Any]:
    """What `meta` says of sampler, model, objective and target."""
    model = model_facts(run.config, run.kind, run.denoiser is not None)
    said = {"sampler": sampler_facts(run.entry, run.params), "model": model}
    if model["kind"] == "learned":
        said["objective"] = objective_facts(run.config.training.objective)
    scaling = {"scale": float(run.target.scale), "offset": np.asarray(run.target.offset, float).ravel().tolist()}
    return {**said, "target": scaling}


def _record_chains(run: Run, recorder: Recorder, progress: Progress) -> list[float]:
    """Record every batch; returns how far each kept state is from the target, where that is cheap to say."""
    config, done = run.config, 0
    count, steps = config.sampler.chains, config.sampler.steps
    measured = (
        config.sampler.start != "grid"
        and count >= 100
        and steps // config.record.every <= METRIC_STEPS
        and len(run.target.event) == 1
    )
    n = min(count, METRIC_CHAINS)
    fresh = run.target.draw(n, generator(config.seed, Purpose.METRIC)) if measured else None
    distances: list[float] = []
    parts = list(run.batches())
    for first, chains in parts:
        for step in recorder.follow(run.steps(first, chains), first):
            if fresh is not None and first == 0 and step.index % config.record.every == 0:
                distances.append(sliced_wasserstein(step.x[:n].cpu().numpy(), fresh, PROJECTIONS))
            done += 1
            progress({"stage": "sample", "done": min(done, steps * len(parts)), "total": steps * len(parts)})
        if fresh is not None and first == 0:
            distances.append(sliced_wasserstein(step.x_next[:n].cpu().numpy(), fresh, PROJECTIONS))
    recorder.nfe[:] = [calls * run.calls for calls in recorder.nfe]
    return distances


def _add_target(run: Run, recorder: Recorder) -> None:
    """Reference points, with their classes where there are some."""
    rng = generator(run.config.seed, Purpose.DATA, 2)
    points, label = run.target.draw_labelled(run.config.record.target_points, rng)
    recorder.add("target", points)
    if label is not None:
        recorder.add("target_label", label)
