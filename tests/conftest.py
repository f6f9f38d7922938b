"""A folder to make lectures in, whose clips are drawn in no time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from diffrender.jobs.run import children

TOYS = Path(__file__).parent / "toys"
SCENE = '''"""A toy."""
from manim import Scene

from diffrender.animation import SceneOptions


class ToyScene(Scene):
    """A toy."""

    class Options(SceneOptions):
        """What tests/toys/worker.py does, and what cards say."""

        seconds: float = 0.0
        frames: int = 6
        grey: int = 40
        size: int = 0
        part: int = 0
        parts: int = 0
        until: str = ""
        die: str = ""
        fail: str = ""
        crash: str = ""
        title: str = ""
        text: str = ""
'''

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # a shell ignores Ctrl-C for what it starts in the background, and so would all that tests start and interrupt
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def toy_worker(monkeypatch):
    """Clips are drawn by tests/toys/worker.py: real processes, real videos, no Manim."""
    monkeypatch.setattr(children, "COMMAND", [sys.executable, str(TOYS / "worker.py")])


@pytest.fixture
def lecture_hall(tmp_path, monkeypatch, toy_worker):
    """The working directory: scenes/toy.py, and `write(yaml)` for its lecture.yaml."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scenes").mkdir()
    for name in ("toy", "card"):
        (tmp_path / f"scenes/{name}.py").write_text(SCENE)
    return tmp_path


@pytest.fixture
def program(lecture_hall):
    """Start the program with the quick worker in the lecture hall; a Popen with text pipes."""
    started = []

    def start(*arguments: str, **more) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, str(TOYS / "cli.py"), *arguments],
            cwd=lecture_hall,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            **more,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
