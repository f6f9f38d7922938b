"""A few kills: what was finished stays whole, and the next run goes on. `kills.py` deals more of them by hand."""

import sys

from . import kills


def test_a_killed_recording_is_made_whole_by_the_next_run(tmp_path):
    hit, faults = kills.run("sample", 2, seed=3, root=tmp_path)
    assert faults == []
    assert sum(hit.values()) >= 2


def test_the_harness_sees_what_is_wrong(tmp_path, monkeypatch):
    """The control: a program that writes in place, goes on from what lies there, and leaves a part and processes."""
    (tmp_path / "bad.py").write_text(
        "import pathlib, subprocess, sys, time\n"
        "pathlib.Path('.x.part').touch()\n"
        "for _ in range(2):  # one of them may be the one that is killed\n"
        "    subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(9)'], start_new_session=True)\n"
        "with open('run.npz', 'a') as file:\n"
        "    for i in range(16):\n"
        "        print(i, file=file, flush=True)\n"
        "        time.sleep(0.1)\n"
    )
    monkeypatch.setattr(kills, "PROGRAM", (sys.executable, str(tmp_path / "bad.py")))
    monkeypatch.setattr(kills, "ORPHAN_SECONDS", 0.5)
    # by this seed the first kill hits the command when it has two thirds of its time behind it, and has written
    _, faults = kills.run("sample", 2, seed=14, root=tmp_path)
    said = " ".join(faults)
    assert "not whole after a kill: run.npz" in said
    assert "missing or other bytes: run.npz" in said
    assert "processes outlive their command" in said
    assert "left: .x.part" in said
