"""What a recording says of itself, in words for captions; and how its states are shown where they would not fit."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffrender.animation.text.typst import escaped
from diffrender.trajectory.reader import Trajectory

_SAMPLERS = {
    "forward": "forward process",
    "ddpm": "DDPM",
    "ddim": "DDIM",
    "ula": "unadjusted Langevin",
    "mala": "Metropolis-adjusted Langevin",
    "hmc": "Hamiltonian Monte Carlo",
    "underdamped": "underdamped Langevin (BAOAB)",
    "annealed": "annealed Langevin",
    "gradient": "gradient ascent",
    "euler": "Euler",
    "euler_ancestral": "Euler ancestral",
    "heun": "Heun",
    "dpm2": "DPM-Solver-2",
    "dpm2_ancestral": "DPM-2 ancestral",
    "lms": "linear multistep",
    "dpmpp_2s_ancestral": "DPM++ 2S ancestral",
    "dpmpp_sde": "DPM++ SDE",
    "dpmpp_2m": "DPM++ 2M",
    "dpmpp_2m_sde": "DPM++ 2M SDE",
    "dpmpp_3m_sde": "DPM++ 3M SDE",
    "unipc": "UniPC",
}


def sampler(run: Trajectory) -> str:
    """The sampler that ran, as Typst text."""
    found = run.meta.get("sampler", {})
    if "title" in found:
        return escaped(str(found["title"]))
    name = str(found.get("name", "unknown sampler"))  # of a recording that says no title
    return _SAMPLERS.get(name, escaped(name.removeprefix("diffusers:").replace("_", " ")))


def seed(run: Trajectory) -> str:
    """`seed 7`; empty if the recording does not say."""
    value = run.meta.get("seed")
    return "" if value is None else f"seed {value}"


def model(run: Trajectory) -> str:
    """`exact score`, or what network it was; empty if the recording does not say."""
    model = run.meta.get("model")
    if isinstance(model, dict):
        return escaped(str(model.get("label", "")))
    config: dict[str, Any] = run.meta.get("config") or {}
    found = config.get("model") or {}
    kind = found.get("kind")
    if kind == "exact":
        return "exact denoiser" if run.kind == "reverse" else "exact score"
    if kind == "mlp":
        size = f" {found['depth']} × {found['width']}" if {"depth", "width"} <= set(found) else ""
        return f"learned: MLP{size}"
    return f"learned: {escaped(str(kind))}" if kind else ""


def title(run: Trajectory, fallback: str) -> str:
    """The config's title if it has one."""
    return escaped(str((run.meta.get("config") or {}).get("title") or "")) or fallback


def target(run: Trajectory) -> np.ndarray:
    """(M, *event) reference data; of a recording without any, none."""
    return run["target"] if "target" in run else np.empty((0, *run.event), np.float32)


def unit_variance(run: Trajectory) -> np.ndarray | None:
    """(T+1,) the scale √(α² + σ²) of the states where it leaves 1 so far that they would not fit a frame; else None."""
    scale = np.sqrt(np.asarray(run["alpha"], float) ** 2 + np.asarray(run["sigma"], float) ** 2)
    return scale if scale.max() > 1.5 else None


def states(run: Trajectory) -> Any:
    """(T+1, N, *event) states as they are shown: of unit variance where they would not fit a frame otherwise."""
    scale = unit_variance(run)
    return run["x"] if scale is None else Rescaled(run["x"], scale)


def scaling(run: Trajectory) -> str:
    """What `states` did to them; empty if nothing."""
    return "" if unit_variance(run) is None else "scaled to unit variance"


class Rescaled:
    """A recording x (T+1, N, …) seen divided by a number for each state; only a state that is asked for is read."""

    def __init__(self, x: np.ndarray, scale: np.ndarray) -> None:
        self.x, self.scale, self.shape, self.ndim = x, scale, x.shape, x.ndim

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, k: int) -> np.ndarray:
        return self.x[k] / np.float32(self.scale[k])
