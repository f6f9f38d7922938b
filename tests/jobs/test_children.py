"""Processes that do jobs: one that loaded torch goes on with the next job, and that changes nothing in what is made."""

import json
import sys

import numpy as np
import pytest

from diffrender.core.errors import DiffrenderError, UsageError, WorkerDiedError
from diffrender.jobs.job import Job, pending
from diffrender.jobs.plan.subject import Subject
from diffrender.jobs.run import local
from diffrender.jobs.run.check import check_before_start
from diffrender.jobs.run.children import Children


class Counted(Children):
    """Counts the processes that it starts."""

    started = 0

    def _start(self):
        self.started += 1
        return super()._start()


def toy(folder, kind, name, **options):
    extra = (folder / f"{name}.npz",) if kind == "train" else ()
    return Job(kind, name, folder / f"{name}.txt", {"plain": True, "options": options}, extra_outputs=extra)


def test_trainings_share_a_process_and_clips_do_not(tmp_path, toy_worker):
    with Counted() as children:
        local.run([toy(tmp_path, "train", f"t{i}") for i in range(3)], children=children)
        assert children.started == 1
        local.run([toy(tmp_path, "render", f"r{i}") for i in range(3)], children=children)
        assert children.started == 4


def test_a_process_that_failed_is_not_used_again(tmp_path, toy_worker):
    with Counted() as children:
        with pytest.raises(Exception, match="cannot be trained"):
            local.run([toy(tmp_path, "train", "bad", fail="It is broken.")], children=children)
        local.run([toy(tmp_path, "train", "good")], children=children)
        assert children.started == 2


def test_a_process_killed_before_it_has_a_log_is_lost_and_nothing_else(tmp_path):
    """It once ended the batch with the name of a log that nobody had written."""
    killed_at_once = (sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    with Children(command=killed_at_once) as children:
        (outcome,) = local.run(
            [toy(tmp_path, "render", "a")], children=children, logs=tmp_path / "logs", fail_fast=False, retries=0
        )
    assert isinstance(outcome.error, WorkerDiedError)
    assert "killed by SIGKILL" in str(outcome.error)


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ("OpenBLAS error: Memory allocation still failed after 10 retries, giving up.", "a: out of memory."),
        ("Something else.", "ended without a word"),
    ],
)
def test_a_process_that_ends_for_want_of_memory_is_not_said_to_end_without_a_word(last, said, tmp_path):
    ends = (sys.executable, "-c", f"raise SystemExit({last!r})")
    with Children(command=ends) as children, pytest.raises(DiffrenderError, match=said):
        local.run([toy(tmp_path, "render", "a")], children=children)


def test_each_job_of_a_shared_process_has_its_own_log(tmp_path, toy_worker):
    jobs = [toy(tmp_path, "train", "one"), toy(tmp_path, "train", "two", fail="It is broken.")]
    first, second = local.run(jobs, logs=tmp_path / "logs", fail_fast=False)
    assert (first.status, second.status) == ("done", "failed")
    assert "training two" in second.log.read_text()
    assert "training one" not in second.log.read_text()


def test_what_a_shared_process_makes_is_what_each_makes_alone(tmp_path):
    """The check, a training and two recordings in one process; the last of them in one of its own."""
    (tmp_path / "tiny.yaml").write_text(
        "target: moons\nmodel: {kind: mlp, width: 8}\ntraining: {steps: 4, snapshots: 0}\n"
        "sampler: {kind: ddpm, steps: 5, chains: 20}\n"
    )

    def jobs(outputs):
        learned = Subject.of(str(tmp_path / "tiny.yaml"), {}, outputs).sample()
        other = Subject.of(str(tmp_path / "tiny.yaml"), {"model.kind": "exact", "seed": 3}, outputs).sample()
        return [*pending([learned]), other]

    with Counted() as children:
        together = jobs(tmp_path / "together")
        check_before_start(together, children)
        local.run(together, children=children)
        assert children.started == 1
    alone = jobs(tmp_path / "alone")[-1]
    local.run([alone])
    first, last, own = (np.load(job.out)["x"] for job in (*together[1:], alone))
    assert np.array_equal(last, own)
    assert not np.array_equal(first, last), "the control"


def test_a_check_in_a_process_of_its_own_refuses_as_one_here_does(tmp_path):
    job = Subject.of("spiral", {"sampler.steps_": 3, "model.kind": "exact"}, tmp_path).sample()
    said = []
    with Children() as children:
        for place in (None, children):
            with pytest.raises(UsageError) as caught:
                check_before_start([job], place)
            said.append(str(caught.value))
    assert said[0] == said[1]
    assert "sampler.steps_" in said[0]
    assert json.dumps(said)
