"""The registry of models: a network's keyword parameters are the keys of `model` in a config."""

from __future__ import annotations

from diffrender.core.registry import Registry

NETWORKS = Registry("model", (("event", "classes"),))
