"""Training a network: the loop, its interrupts, and what it leaves. An interrupted run resumes bit for bit."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from diffrender.config.sections import Config, SamplerConfig
from diffrender.core.errors import ConfigError
from diffrender.diffusion.denoisers import learned
from diffrender.diffusion.noise import Purpose, generator
from diffrender.diffusion.recording.describe import model_facts, objective_facts, sampler_facts, target_facts
from diffrender.diffusion.recording.metrics import against_target
from diffrender.diffusion.recording.run import Run, pick_device
from diffrender.diffusion.samplers.catalogue import SAMPLERS
from diffrender.diffusion.targets.build import config_target
from diffrender.diffusion.training.base import TrainerBase
from diffrender.diffusion.training.floor import loss_floor
from diffrender.diffusion.training.snapshots import SNAPSHOT_SAMPLER
from diffrender.diffusion.training.trainer import Trainer
from diffrender.trajectory.writer import TrajectoryWriter

Progress = Callable[[dict[str, Any]], None]
MEASURED_SAMPLES = 4000  # whose distance from as many fresh data is measured at the end
MEASURED_BY = {"kind": "dpmpp_2m", "steps": 25}  # by a sampler whose own error is too small to see
FRESH_SETS = 4
REPORT_EVERY, SAVE_SECONDS = 16, 60.0
ONE_THREAD_BELOW = 1 << 28  # weights × batch under which a second thread costs more than it brings


@dataclass(frozen=True)
class TrainResult:
    """What a training run left: weights, its recording, and figures (loss, seconds, distance to the target, …)."""

    weights: Path
    recording: Path
    figures: dict[str, Any]


def resume_file(weights: Path) -> Path:
    """Where the state of an interrupted run is kept, beside its weights."""
    return weights.with_suffix(".resume.pt")


def train(
    config: Config,
    out: Path,
    *,
    device: str = "auto",
    resume: bool = False,
    key: str = "",
    progress: Progress | None = None,
    measured_samples: int = MEASURED_SAMPLES,
    teacher: Path | None = None,
) -> TrainResult:
    """Train the config's network: weights at `out`, their recording `training.npz` beside them.

    resume: go on from where an interrupted run of the same config stopped; the weights are then, on the same machine,
    the very bits of a run that never stopped. key: content key, kept in both files. measured_samples: drawn
    at the end to measure the distance to the data. teacher: weights of the flow that `training.reflow` rectifies.
    progress: called every few steps with {"stage", "done", "total", "loss", "rate"}. On KeyboardInterrupt the state is
    kept and it is raised again.
    Raises DiffrenderError, with nothing written, if the config or the disk does not allow it or the loss diverges.
    """
    if not config.model.learned:
        raise ConfigError(f"model: '{config.model.kind}' has nothing to train.", "Sample it at once: diffrender sample")
    if bool(config.training.reflow) != (teacher is not None):
        raise ConfigError(
            f"training.reflow: {config.training.reflow} needs the weights of the flow before.",
            "diffrender train and diffrender render train them first; diffrender.train does too.",
        )
    report = progress or (lambda event: None)
    clock, cpu = time.perf_counter(), time.process_time()
    target = config_target(config)
    trainer = Trainer(config, target, pick_device(device), teacher)
    state = resume_file(out)
    begun = trainer.step if resume and trainer.restore(state) else 0
    with one_thread(use(trainer)):
        run_steps(trainer, state, report)
        trainer.take_snapshot()
        trained_cpu = time.process_time() - cpu
        figures = {"loss": float(np.sum(trainer.losses[-200:], 1).mean())}
        figures |= _distance(trainer, target, report, measured_samples)
        if (floor := loss_floor(trainer.batches, trainer.objective)) is not None:
            figures["loss_floor"] = floor
    header = {"key": key, "event": list(target.event), "figures": figures}
    learned.save(out, trainer.average.module, config, header)
    recording = out.with_name("training.npz")
    _record(trainer, target, recording, key, figures)
    state.unlink(missing_ok=True)
    clocks = {"seconds": time.perf_counter() - clock, "cpu_seconds": time.process_time() - cpu}
    return TrainResult(out, recording, figures | clocks | {"training_cpu_seconds": trained_cpu, "resumed_at": begun})


def run_steps(trainer: TrainerBase, state: Path, report: Progress) -> None:
    """Steps until the last one, or an interrupt, which leaves the state on disk."""
    total = trainer.steps
    saved, (began, first) = time.monotonic(), (time.monotonic(), trainer.step)
    try:
        with _deferred_interrupt() as interrupted:
            while trainer.step < total and not interrupted.is_set():
                trainer.advance()
                if trainer.step % REPORT_EVERY == 0 or trainer.step == total:
                    loss, now = trainer.collect_losses(), time.monotonic()
                    rate = (trainer.step - first) / max(now - began, 1e-9)
                    report({"stage": "train", "done": trainer.step, "total": total, "loss": loss, "rate": rate})
                    if now - saved > SAVE_SECONDS:
                        trainer.save(state)
                        saved = now
        if interrupted.is_set():
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        trainer.save(state)
        raise


@contextlib.contextmanager
def _deferred_interrupt() -> Iterator[threading.Event]:
    """Ctrl-C sets the event instead of breaking off in the middle of a step; a second one breaks off."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = signal.getsignal(signal.SIGINT)

    def handle(number: int, frame: Any) -> None:
        if asked.is_set():
            signal.default_int_handler(number, frame)
        asked.set()

    signal.signal(signal.SIGINT, handle)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


