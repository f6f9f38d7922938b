"""The recorder keeps what it is told to of a run: ours, anyone's loop, a diffusers pipeline, k-diffusion."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from diffrender.core.errors import TrajectoryError, suggest
from diffrender.diffusion.levels import Level
from diffrender.diffusion.recording.arrays import as_tensor, to_store
from diffrender.diffusion.recording.attach import attached
from diffrender.diffusion.recording.keep import MEMBERS_OF_MOVES, OF_LANGEVIN, Keep
from diffrender.diffusion.recording.members import Members
from diffrender.diffusion.recording.pipeline_decoded import Decode
from diffrender.diffusion.recording.rows import Rows
from diffrender.diffusion.recording.schedulers import scheduler_scales
from diffrender.diffusion.samplers.base import Step
from diffrender.trajectory.writer import TrajectoryWriter


class Recorder(Members):
    """Writes a run to a trajectory file as it happens; the memory used is a few blocks, however long the run.

    >>> with Recorder("mine.npz", seed=0) as recorder:                       # doctest: +SKIP
    ...     for x, alpha, sigma, x0 in my_sampler():
    ...         recorder.state(x, alpha=alpha, sigma=sigma, x0=x0)
    ...     recorder.target(points)                                          # see `Members` for what else may be added

    `states` takes a whole loop, `attach` watches a pipeline of diffusers, `callback` is k-diffusion's, `record` takes
    an iterable of Step. Further keywords (config, seed, key, title, …) go into `meta`. On an exception a run of ours
    leaves nothing; of anyone else's loop or pipeline what was recorded until then is written, and marked
    (meta.incomplete). See docs/your-model.md and docs/trajectory-format.md.

    levels, nfe: of the states kept so far. parts: see `TrajectoryWriter`.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        kind: str = "reverse",
        keep: Keep | None = None,
        chains: int = 0,
        parts: Path | None = None,
        **meta: Any,
    ) -> None:
        self.keep = keep or Keep()
        self.writer = TrajectoryWriter(path, {"kind": kind, **meta}, parts=parts)
        self.rows = Rows(self.writer, self.keep.half, chains)
        self.foreign = False  # whether states come from a loop that is not ours
        self.levels: list[Level] = []
        self.nfe: list[int] = []
        self.pending: dict[str, torch.Tensor] = {}

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *error: Any) -> None:
        if error[0] is not None and self.foreign and len(self.levels) > 1:
            self.meta.setdefault("incomplete", f"{error[0].__name__}: {error[1]}"[:500])
            error = (None, None, None)
        try:
            if error[0] is None:
                self._end()
        except BaseException as failure:
            self.writer.__exit__(type(failure), failure, None)
            raise
        self.writer.__exit__(*error)

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
                self.pending = self.keep.of_move(step)
            else:
                self.pending = self.keep.merged(self.pending, step)
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
        block; 0 begins a batch. parts: drift, noise, … of the moves, (B, N, *event) each, paths (B, N, L, *event).
        """
        if not self.keep.all:
            raise TrajectoryError(f"{self.writer.path}: moves are recorded in blocks only where every state is kept.")
        if first == 0:
            self.begin()
        kept = {k: v for k, v in parts.items() if k in (*self.keep.members, "accepted", *OF_LANGEVIN)}
        for key, rows in {"x": x, **kept}.items():
            self.rows.write(key, to_store(rows))
        if self.rows.batch <= 1:
            self.levels += levels
            self.nfe += nfe

    def end(self, x: torch.Tensor, level: Level, nfe: int) -> None:
        """The last state, (N, *event), of a run that was recorded by `moves`."""
        self._state(x, level, nfe)

    def begin(self, first: int = 0) -> None:
        """Start a batch of chains at index `first`."""
        self._end()
        self.rows.begin(first)

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

        x and predictions: floating-point tensors, or arrays of NumPy, JAX or anything that NumPy can read; they are
        copied. time: default sigma / (alpha + sigma). nfe: network calls until it; default, the states before it.
        predictions: x0 and eps made at it, or drift and noise of the move from it; those of the last state are dropped.
        """
        unknown = next((key for key in predictions if key not in MEMBERS_OF_MOVES), None)
        if unknown is not None:
            raise TrajectoryError(
                f"{self.writer.path}: state takes no '{unknown}'. {suggest(unknown, MEMBERS_OF_MOVES)}",
                "What is no part of a state is added with target, classes, metric, field, density or add.",
            )
        self.foreign = True
        alpha, sigma = self._number(alpha, "alpha"), self._number(sigma, "sigma")
        place = sigma / (alpha + sigma) if time is None else self._number(time, "time")
        level = Level(alpha, sigma, place)
        state = as_tensor("x", x, self.writer.path)
        found = {k: as_tensor(k, v, self.writer.path) for k, v in predictions.items() if k in self.keep.members}
        for key, value in {"x": state, **found}.items():
            if not torch.isfinite(value).all():
                raise TrajectoryError(f"{self.writer.path}: '{key}' of state {len(self.nfe)} holds NaN or infinity.")
        self._state(state, level, len(self.nfe) if nfe is None else nfe)
        self.pending = found

    def _number(self, value: Any, name: str) -> float:
        """A number, or an array or tensor of one; TrajectoryError for anything else."""
        try:
            return float(value.item() if hasattr(value, "item") else value)
        except (TypeError, ValueError, RuntimeError):
            raise TrajectoryError(f"{self.writer.path}: {name} is one number for all states of a step.") from None

    def states(
        self, loop: Iterable[Any], *, alpha: Sequence[float] | None = None, sigma: Sequence[float] | None = None
    ) -> Iterator[Any]:
        """The items of a loop, recorded in passing.

        An item is a mapping of what `state` takes (x, alpha, sigma, x0, …); or a state x alone, where alpha and sigma
        (1 where not given) are tables that say the level of each.

        >>> for x in recorder.states(my_sampler(), sigma=sigmas): ...        # doctest: +SKIP
        """
        if alpha is None and sigma is not None:
            alpha = [1.0] * len(sigma)
        for i, item in enumerate(loop):
            if isinstance(item, Mapping):
                self.state(**item)
            elif sigma is None or alpha is None:
                raise TrajectoryError(
                    f"{self.writer.path}: states that come alone need their levels.",
                    "Give sigma=… (and alpha=…), or yield mappings with x, alpha and sigma.",
                )
            elif i >= min(len(alpha), len(sigma)):
                raise TrajectoryError(f"{self.writer.path}: more states than the {min(len(alpha), len(sigma))} levels.")
            else:
                self.state(item, alpha=alpha[i], sigma=sigma[i])
            yield item

    def attach(
        self, pipeline: Any, *, chains: int = 0, decode: int = 0, decode_every: int = 1
    ) -> AbstractContextManager[None]:
        """Record one run of a diffusers pipeline (or of its scheduler) in the block, by watching the scheduler's steps.

        Kept before each step: x, x0, eps, model_output, timestep, alpha, sigma, nfe; where noise was injected, noise;
        of guidance output_conditional and output_unconditional; of a start from data `source` and `source_noise`; what
        the call was given (prompt, class_labels, guidance_scale, …) in meta.pipeline, classes also as label.
        meta.x0_from says what x0 is from. chains: keep the first so many, if not all. decode: decode so many chains of
        a latent pipeline by its own VAE, each `decode_every`-th recorded state and the last: `decoded` or `decoded_x`,
        `decoded_x0`, `decoded_step`.

        The pipeline's result is unchanged, and so is the scheduler afterwards, also on errors; what was recorded until
        then is written and marked (meta.incomplete). TrajectoryError: a scheduler of unknown levels, a second run.
        """
        return attached(self, pipeline, chains=chains, decode=Decode(decode, decode_every))

    def callback(self, info: Mapping[str, Any]) -> None:
        """`callback` of k-diffusion's samplers; hand what they return to `state(x, alpha=1, sigma=0)`."""
        sigma = info.get("sigma_hat", info["sigma"])  # where noise was added first (churn), x stands at this one
        self.state(info["x"], alpha=1.0, sigma=float(sigma), x0=info["denoised"])

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
    def _state(self, x: torch.Tensor, level: Level, nfe: int) -> None:
        """A new row: the move that led here, then the state."""
        for key, value in self.pending.items():
            self.rows.put(key, value)
        self.pending = {}
        self.rows.put("x", x)
        if self.rows.batch <= 1:
            self.levels.append(level)
            self.nfe.append(nfe)
        if self.writer.parts:  # what a process that is killed shall leave
            self.rows.flush()
            for key, number in (("alpha", level.alpha), ("sigma", level.sigma), ("time", level.time)):
                self.writer.write(key, np.array([number]))
            self.writer.write("nfe", np.array([nfe], np.int64))

    def _end(self) -> None:
        """Write what is still in memory, and the levels of the states."""
        self.rows.end()
        if self.levels and "nfe" not in self.writer.spools:
            for key in ("alpha", "sigma", "time"):
                self.writer.add(key, np.array([getattr(level, key) for level in self.levels]))
            self.writer.add("nfe", np.array(self.nfe, np.int64))
        self.pending = {}
