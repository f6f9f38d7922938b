"""Checks of a whole config by the registries, made before the minutes that training and sampling take."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from diffrender.config.declarations import states_name
from diffrender.config.sections import Config
from diffrender.core.errors import UsageError, suggest
from diffrender.diffusion.denoisers import build
from diffrender.diffusion.denoisers.closed_forms import CLOSED_FORMS, HYBRIDS
from diffrender.diffusion.denoisers.networks.catalogue import NETWORKS
from diffrender.diffusion.denoisers.objectives import objective
from diffrender.diffusion.denoisers.pretrained import PRETRAINED
from diffrender.diffusion.recording.starts import check_start
from diffrender.diffusion.recording.tilted import check_tilted
from diffrender.diffusion.recording.watched import check_watched
from diffrender.diffusion.samplers.catalogue import SAMPLERS
from diffrender.diffusion.schedules import make_levels
from diffrender.diffusion.targets.base import Target
from diffrender.diffusion.targets.build import config_target
from diffrender.diffusion.targets.subsets import class_numbers


def check_config(config: Config, *, run_kind: str = "", shows: Sequence[str] = (), trains: bool = False) -> None:
    """Refuse what cannot be trained, recorded or shown.

    run_kind: of the run that is wanted, as `Recording` has it; any if empty. shows: the states that a scene can
    draw (line, plane, space, images); all if empty. trains: whether a network is to be trained, and nothing sampled.
    Raises UsageError or ConfigError that names the key.
    """
    target = config_target(config)
    names = {states_name(target.event), *(("latents",) if config.autoencoder else ())}
    if shows and not names & {*shows}:
        raise UsageError(
            f"target: {config.target.kind} has states of shape {target.event}, and the scene shows "
            f"{' and '.join(shows)} alone.",
            "Choose another target, or another scene: diffrender list scenes",
        )
    make_levels(config.schedule)
    if not trains:
        _check_sampler(config, target, run_kind)
    if trains or config.sampler.asks_model:
        _check_model(config, target)
    record = config.record
    if not trains:
        kind = SAMPLERS[config.sampler.kind].info["kind"]
        check_watched(config, target, kind)
        check_tilted(config, target, kind)
    langevin = SAMPLERS[config.sampler.kind].info["kind"] == "langevin"
    if record.density and run_kind and langevin and target.density is None:
        raise UsageError(
            f"target: of {config.target.kind} no density is known, and the scene shows one.",
            "Take a density (diffrender list densities), or write one: {kind: expression, log_p: …}",
        )
    if (record.fields or record.density) and (len(target.event) != 1 or target.dim > 3):
        raise UsageError(
            f"record: fields and density need states in 1 to 3 dimensions; these have shape {target.event}.",
            "Leave out record.fields and record.density.",
        )


def _check_sampler(config: Config, target: Target, run_kind: str) -> None:
    sampler = config.sampler
    entry = SAMPLERS[sampler.kind]
    kinds = run_kind.split("|")
    if run_kind and entry.info["kind"] not in kinds:
        fitting = [name for name in sorted(SAMPLERS.entries) if SAMPLERS[name].info["kind"] in kinds]
        raise UsageError(
            f"sampler.kind: {sampler.kind} makes a {entry.info['kind']} run, and the scene shows"
            f" {' and '.join(kinds)} runs.",
            f"Samplers that make a {' or '.join(kinds)} run: {', '.join(fitting)}.",
        )
    if sampler.start:
        check_start(sampler.start, target, sampler.chains)
    if sampler.classes is not None:
        class_numbers(sampler.classes, target.labels, "sampler.classes")
    steps = {"steps": sampler.steps} if "steps" in entry.parameters() else {}
    entry.check({**sampler.params, **steps}, "sampler", also=type(sampler).model_fields)


def _check_known(kind: str) -> None:
    """Refuse a kind of model that is no network, naming every kind that there is; one of a user's own file passes."""
    known = [name for registry in (NETWORKS, CLOSED_FORMS, HYBRIDS, PRETRAINED) for name in registry.entries]
    if ":" not in kind and kind not in NETWORKS.entries:
        raise UsageError(f"Unknown model '{kind}'.", suggest(kind, known))


def _check_model(config: Config, target: Target) -> None:
    if config.model.learned:
        network = config.network.model
        _check_known(network.kind)
        make, params = NETWORKS.resolve(network.kind, network.params, "model")
        objective(config.training.objective)
        with torch.device("meta"):  # what does not suit the states is refused, and no memory is taken
            make(target.event, build.classes(config, target), **params)
    elif config.model.kind in PRETRAINED.entries:
        PRETRAINED.resolve(config.model.kind, config.model.params, "model")
    elif config.model.kind in CLOSED_FORMS.entries:
        CLOSED_FORMS.resolve(config.model.kind, config.model.params, "model")
    count = build.classes(config, target)
    build.check_guidance(config, count)
