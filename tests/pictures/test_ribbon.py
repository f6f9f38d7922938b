"""The ribbon scene read back: its map, histograms and paths against the closed form of a mixture on a line."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import map_coordinates
from scipy.stats import ks_2samp, kstest, norm

from diffrender.animation.colors import contrast
from diffrender.animation.parts.ribbon import DensityOverTime, DensitySlice, chance, even_chains, gaps
from diffrender.config.sections import Config
from diffrender.core.errors import ConfigError
from diffrender.diffusion.recording.record import sample
from diffrender.diffusion.training.loop import train
from diffrender.trajectory.reader import Trajectory

MEANS, STDS, WEIGHTS = np.array([-1.2, 0.2, 1.3]), np.array([0.3, 0.2, 0.35]), np.array([0.4, 0.25, 0.35])
TARGET = {
    "kind": "gaussian_mixture",
    "means": [[m] for m in MEANS.tolist()],
    "stds": STDS.tolist(),
    "weights": WEIGHTS.tolist(),
}
SAMPLER = {"steps": 80, "chains": 1000, "timestep_spacing": "linspace"}
RECORD = {"density": True, "density_grid": [401, 1]}
PATHS = 14  # on each of several maps
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


# ---- families of levels, and a learned flow --------------------------------------------------------------------------
FAMILIES = {
    "vp": {"kind": "squaredcos_cap_v2"},
    "ve": {"kind": "karras", "rho": 1.0, "sigma_max": 3.0},
    "straight": {"kind": "flow"},
}


@pytest.fixture(scope="module")
def families(recorded):
    sampler = SAMPLER | {"kind": "rk45", "start": "flow", "chains": 200, "steps": 40}
    return {
        name: recorded(TARGET, schedule=kind, sampler=sampler, record=RECORD | {"density_grid": [201, 1]})
        for name, kind in FAMILIES.items()
    }


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """The flow of a network that has hardly learned."""
    folder, few = tmp_path_factory.mktemp("learned"), {"batch_size": 64, "snapshots": 0, "snapshot_chains": 100}
    config = Config.model_validate(
        {
            "target": TARGET,
            "model": {"kind": "mlp", "width": 16},
            "training": few | {"steps": 60, "learning_rate": 1e-2, "data_size": 400},
            "sampler": SDE | {"eta": 0.0},
            "record": RECORD | {"keep": [], "target_points": 150},
        }
    )
    weights = train(config, folder / "m.safetensors", device="cpu").weights
    return Trajectory.open(sample(config, folder / "run.npz", weights=weights))


def test_each_family_is_its_own_closed_form_with_the_same_data_at_its_clean_end(cinema, runs, families):
    film = cinema("ribbon", flow=runs["flow"], sde=runs["sde"], dial1=runs["dial1"], **families)
    film.play([(0, 1)], (320, 180), fps=2, duration=1, acts="families")
    maps = [heat for heat in film.rasters()["Heatmap"] if heat.extent[1] == 1.0]
    x = np.linspace(-2.5, 2.5, 41)

    def drawn(heat, time):
        low, high = heat.extent[2:]
        rows = (x - low) / (high - low) * (heat.coefficients.shape[0] - 1)
        columns = np.full(len(x), time * (heat.coefficients.shape[1] - 1))
        return heat.high * map_coordinates(heat.coefficients, [rows, columns], order=3, prefilter=False, mode="mirror")

    for heat, (name, run) in zip(maps, families.items(), strict=True):
        for k in (0, 10, 20, 35):
            off = np.abs(drawn(heat, float(run["time"][k])) - density(run, k, x)).max()
            assert off < 0.02 * heat.high, f"{name} at state {k}"
        other = families["ve" if name != "ve" else "vp"]
        assert np.abs(drawn(heat, float(run["time"][10])) - density(other, 10, x)).max() > 0.05 * heat.high, "control"
    assert density(families["vp"], 40, x) == pytest.approx(density(families["ve"], 40, x))


def test_the_flow_of_each_family_has_the_histogram_of_its_p_t(families):
    for name, run in families.items():
        worst = max(gaps(run)[:-1])
        assert worst < 1.4 * chance(run.chains), name
    run, states = families["vp"], np.asarray(families["ve"]["x"][20])[:, 0]
    mean, std = component(run, 20)
    assert kstest(states, lambda x: norm.cdf(x[:, None], mean, std) @ WEIGHTS).pvalue < 1e-3, "control: another family"


def test_the_learned_flow_lies_beside_the_exact_one_from_the_same_starts(cinema, runs, learned):
    film = cinema("ribbon", flow=runs["flow"], sde=runs["sde"], dial1=runs["dial1"], learned=learned)
    film.play([(k, k + 1) for k in range(0, 10**4, 4)], (320, 180), fps=2, duration=1, acts="learned")
    chains = even_chains(runs["flow"], PATHS, step=0)
    exact, beside, own = film.rasters()["Trails"]
    for trail, run in ((exact, runs["flow"]), (beside, runs["flow"]), (own, learned)):
        assert np.asarray(trail.recorded)[..., 1] == pytest.approx(np.asarray(run["x"])[:, chains, 0])
    assert np.abs(np.asarray(own.recorded)[0] - np.asarray(exact.recorded)[0]).max() < 1e-5
    assert np.abs(np.asarray(own.recorded)[-1] - np.asarray(exact.recorded)[-1]).max() > 0.05, "control: another flow"
    assert gaps(learned)[-2] > 2 * chance(learned.chains) > 2 * gaps(runs["flow"])[-2] * 0.5


@pytest.mark.parametrize("act", ["families", "learned"])
def test_acts_on_request_fit_every_frame(cinema, runs, families, learned, act, shape, look):
    more = families if act == "families" else {"learned": learned}
    film = cinema("ribbon", flow=runs["flow"], sde=runs["sde"], dial1=runs["dial1"], **more)
    assert film.layout(shape, look, every=9, duration=1.0, acts=act) == []


@pytest.mark.parametrize("look", ["dark", "light"])
def test_paths_stand_out_from_the_map_under_them(cinema, runs, look):
    film = cinema("ribbon", **runs)
    shots = film.play([(3, 4)], (320, 180), look, fps=2, duration=1, acts="backward")
    density_map = DensityOverTime(film.scene.page, runs["flow"], film.scene.arrange("ribbon").stage)
    for color in (film.scene.theme.samples, film.scene.theme.accept, film.scene.theme.fg):
        (trail, _) = density_map.paths(runs["flow"], [0, 1], color)
        drawn = str(trail.fill_color.to_hex()) if hasattr(trail.fill_color, "to_hex") else str(trail.fill_color)
        assert contrast(drawn, density_map.ground) >= 3.0
    assert min(contrast(c, density_map.ground) for c in (film.scene.theme.score, film.scene.theme.accept)) < 3.0, (
        "the control: as they are, some do not"
    )
    assert shots


def test_it_fits_every_frame(cinema, runs, shape, look):
    assert cinema("ribbon", **runs).layout(shape, look, every=9, duration=1.0) == []
