"""Measured times of jobs, in a small file beside the outputs, from which times are estimated."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import NamedTuple

from diffrender.core.files import write_text
from diffrender.jobs.job import Job
from diffrender.jobs.kinds import KINDS
from diffrender.jobs.run.local import Outcome

FILE = ".paces.json"
PER_FRAME = 0.9  # what a frame costs whatever its size, in megapixels: measured at 480p and 720p
STARTING_STEPS = 1000  # of training that take as long as what comes before and after it
STARTING_STATES = 65_000  # states (steps × chains) of a recording that take as long as that
BESIDE_SECONDS, USUAL_SECONDS = 10.0, 12.0  # of a clip besides its `duration`, and that duration where it is not given
SHORT = 0.2  # of a guess: a card is short, a picture is one frame


class Estimate(NamedTuple):
    """About how long a job takes. source: the times that it rests on, in words ("2 of this scene"); "" for a guess."""

    seconds: float
    source: str

    def __str__(self) -> str:
        """What it rests on, for people."""
        return self.source or "a guess: nothing like it was made here yet"


class JobTimings:
    """Seconds of a unit of work by job, read from `folder` and kept there. A damaged or missing file holds none."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        try:
            read = json.loads(self.path.read_text("utf-8"))
            self.paces = {str(k): float(v) for k, v in read.items()}
        except (OSError, ValueError, AttributeError, TypeError):
            self.paces = {}

    def estimate(self, job: Job) -> Estimate:
        """The seconds that this job took, else what those like it usually take, else a guess."""
        for like, what in _likenesses(job).items():
            if paces := [pace for name, pace in self.paces.items() if f"{name} ".startswith(f"{like} ")]:
                return Estimate(median(paces) * _work(job), what.format(len(paces)))
        return Estimate(KINDS[job.kind].first_guess * (SHORT if _sort(job) in ("card", "picture") else 1.0), "")

    def record(self, outcomes: Iterable[Outcome]) -> None:
        """Save measured times, if there is the folder; errors are ignored."""
        if not self.path.parent.is_dir():
            return
        done = [outcome for outcome in outcomes if outcome.status == "done"]
        self.paces.update({next(iter(_likenesses(o.job))): float(f"{o.seconds / _work(o.job):.6g}") for o in done})
        with contextlib.suppress(OSError):
            write_text(self.path, json.dumps(self.paces, indent=0, sort_keys=True))


def _likenesses(job: Job) -> dict[str, str]:
    """What a job has in common with others, the most first → how many of them were timed, in words.

    It itself; of a clip its scene, of a training and a recording the model and the target; its kind and sort.
    """
    sort = f"{job.kind} {_sort(job)}"
    if config := job.settings.get("config"):
        model, target = config["model"]["kind"], config["target"]["kind"]
        return {
            f"{sort} {model} {target} {job.name}": "its last time",
            f"{sort} {model} {target}": "{} of this model and target",
            f"{sort} {model}": "{} of this model",
            sort: "{} of this kind",
        }
    scene = f"{sort} {job.settings.get('scene', '')}"
    same = {scene: "{} of this scene"} if "scene" in job.settings else {}
    return {f"{scene} {job.name}": "its last time", **same, sort: "{} of this kind"}


def _sort(job: Job) -> str:
    """Clips of recordings, cards without one, and pictures take times of their own."""
    if job.kind != "render" or "scene" not in job.settings:
        return "any"
    if job.settings.get("format") == "png" or job.settings.get("still") is not None or job.settings["contact_sheet"]:
        return "picture"
    return "clip" if any(name.startswith("recordings/") for name in job.inputs) else "card"


def _work(job: Job) -> float:
    """How much work a job is beside others like it; 1 of those of which nothing is known.

    Of a clip by its frames a second, its pixels and its `duration`; of a training by its steps; of a recording by its
    steps and chains.
    """
    if config := job.settings.get("config"):
        if job.kind == "train":
            return STARTING_STEPS + float(config["training"]["steps"])
        sampler = config["sampler"]
        return 1 + float(sampler["evaluations"] or sampler["steps"]) * sampler["chains"] / STARTING_STATES
    width, height, fps = (job.settings.get(name) for name in ("width", "height", "fps"))
    if not (width and height and fps) or job.kind != "render":
        return 1.0
    frame = PER_FRAME + width * height / 1e6
    if _sort(job) == "picture":
        return frame
    duration = (job.settings.get("options") or {}).get("duration", USUAL_SECONDS)
    return frame * fps * (BESIDE_SECONDS + (duration if isinstance(duration, (int, float)) else USUAL_SECONDS))
