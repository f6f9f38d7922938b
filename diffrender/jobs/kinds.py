"""The kinds of jobs: one row each, and the function that does it.

The functions run in processes of their own (`run/child.py`), which load only the wing that the job needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diffrender.core import provenance

if TYPE_CHECKING:
    from diffrender.config.sections import Config

Progress = Callable[[dict[str, Any]], None]
Figures = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """A job as the process that does it sees it: its settings, where its inputs lie, and what they hold (`contents`).

    progress is called with {stage, done, total, …} while it runs.
    """

    name: str
    out: Path
    key: str
    settings: Mapping[str, Any]
    inputs: Mapping[str, Path] = field(default_factory=dict)
    contents: Mapping[str, str] = field(default_factory=dict)
    extra_outputs: tuple[Path, ...] = ()
    progress: Progress = lambda event: None

    @classmethod
    def from_dict(cls, job: Mapping[str, Any], progress: Progress) -> Task:
        """The task in what `Job.as_dict` made."""
        inputs = {name: Path(path) for name, path in job["inputs"].items()}
        extra = tuple(Path(path) for path in job["extra_outputs"])
        out = Path(job["out"])
        return cls(job["name"], out, job["key"], job["settings"], inputs, job["contents"], extra, progress)

    def under(self, folder: str) -> dict[str, Path]:
        """The inputs whose names begin with `folder/`, by the rest of their names."""
        return {
            name.removeprefix(f"{folder}/"): path for name, path in self.inputs.items() if name.startswith(f"{folder}/")
        }


@dataclass(frozen=True)
class Kind:
    """One kind of job.

    do: the function that does it, and returns its figures. remote: whether a cluster may. packages: those whose
    versions count in its key. uncounted: settings that change nothing in what is made. unit: what its progress counts.
    to_do: how so many of them are announced. optional_outputs: endings of files that it may leave beside its output.
    """

    do: Callable[[Task], Figures]
    remote: bool
    packages: tuple[str, ...]
    unit: str
    to_do: str
    uncounted: tuple[str, ...] = ()
    optional_outputs: tuple[str, ...] = ()

    @property
    def reuses_process(self) -> bool:
        """Whether the process that does one goes on with another: torch is loaded once, and so is a voice."""
        return "torch" in self.packages or not self.packages


# ---- trainings and recordings ----------------------------------------------------------------------------------------
def train(task: Task) -> Figures:
    """Train a network; the recording of the training lies beside it."""
    from diffrender.diffusion.training.loop import train as train_model

    config = _config(task)
    return train_model(
        config,
        task.out,
        device=task.settings["device"],
        resume=task.settings["resume"],
        key=task.key,
        progress=task.progress,
        teacher=task.inputs.get("teacher"),
    ).figures


def autoencoder(task: Task) -> Figures:
    """Train an autoencoder; its codes of all images, and what they were while it learned, lie in its file."""
    from diffrender.diffusion.training.autoencoder import train_autoencoder

    return train_autoencoder(
        _config(task),
        task.out,
        device=task.settings["device"],
        resume=task.settings["resume"],
        key=task.key,
        progress=task.progress,
    )


def codes(task: Task) -> Figures:
    """Record what an autoencoder has learned."""
    from diffrender.diffusion.recording.codes import record_codes

    record_codes(_config(task), task.out, key=task.key, progress=task.progress)
    return {}


def sample(task: Task) -> Figures:
    """Record a run of a sampler."""
    from diffrender.diffusion.recording.record import sample as record_run

    config = _config(task)
    record_run(
        config,
        task.out,
        weights=task.inputs.get("weights"),
        worse=task.inputs.get("worse"),
        device=task.settings["device"],
        key=task.key,
        progress=task.progress,
    )
    return {}


def _config(task: Task) -> Config:
    """The task's config; files and code that it names are those among the inputs."""
    from diffrender.config.find import use_files
    from diffrender.config.sections import Config
    from diffrender.core.user_code import use_code
    from diffrender.core.validation import validate

    config: Config = validate(Config, task.settings["config"], task.settings["source"])
    places = {"source": Path(task.settings["source"]), "autoencoder_file": task.inputs.get("autoencoder")}
    config = config.model_copy(update=places)
    use_files({name: task.inputs[key] for key, name in task.settings["files"].items()})
    use_code({written: task.inputs[name] for written, name in task.settings["code"].items()})
    return config


# ---- clips -----------------------------------------------------------------------------------------------------------
def render(task: Task) -> Figures:
    """Draw and encode a clip."""
    from diffrender.video.render import as_drawn, render as render_clip
    from diffrender.video.spec import RenderSpec

    spec = RenderSpec.of(**render_fields(task))
    result = render_clip(spec, progress=task.progress)
    length = {} if spec.picture else {"film_seconds": result.frames / as_drawn(spec)[0].fps}
    return {"frames": result.frames, **length, "notes": list(result.notes)}


def render_fields(task: Task) -> dict[str, Any]:
    """The fields of a clip's RenderSpec, with the provenance that is written into the file."""
    settings = dict(task.settings)
    scene, title, scene_file = (settings.pop(name) for name in ("scene", "title", "scene_file"))
    counted = {name: value for name, value in settings.items() if name not in KINDS["render"].uncounted}
    origin = {
        "key": task.key,
        "kind": "video",
        "scene": f"{scene}:{settings['scene_class']}",
        "seed": _chain_seeds(task.under("recordings")),
        "settings": counted,
        "spoken": [key for name, key in task.contents.items() if name.startswith("sounds/")],
        "upstream": {name.partition("/")[2]: key for name, key in task.contents.items() if _is_recording(name)},
        "versions": provenance.versions(*KINDS["render"].packages),
    }
    return {
        **settings,
        "scene": task.inputs[f"scene/{scene_file}"],
        "trajectories": task.under("recordings"),
        "sounds": task.under("sounds"),
        "catalogue": task.inputs.get("catalogue"),
        "logo_file": task.inputs.get("logo"),
        "out": task.out,
        "metadata": {"title": title, "comment": provenance.comment(origin)},
    }


