"""The scene compare read back: the error on screen is that of a direct computation, and pairs are of the same noise."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from diffrender.animation.parts.pair_panels import within
from diffrender.animation.parts.score_error import ScoreError
from diffrender.config.sections import Config
from diffrender.core.errors import RenderError
from diffrender.diffusion.denoisers import learned
from diffrender.diffusion.levels import Level
from diffrender.diffusion.recording.record import sample
from diffrender.diffusion.training.loop import train
from diffrender.trajectory.reader import Trajectory

MEANS, STD = np.array([[-1.0, 0.0], [1.0, 0.0]]), 0.3
TARGET = {"kind": "gaussian_mixture", "means": MEANS.tolist(), "stds": [STD, STD]}
GRID = [18, 10]
OPTIONS = {"duration": 1.0, "hold": 0.5}


def config(**sections):
    base = {
        "target": TARGET,
        "model": {"kind": "mlp", "width": 8},
        "sampler": {"kind": "ddim", "steps": 10, "chains": 60},
    }
    base |= {"training": {"steps": 30, "snapshots": 0, "snapshot_chains": 100, "batch_size": 32, "data_size": 500}}
    return Config.model_validate(base | {"record": {"keep": [], "target_points": 60}} | sections)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return train(config(), tmp_path_factory.mktemp("weights") / "model.safetensors", measured_samples=50).weights


@pytest.fixture(scope="module")
def runs(weights, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    probed = {"fields": ["score", "exact_score"], "grid": GRID, "density": True, "density_grid": GRID}
    record = {"keep": [], "target_points": 60, **probed}
    made = {
        "run": sample(config(record=record), folder / "run.npz", weights=weights),
        "exact": sample(config(model="exact"), folder / "exact.npz"),
    }
    return {name: Trajectory.open(file) for name, file in made.items()}


@pytest.fixture(scope="module")
def pair(recorded):
    """Two recordings of the same noise by different samplers, over the same levels."""
    sampler = {"steps": 10, "chains": 80, "timestep_spacing": "linspace"}
    return {
        name: recorded("moons", sampler={"kind": kind, **sampler})
        for name, kind in (("run", "ddim"), ("exact", "ddpm"))
    }


def direct(run, weights, k):
    """σ ‖s_θ − ∇ log p_t‖ of a level and its root mean square over p_t, from the network and the mixture's formula."""
    alpha, sigma = (float(run[key][k]) for key in ("alpha", "sigma"))
    x = np.stack(np.meshgrid(run["grid_x"], run["grid_y"]), -1).reshape(-1, 2)
    network = learned.load(weights, config(), (2,), 0, "cpu")
    made = (
        network(torch.tensor(x, dtype=torch.float32), Level(alpha, sigma, float(run["time"][k]))).score.detach().numpy()
    )
    scale, offset = run.meta["target"]["scale"], np.array(run.meta["target"]["offset"])
    means, variance = alpha * (MEANS - offset) / scale, (alpha * STD / scale) ** 2 + sigma**2
    away = means[:, None] - x[None]
    p = np.exp(-np.square(away).sum(-1) / (2 * variance))
    exact = (p[..., None] * away).sum(0) / p.sum(0)[:, None] / variance
    size, p = sigma * np.linalg.norm(made - exact, axis=1), p.sum(0)
    return size, float(np.sqrt((p * size**2).sum() / p.sum())), p


def test_the_error_is_that_of_a_direct_computation(runs, weights):
    run = runs["run"]
    error = ScoreError(run)
    for k in (2, 6, 9):
        size, norm, p = direct(run, weights, k)
        assert error.size[k].ravel() == pytest.approx(size, rel=1e-3, abs=1e-4)
        assert error.norm[k] == pytest.approx(norm, rel=1e-3)
        assert (error.asked[k].ravel() == (p >= 0.01 * p.max())).all()
        assert direct(run, weights, k - 1)[1] != pytest.approx(error.norm[k], rel=1e-3), "the control: another level"


