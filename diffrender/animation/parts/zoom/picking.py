"""The choice of the recorded steps that are taken apart first: by rule, those that read best, never by hand."""

from __future__ import annotations

import numpy as np

from diffrender.animation.parts.zoom.friction_window import REACH, momentum_parts
from diffrender.animation.parts.zoom.legend import friction_of
from diffrender.trajectory.reader import Trajectory

TELLING = 0.4  # a proposal that was less likely to be taken shows why proposals are refused
SEARCH = 600  # the step that is taken apart first is among the first so many
SEARCH_PATHS = 300  # of long paths, which are watched until then
AFTER = 20  # steps that follow them, faster
SEEN = 1.4, 2.8  # length of a momentum whose arrow is seen well; of random ones the mean is 1.25
BENT = 0.3  # least width of a path across its longest way, as a part of that: it is bent by the gradient
FIRST = 60  # steps that are passed over, so that a tail of the chain is there to be seen


def pick_first(run: Trajectory, count: int, box: tuple, shunned: np.ndarray | None = None) -> int:
    """The recorded step of a run's first chain at which taking `count` apart begins, among the first `SEARCH`.

    shunned: (T,) bool, steps that are better not among them.
    """
    return best_steps(run, count, box, shunned)[0]


def best_steps(run: Trajectory, count: int, box: tuple, shunned: np.ndarray | None = None) -> tuple[int, float]:
    """The same, and how badly these steps read."""
    near = min(SEARCH_PATHS if "path" in run and "accepted" in run else SEARCH, max(run.steps - AFTER, count))
    x = run["x"][: near + 1, 0]
    if "drift" in run:
        bad, room = arrows_badness(run["drift"][:near, 0], run["noise"][:near, 0])
    elif "accepted" in run:
        bad, room = path_badness(run["path"][:near, 0], box)
        bad = bad + 4 * _off(np.hypot(*run["momentum"][:near, 0].T), *SEEN)
    else:
        bad, room = momentum_badness(run, near, box)
    bad = bad + 10 * (_inside(x[:-1], box) < room)
    if shunned is not None:
        bad = bad + 5 * shunned[:near]
    if "accepted" not in run:
        return pick_step(bad, count)
    likely = np.exp(np.minimum(run["log_ratio"][:near, 0], 0)) if "log_ratio" in run else None
    return pick_step(bad, count, refused=~np.asarray(run["accepted"][:near, 0], bool), likely=likely)


def pick_step(
    bad: np.ndarray,
    count: int,
    first: int = FIRST,
    refused: np.ndarray | None = None,
    likely: np.ndarray | None = None,
) -> tuple[int, float]:
    """The step that begins the `count` consecutive ones that read best, and how badly they do: bad (T,) says of each.

    Steps before `first` are passed over. refused: (T,) bool; the last of the steps, and no other, is one of a refused
    proposal if that can be. likely: (T,) how likely each was to be taken: the refused one not very.
    """
    runs = np.convolve(bad, np.ones(count), "valid")
    if refused is not None:
        often = np.convolve(refused, np.ones(count), "valid")
        runs = runs + 100.0 * ~((often == 1) & refused[count - 1 :])
        if likely is not None:
            runs = runs + 5.0 * np.maximum(likely[count - 1 :] - TELLING, 0)
    first = min(first, len(runs) - 1)
    best = first + int(np.argmin(runs[first:]))
    return best, float(runs[best])


def arrows_badness(drift: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, float]:
    """(T,) how badly steps of two arrows, (T, 2) each, read, and the room that they need on all sides.

    Well read drift and noise of similar length, neither tiny nor huge against √(2τ), wide apart.
    """
    unit = float(np.sqrt((noise**2).mean())) or 1.0
    d, n, s = (np.hypot(*v.T) / unit for v in (drift, noise, drift + noise))
    bad = _off(d, 0.75, 1.25) + _off(n, 1.05, 1.7) + _off(s, 1.1, 2.2)
    return bad + 2 * np.maximum(abs(_cosine(drift, noise)) - 0.4, 0), 5 * unit


def path_badness(path: np.ndarray, box: tuple) -> tuple[np.ndarray, float]:
    """(T,) how badly paths (T, L, 2) read, and the room that they need.

    Well read those that are long but not high, bent, do not come back over themselves, and stay inside `box`.
    """
    x0, x1, y0, y1 = box
    extent = np.array([x1 - x0, y1 - y0])
    wide, high = (np.ptp(path, axis=1) / extent).T
    apart = np.linalg.norm(path[:, :, None] - path[:, None], axis=-1) / extent[0]
    nearest = np.min(apart + np.eye(path.shape[1]), axis=(1, 2))
    leaves = [_inside(path[:, k], box) < 0.04 * extent[0] for k in range(path.shape[1])]
    bad = 8 * _off(wide, 0.16, 0.4) + 8 * _off(high, 0.06, 0.26) + 2 * _off(nearest, 0.03, 1.0)
    longest, across = np.linalg.svd(path - path.mean(1, keepdims=True), compute_uv=False).T
    bad += 3 * _off(across / np.maximum(longest, 1e-9), BENT, 1.0)
    return bad + 10 * np.any(leaves, axis=0), 0.0


def momentum_badness(run: Trajectory, near: int, box: tuple) -> tuple[np.ndarray, float]:
    """(T,) how badly changes of a momentum read, and the room that they need: no arrow is short, none on the last, and
    no velocity goes out of `box`, where the window's frame could not follow it.
    """
    step = float(run["time"][1] - run["time"][0])
    parts = momentum_parts(run["path"][:near, 0], run["momentum"][: near + 1, 0], step, friction_of(run))
    unit = float(np.sqrt((parts["momentum"] ** 2).sum(-1).mean())) or 1.0
    lengths = {name: np.hypot(*vector.T) / unit for name, vector in parts.items()}
    bad = np.sum([_off(lengths[name], 0.5, 1.3) for name in ("kicked", "noise", "shaken", "next")], axis=0)
    bad += 0.5 * _off(lengths["momentum"], 0.8, 1.3)
    bad += np.sum([_off(lengths[name], 0.3, 1.0) for name in ("kick", "friction", "kick_on")], axis=0)
    pairs = [("momentum", "kick"), ("kicked", "noise"), ("shaken", "kick_on")]
    bad += np.sum([2 * np.maximum(abs(_cosine(parts[a], parts[b])) - 0.6, 0) for a, b in pairs], axis=0)
    tips = (run["x"][:near, 0] + REACH * step * parts[name] for name in ("momentum", "kicked", "shaken", "next"))
    return bad + 10 * np.any([_inside(tip, box) < 0 for tip in tips], axis=0), 2 * step * unit


def _inside(x: np.ndarray, box: tuple) -> np.ndarray:
    """(T,) how far states (T, 2) lie inside a box, the part of the plane that is shown."""
    x0, x1, y0, y1 = box
    return np.minimum((x[:, 0] - x0, x1 - x[:, 0]), (x[:, 1] - y0, y1 - x[:, 1])).min(0)


def _cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(T,) of the angles between vectors (T, 2)."""
    return (a * b).sum(-1) / np.maximum(np.hypot(*a.T) * np.hypot(*b.T), 1e-12)


def _off(value: np.ndarray, low: float, high: float) -> np.ndarray:
    """How far, in logarithm, a length lies outside low..high."""
    return np.abs(np.log(np.maximum(value, 1e-9) / np.clip(value, low, high)))
