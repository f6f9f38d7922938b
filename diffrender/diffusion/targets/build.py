"""Targets by name: densities in closed form, points by formula, drawings, meshes, text, images."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from diffrender.config.sections import TargetConfig
from diffrender.core.errors import ConfigError, suggest
from diffrender.diffusion.targets.base import Target
from diffrender.diffusion.targets.drawn import measured, of_density
from diffrender.diffusion.targets.images import unknown  # noqa: F401 - files its target in IMAGES
from diffrender.diffusion.targets.images.catalogue import IMAGES
from diffrender.diffusion.targets.points import space  # noqa: F401 - files its points in POINTS
from diffrender.diffusion.targets.points.plane import POINTS
from diffrender.diffusion.targets.shapes.catalogue import SHAPES


def build_target(target: TargetConfig, folder: Path) -> Target:
    """The target that a config names; files are looked for in `folder` first.

    Raises ConfigError for an unknown kind or key, DiffrenderError for a file that cannot be used.
    """
    kind, params = target.kind, target.params
    if kind in POINTS:
        make, checked = POINTS.resolve(kind, params, "target")
        return measured(kind, partial(make, **checked))
    if kind in SHAPES:
        make, checked = SHAPES.resolve(kind, params, "target")
        return measured(kind, make(folder, **checked))
    if kind in IMAGES:
        make, checked = IMAGES.resolve(kind, params, "target")
        return make(folder, **checked)
    from diffrender.diffusion.targets.densities.catalogue import DENSITIES

    if kind in DENSITIES:
        make, checked = DENSITIES.resolve(kind, params, "target")
        return of_density(kind, make(**checked))
    known = {*POINTS.entries, *SHAPES.entries, *DENSITIES.entries, *IMAGES.entries}
    raise ConfigError(f"Unknown target '{kind}'.", suggest(kind, known))
