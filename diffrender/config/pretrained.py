"""Configs of models that others trained: what such a model says of itself need not be said again.

`model: {kind: pretrained, path: …}` brings its own noise schedule, and the shape of its images as the target.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from diffrender.core.files import expanded

KIND = "pretrained"


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
        out["target"] = own | {key: value for key, value in out["model"].items() if key == "null_class"}
        record = out.get("record") or {}
        out["record"] = {"target_points": 0, **record} if isinstance(record, Mapping) else record
    return out


def folder_of(section: Mapping[str, Any]) -> str | None:
    """The folder of the pretrained model that a config's section names, as written; None of one of the hub."""
    path = section.get("path")
    return path if section.get("kind") == KIND and isinstance(path, str) and expanded(path).is_dir() else None
