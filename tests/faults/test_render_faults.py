"""Renders that are interrupted, lose a process or run out of room."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from diffrender.core.errors import RenderError
from diffrender.video.drawing import worker
from diffrender.video.render import render
from diffrender.video.spec import RenderSpec

TOYS = Path(__file__).parents[1] / "video" / "toy_scenes.py"
PROGRAM = """
import resource, sys
from diffrender.core.errors import DiffrenderError
from diffrender.video.render import render
from diffrender.video.spec import RenderSpec
limit, hold = map(int, sys.argv[2:])
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
spec = RenderSpec.model_validate_json(sys.argv[1])
def report(event):
    print(event["stage"], event["done"], flush=True)
    if hold and event["stage"] == "draw" and event["done"] >= hold:
        sys.stdin.readline()
try:
    result = render(spec, report)
    print("resumed", result.resumed)
except DiffrenderError as error:
    print(str(error), file=sys.stderr)
    sys.exit(error.exit_code)
except KeyboardInterrupt:
    sys.exit(130)
"""


def spec(out, **fields):
    """60 frames in 12 segments."""
    usual = {"scene": TOYS, "scene_class": "Flat", "width": 320, "height": 180, "fps": 10, "segment_seconds": 0.5}
    return RenderSpec.of(**{**usual, "out": out, **fields})


def start(spec, limit=0, hold=0):
    """limit: bytes that a file may have. hold: frames after which it waits for its stdin, however fast it draws."""
    arguments = [sys.executable, "-c", PROGRAM, spec.model_dump_json(), str(limit), str(hold)]
    pipe = subprocess.PIPE
    return subprocess.Popen(arguments, stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True)


def after(process, frames):
    """Wait until so many frames are drawn; the drawing processes."""
    for line in process.stdout:
        stage, done = line.split()
        if stage == "draw" and int(done) >= frames:
            return psutil.Process(process.pid).children()
    raise AssertionError(process.stderr.read())


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError("Unable to allocate 9 GiB"), "out of memory."),
        (OSError(errno.EMFILE, "Too many open files"), "too many open files."),
        (ValueError("Unable to allocate 9 GiB"), "ValueError: Unable to allocate 9 GiB."),
    ],
)
def test_what_the_machine_lacks_is_said_and_not_laid_at_the_scenes_door(error, said):
    assert worker.describe(error, Path("mine.py"))["problem"] == f"mine.py: {said}"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The bytes of the clip when nothing goes wrong."""
    return render(spec(tmp_path_factory.mktemp("whole") / "a.mp4")).path.read_bytes()


def test_ctrl_c_leaves_nothing_half_made_and_the_render_goes_on_later(whole, tmp_path):
    out = tmp_path / "a.mp4"
    out.write_bytes(b"an earlier video")
    process = start(spec(out, workers=2), hold=12)
    workers = after(process, 12)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert out.read_bytes() == b"an earlier video"
    assert not any(w.is_running() and w.status() != psutil.STATUS_ZOMBIE for w in workers)
    left = sorted(p.name for p in (tmp_path / ".a.mp4.diffrender").iterdir())
    finished = [name for name in left if name.endswith(".mp4")]
    assert left == [*finished, "lock", "render.json"]
    assert 2 <= len(finished) < 12
    assert not any(name.startswith("partial") for name in left)

    result = render(spec(out, workers=1))
    assert result.resumed == len(finished)
    assert out.read_bytes() == whole
    assert list(tmp_path.iterdir()) == [out]


def test_another_render_does_not_take_up_what_was_left(whole, tmp_path):
    out = tmp_path / "a.mp4"
    process = start(spec(out, encode="draft"), hold=12)
    after(process, 12)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    result = render(spec(out))
    assert result.resumed == 0
    assert out.read_bytes() == whole


def test_a_damaged_segment_is_made_again(whole, tmp_path):
    out = tmp_path / "a.mp4"
    process = start(spec(out), hold=20)
    after(process, 20)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    first = tmp_path / ".a.mp4.diffrender" / "00000.mp4"
    first.write_bytes(first.read_bytes()[:300])
    assert render(spec(out)).path.read_bytes() == whole


def test_a_killed_worker_costs_a_segment(whole, tmp_path):
    out = tmp_path / "a.mp4"
    process = start(spec(out, workers=2), hold=6)
    after(process, 6)[0].kill()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert out.read_bytes() == whole


def test_a_worker_that_dies_every_time_ends_the_render(tmp_path):
    scene = tmp_path / "dies.py"
    scene.write_text(
        "import os\nfrom manim import Scene, Dot\nclass Dies(Scene):\n    def construct(self):\n"
        "        self.add(Dot())\n        self.wait(1)\n        os.kill(os.getpid(), 9)\n"
    )
    with pytest.raises(RenderError, match="killed by SIGKILL"):
        render(spec(tmp_path / "a.mp4", scene=scene, scene_class="Dies"))
    assert [p.name for p in tmp_path.iterdir() if p.name != "__pycache__"] == ["dies.py"]


def test_workers_end_with_a_parent_that_was_killed(tmp_path):
    process = start(spec(tmp_path / "a.mp4", workers=2), hold=4)
    workers = after(process, 4)
    process.kill()
    process.communicate(timeout=60)
    deadline = time.monotonic() + 40
    while any(w.is_running() and w.status() != psutil.STATUS_ZOMBIE for w in workers):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_two_renders_of_one_file_at_a_time(whole, tmp_path):
    out = tmp_path / "a.mp4"
    process = start(spec(out), hold=4)
    after(process, 4)
    with pytest.raises(RenderError, match="is being rendered by another process"):
        render(spec(out, encode="draft"))
    process.communicate(timeout=60)
    assert out.read_bytes() == whole


def test_a_folder_without_room(tmp_path):
    out = tmp_path / "a.mp4"
    out.write_bytes(b"an earlier video")
    process = start(spec(out, segment_seconds=10), limit=3000)  # no file may get larger: what a full disk looks like
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "encoding with libx264 failed" in errors
    assert "Traceback" not in errors
    assert out.read_bytes() == b"an earlier video"
    assert list(tmp_path.iterdir()) == [out]


def test_a_folder_that_cannot_be_written_to(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RenderError, match="cannot be written to"):
        render(spec(tmp_path / "file" / "a.mp4"))
