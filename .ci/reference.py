"""Write docs/config.md: every key of a config with its default, from the models and registries that check them.

python .ci/reference.py            # writes the page
python .ci/reference.py --check    # 1 if the page says something else
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Collection
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

from diffrender.config.sections import FOR_IMAGES, Config
from diffrender.core.registry import Entry, Registry
from diffrender.diffusion.autoencoders.vae import AUTOENCODERS
from diffrender.diffusion.denoisers.closed_forms import CLOSED_FORMS, HYBRIDS
from diffrender.diffusion.denoisers.networks.catalogue import NETWORKS
from diffrender.diffusion.denoisers.objectives import OBJECTIVES
from diffrender.diffusion.denoisers.pretrained import PRETRAINED
from diffrender.diffusion.samplers.catalogue import SAMPLERS
from diffrender.diffusion.schedules import SCHEDULES
from diffrender.diffusion.targets.densities.catalogue import DENSITIES
from diffrender.diffusion.targets.images.catalogue import IMAGES
from diffrender.diffusion.targets.points.space import POINTS
from diffrender.diffusion.targets.shapes.catalogue import SHAPES

PAGE = Path(__file__).parents[1] / "docs/config.md"
HEAD = """# Every key of a config

Written by `.ci/reference.py` from what checks configs: do not edit it here. A config is a YAML file of sections and a
seed; only `target` has no default. `target: spiral` is short for `target: {kind: spiral}`. On the command line every
key is `--set SECTION.KEY=VALUE`. A wrong key, value or name is refused, with the nearest right one, before any work.
"""
FAMILIES: tuple[tuple[str, str, str, tuple[Registry, ...]], ...] = (
    ("target", "points", "Data sets of points, of [files](inputs.md) and of words.", (POINTS, SHAPES)),
    ("target", "images", "Data sets of images.", (IMAGES,)),
    ("target", "densities", "Densities in closed form, which Langevin samplers follow without a model.", (DENSITIES,)),
    ("model", "networks", "Networks, which are trained.", (NETWORKS,)),
    ("model", "models with nothing to train", "Formulas of the data, and networks of others.",
     (CLOSED_FORMS, HYBRIDS, PRETRAINED)),
    ("training", "objectives", "What `objective` may be.", (OBJECTIVES,)),
    ("autoencoder", "autoencoders", "What `kind` may be.", (AUTOENCODERS,)),
    ("schedule", "schedules", "Tables of noise levels.", (SCHEDULES,)),
    ("sampler", "samplers", "From noise to data, and along a density.", (SAMPLERS,)),
)  # fmt: skip


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for name, field in Config.model_fields.items():
        if field.exclude:
            continue
        sections = [part for part in (field.annotation, *get_args(field.annotation)) if hasattr(part, "model_fields")]
        section = next(iter(sections), field.annotation)
        if not hasattr(section, "model_fields"):
            parts.append(f"## {name}\n\n{_sentence(field.description)} Default: {_value(field.default)}.\n")
            continue
        about = " ".join(filter(None, [_first_line(section), field.description and _sentence(field.description)]))
        parts.append(f"## {name}\n\n{about}\n\n{_table(section.model_fields)}")
        for family, title, about, registries in FAMILIES:
            if family == name:
                entries = [entry for registry in registries for entry in registry]
                parts.append(f"### {title}\n\n{about}\n\n{_kinds(entries, section.model_fields)}")
    rows = [f"`{name}.{key}`: {_value(value)}" for name, keys in FOR_IMAGES.items() for key, value in keys.items()]
    parts.append(f"## Where states are images\n\nOther defaults hold: {', '.join(rows)}.\n")
    return "\n".join(parts)


def _table(fields: dict[str, FieldInfo]) -> str:
    lines = ["| key | default | values | meaning |", "|---|---|---|---|"]
    for name, field in fields.items():
        default = "needed" if field.is_required() else _value(field.default)
        meaning = (field.description or "").replace("|", "\\|")
        lines.append(f"| `{name}` | {default} | {_values(field)} | {meaning} |")
    return "\n".join(lines) + "\n"


def _kinds(entries: list[Entry], of_all: Collection[str]) -> str:
    lines = ["| kind | keys and their defaults | |", "|---|---|---|"]
    for entry in sorted(entries, key=lambda e: e.name):
        keys = ", ".join(_parameter(each) for each in entry.parameters().values() if each.name not in of_all)
        names = " ".join([f"`{entry.name}`", *(f"`{alias}`" for alias in entry.aliases)])
        lines.append(f"| {names} | {keys} | {entry.summary.replace('|', chr(92) + '|')} |")
    return "\n".join(lines) + "\n"


def _parameter(parameter: inspect.Parameter) -> str:
    if parameter.default is inspect.Parameter.empty:
        return f"`{parameter.name}` (needed)"
    return f"`{parameter.name}`: {_value(parameter.default)}"


def _value(value: Any) -> str:
    """A value as YAML has it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, (list, tuple)):
        return f"`[{', '.join(map(str, value))}]`"
    return f"`{value!r}`" if value == "" else f"`{value}`"


def _values(field: FieldInfo) -> str:
    """What may be given: choices, or a kind of value and its bounds."""
    choices = _choices(field.annotation)
    if choices:
        return ", ".join(f"`{choice!r}`" if choice == "" else f"`{choice}`" for choice in choices)
    signs = {Ge: ("≥", "ge"), Gt: (">", "gt"), Le: ("≤", "le"), Lt: ("<", "lt")}
    bounds = [f"{sign} {getattr(m, name):,g}" for m in field.metadata for kind, (sign, name) in signs.items()
              if isinstance(m, kind) and abs(getattr(m, name)) < 2**63]  # fmt: skip
    return ", ".join([_type(field.annotation), *bounds])


def _choices(annotation: Any) -> tuple[Any, ...]:
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    found = [_choices(part) for part in get_args(annotation)]
    return next((choices for choices in found if choices), ())


def _type(annotation: Any) -> str:
    words = {int: "whole number", float: "number", str: "text", bool: "`true`, `false`"}
    if annotation in words:
        return words[annotation]
    if hasattr(annotation, "model_fields"):
        return "section"
    parts = [part for part in get_args(annotation) if part not in (type(None), Ellipsis)]
    if get_origin(annotation) in (Union, UnionType):
        return " or ".join(_type(part) for part in parts)
    kinds = " or ".join(dict.fromkeys(_type(part) for part in parts))
    count = len(parts) if Ellipsis not in get_args(annotation) else 0
    return f"list of {count} {kinds}s" if count > 1 else f"list of {kinds}"


def _sentence(text: str | None) -> str:
    return f"{(text or '')[:1].upper()}{(text or '')[1:]}."


def _first_line(section: Any) -> str:
    return (inspect.getdoc(section) or "").splitlines()[0]


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(PAGE.read_text("utf-8") != page())
    PAGE.write_text(page(), "utf-8")
