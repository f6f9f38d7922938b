"""The Manim wing: recordings become pictures, pictures become clips.

What a scene of one's own needs is here by name; bulk mobjects are in `diffrender.show.mobjects`.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

# loaded when first used: `diffrender.show.render` works without Manim
_NAMES = {
    "TrajectoryScene": "stage",
    "SceneOptions": "stage",
    "PlayTrajectory": "animations",
    "Drive": "motion",
    "around": "view",
    "log_snr": "timeline",
    "words": "text",
    "maths": "text",
}
__all__ = sorted(_NAMES)


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module 'diffrender.show' has no attribute '{name}'")
    return getattr(import_module(f".{_NAMES[name]}", __name__), name)
