"""Put trained weights into the package: python .ci/ship_weights.py NAME WEIGHTS [KEY=VALUE …]

In half precision, as diffrender/weights/NAME.safetensors, with the shipped config of that name and the model card in
the header; of latents, the autoencoder that lies beside WEIGHTS too, as NAME-autoencoder.safetensors. What the card
says beyond the config is given as KEY=VALUE, and read as JSON where it can be. Refused if the network in the config is
another one than the one that was trained.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from diffrender.config.find import find_config
from diffrender.config.load import load_config
from diffrender.config.shipped_weights import FOLDER, shipped_autoencoder, shipped_weights
from diffrender.diffusion.denoisers import build, learned
from diffrender.diffusion.targets.build import config_target
from diffrender.diffusion.weights_file import save_half


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
    if config.autoencoder:
        encoder = weights.with_name("autoencoder.safetensors")
        config = config.model_copy(update={"autoencoder_file": encoder})
    target = config_target(config)
    learned.load(weights, config, target.event, build.classes(config, target), "cpu")
    header = {"config": config.as_dict(), "seed": config.seed, "key": "", "card": card_of(sys.argv[3:])}
    files = {FOLDER / f"{name}.safetensors": weights}
    files |= {FOLDER / f"{name}-autoencoder.safetensors": encoder} if config.autoencoder else {}
    FOLDER.mkdir(exist_ok=True)
    for out, trained in files.items():
        save_half(trained, out, header)
        print(f"{out}: {out.stat().st_size:,} bytes")
    assert [file for file in (shipped_weights(config), shipped_autoencoder(config)) if file] == list(files)


if __name__ == "__main__":
    main()
