"""The seam between the wings: recordings as `.npz` files, written as a stream and read as maps. NumPy only.

A recording is an uncompressed `.npz` that `numpy.load(path, allow_pickle=False)` reads. docs/trajectory-format.md says
what is in it; :mod:`diffrender.trajectory.schema` says the same as code.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from diffrender.core.errors import TrajectoryError, suggest, words_of
from diffrender.trajectory.archive import read_members
from diffrender.trajectory.derived import derived
from diffrender.trajectory.schema import (
    KINDS,
    SCHEMA_VERSION,
    check_keys,
    check_shapes,
    check_values,
    first_not_finite,
)

MAX_SCALE = 1.5  # states whose deviation goes beyond are shown at unit variance


class Trajectory:
    """A recording: arrays by key (`t["x"]`, `"drift" in t`), and `meta`, what they came from.

    Attributes
    ----------
    file: where it was read. meta: dict (schema_version, kind, config, seed, versions, key, sampler, …).
    """

    def __init__(self, file: Path, meta: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        self.file, self.meta, self.arrays = file, meta, arrays

    @classmethod
    def open(cls, path: str | Path, mapped: bool = True) -> Trajectory:
        """Read and validate a recording; with `mapped` its arrays are read-only maps of the file.

        Raises TrajectoryError naming the file and the key: not a recording, truncated, of no known kind, a pickle, a
        key missing, of the wrong type or shape, holding NaN or infinity, or what no run can have been.
        """
        path = Path(path)
        arrays = read_members(path, mapped)
        meta = _parse_meta(arrays.pop("meta", None), path)
        kind = meta["kind"]
        check_keys(arrays, kind, str(path))
        check_shapes({k: (a.shape, a.dtype) for k, a in arrays.items()}, kind, str(path))
        for key, array in arrays.items():
            if (row := first_not_finite(array)) is not None:
                raise TrajectoryError(
                    f"{path}: '{key}' holds NaN or infinity (first at index {row}).",
                    "The run diverged, or was written wrongly: make the recording again.",
                )
        check_values(arrays, kind, str(path))
        return cls(path, meta, arrays | derived(arrays))

    def __getitem__(self, key: str) -> np.ndarray:
        self.require(key)
        return self.arrays[key]

    def __getattr__(self, key: str) -> np.ndarray:
        if key.startswith("_") or key == "arrays" or key not in self.arrays:
            raise AttributeError(f"this recording has no '{key}'")
        return self.arrays[key]

    def __contains__(self, key: str) -> bool:
        return key in self.arrays

    def __iter__(self) -> Iterator[str]:
        return iter(self.arrays)

    def __repr__(self) -> str:
        shapes = ", ".join(f"{key} {array.shape}" for key, array in self.arrays.items())
        return f"<Trajectory {self.file.name}: {self.kind}, {shapes}>"

    def require(self, *keys: str) -> None:
        """TrajectoryError naming the first of `keys` that was not recorded."""
        for key in keys:
            if key not in self.arrays:
                raise TrajectoryError(
                    f"{self.file}: '{key}' was not recorded. {suggest(key, self.arrays)}",
                    "Record it: see 'record' in the config (keep, fields, density, target_points); of a model of your"
                    f" own: {by_hand(key)} (docs/your-model.md).",
                )

    @property
    def kind(self) -> str:
        """reverse, langevin, forward, training or autoencoder."""
        return self.meta["kind"]

    @property
    def steps(self) -> int:
        """T: the moves between kept states; of a training record, the training steps."""
        return len(self.arrays["loss"]) if self.kind == "training" else len(self.arrays[self._states]) - 1

    @property
    def chains(self) -> int:
        """N: how many chains, samples in a snapshot, or codes."""
        return self.arrays[self._states].shape[1]

    @property
    def event(self) -> tuple[int, ...]:
        """Shape of one state: (D,) or (C, H, W)."""
        return self.arrays[self._states].shape[2:]

    @property
    def _states(self) -> str:
        """The member that holds states."""
        return {"training": "snapshot", "autoencoder": "code"}.get(self.kind, "x")

    @property
    def target(self) -> np.ndarray:
        """(M, *event) reference data; none, if none were recorded."""
        return self.arrays["target"] if "target" in self.arrays else np.empty((0, *self.event), np.float32)

    @cached_property
    def scale(self) -> np.ndarray:
        """(T+1,) what `states` divide the recorded ones by: √(α² + σ²) where that leaves 1 so far that they would not
        fit a frame, else ones."""
        if "alpha" not in self.arrays or "sigma" not in self.arrays:
            return np.ones(self.steps + 1)
        return shown_scale(self.arrays["alpha"], self.arrays["sigma"])

    @property
    def rescaled(self) -> bool:
        """Whether `states` are not the recorded ones, but of unit variance."""
        return bool((self.scale != 1).any())

    @property
    def states(self) -> Any:
        """(T+1, N, *event) states as they are shown, of a training its snapshots; only those asked for are read."""
        x = self.arrays[self._states]
        return ScaledStates(x, self.scale) if self.rescaled else x

    @property
    def fields(self) -> list[str]:
        """Names of the recorded fields, without `field_`."""
        return [k[6:] for k in self.arrays if k.startswith("field_") and k != "field_time"]


def kind_of(path: Path) -> str:
    """The kind of run that a recording says it holds; not checked further. TrajectoryError if it is no recording."""
    return _parse_meta(read_members(path, mapped=True).get("meta"), path)["kind"]


def check_whole(path: Path) -> Trajectory:
    """A recording that comes from elsewhere, its bytes compared with their checksums too, which `open` does not read.

    Raises TrajectoryError as `Trajectory.open`, and for bytes that are not those that were written.
    """
    run = Trajectory.open(path)
    with zipfile.ZipFile(path) as archive:
        if damaged := archive.testzip():
            raise TrajectoryError(
                f"{path}: '{damaged.removesuffix('.npy')}' is damaged: its bytes are not those that were written.",
                "Copy the file again, or make the recording again.",
            )
    return run


def shown_scale(alpha: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """What states at these levels, (T+1,) each, are divided by where they are shown, (T+1,): see `Trajectory.scale`."""
    scale = np.hypot(np.asarray(alpha, float), np.asarray(sigma, float))
    return scale if scale.max() > MAX_SCALE else np.ones_like(scale)


def by_hand(key: str) -> str:
    """How a member is added to a recording of one's own."""
    for prefix, method in (("field_", "field"), ("metric_", "metric")):
        if key.startswith(prefix):
            return f"recorder.{method}('{key.removeprefix(prefix)}', …)"
    if key.startswith(("grid_", "density")):
        return "recorder.field(…) or recorder.density(…)"
    if key in ("x0", "eps", "drift", "noise"):
        return f"recorder.state(x, …, {key}=…)"
    return {"target": "recorder.target(…)", "label": "recorder.classes(…)"}.get(key, f"recorder.add('{key}', …)")


