"""Names of configs, scenes and drawings to files: the working directory first, then the shipped ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from diffrender.config.load import DRAWINGS, load_config
from diffrender.config.overrides import Overrides
from diffrender.config.sections import Config
from diffrender.core.errors import UsageError, suggest
from diffrender.core.files import expanded


def shipped(kind: str) -> Path:
    """Folder of the shipped `scenes` or `configs`: inside an installed package, at the top of a checkout."""
    package = Path(__file__).parents[1]
    return package / kind if (package / kind).is_dir() else package.parent / kind


def _named(kind: str, suffix: str) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for folder in (shipped(kind), Path.cwd() / kind):  # the later one wins: a user's own file shadows ours
        if folder.is_dir():
            found.update({f.stem: f for f in sorted(folder.glob(f"*{suffix}")) if not f.name.startswith(("_", "."))})
    return dict(sorted(found.items()))


def configs() -> dict[str, Path]:
    """Every config that can be named: name → file."""
    return _named("configs", ".yaml")


def scenes() -> dict[str, Path]:
    """Every scene that can be named: name → file."""
    return _named("scenes", ".py")


def find_config(name: str) -> Path:
    """The file of a config given by name, by path, or as a drawing, mesh or point file."""
    if name.endswith((".yaml", ".yml", *DRAWINGS)) or "/" in name or "\\" in name:
        path = expanded(name)
        if not path.is_file():
            raise UsageError(
                f"{name}: no such config file.",
                "Give a path to a YAML file or drawing, or a name from 'diffrender list configs'.",
            )
        return path
    known = configs()
    if name not in known:
        raise UsageError(f"Unknown config '{name}'.", suggest(name, known))
    return known[name]


def open_config(name: str, overrides: Overrides | None = None) -> Config:
    """The config called `name`, with overrides (`{"training.steps": 2000}`)."""
    return load_config(find_config(name), overrides)


_places: dict[str, Path] = {}


def use_files(places: Mapping[str, Path]) -> None:
    """From now on these names of files and folders in a config mean these places, in this process.

    A job brings the files that its config names, wherever it is done.
    """
    _places.clear()
    _places.update(places)


def placed(name: str) -> Path:
    """A file or folder that a config names: where the job's own copy lies, if it brought one."""
    return _places.get(name, expanded(name))


def find_file(name: str, folder: Path, kind: str = "drawings") -> Path:
    """A file that a config names: beside the config, in the working directory, or among the shipped ones."""
    if name in _places:
        return _places[name]
    path = expanded(name)
    places = [path] if path.is_absolute() else [folder / path, Path.cwd() / path, shipped("configs") / kind / path]
    for place in places:
        if place.is_file():
            return place.resolve()
    raise UsageError(f"{name}: no such file.", f"Looked in {', '.join(str(p.parent) for p in places)}.")


def find_folder(name: str, folder: Path) -> Path:
    """A folder that a config names: beside the config, or in the working directory."""
    if name in _places:
        return _places[name]
    path = expanded(name)
    places = [path] if path.is_absolute() else [folder / path, Path.cwd() / path]
    for place in places:
        if place.is_dir():
            return place.resolve()
    raise UsageError(f"{name}: no such folder.", f"Looked in {', '.join(str(p.parent) for p in places)}.")
