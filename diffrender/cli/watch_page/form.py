"""The options of a scene as the fields of a form: what a slider, a box or a choice must know."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

import annotated_types

from diffrender.config.scene_card import SceneCard, option_rows

SLIDER_REACH = 4.0  # times its default: as far as a slider goes where an option may be much larger
Field = dict[str, Any]


def fields(card: SceneCard) -> list[Field]:
    """One field an option, the scene's own first.

    {name, what, shared, word: whether it is text on screen, kind: number | whole | switch | choice | text | list,
    default, and where there are some least, most, step, choices}.
    least and most are a slider's ends; the scene itself refuses what cannot be.
    """
    return [_field(card, row) for row in option_rows(card)]


def _field(card: SceneCard, row: dict[str, Any]) -> Field:
    info = card.options.model_fields[row["name"]]
    field: Field = {name: row[name] for name in ("name", "what", "shared")}
    field["word"] = row["name"] in card.words
    field["default"] = None if info.is_required() else _plain(info.default)
    types = [part for part in get_args(info.annotation) or (info.annotation,) if part is not type(None)]
    if get_origin(info.annotation) is Literal:
        return field | {"kind": "choice", "choices": list(get_args(info.annotation))}
    if get_origin(info.annotation) in (tuple, list):
        return field | {"kind": "list"}
    if types == [bool]:
        return field | {"kind": "switch"}
    if types in ([int], [float]):
        return field | {"kind": "whole" if types == [int] else "number"} | _ends(info, field["default"], types == [int])
    return field | {"kind": "text"}


def _ends(info: Any, default: Any, whole: bool) -> Field:
    """The ends of a slider, if the option has bounds: no farther than a few times its default."""
    least, most = None, None
    for bound in info.metadata:
        if isinstance(bound, (annotated_types.Ge, annotated_types.Gt)):
            least = getattr(bound, "ge", getattr(bound, "gt", None))
        if isinstance(bound, (annotated_types.Le, annotated_types.Lt)):
            most = getattr(bound, "le", getattr(bound, "lt", None))
    if least is None or most is None or default is None:
        return {}
    if default > 0:
        least, most = max(least, -SLIDER_REACH * default), min(most, SLIDER_REACH * default)
    step = 1 if whole else _step(most - least)
    if any(isinstance(bound, annotated_types.Gt) for bound in info.metadata):
        least += step
    return {"least": least, "most": most, "step": step}


def _step(length: float) -> float:
    """A round step of which a few hundred make the length."""
    step = 1000.0
    while length / step < 100:
        step /= 10
    return round(step, 9)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, (tuple, list)) else value
