"""Overrides of config keys: a dict with dotted keys, `{"sampler.kind": "ddim"}`, that are put in in its order."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from diffrender.config.sections import Config, section_model
from diffrender.config.yaml_file import read_value
from diffrender.core.errors import ConfigError
from diffrender.core.validation import validate

Overrides = Mapping[str, Any]


def parse_set(text: str, flag: str = "--set", example: str = "training.steps=2000") -> tuple[str, Any]:
    """`a.b=c` of --set → ("a.b", value), the value read as YAML. flag, example: as errors name them."""
    key, equals, value = text.partition("=")
    key = key.strip()
    if not equals or not all(key.split(".")):
        raise ConfigError(
            f"{flag} {text[:60]}: not of the form {'section.key' if '.' in example else 'name'}=value.",
            f"Example: {flag} {example}",
        )
    return key, read_value(value, f"{flag} {key[:60]}")


def parse_sets(texts: Iterable[str]) -> dict[str, Any]:
    """Every `--set a.b=c` of a command line."""
    return combined(*([parse_set(text)] for text in texts))


def combined(*overrides: Overrides | Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Overrides one over the other. A key that comes again takes its later place: a `kind` drops what came before it.

    >>> combined({"sampler.kind": "ddim", "sampler.eta": 1}, {"sampler.kind": "heun"})
    {'sampler.eta': 1, 'sampler.kind': 'heun'}
    """
    out: dict[str, Any] = {}
    for some in overrides:
        for key, value in some.items() if isinstance(some, Mapping) else some:
            out.pop(key, None)
            out[key] = value
    return out


def flattened(data: Mapping[Any, Any]) -> dict[str, Any]:
    """Nested mappings as one with dotted keys."""
    out: dict[str, Any] = {}
    for key, value in data.items():
        below = {f"{key}.{k}": v for k, v in flattened(value).items()} if isinstance(value, Mapping) else {key: value}
        out = combined(out, below)
    return out


def merged(data: Mapping[str, Any], overrides: Overrides) -> dict[str, Any]:
    """A copy of `data` with the overrides put in, in order; a section written short (`target: spiral`) is opened.

    Another `kind` drops the parameters that belonged to the former one.
    """
    out: dict[str, Any] = json.loads(json.dumps(data, default=str))
    for key, value in overrides.items():
        here, path = out, key.split(".")
        for name in path[:-1]:
            below = here.get(name)
            if isinstance(below, str):
                below = {"kind": below}
            elif below is None:
                below = {}
            elif not isinstance(below, dict):
                raise ConfigError(f"--set {key}: '{name}' is a value, not a section.")
            here[name] = below
            here = below
        if path[1:] == ["kind"] and here.get("kind") != value:
            kept = getattr(section_model(path[0]), "model_fields", {})
            for name in set(here) - set(kept):  # parameters of the former kind
                del here[name]
        here[path[-1]] = value
    return out


def worse_network(config: Config) -> Config:
    """The config of the network that `sampler.autoguidance` guides by: it differs in what stands there."""
    differs = flattened(config.sampler.autoguidance or {})
    data = merged(config.as_dict(), {**differs, "sampler.autoguidance": None})
    worse: Config = validate(Config, data, "sampler.autoguidance")
    return worse.model_copy(update={"source": config.source, "autoencoder_file": config.autoencoder_file})
