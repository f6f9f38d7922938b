"""What a batch costs beyond its jobs, and what a second worker gains.

    python tests/benchmarks/batch.py [--jobs 100] [--seconds 1] [--json FILE]

The jobs of the overhead are processes that sleep. The bare time is that of the same processes started by a few lines,
as many at a time, while the batch runs beside them: so both are disturbed alike by whatever else the machine does. The
clips of the gain are drawn by Manim at 720p, with one core for each worker; for this nothing else should run.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from diffrender.jobs.job import Job
from diffrender.jobs.plan.clip import render_job
from diffrender.jobs.run import children, local
from diffrender.video.spec import RenderSpec

TOYS = Path(__file__).parents[1] / "toys"
CHILD_COMMAND = [sys.executable, str(TOYS / "worker.py")]
SCENE = '''"""A clip."""
from manim import *


class ClipScene(Scene):
    """Squares turn."""

    def construct(self):
        squares = VGroup(*[Square(0.1 + 0.15 * i) for i in range(20)])
        self.play(*(Rotate(square, {turn} * i) for i, square in enumerate(squares)), run_time=4)
'''


Start = Callable[[], object]


def timed(do: Callable[[], object], ready: Start = lambda: None) -> float:
    """Seconds of wall time, from when everybody is ready."""
    ready()
    start = time.monotonic()
    do()
    return time.monotonic() - start


def beside(*tasks: Callable[[Start], float]) -> list[float]:
    """Each task's own seconds, all from the same moment: whatever else the machine does, it does to all of them."""
    start = threading.Barrier(len(tasks))
    with ThreadPoolExecutor(len(tasks)) as pool:
        return [future.result() for future in [pool.submit(task, start.wait) for task in tasks]]


def sleeping(folder: Path, count: int, seconds: float) -> list[Job]:
    """Jobs that take so long, and write a small video each."""
    scene = folder / "scene.py"
    scene.write_text("# nothing\n")
    jobs = []
    for i in range(count):
        out, options = folder / f"out/{i}.mp4", {"seconds": seconds, "frames": 2}
        spec = RenderSpec.of(scene=scene, scene_class="X", options=options, out=out, width=64, height=36, fps=10)
        jobs.append(render_job("scene", spec, [], f"job {i}"))
    return jobs


def bare(jobs: list[Job], workers: int, ready: Start) -> float:
    """The same processes, with nothing around them."""

    environment = {**os.environ, **{f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "NUMBA")}}

    def one(job: Job) -> None:
        none = subprocess.DEVNULL
        process = subprocess.Popen(
            CHILD_COMMAND,
            stdin=subprocess.PIPE,
            stdout=none,
            stderr=none,
            env=environment,
            start_new_session=True,  # as ours have: Linux shares processors between sessions
        )
        process.stdin.write(json.dumps(job.as_dict()).encode() + b"\n")
        process.stdin.flush()
        process.wait()

    with ThreadPoolExecutor(workers) as pool:
        return timed(lambda: list(pool.map(one, jobs)), ready)


def run_locally(jobs: list[Job], workers: int, ready: Start) -> float:
    """By the local executor."""
    children.COMMAND = CHILD_COMMAND
    return timed(lambda: local.run(jobs, workers=workers), ready)


def program(folder: Path, count: int, seconds: float, workers: int, ready: Start) -> float:
    """By `diffrender batch`, from the start of the program to its end: reading, planning, the page, the table."""
    (folder / "scenes").mkdir()
    keys = "seconds: float = 0", "frames: int = 6", "grey: int = 40"
    options = "    class Options(SceneOptions):\n" + "".join(f"        {key}\n" for key in keys)
    (folder / "scenes/toy.py").write_text(f'"""A toy."""\nclass ToyScene(Scene):\n    """A toy."""\n{options}')
    head = "title: T\ndefaults: {quality: l, fps: 10}\noutputs: {film: false, posters: false, contact_sheet: false}\n"
    entries = [f"  - {{scene: toy, options: {{seconds: {seconds}, frames: 2, grey: {i}}}}}\n" for i in range(count)]
    (folder / "talk.yaml").write_text(head + "entries:\n" + "".join(entries))
    command = [sys.executable, str(TOYS / "cli.py"), "batch", "talk.yaml", "-w", str(workers)]
    return timed(lambda: subprocess.run(command, cwd=folder, check=True, capture_output=True), ready)


