"""diffrender: diffusion models and Langevin dynamics as lecture videos.

>>> import diffrender
>>> diffrender.train("spiral")
>>> diffrender.render("denoise", config="spiral", out="spiral.mp4")
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# name → the module that holds it: loaded when first used, so that neither torch nor Manim is loaded before its time
_NAMES = {
    "train": "api",
    "sample": "api",
    "render": "api",
    "show": "api",
    "Trajectory": "trajectory",
    "TrajectoryWriter": "trajectory",
    "RenderSettings": "video.spec",
    "Recorder": "diffusion.recording.recorder",
    "Keep": "diffusion.recording.keep",
    "grid_of_starts": "diffusion.recording.starts",
    "Config": "config.sections",
    "load_config": "config.load",
    "Level": "diffusion.levels",
    "Schedule": "diffusion.levels",
    "Prediction": "diffusion.denoisers.base",
    "Noise": "diffusion.noise",
    "Step": "diffusion.samplers.base",
    "Density": "diffusion.targets.densities.base",
    "Objective": "diffusion.denoisers.objectives",
    "DiffrenderError": "core.errors",
}
__all__ = ["__version__", *_NAMES]


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module 'diffrender' has no attribute '{name}'")
    return getattr(import_module(f".{_NAMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
