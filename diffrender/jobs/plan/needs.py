"""Recordings that a scene needs: the jobs that make them, from a config and what is set of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from diffrender.config.declarations import Codes, Need, Training
from diffrender.config.overrides import Overrides
from diffrender.config.scene_card import SceneCard
from diffrender.core.errors import UsageError
from diffrender.jobs.job import Job
from diffrender.jobs.plan.given import plainly
from diffrender.jobs.plan.subject import OUTPUTS, Subject


def recordings(
    card: SceneCard,
    config: str = "",
    overrides: Overrides | None = None,
    *,
    only: set[str] | None = None,
    outputs: Path = OUTPUTS,
    device: str = "auto",
) -> dict[str, Job]:
    """The jobs that make what a scene needs (or `only` some of it), by the names the scene gives them."""
    found, users = dict[str, Job](), ""  # the kind of sampler that the user chose, as the first need tells
    needs = {name: need for name, need in card.needs.items() if only is None or name in only}
    check_free(card, needs, overrides or {})
    for name, need in needs.items():
        chosen = _beside(card, need.config) or config or _beside(card, card.default_config)
        if not chosen:
            raise UsageError(
                f"{card.file}: {card.class_name} needs the recording '{name}' but names no default_config.",
                "Give one with --config.",
            )
        subject = Subject.of(chosen, overrides, outputs).for_scene(need.overrides, need.fixed)
        if isinstance(need, Training):
            found[name] = subject.train(device=device, resume=True, shows=card.shows)
        elif isinstance(need, Codes):
            found[name] = subject.codes(device=device, shows=card.shows)
        else:
            kind = users if need.beside and users else subject.config.sampler.kind
            users = users or kind
            if need.beside and kind not in need.samplers:
                continue
            if need.samplers and kind not in need.samplers and ".py" not in kind:
                raise UsageError(
                    f"--sampler {kind}: the scene '{card.name}' cannot show its recording as '{name}'.",
                    f"It shows: {', '.join(need.samplers)}.",
                )
            if need.beside:
                subject = subject.for_scene({}, _beside_users({**need.samplers[kind], **need.fixed}, found))
            elif own := need.samplers.get(kind):
                fixed = {key: own.get(key, value) for key, value in need.fixed.items()}
                defaults = {**need.overrides, "sampler.kind": kind, **own}  # the kind first: it drops what came before
                asked = {key: value for key, value in (overrides or {}).items() if key != "sampler.kind"}
                subject = Subject.of(chosen, asked, outputs).for_scene(defaults, fixed)
            job = subject.sample(device=device, kind=need.kind, shows=card.shows)
            found[name] = replace(job, name=f"sample {subject.name} ({name})") if len(card.needs) > 1 else job
    return found


def _beside_users(keys: Overrides, found: Mapping[str, Job]) -> Overrides:
    """Keys of a recording beside the user's: those without a value are as the first of the others has them, if any."""
    users = next(iter(found.values())).settings["config"] if found else {}
    asked = {key: _value(users, key) if value is None else value for key, value in keys.items()}
    return {key: value for key, value in asked.items() if value is not None}


def _value(config: Mapping[str, Any], key: str) -> Any:
    """What a config has under a dotted key, or None."""
    section, name = key.split(".")
    return config[section].get(name)


def check_free(card: SceneCard, needs: Mapping[str, Need], overrides: Overrides) -> None:
    """Refuse an override of a key that every recording of the scene has a value of its own for: it would do nothing."""
    for key, value in overrides.items():
        own = [need.fixed[key] for need in needs.values() if key in need.fixed]
        if len(own) == len(needs) > 0 and value not in own:
            told = ", ".join(dict.fromkeys(map(plainly, own)))
            raise UsageError(
                f"--set {key}={plainly(value)}: the scene '{card.name}' shows {told}, whatever is set.",
                "Leave it out, or see what the scene offers: diffrender list scenes",
            )


def _beside(card: SceneCard, name: str) -> str:
    """A config as a scene file names it: a path is first looked for beside that file."""
    file = card.file.parent / name
    return str(file) if "/" in name and file.is_file() else name


def recorded_file(job: Job) -> Path:
    """The recording that a job leaves: of a training run, the one beside the weights."""
    return job.extra_outputs[0] if job.kind == "train" else job.out
