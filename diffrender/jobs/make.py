"""Bring jobs up to date, with progress on stderr; and the recordings of a scene that Manim itself renders.

``python -m diffrender.jobs.make SCENE.py CLASS`` prints the recordings of a scene as JSON, name → file, making first
what is not up to date: a scene run by ``manim render`` asks for them so, and imports no jobs.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from diffrender.config.scene_card import read_scene, with_options
from diffrender.core.errors import DiffrenderError
from diffrender.jobs.check import check_before_start
from diffrender.jobs.job import pending
from diffrender.jobs.plan.clip import named_files, recorded_file, recordings
from diffrender.jobs.run.local import run


def find_recordings(scene_file: Path, class_name: str) -> dict[str, Path]:
    """The recordings of a scene run by Manim itself (`manim render scenes/langevin.py`).

    From DIFFRENDER_TRAJECTORY (`file.npz`, or `name=file.npz` several times with the system's path separator), else
    from outputs/, making in processes of their own what is not up to date there.
    """
    card = with_options(read_scene(scene_file, class_name), {})
    given = os.environ.get("DIFFRENDER_TRAJECTORY", "")
    if given:
        return named_files([part for part in given.split(os.pathsep) if part], card)
    needs = recordings(card)
    todo = pending(needs.values())
    check_before_start(todo)
    run(todo)
    return {name: recorded_file(job) for name, job in needs.items()}


def main() -> int:
    """Print a scene's recordings; 0 done, else the error's exit code and its text on stderr."""
    try:
        files = find_recordings(Path(sys.argv[1]), sys.argv[2])
    except DiffrenderError as error:
        print(json.dumps({"problem": error.problem, "remedy": error.remedy}))
        return error.exit_code
    print(json.dumps({name: str(file) for name, file in files.items()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
