"""Weights that diffrender ships, so that a film of a shipped config needs no training.

Each file in `diffrender/weights` says in its header by which config it was trained.
"""

from __future__ import annotations

from pathlib import Path

from diffrender.config.sections import Config
from diffrender.core import provenance

FOLDER = Path(__file__).parent.parent / "weights"
SECTIONS = ("target", "autoencoder", "model", "training")  # a network knows no schedule: its weights suit any


def shipped_weights(config: Config, folder: Path = FOLDER) -> Path | None:
    """The shipped weights of this very network, trained on this target in this way; None if there are none.

    Seed and schedule may be others than those of the training.
    """
    return _shipped(config, SECTIONS, "weights", folder) if config.model.learned else None


def shipped_autoencoder(config: Config, folder: Path = FOLDER) -> Path | None:
    """The shipped autoencoder of this config, whose codes the shipped weights know; None if there is none."""
    return _shipped(config, ("autoencoder",), "autoencoder", folder) if config.autoencoder else None


def _shipped(config: Config, sections: tuple[str, ...], kind: str, folder: Path) -> Path | None:
    """The shipped file of that kind that was made by `sections` of this config."""
    for path in sorted(folder.glob("*.safetensors")):
        header = provenance.read(path) or {}
        said = header.get("config")
        if header.get("kind", "weights") == kind and isinstance(said, dict) and _same(config, said, sections):
            return path
    return None


def _same(config: Config, said: dict, sections: tuple[str, ...]) -> bool:
    """Whether the config in a header, with the defaults of today where it says nothing, is `config`."""
    try:
        trained = Config.model_validate(said)
    except ValueError:
        return False
    return config.part(*sections) == trained.part(*sections)
