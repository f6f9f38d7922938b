"""Waits until a module with samplers is imported, and lets them be recorded from then on. Loads nothing itself."""

from __future__ import annotations

import importlib.abc
import json
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


def kind_of(name: str) -> str | None:
    """Which of the modules here knows the samplers of the module `name`, if any."""
    if name.startswith("diffusers.schedulers.") and ".scheduling_" in name:
        return "diffusers_schedulers"
    if name.endswith("k_diffusion.sampling"):  # of k-diffusion, and of programs that bring it along
        return "k_diffusion_samplers"
    return "azula_samplers" if name == "azula.sample" else None


class Waiting(importlib.abc.MetaPathFinder):
    """Finds the modules that hold samplers as they would be found; once run, their samplers are recorded."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.session: Any = None

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """The spec that another finder gives, its loader extended."""
        kind = kind_of(name)
        if kind is None:
            return None
        for finder in sys.meta_path:
            spec = finder.find_spec(name, path, target) if finder is not self else None
            if spec is not None and spec.loader is not None:
                self.extend(spec.loader, kind)
                return spec
        return None

    def extend(self, loader: Any, kind: str) -> None:
        """After the loader has run its module, let `kind` of samplers in it be recorded."""
        run = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            run(module)
            try:
                self.watch(kind, module)
            except Exception as error:
                print(f"diffrender record: {module.__name__} is not recorded: {error}", file=sys.stderr)

        loader.exec_module = exec_module

    def watch(self, kind: str, module: ModuleType) -> None:
        """Let the samplers of a module that was just imported be recorded."""
        from importlib import import_module

        if self.session is None:
            self.session = import_module(f"{__package__}.session").Session(**self.settings)
        import_module(f"{__package__}.{kind}").watch(module, self.session)


def wait_for_samplers(settings: str) -> None:
    """Record what this process samples from now on; settings: those of a `Session`, as JSON."""
    sys.meta_path.insert(0, Waiting(json.loads(settings)))
