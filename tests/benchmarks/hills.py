"""What a frame of hills costs beside a frame of the plane: python tests/benchmarks/hills.py FOLDER

FOLDER holds the recordings of the scene latent (codes.npz and three runs), as `diffrender render latent` leaves them in
outputs/latent-digits. Both acts are drawn at 1080p; CPU seconds of one core, from the second frame on, are compared.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from diffrender.config.scene_card import find_scene
from diffrender.trajectory.reader import Trajectory
from diffrender.video import frames

MOST = 3.0  # times the cost of a frame of the plane
COUNT = 40  # frames of each act that are timed
SIZE, FPS, DURATION, SKIPPED = (1920, 1080), 30, 3.0, 45


def recordings(folder: Path) -> dict[str, Trajectory]:
    """The four that the scene needs, known by what they say of themselves."""
    runs = [Trajectory.open(path) for path in folder.glob("*.npz") if path.name != "training.npz"]
    found: dict[str, Trajectory] = {}
    for run in runs:
        sampler = run.meta["config"]["sampler"]
        if run.kind == "autoencoder":
            found["codes"] = run
        elif sampler["guidance_scale"] == 0:
            found["paths"] = run
        elif sampler["start"]:
            found["steered"] = run
        elif sampler["kind"] == "dpmpp_2m":
            found["guided"] = run
    return found


def seconds(runs: dict[str, Trajectory], act: str) -> float:
    """CPU seconds of a frame of an act, the median."""
    card = find_scene("latent")
    scene_class, times = frames.load_scene(card.file, card.class_name), []
    options: dict[str, Any] = {"acts": [act], "duration": DURATION, "pause": 0.0, "hold": 0.1}

    def make(renderer: Any) -> Any:
        return scene_class(trajectories=runs, options=options, renderer=renderer)

    with tempfile.TemporaryDirectory() as media:
        settings = frames.manim_config(*SIZE, FPS, transparent=False, media=Path(media))
        windows = [(k, k + 1) for k in range(SKIPPED, SKIPPED + COUNT)]
        frames.draw(make, settings, windows, lambda pixels, repeat: times.append(time.process_time()))
    return float(np.median(np.diff(times)[1:]))


def main() -> None:
    runs = recordings(Path(sys.argv[1]))
    plane, hills = (min(seconds(runs, act) for _ in range(2)) for act in ("diffuse", "density"))
    held = "held" if hills <= MOST * plane else "MISSED"
    print(
        f"plane {1e3 * plane:.1f} ms, hills {1e3 * hills:.1f} ms: {hills / plane:.2f} times; {held}: at most {MOST:g}"
    )


if __name__ == "__main__":
    main()
