"""Loading a config: from a YAML file, or by default from a drawing, mesh or point file.

What was loaded is kept: the same bytes are parsed once in a process, and checked once for each set of overrides.
"""

from __future__ import annotations

import functools
import json
import os
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from diffrender.config.overrides import Overrides, merged
from diffrender.config.pretrained import completed
from diffrender.config.sections import Config, section_model
from diffrender.config.yaml_file import line_finder, read_yaml
from diffrender.core.errors import ConfigError
from diffrender.core.files import expanded
from diffrender.core.validation import MAX_SHOWN, validate

FOR_DRAWINGS = {"model": {"kind": "mlp", "width": 160, "bands": 6}, "training": {"steps": 10_000}}  # as dino.yaml
DRAWINGS = (
    ".svg",
    ".png",
    ".jpg",
    ".jpeg",
    ".csv",
    ".tsv",
    ".txt",
    ".dat",
    ".obj",
    ".ply",
    ".off",
    ".stl",
    ".xyz",
    ".asc",
    ".pts",
    ".npy",
)


def load_config(path: str | os.PathLike[str], overrides: Overrides | None = None) -> Config:
    """The config in a YAML file, or the default config of a drawing, mesh or point file.

    overrides: dotted keys to values, `{"sampler.kind": "ddim"}`. The config is shared: it is not to be changed.
    Raises ConfigError naming the file, the key, and what to do.
    """
    path = expanded(os.fspath(path))
    return _load(path, path.resolve(), _bytes(path), _Shared(overrides or {}))


class _Shared:
    """Overrides that a cache can hold: equal if they are the same in the same order."""

    def __init__(self, overrides: Overrides) -> None:
        self.overrides = dict(overrides)
        self.text = json.dumps(self.overrides, default=repr)

    def __hash__(self) -> int:
        return hash(self.text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Shared) and other.text == self.text


def _is_drawing(path: Path) -> bool:
    return path.suffix.lower() in DRAWINGS


def _bytes(path: Path) -> bytes | None:
    """What is parsed, if it can be read; of a drawing, nothing is parsed here."""
    if _is_drawing(path):
        if not path.is_file():
            raise ConfigError(f"{path}: no such file.")
        return b""
    try:
        return path.read_bytes()
    except OSError:
        return None


@functools.lru_cache(64)
def _data(path: Path, source: Path, content: bytes | None) -> dict[str, Any]:
    """What stands in the file, before overrides.

    path: as errors name it; source: the same, absolute; content: its bytes, so that a changed file is read anew.
    """
    if _is_drawing(path):
        target = {"kind": "drawing", "file": str(source)}
        return {"title": path.stem, "target": target, **FOR_DRAWINGS}
    data = read_yaml(path)
    for key in ("source", "autoencoder_file"):
        if key in data:
            raise ConfigError(f"{path}: unknown key '{key}'.")
    return data


@functools.lru_cache(512)
def _load(path: Path, source: Path, content: bytes | None, shared: _Shared) -> Config:
    data, overrides = _data(path, source, content), shared.overrides
    try:
        config = validate(Config, completed(merged(data, overrides), path.parent), str(path))
    except ConfigError as error:  # blame the flag, if the file alone reads
        line = None if _is_drawing(path) else line_finder(path)
        validate(Config, completed(data, path.parent), str(path), line)
        flags = " ".join(f"--set {key}={str(value)[:MAX_SHOWN]}" for key, value in overrides.items())
        raise ConfigError(error.problem.replace(f"{path}:", f"With {flags}:", 1), error.remedy) from None
    return config.model_copy(update={"source": source})


def read_sections(path: Path, overrides: Overrides, names: tuple[str, ...]) -> dict[str, Any] | None:
    """Some sections of the config in a file as `Config.part` gives them, the others unchecked; None if one is wrong."""
    data = completed(merged(_data(path, path.resolve(), _bytes(path)), overrides), path.parent)
    out: dict[str, Any] = {}
    for name in names:
        value, section = data.get(name, Config.model_fields[name].get_default()), section_model(name)
        if section and value is not None:
            try:
                value = section.model_validate({"kind": value} if isinstance(value, str) else value)
            except ValidationError:
                return None
            value = value.model_dump(mode="json")
        out[name] = value
    return {name: out[name] for name in Config.model_fields if name in out}
