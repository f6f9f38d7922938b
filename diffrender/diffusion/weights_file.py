"""Files of weights: safetensors, whose header says where they came from; the same weights give the same bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from diffrender.core import provenance
from diffrender.core.errors import DiffrenderError, reading, words_of
from diffrender.core.files import replacing


def write_weights(path: Path, tensors: Mapping[str, torch.Tensor], header: Mapping[str, Any]) -> None:
    """Write tensors with a header of plain JSON; the file appears complete or not at all."""
    from safetensors.torch import save as encode

    kept = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    encoded = encode(kept, {k: json.dumps(v, sort_keys=True) for k, v in header.items()})
    size = int.from_bytes(encoded[:8], "little")
    ordered = json.dumps(json.loads(encoded[8 : 8 + size]), sort_keys=True).encode()  # safetensors shuffles its header
    ordered += b" " * (-len(ordered) % 8)
    with replacing(path) as file:
        file.write(len(ordered).to_bytes(8, "little") + ordered)
        file.write(memoryview(encoded)[8 + size :])


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a file; DiffrenderError if there is none, or it cannot be read."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        with reading(path):
            return load_file(path)
    except FileNotFoundError:
        raise DiffrenderError(f"{path}: no such weights.", "Train them first: diffrender train NAME") from None
    except (SafetensorError, OSError) as error:
        raise DiffrenderError(f"{path}: not weights that can be read ({words_of(error)}).", "Train again.") from None


def fill(net: nn.Module, tensors: Mapping[str, torch.Tensor], path: Path) -> None:
    """Put tensors into a network; DiffrenderError naming the first that is not of it."""
    wanted = {name: tuple(t.shape) for name, t in net.state_dict().items()}
    found = {name: tuple(t.shape) for name, t in tensors.items()}
    if wanted != found:
        odd = next(name for name in sorted({*wanted, *found}) if wanted.get(name) != found.get(name))
        raise DiffrenderError(
            f"{path}: weights of another network: '{odd}' is {found.get(odd)}, in the config {wanted.get(odd)}.",
            "Train again, or use the config that they were trained with.",
        )
    net.load_state_dict(dict(tensors))


def save_half(weights: Path, out: Path, header: Mapping[str, Any]) -> None:
    """Write trained weights again in half precision, as they are shipped; `header` goes over what they say."""
    said = {**(provenance.read(weights) or {}), **header}
    tensors = read_weights(weights)
    write_weights(out, {name: t.half() if t.is_floating_point() else t for name, t in tensors.items()}, said)
