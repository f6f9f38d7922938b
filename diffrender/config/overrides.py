"""Overrides of config keys: how `--set` is read, and how they are put into a config's data."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from diffrender.config.sections import Config
from diffrender.config.yaml_file import Loader
from diffrender.core.errors import ConfigError

Overrides = list[tuple[list[str], Any]]


def parse_set(text: str) -> tuple[list[str], Any]:
    """`a.b=c` of --set → (["a", "b"], value), the value read as YAML."""
    key, equals, value = text.partition("=")
    path = key.strip().split(".")
    if not equals or not all(path):
        raise ConfigError(f"--set {text}: not of the form section.key=value.", "Example: --set training.steps=2000")
    try:
        return path, yaml.load(value, Loader=Loader)
    except yaml.YAMLError:
        raise ConfigError(f"--set {key}: '{value}' is not a YAML value.") from None


def merged(data: Mapping[str, Any], overrides: Iterable[tuple[list[str], Any]]) -> dict[str, Any]:
    """A copy of `data` with each (path, value) put in; a section written short (`target: spiral`) is opened.

    Another `kind` drops the parameters that belonged to the former one.
    """
    out = json.loads(json.dumps(data, default=str))
    for path, value in overrides:
        here = out
        for name in path[:-1]:
            below = here.get(name)
            if isinstance(below, str):
                below = {"kind": below}
            elif below is None:
                below = {}
            elif not isinstance(below, dict):
                raise ConfigError(f"--set {'.'.join(path)}: '{name}' is a value, not a section.")
            here[name] = below
            here = below
        if path[1:] == ["kind"] and here.get("kind") != value:
            own = Config.model_fields[path[0]].annotation if path[0] in Config.model_fields else None
            kept = getattr(own, "model_fields", {})
            for name in set(here) - set(kept):  # parameters of the former kind
                del here[name]
        here[path[-1]] = value
    return out


def parse_sets(texts: list[str]) -> Overrides:
    """Every `--set a.b=c` of a command line."""
    return [parse_set(text) for text in texts]
