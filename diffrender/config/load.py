"""Loading a config: from a YAML file, or by default from a drawing, mesh or point file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from diffrender.config.overrides import merged
from diffrender.config.pretrained import completed
from diffrender.config.sections import Config
from diffrender.config.yaml_file import read_yaml
from diffrender.core.errors import ConfigError
from diffrender.core.validation import validate

FOR_DRAWINGS = {"model": {"kind": "mlp", "width": 160, "bands": 6}, "training": {"steps": 10_000}}  # as dino.yaml
DRAWINGS = (".svg", ".png", ".jpg", ".jpeg", ".csv", ".tsv", ".obj", ".ply", ".off", ".stl", ".xyz", ".npy")


def load_config(path: Path, overrides: Iterable[tuple[list[str], Any]] = ()) -> Config:
    """The config in a YAML file, or the default config of a drawing, mesh or point file.

    Raises ConfigError naming the file, the key, and what to do.
    """
    if path.suffix.lower() in DRAWINGS:
        if not path.is_file():
            raise ConfigError(f"{path}: no such file.")
        target = {"kind": "drawing", "file": str(path.resolve())}
        data: dict[str, Any] = {"title": path.stem, "target": target, **FOR_DRAWINGS}
    else:
        data = read_yaml(path)
    if "source" in data:
        raise ConfigError(f"{path}: unknown key 'source'.")
    given = list(overrides)
    try:
        config = validate(Config, completed(merged(data, given), path.parent), str(path))
    except ConfigError as error:  # blame the flag, if the file alone reads
        validate(Config, completed(data, path.parent), str(path))
        flags = " ".join(f"--set {'.'.join(keys)}={value}" for keys, value in given)
        raise ConfigError(error.problem.replace(f"{path}:", f"With {flags}:", 1), error.remedy) from None
    return config.model_copy(update={"source": path.resolve()})
