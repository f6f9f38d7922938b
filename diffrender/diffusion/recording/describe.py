"""Names and equations of what ran, as `meta` of a recording says them: scenes show these and keep no list of their own.

Titles are plain words, equations Typst mathematics with terms tagged `{{… : noise}}`, as they stand where the sampler,
model or objective is registered.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from diffrender.config.sections import Config
from diffrender.core.registry import Entry
from diffrender.diffusion.autoencoders.registry import AUTOENCODERS
from diffrender.diffusion.denoisers.closed_forms import CLOSED_FORMS, HYBRIDS
from diffrender.diffusion.denoisers.networks.catalogue import NETWORKS
from diffrender.diffusion.denoisers.objectives import OBJECTIVES
from diffrender.diffusion.denoisers.pretrained import PRETRAINED
from diffrender.diffusion.targets.base import Target

KNOWN_SCORE = "score by formula"  # label of a model whose ∇ log p is known in closed form


def sampler_facts(entry: Entry, options: Mapping[str, Any]) -> dict[str, Any]:
    """`meta.sampler`: name, title, equation, options, the source that ran, and what else its entry says."""
    try:
        source = inspect.getsource(entry.make)
    except (OSError, TypeError):
        source = ""
    info = dict(entry.info)
    if callable(info["equation"]):
        info["equation"] = info["equation"](options)
    return {"name": entry.name, "summary": entry.summary, "source": source, "options": dict(options), **info}


def model_facts(config: Config, kind: str, asked: bool = True) -> dict[str, Any]:
    """`meta.model`: what predicted, its registered name, and a label for captions.

    kind: of the run. asked: whether a denoiser was asked at all: a Langevin run may follow the target's own density.
    """
    if kind == "forward":
        return {"kind": "none", "name": "", "label": ""}
    if not asked:
        return {"kind": "density", "name": "", "label": KNOWN_SCORE}
    if config.model.kind in PRETRAINED:
        name = str(config.model.params.get("path", "")).rstrip("/").rsplit("/", 1)[-1]
        return {"kind": "learned", "name": config.model.kind, "label": f"pretrained: {name}"}
    if not config.model.learned:
        entry = CLOSED_FORMS[config.model.kind]
        label = entry.info["title"].format(**_known(entry, config))
        if kind == "langevin":
            label = KNOWN_SCORE if entry.name == "exact" else label.replace("denoiser", "score")
        return {"kind": "exact", "name": entry.name, "label": label}
    if config.model.kind in HYBRIDS:
        entry = HYBRIDS[config.model.kind]
        return {"kind": "learned", "name": entry.name, "label": entry.info["title"].format(**_known(entry, config))}
    entry = NETWORKS[config.model.kind]
    known = _known(entry, config)
    words = {k: " × ".join(map(str, v)) if isinstance(v, (list, tuple)) else v for k, v in known.items()}
    label = entry.info.get("label", entry.name.replace("_", " ")).format(**words)
    return {"kind": "learned", "name": entry.name, "label": f"learned: {label}"}


def _known(entry: Entry, config: Config) -> dict[str, Any]:
    """The keys of a model as given, or their defaults."""
    return {k: p.default for k, p in entry.parameters().items()} | config.model.params


def target_facts(target: Target) -> dict[str, Any]:
    """`meta.target`: its name, how raw data follow from states (x · scale + offset), and its classes."""
    offset = np.asarray(target.offset, float).ravel().tolist()
    labels = list(target.labels or ())
    return {"name": target.name, "scale": float(target.scale), "offset": offset, "labels": labels}


def autoencoder_facts(config: Config, figures: Mapping[str, Any]) -> dict[str, Any]:
    """`meta.autoencoder` of latents: name, label for captions, what of, whether it learned classes, its figures."""
    assert config.autoencoder
    entry = AUTOENCODERS[config.autoencoder.kind]
    title = str(entry.info.get("title", entry.name))
    return {
        "name": entry.name,
        "label": f"{title} trained with labels" if config.autoencoder.labels else f"{title} without labels",
        "images": config.autoencoder.data.kind,
        "labels": config.autoencoder.labels,
        "figures": dict(figures),
    }


def objective_facts(name: str) -> dict[str, Any]:
    """`meta.objective`: name, title, equation and paper."""
    entry = OBJECTIVES[name]
    return {"name": entry.name, **entry.info}
