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
from diffrender.jobs.run.timings import ELSEWHERE, FILE

UNMEASURED = {
    "convert any": 20,
    "gif any": 10,
    "join any": 5,
    "pictures any": 5,
    "render picture": 0.03,
    "speak any": 2,
}


def main(folder: Path) -> None:
    """Make what is not there yet, and write the table."""
    for scene in scenes():
        words = ["render", scene, "-r", "854,480", "--fps", "4"]
        subprocess.run([sys.executable, "-m", "diffrender", *words], cwd=folder, check=True)
    paces = dict(UNMEASURED)
    for name, pace in json.loads((folder / "outputs" / FILE).read_text("utf-8")).items():
        if not name.startswith("wall "):
            known = name.partition(" render ")[0] if name.startswith("render ") else name
            paces[" ".join(known.split())] = float(f"{pace:.3g}")
    ELSEWHERE.write_text(json.dumps(paces, indent=0, sort_keys=True) + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
