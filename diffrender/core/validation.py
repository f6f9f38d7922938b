"""Data from files and flags, checked against pydantic models: one error that names the key, and what to do."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import ErrorDetails

from diffrender.core.errors import ConfigError, suggest

MAX_SHOWN = 60  # characters of a value or key in a message
NEEDED = {
    "int_parsing": "a whole number is needed",
    "int_type": "a whole number is needed",
    "int_from_float": "a whole number is needed",
    "int_parsing_size": "a smaller number is needed",
    "float_parsing": "a number is needed",
    "float_type": "a number is needed",
    "finite_number": "a finite number is needed",
    "bool_parsing": "true or false is needed",
    "bool_type": "true or false is needed",
    "string_type": "text is needed",
    "string_too_short": "a word at least is needed",
    "list_type": "a list is needed, such as [a, b]",
    "tuple_type": "a list is needed, such as [a, b]",
    "dict_type": "a section is needed, such as {{key: value}}",
    "model_type": "a section is needed, such as {{key: value}}",
    "model_attributes_type": "a section is needed, such as {{key: value}}",
    "path_type": "the name of a file is needed",
    "greater_than": "must be above {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be below {lt}",
    "less_than_equal": "must be at most {le}",
    "too_short": "at least {min_length} of them are needed",
    "too_long": "at most {max_length} of them may be given",
    "literal_error": "must be {expected}",
}

Line = Callable[[tuple[int | str, ...]], int | None]


class NamedOptions(BaseModel):
    """Options given by name: unknown ones are refused, and a list may be written `a,b,c`."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _lists(cls, data: Any) -> Any:
        lists = {name for name, field in cls.model_fields.items() if get_origin(field.annotation) is tuple}
        return {
            name: [part.strip() for part in value.split(",")] if name in lists and isinstance(value, str) else value
            for name, value in dict(data).items()
        }


def shown(value: Any) -> str:
    """A value as messages quote it: on one line, and not longer than a line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = repr(value[: MAX_SHOWN + 1] if isinstance(value, (str, bytes, list, tuple)) else value)
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"


def explained(error: ErrorDetails) -> tuple[str, str]:
    """What is wrong with one value, in plain words with the value itself, and the remedy if there is one."""
    kind, value = error["type"], error["input"]
    context = error.get("ctx", {})
    plain = {k: f"{v:,}" if isinstance(v, int) else f"{v:g}" if isinstance(v, float) else v for k, v in context.items()}
    words = NEEDED[kind].format(**plain) if kind in NEEDED else error["msg"].removeprefix("Value error, ")
    got = "" if isinstance(value, dict) else f" (got {'nothing' if value is None else shown(value)})"
    is_text = kind in ("int_parsing", "float_parsing") and isinstance(value, str)
    remedy = _as_number(value, whole=kind == "int_parsing") if is_text else ""
    if kind == "string_type" and isinstance(value, (int, float)):
        remedy = "Put it in quotes: '…'."
    return words + got, remedy


def _as_number(text: str, whole: bool) -> str:
    """How a number is written that somebody wrote as 1,000 or 0,5 or 5%; "" where it is none. whole: it counts."""
    if re.fullmatch(r"[-+]?[1-9]\d{0,2}(,\d{3})+", text):
        return f"Without marks of thousands: {text.replace(',', '')}."
    if re.fullmatch(r"[-+]?\d*,\d+", text):
        return f"With a decimal point: {text.replace(',', '.')}."
    if re.fullmatch(r"[-+]?\d+(\.\d+)?\s*%", text):
        if whole:
            return "A plain number: how many, not a share of anything."
        return f"As a fraction: {float(text.rstrip(' %')) / 100:g}."
    return ""


def validate(model: type[BaseModel], data: Mapping[str, Any], where: str, line: Line | None = None) -> Any:
    """`model(**data)`, or one ConfigError that names the file, the key, and the line of it that `line(key)` knows."""
    if broken := first(half_a_character, data):
        raise ConfigError(f"{where}: {dotted(broken)}: bytes that are no UTF-8 text.", "Write it in UTF-8.")
    if wrong := first(not_finite, data):
        raise ConfigError(
            f"{_at(where, line, wrong)}: {dotted(wrong)}: {NEEDED['finite_number']}; .nan and .inf are none."
        )
    try:
        found = model.model_validate(data)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        near = [one for one in errors if one["loc"][:1] == errors[0]["loc"][:1]]  # of several kinds that it might be
        nearest = max(near, key=lambda one: len(one["loc"]))
        named = next((one for one in errors if one["type"] == "extra_forbidden"), nearest)  # Target: for target:
        place = tuple(named["loc"])
        at, key = _at(where, line, place), dotted(place)
        if named["type"] == "extra_forbidden":
            known = _fields_at(model, place[:-1])
            raise ConfigError(f"{at}: unknown key '{key}'.", suggest(str(place[-1])[:MAX_SHOWN], known)) from None
        if named["type"] == "missing":
            raise ConfigError(f"{at}: '{key}' is missing.") from None
        words, remedy = explained(named)
        raise ConfigError(f"{at}: {key}: {words}." if key else f"{at}: {words}.", remedy) from None
    if wrong := switch_as_number(data, found):
        raise ConfigError(f"{_at(where, line, wrong)}: {dotted(wrong)}: {SWITCH[0]}", SWITCH[1])
    return found


def _at(where: str, line: Line | None, place: tuple[int | str, ...]) -> str:
    """Where a key stands: in which file, and in which line of it if that is known."""
    number = line(place) if line else None
    return f"{where}, line {number}" if number else where


def half_a_character(value: Any) -> bool:
    """Whether it is text that cannot be written in UTF-8: on the command line bytes in another encoding become that."""
    return isinstance(value, str) and any("\ud800" <= c <= "\udfff" for c in value)


def not_finite(value: Any) -> bool:
    """Whether it is a float that is no number: YAML's .nan and .inf, which a key of any kind would take."""
    return isinstance(value, float) and not math.isfinite(value)


