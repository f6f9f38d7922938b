"""The call of a pipeline that is under way: found by looking up the stack from its scheduler, so nothing is changed."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

MAX_TEXT, MAX_ITEMS = 2000, 64  # of an argument that is noted
LABELS = ("class_labels", "labels")


@dataclass(frozen=True)
class PipelineCall:
    """A pipeline and the arguments of its `__call__`, as they stand there now."""

    pipeline: Any
    arguments: dict[str, Any]

    def facts(self) -> dict[str, Any]:
        """`meta.pipeline`: its name, and those arguments that are words or numbers."""
        noted = {k: v for k, raw in self.arguments.items() if (v := _noted(raw)) is not None}
        return {"name": type(self.pipeline).__name__, "arguments": noted}

    def labels(self, chains: int) -> np.ndarray | None:
        """The classes that were asked for, (N,) int64, if there is one for each chain."""
        for name in LABELS:
            value = self.arguments.get(name)
            if isinstance(value, (list, tuple, np.ndarray, torch.Tensor)):
                array = np.asarray(value.detach().cpu() if isinstance(value, torch.Tensor) else value)
                if array.shape == (chains,) and array.dtype.kind in "iu":
                    return array.astype(np.int64)
        return None


def call_of(scheduler: Any) -> PipelineCall | None:
    """The innermost `__call__` on the stack of an object whose scheduler this is; None where there is none."""
    frame = sys._getframe(1)
    while frame := frame.f_back:  # type: ignore[assignment]
        code = frame.f_code
        if code.co_name == "__call__" and code.co_argcount and code.co_varnames[0] == "self":
            values = frame.f_locals
            if getattr(values.get("self"), "scheduler", None) is scheduler:
                count = code.co_argcount + code.co_kwonlyargcount
                names = code.co_varnames[1:count]
                return PipelineCall(values["self"], {name: values[name] for name in names if name in values})
    return None


def _noted(value: Any) -> Any:
    """A value as JSON can hold it, if it is words or numbers, and few of them; else None."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().numpy() if value.dtype != torch.bfloat16 else None
    if isinstance(value, np.ndarray):
        value = value.tolist() if value.ndim < 2 else None
    if isinstance(value, str):
        return value[:MAX_TEXT]
    if isinstance(value, (bool, int)) or (isinstance(value, float) and np.isfinite(value)):
        return value
    if isinstance(value, (list, tuple)) and len(value) <= MAX_ITEMS:
        items = [_noted(item) for item in value]
        return None if any(item is None for item in items) else items
    return None
