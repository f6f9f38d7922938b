"""Names of configs, scenes and drawings to files: the working directory first, then the shipped ones."""

from __future__ import annotations

import difflib
import zipfile
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


def _folders(kind: str) -> tuple[Path, Path]:
    """Where what can be named lies; the later one wins: a user's own file shadows ours."""
    return shipped(kind), Path.cwd() / kind


def _named(kind: str, suffix: str) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for folder in _folders(kind):
        if folder.is_dir():
            found.update({f.stem: f for f in sorted(folder.glob(f"*{suffix}")) if not f.name.startswith(("_", "."))})
    return dict(sorted(found.items()))


def configs() -> dict[str, Path]:
    """Every config that can be named: name → file."""
    return _named("configs", ".yaml")


def scenes() -> dict[str, Path]:
    """Every scene that can be named: name → file."""
    return _named("scenes", ".py")


CHECKPOINT = (
    "That are weights of another program. A folder that diffusers saved: model: {kind: pretrained, path: FOLDER}; any "
    "other model: record its run, docs/your-model.md."
)
INSTEAD = {  # files that people have, and that no shape is read from → what to save them as
    (".xlsx", ".xls", ".ods", ".parquet", ".feather", ".json", ".geojson", ".db", ".sav", ".rds"): "CSV",
    (".mat", ".h5", ".hdf5", ".npz", ".pt", ".pkl", ".fits", ".nc"): "an array (N, 2) or (N, 3) in a .npy file, or CSV",
    (".pcd", ".las", ".laz", ".e57", ".ptx", ".splat"): "PLY, or as XYZ",
    (".glb", ".gltf", ".fbx", ".dae", ".3ds", ".blend", ".3mf", ".step", ".stp", ".wrl", ".usdz"): "OBJ, PLY or STL",
    (".pdf", ".eps", ".ai", ".dxf", ".svgz", ".odg", ".cdr", ".drawio"): "plain SVG",
    (".webp", ".gif", ".bmp", ".tif", ".tiff", ".heic", ".avif", ".psd"): "PNG",
    (".pdb", ".mol", ".mol2", ".sdf", ".cif"): "XYZ",
}
PACKED = (".gz", ".zip", ".bz2", ".xz", ".zst", ".7z", ".tar", ".tgz", ".rar")


def instead_of(suffix: str) -> str:
    """What to save a file as that no shape is read from, a sentence; "" for one of which nothing is known."""
    return next((f"Save it as {what}. " for suffixes, what in INSTEAD.items() if suffix in suffixes), "")


def use_of(name: str) -> str:
    """What to do with a file or folder that was given where another kind is wanted, by its ending; "" if unknown."""
    path = expanded(name)
    if path.is_dir():
        return (
            f"That is a folder: name a file in it. Images in a folder are learned from by a config with"
            f" target: {{kind: image_folder, path: {name}}}; 'diffrender new config mine' writes one."
        )
    ending = path.suffix.lower()
    if ending in DRAWINGS:
        return f"That is a shape to learn from: diffrender render denoise --config ./{name.removeprefix('./')}"
    known = {
        ".npz": _use_of_arrays(path, name),
        ".html": "That is a page: open it in a browser. It is made from a recording: diffrender page mine.npz",
        ".yaml": f"That is a config or a lecture: diffrender render denoise --config {name}; diffrender batch {name}",
        ".py": f"That is a program: if a scene, diffrender render {name}; else diffrender record -- python {name}",
        ".safetensors": f"That are weights: diffrender inspect {name}",
        **dict.fromkeys((".pt", ".pth", ".ckpt"), CHECKPOINT),
        **dict.fromkeys(PACKED, "It is packed: unpack it, and name the file that was in it."),
        **dict.fromkeys((".mp4", ".mov", ".webm", ".gif", ".png"), f"That is a clip: diffrender inspect {name}"),
    }
    ending = {".htm": ".html", ".yml": ".yaml"}.get(ending, ending)
    return known[ending] if ending in known else instead_of(ending).rstrip()


def _use_of_arrays(path: Path, name: str) -> str:
    """What to do with an .npz, which is a recording or holds arrays of someone's own."""
    try:
        with zipfile.ZipFile(path) as archive:
            arrays = [member.removesuffix(".npy") for member in archive.namelist() if member.endswith(".npy")]
    except (OSError, zipfile.BadZipFile):
        arrays = []
    if arrays and "meta" not in arrays:
        return f"It holds {', '.join(arrays[:4])}. Save the one array of the points: numpy.save('points.npy', points)."
    return f"That is a recording: diffrender render denoise {name}; diffrender page {name}"


def no_such_file(name: str) -> UsageError:
    """The error for a file that is not there, with those beside it that may be meant."""
    path = expanded(name)
    there = sorted(file.name for file in path.parent.iterdir() if file.is_file()) if path.parent.is_dir() else []
    same = [file for file in there if Path(file).stem == path.name]
    close = same or difflib.get_close_matches(path.name, there, 3)
    if not path.parent.is_dir():
        remedy = f"There is no folder {path.parent} either."
    elif close:
        remedy = f"Did you mean {' or '.join(str(path.parent / file) for file in close)}?"
    else:
        remedy = "What was made lies in outputs/, in the folder in which the command was run."
    return UsageError(f"{name}: no such file.", remedy)


def find_config(name: str) -> Path:
    """The file of a config given by name, by path, or as a drawing, mesh or point file."""
    if expanded(name).is_dir() and name not in configs():
        raise UsageError(f"{name}: no config.", use_of(name))
    if name.endswith((".yaml", ".yml", *DRAWINGS)) or "/" in name or "\\" in name:
        path = expanded(name)
        if not path.is_file():
            raise UsageError(
                f"{name}: no such config file.",
                "Give a path to a YAML file or drawing, or a name from 'diffrender list configs'.",
            )
        if path.suffix.lower() not in (".yaml", ".yml", ".json", *DRAWINGS) and (use := use_of(name)):
            raise UsageError(f"{name}: no config, and no shape that is read here.", use)
        return path
    for folder in _folders("configs")[::-1]:
        if not name.startswith(("_", ".")) and (file := folder / f"{name}.yaml").exists():
            return file
    raise UsageError(f"Unknown config '{name}'.", use_of(name) or suggest(name, configs()))


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
    if folders := [place for place in places if place.is_dir()]:
        raise UsageError(f"{name}: a folder, and a file is needed.", f"{folders[0]} is it; name a file in it.")
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
