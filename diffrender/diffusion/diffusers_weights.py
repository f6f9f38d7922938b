"""Weights of image models that others saved, put into their network: all of them, or an error.

Nothing in a file of weights is run: pickles are read as tensors alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from diffrender.core.disguises import HEAD_BYTES, known_start
from diffrender.core.errors import DiffrenderError, words_of
from diffrender.core.notes import note

WRAPPED = ("state_dict", "model_state_dict", "ema", "model", "unet")  # keys under which checkpoints hold their tensors
PREFIXES = ("module.", "_orig_mod.", "model.", "unet.")  # of DataParallel, of torch.compile, of common trainers


def load_network(folder: Path, weights: tuple[str, ...]) -> Any:
    """The `UNet2DModel` in a folder; `weights` are the names that its file may have, the first that is there counts.

    Names with the prefixes of torch.compile, DataParallel and common trainers are taken without. Raises DiffrenderError
    if the file is missing or damaged, holds code, lacks a tensor, or has one of another shape or not finite.
    """
    from diffusers import UNet2DModel

    file = _file_in(folder, weights)
    try:
        network, info = UNet2DModel.from_pretrained(
            folder, local_files_only=True, low_cpu_mem_usage=False, output_loading_info=True
        )
    except Exception as error:  # diffusers raises whatever a damaged file makes it stumble over
        _check_readable(file)
        raise DiffrenderError(f"{folder}: cannot be loaded ({_reason(error)}).", "Save the model again.") from None
    missing, more = info["missing_keys"], info["unexpected_keys"]
    if missing:
        more = _fill(network, file, str(sorted(missing)[0]), len(missing))
    if more:
        note(f"{file}: left out, as the network has no such weights: {', '.join(sorted(more)[:3])}.")
    if odd := next((name for name, value in network.state_dict().items() if not torch.isfinite(value).all()), None):
        raise DiffrenderError(f"{file}: '{odd}' holds NaN or infinity.", "Its training diverged; take other weights.")
    return network


def _file_in(folder: Path, weights: tuple[str, ...]) -> Path:
    for name in weights:
        if (folder / name).is_file():
            return folder / name
        if (folder / f"{name}.index.json").is_file():
            return folder / f"{name}.index.json"
    others = sorted(file.name for file in folder.glob("*") if file.suffix in (".safetensors", ".bin", ".pt", ".pth"))
    remedy = f"Is it {others[0]}? Rename it." if others else "Save the model again: model.save_pretrained(FOLDER)."
    raise DiffrenderError(f"{folder}: has no weights, {weights[0]}.", remedy)


def _tensors(file: Path) -> Any:
    from safetensors.torch import load_file

    if file.suffix == ".safetensors":
        return load_file(file)
    return torch.load(file, map_location="cpu", weights_only=True)


def _check_readable(file: Path) -> None:
    """Refuse a file of weights for what is wrong with the file itself."""
    with file.open("rb") as opened:
        known = known_start(opened.read(HEAD_BYTES))
    if known:
        raise DiffrenderError(f"{file}: {known[0]}, whatever its name says.", known[1])
    if file.suffix == ".json":
        return
    try:
        _tensors(file)
    except Exception as error:  # whatever a damaged file makes its reader stumble over
        if "weights_only" in str(error) or "WeightsUnpickler" in str(error):
            raise DiffrenderError(
                f"{file}: holds more than tensors, and code in weights is never run.",
                "Save the tensors alone: model.save_pretrained(FOLDER), as safetensors.",
            ) from None
        raise DiffrenderError(
            f"{file}: damaged, or no weights ({_reason(error)}).", "Copy or download it again."
        ) from None


def _fill(network: Any, file: Path, missing: str, count: int) -> list[str]:
    """Put the tensors of a checkpoint into a network under their plain names; returns the names of those left over."""
    tensors = {} if file.suffix == ".json" else _tensors(file)
    for key in WRAPPED:
        if isinstance(tensors, Mapping) and isinstance(tensors.get(key), Mapping):
            tensors = tensors[key]
            break
    plain = {_plain(str(name)): value for name, value in tensors.items() if isinstance(value, torch.Tensor)}
    wanted = network.state_dict()
    lacking = sorted(name for name in wanted if name not in plain)
    if lacking:
        raise DiffrenderError(
            f"{file}: lacks {count:,} of the network's {len(wanted):,} weights, such as '{missing}'.",
            "It is of another network than config.json says: save both again, model.save_pretrained(FOLDER).",
        )
    if odd := next((name for name in wanted if wanted[name].shape != plain[name].shape), None):
        found, needed = tuple(plain[odd].shape), tuple(wanted[odd].shape)
        raise DiffrenderError(f"{file}: '{odd}' is {found}, and the network of config.json has {needed}.")
    network.load_state_dict({name: plain[name] for name in wanted})
    note(f"{file}: the names of its weights are taken without what a trainer put around them.")
    return [name for name in plain if name not in wanted]


def _plain(name: str) -> str:
    """The name of a tensor without the prefixes of wrappers."""
    while found := next((prefix for prefix in PREFIXES if name.startswith(prefix)), ""):
        name = name.removeprefix(found)
    return name


def _reason(error: Exception) -> str:
    """What an error says, with its second line where the first ends in a colon."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:2])[:200] if len(lines) > 1 and lines[0].endswith(":") else words_of(error)