def dask(folder: Path, jobs: list[Job], workers: int, ready: Start) -> float:
    """By a scheduler and single-threaded workers on this machine."""
    from diffrender.jobs.cluster.dask import DaskCluster

    environment = {**os.environ, "TOY_WORKER": CHILD_COMMAND[1]}
    file, processes = folder / "scheduler.json", []

    def start(*arguments: str) -> None:
        command = [sys.executable, "-m", "dask", *arguments, "--no-dashboard"]
        log = subprocess.DEVNULL
        processes.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder))

    start("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file))
    while not (file.exists() and file.read_text()):
        time.sleep(0.1)
    address = json.loads(file.read_text())["address"]
    try:
        for _ in range(workers):
            start("worker", address, "--no-nanny", "--nthreads", "1", "--preload", str(TOYS / "preload.py"))
        with DaskCluster(address, print) as cluster:
            while len(cluster._workers()) < workers:
                time.sleep(0.1)
            local.run(jobs[:workers], cluster=cluster)  # what is imported once on each worker
            return timed(lambda: local.run(jobs, cluster=cluster), ready)
    finally:
        for process in processes:
            process.kill()
            process.wait()


def gain(folder: Path, clips: int = 8) -> tuple[float, float]:
    """(seconds with one worker on one core, with two on two)."""
    (folder / "scenes").mkdir()
    for i in range(clips):
        (folder / f"scenes/clip{i}.py").write_text(SCENE.format(turn=0.3 + 0.01 * i))
    head = "title: T\ndefaults: {quality: m}\noutputs: {film: false, posters: false, contact_sheet: false}\n"
    (folder / "talk.yaml").write_text(head + "entries:\n" + "".join(f"  - {{scene: clip{i}}}\n" for i in range(clips)))
    cores = sorted(os.sched_getaffinity(0))
    took = []
    for workers in (1, 2):
        shutil.rmtree(folder / "outputs", ignore_errors=True)
        command = [sys.executable, "-m", "diffrender.cli.app", "batch", "talk.yaml", "-w", str(workers)]
        if workers == 1:
            command = ["taskset", "-c", str(cores[0]), *command]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        took.append(timed(lambda c=command, e=environment: subprocess.run(
            c, cwd=folder, env=e, check=True, capture_output=True)))  # fmt: skip
    return took[0], took[1]


def main() -> None:
    """Measure, print, write JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", choices=["overhead", "gain"])
    parser.add_argument("--json", type=Path)
    wish = parser.parse_args()
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name in "abcdef":
            (folder / name).mkdir()
        if wish.only != "gain":
            count, seconds, n = wish.jobs, wish.seconds, wish.workers
            jobs = {name: sleeping(folder / name, count, seconds) for name in ("a", "b", "c")}
            for name, do in (
                ("executor", lambda ready: run_locally(jobs["a"], n, ready)),
                ("diffrender batch", lambda ready: program(folder / "d", count, seconds, n, ready)),
                ("dask", lambda ready: dask(folder / "e", jobs["b"], n, ready)),
            ):
                ours, theirs = beside(do, lambda ready: bare(jobs["c"], n, ready))
                found |= {name: ours, f"bare beside {name}": theirs}
                print(f"{name:18} {ours:7.2f} s, bare {theirs:7.2f} s: {100 * (ours / theirs - 1):+.2f} %", flush=True)
        if wish.only != "overhead":
            one, two = gain(folder / "f")
            found |= {"one worker": one, "two workers": two}
            print(
                f"8 clips at 720p: one worker on one core {one:.1f} s, two on two {two:.1f} s: {one / two:.2f} × sooner"
            )
    if wish.json:
        wish.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
