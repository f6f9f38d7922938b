"""Batches whose processes are killed, that are interrupted, or run out of room: what was finished is as it was."""

import hashlib
import signal
import subprocess
import sys
import time

import psutil
import pytest

HEAD = """title: Toys
defaults: {quality: l, fps: 10}
outputs: {posters: false, contact_sheet: false}
entries:
"""
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
    (lecture_hall / "talk.yaml").write_text(HEAD + "".join(f"  - {e}\n" for e in ENTRIES))
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

    def at_work():
        """Whether two clips are there, and two others are being written."""
        there = {file.name for file in folder.glob("clips/*.mp4")}
        begun = {file.name[1:].partition(".mp4")[0] + ".mp4" for file in folder.glob("clips/.toy-*.mp4.*.part")}
        return len(there) == len(begun - there) == 2

    until(at_work)
    until(lambda: len(psutil.Process(process.pid).children()) == 2)  # one may just be started
    workers = psutil.Process(process.pid).children()
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
    process.send_signal(signal.SIGSTOP)  # so that neither hears of the other's end
    for worker in workers:
        worker.kill()
    process.kill()
    process.wait()
    until(lambda: ended(workers))
    assert hashes(lecture, "clips/[!.]*") == before
    assert len(hashes(lecture)) == 4, "the unfinished are there under other names"
    finished_later(program, lecture_hall, lecture, before)


def test_a_killed_worker_is_replaced_while_the_others_go_on(program, lecture_hall, lecture):
    process, workers, before = started(program, lecture)
    for worker in workers:
        worker.kill()
    (lecture_hall / "go").touch()  # only now: what they do ends with it
    _, log = process.communicate(timeout=60)
    assert process.returncode == 0, log
    assert log.count("killed by SIGKILL). It is tried again.") == 2
    assert before.items() <= hashes(lecture).items()
    assert (lecture / "talk.mp4").is_file()


def test_ctrl_c_ends_cleanly(program, lecture_hall, lecture):
    process, workers, before = started(program, lecture)
    process.send_signal(signal.SIGINT)
    _, log = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGINT
    assert "the same command goes on from there" in log
    assert ended(workers)
    assert hashes(lecture) == before
    finished_later(program, lecture_hall, lecture, before)


def test_a_batch_killed_while_its_film_is_joined_goes_on_later(program, lecture_hall, lecture):
    """The film's work folder is left behind: once, every later run failed on it for ever."""
    text = HEAD + "  - {card: Hello, hold: 600}\n  - {scene: toy, hold: 600}\n"
    (lecture_hall / "talk.yaml").write_text(text)
    process = program("batch", "talk.yaml", "-w", "2")
    work = lecture / ".talk.mp4.part"
    until(lambda: any(work.glob("*.mp4")))
    workers = psutil.Process(process.pid).children()
    process.send_signal(signal.SIGSTOP)
    for worker in workers:
        worker.kill()
    process.kill()
    process.wait()
    assert work.is_dir(), "nobody was left to remove it"
    (lecture_hall / "talk.yaml").write_text(text.replace("hold: 600", "hold: 1"))
    _, log = (process := program("batch", "talk.yaml", "-w", "2")).communicate(timeout=60)
    assert process.returncode == 0, log
    assert (lecture / "talk.mp4").is_file()
    assert [f.name for f in lecture.rglob(".*") if f.name != ".lock"] == []


@pytest.fixture
def little_room(lecture_hall):
    """outputs/ on a file system of 12 MB, or files of at most that size where none may be mounted.

    (what the error says, how the program is started, how to make room).
    """
    folder = lecture_hall / "outputs"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(folder)]
    if sys.platform == "linux" and subprocess.run(mount, capture_output=True).returncode == 0:
        enlarge = ["mount", "-o", "remount,size=100m", str(folder)]
        yield "No space left on device", {}, lambda: subprocess.run(enlarge, check=True)
        subprocess.run(["umount", str(folder)], check=True)
    else:
        resource = pytest.importorskip("resource")
        limit = (12_000_000, 12_000_000)
        yield "File too large", {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit)}, lambda: None


def test_a_full_disk_keeps_what_is_finished(program, lecture_hall, lecture, little_room):
    said, how, make_room = little_room
    (lecture_hall / "talk.yaml").write_text(
        f"{HEAD}  - {{card: Hello}}\n  - {{scene: toy, options: {{size: 20000000}}}}\n  - {{part: Last}}\n"
    )
    _, log = (process := program("batch", "talk.yaml", "-w", "2", **how)).communicate(timeout=60)
    assert process.returncode == 1
    assert said in log
    assert "Traceback" not in log
    before = hashes(lecture)
    assert len(before) == 2, "the clips before and after it"
    assert all(name.endswith(".mp4") and not name.startswith(".") for name in before)
    make_room()
    _, log = (process := program("batch", "talk.yaml", "-w", "2")).communicate(timeout=60)
    assert process.returncode == 0, log
    assert before.items() <= hashes(lecture).items()
    assert len(hashes(lecture)) == 3