def test_the_map_and_the_chart_show_it(cinema, runs):
    (shot,) = cinema("compare", **runs).at(1.2 + 0.6, **OPTIONS)
    error = ScoreError(runs["run"])
    (heat,) = shot.rasters["Heatmap"]
    assert np.array_equal(heat.recorded, error.size)
    curve = min(shot.rasters["Curve"], key=lambda mob: np.abs(np.exp(mob.y) - error.norm).max())
    assert np.exp(curve.y) == pytest.approx(error.norm, rel=1e-6)
    assert -curve.x == pytest.approx(runs["run"]["time"][: len(error.norm)])  # an axis that falls, to the data
    assert np.exp(curve.y) != pytest.approx(error.elsewhere, rel=0.1), "the control: the other curve"
    curve.show_step(int(np.argmin(curve.y)))
    assert curve.value < curve.box[2] == curve.dotted()[1], "the dot stays at the foot of the axis, the figure as it is"


def test_dots_lie_where_it_was_never_asked_and_nowhere_else(cinema, runs):
    (shot,) = cinema("compare", **runs).at(1.2 + 0.6, **OPTIONS)
    error = ScoreError(runs["run"])
    dots = next(mob for mob in reversed(shot.rasters["PointCloud"]) if mob.recorded is not None)
    k = int(dots.step)
    seen = {tuple(p) for p in np.round(dots.xy, 5) if abs(p[0]) < 1e3}
    wanted = {tuple(p) for p in np.round(error.places[::2, ::2][~error.asked[k][::2, ::2]], 5)}
    assert seen == wanted != set()


def test_an_exact_model_has_nothing_to_compare(cinema, runs):
    film = cinema("compare", run=runs["run"], exact=runs["exact"])
    meta = runs["run"].meta | {"model": {"kind": "exact", "label": "exact denoiser"}}
    film.trajectories["run"] = Trajectory(runs["run"].file, meta, runs["run"].arrays)
    with pytest.raises(RenderError, match="needs a learned score"):
        film.at(0.5, **OPTIONS)


def test_two_recordings_of_the_same_noise_are_compared_chain_by_chain(cinema, pair):
    (shot,) = cinema("compare", **pair).at(1.2 + 0.6, **OPTIONS)
    (curve,) = shot.rasters["Curve"]
    one, other = (np.asarray(run["x"], float) for run in pair.values())
    assert pair["run"]["sigma"] == pytest.approx(pair["exact"]["sigma"])
    apart = np.sqrt(((one - other) ** 2).sum(2).mean(1))
    assert curve.y == pytest.approx(apart, rel=1e-5)
    assert curve.y != pytest.approx(np.sqrt(((one - other[:, ::-1]) ** 2).sum(2).mean(1)), rel=0.1), (
        "the control: chains mixed"
    )


def test_lines_of_chains_end_at_the_edge_of_their_panel():
    p = np.array([[0.0, 0.0], [-2.0, 0.0], [0.0, 0.5], [3.0, 3.0], [0.5, 0.5]])
    q = np.array([[2.0, 0.0], [2.0, 1.0], [0.0, -3.0], [3.0, -3.0], [0.6, 0.6]])
    a, b = within(p, q, (-1.0, 1.0, -1.0, 1.0))
    assert a == pytest.approx(np.array([[0, 0], [-1, 0.25], [0, 0.5], [0.5, 0.5]]))
    assert b == pytest.approx(np.array([[1, 0], [1, 0.75], [0, -1], [0.6, 0.6]]))
    assert np.abs(q).max() > 1, "the control: as they are, they go beyond it"


def test_recordings_of_other_noise_are_refused(cinema, pair, recorded):
    stranger = recorded("moons", sampler={"kind": "ddim", "steps": 10, "chains": 80, "seed": 5})
    with pytest.raises(RenderError, match="not of the same noise"):
        cinema("compare", run=pair["run"], exact=stranger).at(0.5, **OPTIONS)


def test_a_frame_is_the_same_played_and_sought(cinema, runs, pair):
    assert cinema("compare", **runs).unlike_when_sought(11, **OPTIONS) == []
    assert cinema("compare", **pair).unlike_when_sought(11, **OPTIONS) == []


def test_it_fits_every_frame(cinema, runs, pair, shape, look):
    assert cinema("compare", **runs).layout(shape, look, every=9, **OPTIONS) == []
    assert cinema("compare", **pair).layout(shape, look, every=6, **OPTIONS) == []
