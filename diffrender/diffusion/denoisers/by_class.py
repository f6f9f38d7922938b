"""States of a finite set in the order of their classes, so that those of one class are one piece of memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from diffrender.core.errors import DiffrenderError

ANY = -1  # the class of a chain that may become anything


class ByClass:
    """States sorted by class.

    points: (M, *event) float. labels: (M,) int64, or None where there are no classes.
    """

    def __init__(self, points: Any, labels: Any = None, *, device: torch.device | str = "cpu") -> None:
        self.points = torch.as_tensor(points, device=device)
        self.spans: dict[int, slice] = {ANY: slice(0, len(self.points))}
        if labels is not None:
            labels = torch.as_tensor(labels)
            order = torch.sort(labels, stable=True).indices
            self.points = self.points[order.to(device)]
            first = 0
            for label, count in zip(*(part.tolist() for part in torch.unique(labels, return_counts=True)), strict=True):
                self.spans[label] = slice(first, first + count)
                first += count

    def groups(self, label: torch.Tensor | None, chains: int) -> Iterator[tuple[Any, int]]:
        """(which chains, class) for each class that is asked for; ANY where a chain is not bound to one."""
        if label is None or len(self.spans) == 1:
            yield slice(0, chains), ANY
            return
        asked = torch.where(label < 0, ANY, label).tolist()
        for k in sorted(set(asked)):
            if k not in self.spans:
                raise DiffrenderError(f"There is no state of class {k} to denoise towards.", "Ask for another class.")
            rows = [i for i, own in enumerate(asked) if own == k]
            contiguous = rows[-1] - rows[0] + 1 == len(rows)
            yield slice(rows[0], rows[-1] + 1) if contiguous else torch.tensor(rows, device=label.device), k
