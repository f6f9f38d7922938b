"""Batches whose processes are killed, that are interrupted, or run out of room: what was finished is as it was."""

import hashlib
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

SLOW = "seconds: 60, until: go"
ENTRIES = [
    "{scene: toy, options: {frames: 3}}",
    "{card: Hello}",
    f"{{scene: toy, options: {{frames: 4, {SLOW}}}}}",
    f"{{scene: toy, options: {{frames: 5, {SLOW}}}}}",
]


@pytest.fixture
def lecture(lecture_hall):
    """Two clips that are drawn at once, and two that take a minute, or no time once the file `go` is there."""
    text = "title: Toys\ndefaults: {quality: l, fps: 10}\nentries:\n" + "".join(f"  - {e}\n" for e in ENTRIES)
    (lecture_hall / "talk.yaml").write_text(text)
    return lecture_hall / "outputs/lectures/talk"


def hashes(folder, pattern="clips/*"):
    return {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in folder.glob(pattern) if f.is_file()}


def until(condition, seconds=40):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.05)


def started(program, folder):
    """A batch that has finished two clips and works at the other two: (process, its workers, hashes)."""
    process = program("batch", "talk.yaml", "-w", "2")
    until(lambda: len(list(folder.glob("clips/*.mp4"))) == 2 and len(list(folder.glob("clips/.*.part"))) == 2)
    workers = psutil.Process(process.pid).children()
    assert len(workers) == 2
    return process, workers, hashes(folder, "clips/[!.]*")


def finished_later(program, hall, folder, before):
    """The next run makes what is missing, and only that."""
    (hall / "go").touch()
    times = {f.name: f.stat().st_mtime_ns for f in folder.glob("clips/*.mp4")}
    _, log = (process := program("batch", "talk.yaml", "-w", "2")).communicate(timeout=60)
    assert process.returncode == 0, log
    assert {f.name: f.stat().st_mtime_ns for f in folder.glob("clips/*.mp4") if f.name in times} == times
    assert {name: digest for name, digest in hashes(folder).items() if name in before} == before
    assert len(hashes(folder)) == 4
    assert (folder / "talk.mp4").is_file()
    assert [f.name for f in folder.rglob(".*") if f.name != ".lock"] == []


def ended(workers):
    return not any(w.is_running() and w.status() != psutil.STATUS_ZOMBIE for w in workers)


def test_killing_the_batch_ends_its_workers_and_keeps_what_is_finished(program, lecture_hall, lecture):
    process, workers, before = started(program, lecture)
    process.kill()
    process.wait()
    until(lambda: ended(workers))
    assert hashes(lecture) == before, "no half file, and none lost"
    finished_later(program, lecture_hall, lecture, before)


def test_killing_batch_and_workers_at_once_leaves_no_half_file_under_its_name(program, lecture_hall, lecture):
    process, workers, before = started(program, lecture)
    for victim in (psutil.Process(process.pid), *workers):
        victim.kill()
    process.wait()
    until(lambda: ended(workers))
    assert hashes(lecture, "clips/[!.]*") == before
    assert len(hashes(lecture)) == 4, "the unfinished are there under other names"
    finished_later(program, lecture_hall, lecture, before)


def test_a_killed_worker_is_replaced_while_the_others_go_on(program, lecture_hall, lecture):
    process, workers, before = started(program, lecture)
    (lecture_hall / "go").touch()
    for worker in workers:
        worker.kill()
    _, log = process.communicate(timeout=60)
    assert process.returncode == 0, log
    assert log.count("killed by SIGKILL). It is tried again.") == 2
    assert before.items() <= hashes(lecture).items()
    assert (lecture / "talk.mp4").is_file()


def test_ctrl_c_ends_cleanly(program, lecture_hall, lecture):
    process, workers, before = started(program, lecture)
    process.send_signal(signal.SIGINT)
    _, log = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "the same command goes on from there" in log
    assert ended(workers)
    assert hashes(lecture) == before
    finished_later(program, lecture_hall, lecture, before)


@pytest.fixture
def small_disk(lecture_hall):
    """outputs/ on a file system of 12 MB; how to enlarge it."""
    folder = lecture_hall / "outputs"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("this user may not mount a file system")
    yield lambda: subprocess.run(["mount", "-o", "remount,size=100m", str(folder)], check=True)
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a tmpfs")
def test_a_full_disk_keeps_what_is_finished(program, lecture_hall, small_disk):
    text = "title: Toys\ndefaults: {quality: l, fps: 10}\nentries:\n  - {card: Hello}\n"
    (lecture_hall / "talk.yaml").write_text(text + "  - {scene: toy, options: {size: 20000000}}\n  - {part: Last}\n")
    folder = lecture_hall / "outputs/lectures/talk"
    _, log = (process := program("batch", "talk.yaml", "-w", "1")).communicate(timeout=60)
    assert process.returncode == 1
    assert "No space left on device" in log
    assert "Traceback" not in log
    before = hashes(folder)
    assert len(before) == 2, "the clips before and after it"
    assert all(name.endswith(".mp4") and not name.startswith(".") for name in before)
    small_disk()
    _, log = (process := program("batch", "talk.yaml", "-w", "1")).communicate(timeout=60)
    assert process.returncode == 0, log
    assert before.items() <= hashes(folder).items()
    assert len(hashes(folder)) == 3


@pytest.mark.skipif(os.name == "nt", reason="no quotas there")
def test_a_quota_keeps_what_is_finished(lecture_hall, lecture, program):
    """The same where nothing may be mounted: no file may grow beyond 300 kB."""
    import resource

    text = "title: Toys\ndefaults: {quality: l, fps: 10}\nentries:\n  - {card: Hello}\n"
    (lecture_hall / "talk.yaml").write_text(text + "  - {scene: toy, options: {size: 900000}}\n  - {part: Last}\n")
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))  # noqa: E731
    _, log = (process := program("batch", "talk.yaml", preexec_fn=limit)).communicate(timeout=60)
    assert process.returncode == 1
    assert "File too large" in log
    assert "Traceback" not in log
    before = hashes(lecture)
    assert len(before) == 2
    _, log = (process := program("batch", "talk.yaml")).communicate(timeout=60)
    assert process.returncode == 0, log
    assert before.items() <= hashes(lecture).items()
