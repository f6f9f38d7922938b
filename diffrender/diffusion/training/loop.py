"""Training a network: the loop, and the state it keeps. An interrupted run resumes bit for bit."""

from __future__ import annotations

import contextlib
import math
import pickle
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.optim.swa_utils import AveragedModel

from diffrender.config.sections import TRAINING_SECTIONS, Config, SamplerConfig
from diffrender.core.errors import ConfigError, DiffrenderError
from diffrender.core.files import digest, replacing
from diffrender.diffusion.denoisers import build, learned
from diffrender.diffusion.denoisers.networks.gaussian_preconditioned import GaussianPreconditioned
from diffrender.diffusion.denoisers.objectives import objective
from diffrender.diffusion.noise import Purpose, generator
from diffrender.diffusion.recording.describe import model_facts, objective_facts, sampler_facts
from diffrender.diffusion.recording.metrics import against_target
from diffrender.diffusion.recording.run import Run, pick_device
from diffrender.diffusion.samplers.catalogue import SAMPLERS
from diffrender.diffusion.targets.build import build_target
from diffrender.diffusion.training.batches import Batches, loss_of
from diffrender.diffusion.training.floor import loss_floor
from diffrender.diffusion.training.snapshots import SNAPSHOT_SAMPLER, Snapshots
from diffrender.trajectory.reader import TrajectoryWriter

Progress = Callable[[dict[str, Any]], None]
BETAS = (0.9, 0.99)
WARM_UP = 200  # steps over which the learning rate rises
DECAY = 0.4  # of all steps, over which `wsd` lets it fall
EMA_EVERY = 8  # steps between two updates of the average
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
) -> TrainResult:
    """Train the config's network: weights at `out`, their recording `training.npz` beside them.

    resume: go on from where an interrupted run of the same config stopped; the weights are then, on the same machine,
    the very bits of a run that never stopped. key: content key, kept in both files. measured_samples: drawn
    at the end to measure the distance to the data. progress: called every few steps
    with {"stage", "done", "total", "loss", "rate"}. On KeyboardInterrupt the state is kept and it is raised again.
    Raises DiffrenderError, with nothing written, if the config or the disk does not allow it or the loss diverges.
    """
    if not config.model.learned:
        raise ConfigError(f"model: '{config.model.kind}' has nothing to train.", "Sample it at once: diffrender sample")
    report = progress or (lambda event: None)
    clock, cpu = time.perf_counter(), time.process_time()
    target = build_target(config.target, config.folder)
    trainer = Trainer(config, target, pick_device(device))
    state = resume_file(out)
    begun = trainer.step if resume and trainer.restore(state) else 0
    with _threads(trainer):
        _loop(trainer, state, report)
        trainer.take_snapshot()
        figures = {"loss": float(np.mean(trainer.losses[-200:])), "resumed_at": begun}
        figures["training_cpu_seconds"] = time.process_time() - cpu
        figures |= _distance(trainer, target, report, measured_samples)
        if (floor := loss_floor(trainer.batches, trainer.objective)) is not None:
            figures["loss_floor"] = floor
    figures |= {"seconds": time.perf_counter() - clock, "cpu_seconds": time.process_time() - cpu}
    header = {"key": key, "event": list(target.event), "figures": {k: v for k, v in figures.items() if "sec" not in k}}
    learned.save(out, trainer.average.module, config, header)
    recording = out.with_name("training.npz")
    _record(trainer, target, recording, key, figures)
    state.unlink(missing_ok=True)
    return TrainResult(out, recording, figures)


def _loop(trainer: Trainer, state: Path, report: Progress) -> None:
    """Steps until the last one, or an interrupt, which leaves the state on disk."""
    total = trainer.config.training.steps
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


@contextlib.contextmanager
def _threads(trainer: Trainer) -> Iterator[None]:
    """One thread for a small network: the fastest by CPU seconds, and the same sums on any number of cores."""
    before = torch.get_num_threads()
    weights = sum(p.numel() for p in trainer.network.parameters())
    if any(isinstance(layer, torch.nn.Conv2d) for layer in trainer.network.modules()):
        weights *= max(1, trainer.batches.data[0].size // 16)  # about as often as each is used, level by level
    if weights * trainer.config.training.batch_size < ONE_THREAD_BELOW:
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
    meta |= {"sampler": sampler_facts(SAMPLERS[SNAPSHOT_SAMPLER], {})}
    meta |= {"figures": figures, "field_level": {"alpha": level.alpha, "sigma": level.sigma, "time": level.time}}
    with TrajectoryWriter(path, meta) as writer:
        writer.add("loss", np.array(trainer.losses, np.float32))
        for name, values in snapshots.members().items():
            writer.add(name, values)
        if config.record.target_points:
            rng = generator(config.seed, Purpose.DATA, 2)
            points, label = target.draw_labelled(config.record.target_points, rng)
            writer.add("target", points)
            if label is not None:
                writer.add("target_label", label)
