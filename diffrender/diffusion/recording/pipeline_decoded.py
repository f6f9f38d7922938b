"""Images of latent states, by the pipeline's own decoder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from diffrender.core.errors import TrajectoryError
from diffrender.diffusion.levels import Level
from diffrender.trajectory.reader import shown_scale


@dataclass(frozen=True)
class Decode:
    """Which states are decoded: of the first `chains` chains, each `every`-th recorded one, and the last."""

    chains: int = 0
    every: int = 1


NOTHING_DECODED = Decode()


class Decoded:
    """Keeps latents that shall be decoded, and decodes them when the run is over."""

    def __init__(self, pipeline: Any, asked: Decode, where: Path) -> None:
        self.pipeline, self.asked, self.where = pipeline, asked, where
        self.kept: list[tuple[int, torch.Tensor, torch.Tensor]] = []

    def take(self, index: int, x: torch.Tensor, clean: torch.Tensor, *, last: bool = False) -> None:
        """Keep state `index` and the clean data predicted there if they shall be decoded."""
        if self.asked.chains and (last or index % self.asked.every == 0):
            self.kept.append((index, x[: self.asked.chains].clone(), clean[: self.asked.chains].clone()))

    def members(self, levels: Sequence[Level]) -> Iterator[tuple[str, np.ndarray]]:
        """Images of states and of the clean data predicted there, (S, n, C, H, W) float16 in [−1, 1]; which states.

        States, at these levels, are decoded as they are shown. Of every state they are `decoded` (S = T+1), of some
        `decoded_x`.
        """
        if not self.kept:
            return
        decode = self._decoder()
        scale = shown_scale(np.array([a.alpha for a in levels]), np.array([a.sigma for a in levels]))
        yield (
            "decoded" if self.asked.every == 1 else "decoded_x",
            np.stack([decode(x / scale[index]) for index, x, _ in self.kept]),
        )
        yield "decoded_x0", np.stack([decode(clean) for _, _, clean in self.kept])
        yield "decoded_step", np.array([index for index, _, _ in self.kept], np.int64)

    def _decoder(self) -> Any:
        """Latents (n, C, H, W) → images (n, C, H, W) float16."""
        coder = getattr(self.pipeline, "vae", None) or getattr(self.pipeline, "vqvae", None)
        if coder is None or self.kept[0][1].ndim != 4:
            why = "has no vae" if coder is None else f"has latents of shape {tuple(self.kept[0][1].shape)}, packed"
            raise TrajectoryError(
                f"{self.where}: decode: {type(self.pipeline).__name__} {why}.",
                "Leave decode out, and add what you decode yourself: recorder.add('decoded', …).",
            )
        scale = getattr(coder.config, "scaling_factor", None) or 1.0
        shift = getattr(coder.config, "shift_factor", None) or 0.0
        own = next(coder.parameters())

        @torch.no_grad()
        def decode(latents: torch.Tensor) -> np.ndarray:
            rows = latents.to(own.device, own.dtype) / scale + shift
            images = [coder.decode(row[None], return_dict=False)[0] for row in rows]
            return torch.cat(images).clamp(-1, 1).to("cpu", torch.float16).numpy()

        return decode
