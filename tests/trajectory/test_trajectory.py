"""The seam: what is written is read back, and whatever is wrong with a file is said with the file and the key."""

from __future__ import annotations

import io
import json
import pickle
import time
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from diffrender.core.errors import TrajectoryError
from diffrender.trajectory import Trajectory, TrajectoryWriter
from diffrender.trajectory.reader import check_whole

T, N = 5, 7
META = {"schema_version": 1, "kind": "reverse"}


def arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    move = {k: rng.standard_normal((T, N, 2)).astype(np.float32) for k in ("x0", "eps", "drift", "noise")}
    levels = {k: np.linspace(1, 0, T + 1) for k in ("time", "alpha", "sigma")}
    return {"x": rng.standard_normal((T + 1, N, 2)).astype(np.float32), **levels, **move, "nfe": np.arange(T + 1)}


def saved(path: Path, meta: object = META, drop: tuple[str, ...] = (), compressed: bool = False, **more) -> Path:
    """A file as another tool would write it, with NumPy alone."""
    data = {k: v for k, v in (arrays() | more).items() if k not in drop}
    text = meta if isinstance(meta, str) else json.dumps(meta)
    (np.savez_compressed if compressed else np.savez)(path, meta=np.array(text), **data)
    return path


def written(path: Path, **more) -> Path:
    with TrajectoryWriter(path, {"kind": "reverse", "seed": 3}) as writer:
        for key, array in (arrays() | more).items():
            writer.add(key, array)
    return path


@pytest.mark.parametrize("mapped", [True, False])
def test_written_is_read_back_by_us_and_by_numpy(tmp_path, mapped):
    path = written(tmp_path / "a.npz")
    t = Trajectory.open(path, mapped=mapped)
    with np.load(path, allow_pickle=False) as plain:
        for key, array in arrays().items():
            assert np.array_equal(t[key], array)
            assert np.array_equal(plain[key], array)
    assert (t.kind, t.steps, t.chains, t.event, t.meta["seed"]) == ("reverse", T, N, (2,), 3)
    assert "drift" in t
    assert "momentum" not in t
    assert t.x is t["x"]
    with pytest.raises(TrajectoryError, match="'momentum' was not recorded"):
        t.require("x", "momentum")


def test_members_are_maps_on_whole_cache_lines(tmp_path):
    t = Trajectory.open(written(tmp_path / "a.npz"))
    assert all(array.ctypes.data % 64 == 0 for array in t.arrays.values())
    with pytest.raises(ValueError, match="read-only"):
        t.x[0] = 0


@pytest.mark.parametrize("compressed", [False, True])
def test_files_of_other_tools_are_read(tmp_path, compressed):
    extra = {"mine": np.arange(3.0), "target": np.asfortranarray(np.ones((4, 2)))}
    t = Trajectory.open(saved(tmp_path / "a.npz", compressed=compressed, **extra))
    assert np.array_equal(t.x, arrays()["x"])
    assert np.array_equal(t["mine"], np.arange(3.0))
    assert np.array_equal(t.target, np.ones((4, 2)))


def test_rows_and_batches_of_chains_are_joined(tmp_path):
    data = arrays()
    with TrajectoryWriter(tmp_path / "a.npz", {"kind": "reverse"}) as writer:
        for key in ("time", "alpha", "sigma"):
            for value in data[key]:
                writer.write(key, value[None])
        for first, last in ((0, 3), (3, N)):
            for at in range(0, T + 1, 2):
                writer.write("x", data["x"][at : at + 2, first:last], at=at, first=first, chains=N)
    assert np.array_equal(Trajectory.open(tmp_path / "a.npz").x, data["x"])


def test_same_run_same_bytes(tmp_path):
    assert written(tmp_path / "a.npz").read_bytes() == written(tmp_path / "b.npz").read_bytes()


