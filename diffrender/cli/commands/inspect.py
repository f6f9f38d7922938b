"""`diffrender inspect`: what a file made here is and holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from diffrender.cli.messages import command, size_text
from diffrender.core.terminal import printable


@command
def inspect(
    file: Annotated[Path, typer.Argument(help="A recording (.npz), weights (.safetensors), video, picture or speech.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Explain a file that diffrender wrote.

    Says what it is, and its shapes, seed, config and sizes.
    """
    from diffrender.config.find import no_such_file, use_of
    from diffrender.core.errors import DiffrenderError, UsageError, suggest, words_of
    from diffrender.core.provenance import FILE_KINDS

    readers = {
        "recording": _recording,
        "weights": _weights,
        "picture": _picture,
        "video": _video,
        "speech": _speech,
    }
    if not file.is_file():
        raise UsageError(f"{file}: a folder.", "Name a file in it.") if file.is_dir() else no_such_file(str(file))
    kind = FILE_KINDS.get(file.suffix.lower())
    if kind is None:
        remedy = use_of(str(file)) or suggest(file.suffix, FILE_KINDS)
        raise UsageError(f"{file}: not a kind of file that is inspected.", remedy)
    try:
        found = readers[kind](file)
    except DiffrenderError:
        raise
    except Exception as error:
        raise DiffrenderError(
            f"{file}: cannot be read as {file.suffix} ({type(error).__name__}: {words_of(error)}).",
            "It may be cut short or damaged; make it again.",
        ) from None
    found = {"file": str(file), "size": size_text(file.stat().st_size), **found}
    if as_json:
        import json

        print(json.dumps(found, ensure_ascii=False, default=str))
        return
    for key, value in found.items():
        _show(key, value)


def _show(key: str, value: Any, indent: int = 0) -> None:
    if isinstance(value, dict):
        print(printable(f"{'  ' * indent}{key}:"))
        for k, v in value.items():
            _show(str(k), v, indent + 1)
    elif value not in (None, "", [], {}):
        print(printable(f"{'  ' * indent}{key:<{max(1, 18 - 2 * indent)}} {value}"))


def _recording(file: Path) -> dict[str, Any]:
    from diffrender.trajectory.reader import Trajectory

    recording = Trajectory.open(file)
    meta = dict(recording.meta)
    members = {name: f"{recording[name].shape} {recording[name].dtype}" for name in recording}
    return {
        "what": f"recording of kind '{recording.kind}'",
        "steps": recording.steps,
        "chains": recording.chains,
        **{k: meta.pop(k) for k in ("seed", "key", "sampler") if k in meta},
        "arrays": members,
        **meta,
    }


def _weights(file: Path) -> dict[str, Any]:
    from safetensors import safe_open

    from diffrender.core import provenance

    with safe_open(str(file), "numpy") as weights:
        shapes = {name: f"{tuple(weights.get_slice(name).get_shape())}" for name in weights.keys()}  # noqa: SIM118
    header = provenance.read(file) or {}
    return {"what": "weights of a network", "tensors": shapes, **header}


def _video(file: Path) -> dict[str, Any]:
    import av

    from diffrender.core import provenance

    with av.open(str(file)) as container:
        stream = container.streams.video[0]
        codec = stream.codec_context
        frames = stream.frames or sum(1 for packet in container.demux(stream) if packet.size)
        rate = float(stream.average_rate or 0)
        title = container.metadata.get("title", "")
        found = {
            "what": "video",
            "title": title,
            "codec": f"{codec.name}, {codec.pix_fmt}",
            "resolution": f"{codec.width} × {codec.height}",
            "frames": frames,
            "fps": round(rate, 3),
            "seconds": round(frames / rate, 3) if rate else None,
        }
    return {**found, **_origin(provenance.read(file))}


def _speech(file: Path) -> dict[str, Any]:
    from diffrender.core import provenance
    from diffrender.video.film import sound

    return {"what": "speech", "seconds": round(sound.length(file), 3), **_origin(provenance.read(file))}


def _picture(file: Path) -> dict[str, Any]:
    from PIL import Image

    from diffrender.core import provenance

    with Image.open(file) as image:
        found = {
            "what": "animation" if getattr(image, "n_frames", 1) > 1 else "picture",
            "resolution": f"{image.width} × {image.height}",
            "frames": getattr(image, "n_frames", 1),
        }
    return {**found, **_origin(provenance.read(file))}


def _origin(found: dict[str, Any] | None) -> dict[str, Any]:
    return found or {"made by": "not diffrender, or it says nothing of itself"}
