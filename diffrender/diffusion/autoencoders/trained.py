"""A trained autoencoder in its file: network, codes of all its images, a reader, and what it was while it learned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from diffrender.config.sections import Config
from diffrender.core import provenance
from diffrender.core.errors import DiffrenderError
from diffrender.core.provenance import made_with
from diffrender.diffusion.autoencoders import vae  # noqa: F401 - files its network in AUTOENCODERS
from diffrender.diffusion.autoencoders.reader import ImageReader
from diffrender.diffusion.autoencoders.registry import AUTOENCODERS
from diffrender.diffusion.weights_file import fill, read_weights, write_weights

KIND = "autoencoder"  # of a file of weights
DECODED_AT_ONCE = 1024


@dataclass
class TrainedAutoencoder:
    """What a training of an autoencoder leaves.

    network: encode, decode. codes: (M, Z) float32 of all images, label: (M,) int64 or None, names: of the classes.
    reader: tells the class of an image; None where there are no classes. film: what was kept while it learned, name →
    array with a row for each shot. figures: how good it is.
    """

    network: Any
    event: tuple[int, ...]
    codes: torch.Tensor
    label: torch.Tensor | None
    names: tuple[str, ...]
    reader: ImageReader | None
    film: Mapping[str, torch.Tensor]
    figures: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def offset(self) -> np.ndarray:
        """(Z,) the mean of the codes."""
        return self.codes.double().mean(0).numpy()

    @cached_property
    def scale(self) -> float:
        """Root mean square of the codes about it."""
        return float((self.codes.double().numpy() - self.offset).std())

    @cached_property
    def scaled(self) -> np.ndarray:
        """The codes as models see them, (code − offset) / scale; (M, Z) float32."""
        return self.to_states(self.codes.numpy())

    def to_states(self, codes: np.ndarray) -> np.ndarray:
        """Codes (…, Z) in the coordinates that models see, float32."""
        return ((codes - self.offset) / self.scale).astype(np.float32)

    @torch.no_grad()
    def decode(self, states: np.ndarray) -> torch.Tensor:
        """The images of states (N, Z) that models see, (N, *event) in [−1, 1]."""
        codes = torch.from_numpy((np.asarray(states, np.float64) * self.scale + self.offset).astype(np.float32))
        return torch.cat([self.network.decode(part) for part in codes.split(DECODED_AT_ONCE)])

    def save(self, path: Path, config: Config, header: Mapping[str, Any]) -> None:
        """Write it all, with the config in the header."""
        tensors = {f"network.{name}": t for name, t in self.network.state_dict().items()}
        tensors |= {f"reader.{name}": t for name, t in self.reader.state_dict().items()} if self.reader else {}
        tensors |= {f"film.{name}": t for name, t in self.film.items()} | {"codes": self.codes}
        tensors |= {} if self.label is None else {"label": self.label.to(torch.uint8)}
        said = {"kind": KIND, "config": config.as_dict(), "seed": config.seed, "versions": made_with()}
        figures = {"figures": dict(self.figures), "event": list(self.event), "names": list(self.names)}
        write_weights(path, tensors, {**said, **figures, **header})


def new_network(config: Config, event: tuple[int, ...], classes: int) -> Any:
    """A fresh autoencoder as the config says, its weights a function of the seed."""
    assert config.autoencoder
    make, params = AUTOENCODERS.resolve(config.autoencoder.kind, config.autoencoder.params, "autoencoder")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        return make(event, classes if config.autoencoder.labels else 0, **params)


def new_reader(event: tuple[int, ...], classes: int, seed: int) -> ImageReader:
    """A fresh reader, its weights a function of the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ImageReader(event, classes)


def load_autoencoder(path: Path, config: Config) -> TrainedAutoencoder:
    """The autoencoder in a file that `config` describes; DiffrenderError if it is none, or another."""
    said, tensors = provenance.read(path) or {}, read_weights(path)
    if said.get("kind") != KIND or "codes" not in tensors:
        raise DiffrenderError(f"{path}: these weights are of no autoencoder.", "Train one: diffrender train NAME")
    event, names = tuple(said["event"]), tuple(said["names"])
    network = new_network(config, event, len(names))
    fill(network, _under("network", tensors), path)
    reader = None
    if weights := _under("reader", tensors):
        fill(reader := new_reader(event, len(names), 0), weights, path)
    label = tensors["label"].long() if "label" in tensors else None
    film, figures = _under("film", tensors), said.get("figures") or {}
    return TrainedAutoencoder(
        _asleep(network), event, tensors["codes"].float(), label, names, reader, film, figures
    )  # fmt: skip


def _under(name: str, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors whose names begin with `name.`, by the rest of their names."""
    return {key.removeprefix(f"{name}."): t for key, t in tensors.items() if key.startswith(f"{name}.")}


def _asleep(network: nn.Module) -> nn.Module:
    return network.eval().requires_grad_(False)
