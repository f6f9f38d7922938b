"""The recorder keeps what it is told to of a run: ours, anyone's loop, a diffusers pipeline, k-diffusion."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from diffrender.core.errors import TrajectoryError
from diffrender.diffusion.levels import Level
from diffrender.diffusion.recording.attach import attached
from diffrender.diffusion.recording.schedulers import scheduler_scales
from diffrender.diffusion.samplers.base import Step
from diffrender.trajectory.reader import TrajectoryWriter

BLOCK_BYTES = 1 << 22  # of one member, held before they are written
BLOCK_ROWS = 1 << 12
SPLIT = ("drift", "noise")
METROPOLIS = ("proposal", "momentum", "path")


@dataclass(frozen=True)
class Keep:
    """What to keep of each move, beside the states.

    members: of x0, eps, drift, noise; what a Langevin sampler adds (accepted, proposal, momentum, path) comes unasked.
    every: keep each k-th state; the first and the last always. states: keep these instead, by their numbers. drift and
    noise are summed over the moves between, x0 and eps are those of the first of them, and of what Langevin samplers
    add only `accepted` (moved at all) is left. half: members that are written in float16.
    """

    members: tuple[str, ...] = ("x0", "eps", "drift", "noise")
    every: int = 1
    states: frozenset[int] | None = None
    half: tuple[str, ...] = ()

    def keeps(self, index: int) -> bool:
        """Whether the state before move `index` is kept."""
        return index % self.every == 0 if self.states is None else index in self.states

    @property
    def all(self) -> bool:
        """Whether every state is kept."""
        return self.every == 1 and self.states is None


class Recorder:
    """Writes a run to a trajectory file as it happens; the memory used is a few blocks, however long the run.

    >>> with Recorder("mine.npz", sampler={"name": "mine"}) as recorder:     # doctest: +SKIP
    ...     recorder.record(steps)                                           # any iterable of Step
    ...     recorder.add("target", points)                                   # any member of the schema

    For loops that know no Step, `state` takes the states one by one. Further keywords (config, seed, key, title, …) go
    into `meta`. On an exception nothing is written, but what `attach` has seen. See docs/trajectory-format.md.

    levels, nfe: of the states kept so far.
    """

    def __init__(
        self, path: str | Path, *, kind: str = "reverse", keep: Keep | None = None, chains: int = 0, **meta: Any
    ) -> None:
        self.keep, self.chains = keep or Keep(), chains
        self.writer = TrajectoryWriter(path, {"kind": kind, **meta})
        self.blocks: dict[str, list[torch.Tensor]] = {}
        self.room: dict[str, int] = {}
        self.levels: list[Level] = []
        self.nfe: list[int] = []
        self.first = self.batch = 0
        self.pending: dict[str, torch.Tensor] = {}
        self.written: dict[str, int] = {}

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *error: Any) -> None:
        if "incomplete" in self.meta:
            error = (None, None, None)
        try:
            if error[0] is None:
                self._end_batch()
        except BaseException as failure:
            self.writer.__exit__(type(failure), failure, None)
            raise
        self.writer.__exit__(*error)

    @property
    def meta(self) -> dict[str, Any]:
        """What goes into `meta`; may be added to until the end."""
        return self.writer.meta

    def add(self, key: str, array: Any) -> None:
        """Write a whole member: target, label, grid_x, field_…, metric_…."""
        self.writer.add(key, _array(array))

    def record(self, steps: Iterable[Step], first: int = 0) -> torch.Tensor:
        """Record a run to its end and return the last states, (N, *event)."""
        for step in self.follow(steps, first):
            x = step.x_next
        return x

    def follow(self, steps: Iterable[Step], first: int = 0) -> Iterator[Step]:
        """The same steps, recorded in passing.

        first: index of the first of these chains, in a run recorded batch by batch (`chains` says how many in all).
        """
        self.begin(first)
        before, step = 0, None
        for i, step in enumerate(steps):
            if i == 0 or self.keep.keeps(i):
                self._state(step.x, step.level, before)
                self.pending = self._moves(step)
            else:
                self._merge(step)
            yield step
            before = step.nfe
        if step is None:
            raise TrajectoryError(f"{self.writer.path}: the sampler made no step.")
        self._state(step.x_next, step.next_level, before)

    def moves(
        self, x: np.ndarray, levels: Sequence[Level], nfe: Sequence[int], *, first: int = 0, **parts: np.ndarray
    ) -> None:
        """Record B moves at once, where every state is kept; end the run with `end(x, level, nfe)`.

        x: (B, N, *event) states before the moves. levels, nfe: of those states. first: index of the first move of the
        block; 0 begins a batch. parts: drift, noise, … of the moves, (B, N, *event) each.
        """
        if not self.keep.all:
            raise TrajectoryError(f"{self.writer.path}: moves are recorded in blocks only where every state is kept.")
        if first == 0:
            self.begin()
        for key, rows in {"x": x, **{k: v for k, v in parts.items() if k in self.keep.members}}.items():
            self._write(key, _array(rows))
        if self.batch <= 1:
            self.levels += levels
            self.nfe += nfe

    def end(self, x: torch.Tensor, level: Level, nfe: int) -> None:
        """The last state, (N, *event), of a run that was recorded by `moves`."""
        self._state(x, level, nfe)

    def begin(self, first: int = 0) -> None:
        """Start a batch of chains at index `first`."""
        self._end_batch()
        self.first, self.batch = first, self.batch + 1

    def state(
        self,
        x: Any,
        *,
        alpha: float,
        sigma: float,
        time: float | None = None,
        nfe: int | None = None,
        **predictions: Any,
    ) -> None:
        """Record one state (N, *event) of a loop of your own, from the noisy end to the clean one.

        x and predictions: tensors, or arrays of NumPy, JAX or anything that NumPy can read; they are copied.
        time: default sigma / (alpha + sigma). nfe: network calls until it; default, the states before it. predictions:
        x0 and eps made at it, or drift and noise of the move from it; those of the last state are dropped.
        """
        place = sigma / (alpha + sigma) if time is None else time
        level = Level(float(alpha), float(sigma), float(place))
        self._state(self._copied("x", x), level, len(self.nfe) if nfe is None else nfe)
        self.pending = {k: self._copied(k, v) for k, v in predictions.items() if k in self.keep.members}

    def attach(self, pipeline: Any) -> AbstractContextManager[None]:
        """Record one run of a diffusers pipeline (or of its scheduler) in the block, by watching the scheduler's steps.

        Kept before each step: x, x0, eps, model_output, timestep, alpha, sigma, nfe. meta.x0_from says what x0 is from.
        The pipeline's result is unchanged, and so is the scheduler afterwards, also on errors; what was recorded until
        then is written and marked (meta.incomplete). TrajectoryError: a scheduler of unknown levels, a second run.
        """
        return attached(self, pipeline)

    def callback(self, info: dict[str, Any]) -> None:
        """`callback` of k-diffusion's samplers; hand what they return to `state(x, alpha=1, sigma=0)`."""
        self.state(info["x"], alpha=1.0, sigma=float(info["sigma"]), x0=info["denoised"])

    def callback_on_step_end(
        self, pipeline: Any, index: int, timestep: Any, tensors: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        """`callback_on_step_end` of diffusers pipelines: the latents after each step.

        Where you hand latents of your own to the pipeline, record them first with `state`: it tells no one its start.
        """
        alpha, sigma = scheduler_scales(pipeline.scheduler, index + 1)
        self.state(tensors["latents"], alpha=alpha, sigma=sigma, nfe=index + 1)
        return tensors

    # ---- in detail -------------------------------------------------------------------------------------------------
    def _copied(self, key: str, value: Any) -> torch.Tensor:
        """A copy of anyone's array, as a tensor; TrajectoryError if it is no array of numbers (N, *event)."""
        if isinstance(value, torch.Tensor):
            return value.detach().clone()
        try:
            array = np.array(value)
        except (TypeError, ValueError, RuntimeError) as error:
            raise TrajectoryError(f"{self.writer.path}: '{key}': cannot be read as an array ({error}).") from None
        if array.dtype.kind not in "fiub" or array.ndim < 2:
            raise TrajectoryError(
                f"{self.writer.path}: '{key}': an array (N, *event) of numbers is needed, not {array.dtype} of shape "
                f"{array.shape}.",
                "One row a chain: x[:, None] for chains in one dimension.",
            )
        return torch.from_numpy(array if array.dtype.kind == "f" else array.astype(np.float32))

    def _moves(self, step: Step) -> dict[str, torch.Tensor]:
        """What is kept of one move."""
        found = {k: v for k in self.keep.members if (v := getattr(step, k)) is not None}
        if step.accepted is not None:
            found["accepted"] = step.accepted
        if self.keep.all:
            found |= {k: v for k in METROPOLIS if (v := getattr(step, k)) is not None}
            if step.path is not None:
                found["path"] = step.path.transpose(0, 1)
        elif step.accepted is not None:
            found |= {k: _where(step.accepted, v) for k in SPLIT if (v := found.get(k)) is not None}
        return found

    def _merge(self, step: Step) -> None:
        """Add a move that is not kept to the one before."""
        more = self._moves(step)
        for key in SPLIT:
            if key in more:
                self.pending[key] = self.pending[key] + more[key]
        if "accepted" in more:
            self.pending["accepted"] = self.pending["accepted"] | more["accepted"]

    def _state(self, x: torch.Tensor, level: Level, nfe: int) -> None:
        """A new row: the move that led here, then the state."""
        for key, value in self.pending.items():
            self._put(key, value)
        self.pending = {}
        self._put("x", x)
        if self.batch <= 1:
            self.levels.append(level)
            self.nfe.append(nfe)

    def _put(self, key: str, value: torch.Tensor) -> None:
        block = self.blocks.get(key)
        if block is None:
            block = self.blocks[key] = []
            self.room[key] = max(1, min(BLOCK_ROWS, BLOCK_BYTES // max(1, value.nbytes)))
        block.append(value)
        if len(block) >= self.room[key]:
            self._flush(key)

    def _flush(self, key: str) -> None:
        block = self.blocks[key]
        rows = _array(torch.stack(block))
        block.clear()
        self._write(key, rows)

    def _write(self, key: str, rows: np.ndarray) -> None:
        if key in self.keep.half:
            rows = rows.astype(np.float16)
        at = None if self.batch <= 1 else self.written.setdefault(key, 0)
        self.writer.write(key, rows, at=at, first=self.first, chains=self.chains)
        if at is not None:
            self.written[key] = at + len(rows)

    def _end_batch(self) -> None:
        """Write what is still in memory."""
        for key in [k for k, block in self.blocks.items() if block]:
            self._flush(key)
        if self.levels and "nfe" not in self.writer.spools:
            for key in ("alpha", "sigma", "time"):
                self.writer.add(key, np.array([getattr(level, key) for level in self.levels]))
            self.writer.add("nfe", np.array(self.nfe, np.int64))
        if self.batch > 1 and self.written["x"] != self.writer.spools["x"].rows:
            raise TrajectoryError(f"{self.writer.path}: the chains of one run must all make the same number of steps.")
        self.pending, self.written = {}, {}


def _where(accepted: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """`value` of the chains that moved, 0 of the others."""
    return value * accepted.view(-1, *[1] * (value.ndim - 1))


def _array(value: Any) -> np.ndarray:
    """As NumPy, in float32 where it is floating point."""
    if isinstance(value, torch.Tensor):
        value = value.detach().to("cpu", torch.float32 if value.is_floating_point() else value.dtype).numpy()
    value = np.asarray(value)
    return value.astype(np.float32) if value.dtype == np.float64 and value.ndim > 1 else value
