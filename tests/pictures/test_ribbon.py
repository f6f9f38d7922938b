"""The ribbon scene read back: its map, histograms and paths against the closed form of a mixture on a line."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import map_coordinates
from scipy.stats import ks_2samp, kstest, norm

from diffrender.animation.parts.ribbon import DensitySlice, chance, gaps
from diffrender.core.errors import ConfigError

MEANS, STDS, WEIGHTS = np.array([-1.2, 0.2, 1.3]), np.array([0.3, 0.2, 0.35]), np.array([0.4, 0.25, 0.35])
TARGET = {
    "kind": "gaussian_mixture",
    "means": [[m] for m in MEANS.tolist()],
    "stds": STDS.tolist(),
    "weights": WEIGHTS.tolist(),
}
SAMPLER = {"steps": 80, "chains": 1000, "timestep_spacing": "linspace"}
RECORD = {"density": True, "density_grid": [401, 1]}
SDE = SAMPLER | {"kind": "dpmpp_2m_sde", "start": "flow"}


@pytest.fixture(scope="module")
def runs(recorded):
    def run(sampler):
        return recorded(TARGET, sampler=sampler, record=RECORD)

    dial = {name: run(SDE | {"eta": eta}) for name, eta in (("flow", 0.0), ("dial1", 0.5), ("sde", 1.0))}
    return dial | {"forward": run(SAMPLER | {"kind": "forward"})}


@pytest.fixture(scope="module")
def film(cinema, runs):
    film = cinema("ribbon", **runs)
    film.shots = film.play([(k, k + 1) for k in range(0, 10**4, 4)], (320, 180), fps=2, duration=1)
    return film


def component(run, k):
    """Means and deviations (3,) of the components at a kept state."""
    alpha, sigma = float(run["alpha"][k]), float(run["sigma"][k])
    return alpha * MEANS, np.hypot(alpha * STDS, sigma)


def density(run, k, x):
    mean, std = component(run, k)
    return norm.pdf(np.asarray(x)[:, None], mean, std) @ WEIGHTS


def test_the_map_is_the_closed_form_at_every_time(film, runs):
    run, x = runs["flow"], np.linspace(-2.5, 2.5, 41)
    heat = film.shots[0].rasters["Heatmap"][0]
    (_, _, low, high), top = heat.extent, heat.high
    rows = (x - low) / (high - low) * (heat.coefficients.shape[0] - 1)

    def drawn(time):
        columns = np.full(len(x), time * (heat.coefficients.shape[1] - 1))
        return top * map_coordinates(heat.coefficients, [rows, columns], order=3, prefilter=False, mode="mirror")

    for k in (0, 20, 45, 70, 78):
        assert np.abs(drawn(float(run["time"][k])) - density(run, k, x)).max() < 0.01 * top
    assert np.abs(drawn(float(run["time"][70])) - density(run, 45, x)).max() > 0.05 * top, "the control: another time"


@pytest.mark.parametrize("name", ["flow", "dial1", "sde", "forward"])
def test_every_dynamics_has_the_histogram_of_p_t(runs, name, recorded):
    """A two-sample test against fresh draws of the mixture; all moments of a run are of the same chains."""
    run, rng = runs[name], np.random.default_rng(1)

    def fresh(k):
        mean, std = component(run, k)
        which = rng.choice(3, 4000, p=WEIGHTS)
        return mean[which] + std[which] * rng.standard_normal(4000)

    steps = (0, 20, 40, 60, 78)
    assert min(ks_2samp(run["x"][k][:, 0], fresh(k)).pvalue for k in steps) > 1e-3
    if name == "sde":  # the control: the drift of the SDE without its noise
        wrong = recorded(TARGET, sampler=SAMPLER | {"kind": "ddpm", "variance": "none"}, record=RECORD)
        assert min(ks_2samp(wrong["x"][k][:, 0], fresh(k)).pvalue for k in steps) < 1e-6


def test_bars_are_counts_of_all_points_and_the_line_is_p_t(film, runs):
    page, run = film.scene.page, runs["sde"]
    cells = film.scene.arrange("rows with sides", count=3)
    slice_ = DensitySlice(page, run, cells.sides[2], (-3.0, 3.0), "#FFFFFF")
    slice_.show_step(60)
    counts = slice_.heights(60) * np.diff(slice_.edges) * run.chains
    assert counts == pytest.approx(np.histogram(run["x"][60][:, 0], slice_.edges)[0], abs=1e-6)
    ends = np.array(slice_.curve.get_anchors())
    x = -3 + 6 * (ends[:, 1] - slice_.box.bottom) / slice_.box.height
    p = (ends[:, 0] - slice_.box.left) / slice_.box.width * slice_.highest
    assert np.abs(p - density(run, 60, x)).max() < 5e-3
    assert np.abs(p - density(run, 40, x)).max() > 5e-2, "the control: another step"


def test_the_gap_is_the_kolmogorov_smirnov_distance(runs):
    run, found = runs["sde"], gaps(runs["sde"])

    def far(k, j):
        mean, std = component(run, k)
        return kstest(run["x"][j][:, 0], lambda x: norm.cdf(x[:, None], mean, std) @ WEIGHTS).statistic

    for k in (0, 40, 79):
        assert found[k] == pytest.approx(far(k, k), abs=2e-3)
    assert abs(found[79] - far(79, 20)) > 0.02, "the control: the states of another step"
    draws = np.random.default_rng(0).standard_normal((400, 500))
    under = np.mean([kstest(row, norm.cdf).statistic < chance(500) for row in draws])
    assert under == pytest.approx(0.95, abs=0.04)


def test_the_flow_goes_back_to_the_same_data_and_the_sde_does_not(runs):
    data = np.asarray(runs["forward"]["x"][0])
    assert np.abs(runs["flow"]["x"][0] - runs["sde"]["x"][0]).max() == 0
    assert np.quantile(np.abs(runs["flow"]["x"][-1] - data), 0.99) < 0.02
    assert np.median(np.abs(runs["sde"]["x"][-1] - data)) > 0.3, "the control: other noise, another end"


def test_a_start_on_the_flow_needs_a_mixture(recorded):
    with pytest.raises(ConfigError, match="flow is known exactly of a mixture"):
        recorded("spiral", sampler={"kind": "ddim", "steps": 4, "chains": 9, "start": "flow"})


def test_it_fits_every_frame(cinema, runs, shape, look):
    assert cinema("ribbon", **runs).layout(shape, look, every=9, duration=1.0) == []
