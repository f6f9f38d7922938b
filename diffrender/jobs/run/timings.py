"""Measured times of jobs, in a small file beside the outputs, from which times are estimated.

What counts is the processor's time, which other programs on the machine do not change. What was never made here is
taken from the times of another machine (`paces.json`), as much faster or slower as this one was with what it did make.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from statistics import median
from typing import NamedTuple

from diffrender.config.scene_card import read_scene
from diffrender.core.errors import DiffrenderError
from diffrender.core.files import write_text
from diffrender.core.validation import validate
from diffrender.jobs.job import Job
from diffrender.jobs.kinds import KINDS
from diffrender.jobs.run.local import Outcome

FILE = ".paces.json"
ELSEWHERE = Path(__file__).with_name("paces.json")  # written by tests/benchmarks/paces.py
PER_FRAME = 0.9  # what a frame costs whatever its size, in megapixels: measured at 480p and 720p
STARTING_STEPS, STARTING_OF_UNET = 1000, 20  # of training that take as long as what comes before and after it
STARTING_STATES, STARTING_IMAGES = 400_000, 3000  # states (steps × chains) of a recording that take as long as that
IMAGES = ("digits", "photographs", "mnist", "fashion_mnist", "cifar10", "image_folder")
LOADING_SECONDS = 3.0  # of the first job that needs torch, until all of it has been called once
FRAME_SECONDS = 0.005  # of a frame's unit of PER_FRAME and megapixels; what is not seen to change is not drawn again
STARTING_SECONDS = 6.0  # of a scene of which nothing is known: Manim is loaded, what it shows is set and worked out
USUAL_SECONDS = 22.0  # of a clip of which nothing is known


class Estimate(NamedTuple):
    """About how long a job takes. source: the times that it rests on, in words ("2 of this scene"); "" for a guess."""

    seconds: float
    source: str

    def __str__(self) -> str:
        """What it rests on, for people."""
        return self.source or "a guess: nothing like it was made here yet"


class JobTimings:
    """What jobs took here, read from `folder` and kept there. A damaged or missing file holds nothing.

    paces: name → seconds of the processor for a unit of work; `film SCENE` → seconds of its clip without options;
    `wall KIND` → seconds that pass for one of the processor, with one worker. Of elsewhere also `start SCENE` → seconds
    before the first frame; a clip's unit of work is a second there.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self.paces = _read(self.path)

    def estimate(self, job: Job) -> Estimate:
        """The seconds that this job takes on a machine that does nothing else.

        By what is most like it, of the same likeness rather made here; a guess where nothing was made here yet.
        """
        elsewhere, faster = _elsewhere(), self._faster(job.kind)
        seconds = self._work(job) * self._wall(job)
        for like, what in _likenesses(job).items():
            if paces := _alike(self.paces, like):
                return Estimate(median(paces) * seconds, what.format(len(paces)))
            if paces := _alike(elsewhere, like):
                source = f"another machine's, scaled by {len(faster)} made here" if faster else ""
                return Estimate(median(paces) * seconds * median(faster or [1.0]), source)
        return Estimate(seconds, "")

    def estimates(self, todo: Sequence[Job]) -> dict[Path, Estimate]:
        """Of jobs that are done one after another, by output: the first that needs torch loads it."""
        found = {job.out: self.estimate(job) for job in todo}
        if first := next((job for job in todo if _needs_torch(job)), None):
            seconds, source = found[first.out]
            found[first.out] = Estimate(seconds + LOADING_SECONDS * self._wall(first), source)
        return found

    def record(self, outcomes: Iterable[Outcome]) -> None:
        """Save measured times, if there is the folder; errors are ignored."""
        if not self.path.parent.is_dir():
            return
        done = [outcome for outcome in outcomes if outcome.status == "done"]
        first = next((outcome for outcome in done if _needs_torch(outcome.job)), None)
        for outcome in done:
            self._record(outcome, LOADING_SECONDS if outcome is first else 0.0)
        with contextlib.suppress(OSError):
            write_text(self.path, json.dumps(self.paces, indent=0, sort_keys=True))

    def _record(self, outcome: Outcome, loading: float) -> None:
        job, cpu = outcome.job, outcome.cpu_seconds or outcome.seconds
        work = max(cpu - loading, cpu / 3)
        if "film_seconds" in outcome.figures:
            longer, acts, _ = _length(job)
            self.paces[f"film {_shown(job)}{acts}"] = round(outcome.figures["film_seconds"] - longer, 3)
        self.paces[next(iter(_likenesses(job)))] = float(f"{work / self._work(job):.6g}")
        wall = f"wall {job.kind}"
        self.paces[wall] = float(f"{min(self.paces.get(wall, 9.0), outcome.seconds / cpu * _workers(job)):.6g}")

    def _faster(self, kind: str) -> list[float]:
        """This machine's time for each of what was made here, over another's; of this kind, if there is one."""
        ratios = {
            name: pace / other
            for name, pace in self.paces.items()
            for like, other in _elsewhere().items()
            if f"{name} ".startswith(f"{like} ") and not name.startswith(("film ", "wall ", "start "))
        }
        return [ratio for name, ratio in ratios.items() if name.startswith(f"{kind} ")] or list(ratios.values())

    def _wall(self, job: Job) -> float:
        """Seconds that pass for one of the processor: here, but on no machine that is busy with something else."""
        walls = [paces[name] for paces in (self.paces, _elsewhere()) if (name := f"wall {job.kind}") in paces]
        return min([1.0, *walls]) / _workers(job)

    def _work(self, job: Job) -> float:
        """How much work a job is beside others like it; 1 of those of which nothing is known.

        Of a clip by its scene, its frames and their pixels; of a training by its steps; of a recording by its steps
        and chains.
        """
        if config := job.settings.get("config"):
            if job.kind in ("train", "autoencoder"):
                unet = config["model"]["kind"] == "unet"  # a step of which is as long as a hundred of a small network
                return (STARTING_OF_UNET if unet else STARTING_STEPS) + float(config["training"]["steps"])
            sampler = config["sampler"]
            as_long = STARTING_IMAGES if config["target"]["kind"] in IMAGES else STARTING_STATES
            return 1 + float(sampler["evaluations"] or sampler["steps"]) * sampler["chains"] / as_long
        width, height, fps = (job.settings.get(name) for name in ("width", "height", "fps"))
        if not (width and height and fps) or job.kind != "render":
            return 1.0
        frame = PER_FRAME + width * height / 1e6
        start = _elsewhere().get(f"start {job.settings.get('scene', '')}", STARTING_SECONDS) * _length(job)[2]
        return start + FRAME_SECONDS * frame * (1 if _sort(job) == "picture" else fps * self._film(job))

    def _film(self, job: Job) -> float:
        """Seconds that a clip lasts: as such a clip did, here or elsewhere, with another `duration`."""
        known, film = {**_elsewhere(), **self.paces}, f"film {_shown(job)}"
        longer, acts, share = _length(job)
        if acts and f"{film}{acts}" in known:
            return max(known[f"{film}{acts}"] + longer, 1.0)
        return max((known.get(film, USUAL_SECONDS) + longer) * share, 1.0)