def test_ten_million_states_are_checked_fast_and_in_little_memory(tmp_path):
    path, chains = tmp_path / "big.npz", 100_000
    block = np.random.default_rng(0).standard_normal((1, chains, 2), dtype=np.float32)
    with TrajectoryWriter(path, {"kind": "reverse"}) as writer:
        for key in ("time", "alpha", "sigma"):
            writer.add(key, np.ones(100))
        tracemalloc.start()
        for _ in range(100):
            writer.write("x", block)
        kept = tracemalloc.get_traced_memory()[1]
    begun = time.process_time()
    t = Trajectory.open(path)
    assert time.process_time() - begun < 2
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert t.x.shape == (100, chains, 2)
    assert max(kept, peak) < 10e6  # the file holds 80 MB


# ---- what is wrong ---------------------------------------------------------------------------------------------------
def refused(path: Path, *words: str) -> None:
    tracemalloc.start()
    with pytest.raises(TrajectoryError) as caught:
        Trajectory.open(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6
    assert len(str(caught.value).splitlines()) <= 2
    for word in (str(path), *words):
        assert word in str(caught.value)


def test_missing_and_foreign_files(tmp_path):
    refused(tmp_path / "none.npz", "no such file")
    (tmp_path / "a.npz").write_bytes(b"hello")
    refused(tmp_path / "a.npz", "not a recording")
    np.savez(tmp_path / "b.npz", x=np.ones(3))
    refused(tmp_path / "b.npz", "'meta' is missing")
    np.save(tmp_path / "c.npy", np.ones(3))
    refused(tmp_path / "c.npy", "not a recording")


def test_missing_key(tmp_path):
    refused(saved(tmp_path / "a.npz", drop=("sigma",)), "'sigma' is missing", "reverse")
    refused(saved(tmp_path / "b.npz", field_score=np.ones((2, 3, 4, 2))), "'field_time' is missing")


@pytest.mark.parametrize("cut", [10, 300, 3000])
def test_truncated(tmp_path, cut):
    path = written(tmp_path / "a.npz")
    path.write_bytes(path.read_bytes()[:-cut])
    refused(path)


@pytest.mark.parametrize("make", [written, saved])
def test_of_a_recording_from_elsewhere_a_changed_bit_is_found(tmp_path, make):
    path = make(tmp_path / "run.npz")
    assert check_whole(path).kind == "reverse"
    data = bytearray(path.read_bytes())
    at = data.index(np.asarray(arrays()["x"][2]).tobytes())  # in the middle of the states
    data[at] ^= 1  # the last bit of a number: no value looks wrong
    path.write_bytes(data)
    assert Trajectory.open(path).kind == "reverse", "the control: nothing else finds it"
    with pytest.raises(TrajectoryError, match="'x' is damaged"):
        check_whole(path)


def test_damaged_bytes_are_not_quoted_at_length(tmp_path):
    """zipfile quotes what it finds in place of a member's name, which may be all that follows."""
    np.savez_compressed(tmp_path / "a.npz", x=np.random.default_rng(0).normal(size=999))
    data = bytearray((tmp_path / "a.npz").read_bytes())
    data[26:28] = (len(data) - 100).to_bytes(2, "little")  # how long the first member says that its name is
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(zipfile.BadZipFile) as caught:
        np.load(tmp_path / "a.npz")["x"]
    assert len(str(caught.value)) > 1000, "the control: by itself it says too much"
    with pytest.raises(TrajectoryError, match="truncated or damaged") as caught:
        Trajectory.open(tmp_path / "a.npz")
    assert len(str(caught.value)) < 300 + len(str(tmp_path))


@pytest.mark.parametrize(
    "meta",
    [
        "no json",
        "[]",
        '{"kind": "reverse"}',
        '{"schema_version": 1, "kind": "song"}',
        '{"schema_version": 99, "kind": "reverse"}',
        "[" * 100_000,
    ],
)
def test_meta_of_no_known_kind(tmp_path, meta):
    refused(saved(tmp_path / "a.npz", meta))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("key", ["x", "noise", "sigma"])
def test_nan(tmp_path, bad, key):
    array = arrays()[key]
    array.reshape(-1)[-1] = bad
    refused(saved(tmp_path / "a.npz", **{key: array}), f"'{key}' holds NaN", f"index {len(array) - 1}")


def test_wrong_shapes_and_types_name_the_key_and_the_other(tmp_path):
    refused(saved(tmp_path / "a.npz", eps=np.ones((T, N + 1, 2), np.float32)), "'eps'", "'x'", f"N = {N}")
    refused(saved(tmp_path / "b.npz", drift=np.ones((T + 1, N, 2), np.float32)), "'drift'", "T+1")
    refused(saved(tmp_path / "c.npz", noise=np.ones((T, N, 3), np.float32)), "'noise'", "events (2,)")
    refused(saved(tmp_path / "d.npz", nfe=np.ones(T + 1)), "'nfe'", "integers")
    refused(saved(tmp_path / "e.npz", target=np.ones((0, 2))), "'target'", "empty")
    refused(saved(tmp_path / "f.npz", x0=np.ones(3)), "'x0'", "axes")
    grid = {"grid_x": np.ones(4), "grid_y": np.ones(3), "field_time": np.ones(2)}
    refused(saved(tmp_path / "g.npz", **grid, field_score=np.ones((2, 4, 3, 2))), "'field_score'", "grid_y")
    Trajectory.open(saved(tmp_path / "h.npz", **grid, field_score=np.ones((2, 3, 4, 2))))


IMAGES = np.zeros((T + 1, N, 3, 8, 8), np.float32)
LEVELS = np.linspace(1, 0, T + 1)
MADE_WRONGLY = {
    "levels below 0": ({"sigma": LEVELS - 0.5}, ["'sigma' is -0.5 at index 5"]),
    "time turned round": ({"alpha": LEVELS, "sigma": 1 - LEVELS}, ["its noise grows", "x[::-1]"]),
    "far out": ({"x": arrays()["x"] * 1e31}, ["'x' reaches", "farther out than can be drawn"]),
    "bytes": ({"x": IMAGES + 255}, ["values up to 255", "x / 127.5 - 1"]),
    "channels last": ({"x": IMAGES.transpose(0, 1, 3, 4, 2)}, ["(8, 8, 3)", "x.transpose(0, 1, 4, 2, 3)"]),
    "whole numbers": ({"x": np.zeros((T + 1, N, 2), int)}, ["'x' holds int64", "numpy.asarray(x, float)"]),
}


@pytest.mark.parametrize("name", MADE_WRONGLY)
def test_what_no_run_can_have_been_is_refused_with_the_remedy(name, tmp_path):
    moves = ("x0", "eps", "drift", "noise")
    more, said = MADE_WRONGLY[name]
    refused(saved(tmp_path / "a.npz", drop=moves, **more), *said)
    for fine in ({"x": IMAGES}, {"x": np.asfortranarray(arrays()["x"])}, {"x": arrays()["x"].astype(">f4")}):
        Trajectory.open(saved(tmp_path / "b.npz", drop=moves, **fine))  # the control


def test_pickles_and_texts(tmp_path):
    objects = np.empty(2, object)
    objects[:] = [print, {}]
    with zipfile.ZipFile(saved(tmp_path / "a.npz"), "a") as archive:
        stream = io.BytesIO()
        np.save(stream, objects, allow_pickle=True)
        archive.writestr("mine.npy", stream.getvalue())
    refused(tmp_path / "a.npz", "'mine' is a pickle")
    refused(saved(tmp_path / "b.npz", mine=np.array(["text"])), "'mine'")
    refused(saved(tmp_path / "c.npz", mine=np.ones(3, complex)), "'mine'", "complex")


def forged(path: Path, header: str, body: bytes = b"") -> Path:
    """A file whose member `x0` has that npy header."""
    text = header.encode().ljust(117) + b"\n"
    member = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + body
    with zipfile.ZipFile(saved(path, drop=("x0",)), "a") as archive:
        archive.writestr("x0.npy", member)
    return path


@pytest.mark.parametrize("shape", ["(1000000000000, 1000)", "(1, 2)", "(-1, 4)", "(2**70,)", "(True,)", "'no'"])
def test_claimed_shapes(tmp_path, shape):
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"
    refused(forged(tmp_path / "a.npz", header, bytes(16)), "'x0'")


def test_headers_that_are_no_headers(tmp_path):
    refused(forged(tmp_path / "a.npz", "[" * 100), "'x0'")
    with zipfile.ZipFile(saved(tmp_path / "b.npz"), "a") as archive:
        archive.writestr("mine.npy", b"nonsense")
    refused(tmp_path / "b.npz", "'mine' is not a NumPy array")
    with zipfile.ZipFile(saved(tmp_path / "c.npz"), "a") as archive:
        archive.writestr("../../evil.npy", b"")
    refused(tmp_path / "c.npz", "stands in a folder inside it")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("my key.npy", "my_key=…"),
        ("β.npy", "my_key=…"),
        ("run/x.npy", "in a folder inside it"),
        ("x.npy", "stands in it twice"),
        ("README.txt", "is no array (.npy).\nTake it out"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_of_members_that_cannot_be_are_answered(tmp_path, name, said):
    with zipfile.ZipFile(saved(tmp_path / "a.npz"), "a") as archive:
        archive.writestr(name, b"")
    refused(tmp_path / "a.npz", said)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x93NUMPY\x01\x00v", "not a recording, but one array (.npy)"),
        (b"", "is empty"),
        (pickle.dumps({"x": 1}), "not a recording, but a pickle"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1", "git lfs pull"),
        (b"PK\x03\x04 and no more", "truncated or damaged"),
        (b"hello", "not a recording"),
    ],
)
def test_a_file_that_is_no_archive_is_called_what_it_is(tmp_path, content, said):
    (tmp_path / "a.npz").write_bytes(content)
    refused(tmp_path / "a.npz", said)


@pytest.mark.parametrize(("x", "said"), [(np.ones(3) * 1j, "x.real, x.imag"), (np.array(["a"]), "asarray(x, float)")])
def test_arrays_that_are_no_numbers_are_told_how_to_be(tmp_path, x, said):
    refused(saved(tmp_path / "a.npz", x=x), said)


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    zeros = np.zeros((T, N, 2, 100_000), np.float32)
    path = saved(tmp_path / "a.npz", compressed=True, mine=zeros)
    assert path.stat().st_size < zeros.nbytes / 500
    monkeypatch.setattr("diffrender.trajectory.archive.MAX_INFLATED", 1 << 20)
    refused(path, "compressed")


# ---- writing ---------------------------------------------------------------------------------------------------------
def diverging(path: Path) -> None:
    with TrajectoryWriter(path, {"kind": "langevin"}) as writer:
        writer.write("x", np.ones((2, N, 2)))
        writer.write("x", np.full((1, N, 2), np.nan))


def interrupted(path: Path) -> None:
    with TrajectoryWriter(path, {"kind": "langevin"}) as writer:
        writer.write("x", np.ones((1, N, 2)))
        raise KeyboardInterrupt


def incomplete(path: Path) -> None:
    with TrajectoryWriter(path, {"kind": "langevin"}) as writer:
        writer.write("x", np.ones((1, N, 2)))


@pytest.mark.parametrize(
    ("run", "error", "words"),
    [
        (diverging, TrajectoryError, "'x' became NaN or infinite at step 2"),
        (interrupted, KeyboardInterrupt, None),
        (incomplete, TrajectoryError, "'time' is missing"),
    ],
)
def test_a_failed_run_leaves_the_old_file_and_nothing_else(tmp_path, run, error, words):
    path = written(tmp_path / "a.npz")
    before = path.read_bytes()
    with pytest.raises(error, match=words):
        run(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]


def test_unwritable_and_full_folders(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TrajectoryError, match="cannot be written"):
        written(tmp_path / "file" / "a.npz")
    with pytest.raises(TrajectoryError, match="cannot be written"):
        written(Path("/proc/a.npz"))


def test_a_full_disk_is_said(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("diffrender.trajectory.writer._write_all", full)
    with pytest.raises(TrajectoryError, match="No space left on device"):
        written(tmp_path / "a.npz")
    assert not list(tmp_path.iterdir())
