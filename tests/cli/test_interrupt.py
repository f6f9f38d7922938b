"""Ctrl-C ends the program as the signal would, so that a shell's loop around it ends too."""

import os
import signal
import subprocess
import sys
import time

import pytest

LOOP = "for i in 1 2 3; do echo $i >> begun; {command}; done; touch ended"


def looped(folder, command, arrived):
    """Run `command` in a shell's loop, press Ctrl-C once `arrived` says so; the shell's exit code."""
    process = subprocess.Popen(
        ["bash", "-c", LOOP.format(command=command)], cwd=folder, start_new_session=True, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 60
    while not arrived() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    return process.wait(timeout=60)


@pytest.mark.skipif(sys.platform == "win32", reason="a shell of POSIX")
def test_ctrl_c_ends_a_loop_around_the_program(lecture_hall):
    program = f"{sys.executable} {os.path.dirname(os.path.dirname(__file__))}/toys/cli.py"
    command = f"{program} render toy -O seconds=30 -O size=1000"
    work = lecture_hall / "outputs"
    code = looped(lecture_hall, command, lambda: list(work.glob("**/*.part")))
    assert code == -signal.SIGINT
    assert (lecture_hall / "begun").read_text().split() == ["1"]
    assert not (lecture_hall / "ended").exists()
    assert not list(work.glob("**/*.part")), "it cleaned up before it died"


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_both_signals_let_it_clean_up(program, lecture_hall, by):
    process = program("render", "toy", "-O", "seconds=30", "-O", "size=1000")
    work, deadline = lecture_hall / "outputs", time.monotonic() + 60
    while not list(work.glob("**/*.part")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(by)
    _, log = process.communicate(timeout=60)
    assert process.returncode == -by
    assert "the same command goes on from there" in log
    assert not list(work.glob("**/*.part"))


def test_a_program_that_exits_with_130_does_not_end_it(tmp_path):
    """The control: a number alone is not what a shell looks for."""
    program = "import time\ntry: time.sleep(30)\nexcept KeyboardInterrupt: raise SystemExit(130)"
    (tmp_path / "program.py").write_text(program.replace("time.sleep(30)", "open('here', 'a'); time.sleep(3)"))
    looped(tmp_path, f"{sys.executable} program.py", (tmp_path / "here").exists)
    assert (tmp_path / "ended").exists()