@cache
def _elsewhere() -> dict[str, float]:
    return _read(ELSEWHERE)


def _read(file: Path) -> dict[str, float]:
    try:
        return {str(k): float(v) for k, v in json.loads(file.read_text("utf-8")).items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _alike(paces: dict[str, float], like: str) -> list[float]:
    return [pace for name, pace in paces.items() if f"{name} ".startswith(f"{like} ")]


def _likenesses(job: Job) -> dict[str, str]:
    """What a job has in common with others, the most first → how many of them were timed, in words.

    It itself; of a clip its scene, of a training and a recording the model and the target; its kind and sort.
    """
    sort = f"{job.kind} {_sort(job)}"
    if config := job.settings.get("config"):
        model, target = config["model"]["kind"], config["target"]["kind"]
        return {
            f"{sort} {model} {target} {' '.join(job.name.split())}": "its last time",
            f"{sort} {model} {target}": "{} of this model and target",
            f"{sort} {model}": "{} of this model",
            sort: "{} of this kind",
        }
    shown = f"{job.kind} {_shown(job)}"
    same = {shown: "{} of this scene"} if "scene" in job.settings else {}
    return {f"{shown} {job.name}": "its last time", **same, sort: "{} of this kind"}


def _shown(job: Job) -> str:
    """The sort and the scene of a clip."""
    return f"{_sort(job)} {job.settings.get('scene', '')}"


def _sort(job: Job) -> str:
    """Clips of recordings, cards without one, and pictures take times of their own."""
    if job.kind != "render" or "scene" not in job.settings:
        return "any"
    if job.settings.get("format") == "png" or job.settings.get("still") is not None or job.settings["contact_sheet"]:
        return "picture"
    return "clip" if any(name.startswith("recordings/") for name in job.inputs) else "card"


def _needs_torch(job: Job) -> bool:
    return "torch" in KINDS[job.kind].packages


def _workers(job: Job) -> int:
    return min(int(job.settings.get("workers") or 1), os.cpu_count() or 1)


def _length(job: Job) -> tuple[float, str, float]:
    """Of a clip: by how much its `duration` is longer than the scene's own; the acts that were chosen, as the end of a
    name; and which part of all of them that is.

    (0, "", 1) of one of which it cannot be told.
    """
    settings = job.settings
    try:
        card = read_scene(job.inputs[f"scene/{settings['scene_file']}"], settings["scene_class"])
        given = settings["options"]
        own, asked = validate(card.options, {}, "options"), validate(card.options, given, "options")
        chosen, every = card.act_names(given), card.act_names({})
    except (KeyError, DiffrenderError):
        return 0.0, "", 1.0
    default = getattr(own, "duration", 0.0)
    longer = float(asked.duration - default) if default and "duration" not in card.unused_options else 0.0
    if not chosen or not every or chosen == every:
        return longer, "", 1.0
    return longer, f":{','.join(chosen)}", len(chosen) / len(every)