def first(wrong: Callable[[Any], bool], data: Any) -> tuple[int | str, ...]:
    """Where in `data` the first value is that is wrong: the path there, () if nowhere."""
    pairs = data.items() if isinstance(data, Mapping) else enumerate(data) if isinstance(data, (list, tuple)) else ()
    for key, value in pairs:
        if wrong(value):
            return (key,)
        if below := first(wrong, value):
            return (key, *below)
    return ()


SWITCH = (
    "a number is needed; yes, no, on, off, true and false are switches in YAML.",
    "Write the number: 1, not yes.",
)


def switch_as_number(data: Any, found: Any) -> tuple[str, ...]:
    """Where `data` holds true or false and `found`, made from it, holds a number: the path there, () if nowhere."""
    for key, value in data.items() if isinstance(data, Mapping) else ():
        made = found.get(key) if isinstance(found, Mapping) else getattr(found, str(key), None)
        if isinstance(value, bool):
            if isinstance(made, (int, float)) and not isinstance(made, bool):
                return (str(key),)
        elif isinstance(value, Mapping) and (below := switch_as_number(value, made)):
            return (str(key), *below)
        elif isinstance(value, (list, tuple)) and isinstance(made, (list, tuple)):
            pairs = dict(enumerate(value)), dict(enumerate(made))
            if below := switch_as_number(*pairs):
                return (str(key), *below)
    return ()


def dotted(place: tuple[int | str, ...]) -> str:
    """A key as it is written: `training.steps`, no longer than a line."""
    text = ".".join(str(part) for part in place if not re.match(r"[\w-]*constrained-|[\w-]+\[", str(part)))
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"


def _fields_at(model: Any, place: tuple[int | str, ...]) -> Mapping[str, Any]:
    """The keys that a model knows at a place below it."""
    for part in place:
        fields = getattr(model, "model_fields", {})
        annotation = fields[part].annotation if part in fields else None
        model = annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
    return getattr(model, "model_fields", {})
