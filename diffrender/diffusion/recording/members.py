"""Members that the recording of anyone's run may hold beside its states: data, classes, fields, densities, metrics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from diffrender.core.errors import TrajectoryError
from diffrender.diffusion.levels import Level
from diffrender.diffusion.recording.arrays import read_array, to_store
from diffrender.diffusion.recording.grids import Grid
from diffrender.trajectory.writer import TrajectoryWriter

AXES = ("x", "y", "z")
Probe = Callable[[torch.Tensor, Level], Any]


class Members:
    """The part of a `Recorder` that adds whole members.

    Arrays are torch's, NumPy's, or of anything that NumPy can read. Call these in the recorder's block; a function to
    be probed is asked at the levels of the states recorded until then, so call those after the loop.
    """

    writer: TrajectoryWriter
    levels: list[Level]

    @property
    def meta(self) -> dict[str, Any]:
        """What goes into `meta`; may be added to until the end."""
        return self.writer.meta

    def add(self, key: str, array: Any) -> None:
        """Write a whole member as docs/trajectory-format.md has it: target, label, grid_x, field_…, metric_…."""
        self.writer.add(key, to_store(read_array(key, array, self.writer.path)))

    def describe(self, *, sampler: str = "", equation: str = "", model: str = "", title: str = "") -> None:
        """Say what ran, as scenes show it: the sampler's name and update equation, the model's name, a title.

        equation: mathematics of Typst, in which `{{term : state}}`, `data`, `score`, `noise` and `sum` colour terms:
        `{{x_(t-1) : sum}} = x_t + {{d_t : data}}`.
        """
        said = {"title": sampler, "equation": equation}
        if sampler or equation:
            before = self.meta.get("sampler") or {}
            self.meta["sampler"] = {"name": sampler, **before, **{k: v for k, v in said.items() if v}}
        if model:
            self.meta["model"] = {"kind": "learned", "name": model, "label": model}
        if title:
            self.meta["title"] = title

    def target(self, points: Any, *, labels: Any = None, names: Sequence[str] = ()) -> None:
        """Reference data (M, *event), beside which samples are shown; their classes (M,) and the classes' names."""
        self.add("target", points)
        if labels is not None:
            self.add("target_label", np.asarray(read_array("target_label", labels, self.writer.path), np.int64))
        if names:
            self._name_classes(names)

    def classes(self, labels: Any, names: Sequence[str] = ()) -> None:
        """The class of each chain, (N,) integers, and the classes' names."""
        self.add("label", np.asarray(read_array("label", labels, self.writer.path), np.int64))
        if names:
            self._name_classes(names)

    def metric(self, name: str, values: Any) -> None:
        """A figure of each recorded state, (T+1,), drawn as a curve; sliced_wasserstein is the distance to the data."""
        self.add(f"metric_{name}", np.asarray(read_array(name, values, self.writer.path), np.float64))

    def field(
        self,
        name: str,
        values: Any,
        *,
        box: Sequence[float] = (),
        grid: tuple[int, int] = (24, 24),
        axes: Sequence[Any] = (),
        time: Any = None,
    ) -> None:
        """A vector field: score, exact_score, velocity (dx/dt, towards noise) or drift; `drift` draws the velocity.

        values: a function (points (G, D) float32, level) → (G, D), probed on `grid` points in box (x0, x1, y0, y1[, z0,
        z1]) at each recorded level that is not clean; or an array (F, [Gz,] Gy, Gx, D) with its axes x, y[, z] and the
        `time` (F,) of each entry.
        """
        self._probed(f"field_{name}", values, "grid", "field_time", box, grid, axes, time, vectors=True)

    def density(
        self,
        values: Any,
        *,
        box: Sequence[float] = (),
        grid: tuple[int, int] = (96, 96),
        axes: Sequence[Any] = (),
        time: Any = None,
    ) -> None:
        """The density that states should follow, its integral 1: as `field`, of values (G,) or (P, [Pz,] Py, Px)."""
        self._probed("density", values, "density", "density_time", box, grid, axes, time, vectors=False)

    # ---- in detail ---------------------------------------------------------------------------------------------------
    def _name_classes(self, names: Sequence[str]) -> None:
        self.meta["target"] = {**(self.meta.get("target") or {}), "labels": [str(name) for name in names]}

    def _probed(
        self,
        key: str,
        values: Any,
        prefix: str,
        time_key: str,
        box: Sequence[float],
        counts: tuple[int, int],
        axes: Sequence[Any],
        time: Any,
        *,
        vectors: bool,
    ) -> None:
        """Write a member on a grid, with the grid and its times where they are not there yet."""
        if callable(values):
            rows, axes, time = self._asked(key, values, box, counts, vectors)
        else:
            if not len(axes) or time is None:
                raise TrajectoryError(
                    f"{self.writer.path}: {key}: an array needs its axes and times.",
                    "Give axes=[x, y] and time=…, or a function in place of the array.",
                )
            rows = read_array(key, values, self.writer.path)
        beside = {f"{prefix}_{d}": np.asarray(axis, float) for d, axis in zip(AXES, axes, strict=False)}
        beside[time_key] = np.asarray(time, float)
        for name, array in beside.items():
            if name not in self.writer.spools:
                self.writer.add(name, array)
            elif self.writer.spools[name].shape != array.shape:
                raise TrajectoryError(
                    f"{self.writer.path}: {key}: its {name} has {len(array)} entries, and that of what was added before"
                    f" {self.writer.spools[name].rows}: all fields share one grid and times, and so do densities."
                )
        self.writer.add(key, to_store(np.asarray(rows, np.float32)))

    def _asked(
        self, key: str, ask: Probe, box: Sequence[float], counts: tuple[int, int], vectors: bool
    ) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
        """A function's values on a grid at each recorded level, the grid's axes and the levels' times."""
        if len(box) not in (2, 4, 6):
            raise TrajectoryError(
                f"{self.writer.path}: {key}: a function needs the box in which it is probed.",
                "Give box=(x0, x1, y0, y1), and z0, z1 in space.",
            )
        levels = [a for a, b in zip(self.levels, [None, *self.levels], strict=False) if a.sigma > 0 and a != b]
        if not levels:
            raise TrajectoryError(
                f"{self.writer.path}: {key}: no state was recorded yet at whose level it could be probed.",
                "Add functions after the loop, or give arrays.",
            )
        where = Grid(box, counts, len(box) // 2)
        rows = []
        for level in levels:
            values = read_array(key, ask(where.points, level), self.writer.path)
            expected = (len(where.points), len(box) // 2) if vectors else (len(where.points),)
            if values.shape != expected:
                raise TrajectoryError(
                    f"{self.writer.path}: {key}: the function gave shape {values.shape}, not {expected}."
                )
            rows.append(values.reshape(*where.shape, *values.shape[1:]))
        return np.stack(rows), where.axes, np.array([level.time for level in levels])
