"""States that cannot be drawn as they are: of many dimensions through a linear projection, latents as decoded images.

Each says its own name. A projection takes no mean away, so that what holds of states holds of their pictures:
x = α x_0 + σ ε, and moves add up.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from diffrender.core.errors import TrajectoryError
from diffrender.trajectory.derived import EstimatedNoise
from diffrender.trajectory.reader import Trajectory
from diffrender.trajectory.schema import MEMBERS

PLANE = 2
MOST_POINTS = 20_000  # of the data, that principal components are taken of
LEFT_OUT = ("field_", "grid_", "density", "metric_sliced_wasserstein")  # of all dimensions, not of the picture


def projected(run: Trajectory, how: str = "pca") -> Trajectory:
    """The run with every state (D,) mapped to two numbers or three; `meta.projection` names the map.

    how: pca, the first two principal components of the data (of the last states, where no data were recorded); or
    coordinates, counted from 0: `0,1` or `0,1,2`. What is recorded of all dimensions together (fields, densities, the
    distance to the data) is left out. TrajectoryError for states that are no points, and coordinates they do not have.
    """
    if len(run.event) != 1 or run.event[0] < PLANE:
        raise TrajectoryError(
            f"{run.file}: project={how}: its states have shape {run.event}; points of two dimensions or more can be."
        )
    axes, name = _principal(run) if how == "pca" else _coordinates(run, how)
    arrays = {}
    for key, array in run.arrays.items():
        member = MEMBERS.get(key)
        if member is not None and member.axes.endswith("*event"):
            arrays[key] = (np.asarray(array) @ axes).astype(np.float32)
        elif not key.startswith(LEFT_OUT):
            arrays[key] = array
    return Trajectory(run.file, {**run.meta, "projection": name}, arrays)


def decoded_images(run: Trajectory) -> Trajectory:
    """A run of latents as the images that were decoded from its states; `meta.projection` says so.

    Of ε̂, which no decoder can show, the first three channels are kept. Codes of an autoencoder stand in for what their
    model predicts, which was not decoded. TrajectoryError where nothing was decoded.
    """
    images = run.arrays.get("decoded", run.arrays.get("decoded_x"))
    codes = len(run.event) == 1
    if images is None or not (codes or "decoded_x0" in run) or len(images) < 2:
        raise TrajectoryError(
            f"{run.file}: its states are latents of {run.event[0]} channels, and no image was decoded from them.",
            "Record them with recorder.attach(pipeline, decode=9), or show the latents: diffrender page.",
        )
    rows = np.asarray(run.arrays.get("decoded_step", np.arange(len(images))))
    arrays: dict[str, Any] = {"x": images, "x0": np.asarray(images if codes else run["decoded_x0"])[:-1]}
    if codes and run.rescaled:  # where states are divided by their scale, images are to come out as they were decoded
        arrays["x"] = np.asarray(images, np.float32) * run.scale[:, None, None, None, None].astype(np.float32)
    for key, array in run.arrays.items():
        axes = MEMBERS[key].axes if key in MEMBERS else ""
        if axes == "T+1":
            arrays[key] = np.asarray(array)[rows]
        elif axes == "N":
            arrays[key] = np.asarray(array)[: images.shape[1]]
    if "eps" in run and not codes:
        arrays["eps"] = np.stack([run["eps"][step][: images.shape[1], :3] for step in rows[:-1]])
    arrays["noise_estimate"] = EstimatedNoise(images)
    said = "codes, decoded" if codes else f"{run.event[0]} latent channels, decoded"
    meta = {**run.meta, "projection": said}
    if codes:  # images need not be scaled as codes are
        meta["target"] = {k: v for k, v in (run.meta.get("target") or {}).items() if k not in ("scale", "offset")}
    return Trajectory(run.file, meta, arrays)


def principal(data: np.ndarray, count: int) -> tuple[np.ndarray, float]:
    """The `count` directions (D, count) along which data (N, D) vary most, and their share of the variance, 0..1.

    The largest part of each is positive, so that it is always the same one.
    """
    _, sizes, directions = np.linalg.svd(data - data.mean(0), full_matrices=False)
    axes = directions[:count].T
    axes *= np.sign(axes[np.abs(axes).argmax(0), np.arange(axes.shape[1])])
    return axes, float(np.square(sizes[:count]).sum() / max(np.square(sizes).sum(), 1e-30))


def _principal(run: Trajectory) -> tuple[np.ndarray, str]:
    """The plane (D, 2) in which data vary most, and what to call it: its share of the variance."""
    last = next(run[key][-1] for key in ("x", "snapshot", "code") if key in run)
    axes, share = principal(np.asarray((run.target if len(run.target) > PLANE else last)[:MOST_POINTS], float), PLANE)
    return axes, f"PCA of {run.event[0]} dimensions: {100 * share:.0f} %"


def _coordinates(run: Trajectory, how: str) -> tuple[np.ndarray, str]:
    """Chosen coordinates as columns (D, 2 | 3), and what to call them."""
    chosen = [int(part) for part in how.split(",")]
    beyond = [k for k in chosen if k >= run.event[0]]
    if beyond:
        last = run.event[0] - 1
        raise TrajectoryError(f"{run.file}: project={how}: states have coordinates 0 to {last}, and none {beyond[0]}.")
    return np.eye(run.event[0])[:, chosen], f"coordinates {', '.join(map(str, chosen))} of {run.event[0]}"
