"""Checks of a sampler that a config asks for, made before the minutes that training and sampling take."""

from __future__ import annotations

from diffrender.config.sections import SamplerConfig
from diffrender.core.errors import UsageError
from diffrender.diffusion.samplers.catalogue import SAMPLERS


def check_sampler(sampler: SamplerConfig, run_kind: str = "") -> None:
    """Refuse a sampler that cannot be, or one whose runs are not of the kind `run_kind`, if that is given.

    Raises UsageError or ConfigError that names the key.
    """
    entry = SAMPLERS[sampler.kind]
    if run_kind and entry.info["kind"] != run_kind:
        fitting = [name for name in sorted(SAMPLERS.entries) if SAMPLERS[name].info["kind"] == run_kind]
        raise UsageError(
            f"sampler.kind: {sampler.kind} makes a {entry.info['kind']} run, and the scene shows {run_kind} runs.",
            f"Samplers that make one: {', '.join(fitting)}.",
        )
    steps = {"steps": sampler.steps} if "steps" in entry.parameters() else {}
    entry.check({**sampler.params, **steps}, "sampler")
