"""Image models as diffusers saves them: a U-Net and the settings of its scheduler, in a folder or on the hub.

A pipeline's folder holds `unet/` and `scheduler/`; a bare model's folder holds the files of both.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from diffrender.config.find import placed
from diffrender.core.errors import ConfigError, DiffrenderError, words_of

HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")
SETTINGS = ("model_index.json", "config.json", "scheduler_config.json", "unet/config.json", "scheduler/*.json")
WEIGHTS = ("diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin")  # the first that is there
MAX_JSON_BYTES = 1_000_000
MAX_SIZE = 65_536  # channels, and pixels along a side
NETWORK_CLASS = "UNet2DModel"


@dataclass(frozen=True)
class DiffusersFolder:
    """Where a U-Net and its scheduler's settings lie."""

    unet: Path
    scheduler_folder: Path

    @cached_property
    def network(self) -> dict[str, Any]:
        """The settings of the network: its `UNet2DModel`'s arguments by name."""
        settings = _read(self.unet / "config.json")
        if settings.get("_class_name") != NETWORK_CLASS:
            raise DiffrenderError(
                f"{self.unet / 'config.json'}: of a {settings.get('_class_name', 'thing without a name')},"
                f" and only a {NETWORK_CLASS} can be loaded.",
                "Record another pipeline in your own code: docs/trajectory-format.md shows how.",
            )
        return settings

    @property
    def event(self) -> tuple[int, int, int]:
        """(C, H, W) of the images."""
        side, channels = self.network.get("sample_size"), self.network.get("in_channels", 3)
        if not side:
            raise DiffrenderError(f"{self.unet / 'config.json'}: it does not say its sample_size.")
        sizes = [channels, *([side, side] if isinstance(side, int) else side if isinstance(side, list) else [side])]
        if len(sizes) != 3 or not all(isinstance(size, int) and 0 < size <= MAX_SIZE for size in sizes):
            raise DiffrenderError(
                f"{self.unet / 'config.json'}: in_channels {str(channels)[:20]} and sample_size {str(side)[:40]}.",
                "Both are whole numbers above 0, sample_size one or two of them.",
            )
        return sizes[0], sizes[1], sizes[2]

    @cached_property
    def scheduler(self) -> Any:
        """The scheduler itself, built by diffusers from its settings."""
        import diffusers

        file = self.scheduler_folder / "scheduler_config.json"
        settings = _read(file)
        name = str(settings.get("_class_name"))
        kind: Any = getattr(diffusers, name, None)
        if not (isinstance(kind, type) and issubclass(kind, diffusers.SchedulerMixin)):
            raise DiffrenderError(f"{file}: no scheduler of diffusers is called '{name}'.")
        try:
            found = kind.from_config(settings)  # type: ignore[attr-defined]
        except Exception as error:  # it computes with whatever stands in the file
            raise DiffrenderError(f"{file}: no {name} can be made of it ({words_of(error)}).") from None
        if getattr(found, "alphas_cumprod", None) is None:
            raise DiffrenderError(
                f"{file}: a {name} has no table of alphas_cumprod.",
                "Take a model that was trained with the betas of DDPM.",
            )
        table = found.alphas_cumprod.double().numpy()
        if not len(table) or not (np.diff(table, prepend=1.0) <= 0).all() or not table[-1] >= 0:
            raise DiffrenderError(
                f"{file}: its alphas_cumprod do not fall from 1 to 0: is one of its betas not between 0 and 1?",
                "Save the scheduler that the model was trained with.",
            )
        return found

    @property
    def alphas_cumprod(self) -> np.ndarray:
        """ᾱ of every training timestep, (T,) float64, as the scheduler itself has it."""
        return self.scheduler.alphas_cumprod.double().numpy()


def find(name: str, revision: str | None = None) -> DiffusersFolder:
    """The model in the folder `name`, or if that is no folder the one that the hub calls so.

    Raises DiffrenderError if there is none, or the hub cannot be reached and did not give it before.
    """
    path = placed(name)
    if not path.is_dir():
        if not HUB_ID.fullmatch(name):
            raise ConfigError(f"model.path: {name}: no such folder, and no name of the hub, which has one '/'.")
        path = _from_hub(name, revision)
    parts = [path / part if (path / part).is_dir() else path for part in ("unet", "scheduler")]
    for part, file in zip(parts, ("config.json", "scheduler_config.json"), strict=True):
        if not (part / file).is_file():
            raise DiffrenderError(
                f"{path}: has no {file}, so it is no model saved by diffusers.",
                "Save one with its scheduler: pipeline.save_pretrained(FOLDER).",
            )
    return DiffusersFolder(*parts)


def _from_hub(name: str, revision: str | None) -> Path:
    """The folder in the hub's cache that holds the model, downloaded if it is not there yet."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

    try:
        for weights in WEIGHTS:
            files = [*SETTINGS, weights, f"unet/{weights}"]
            folder = Path(snapshot_download(name, revision=revision, allow_patterns=files))
            if any((folder / place / weights).is_file() for place in ("", "unet")):
                return folder
    except RepositoryNotFoundError:
        raise ConfigError(f"model.path: {name}: neither a folder nor a model of the hub.") from None
    except LocalEntryNotFoundError:
        raise DiffrenderError(
            f"model.path: {name}: no folder, and the hub cannot be reached.",
            "Give the folder of a model on this machine, or try again with a network.",
        ) from None
    except (HfHubHTTPError, OSError) as error:
        raise DiffrenderError(f"model.path: {name}: the hub does not give it ({words_of(error)}).") from None
    raise DiffrenderError(f"model.path: {name}: the hub has no weights of a {NETWORK_CLASS} there.")


def _read(path: Path) -> dict[str, Any]:
    """The settings in a JSON file."""
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise DiffrenderError(f"{path}: larger than settings are.")
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DiffrenderError(f"{path}: cannot be read ({words_of(error)}).") from None
    if not isinstance(data, dict):
        raise DiffrenderError(f"{path}: not the settings of a model.")
    return data
