"""Completion in the shell: names of configs, samplers, scenes and their options."""

from __future__ import annotations

import re
from pathlib import Path

import typer

from diffrender.core.errors import DiffrenderError

REGISTERED = re.compile(r'@SAMPLERS\.register\(\s*"(\w+)"')


def complete_configs(incomplete: str) -> list[str]:
    """Shell completion of config names."""
    from diffrender.config.find import configs

    return [name for name in configs() if name.startswith(incomplete)]


def complete_samplers(incomplete: str) -> list[str]:
    """Shell completion of samplers' names, which are read from their files: no key of the keyboard loads torch."""
    files = (Path(__file__).parents[1] / "diffusion" / "samplers").rglob("*.py")
    names = {name for file in files for name in REGISTERED.findall(file.read_text(encoding="utf-8"))}
    return sorted(name for name in names - {"forward"} if name.startswith(incomplete))


def complete_scenes(incomplete: str) -> list[str]:
    """Shell completion of scene names."""
    from diffrender.config.find import scenes

    return [name for name in scenes() if name.startswith(incomplete)]


def complete_options(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Shell completion of the options of the scene that was typed before, each with its default and what it is."""
    from diffrender.config.scene_card import find_scene, option_rows

    try:
        card = find_scene(next(iter(context.args), ""))
    except DiffrenderError:
        return []
    plain = [(row, row["default"] if row["default"].replace(".", "").isalnum() else "") for row in option_rows(card)]
    typed = [(f"{row['name']}={default}", row["what"]) for row, default in plain]
    return [each for each in typed if each[0].startswith(incomplete)]