def _chain_seeds(recordings: Mapping[str, Path]) -> Any:
    """The seed of the chains that are shown: one number, or one a recording where they differ."""
    seeds = {name: (provenance.read(file) or {}).get("seed") for name, file in recordings.items()}
    values = list(seeds.values())
    return values[0] if values and all(value == values[0] for value in values) else seeds


def _is_recording(name: str) -> bool:
    return name.startswith("recordings/")


# ---- sound -----------------------------------------------------------------------------------------------------------
def speak(task: Task) -> Figures:
    """Let a voice say a text."""
    from diffrender.core.user_code import use_code
    from diffrender.video.voice.speakers import check_parameters
    from diffrender.video.voice.speech import speak as speak_text

    settings = task.settings
    use_code({written: task.inputs[name] for written, name in settings["code"].items()})
    speaker, parameters = check_parameters(settings["kind"], settings["parameters"], settings["language"])
    origin = {"key": task.key, "kind": "speech", "voice": settings["kind"], "versions": provenance.versions()}
    seconds = speak_text(settings["written"], settings["spoken"], speaker, parameters, task.out, origin)
    return {"length": f"{seconds:.1f} s"}


def convert(task: Task) -> Figures:
    """Make a clip of one that is there in another format, and say so in it."""
    from diffrender.video.convert import Conversion, convert as convert_clip

    source = provenance.read(task.inputs["video"]) or {}
    settings = {name: value for name, value in task.settings.items() if name in Conversion.model_fields}
    about = {
        **source,
        "key": task.key,
        "settings": {**source.get("settings", {}), **settings},
        "made_of": {"file": task.inputs["video"].name, "key": source.get("key", "")},
    }
    metadata = {"title": task.settings["title"], "comment": provenance.comment(about)}
    wish = Conversion(file=task.inputs["video"], out=task.out, metadata=metadata, **settings)
    note = f"Made of {task.inputs['video'].name}, which shows the same: nothing was drawn. --force draws it anew."
    return {**convert_clip(wish, task.progress), "notes": [note]}


# ---- films -----------------------------------------------------------------------------------------------------------
def join(task: Task) -> Figures:
    """Join clips into a film."""
    from diffrender.video.film.join import join_film
    from diffrender.video.film.spec import FilmEntry, FilmSpec

    settings = dict(task.settings)
    videos, narrations = task.under("videos"), task.under("narrations")
    pieces = [
        FilmEntry(file=videos[number], narration=narrations.get(number), **entry)
        for number, entry in settings.pop("entries").items()
    ]
    origin = {
        "key": task.key,
        "kind": "film",
        "lecture": settings["title"],
        "clips": [task.contents[f"videos/{number}"] for number in videos],
        "spoken": [task.contents[f"narrations/{number}"] for number in narrations],
        "versions": provenance.versions(*KINDS["join"].packages),
    }
    metadata = {"title": settings.pop("title"), "comment": provenance.comment(origin)}
    return join_film(FilmSpec(out=task.out, pieces=pieces, metadata=metadata, **settings), task.progress)


def pictures(task: Task) -> Figures:
    """Take posters from finished clips, and the sheet of all."""
    from diffrender.video.film.posters import pictures as take
    from diffrender.video.film.spec import PostersSpec

    comment = provenance.comment(
        {"key": task.key, "kind": "pictures", "versions": provenance.versions(*KINDS["pictures"].packages)}
    )
    files = [task.out, *task.extra_outputs]
    sheet, posters = (files[0], files[1:]) if task.settings["sheet"] else (None, files)
    videos = list(task.under("videos").values())
    take(PostersSpec(videos=videos, posters=posters, sheet=sheet, comment=comment), task.progress)
    return {}


def gif(task: Task) -> Figures:
    """Make the GIF of a finished clip."""
    from diffrender.video.film.posters import gif as make
    from diffrender.video.film.spec import GifSpec

    comment = provenance.comment({"key": task.key, "kind": "gif", "video": task.contents["video"]})
    spec = GifSpec(file=task.inputs["video"], out=task.out, comment=comment, **task.settings)
    return make(spec, task.progress)


CONFIG_UNCOUNTED = (
    "config",
    "source",
    "files",
    "code",
    "device",
    "run_kind",
    "shows",
)  # `content` says what counts of a config
KINDS = {
    "autoencoder": Kind(autoencoder, True, ("torch",), "steps", "{} to encode", (*CONFIG_UNCOUNTED, "resume")),
    "codes": Kind(codes, True, ("torch", "scipy"), "steps", "{} of codes", CONFIG_UNCOUNTED),
    "train": Kind(train, True, ("torch",), "steps", "{} to train", (*CONFIG_UNCOUNTED, "resume")),
    "sample": Kind(sample, True, ("torch",), "steps", "{} to sample", CONFIG_UNCOUNTED),
    "render": Kind(render, True, ("manim",), "frames", "{} to render", ("workers",), (".srt",)),
    "speak": Kind(speak, False, (), "sentences", "{} to speak", ("code", "source")),
    "convert": Kind(convert, False, ("av", "imageio-ffmpeg"), "frames", "{} to convert", ("workers",)),
    "gif": Kind(gif, False, ("imageio-ffmpeg",), "steps", "{} to gif"),
    "pictures": Kind(pictures, False, ("av",), "steps", "pictures"),
    "join": Kind(join, False, ("manim", "av"), "steps", "{} to join"),
}
