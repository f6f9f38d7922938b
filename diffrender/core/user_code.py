"""Functions of a user's own, named in a config by file and function: `sampler: {kind: ./mine.py:leapfrog}`.

They stand where a shipped one may stand: their keyword-only parameters are the config's keys. A file is imported once
in a process, by its path; its folder can be imported from, as when it is run as a script.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from diffrender.core.errors import ConfigError, suggest, words_of
from diffrender.core.files import file_digest

_places: dict[str, Path] = {}
_modules: dict[tuple[Path, str], ModuleType] = {}


def is_code(name: str) -> bool:
    """Whether a name means a function in a Python file."""
    file, colon, _ = name.rpartition(":")
    return bool(colon) and file.lower().endswith(".py")


def file_of(name: str) -> str:
    """The file as it is written in `file.py:function`."""
    return name.rpartition(":")[0]


def short_name(name: str) -> str:
    """`./lib/mine.py:leapfrog` as a word in a file's name: `mine-leapfrog`; every other name as it is."""
    return f"{Path(file_of(name)).stem}-{name.rpartition(':')[2]}" if is_code(name) else name


def use_code(places: Mapping[str, Path]) -> None:
    """From now on these files, as configs name them, lie at these places, in this process."""
    _places.clear()
    _places.update(places)


@contextlib.contextmanager
def code_at(places: Mapping[str, Path]) -> Iterator[None]:
    """Inside, these files, as configs name them, lie at these places."""
    before = dict(_places)
    use_code({**before, **places})
    try:
        yield
    finally:
        use_code(before)


def load(name: str) -> Callable[..., Any]:
    """The function (or class) that `file.py:function` names; a file that is not placed is looked for from here.

    Raises ConfigError naming the file, and its line where it cannot be run.
    """
    written, _, function = name.rpartition(":")
    file = _places.get(written, Path(written).expanduser())
    if not file.is_file():
        raise ConfigError(f"{written}: no such Python file.", f"Looked for it at {file.absolute()}.")
    module = _module(file.resolve())
    made = vars(module).get(function)
    if not callable(made):
        own = [k for k, v in vars(module).items() if callable(v) and getattr(v, "__module__", "") == module.__name__]
        raise ConfigError(f"{written}: there is no function '{function}' in it.", suggest(function, own))
    return made


def _import_from(folder: Path) -> None:
    """Let a folder be imported from, before others; modules of another user's folder do not stand in for its own."""
    others = {place for place, _ in _modules}
    for name, module in list(sys.modules.items()):
        origin = getattr(module, "__file__", None)
        if origin and Path(origin).parent != folder and any(Path(origin).parent == other.parent for other in others):
            del sys.modules[name]
    if str(folder) in sys.path:
        sys.path.remove(str(folder))
    sys.path[:] = [str(folder), *sys.path, *([] if os.getcwd() in sys.path else [os.getcwd()])]


def _module(file: Path) -> ModuleType:
    key = file, file_digest(file)
    if key in _modules:
        return _modules[key]
    _import_from(file.parent)
    spec = importlib.util.spec_from_file_location(f"diffrender_user_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and pickle look a class's module up by name
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
        line = getattr(error, "lineno", None) if isinstance(error, SyntaxError) else next(iter(lines[::-1]), None)
        where = f", line {line}" if line else ""
        raise ConfigError(f"{file}{where}: it cannot be run ({type(error).__name__}: {words_of(error)}).") from error
    _modules[key] = module
    return module
