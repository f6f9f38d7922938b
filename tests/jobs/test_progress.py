"""What is said while jobs run: which of how many, how far, and about how long it takes yet."""

import os
import re
import time
from pathlib import Path

import pytest

from diffrender.config.find import scenes
from diffrender.jobs.job import Job
from diffrender.jobs.plan.subject import Subject
from diffrender.jobs.run import local, timings
from diffrender.jobs.run.progress import Progress, duration
from diffrender.jobs.run.timings import JobTimings


def job(name):
    return Job("render", name, Path(f"{name}.mp4"))


def events(screen, name, *shares):
    screen(job(name), {"event": "start"})
    for share in shares:
        screen(job(name), {"event": "progress", "stage": "draw", "done": 100 * share, "total": 100})


def test_a_line_says_which_job_how_far_and_how_long(monkeypatch):
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    screen = Progress({Path("one.mp4"): 10.0, Path("two.mp4"): 30.0})
    events(screen, "one", 0.5)
    assert screen.line() == "job 1 of 2, one 50 %, about 35 s left", "0.875 × 40 s expected, and no time has passed"
    screen(job("one"), {"event": "end", "outcome": local.Outcome(job("one"), "done", 10.0)})
    now = 50.0
    events(screen, "two", 0.5)
    assert screen.done() == pytest.approx(0.625)
    assert screen.line() == "job 2 of 2, two 50 %, about 30 s left", "slower than expected: 50 s for 0.625 of it"


def test_time_that_passes_while_nothing_is_done_is_taken_off(monkeypatch):
    """It was added: a job at 0 % was said to take longer and longer."""
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    screen = Progress({Path("one.mp4"): 60.0})
    left = []
    for passed in (0.0, 10.0, 30.0, 300.0):
        now = passed
        left.append(screen.left(0.0))
    assert left == [60, 50, 30, 75], "what takes longer than was thought takes a while yet"
    now = 30.0
    events(screen, "one", 0.1)
    assert screen.left(0.1) > left[2], "control: the pace is heard"


def test_a_long_start_of_the_second_job_is_no_pace(monkeypatch):
    """After a recording of 15 s a render that had not begun to draw was said to take 2, 3, 4, 5 minutes yet."""
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    screen = Progress({Path("one.mp4"): 10.0, Path("two.mp4"): 60.0})
    now = 15.0
    events(screen, "one", 1.0)
    events(screen, "two")
    left = []
    for now in (15.0, 25.0, 35.0):  # noqa: B007 - what the clock says
        left.append(screen.left(screen.done()))
    assert left == pytest.approx([90, 80, 70]), "1.5 × as slow as expected, and less every time"
    now = 40.0
    events(screen, "two", 0.05)
    assert screen.left(screen.done()) > left[-1], "control: what is done slowly is heard"


def test_what_was_expected_wrongly_is_soon_forgotten(monkeypatch):
    """A training of forty minutes that was taken for one of a minute said `about 6 min left` after five."""
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    screen = Progress({Path("one.mp4"): 60.0})
    now = 300.0
    events(screen, "one", 0.05)
    assert screen.left(0.05) > 2500, "5,700 s by its pace"
    assert screen.left(0.1) == pytest.approx(2700)


def test_a_stage_of_one_step_is_no_progress():
    screen = Progress({Path("one.mp4"): 10.0})
    events(screen, "one")
    screen(job("one"), {"event": "progress", "stage": "count", "done": 1, "total": 1})
    assert screen.done() == 0


def test_without_a_terminal_a_line_comes_every_so_often(tmp_path, toy_worker, capfd):
    slow = Job("render", "slow", tmp_path / "slow.txt", {"plain": True, "options": {"seconds": 1.5}})
    with Progress({slow.out: 2.0}, line_seconds=0.3) as screen:
        local.run([slow], on_event=screen)
    lines = [line for line in capfd.readouterr().err.splitlines() if line.startswith("job 1 of 1, slow ")]
    assert len(lines) >= 2
    shares = [int(re.search(r"slow (\d+) %", line)[1]) for line in lines]
    assert shares == sorted(shares)
    assert shares[-1] > shares[0]


def test_the_control_a_quick_job_says_its_start_and_end_alone(tmp_path, toy_worker, capfd):
    quick = Job("render", "quick", tmp_path / "quick.txt", {"plain": True, "options": {}})
    with Progress({quick.out: 2.0}) as screen:
        local.run([quick], on_event=screen)
    assert len(capfd.readouterr().err.strip().splitlines()) == 2


def test_times_are_kept_where_outputs_are_and_nowhere_else(tmp_path):
    outcome = local.Outcome(job("one"), "done", 7.0)
    JobTimings(tmp_path / "none").record([outcome])
    assert not (tmp_path / "none").exists()
    JobTimings(tmp_path).record([outcome])
    assert JobTimings(tmp_path).estimate(job("one")) == (7.0, "its last time")


def near(estimate, seconds, source):
    return estimate.source == source and estimate.seconds == pytest.approx(seconds, rel=1e-4)