def use(trainer: Trainer) -> int:
    """How often weights are used in a step, about."""
    weights = sum(p.numel() for p in trainer.network.parameters())
    if any(isinstance(layer, torch.nn.Conv2d) for layer in trainer.network.modules()):
        weights *= max(1, trainer.batches.data[0].size // 16)  # about as often as each is used, level by level
    return weights * trainer.settings.batch_size


@contextlib.contextmanager
def one_thread(use: int = 0) -> Iterator[None]:
    """One thread where little is to be done: the fastest by CPU seconds, and the same sums on any number of cores.

    use: of weights in a step.
    """
    before = torch.get_num_threads()
    if use < ONE_THREAD_BELOW:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _distance(trainer: Trainer, target: Any, report: Progress, samples: int) -> dict[str, Any]:
    """How far samples are from fresh data, the floor of that distance, and how many points it is of."""
    config = trainer.config
    if len(target.event) != 1:
        return {}
    sampler = SamplerConfig(**MEASURED_BY, chains=samples, seed=config.sampling_seed)
    run = Run.of(
        config.model_copy(update={"sampler": sampler}), denoiser=trainer.denoiser(), device=str(trainer.device)
    )
    fresh = [target.draw(samples, generator(config.seed, Purpose.METRIC, 1 + i)) for i in range(FRESH_SETS)]
    distance, floor = against_target(run.final(report, "measure"), fresh)
    said = {"metric": "sliced Wasserstein-2", "samples": samples, "measured_by": dict(MEASURED_BY)}
    return {"sliced_wasserstein": distance, "floor": floor, "ratio": distance / floor, **said}


def _record(trainer: Trainer, target: Any, path: Path, key: str, figures: dict[str, Any]) -> None:
    """The recording of the training."""
    config, snapshots = trainer.config, trainer.snapshots
    meta = {"kind": "training", "config": config.as_dict(), "seed": config.seed, "title": config.title, "key": key}
    level = snapshots.field_level
    meta |= {"model": model_facts(config, "reverse"), "objective": objective_facts(config.training.objective)}
    meta |= {"sampler": sampler_facts(SAMPLERS[SNAPSHOT_SAMPLER], {}), "target": target_facts(target)}
    meta |= {"figures": figures, "field_level": {"alpha": level.alpha, "sigma": level.sigma, "time": level.time}}
    meta |= {"pair_level": snapshots.pairs.facts()} if snapshots.pairs is not None else {}
    with TrajectoryWriter(path, meta) as writer:
        writer.add("loss", np.sum(trainer.losses, 1).astype(np.float32))
        for name, values in snapshots.members().items():
            writer.add(name, values)
        if config.record.target_points:
            rng = generator(config.seed, Purpose.DATA, 2)
            points, label = target.draw_labelled(config.record.target_points, rng)
            writer.add("target", points)
            if label is not None:
                writer.add("target_label", label)
