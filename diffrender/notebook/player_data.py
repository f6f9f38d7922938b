"""The part of a recording that the player draws: some steps of some chains, as JSON whose arrays are base64."""

from __future__ import annotations

import base64
import math
from typing import Any

import numpy as np

from diffrender.core.errors import TrajectoryError
from diffrender.trajectory.projection import projected
from diffrender.trajectory.reader import Trajectory

MAX_STEPS = {"points": 120, "images": 60}
MAX_NUMBERS = 1_500_000  # of one array; fewer chains are shown where they would be more
MAX_POINTS, MAX_SIDE = 4000, 4  # chains as points, and along a side of a grid of images
MOST_DIMENSIONS = 3
QUANTILES = 0.002, 0.998  # of all coordinates: what the view must hold
MARGIN = 1.12


def player_data(run: Trajectory) -> dict[str, Any]:
    """Steps, levels, states, predictions and data of a recording, and what it says of itself; see player.js.

    TrajectoryError for states that are neither points nor images.
    """
    if len(run.event) == 1 and run.event[0] > MOST_DIMENSIONS:
        run = projected(run)
    if len(run.event) not in (1, 3):
        raise TrajectoryError(f"{run.file}: its states have shape {run.event}; points and images can be shown.")
    kind = "points" if len(run.event) == 1 else "images"
    states, clean, note = _states(run)
    steps = _evenly(len(states), MAX_STEPS[kind])
    chains = _chains(kind, states, len(steps))
    rows = np.minimum(steps, len(clean) - 1) if clean is not None else steps
    shown = np.stack([np.asarray(states[int(k)])[:chains] for k in steps])
    predicted = None if clean is None else np.stack([np.asarray(clean[int(k)])[:chains] for k in rows])
    pack = _packed_points if kind == "points" else _packed_images
    data: dict[str, Any] = {
        "kind": kind,
        "title": _title(run),
        "facts": [fact for fact in (*_facts(run, kind, chains, len(steps), len(states)), note) if fact],
        "incomplete": str(run.meta.get("incomplete", "")),
        "steps": steps.tolist(),
        "last": len(states) - 1,
        "chains": chains,
        "event": list(shown.shape[2:]),
        "levels": {key: _column(run, key, steps) for key in ("alpha", "sigma", "nfe") if key in run},
        "x": pack(shown),
        "x0": None if predicted is None else pack(predicted),
    }
    if kind == "points":
        target = np.asarray(run.target[:MAX_POINTS], np.float32)
        data |= {"target": pack(target), "box": _box(shown, target)}
    return data


def _states(run: Trajectory) -> tuple[Any, Any, str]:
    """States (K, N, *event) that are shown, the clean data predicted at them, and a word on what they are."""
    if run.kind == "training":
        return run["snapshot"], None, "samples drawn while training"
    if len(run.event) == 3 and run.event[0] not in (1, 3):  # latents
        if "decoded" in run:
            return run["decoded"], run.arrays.get("decoded_x0"), "latents, decoded"
        return _Mean(run.states), _Mean(run["x0"]) if "x0" in run else None, f"mean of {run.event[0]} channels"
    return run.states, run.arrays.get("x0"), ""


class _Mean:
    """States (T, N, C, H, W) with the mean over channels in their place; worked out for those that are asked for."""

    def __init__(self, states: Any) -> None:
        self.states = states

    def __len__(self) -> int:
        return len(self.states)

    def __getitem__(self, step: int) -> np.ndarray:
        return np.asarray(self.states[step], np.float32).mean(1, keepdims=True)


def _evenly(count: int, most: int) -> np.ndarray:
    """At most so many of 0 … count − 1, the first and the last among them."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))


def _chains(kind: str, states: Any, steps: int) -> int:
    """How many chains are shown: a square number of images."""
    first = np.asarray(states[0])
    room = max(1, MAX_NUMBERS // (steps * int(np.prod(first.shape[1:]))))
    count = min(len(first), room, MAX_POINTS)
    return count if kind == "points" else min(math.isqrt(count), MAX_SIDE) ** 2


def _column(run: Trajectory, key: str, steps: np.ndarray) -> list[float] | None:
    values = np.asarray(run[key], float)
    return values[steps].tolist() if values.ndim == 1 and len(values) > steps[-1] else None


def _packed_points(points: np.ndarray) -> str:
    """Float32, little-endian."""
    return base64.b64encode(np.ascontiguousarray(points, "<f4").tobytes()).decode()


def _packed_images(images: np.ndarray) -> str:
    """Values of [−1, 1] as bytes 0 … 255, channels last."""
    levels = np.round((np.clip(images.astype(np.float32), -1, 1) + 1) * 127.5).astype(np.uint8)
    return base64.b64encode(np.ascontiguousarray(np.moveaxis(levels, -3, -1)).tobytes()).decode()


def _box(states: np.ndarray, target: np.ndarray) -> list[list[float]]:
    """Lowest and highest of each coordinate that the view holds; all of one length."""
    both = np.concatenate([states.reshape(-1, states.shape[-1]), target.reshape(-1, states.shape[-1])])
    low, high = np.quantile(both, QUANTILES, axis=0)
    middle, half = (low + high) / 2, max(float((high - low).max()) / 2, 1e-6) * MARGIN
    return [(middle - half).tolist(), (middle + half).tolist()]


def _title(run: Trajectory) -> str:
    said = run.meta.get("title") or (run.meta.get("config") or {}).get("title")
    return str(said or run.file.stem.replace("_", " "))


def _facts(run: Trajectory, kind: str, chains: int, steps: int, states: int) -> list[str]:
    """What the caption says: as clips say it."""
    sampler, model = run.meta.get("sampler") or {}, run.meta.get("model") or {}
    word = kind if run.chains != 1 else kind[:-1]
    return [
        str(sampler.get("title") or sampler.get("name") or ""),
        f"{chains:,} of {run.chains:,} {word}" if chains < run.chains else f"{chains:,} {word}",
        f"{steps} of {states} states" if steps < states else "",
        "scaled to unit variance" if run.kind != "training" and run.rescaled else "",
        str(run.meta.get("projection", "")),
        f"seed {run.meta['seed']}" if run.meta.get("seed") is not None else "",
        str(model.get("label", "")) if isinstance(model, dict) else "",
    ]