def clip(scene, height, fps, recorded=True, name="", **more):
    file = scenes().get(scene, Path(f"{scene}.py"))
    sizes = {"scene": scene, "width": height * 16 // 9, "height": height, "fps": fps, "contact_sheet": False}
    of = {"scene_file": scene, "scene_class": scene.capitalize(), "options": {}, "format": "mp4"}
    inputs = {f"scene/{scene}": file, **({"recordings/run": Path("run.npz")} if recorded else {})}
    return Job("render", name or f"render {scene}", Path(f"{scene}.mp4"), {**sizes, **of, **more}, inputs)


def done(job, cpu, wall=None, film=None):
    figures = {} if film is None else {"film_seconds": film}
    return local.Outcome(job, "done", wall or cpu, cpu_seconds=cpu, figures=figures)


def test_one_measured_clip_tells_of_other_sizes_and_scenes(tmp_path, monkeypatch):
    """What others cost elsewhere is scaled by what the same cost here and there; how long they last is known."""
    clips = {"render clip langevin": 0.03, "render clip drift": 0.02, "render card card": 0.02}
    elsewhere = {**clips, "film clip drift": 16.0, "film card card": 4.0, "start card": 2.0}
    monkeypatch.setattr(timings, "_elsewhere", lambda: elsewhere)
    times = JobTimings(tmp_path)
    assert times.estimate(clip("drift", 480, 15)).source == "", "a guess: nothing was made here"
    slow, guessed = clip("langevin", 480, 15), times.estimate(clip("drift", 480, 15)).seconds
    times.record([done(slow, 75.0, film=60.0)])
    for again in (times, JobTimings(tmp_path)):
        assert near(again.estimate(slow), 75.0, "its last time")
        assert near(again.estimate(clip("langevin", 480, 15, name="another")), 75.0, "1 of this scene")
    factor = times.paces["render clip langevin render langevin"] / 0.03
    assert near(times.estimate(clip("drift", 480, 15)), guessed * factor, "another machine's, scaled by 1 made here")
    assert 1.5 < times.estimate(clip("langevin", 720, 30)).seconds / 75.0 < 3, "twice the frames, of twice the size"
    longer = times.estimate(clip("drift", 480, 15, options={"duration": 108.0})).seconds
    assert longer == pytest.approx((guessed + 0.02 * 0.005 * 15 * 100 * (0.9 + 853 * 480 / 1e6)) * factor, rel=1e-3)
    assert times.estimate(clip("card", 480, 15, recorded=False)).seconds < guessed * factor / 2
    assert near(times.estimate(clip("lange", 480, 15)), times.estimate(clip("lang", 480, 15)).seconds, "1 of this kind")


def test_acts_that_are_left_out_take_no_time(tmp_path):
    times, whole = JobTimings(tmp_path), clip("langevin", 480, 15)
    times.record([done(whole, 75.0, film=60.0)])
    assert times._film(whole) == 60
    part = clip("langevin", 480, 15, options={"acts": ["zoom"]})
    assert 1 < times._film(part) < 60 / 3
    times.record([done(part, 20.0, film=21.0)])
    assert (times._film(part), times._film(whole)) == (21, 60)


def test_other_programs_on_the_machine_change_no_estimate(tmp_path):
    busy, quiet = JobTimings(tmp_path / "busy"), JobTimings(tmp_path / "quiet")
    for times, wall in ((busy, 300.0), (quiet, 40.0)):
        times.path.parent.mkdir()
        times.record([done(clip("drift", 480, 15), 50.0, wall, film=24.0)])
    assert near(busy.estimate(clip("drift", 480, 15)), 50.0, "its last time")
    assert near(quiet.estimate(clip("drift", 480, 15)), 40.0, "its last time"), "one that has two cores to itself"
    assert near(busy.estimate(clip("drift", 480, 15, workers=2)), 50.0 / min(2, os.cpu_count()), "its last time")


MEASURED = {  # seconds of one lecture at 480p15, then of another, each in one go on a busy machine
    "train": {(600, 0): 26.3, (2400, 0): 52.9},
    "sample": {(100, 1500): 3.58, (120, 14_641): 6.2},  # of the processor, torch loaded first
    "render": {8: 30.6, 16: 46.8},
}


def making(kind, what):
    """The job of such a time."""
    if kind == "render":
        return clip("denoise", 480, 15, options={"duration": what})
    config = {
        "model": {"kind": "mlp" if kind == "train" else "exact"},
        "target": {"kind": "spiral"},
        "training": {"steps": what[0]},
        "sampler": {"steps": what[0], "chains": what[1], "evaluations": None},
    }
    return Job(kind, f"{kind} spiral", Path("out"), {"config": config})


@pytest.mark.parametrize("kind", MEASURED)
def test_one_run_tells_of_longer_ones_within_a_factor_of_two(kind, tmp_path):
    (short, once), (longer, then) = MEASURED[kind].items()
    JobTimings(tmp_path).record([local.Outcome(making(kind, short), "done", once)])
    times = JobTimings(tmp_path)
    seconds, source = times.estimates([making(kind, longer)])[making(kind, longer).out]
    assert source == "its last time"
    assert then / 2 < seconds < then * 2
    again = making(kind, short)
    assert times.estimates([again])[again.out].seconds == pytest.approx(once, rel=0.3)
    far = {"train": (40_000, 0), "sample": (2000, 20_000), "render": 590}[kind]
    assert times.estimate(making(kind, far))[0] > then * 2, "the control: what is much longer is said to be"


def test_a_small_network_tells_nothing_of_a_large_one(tmp_path):
    """A training of MNIST was said to take 15 s, by the spiral's pace: it takes a quarter of an hour."""
    spiral, digits = (Subject.of(name, outputs=tmp_path).train() for name in ("spiral", "mnist"))
    JobTimings(tmp_path).record([local.Outcome(spiral, "done", 22.0)])
    assert JobTimings(tmp_path).estimate(digits).seconds > 300
    assert JobTimings(tmp_path).estimate(spiral).seconds == pytest.approx(22, rel=0.2), "control"


def test_durations():
    assert [duration(s) for s in (8.26, 8, 125, 4320)] == ["8.3 s", "8 s", "2 min 5 s", "1 h 12 min"]
