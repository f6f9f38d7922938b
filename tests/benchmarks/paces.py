"""What jobs cost, for the estimates of machines that made nothing yet: python tests/benchmarks/paces.py FOLDER

Renders every scene in FOLDER, at a few frames a second, and writes what `jobs/run/timings.py` measured there to
diffrender/jobs/run/paces.json. Seconds of the processor count, so the machine may be busy; a FOLDER in which some of it
was made before is gone on with.
"""

import json
import subprocess
import sys
from pathlib import Path

from diffrender.config.find import scenes
from diffrender.jobs.run.timings import ELSEWHERE, FILE, FRAME_SECONDS, PER_FRAME, STARTING_SECONDS, _elsewhere

FPS = 4
UNMEASURED = {
    "autoencoder any": 0.03,
    "convert any": 20,
    "gif any": 10,
    "join any": 5,
    "pictures any": 5,
    "speak any": 2,
    "train any unet cifar10 train cifar10": 0.25,
    "train any unet mnist train mnist": 0.165,
}
CLIPS = {"render clip": 1, "render card": 1, "render picture": 1}  # in units of what is worked out here


def main(folder: Path) -> None:
    """Make what is not there yet, and write the table."""
    for scene in scenes():
        words = ["render", scene, "-r", "854,480", "--fps", str(FPS)]
        subprocess.run([sys.executable, "-m", "diffrender", *words], cwd=folder, check=True)
    paces = {**UNMEASURED, **CLIPS}
    measured = json.loads((folder / "outputs" / FILE).read_text("utf-8"))
    for name, pace in measured.items():
        kind, sort, scene = [*name.split(), ""][:3]
        if kind == "render":  # so many times what was assumed; of few frames nearly all is the start
            frames = FRAME_SECONDS * (PER_FRAME + 0.41) * FPS * measured[f"film {sort} {scene}"]
            start = _elsewhere().get(f"start {scene}", STARTING_SECONDS)
            paces[f"start {scene}"] = round(max(pace * (start + frames) - frames, 1.0), 2)
        elif kind != "wall":
            paces[name] = float(f"{pace:.3g}")
    ELSEWHERE.write_text(json.dumps(paces, indent=0, sort_keys=True) + "\n", "utf-8")
