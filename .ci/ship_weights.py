"""Put trained weights into the package: python .ci/ship_weights.py NAME WEIGHTS [KEY=VALUE …]

In half precision, as diffrender/weights/NAME.safetensors, with the shipped config of that name and the model card in
the header. What the card says beyond the config is given as KEY=VALUE, and read as JSON where it can be. Refused if the
network in the config is another one than the one that was trained.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from diffrender.config.find import find_config
from diffrender.config.load import load_config
from diffrender.config.shipped_weights import FOLDER, shipped_weights
from diffrender.diffusion.denoisers import build, learned
from diffrender.diffusion.targets.build import build_target


def card_of(pairs: list[str]) -> dict[str, object]:
    """`KEY=VALUE` pairs as a dict."""
    card: dict[str, object] = {}
    for pair in pairs:
        key, _, value = pair.partition("=")
        try:
            card[key] = json.loads(value)
        except ValueError:
            card[key] = value
    return card


def main() -> None:
    name, weights = sys.argv[1], Path(sys.argv[2])
    config = load_config(find_config(name))
    target = build_target(config.target, config.folder)
    learned.load(weights, config, target.event, build.classes(config, target), "cpu")
    out = FOLDER / f"{name}.safetensors"
    out.parent.mkdir(exist_ok=True)
    header = {"config": config.as_dict(), "seed": config.seed, "key": "", "card": card_of(sys.argv[3:])}
    learned.save_half(weights, out, header)
    assert shipped_weights(config) == out
    print(f"{out}: {out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
