"""A U-Net for images that trains on a processor: few channels at half the resolution, and sums instead of copies.

x (N, C, H, W) is folded into patches (space-to-depth), so that the largest map has H/2 × W/2 places. Going down, each
level has residual blocks and hands on a map of half its size; going up, it adds what the level below says to what it
had itself. Sums cost no channels, unlike the concatenated skips of Ronneberger et al. 2015, and at equal time they
make the better digits.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional

from diffrender.core.errors import ConfigError
from diffrender.diffusion.denoisers.networks.embedding import ConditionEmbedding
from diffrender.diffusion.denoisers.networks.gaussian_preconditioned import GaussianPreconditioned
from diffrender.diffusion.denoisers.networks.registry import NETWORKS

GROUPS = 8  # of every normalisation: widths are multiples of it
HEADS = 4


class ResidualBlock(nn.Module):
    """x + conv(modulated(conv(x))): two 3×3 convolutions, the second scaled and shifted by the embedding (FiLM).

    It begins as the identity: its last convolution is zero.
    """

    def __init__(self, width: int, embedding: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(GROUPS, width), nn.Conv2d(width, width, 3, padding=1)
        self.norm2, self.conv2 = nn.GroupNorm(GROUPS, width), nn.Conv2d(width, width, 3, padding=1)
        self.film = nn.Linear(embedding, 2 * width)
        _zero(self.film)
        _zero(self.conv2)

    def forward(self, x: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
        """Maps (N, width, H, W), scaled and shifted in between by what the embedding (N, E) says."""
        scale, shift = self.film(embedding)[:, :, None, None].chunk(2, 1)
        h = self.norm2(self.conv1(functional.silu(self.norm1(x))))
        return x + self.conv2(functional.silu(torch.addcmul(shift, h, 1 + scale)))


class Attention(nn.Module):
    """x + self-attention of all places of the map, in `HEADS` heads; it begins as the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(GROUPS, width)
        self.qkv, self.out = nn.Conv2d(width, 3 * width, 1), nn.Conv2d(width, width, 1)
        _zero(self.out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Maps (N, width, H, W): the places of each look at all places of the same one."""
        n, c, h, w = x.shape
        q, k, v = self.qkv(self.norm(x)).reshape(n, 3, HEADS, c // HEADS, h * w).transpose(-1, -2).unbind(1)
        mixed = functional.scaled_dot_product_attention(q, k, v)
        return x + self.out(mixed.transpose(-1, -2).reshape(n, c, h, w))


class Stage(nn.Module):
    """The blocks of one level in one direction, each with attention behind it if the level has that."""

    def __init__(self, width: int, embedding: int, blocks: int, attention: bool) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(ResidualBlock(width, embedding) for _ in range(blocks))
        self.attention = nn.ModuleList(Attention(width) for _ in range(blocks if attention else 0))

    def forward(self, x: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
        """Maps (N, width, H, W) through all blocks, embedding (N, E) given to each."""
        for i, block in enumerate(self.blocks):
            x = block(x, embedding)
            if self.attention:
                x = self.attention[i](x)
        return x


class UNet(nn.Module):
    """x (N, channels, H, W), log-SNR (N,), label (N,) int64 or None → (N, out_channels, H, W).

    widths: channels of each level, multiples of `GROUPS`; every level has half the side of the one above, rounded up.
    patch: side of the patches that are folded into channels; it divides H and W. attention: sides of the maps that
    have it, such as (8,).
    """

    def __init__(
        self,
        event: tuple[int, int, int],
        classes: int,
        *,
        widths: tuple[int, ...],
        blocks: int = 1,
        patch: int = 2,
        attention: tuple[int, ...] = (),
        embedding: int = 128,
        out_channels: int | None = None,
        bfloat16: bool = False,
    ) -> None:
        super().__init__()
        self.in_bfloat16 = bfloat16
        channels, height, _ = event
        out_channels = out_channels or channels
        sides = [-(-height // (patch << level)) for level in range(len(widths))]
        self.patch = patch
        self.embedding = ConditionEmbedding(embedding, classes)
        self.first = nn.Conv2d(channels * patch * patch, widths[0], 3, padding=1)
        stages = [(width, embedding, blocks, side in attention) for width, side in zip(widths, sides, strict=True)]
        self.down = nn.ModuleList(Stage(*stage) for stage in stages)
        self.up = nn.ModuleList(Stage(*stage) for stage in stages)
        pairs = list(pairwise(widths))
        self.shrink = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in pairs)
        self.grow = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairs)
        self.norm = nn.GroupNorm(GROUPS, widths[0])
        self.last = nn.Conv2d(widths[0], out_channels * patch * patch, 3, padding=1)
        _zero(self.last)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: torch.Tensor, log_snr: torch.Tensor, label: torch.Tensor | None = None) -> torch.Tensor:
        """A label below 0 means any class."""
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.in_bfloat16 and self.training):
            return self._answer(x, log_snr, label).to(x.dtype)

    def _answer(self, x: torch.Tensor, log_snr: torch.Tensor, label: torch.Tensor | None) -> torch.Tensor:
        embedding = self.embedding(log_snr, label)
        h = self.first(functional.pixel_unshuffle(x, self.patch).contiguous(memory_format=torch.channels_last))
        skips = []
        for i, stage in enumerate(self.down):
            if i:
                h = self.shrink[i - 1](functional.pad(h, (0, h.shape[-1] % 2, 0, h.shape[-2] % 2)))
            h = stage(h, embedding)
            skips.append(h)
        for i in reversed(range(len(self.up))):
            if i < len(self.grow):
                rows, columns = skips[i].shape[-2:]
                h = functional.interpolate(self.grow[i](h), scale_factor=2.0)[..., :rows, :columns] + skips[i]
            h = self.up[i](h, embedding)
        return functional.pixel_shuffle(self.last(functional.silu(self.norm(h))), self.patch)


def _zero(layer: nn.Linear | nn.Conv2d) -> None:
    """Let a layer begin by saying nothing."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


@NETWORKS.register("unet", label="U-Net {widths}")
def unet(
    event: tuple[int, ...],
    classes: int,
    *,
    widths: Annotated[tuple[Annotated[int, Field(ge=GROUPS, le=1024)], ...], Field(min_length=1, max_length=6)] = (
        32,
        64,
        96,
    ),
    blocks: Annotated[int, Field(ge=1, le=8)] = 1,
    patch: Annotated[int, Field(ge=1, le=8)] = 2,
    attention: tuple[int, ...] = (),
    embedding: Annotated[int, Field(ge=4, le=1024)] = 128,
    precondition: Literal["none", "gaussian"] = "none",
    axes: Annotated[int, Field(ge=1, le=4096)] = 256,
    train_in: Literal["float32", "bfloat16"] = "float32",
    conditional: bool = False,
) -> nn.Module:
    """For images: `widths` channels at falling resolution, folded by `patch`, `attention` on maps of those sides.

    precondition: `gaussian` lets the network correct the best affine denoiser of the data, of `axes` principal axes.
    train_in: `bfloat16` multiplies in that while it is trained: faster where the processor can; weights stay float32.
    """
    if len(event) != 3:
        raise ConfigError(
            f"model.kind: a 'unet' needs images, and the states of this target have shape {event}.",
            "Take 'mlp', or a target of images.",
        )
    odd = [width for width in widths if width % GROUPS]
    if odd:
        raise ConfigError(f"model.widths: {odd[0]} is not a multiple of {GROUPS}.")
    channels, height, width = event
    if height % patch or width % patch:
        raise ConfigError(
            f"model.patch: images of {width} × {height} pixels cannot be cut into patches of {patch} × {patch}.",
            "Take patch: 1, or bring the images to another size.",
        )
    sides = {-(-height // (patch << level)) for level in range(len(widths))}
    if set(attention) - sides:
        raise ConfigError(
            f"model.attention: no map has the side {min(set(attention) - sides)}.",
            f"The sides here are {', '.join(map(str, sorted(sides, reverse=True)))}.",
        )
    inner = (2 * channels if precondition == "gaussian" else channels, height, width)
    network = UNet(
        inner,
        classes,
        widths=widths,
        blocks=blocks,
        patch=patch,
        attention=attention,
        embedding=embedding,
        out_channels=channels,
        bfloat16=train_in == "bfloat16",
    )
    if precondition == "none":
        return network
    if axes >= math.prod(event):
        raise ConfigError(f"model.axes: {axes} axes, of images of {math.prod(event)} numbers.")
    return GaussianPreconditioned(network, event, axes)
