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

CHECKED = ("autoencoder", "codes", "train", "sample")  # kinds of jobs whose config is checked before
COUNTED = ("config", "source", "run_kind", "shows")  # settings of a job that decide whether it can be


def check_before_start(todo: Iterable[Job]) -> None:
    """Refuse trainings and recordings that cannot be, cannot be shown, or name code that the user does not trust.

    Raises UsageError or ConfigError that names the key, or the file.
    """
    wanted = [job for job in todo if job.kind in CHECKED]
    for job in wanted:
        code = [path for name, path in job.inputs.items() if name.startswith("code/")]
        check_trusted(code, job.settings["source"])
    seen: set[str] = set()
    for job in wanted:
        content = digest({name: job.settings[name] for name in COUNTED} | {"kind": job.kind})
        if content not in seen:
            seen.add(content)
            _check(job.kind, job.settings, job.inputs)


def trusted_code(subject: Subject) -> dict[str, Entry]:
    """The functions that a config takes from Python files, by section; UsageError if the user does not trust them."""
    check_trusted(subject.code_files(), str(subject.file))
    registry = Registry("function")
    with code_at(subject.code()):
        return {section: registry[name] for section, name in subject.code_names().items()}


def _check(kind: str, settings: Mapping[str, Any], inputs: Mapping[str, Path]) -> None:
    from diffrender.diffusion.check import check_config

    config = validate(Config, settings["config"], settings["source"])
    config = config.model_copy(update={"source": Path(settings["source"])})
    with code_at({written: inputs[name] for written, name in settings["code"].items()}):
        check_config(config, run_kind=settings["run_kind"], shows=settings["shows"], trains=kind != "sample")
