"""Targets by name: densities in closed form, points by formula, drawings, meshes, text, images."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from diffrender.config.sections import LATENTS, Config, TargetConfig
from diffrender.core.errors import ConfigError, suggest
from diffrender.core.registry import Registry
from diffrender.core.user_code import is_code
from diffrender.diffusion.targets.base import Target
from diffrender.diffusion.targets.drawn import measured, of_density
from diffrender.diffusion.targets.images import unknown  # noqa: F401 - files its target in IMAGES
from diffrender.diffusion.targets.images.catalogue import IMAGES
from diffrender.diffusion.targets.latents import latents
from diffrender.diffusion.targets.points import space  # noqa: F401 - files its points in POINTS
from diffrender.diffusion.targets.points.plane import POINTS
from diffrender.diffusion.targets.shapes.catalogue import SHAPES

OWN = Registry("target", (("n", "rng"), ()))  # points by formula, or a density


def config_target(config: Config) -> Target:
    """The target of a whole config: also the latents of its autoencoder."""
    if config.target.kind != LATENTS:
        return build_target(config.target, config.folder)
    assert config.autoencoder
    return latents(config, build_target(config.autoencoder.data, config.folder))


def build_target(target: TargetConfig, folder: Path) -> Target:
    """The target that a config names; files are looked for in `folder` first.

    Raises ConfigError for an unknown kind or key, DiffrenderError for a file that cannot be used.
    """
    kind, params = target.kind, target.params
    if is_code(kind):
        return _own(kind, params)
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


def _own(kind: str, params: dict[str, Any]) -> Target:
    """A target from a user's file: `make(n, rng, *, …)` draws states, `make(*, …)` gives a density."""
    from diffrender.diffusion.targets.densities.base import Density

    make, checked = OWN.resolve(kind, params, "target")
    if OWN[kind].positional():
        return measured(kind, partial(make, **checked))
    density = make(**checked)
    if not isinstance(density, Density):
        raise ConfigError(
            f"target.kind: {kind} gives {type(density).__name__}, no density.",
            "Return a Density (diffrender.Density), or take (n, rng) and return n points.",
        )
    return of_density(kind, density)