class ScaledStates:
    """A recording x (T+1, N, …) seen divided by a number for each state; read like an array, by step and then chains.

    >>> states = ScaledStates(x, scale)
    >>> states[5], states[2:9], states[:, :40]
    """

    def __init__(self, x: np.ndarray, scale: np.ndarray) -> None:
        self.x, self.scale, self.shape, self.ndim = x, scale, x.shape, x.ndim

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: Any) -> Any:
        steps, *rest = index if isinstance(index, tuple) else (index,)
        if isinstance(steps, slice) and steps == slice(None) and rest:
            return ScaledStates(self.x[index], self.scale)
        scale = np.asarray(self.scale[steps], np.float32)
        kept = self.x[(steps, *rest)]
        return kept / scale.reshape(scale.shape + (1,) * (kept.ndim - scale.ndim))


def _parse_meta(array: np.ndarray | None, path: Path) -> dict[str, Any]:
    """The JSON of `meta`, known to be of a version and kind that can be read."""
    if array is None:
        raise TrajectoryError(
            f"{path}: 'meta' is missing: this is not a recording.",
            "diffrender.Recorder writes one of any arrays; docs/trajectory-format.md says what it holds.",
        )
    try:
        meta = json.loads(str(array))
    except (ValueError, RecursionError) as error:
        raise TrajectoryError(f"{path}: 'meta' is not JSON ({words_of(error)}).") from None
    if not isinstance(meta, dict) or meta.get("kind") not in KINDS:
        kind = meta.get("kind") if isinstance(meta, dict) else meta
        raise TrajectoryError(f"{path}: 'meta' names no kind that is known (got {kind!r:.60}).", suggest("", KINDS))
    found = meta.get("schema_version")
    if not isinstance(found, int) or not 1 <= found <= SCHEMA_VERSION:
        raise TrajectoryError(
            f"{path}: schema version {found!r:.20}; this diffrender reads up to {SCHEMA_VERSION}.",
            "Update diffrender, or make the recording again.",
        )
    return meta
