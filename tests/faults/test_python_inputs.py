"""From Python: paths as strings, arrays of any kind, and names that completion finds."""

import os
import rlcompleter
import subprocess
import sys

import numpy as np
import pytest
import torch

import diffrender
from diffrender.core.child_process import MODULE, importing_us
from diffrender.core.errors import TrajectoryError


class Foreign:
    """An array of another library: all that NumPy is told is `__array__`."""

    def __init__(self, data):
        self.data = data

    def __array__(self, dtype=None, copy=None):
        return np.array(self.data, dtype)


STATES = np.random.default_rng(0).normal(size=(3, 20, 2))


@pytest.mark.parametrize(
    "kind", [np.float64, np.float32, np.float16, torch.from_numpy, Foreign, lambda x: x.tolist(), np.asfortranarray]
)
def test_a_recorder_takes_arrays_of_any_kind(kind, tmp_path):
    with diffrender.Recorder(str(tmp_path / "x.npz")) as recorder:
        for x, sigma in zip(STATES, (1.0, 0.5, 0.0), strict=True):
            recorder.state(kind(x), alpha=(1 - sigma**2) ** 0.5, sigma=np.float32(sigma), x0=kind(x))
    found = diffrender.Trajectory.open(str(tmp_path / "x.npz"))
    assert np.allclose(found["x"], STATES, atol=2e-3)
    assert found["x0"].shape == (2, 20, 2)


def test_a_recorder_copies_what_is_changed_afterwards(tmp_path):
    x = STATES[0].copy()
    with diffrender.Recorder(tmp_path / "x.npz") as recorder:
        for sigma in (0.5, 0.0):
            recorder.state(x, alpha=1.0, sigma=sigma)
            x += 1
    found = diffrender.Trajectory.open(tmp_path / "x.npz")["x"]
    assert np.allclose(found[1] - found[0], 1, atol=1e-5)


@pytest.mark.parametrize("module", ["diffrender.jobs.run.child", "diffrender.core.limited_process 1000000000"])
def test_files_named_like_libraries_do_not_stand_in_for_them(module, tmp_path):
    for name in ("random", "numbers", "future", "typing", "numpy"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('taken for a library')")
    here = {"cwd": tmp_path, "env": importing_us(os.environ), "input": b"", "capture_output": True}
    assert subprocess.run([*MODULE, *module.split()], **here).returncode == 0
    done = subprocess.run([sys.executable, "-m", *module.split()], **here)
    assert b"taken for a library" in done.stderr  # the control


@pytest.mark.parametrize("number", [1, np.float32(1), np.array(1.0), torch.tensor(1.0), np.array([1.0])])
def test_levels_are_numbers_of_any_kind(number, tmp_path):
    with diffrender.Recorder(tmp_path / "x.npz") as recorder:
        recorder.state(STATES[0], alpha=0.0 * number, sigma=number)
        recorder.state(STATES[1], alpha=number, sigma=0)
    assert diffrender.Trajectory.open(tmp_path / "x.npz")["sigma"].tolist() == [1, 0]


@pytest.mark.parametrize("number", [np.array([1.0, 0.5]), "x", None, torch.ones(3)])
def test_a_level_that_is_no_number_is_refused_by_name(number, tmp_path):
    with (
        pytest.raises(TrajectoryError, match="sigma is one number"),
        diffrender.Recorder(tmp_path / "x.npz") as recorder,
    ):
        recorder.state(STATES[0], alpha=1.0, sigma=number)


@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.bool_])
def test_whole_numbers_are_no_states(kind, tmp_path):
    with pytest.raises(TrajectoryError, match="floating-point"), diffrender.Recorder(tmp_path / "x.npz") as recorder:
        recorder.state((STATES[0] > 0).astype(kind), alpha=1.0, sigma=0.5)


def test_a_tensor_that_needs_gradients_is_recorded(tmp_path):
    x = torch.from_numpy(STATES[0]).requires_grad_()
    with diffrender.Recorder(tmp_path / "x.npz") as recorder:
        for sigma in (0.5, 0.0):
            recorder.state(x.bfloat16() * 2 if sigma else x, alpha=1.0, sigma=sigma)
    assert diffrender.Trajectory.open(tmp_path / "x.npz")["x"].shape == (2, 20, 2)


@pytest.mark.parametrize("x", [["a", "b"], [[1, 2], [3]], np.zeros(5), 3.0, np.array([{}, {}])])
def test_what_is_no_array_of_states_is_refused_by_name(x, tmp_path):
    recorder = diffrender.Recorder(tmp_path / "x.npz")
    with pytest.raises(TrajectoryError, match="'x'"), recorder:
        recorder.state(x, alpha=1.0, sigma=0.5)
    assert not (tmp_path / "x.npz").exists()


class PathLike:
    """A path of another library."""

    def __init__(self, path):
        self.path = str(path)

    def __fspath__(self):
        return self.path


def test_configs_are_loaded_from_paths_of_any_kind(tmp_path, monkeypatch):
    (tmp_path / "c.yaml").write_text("target: {kind: spiral}\nseed: 3\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    whole = diffrender.load_config(tmp_path / "c.yaml")
    assert whole.seed == 3
    for given in (str(tmp_path / "c.yaml"), "c.yaml", "./c.yaml", PathLike(tmp_path / "c.yaml"), "~/c.yaml"):
        assert diffrender.load_config(given) == whole


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("none.yaml", "none.yaml"),
        ("", "directory"),
        (".", "folder|directory|file"),
        ("c.toml", "c.toml"),
        ("a\0b", "name of a file"),
    ],
)
def test_a_config_that_cannot_be_loaded_is_refused_in_words(given, said, tmp_path, monkeypatch):
    (tmp_path / "c.toml").write_text("[target]\nkind = 'spiral'\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(diffrender.DiffrenderError, match=said):
        diffrender.load_config(given)


@pytest.mark.parametrize("given", [None, 3, {"target": "spiral"}])
def test_what_is_no_path_is_refused_by_its_kind(given):
    with pytest.raises((TypeError, diffrender.DiffrenderError), match=r"path|PathLike|config"):
        diffrender.load_config(given)


def test_names_that_are_loaded_late_are_found():
    assert {"Recorder", "render", "__version__", "__file__"} <= set(dir(diffrender))
    assert (
        rlcompleter.Completer({"diffrender": diffrender}).complete("diffrender.load_c", 0) == "diffrender.load_config("
    )
    assert "nothing" not in dir(diffrender)
