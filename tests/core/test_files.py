"""Files that appear whole or not at all, locks, and what killed processes leave."""

import contextlib
import subprocess
import sys

import pytest

from diffrender.core.errors import DiffrenderError
from diffrender.core.files import locked, remove_leftovers, replacing, write_text


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    file = tmp_path / "sub/a.txt"
    write_text(file, "σ first")
    with contextlib.suppress(RuntimeError), replacing(file) as new:
        new.write(b"half of the sec")
        assert file.read_text("utf-8") == "σ first", "until it is complete, the former stands there"
        raise RuntimeError
    assert file.read_text("utf-8") == "σ first"
    assert [f.name for f in file.parent.iterdir()] == ["a.txt"]
    with replacing(file) as new:
        new.write(b"second")
    assert file.read_bytes() == b"second"


def test_leftovers_go_whether_files_or_folders_and_nothing_else_does(tmp_path):
    (tmp_path / ".film.mp4.part/deep").mkdir(parents=True)
    (tmp_path / ".film.mp4.part/deep/0001.mp4").write_bytes(b"")
    (tmp_path / "clips").mkdir()
    for name in ("clips/.a.mp4.1f2e.part", "clips/a.mp4", ".lock", "part.txt"):
        (tmp_path / name).write_bytes(b"")
    remove_leftovers(tmp_path)
    left = sorted(f.relative_to(tmp_path).as_posix() for f in tmp_path.rglob("*") if f.is_file())
    assert left == [".lock", "clips/a.mp4", "part.txt"]


def test_a_file_that_somebody_writes_is_no_leftover(tmp_path):
    """Here another open file stands for another process; once nobody holds it (the control) it goes."""
    (tmp_path / ".b.txt.1f2e.part").write_bytes(b"killed")
    with replacing(tmp_path / "a.txt") as new:
        new.write(b"whole")
        remove_leftovers(tmp_path)
        assert [f.name.split(".")[1] for f in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a.txt").read_bytes() == b"whole"
    assert [f.name for f in tmp_path.iterdir()] == ["a.txt"]


HOLDER = """
import sys, time
from pathlib import Path
from diffrender.core.errors import DiffrenderError
from diffrender.core.files import locked
with locked(Path(sys.argv[1]), DiffrenderError("busy")):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_lock_is_held_by_one_process_and_ends_with_it(tmp_path):
    lock = tmp_path / "folder/lock"
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(lock)], stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(DiffrenderError, match="mine to say"), locked(lock, DiffrenderError("mine to say")):
            pass
    finally:
        holder.kill()
        holder.communicate()
    with locked(lock, DiffrenderError("its holder was killed")):
        pass


def test_a_lock_whose_folder_was_removed_meanwhile_is_taken_anew(tmp_path, monkeypatch):
    """Opened, and then the former holder removed its folder: what is locked must be the file that others will find."""
    from diffrender.core import files

    lock, real, removed = tmp_path / "folder/lock", files._lock, []

    def remove_first(descriptor):
        if not removed:
            removed.append(lock)
            lock.unlink()
        real(descriptor)

    monkeypatch.setattr(files, "_lock", remove_first)
    with locked(lock, DiffrenderError("")):
        assert removed
        assert lock.is_file()
