"""The last recording that `diffrender sample` made of a config, drawn where nothing else is asked for.

Lectures, the Python interface and every command that sets something of the run itself do not look at it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from diffrender.config.declarations import Recording
from diffrender.config.overrides import Overrides
from diffrender.config.scene_card import find_scene, with_options
from diffrender.core.errors import DiffrenderError
from diffrender.core.files import write_text
from diffrender.jobs.plan.needs import recordings
from diffrender.jobs.plan.subject import Subject

NAME = ".last-sample.json"  # in the folder of the config's outputs


class LastSample(NamedTuple):
    """A recording that `sample` made, and the overrides of the config that it was asked with."""

    recording: Path
    overrides: Overrides


def remember(subject: Subject) -> None:
    """Keep what `subject` was sampled with, in place of what was kept of its config before."""
    said = {"config": str(subject.file.resolve()), "overrides": subject.overrides}
    write_text(subject.outputs / subject.name / NAME, json.dumps(said, indent=1) + "\n")


def last_sample(
    scene: str, config: str = "", options: Mapping[str, Any] | None = None, *, outputs: Path, device: str = "auto"
) -> LastSample | None:
    """What was sampled last of the config that a scene would draw, if that is there, and other than the scene's own.

    None where the scene shows several recordings, or has settings of its own in which what was made was not.
    """
    card = with_options(find_scene(scene), options or {})
    chosen = config or card.default_config
    if len(card.needs) != 1 or not all(isinstance(need, Recording) for need in card.needs.values()) or not chosen:
        return None
    try:
        file = Subject.of(chosen, {}, outputs)
        said = json.loads((outputs / file.name / NAME).read_text("utf-8"))
        if said["config"] != str(file.file.resolve()) or not said["overrides"]:
            return None
        (made,) = recordings(card, config, said["overrides"], outputs=outputs, device=device).values()
    except (OSError, ValueError, LookupError, TypeError, DiffrenderError):  # none, or none that this scene shows
        return None
    return LastSample(made.out, said["overrides"]) if made.up_to_date() else None
