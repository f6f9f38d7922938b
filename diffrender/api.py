"""The Python interface: train, sample and render in a line each, from a notebook or script.

Work is done in processes of its own, as by the command line; what is up to date is reused. Names of configs, scenes and
overrides are those of the command line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from diffrender.core.files import expanded, file_to_write
from diffrender.jobs.make import bring_up_to_date
from diffrender.jobs.plan.clip import clip
from diffrender.jobs.plan.reuse import of_another_format
from diffrender.jobs.plan.subject import OUTPUTS, Subject
from diffrender.notebook.clip import Clip
from diffrender.trajectory.reader import Trajectory
from diffrender.video.settings import RenderSettings

Keys = Mapping[str, Any]
File = str | Path | Trajectory


def train(
    config: str | Path, overrides: Keys | None = None, *, device: str = "auto", outputs: Path | str = OUTPUTS
) -> Path:
    """Train the model of a config; returns the weights' file, `outputs/<config>/model.safetensors`.

    overrides: config keys, dotted, e.g. ``{"training.steps": 2000, "seed": 1}``.
    """
    job = Subject.of(str(config), overrides, expanded(outputs)).train(device=device)
    bring_up_to_date(job, outputs=expanded(outputs))
    return job.out


def sample(
    config: str | Path, overrides: Keys | None = None, *, device: str = "auto", outputs: Path | str = OUTPUTS
) -> Trajectory:
    """Record a run of a config's sampler (training first if need be); returns the recording, its arrays mapped.

    ``sample("spiral", {"sampler.kind": "ddim", "sampler.steps": 20})["x"]`` is (21, chains, 2) float32.
    """
    job = Subject.of(str(config), overrides, expanded(outputs)).sample(device=device)
    bring_up_to_date(job, outputs=expanded(outputs))
    return Trajectory.open(job.out)


def render(
    scene: str,
    trajectory: File | Sequence[File] | Mapping[str, File] | None = None,
    *,
    out: str | Path | None = None,
    config: str = "",
    overrides: Keys | None = None,
    options: Keys | None = None,
    **video: Any,
) -> Clip:
    """Render a clip and return its file, a path that a notebook shows as the video or picture it is.

    trajectory: a recording, in place of one made from a config; of a scene that shows several, a list of them, or a
    mapping from its names for them (``{"run": "mine.npz", "exact": "other.npz"}``). overrides: of the config, with
    dotted keys. video: fields of `RenderSettings`: quality, aspect, fps, theme, format, transparent, workers, and what
    else `diffrender render --help` lists.
    """
    if isinstance(trajectory, Mapping):
        files = [f"{name}={_file(one)}" for name, one in trajectory.items()]
    else:
        several = trajectory if isinstance(trajectory, Sequence) and not isinstance(trajectory, str) else [trajectory]
        files = [_file(one) for one in several if one is not None]
    settings, file = RenderSettings.of(**video), None if out is None else file_to_write(out)
    settings.check_used(file)
    job = clip(scene, config, overrides, options, settings, file, trajectories=files)
    bring_up_to_date(of_another_format(job))
    return Clip(job.out)


def _file(recording: File) -> str:
    return str(recording.file if isinstance(recording, Trajectory) else recording)


def show(recording: str | Path | Trajectory) -> Any:
    """A widget that plays a recording in a notebook: states, predictions and tiles under a slider.

    It draws in the browser, without Manim, and saves itself as one HTML file. Needs anywidget, of the extra `notebook`;
    `diffrender page mine.npz` writes the same as a page without it.
    """
    from diffrender.notebook.widget import Player

    return Player(recording if isinstance(recording, Trajectory) else Trajectory.open(recording))
