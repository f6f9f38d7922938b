"""Configs of models that others trained: what such a model says of itself need not be said again.

`model: {kind: pretrained, path: …}` brings its own noise schedule, and the shape of its images as the target.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from diffrender.core.files import expanded

KIND = "pretrained"
CONTENT = (".json", ".safetensors", ".bin")  # files of a model that decide what it says


def completed(data: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """`data` of a config, its target and schedule filled in from a pretrained model where they are not given.

    A relative path of the model is looked for in `folder` and in the working directory, and made absolute.
    """
    out, model = dict(data), data.get("model")
    if not isinstance(model, Mapping) or model.get("kind") != KIND or not isinstance(model.get("path"), str):
        return out
    places = (folder / expanded(model["path"]), expanded(model["path"]))
    found = next((str(place.resolve()) for place in places if place.is_dir()), model["path"])
    out["model"] = {**model, "path": found}
    own = {"kind": KIND, **{key: value for key, value in out["model"].items() if key in ("path", "revision")}}
    out.setdefault("schedule", own)
    if "target" not in out:
        out["target"] = own
        record = out.get("record") or {}
        out["record"] = {"target_points": 0, **record} if isinstance(record, Mapping) else record
    return out


def content(section: Mapping[str, Any]) -> dict[str, Any]:
    """What a config's section stands for beyond its keys, if it names a pretrained model on this machine: its bytes."""
    path = Path(str(section.get("path", "")))
    if section.get("kind") != KIND or not path.is_dir():
        return {}
    total = hashlib.sha256()
    for file in sorted(path.rglob("*")):
        if file.is_file() and file.suffix in CONTENT:
            with file.open("rb") as opened:
                total.update(f"{file.relative_to(path).as_posix()}\0".encode())
                total.update(hashlib.file_digest(opened, "sha256").digest())
    return {"path": total.hexdigest()}
