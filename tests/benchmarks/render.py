"""The rendering engine against the alternatives: `python tests/benchmarks/render.py [--quick] [--json FILE]`.

`… render.py figures --only decide --only tilt` is a piece of it.

Everything at 1920×1080 in one run; what is compared is run turn and turn about, several times. Drawing is compared by
the CPU time of the usual (median) frame, what is encoded by wall-clock time, each the best of its rounds: other work on
the machine can only make a round slower. Where wall-clock time counts, the ratio by CPU time stands beside it. Prints a
table and writes JSON.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import numpy as np
import psutil

HERE = Path(__file__).parent
CASES = HERE / "render_cases.py"
MOVING = """
import numpy as np
from manim import Scene
from diffrender.animation.animations import PlayTrajectory
from diffrender.animation.mobjects.plane.cloud import PointCloud
from diffrender.animation.timeline import linear
class Moving(Scene):
    def construct(self):
        x = np.load({recording!r}, mmap_mode="r")
        cloud = PointCloud((-7, 7, -4, 4), (-7, 7, -4, 4), x[0], color="#58C4DD", radius=0.02).follow(x)
        self.play(PlayTrajectory(cloud, timeline=linear(120, interpolate=True), run_time={seconds}))
"""


def case(which: str, **arguments) -> dict:
    """One case in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(HERE.parents[1])}
    command = [sys.executable, str(CASES), which, json.dumps(arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise SystemExit(f"{which} {arguments}\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


class Table:
    """Rows of what was measured, against what is asked for."""

    def __init__(self) -> None:
        self.rows: list[dict] = []

    def add(self, what: str, value: float, unit: str, wanted: str = "", holds: bool | None = None, **more) -> None:
        """One row, printed at once."""
        self.rows.append({"what": what, "value": value, "unit": unit, "wanted": wanted, "holds": holds, **more})
        mark = {None: "", True: "holds", False: "MISSED"}[holds]
        print(f"{what:66s} {value:10.3f} {unit:10s} {wanted:12s} {mark}", flush=True)

    def at_least(self, what: str, value: float, unit: str, limit: float, **more) -> None:
        """A row that must not be lower."""
        self.add(what, value, unit, f"≥ {limit:g}", value >= limit, **more)

    def at_most(self, what: str, value: float, unit: str, limit: float, **more) -> None:
        """A row that must not be higher."""
        self.add(what, value, unit, f"≤ {limit:g}", value <= limit, **more)


def best(key: str, *cases: tuple[str, dict], rounds: int = 3) -> list[float]:
    """The least `key` of each case, run turn and turn about."""
    runs = [[case(which, **arguments)[key] for which, arguments in cases] for _ in range(rounds)]
    return [min(each) for each in zip(*runs, strict=True)]


def drawing(table: Table, quick: bool) -> None:
    """Points, arrows and trails without encoding, by CPU milliseconds a frame."""
    n, rounds = 10_000, 1 if quick else 3
    ways = [(artist, blit) for artist in ("plot", "scatter") for blit in (False, True)]
    ours, pmobject, *plots = best(
        "median_cpu_ms",
        ("draw", {"name": "cloud", "n": n, "frames": 60}),
        ("stock", {"name": "pmobject", "n": n, "frames": 20}),
        *(("matplotlib", {"n": n, "frames": 20, "artist": artist, "blit": blit}) for artist, blit in ways),
        rounds=rounds,
    )
    table.add("10,000 points, our cloud", ours, "ms")
    dots = case("stock", name="dots", n=n, frames=3)["cpu_ms"]
    table.at_least("10,000 points, VGroup of Dots", dots / ours, "× ours", 150, ms=dots)
    table.at_least("10,000 points, PMobject", pmobject / ours, "× ours", 4, ms=pmobject)
    fastest = min(plots)
    artist, blit = ways[plots.index(fastest)]
    way = f"{artist}{', blitted' if blit else ''}"
    table.at_least(f"10,000 points, matplotlib's fastest ({way})", fastest / ours, "× ours", 3,
                   ms={str(way): ms for way, ms in zip(ways, plots, strict=True)})  # fmt: skip
    few = min(rounds, 2)
    field, arrows = best(
        "median_cpu_ms",
        ("draw", {"name": "field", "n": 0, "frames": 40}),
        ("stock", {"name": "arrow_vector_field", "n": 0, "frames": 4}),
        rounds=few,
    )
    table.at_least("600 arrows, ArrowVectorField", arrows / field, "× ours", 100, ours=field, other=arrows)
    trails, paths = best(
        "median_cpu_ms",
        ("draw", {"name": "trails", "n": 200, "frames": 60}),
        ("stock", {"name": "traced_paths", "n": 200, "frames": 6}),
        rounds=few,
    )
    table.at_least("200 trails × 200 segments, TracedPath", paths / trails, "× ours", 50, ours=trails, other=paths)
    counts = [1_000, 3_000, 10_000, 30_000, 100_000]
    costs = best("median_cpu_ms", *(("draw", {"name": "cloud", "n": k, "frames": 20}) for k in counts), rounds=rounds)
    slope, fixed = np.polyfit(counts, costs, 1, w=1 / np.array(costs))
    off = float(np.max(np.abs(np.polyval([slope, fixed], counts) / costs - 1)))
    table.at_most("cost of a frame is linear, 1k to 100k points: largest misfit", off, "of a frame", 0.25,
                  fixed_ms=fixed, us_per_point=1e3 * slope, costs_ms=dict(zip(counts, costs, strict=True)))  # fmt: skip
    print(f"    fit: {fixed:.2f} ms + {1e3 * slope:.3f} µs a point; measured {[round(c, 1) for c in costs]} ms")
    table.at_least("likeness to a VGroup of Dots", case("likeness", n=1000 if quick else n)["psnr"], "dB PSNR", 45)
    table.at_most("a frame of a bound cloud that nobody wants", case("skipped", n=n)["ms"], "ms", 0.5)


def encoding(table: Table, quick: bool) -> None:
    """With encoding: matplotlib at the same settings, and the share of the encoder's own speed that a scene reaches."""
    for n, limit in ((10_000, 1.2), (100_000, 1.8)):
        frames = 30 if quick else 60
        cases = [("draw", {"name": "cloud", "n": n, "frames": frames, "preset": "medium"})]
        for artist in ("plot", "scatter"):
            cases.append(("matplotlib", {"n": n, "frames": frames, "artist": artist, "preset": "medium"}))
        runs = [[case(which, **arguments) for which, arguments in cases] for _ in range(1 if quick else 3)]
        ours, *others = (
            {key: min(r[key] for r in each) for key in ("ms", "cpu_ms")} for each in zip(*runs, strict=True)
        )
        other = {key: min(o[key] for o in others) for key in ("ms", "cpu_ms")}
        what = f"{n:,} points encoded at medium, matplotlib's faster"
        table.at_least(what, other["ms"] / ours["ms"], "× ours", limit, ours=ours, other=other)
        table.add(f"{what}: CPU time", other["cpu_ms"] / ours["cpu_ms"], "× ours")
    for n, preset, limit in ((10_000, "medium", 0.9), (10_000, "superfast", 0.8), (100_000, "superfast", None)):
        got = case("denoise", n=n, frames=40 if quick else 120, preset=preset, profile=limit is None)
        what = f"denoise, {n:,} points, {preset}: part of the encoder's own speed"
        if limit is None:
            table.add(what, got["part"], "", **got)
            for name, ms in got["profile"]:
                print(f"    {ms:9.1f} ms  {name}")
        else:
            table.at_least(what, got["part"], "", limit, **got)
        table.add(f"{what}: CPU time", got["cpu_part"], "")
        print(f"    {1e3 / got['scene']['ms']:.1f} of {1e3 / got['encoder']['ms']:.1f} frames/s; "
              f"drawing alone {got['drawing']['cpu_ms']:.1f} ms of CPU time a frame")  # fmt: skip


# ---- whole renders ---------------------------------------------------------------------------------------------------
class Watch(threading.Thread):
    """Notes how much anonymous memory (RssAnon, in kB) this process and those that draw for it hold at most."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak, self.over = 0, False

    def run(self) -> None:
        """Look again and again until it is over, often enough to see the peak of every encoder session."""
        while not self.over:
            total = 0
            for process in [psutil.Process(), *psutil.Process().children()]:
                try:
                    status = Path(f"/proc/{process.pid}/status").read_text()
                    total += int(status.split("RssAnon:")[1].split()[0])
                except (psutil.Error, OSError, IndexError):
                    continue
            self.peak = max(self.peak, total)
            time.sleep(0.02)


@contextmanager
def a_core_each():
    """Processes that are started to draw are held to one core each, in turn."""
    from diffrender.video.drawing import pool

    cores = itertools.cycle(sorted(os.sched_getaffinity(0)))

    class Held(pool.Worker):
        def __init__(self, *arguments) -> None:
            super().__init__(*arguments)
            os.sched_setaffinity(self.process.process.pid, {next(cores)})  # before it has threads, which inherit it

    with mock.patch.object(pool, "Worker", Held):
        yield


def rendered(folder: Path, seconds: float, points: int, **more):
    """A whole render of a moving cloud, recorded beforehand."""
    from diffrender.video.render import render
    from diffrender.video.spec import RenderSpec

    base = np.random.default_rng(0).normal(0, 1.5, (points, 2))
    np.save(folder / "x.npy", np.float32([base + 0.3 * np.sin(k / 8 + base[:, ::-1]) for k in range(121)]))
    scene = folder / "moving.py"
    scene.write_text(MOVING.format(recording=str(folder / "x.npy"), seconds=seconds))
    spec = {"scene": scene, "scene_class": "Moving", "out": folder / "a.mp4", "width": 1920, "height": 1080, **more}
    return render(RenderSpec.of(**spec))


def workers(table: Table, quick: bool) -> None:
    """Two processes on a core each against one on one.

    Each is measured right after a short run like it: on a virtual machine, memory that was not in use until then must
    first be found by the host, and its time for that counts as the process' own (a third of a second of nine).
    """
    seconds = 8 if quick else 20

    def render(count: int, encode: str, folder: Path):
        rendered(folder, 4, 10_000, workers=count, encode=encode)
        return rendered(folder, seconds, 10_000, workers=count, encode=encode)

    for encode, rounds in (("fast", 5), ("small", 3)):  # the shorter, the more it is disturbed
        with tempfile.TemporaryDirectory() as folder, a_core_each():
            runs = [[render(count, encode, Path(folder)) for count in (1, 2)] for _ in range(1 if quick else rounds)]
        one, two = (min(each, key=lambda r: max(r.cpu_seconds)) for each in zip(*runs, strict=True))
        ratio = one.cpu_seconds[0] / max(two.cpu_seconds)
        what = f"two workers, {one.frames} frames, --encode {encode}"
        table.at_least(
            f"{what}: CPU time of the slower", ratio, "× less", 1.8, one=one.cpu_seconds, two=two.cpu_seconds
        )
        table.add(f"{what}: wall-clock time", one.seconds / two.seconds, "× less", one=one.seconds, two=two.seconds)


def memory(table: Table, quick: bool) -> None:
    """Anonymous memory of all processes at its highest, of a long clip against a short one.

    How the threads of an encoder happen to meet decides a few per cent of it, so the short clip is made three times.
    """

    def peak(seconds: float, folder: Path) -> float:
        watch = Watch()
        watch.start()
        rendered(folder, seconds, 1_000, fps=5)
        watch.over = True
        watch.join()
        return watch.peak / 1024

    with tempfile.TemporaryDirectory() as folder:
        short = [peak(10, Path(folder)) for _ in range(3)]
        long = peak(60 if quick else 600, Path(folder))
    table.at_most("memory of a 10-minute clip against a 10-second one", long / max(short), "×", 1.1, mb=[short, long])
    print(f"    {', '.join(f'{mb:.0f}' for mb in short)} MB and {long:.0f} MB")


EXACT = {"model.kind": "exact", "sampler.steps": 40, "record.target_points": 1500}
CHAIN = {"sampler.steps": 3000, "record.target_points": 0}
FIGURES = {  # scene, config, points that are shown at once, overrides, options
    "step": ("step", "spiral", 3000, EXACT, {}),
    "ribbon": ("ribbon", "three_peaks", 4000, {}, {}),
    "race": ("race", "spiral", 16_000, EXACT | {"sampler.chains": 4000}, {"samplers": "ddim,heun,ddpm,dpmpp_2m"}),
    "compare": ("compare", "spiral", 4000, {"sampler.chains": 1000, "sampler.steps": 40, "training.steps": 200}, {}),
    "guidance": ("guidance", "digits", 2560, {"model.kind": "exact", "model.conditional": True}, {}),  # 40 × 8 × 8
    "tilt": ("tilt", "three_modes", 12_000, {}, {}),
    "flow": ("flow", "spiral", 12_000, EXACT | {"sampler.chains": 3000, "record.budgets": [4, 8, 16]}, {}),
    "fan": ("fan", "spiral", 2000, EXACT, {}),
    "decide": ("decide", "two_modes", 2000, {}, {}),
    "likelihood": ("likelihood", "two_modes", 3721, {}, {}),
    **{f"langevin, {kind}": ("langevin", "langevin", 1200, CHAIN | {"sampler.kind": kind}, {})
       for kind in ("ula", "mala", "underdamped", "hmc")},
    **{f"langevin, {kind}, zoom": ("langevin", "langevin", 1200, CHAIN | {"sampler.kind": kind}, {"acts": "zoom"})
       for kind in ("mala", "underdamped", "hmc")},
    "langevin, annealed": ("langevin", "langevin", 1200, {"sampler.kind": "annealed"}, {}),
    "langevin, in space": ("langevin", "tetrahedron", 1200, {"sampler.steps": 400}, {}),
}  # fmt: skip


def figures(table: Table, quick: bool) -> None:
    """A frame of each figure of the field against one of denoise that shows as many points, by CPU time."""
    with tempfile.TemporaryDirectory() as folder:
        for name, (scene, config, points, overrides, options) in FIGURES.items():
            few = {"sampler.kind": "ddim", "sampler.chains": points, "record.keep": []} | EXACT
            plain = {"scene": "denoise", "config": "spiral", "folder": f"{folder}/{name}/denoise", "overrides": few,
                     "options": {"hero": False, "slow_steps": 0}}  # fmt: skip
            mine = {"scene": scene, "config": config, "folder": f"{folder}/{name}", "overrides": overrides,
                    "options": options}  # fmt: skip
            cases = ("figure", plain), ("figure", mine)
            usual, ours = best("median_cpu_ms", *cases, rounds=1 if quick else 3)
            table.at_most(
                f"a frame of {name}, {points:,} points", ours / usual, "× denoise", 3, ms=ours, denoise_ms=usual
            )


PARTS = {f.__name__: f for f in (drawing, encoding, workers, memory, figures)}


def main() -> int:
    """Run all parts or those named; 1 if something does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all if none is named")
    parser.add_argument("--only", action="append", choices=FIGURES, metavar="FIGURE", help="of figures these alone")
    parser.add_argument("--quick", action="store_true", help="fewer frames, the same cases")
    parser.add_argument("--json", type=Path, default=Path("render-benchmark.json"))
    arguments = parser.parse_args()
    for name in set(FIGURES) - set(arguments.only or FIGURES):
        del FIGURES[name]
    table = Table()
    for name in arguments.parts or PARTS:
        PARTS[name](table, arguments.quick)
    machine = {"cpus": os.cpu_count(), "load": os.getloadavg(), "python": sys.version.split()[0]}
    arguments.json.write_text(json.dumps({"machine": machine, "rows": table.rows}, indent=1, default=float))
    return int(any(row["holds"] is False for row in table.rows))


if __name__ == "__main__":
    sys.exit(main())
