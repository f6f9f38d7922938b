"""The process that does one job: ``python -m diffrender.jobs.run.child``.

It reads the job as a line of JSON on stdin and writes events, a line of JSON each, on stdout: `progress`, then `done`
or
`error`. Whatever libraries print goes to stderr. It ends itself when its parent is gone (stdin closes) and cleans up on
SIGINT. Only the wing that the job needs is loaded.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from diffrender.core.errors import DiffrenderError, MissingToolError, RenderError, TrajectoryError, UsageError
from diffrender.core.notes import forward

Emit = Callable[..., None]
ERRORS = {cls.__name__: cls for cls in (DiffrenderError, UsageError, TrajectoryError, RenderError, MissingToolError)}


def train(job: dict[str, Any], emit: Emit) -> dict[str, Any]:
    """Train a network; the recording of the training lies beside it."""
    from diffrender.diffusion.training.loop import train as train_model

    spec = job["spec"]
    _check_sampler(_config(spec), spec.get("kind", ""))
    result = train_model(
        _config(spec),
        Path(job["out"]),
        device=spec["device"],
        resume=spec["resume"],
        key=job["key"],
        progress=lambda event: emit("progress", **event),
    )
    return {"figures": result.figures}


def sample(job: dict[str, Any], emit: Emit) -> dict[str, Any]:
    """Record a run of a sampler."""
    from diffrender.diffusion.recording.record import sample as record_run

    spec = job["spec"]
    _check_sampler(_config(spec), spec.get("kind", ""))
    weights = Path(spec["weights"]) if spec["weights"] else None
    record_run(
        _config(spec),
        Path(job["out"]),
        weights=weights,
        device=spec["device"],
        key=job["key"],
        progress=lambda event: emit("progress", **event),
    )
    return {}


def render(job: dict[str, Any], emit: Emit) -> dict[str, Any]:
    """Draw and encode a clip."""
    from diffrender.video.render import render as render_clip
    from diffrender.video.spec import RenderSpec

    result = render_clip(RenderSpec.of(**job["spec"]), progress=lambda event: emit("progress", **event))
    return {"figures": {"frames": result.frames, "notes": list(result.notes)}}


def join(job: dict[str, Any], emit: Emit) -> dict[str, Any]:
    """Join clips into a film."""
    from diffrender.video.film.join import join_film as join_film
    from diffrender.video.film.spec import FilmSpec

    return {"figures": join_film(FilmSpec(**job["spec"]), lambda event: emit("progress", **event))}


def pictures(job: dict[str, Any], emit: Emit) -> dict[str, Any]:
    """Take posters from finished clips, and the sheet of all."""
    from diffrender.video.film.posters import pictures as take
    from diffrender.video.film.spec import PostersSpec

    take(PostersSpec(**job["spec"]), lambda event: emit("progress", **event))
    return {}


def gif(job: dict[str, Any], emit: Emit) -> dict[str, Any]:
    """Make the GIF of a finished clip."""
    from diffrender.video.film.posters import gif as make
    from diffrender.video.film.spec import GifSpec

    return {"figures": make(GifSpec(**job["spec"]), lambda event: emit("progress", **event))}


def _check_sampler(config: Any, kind: str = "") -> None:
    """Refuse a sampler that cannot be, or runs of another kind than can be shown, before the minutes they take."""
    from diffrender.diffusion.samplers.catalogue import SAMPLERS

    entry = SAMPLERS[config.sampler.kind]
    if kind and entry.info["kind"] != kind:
        fitting = [name for name in sorted(SAMPLERS.entries) if SAMPLERS[name].info["kind"] == kind]
        raise UsageError(
            f"sampler.kind: {config.sampler.kind} makes a {entry.info['kind']} run, and the scene shows {kind} runs.",
            f"Samplers that make one: {', '.join(fitting)}.",
        )
    steps = {"steps": config.sampler.steps} if "steps" in entry.parameters() else {}
    entry.check({**config.sampler.params, **steps}, "sampler")


def _config(spec: dict[str, Any]) -> Any:
    from diffrender.config.sections import Config
    from diffrender.core.validation import validate

    config = validate(Config, spec["config"], spec["source"])
    return config.model_copy(update={"source": Path(spec["source"])})


JOBS: dict[str, Callable[[dict[str, Any], Emit], dict[str, Any]]] = {
    "train": train,
    "sample": sample,
    "render": render,
    "join": join,
    "pictures": pictures,
    "gif": gif,
}


class Events:
    """The stream of events: at most some tens of progress lines a second, whatever the job reports."""

    INTERVAL = 0.05

    def __init__(self) -> None:
        self.file = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
        os.dup2(2, 1)  # a library's print must not look like an event
        self.last, self.stage = 0.0, None

    def __call__(self, event: str, **data: Any) -> None:
        if event == "progress":
            now = time.monotonic()
            final = data.get("done") == data.get("total") or data.get("stage") != self.stage
            if not final and now - self.last < self.INTERVAL:
                return
            self.last, self.stage = now, data.get("stage")
        self.file.write(json.dumps({"event": event, **data}, default=_plain) + "\n")


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else str(value)


def _end_with_parent() -> None:
    """Interrupt this process when the parent is gone; leave nothing running, whatever happens then."""

    def watch() -> None:
        os.read(0, 1)  # blocks until the parent closes its end, or dies
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(20)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def main() -> int:
    """Do the job given on stdin; 0 done, 1 or 2 failed, 130 interrupted."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would ignore it
    emit = Events()
    forward(lambda text: emit("note", text=text))
    line = bytearray()
    while not line.endswith(b"\n"):  # byte by byte: the watch reads the same descriptor after us
        byte = os.read(0, 1)
        if not byte:
            return 1
        line += byte
    job = json.loads(line)
    _end_with_parent()
    try:
        Path(job["out"]).parent.mkdir(parents=True, exist_ok=True)
        emit("done", path=job["out"], **JOBS[job["kind"]](job, emit))
    except KeyboardInterrupt:
        emit("interrupted")
        return 130
    except DiffrenderError as error:
        family = next((name for name, cls in reversed(ERRORS.items()) if isinstance(error, cls)), "DiffrenderError")
        emit("error", family=family, problem=error.problem, remedy=error.remedy)
        traceback.print_exc()
        return error.exit_code
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        emit(
            "error",
            family="DiffrenderError",
            problem=f"{where}{error.strerror or error}.",
            remedy="Choose another folder with --out or --outputs, or make room there.",
        )
        traceback.print_exc()
        return 1
    except MemoryError:
        emit(
            "error",
            family="DiffrenderError",
            problem=f"{job['name']}: out of memory.",
            remedy="Ask for fewer chains or points.",
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
