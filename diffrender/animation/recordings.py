"""The recordings that a scene is given: found or made for it, put into a form that it draws, and looked at."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from diffrender.config.declarations import Need, states_name
from diffrender.core.errors import RenderError
from diffrender.trajectory.projection import decoded_images, projected
from diffrender.trajectory.reader import Trajectory

MOST_DIMENSIONS = 3  # of points that are drawn as they are
PICTURES = 1, 3  # channels of states that are pictures


def made_for(scene: type) -> dict[str, Trajectory]:
    """Recordings for `manim render`, made in a process of their own if need be: see `diffrender.jobs.make`."""
    command = [sys.executable, "-m", "diffrender.jobs.make", inspect.getfile(scene), scene.__name__]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        raise RenderError(f"The recordings of {scene.__name__} could not be made.", done.stdout) from None
    if done.returncode:
        raise RenderError(answer["problem"], answer["remedy"])
    return {name: Trajectory.open(Path(path)) for name, path in answer.items()}


def as_shown(run: Trajectory, shows: Sequence[str], project: str) -> Trajectory:
    """The run; or its projection, where states are points of too many dimensions; latents as decoded images.

    shows: states that the scene can draw, any if it names none. project: the projection that was asked for, if any.
    """
    channels = len(run.event) == 3 and run.event[0] not in PICTURES
    if channels or ("latents" in shows and len(run.event) == 1 and "decoded" in run):
        return decoded_images(run)
    many = len(run.event) == 1 and run.event[0] > MOST_DIMENSIONS and ("plane" in shows or not shows)
    how = project or ("pca" if many else "")
    return projected(run, how) if how else run


def check_shown(run: Trajectory, need: Need, scene: str, shows: Sequence[str]) -> None:
    """RenderError if a recording is not one that the scene of this name can show."""
    kinds = need.kind.split("|")
    if need.kind and (run.kind not in kinds or (run.kind != "training" and run.steps < 1)):
        what = f"a {run.kind} run" if run.kind not in kinds else "a single state"
        raise RenderError(f"{run.file}: holds {what}, and {scene} shows {' and '.join(kinds)} runs.")
    if shows and states_name(run.event) not in shows:
        raise RenderError(
            f"{run.file}: its states have shape {run.event}, and {scene} shows {' and '.join(shows)} alone.",
            "diffrender list scenes says what each scene shows.",
        )
