"""Commands that are killed: python tests/faults/kills.py [--kills 200] [--seed 0] [--work batch]

A command is started in an empty folder; after a random time SIGKILL hits it, or one of the processes it started, or of
the Dask cluster that works for it a worker, all workers or the scheduler (others come some seconds later), chosen at
random. It is started and killed a few times over, and then left alone. Right is: no output under its final name that is
not whole, the cluster's losses are overcome by the same run, the last run goes through, the outputs are equal by bytes
to those of a run on this machine that was never killed, and no process, lock, part or temporary folder is left.
Everything else is a fault, which is listed and kept.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import random
import re
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from diffrender.core.files import file_digest

KILLS_A_TRIAL = 3
WAIT_SECONDS = 600.0  # for a command that is left alone, on a machine that is busy
ORPHAN_SECONDS = 40.0  # what processes get to see that the command they work for is gone
LEFT_OUT = re.compile(r"/\.|/logs/")  # hidden files, and logs, which a run that goes well removes
PROBE = re.compile(r"[a-z0-9_]{8}")  # a name that Python's tempfile tries, without a prefix
PROGRAM = (sys.executable, "-m", "diffrender")
CONFIG = """target: {kind: circle}
model: {kind: exact}
sampler: {steps: 12, chains: 40}
training: {steps: 120, snapshots: 4, snapshot_chains: 40, data_size: 500}
"""
LECTURE = """title: Killed
defaults: {quality: l, fps: 5}
outputs: {posters: false, contact_sheet: false}
entries:
  - {card: One, seconds: 1}
  - {card: Two, seconds: 1}
"""
TRAVELS = """title: Killed far away
defaults: {quality: l, fps: 5}
outputs: {posters: false, contact_sheet: false}
entries:
  - {card: One, seconds: 1}
  - {scene: denoise, config: c.yaml, set: {model.kind: mlp}, options: {duration: 1}}
"""
HITS = ("command", "worker", "all workers", "scheduler")
AWAY_SECONDS = 3.0  # at most, until what is gone of a cluster is there again


@dataclass(frozen=True)
class Work:
    """A command that is killed. outputs: patterns of what it makes. before: a command run first, and not killed.

    undo: patterns of what `before` made that the command shall make again. cluster: it works on a Dask cluster.
    """

    command: Sequence[str]
    outputs: Sequence[str]
    before: Sequence[str] = ()
    cluster: bool = False
    undo: Sequence[str] = ()


RENDER = ("render", "denoise", "--config", "c.yaml", "-q", "l", "--fps", "2", "-O", "duration=1", "--workers", "2")
WORKS = {
    "train": Work(("train", "c.yaml", "--set", "model.kind=mlp"), ("outputs/*/*.safetensors", "outputs/*/*.npz")),
    "sample": Work(("sample", "c.yaml", "-o", "run.npz"), ("run.npz",)),
    "render": Work((*RENDER, "--out", "a.mp4"), ("a.mp4",), before=("sample", "c.yaml")),
    "batch": Work(("batch", "talk.yaml", "--workers", "2"), ("outputs/lectures/talk/**/*",)),
    "join": Work(
        ("batch", "talk.yaml"),
        ("outputs/lectures/talk/**/*",),
        before=("batch", "talk.yaml"),
        undo=("outputs/lectures/talk/*.*",),
    ),
    "cluster": Work(("batch", "far.yaml"), ("outputs/lectures/far/**/*", "outputs/*/*.npz"), cluster=True),
}


@dataclass
class Trial:
    """What came of one folder. seconds: those of a run that ended before it was killed."""

    seconds: float = math.inf
    kills: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


class Cluster:
    """A Dask scheduler and two workers in processes of their own; what is killed of it can be replaced."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.made = folder, 0
        folder.mkdir(parents=True)
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.port = server.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.workers: list[psutil.Popen] = []
        self.scheduler: psutil.Popen | None = None
        self.mend()

    def _start(self, *arguments: str) -> psutil.Popen:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "TMPDIR": str(self.folder)}
        with (self.folder / "log").open("ab") as log:
            command = [sys.executable, "-m", "dask", *arguments, "--no-dashboard"]
            return psutil.Popen(command, cwd=self.folder, env=environment, stdout=log, stderr=log)

    def mend(self) -> None:
        """A scheduler and two workers again: those of a scheduler that is gone go with it, as with its machine."""
        if self.scheduler is None or self.scheduler.poll() is not None:
            for worker in self.workers:  # by themselves they end when Dask finds out, which may be much later
                worker.kill()
            all_gone(self.workers)
            self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", str(self.port))
            self._await_scheduler()
        self.workers = [w for w in self.workers if w.poll() is None]
        while len(self.workers) < 2:
            self.made += 1
            place = ("--name", str(self.made), "--local-directory", str(self.folder))  # of dead ones Dask clears it
            self.workers.append(self._start("worker", self.address, "--no-nanny", "--nthreads", "1", *place))

    def _await_scheduler(self) -> None:
        """Wait until it listens."""
        end = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < end:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.1)
        raise RuntimeError(f"the scheduler does not listen: {tail(self.folder)}")

    def left(self) -> list[str]:
        """Folders of jobs that stay on workers for longer than orphans do: a new worker clears those of a dead one."""
        end = time.monotonic() + ORPHAN_SECONDS
        while found := [path.name for path in self.folder.glob("dask-scratch-space/*/diffrender-*")]:
            if time.monotonic() > end:
                break
            time.sleep(0.2)
        return found

    def close(self) -> None:
        """End it."""
        for process in [*self.workers, *filter(None, [self.scheduler])]:
            process.kill()
            process.wait()


