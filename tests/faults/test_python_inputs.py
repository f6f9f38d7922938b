"""From Python: paths as strings, arrays of any kind, and names that completion finds."""

import rlcompleter

import numpy as np
import pytest
import torch

import diffrender
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


@pytest.mark.parametrize("x", [["a", "b"], [[1, 2], [3]], np.zeros(5), 3.0, np.array([{}, {}])])
def test_what_is_no_array_of_states_is_refused_by_name(x, tmp_path):
    recorder = diffrender.Recorder(tmp_path / "x.npz")
    with pytest.raises(TrajectoryError, match="'x'"), recorder:
        recorder.state(x, alpha=1.0, sigma=0.5)
    assert not (tmp_path / "x.npz").exists()


def test_configs_are_loaded_from_strings(tmp_path):
    (tmp_path / "c.yaml").write_text("target: {kind: spiral}\n")
    assert diffrender.load_config(str(tmp_path / "c.yaml")) == diffrender.load_config(tmp_path / "c.yaml")


def test_names_that_are_loaded_late_are_found():
    assert {"Recorder", "render", "__version__", "__file__"} <= set(dir(diffrender))
    assert (
        rlcompleter.Completer({"diffrender": diffrender}).complete("diffrender.load_c", 0) == "diffrender.load_config("
    )
    assert "nothing" not in dir(diffrender)
