"""Checks before any work, by the registries: everything that a plan will make, and code to trust.

What is up to date is not looked at again, so a command that has nothing to do loads no torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from diffrender.config.sections import Config
from diffrender.core.files import digest
from diffrender.core.registry import Entry, Registry
from diffrender.core.trust import check_trusted
from diffrender.core.user_code import code_at
from diffrender.core.validation import validate
from diffrender.jobs.job import Job
from diffrender.jobs.plan.subject import Subject
from diffrender.jobs.run.children import Children
from diffrender.trajectory.reader import kind_of
from diffrender.video.voice.speakers import check_parameters

CHECKED = ("autoencoder", "codes", "train", "sample")  # kinds of jobs whose config is checked before
COUNTED = ("config", "source", "run_kind", "shows", "code")  # settings of a job that decide whether it can be


def check_before_start(todo: Iterable[Job], children: Children | None = None) -> None:
    """Refuse trainings and recordings that cannot be or cannot be shown, voices, and code that the user does not trust.

    The registries load torch: with `children`, in a process that does a job afterwards, else in this one.
    Raises UsageError or ConfigError that names the key, or the file.
    """
    todo = list(todo)
    for job in (job for job in todo if job.kind == "speak"):
        check_trusted(list(_code(job).values()), job.settings["source"])
        with code_at({written: job.inputs[name] for written, name in job.settings["code"].items()}):
            check_parameters(job.settings["kind"], job.settings["parameters"], job.settings["language"])
    wanted = [job for job in todo if job.kind in CHECKED] + _unfit(todo)
    for job in wanted:
        check_trusted(list(_code(job).values()), job.settings["source"])
    checks: dict[str, dict[str, Any]] = {}
    for job in wanted:
        one = {name: job.settings[name] for name in COUNTED} | {"trains": job.kind != "sample"}
        checks.setdefault(digest(one), {**one, "places": {name: str(path) for name, path in _code(job).items()}})
    if children is None:
        for one in checks.values():
            check_by_registries(one)
    elif checks:
        children.check(list(checks.values()))


def _unfit(todo: Iterable[Job]) -> list[Job]:
    """The recordings that are there already, and hold another kind of run than the clip to be drawn of them shows."""
    needs = [need for job in todo if job.kind == "render" for need in job.needs if need not in todo]
    kinds = [(need, need.settings["run_kind"]) for need in needs if need.kind == "sample" and need.out.is_file()]
    return [need for need, kind in kinds if kind and kind_of(need.out) not in kind.split("|")]


def _code(job: Job) -> dict[str, Path]:
    """The Python files that a job reads, by the names of its inputs."""
    return {name: path for name, path in job.inputs.items() if name.startswith("code/")}


def trusted_code(subject: Subject) -> dict[str, Entry]:
    """The functions that a config takes from Python files, by section; UsageError if the user does not trust them."""
    check_trusted(subject.code_files(), str(subject.file))
    registry = Registry("function")
    with code_at(subject.code()):
        return {section: registry[name] for section, name in subject.code_names().items()}


def check_by_registries(one: Mapping[str, Any]) -> None:
    """Build everything that a training or a recording names, by the settings of its job, and throw it away."""
    from diffrender.diffusion.check import check_config

    config = validate(Config, one["config"], one["source"])
    config = config.model_copy(update={"source": Path(one["source"])})
    with code_at({written: Path(one["places"][name]) for written, name in one["code"].items()}):
        check_config(config, run_kind=one["run_kind"], shows=one["shows"], trains=one["trains"])
