"""Rows of a recording on their way to the file, a block of each member in memory."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import torch

from diffrender.core.errors import TrajectoryError
from diffrender.diffusion.recording.arrays import to_store
from diffrender.trajectory.writer import TrajectoryWriter

BLOCK_BYTES = 1 << 22  # of one member, held before they are written
BLOCK_ROWS = 1 << 12


class Rows:
    """Writes rows of members, block by block, in a run that may come batch by batch of its chains.

    half: members that are written in float16. chains: how many chains the run has in all, 0 if it comes in one batch.
    """

    def __init__(self, writer: TrajectoryWriter, half: Collection[str], chains: int) -> None:
        self.writer, self.half, self.chains = writer, half, chains
        self.blocks: dict[str, list[torch.Tensor]] = {}
        self.room: dict[str, int] = {}
        self.written: dict[str, int] = {}
        self.first = self.batch = 0

    def begin(self, first: int) -> None:
        """Start a batch at the chain of index `first`; the one before it has ended."""
        self.first, self.batch = first, self.batch + 1

    def put(self, key: str, value: torch.Tensor) -> None:
        """A row (N, *event) of a member, kept until its block is full."""
        block = self.blocks.get(key)
        if block is None:
            block = self.blocks[key] = []
            # a number alone is written at once: kept among large arrays, small ones keep the heap from shrinking
            self.room[key] = max(1, min(BLOCK_ROWS, BLOCK_BYTES // max(1, value.nbytes))) if value.ndim else 1
        block.append(value)
        if len(block) >= self.room[key]:
            self._flush(key)

    def write(self, key: str, rows: np.ndarray) -> None:
        """Rows (B, N, *event) of a member, at once."""
        if key in self.half:
            rows = rows.astype(np.float16)
        at = None if self.batch <= 1 else self.written.setdefault(key, 0)
        self.writer.write(key, rows, at=at, first=self.first, chains=self.chains)
        if at is not None:
            self.written[key] = at + len(rows)

    def flush(self) -> None:
        """Write what is still in memory."""
        for key in self.blocks:
            self._flush(key)

    def end(self) -> None:
        """End a batch. TrajectoryError if its chains made fewer steps than the others."""
        self.flush()
        if self.batch > 1 and self.written["x"] != self.writer.spools["x"].rows:
            raise TrajectoryError(f"{self.writer.path}: the chains of one run must all make the same number of steps.")
        self.written = {}

    def _flush(self, key: str) -> None:
        block = self.blocks[key]
        if block:
            rows = to_store(torch.stack(block))
            block.clear()
            self.write(key, rows)
