"""Jobs on Slurm; submitit's executor for this machine, which has the same interface, stands for it."""

import json
import sys
import threading
import time
from pathlib import Path

import pytest

from diffrender.core.errors import MissingToolError, UsageError, WorkerDiedError
from diffrender.jobs.cluster import at, slurm
from diffrender.jobs.run import local
from diffrender.jobs.run.children import Children, Interrupt

from .toy_clip import toy

submitit = pytest.importorskip("submitit")
TOYS = Path(__file__).parents[1] / "toys"
TOY = (sys.executable, str(TOYS / "worker.py"))


class Executor(submitit.LocalExecutor):
    """submitit's local one; keeps the arrays."""

    def __init__(self, folder):
        super().__init__(folder)
        self.arrays = []

    def submit_array(self, works):
        self.arrays.append(super().submit_array(works))
        return self.arrays[-1]


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(TOYS.parents[1]))
    executor = Executor(tmp_path / "slurm")
    executor.update_parameters(timeout_min=5)
    with slurm.SlurmCluster(
        "slurm:normal", print, tmp_path / "slurm", executor=executor, command=TOY, look_seconds=0.2
    ) as made:
        yield made


def test_jobs_are_done_in_place_as_one_array(tmp_path, cluster):
    jobs = [toy(tmp_path, "a", seconds=0.6), toy(tmp_path, "b", frames=3), toy(tmp_path, "bad", fail="No.")]
    events = []
    outcomes = local.run(
        jobs, cluster=cluster, fail_fast=False, logs=tmp_path / "logs", on_event=lambda j, e: events.append((j.name, e))
    )
    assert [o.status for o in outcomes] == ["done", "done", "failed"]
    assert str(outcomes[2].error) == "bad cannot be drawn.\nNo."
    assert "drawing bad" in outcomes[2].log.read_text()
    assert outcomes[1].figures == {"frames": 3}
    assert any(name == "a" and e["event"] == "progress" for name, e in events)
    assert [len(array) for array in cluster.executor.arrays] == [3]
    there = [job.out.read_bytes() for job in jobs[:2]]
    local.run(jobs[:2], children=Children(command=TOY))
    assert [job.out.read_bytes() for job in jobs[:2]] == there
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["a.mp4", "b.mp4"]
    assert not list((tmp_path / "slurm").glob("*.events"))


def test_an_interrupt_cancels(tmp_path, cluster):
    interrupt, begun = Interrupt(), time.monotonic()
    job = toy(tmp_path, "long", seconds=60)
    with pytest.raises(KeyboardInterrupt):
        cluster.do(job, lambda j, e: interrupt() if e["event"] == "progress" else None, interrupt, None)
    assert time.monotonic() - begun < 40
    assert not job.out.exists()


def test_a_job_whose_node_dies_is_lost_and_said(tmp_path, cluster):
    def kill(job, event):
        if event["event"] == "progress":
            cluster.executor.arrays[0][0]._process.kill()

    with pytest.raises(WorkerDiedError, match=r"long: Slurm's job .* was lost"):
        cluster.do(toy(tmp_path, "long", seconds=60), kill, Interrupt(), None)


def test_a_node_that_is_taken_back_saves_and_goes_on(tmp_path):
    """What submitit does then: it asks for the checkpoint in the middle of the work, and calls what it gets, later."""
    job = toy(tmp_path, "long", seconds=30, until=str(tmp_path / "go"))
    work = slurm.OnNode(job.as_dict(), tmp_path / "events", 1, None, TOY)
    asked = []

    def on_signal():
        while not (tmp_path / "events").exists() or not (tmp_path / "events").read_text():
            time.sleep(0.05)
        asked.append(work.checkpoint())

    thread = threading.Thread(target=on_signal)
    thread.start()
    ended = work()
    thread.join()
    assert ended["event"] == "error"
    assert not job.out.exists()
    (tmp_path / "go").touch()
    (again,) = asked
    assert again.function()["event"] == "done"
    assert job.out.is_file()
    lines = [json.loads(line) for line in (tmp_path / "events").read_text().splitlines()]
    assert {line["event"] for line in lines} == {"progress"}


def test_what_a_job_says_at_its_end_is_told(tmp_path, cluster):
    cluster.look_seconds = 4.0  # it is over before the second look
    events = []
    local.run([toy(tmp_path, "a")], cluster=cluster, on_event=lambda j, e: events.append(e))
    assert [e["event"] for e in events].count("progress") > 0


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("slurm:", "no partition"),
        ("slurm:gpu,hours=3", "unknown setting 'hours'"),
        ("slurm:gpu,time=long", "'long' is no time"),
        ("slurm:gpu,cpus=-2", "'-2' is no cpus"),
        ("slurm:gpu,memory=nan", "'nan' is no memory"),
    ],
)
def test_wrong_addresses_are_refused(address, said):
    with pytest.raises(UsageError, match=said):
        slurm.parameters(address)


def test_settings_are_submitits():
    found = slurm.parameters("slurm:gpu,time=60,gpus=1,account=me")
    wanted = {"slurm_partition": "gpu", "timeout_min": 60, "gpus_per_node": 1, "slurm_account": "me"}
    assert wanted.items() <= found.items()
    executor = submitit.AutoExecutor("x", cluster="debug")
    assert {key for key in found if not key.startswith("slurm_")} <= set(executor._valid_parameters())


def test_without_slurm_it_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(MissingToolError, match="no sbatch is on PATH"):
        at.cluster_at("slurm:normal", print, tmp_path)
