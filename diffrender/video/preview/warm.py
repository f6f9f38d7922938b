"""The warmth of a drawing process: what it had to load and to set, for the next one that is forked.

Only what does not depend on the user's code is taken over: installed modules, compiled kernels, set lines of text,
and results of ours that are known by all that they were made from.
"""

from __future__ import annotations

import contextlib
import importlib
import pickle
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from numba.core.registry import CPUDispatcher

from diffrender.animation.text import typst
from diffrender.core.files import replacing
from diffrender.core.remembered import RESULTS

INSTALLED = tuple(sysconfig.get_paths()[name] for name in ("stdlib", "platlib", "purelib"))
OURS = str(Path(__file__).parents[2])


def collect(file: Path, known: set[str]) -> None:
    """Write what this process has besides the modules `known`."""
    modules = [name for name in list(sys.modules) if name not in known and _installed(sys.modules[name])]
    kernels = {(d.__module__, name): list(d.signatures) for name, d in _kernels() if d.signatures}
    with replacing(file) as out:
        pickle.dump({"modules": modules, "kernels": kernels, "lines": typst.LINES, "results": RESULTS}, out)


def load(file: Path) -> None:
    """Load and compile what another process collected; what cannot be is left to whoever needs it."""
    found = pickle.loads(file.read_bytes())  # written by a child of this process, in a folder of this user's alone
    for name in found["modules"]:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    kernels: dict[tuple[str, str], Any] = {(d.__module__, name): d for name, d in _kernels()}
    for place, signatures in found["kernels"].items():
        for signature in signatures:
            with contextlib.suppress(Exception):
                kernels[place].compile(signature)
    typst.LINES.update(found["lines"])
    RESULTS.update(found["results"])


def _installed(module: ModuleType) -> bool:
    """Whether a module is Python's, a package's or ours, not a file of the user's."""
    file = getattr(module, "__file__", None) or ""
    return file.startswith((*INSTALLED, OURS))


def _kernels() -> Iterator[tuple[str, CPUDispatcher]]:
    """(name, function) of all compiled functions in modules of ours."""
    for module in list(sys.modules.values()):
        if (getattr(module, "__file__", None) or "").startswith(OURS):
            for name, value in list(vars(module).items()):
                if isinstance(value, CPUDispatcher) and value.__module__ == module.__name__:
                    yield name, value
