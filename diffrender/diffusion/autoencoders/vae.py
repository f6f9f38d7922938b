"""A variational autoencoder (Kingma & Welling 2014): each image a small cloud in the plane, all clouds about normal."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Annotated

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional

from diffrender.diffusion.autoencoders.registry import AUTOENCODERS

LOG_VARIANCE = (-12.0, 4.0)  # of a code, within what can be trained
HEAD = 32  # width of the layer that tells classes from codes
LABEL_WEIGHT = 60.0  # of the cross-entropy, which has tens of nats to compete with

Widths = Annotated[tuple[Annotated[int, Field(ge=4, le=4096)], ...], Field(min_length=1, max_length=8)]


class VAE(nn.Module):
    """Images (N, *event) in [−1, 1] ↔ codes (N, Z).

    The encoder gives the mean and the variance of an image's code, the decoder the probability that a pixel is white.
    What falls is −ELBO = −log p(image | code) + KL(code ‖ normal), in nats an image; with `classes`, a cross-entropy of
    the class that a small network tells from the code comes to it.
    """

    parts = ("reconstruction", "kl", "label")  # of what falls, in this order

    def __init__(self, event: tuple[int, ...], classes: int, *, size: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.event, self.size, pixels = tuple(event), size, math.prod(event)
        self.encoder = _layers(pixels, *widths, 2 * size)
        self.decoder = _layers(size, *widths[::-1][:1], *widths[::-1], pixels)
        self.head = _layers(size, HEAD, classes) if classes else None

    def posterior(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and log-variance of the codes of images, (N, Z) each."""
        mean, log_variance = self.encoder((images.flatten(1) + 1) / 2).chunk(2, 1)
        return mean, log_variance.clamp(*LOG_VARIANCE)

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        """The codes of images, (N, Z): the means."""
        return self.posterior(images)[0]

    def decode(self, codes: torch.Tensor) -> torch.Tensor:
        """The images of codes, (N, *event) in [−1, 1]: the expected pixels."""
        return 2 * torch.sigmoid(self.decoder(codes)).view(-1, *self.event) - 1

    def loss_parts(self, images: torch.Tensor, label: torch.Tensor | None, noise: torch.Tensor) -> torch.Tensor:
        """`parts` of the loss of a batch, (3,). label: (N,) int64. noise: (N, Z) normal."""
        mean, log_variance = self.posterior(images)
        codes = mean + noise * (log_variance / 2).exp()
        white = (images.flatten(1) + 1) / 2
        misfit = functional.binary_cross_entropy_with_logits(self.decoder(codes), white, reduction="none").sum(1).mean()
        kl = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum(1).mean()
        told = misfit.new_zeros(())
        if self.head is not None and label is not None:
            told = LABEL_WEIGHT * functional.cross_entropy(self.head(codes), label)
        return torch.stack([misfit, kl, told])


def _layers(*widths: int) -> nn.Sequential:
    """Linear layers, with SiLU between them."""
    found = [part for a, b in pairwise(widths) for part in (nn.Linear(a, b), nn.SiLU())]
    return nn.Sequential(*found[:-1])


@AUTOENCODERS.register("vae", title="VAE", paper="Kingma & Welling 2014")
def vae(
    event: tuple[int, ...], classes: int, *, size: Annotated[int, Field(ge=2, le=3)] = 2, widths: Widths = (320, 192)
) -> VAE:
    """Layers of `widths` to a code of `size` numbers, and back through the same; for images of one channel in grey."""
    return VAE(event, classes, size=size, widths=widths)
