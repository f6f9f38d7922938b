"""Rows of what there is: scenes, configs, samplers and all other registries, loaded when they are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from diffrender.config.scene_card import SceneCard
    from diffrender.core.registry import Registry

REGISTRIES = {  # name of a list → the registry that it shows, or several
    "schedules": "diffrender.diffusion.schedules:SCHEDULES",
    "densities": "diffrender.diffusion.targets.densities.catalogue:DENSITIES",
    "points": "diffrender.diffusion.targets.points.space:POINTS diffrender.diffusion.targets.shapes.catalogue:SHAPES",
    "images": "diffrender.diffusion.targets.images.catalogue:IMAGES",
    "models": "diffrender.diffusion.denoisers.closed_forms:CLOSED_FORMS"
    " diffrender.diffusion.denoisers.closed_forms:HYBRIDS diffrender.diffusion.denoisers.pretrained:PRETRAINED",
    "networks": "diffrender.diffusion.denoisers.networks.catalogue:NETWORKS",
    "autoencoders": "diffrender.diffusion.autoencoders.vae:AUTOENCODERS",
    "objectives": "diffrender.diffusion.denoisers.objectives:OBJECTIVES",
}
Row = dict[str, Any]


def rows_of(what: str) -> list[Row]:
    """The rows of a list: a dict each, with a `name` and what is told of it."""
    if what in REGISTRIES:
        return _registry(REGISTRIES[what])
    return {"scenes": _scenes, "configs": _configs, "samplers": _samplers, "themes": _themes}[what]()


def _scenes() -> list[Row]:
    from diffrender.config.find import scenes
    from diffrender.config.scene_card import read_scenes
    from diffrender.core.errors import DiffrenderError

    rows = []
    for name, file in scenes().items():
        try:
            rows += [scene_row(card) for card in read_scenes(file)]
        except DiffrenderError as error:
            rows.append({"name": name, "what": f"unreadable: {error.problem}"})
    return rows


def scene_row(card: SceneCard) -> Row:
    """The row of a scene."""
    from diffrender.config.scene_card import option_rows

    return {
        "name": card.name,
        "config": card.default_config,
        "states": card.shows,
        "shows": card.summary,
        "options": [f"{row['name']}={row['default']}" for row in option_rows(card) if not row["shared"]],
    }


def _configs() -> list[Row]:
    from diffrender.config.find import configs, open_config
    from diffrender.core.errors import DiffrenderError

    rows = []
    for name, file in configs().items():
        try:
            config = open_config(str(file))
            rows.append(
                {
                    "name": name,
                    "target": config.target.kind,
                    "model": config.model.kind,
                    "sampler": config.sampler.kind,
                    "title": config.title,
                }
            )
        except DiffrenderError as error:
            rows.append(
                {"name": name, "target": "", "model": "", "sampler": "", "title": f"unreadable: {error.problem}"}
            )
    return rows


def _samplers() -> list[Row]:
    from diffrender.diffusion.samplers.catalogue import SAMPLERS

    return [
        {
            "name": e.name,
            "kind": e.info.get("kind", ""),
            "order": e.info.get("order", ""),
            "stochastic": e.info.get("stochastic", ""),
            "NFE a step": e.info.get("nfe_per_step", ""),
            "paper": e.info.get("paper", ""),
            "also": e.aliases,
            "keys": tuple(e.parameters()),
        }
        for e in SAMPLERS
    ]


def _registry(places: str) -> list[Row]:
    import importlib

    rows: list[Row] = []
    for module, _, name in (place.partition(":") for place in places.split()):
        registry: Registry = getattr(importlib.import_module(module), name)
        rows += [
            {"name": e.name, "what": e.summary, "keys": tuple(e.parameters()), "paper": e.info.get("paper", "")}
            for e in registry
        ]
    return rows


def _themes() -> list[Row]:
    from diffrender.video.settings import THEMES

    return [{"name": name} for name in THEMES]
