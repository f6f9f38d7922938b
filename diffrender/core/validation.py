"""Data from files and flags, checked against pydantic models: one error that names the key, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from diffrender.core.errors import ConfigError, suggest


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


def validate(model: type[BaseModel], data: Mapping[str, Any], where: str) -> Any:
    """`model(**data)`, or one ConfigError that names the file and key."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(p) for p in first["loc"])
        if first["type"] == "extra_forbidden":
            here: Any = model
            for p in first["loc"][:-1]:
                annotation = here.model_fields[p].annotation if p in getattr(here, "model_fields", {}) else None
                here = annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
            known = getattr(here, "model_fields", {})
            raise ConfigError(f"{where}: unknown key '{key}'.", suggest(str(first["loc"][-1]), known)) from None
        if first["type"] == "missing":
            raise ConfigError(f"{where}: '{key}' is missing.") from None
        got = f" (got {first['input']!r})" if not isinstance(first["input"], (dict, list)) else ""
        raise ConfigError(f"{where}: {key}: {first['msg']}{got}.") from None
