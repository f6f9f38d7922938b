"""A Dask cluster under hard conditions: huge recordings, a slow network, another checkout, kills. `make check-slow`."""

import shutil
import time
from pathlib import Path

import pytest

import diffrender
from diffrender.core.errors import DiffrenderError
from diffrender.jobs.cluster import dask as dask_cluster
from diffrender.jobs.run import local
from tests.faults import kills
from tests.toys.slow_network import SlowNetwork

from .test_cluster import Machines
from .toy_clip import toy

pytest.importorskip("distributed")
pytestmark = pytest.mark.slow
HUGE = 2_200_000_000  # bytes, more than a signed 32-bit number can say
RATE = 400_000  # bytes a second


@pytest.fixture
def machines(tmp_path, toy_worker):
    folder = tmp_path / "machines"
    folder.mkdir()
    made = Machines(folder)
    yield made
    made.end()
    made.log.close()


def test_two_gigabytes_travel_both_ways(tmp_path, machines):
    machines.worker("one")
    job = toy(tmp_path, "big", grow=HUGE)
    with job.inputs["recordings/run"].open("r+b") as file:
        file.truncate(HUGE)
    with dask_cluster.DaskCluster(machines.address, print) as dask:
        machines.wait(dask, 1)
        (outcome,) = local.run([job], cluster=dask)
    assert outcome.status == "done"
    assert job.out.stat().st_size == HUGE
    with job.out.open("rb") as file:
        assert b"ftyp" in file.read(16)


def test_a_slow_network_takes_its_time_and_changes_nothing(tmp_path, machines):
    host, _, port = machines.address.removeprefix("tcp://").rpartition(":")
    network = SlowNetwork((host, int(port)), RATE)
    machines.worker("one")
    job = toy(tmp_path, "a", grow=5 * RATE)
    job.inputs["recordings/run"].write_bytes(bytes(5 * RATE))
    with dask_cluster.DaskCluster(f"tcp://127.0.0.1:{network.port}", print) as dask:
        machines.wait(dask, 1)
        begun = time.monotonic()
        assert [o.status for o in local.run([job], cluster=dask)] == ["done"]
        assert time.monotonic() - begun > 9, "the control: it was slow"
    assert network.passed > 10 * RATE
    there = job.out.read_bytes()
    local.run([job])
    assert job.out.read_bytes() == there
    network.close()


def test_two_checkouts_of_one_version_are_told_apart(tmp_path, machines):
    package = Path(diffrender.__file__).parent
    for name, change in (("same", ""), ("other", "\n# a word\n")):
        shutil.copytree(
            package, tmp_path / name / "diffrender", ignore=shutil.ignore_patterns("weights", "__pycache__")
        )
        with (tmp_path / name / "diffrender/trajectory/schema.py").open("a") as file:
            file.write(change)
    said = []
    with dask_cluster.DaskCluster(machines.address, said.append) as dask:
        other = machines.worker("other", path=tmp_path / "other")
        machines.wait(dask, 1)
        with pytest.raises(DiffrenderError, match=r"it has code [0-9a-f]{12}, and not"):
            local.run([toy(tmp_path, "a")], cluster=dask)
        machines.end(other)
        machines.wait(dask, 0)
        machines.worker("same", path=tmp_path / "same")
        machines.wait(dask, 1)
        assert [o.status for o in local.run([toy(tmp_path, "a")], cluster=dask)] == ["done"]


def test_kills_of_a_cluster_lose_nothing(tmp_path):
    hit, faults = kills.run("cluster", 4, seed=5, root=tmp_path)
    assert faults == []
    assert sum(hit[which] for which in kills.HITS) >= 4
