"""A worker whose renders are quick and do as they are told: by the options of the clip.

seconds (of work), until (a file: with it the work takes no time), frames, grey, fail, crash (while `reading` a file),
size (bytes of junk that are written on the way), grow (bytes up to which the clip is filled with zeros), die (a
file: if it is not there, it is put there and the process killed). Everything else, the film too, is done by the worker
of diffrender.
"""

import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

from diffrender.core.errors import RenderError, reading
from diffrender.core.files import replacing
from diffrender.jobs.kinds import KINDS, render_fields
from diffrender.jobs.run import child


def render(task):
    options = {"seconds": 0.0, "frames": 6, **task.settings["options"]}
    print(f"drawing {task.name}", file=sys.stderr, flush=True)
    if "die" in options and not Path(options["die"]).exists():
        Path(options["die"]).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if "until" in options and Path(options["until"]).exists():
        options["seconds"] = 0.0
    if "fail" in options:
        raise RenderError(f"{task.name} cannot be drawn.", options["fail"])
    if "crash" in options:
        with reading(options.get("reading", __file__)):
            raise ValueError(options["crash"])
    with replacing(task.out) as file:
        file.write(b"half of it")
        file.flush()
        steps = max(1, round(options["seconds"] / 0.05))
        for i in range(steps):
            task.progress({"stage": "draw", "done": i, "total": steps})
            time.sleep(options["seconds"] / steps)
        file.write(bytes(options.get("size", 0)))
        file.seek(0)
        file.truncate()
        if task.settings.get("plain"):
            file.write(task.key.encode())
        else:
            video(file, render_fields(task), options)
        if "grow" in options:
            file.truncate(options["grow"])
    return {"frames": options["frames"]}


def video(file, spec, options):
    """A real clip, encoded as every clip is: a grey that differs from frame to frame."""
    from fractions import Fraction

    import av
    import numpy as np

    from diffrender.video.encode.settings import choose, open_stream

    path = f"{file.name}.mp4"
    with av.open(path, "w") as target:
        target.metadata.update(spec["metadata"])
        stream = open_stream(target, choose("mp4", encode=spec["encode"]), spec["width"], spec["height"], spec["fps"])
        for i in range(options["frames"]):
            grey = np.full((spec["height"], spec["width"], 3), options.get("grey", 40 + 20 * i), np.uint8)
            frame = av.VideoFrame.from_ndarray(grey, "rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = i, Fraction(1, spec["fps"])
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    file.write(Path(path).read_bytes())
    os.unlink(path)


def train(task):
    """Weights and a recording that tell where they were made, and what was read."""
    print(f"training {task.name}", file=sys.stderr, flush=True)
    if fail := task.settings.get("options", {}).get("fail"):
        raise RenderError(f"{task.name} cannot be trained.", fail)
    file = task.inputs.get("target.file")
    for path in (task.out, *task.extra_outputs):
        path.write_text(f"{path}\n{file.read_text() if file else ''}")
    return {}


for name, do in (("render", render), ("train", train)):
    KINDS[name] = replace(KINDS[name], do=do)
if __name__ == "__main__":
    sys.exit(child.main())
