"""Registries: named things that a config may ask for (targets, schedules, samplers, networks).

A registered function's keyword parameters *are* its config keys: they are checked (unknown key, wrong type) with the
same messages wherever the thing is named, and documented where they are defined. A function in a file of the user's own
is found as `./mine.py:function`, and treated alike.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ConfigDict, ValidationError, create_model

from diffrender.core.errors import ConfigError, suggest
from diffrender.core.user_code import is_code, load
from diffrender.core.validation import SWITCH, dotted, explained, switch_as_number


@dataclass(frozen=True)
class Entry:
    """One registered function, its names and what `diffrender list` says about it."""

    name: str
    make: Callable[..., Any]
    aliases: tuple[str, ...] = ()
    info: Mapping[str, Any] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """First line of the docstring."""
        return (inspect.getdoc(self.make) or "").split("\n")[0]

    def parameters(self) -> dict[str, inspect.Parameter]:
        """The keyword-only parameters, which are the config keys."""
        found = inspect.signature(self.make, eval_str=True).parameters
        return {k: p for k, p in found.items() if p.kind is p.KEYWORD_ONLY}

    def positional(self) -> list[str]:
        """Names of the other parameters, which are given by whoever calls it."""
        found = inspect.signature(self.make).parameters
        return [k for k, p in found.items() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]

    def check(self, params: Mapping[str, Any], where: str, also: Iterable[str] = ()) -> dict[str, Any]:
        """Validated copy of `params`; raises ConfigError naming `where.key`.

        also: keys of the section itself, which are suggested for a mistyped one.
        """
        fields: dict[str, Any] = {}
        for k, p in self.parameters().items():
            kind = Any if p.annotation is p.empty else p.annotation
            fields[k] = (kind, ... if p.default is p.empty else p.default)
        model = create_model(
            self.name,
            __config__=ConfigDict(extra="forbid", arbitrary_types_allowed=True, allow_inf_nan=False),
            **fields,
        )
        unknown = sorted(set(params) - set(fields))
        if unknown:
            raise ConfigError(
                f"{dotted((where, unknown[0]))}: '{self.name}' has no such key.",
                suggest(unknown[0][:60], [*fields, *also]),
            )
        try:
            checked = model(**params)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            key = dotted((where, *first["loc"]))
            if first["type"] == "missing":
                raise ConfigError(f"{key}: is missing; '{self.name}' needs it.") from None
            words, remedy = explained(first)
            raise ConfigError(f"{key}: {words}.", remedy) from None
        if wrong := switch_as_number(params, checked):
            raise ConfigError(f"{dotted((where, *wrong))}: {SWITCH[0]}", SWITCH[1])
        return {k: getattr(checked, k) for k in fields}


class Registry:
    """Names to functions, with aliases and the nearest name for a wrong one.

    >>> points = Registry("target")
    >>> @points.register("circle")
    ... def circle(n: int, rng, *, radius: float = 1.0): ...
    >>> make, params = points.resolve("circle", {"radius": 2}, where="target")
    """

    def __init__(self, what: str, takes: tuple[tuple[str, ...], ...] = ()) -> None:
        """what: as errors call it. takes: positional parameters of its functions; more than one way, if there is."""
        self.what, self.takes = what, takes
        self.entries: dict[str, Entry] = {}
        self.names: dict[str, str] = {}

    def register(self, name: str, *, aliases: tuple[str, ...] = (), **info: Any) -> Callable[[Callable], Callable]:
        """Decorator: file a function under `name` and `aliases`; `info` is shown by `diffrender list`."""

        def keep(make: Callable) -> Callable:
            if name in self.names and self[name].make.__module__ != make.__module__:
                raise ConfigError(f"{self.what} '{name}': there is one of that name already.", "Call it otherwise.")
            self.entries[name] = Entry(name, make, aliases, info)
            self.names.update(dict.fromkeys((name, *aliases), name))
            return make

        return keep

    def __contains__(self, name: str) -> bool:
        return name in self.names or is_code(name)

    def __iter__(self) -> Iterator[Entry]:
        return iter(sorted(self.entries.values(), key=lambda entry: entry.name))

    def __getitem__(self, name: str) -> Entry:
        if is_code(name):
            return self._own(name)
        if name not in self.names:
            raise ConfigError(f"Unknown {self.what} '{name[:60]}'.", suggest(name[:60], self.entries))
        return self.entries[self.names[name]]

    def _own(self, name: str) -> Entry:
        """The entry of a user's own function; what it says of itself if it is registered, else what can be told."""
        make = load(name)
        entry = Entry(name, make, (), next((e.info for e in self.entries.values() if e.make is make), {}))
        if self.takes and len(entry.positional()) not in map(len, self.takes):
            ways = " or ".join(f"({', '.join(way)})" for way in self.takes)
            raise ConfigError(
                f"{name}: takes ({', '.join(entry.positional())}), but a {self.what} takes {ways}.",
                "Its config keys are keyword-only parameters: they stand behind a * in its head.",
            )
        return entry if entry.info else Entry(name, make, (), self.facts(entry))

    def facts(self, entry: Entry) -> dict[str, Any]:
        """What is said of a user's function that is not registered."""
        return {"title": entry.name.rpartition(":")[2].replace("_", " "), "equation": ""}

    def resolve(self, name: str, params: Mapping[str, Any], where: str) -> tuple[Callable[..., Any], dict[str, Any]]:
        """The function called `name` and its validated keyword arguments."""
        entry = self[name]
        return entry.make, entry.check(params, where)
