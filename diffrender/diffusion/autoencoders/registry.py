"""The registry of autoencoders: a network's keyword parameters are keys of `autoencoder` in a config."""

from __future__ import annotations

from diffrender.core.registry import Registry

AUTOENCODERS = Registry("autoencoder", (("event", "classes"),))
