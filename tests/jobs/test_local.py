"""Jobs in processes of their own: order, parallelism, failure, retries, interrupts."""

import os
import signal
import subprocess
import threading
import time

import pytest

from diffrender.core.errors import DiffrenderError, RenderError, UnexpectedError
from diffrender.jobs.job import Job
from diffrender.jobs.run import local
from diffrender.jobs.run.children import Children

pytestmark = pytest.mark.usefixtures("toy_worker")


def toy(folder, name, needs=(), **options):
    """A job of the quick worker that writes its key as text."""
    out = folder / f"{name}.txt"
    return Job("render", name, out, {"plain": True, "options": options}, needs=tuple(needs))


def children():
    """Processes of the quick worker that run now."""
    found = subprocess.run(["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True).stdout
    return [line for line in found.splitlines() if "toys/worker.py" in line and str(os.getpid()) in line.split()[1]]


def test_needs_come_first_and_free_jobs_run_side_by_side(tmp_path):
    first = [toy(tmp_path, f"first{i}", seconds=0.6) for i in range(2)]
    last = toy(tmp_path, "last", needs=first)
    seen, at_once, most = [], set(), 0

    def on_event(job, event):
        nonlocal most
        if event["event"] == "start":
            at_once.add(job.name)
            most = max(most, len(at_once))
        if event["event"] == "end":
            at_once.discard(job.name)
        if event["event"] != "progress":
            seen.append((job.name, event["event"]))

    outcomes = local.run([*first, last], workers=3, on_event=on_event)
    assert [o.status for o in outcomes] == ["done"] * 3
    assert most == 2
    assert seen.index(("last", "start")) > max(seen.index((f"first{i}", "end")) for i in range(2))
    assert last.out.read_text() == last.key
    assert outcomes[0].figures == {"frames": 6}


def test_progress_comes_while_the_job_runs(tmp_path):
    events = []
    local.run([toy(tmp_path, "slow", seconds=0.5)], on_event=lambda job, event: events.append(event))
    done = [event["done"] for event in events if event["event"] == "progress"]
    assert len(done) > 2
    assert done == sorted(done)


def test_a_failing_job_stops_only_what_needs_it(tmp_path):
    bad = toy(tmp_path, "bad", fail="Draw something else.")
    after, other = toy(tmp_path, "after", needs=[bad]), toy(tmp_path, "other")
    outcomes = local.run([bad, after, other], fail_fast=False, logs=tmp_path / "logs")
    assert [o.status for o in outcomes] == ["failed", "skipped", "done"]
    assert isinstance(outcomes[0].error, RenderError)
    assert str(outcomes[0].error) == "bad cannot be drawn.\nDraw something else."
    assert "drawing bad" in outcomes[0].log.read_text()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["logs", "other.txt"]
    assert [p.name for p in (tmp_path / "logs").iterdir()] == [outcomes[0].log.name]


def test_fail_fast_stops_the_others_and_raises(tmp_path):
    jobs = [toy(tmp_path, "bad", fail="No."), toy(tmp_path, "slow", seconds=30)]
    start = time.monotonic()
    with pytest.raises(RenderError, match="bad cannot be drawn"):
        local.run(jobs, workers=2)
    assert time.monotonic() - start < 20
    assert list(tmp_path.iterdir()) == []


def test_an_error_nobody_foresaw_names_the_file_that_was_read_and_asks_for_a_report(tmp_path):
    job = toy(tmp_path, "odd", crash="seven is not a colour", reading="cat.svg")
    (outcome,) = local.run([job], fail_fast=False)
    assert isinstance(outcome.error, UnexpectedError)
    assert outcome.error.problem == "odd: ValueError while reading cat.svg: seven is not a colour."
    assert "please report it" in outcome.error.remedy
    trace = (tmp_path / "odd.txt.log").read_text()
    assert str(tmp_path / "odd.txt.log") in outcome.error.remedy
    assert "Traceback" in trace
    assert "worker.py" in trace
    (outcome,) = local.run([job], fail_fast=False, logs=tmp_path / "logs")
    assert "Traceback" in outcome.log.read_text(), "with a folder of logs it is there"
    assert str(tmp_path) not in outcome.error.remedy


def test_an_error_with_a_remedy_asks_for_no_report(tmp_path):
    """The control: what was foreseen is told as it is."""
    (outcome,) = local.run([toy(tmp_path, "bad", fail="Draw something else.")], fail_fast=False)
    assert "report" not in str(outcome.error)
    assert list(tmp_path.iterdir()) == []


def test_a_job_whose_process_was_killed_is_tried_again_once(tmp_path):
    events = []
    job = toy(tmp_path, "mortal", die=str(tmp_path / "died"))
    (outcome,) = local.run([job], on_event=lambda j, e: events.append(e))
    assert outcome.status == "done"
    assert [e["event"] for e in events if e["event"] != "progress"] == ["start", "retry", "end"]
    assert "SIGKILL" in next(e["problem"] for e in events if e["event"] == "retry")


def test_without_retries_it_fails_and_says_by_what(tmp_path):
    job = toy(tmp_path, "mortal", die=str(tmp_path / "died"))
    (outcome,) = local.run([job], retries=0, fail_fast=False)
    assert isinstance(outcome.error, local.WorkerDiedError)
    assert "killed by SIGKILL" in str(outcome.error)
    assert not job.out.exists()


def test_an_interrupt_ends_the_workers_and_leaves_nothing_half(tmp_path):
    jobs = [toy(tmp_path, f"slow{i}", seconds=30) for i in range(2)]
    began = threading.Semaphore(0)

    def interrupt():
        for _ in jobs:
            began.acquire()
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        local.run(jobs, workers=2, on_event=lambda j, e: began.release() if e["event"] == "progress" else None)
    assert children() == []
    assert list(tmp_path.iterdir()) == []


def test_work_is_shared_by_threads_that_arithmetic_uses(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert Children.of(4).environment["OMP_NUM_THREADS"] == "2"
    assert "OMP_NUM_THREADS" not in Children.of(1).environment


def test_the_error_of_a_job_keeps_its_family(tmp_path):
    with pytest.raises(DiffrenderError) as caught:
        local.run([toy(tmp_path, "bad", fail="No.")])
    assert caught.value.exit_code == 1
