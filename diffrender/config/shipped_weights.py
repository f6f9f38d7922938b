"""Weights that diffrender ships, so that a film of a shipped config needs no training.

Each file in `diffrender/weights` says in its header by which config it was trained.
"""

from __future__ import annotations

from pathlib import Path

from diffrender.config.sections import Config
from diffrender.core import provenance

FOLDER = Path(__file__).parent.parent / "weights"
SECTIONS = ("target", "model", "training")  # a network knows no schedule: its weights are good for any


def shipped_weights(config: Config, folder: Path = FOLDER) -> Path | None:
    """The shipped weights of this very network, trained on this target in this way; None if there are none.

    Seed and schedule may be others than those of the training.
    """
    if not config.model.learned:
        return None
    for path in sorted(folder.glob("*.safetensors")):
        said = (provenance.read(path) or {}).get("config")
        if isinstance(said, dict) and _same(config, said):
            return path
    return None


def _same(config: Config, said: dict) -> bool:
    """Whether the config in a header, with the defaults of today where it says nothing, is `config`."""
    try:
        trained = Config.model_validate(said)
    except ValueError:
        return False
    return config.part(*SECTIONS) == trained.part(*SECTIONS)
