"""States of many dimensions are shown through a projection that says its name."""

import numpy as np
import pytest

from diffrender.core.errors import TrajectoryError
from diffrender.trajectory.projection import decoded_images, projected
from diffrender.trajectory.reader import Trajectory
from diffrender.trajectory.writer import TrajectoryWriter


@pytest.fixture
def run(tmp_path):
    """Five dimensions, of which the fourth and the second vary most; T = 2, N = 6."""
    rng = np.random.default_rng(0)
    spread = np.array([0.1, 2.0, 0.1, 5.0, 0.1])
    with TrajectoryWriter(tmp_path / "a.npz", {"kind": "reverse"}) as writer:
        writer.write("x", rng.standard_normal((3, 6, 5)).astype(np.float32))
        writer.write("x0", rng.standard_normal((2, 6, 5)).astype(np.float32))
        writer.add("target", (spread * rng.standard_normal((4000, 5))).astype(np.float32))
        for key in ("alpha", "sigma", "time", "metric_sliced_wasserstein", "metric_mine"):
            writer.add(key, np.array([1.0, 0.5, 0.0]))
    return Trajectory.open(tmp_path / "a.npz")


def test_principal_components_are_where_the_data_vary(run):
    shown = projected(run)
    assert shown.event == (2,)
    np.testing.assert_allclose(np.abs(shown.x), np.abs(run.x[..., [3, 1]]), atol=0.15)
    assert not np.allclose(np.abs(shown.x), np.abs(run.x[..., [1, 3]]), atol=0.5)
    assert shown.x0.shape == (2, 6, 2)
    assert shown.target.std(0) == pytest.approx([5, 2], rel=0.05)
    assert shown.meta["projection"] == "PCA of 5 dimensions: 100 %"
    assert "metric_mine" in shown
    assert "metric_sliced_wasserstein" not in shown  # of five dimensions, not of the picture
    assert "projection" not in run.meta


def test_it_is_linear_so_that_moves_still_add_up(run):
    shown = projected(run)
    twice = projected(Trajectory(run.file, run.meta, {**run.arrays, "x": 2 * run.x}))
    np.testing.assert_allclose(twice.x, 2 * shown.x, rtol=1e-6)


@pytest.mark.parametrize(("how", "columns"), [("0,1", [0, 1]), ("4,2", [4, 2]), ("3,0,1", [3, 0, 1])])
def test_coordinates_may_be_chosen(run, how, columns):
    shown = projected(run, how)
    assert np.array_equal(shown.x, run.x[..., columns])
    assert np.array_equal(shown.target, run.target[..., columns])
    assert shown.meta["projection"] == f"coordinates {', '.join(map(str, columns))} of 5"


def test_coordinates_that_are_not_there_are_named(run):
    with pytest.raises(TrajectoryError, match="none 5"):
        projected(run, "0,5")


def latents(path, **decoded):
    rng = np.random.default_rng(0)
    with TrajectoryWriter(path, {"kind": "reverse"}) as writer:
        writer.write("x", rng.standard_normal((4, 5, 4, 2, 2)).astype(np.float32))
        writer.write("x0", rng.standard_normal((3, 5, 4, 2, 2)).astype(np.float32))
        writer.add("label", np.arange(5))
        for key in ("alpha", "sigma", "time"):
            writer.add(key, np.array([1.0, 0.6, 0.3, 0.0]))
        for key, array in decoded.items():
            writer.add(key, array)
    return Trajectory.open(path)


def test_latents_are_shown_as_the_images_decoded_from_them(tmp_path):
    images = np.random.default_rng(1).uniform(-1, 1, (3, 2, 3, 8, 8)).astype(np.float16)
    steps = np.array([0, 2, 3])
    run = latents(tmp_path / "a.npz", decoded_x=images, decoded_x0=-images, decoded_step=steps)
    shown = decoded_images(run)
    assert np.array_equal(shown.x, images)
    assert np.array_equal(shown.x0, -images[:2])
    assert shown.sigma.tolist() == [1.0, 0.3, 0.0]
    assert shown.label.tolist() == [0, 1]
    assert np.array_equal(shown.eps[1], run.eps[2][:2, :3])
    assert shown["noise_estimate"][:, 0].shape == (3,)
    assert shown.meta["projection"] == "4 latent channels, decoded"


def test_latents_without_images_are_refused_with_what_to_do(tmp_path):
    with pytest.raises(TrajectoryError, match="4 channels") as refused:
        decoded_images(latents(tmp_path / "a.npz"))
    assert "decode=" in refused.value.remedy
