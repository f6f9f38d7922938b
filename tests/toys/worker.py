"""A worker whose renders are quick and do as they are told: by the options of the clip.

seconds (of work), until (a file: with it the work takes no time), frames, grey, fail, crash, size (bytes of junk that
are written on the way), die (a file: if it is not there, it is put there and the process killed).
Everything else, the film too, is done by the worker of diffrender.
"""

import os
import signal
import sys
import time
from pathlib import Path

from diffrender.core.errors import RenderError
from diffrender.core.files import replacing
from diffrender.jobs.run import child


def render(job, emit):
    spec, options = job["spec"], {"seconds": 0.0, "frames": 6, **job["spec"]["options"]}
    print(f"drawing {job['name']}", file=sys.stderr, flush=True)
    if "die" in options and not Path(options["die"]).exists():
        Path(options["die"]).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if "until" in options and Path(options["until"]).exists():
        options["seconds"] = 0.0
    if "fail" in options:
        raise RenderError(f"{job['name']} cannot be drawn.", options["fail"])
    if "crash" in options:
        raise ValueError(options["crash"])
    with replacing(Path(spec["out"])) as file:
        file.write(b"half of it")
        file.flush()
        steps = max(1, round(options["seconds"] / 0.05))
        for i in range(steps):
            emit("progress", stage="draw", done=i, total=steps)
            time.sleep(options["seconds"] / steps)
        file.write(bytes(options.get("size", 0)))
        file.seek(0)
        file.truncate()
        if spec.get("plain"):
            file.write(job["key"].encode())
        else:
            video(file, spec, options)
    return {"figures": {"frames": options["frames"]}}


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


def train(job, emit):
    """Weights and a recording that tell where they were made, and what was read."""
    for path in (Path(job["out"]), Path(job["out"]).with_name("training.npz")):
        file = Path(job["spec"]["source"]).with_name("points.csv")
        path.write_text(f"{path}\n{file.read_text() if file.exists() else ''}")
    return {}


child.JOBS.update(render=render, train=train)
if __name__ == "__main__":
    sys.exit(child.main())