# ---- running and killing ---------------------------------------------------------------------------------------------
def start(work: Sequence[str], folder: Path) -> psutil.Popen:
    """The program with these arguments in a folder that is also its place for temporary files."""
    (folder / "tmp").mkdir(exist_ok=True)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TMPDIR": str(folder / "tmp")}
    environment["TORCHINDUCTOR_CACHE_DIR"] = tempfile.gettempdir()  # torch's own, which is meant to stay
    log = (folder / "log").open("ab")
    return psutil.Popen([*PROGRAM, *work], cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)


def finish(work: Sequence[str], folder: Path) -> float:
    """Run a command to its end; the seconds it took. RuntimeError if it fails."""
    begun = time.monotonic()
    process = start(work, folder)
    if process.wait(WAIT_SECONDS):
        raise RuntimeError(f"{' '.join(work)}: exit code {process.returncode}: {tail(folder)}")
    return time.monotonic() - begun


def children(process: psutil.Popen) -> list[psutil.Process]:
    """The processes that work for a command, here."""
    try:
        return list(process.children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def kill_some(process: psutil.Popen, below: Sequence[psutil.Process], cluster: Cluster | None, r: random.Random) -> str:
    """SIGKILL for the command or for some of those who work for it; says for whom (HITS), or "nobody"."""
    if process.poll() is not None:
        return "nobody"
    found: dict[str, Sequence[psutil.Process]] = {"command": [process]}
    if workers := [*below, *(cluster.workers if cluster else [])]:
        found["worker"] = [r.choice(workers)]
    if cluster:
        found |= {"all workers": cluster.workers, "scheduler": [cluster.scheduler]}
    hit = r.choice(list(found))
    try:
        for victim in found[hit]:
            victim.send_signal(signal.SIGKILL)
    except psutil.NoSuchProcess:
        return "nobody"
    return hit


def all_gone(processes: Sequence[psutil.Process]) -> bool:
    """Whether processes end by themselves in the time that orphans get."""
    _, alive = psutil.wait_procs(processes, timeout=ORPHAN_SECONDS)
    alive = [p for p in alive if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
    for process in alive:
        process.kill()
    return not alive


# ---- what is left ----------------------------------------------------------------------------------------------------
def outputs(work: Work, folder: Path) -> dict[str, str]:
    """Digests of what a command has made under final names."""
    found = sorted({path for pattern in work.outputs for path in folder.glob(pattern) if path.is_file()})
    named = {path.relative_to(folder).as_posix(): path for path in found}
    return {name: file_digest(path) for name, path in named.items() if not LEFT_OUT.search(f"/{name}")}


def leftovers(folder: Path) -> list[str]:
    """Parts, working folders, resume files and temporary files."""
    hidden = [p for p in folder.rglob(".*") if p.name.endswith((".part", ".diffrender")) or ".part" in p.suffixes]
    resume = [*folder.rglob("*.resume.pt")]
    temporary = [path for path in (folder / "tmp").iterdir() if not is_probe(path)]
    return [p.relative_to(folder).as_posix() for p in [*hidden, *resume, *temporary]]


def is_probe(path: Path) -> bool:
    """Whether a kill hit Python's own `tempfile` while it tried whether files can be written here: it removes the file
    that it tries with at once."""
    return bool(PROBE.fullmatch(path.name)) and path.is_file() and path.read_bytes() in (b"", b"blat")


def tail(folder: Path) -> str:
    """The last line of a folder's log."""
    return ((folder / "log").read_text(errors="replace").strip().splitlines() or [""])[-1]


def command_of(work: Work, cluster: Cluster | None) -> Sequence[str]:
    """The command's arguments, with the cluster's address."""
    return (*work.command, "--scheduler", cluster.address) if cluster else work.command


# ---- trials ----------------------------------------------------------------------------------------------------------
def prepare(work: Work, folder: Path) -> None:
    """The folder as the command finds it; every trial begins with a copy of it."""
    folder.mkdir(parents=True)
    (folder / "c.yaml").write_text(CONFIG)
    (folder / "talk.yaml").write_text(LECTURE)
    (folder / "far.yaml").write_text(TRAVELS)
    if work.before:
        finish(work.before, folder)
        for path in [p for pattern in work.undo for p in folder.glob(pattern)]:
            path.unlink()


def trial(
    work: Work, folder: Path, whole: dict[str, str], seconds: float, r: random.Random, cluster: Cluster | None = None
) -> Trial:
    """Kill a command a few times, then let it end. whole: the digests of a run that was not killed."""
    command = command_of(work, cluster)
    done = Trial()
    for _ in range(KILLS_A_TRIAL):
        process, begun = start(command, folder), time.monotonic()
        with contextlib.suppress(psutil.TimeoutExpired):
            process.wait(r.uniform(0.02, 1.0) * seconds)
        below, there = children(process), [p for w in (cluster.workers if cluster else []) for p in children(w)]
        hit = kill_some(process, below, cluster, r)
        done.kills[hit] += 1
        if hit == "nobody":
            done.seconds = time.monotonic() - begun
        if cluster:
            time.sleep(r.uniform(0, AWAY_SECONDS))
            cluster.mend()
        try:
            if process.wait(WAIT_SECONDS) and cluster and hit != "command":
                done.faults.append(f"{hit} killed, and the command fails: {tail(folder)}")
        except psutil.TimeoutExpired:
            done.faults.append(f"hangs after a kill of {hit}")
            process.kill()
        if not all_gone([*below, *there]):
            done.faults.append("processes outlive their command")
        wrong = [name for name, digest in outputs(work, folder).items() if whole.get(name) != digest]
        done.faults += [f"not whole after a kill: {name}" for name in wrong]
        if process.returncode == 0:  # another run would find nothing to do
            break
    try:
        finish(command, folder)
    except (RuntimeError, psutil.TimeoutExpired) as error:
        done.faults.append(str(error))
    made = outputs(work, folder)
    done.faults += [f"missing or other bytes: {n}" for n in whole.keys() | made.keys() if whole.get(n) != made.get(n)]
    done.faults += [f"left: {name}" for name in [*leftovers(folder), *(cluster.left() if cluster else [])]]
    return done


def run(
    name: str, kills: int, seed: int, root: Path, say: Callable[[str], None] = print
) -> tuple[Counter[str], list[str]]:
    """Trials of one kind of work until so many kills: whom they hit, and the faults. Folders without a fault go."""
    work, r = WORKS[name], random.Random(f"{seed} {name}")
    hit: Counter[str] = Counter()
    faults: list[str] = []
    prepare(work, root / name / "begun")
    shutil.copytree(root / name / "begun", root / name / "whole")
    seconds = finish(work.command, root / name / "whole")
    whole = outputs(work, root / name / "whole")
    assert whole, f"{name} makes nothing under {work.outputs}"
    cluster = Cluster(root / name / "cluster") if work.cluster else None
    number = 0
    while sum(hit[which] for which in HITS) < kills:
        folder = root / name / f"{number:03}"
        shutil.copytree(root / name / "begun", folder)
        done = trial(work, folder, whole, seconds, r, cluster)
        hit += done.kills
        seconds = min(seconds, done.seconds)
        faults += [f"{folder}: {fault}" for fault in done.faults]
        for fault in faults[len(faults) - len(done.faults) :]:
            say(fault)
        if not done.faults:
            shutil.rmtree(folder)
        number += 1
        say(f"{name}: {sum(hit[which] for which in HITS)} kills, {len(faults)} faults")
    if cluster:
        cluster.close()
    return hit, faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=40, help="for each kind of work")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", action="append", choices=list(WORKS))
    asked = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="kills-"))
    found = {name: run(name, asked.kills, asked.seed, root) for name in asked.work or WORKS}
    columns = [*HITS, "ended first", "faults"]
    print("\nwork    ", *(column.rjust(11) for column in columns))
    for name, (hit, faults) in found.items():
        figures = [*(hit[which] for which in HITS), hit["nobody"], len(faults)]
        print(name.ljust(8), *(str(figure).rjust(11) for figure in figures))
    wrong = [fault for _, faults in found.values() for fault in faults]
    print("\n".join(wrong))
    if not wrong:
        shutil.rmtree(root)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
