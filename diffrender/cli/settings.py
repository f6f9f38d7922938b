"""Settings of a run that flags stand for: overrides of its config, options of its scene, the device."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from diffrender.cli.messages import say
from diffrender.core.errors import UsageError


def overrides_from_flags(
    sets: list[str], *, seed: int | None = None, seed_key: str = "sampler.seed", **sampler: Any
) -> dict[str, Any]:
    """`--set` overrides, with the flags that stand for one (`--steps 50` is `--set sampler.steps=50`).

    The sampler's kind comes first, so that what is set of it stays.
    """
    from diffrender.config.overrides import combined, parse_sets

    kind = sampler.pop("kind", None)
    flags = {**{f"sampler.{key}": value for key, value in sampler.items()}, seed_key: seed}
    given = {key: value for key, value in flags.items() if value is not None}
    return combined({} if kind is None else {"sampler.kind": kind}, parse_sets(sets), given)


def as_sampled(scene: str, config: str, options: dict[str, Any], outputs: Path, device: str) -> dict[str, Any]:
    """The overrides of what `sample` last made, if the scene draws that where nothing else is asked for; and say so."""
    from diffrender.jobs.plan.last_sample import last_sample

    found = last_sample(scene, config, options, outputs=outputs, device=device)
    if found is None:
        return {}
    say(f"Drawn as last sampled: {found.recording}. Any setting of the run (--sampler, --steps, --set) draws another.")
    return dict(found.overrides)


def parse_option(text: str) -> tuple[str, Any]:
    """An option of a scene as it is typed, `name=value`; with nothing after the sign it is no words: `title=`."""
    from diffrender.config.overrides import parse_set

    name, value = parse_set(text, "--option", "duration=20")
    if "." in name:
        raise UsageError(f"--option {text}: not of the form name=value.", "Config keys are set with --set.")
    return name, "" if value is None and not text.partition("=")[2].strip() else value


def check_device(device: str, here: bool = True) -> str:
    """auto, cpu, cuda or mps (or cuda:1); one that is asked for must be there, if the work is done `here`."""
    if device.split(":")[0] not in ("auto", "cpu", "cuda", "mps"):
        raise UsageError(
            f"--device {device}: no such kind of device.", "Known: auto, cpu, cuda, mps (cuda:1 for the second card)."
        )
    if here and device not in ("auto", "cpu"):
        from diffrender.diffusion.recording.run import pick_device  # loads torch

        pick_device(device)
    return device


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def trusting(trust: bool) -> None:
    """Trust the code that configs name, in this command and the processes that it starts."""
    if trust:
        os.environ["DIFFRENDER_TRUST"] = "1"
