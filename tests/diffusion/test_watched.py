"""What is recorded of watched chains: posterior, other samplers' moves, collapse, classes, log p in closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from diffrender.config.sections import Config
from diffrender.core.errors import ConfigError, DiffrenderError
from diffrender.core.validation import validate
from diffrender.diffusion.check import check_config
from diffrender.diffusion.denoisers.exact import MixtureDenoiser
from diffrender.diffusion.denoisers.fixed_points import fixed_points, moments, splits
from diffrender.diffusion.recording.record import sample
from diffrender.diffusion.recording.run import Run
from diffrender.diffusion.targets.densities.catalogue import DENSITIES
from diffrender.trajectory.follow import pick_hero
from diffrender.trajectory.reader import Trajectory

MODES = {"kind": "gaussian_mixture", "weights": [0.3, 0.7], "means": [[-1.0, 0.2], [1.0, -0.3]], "stds": [0.25, 0.3]}
MEANS, STDS, WEIGHTS = np.array(MODES["means"]), np.array(MODES["stds"]), np.array(MODES["weights"])
STEPS, CHAINS = 12, 30


def config(target=MODES, **sections):
    data = {"target": target, "model": "exact", "sampler": {"kind": "ddpm", "steps": STEPS, "chains": CHAINS}}
    for name, section in sections.items():
        data[name] = data.get(name, {}) | section if isinstance(data.get(name), dict) else section
    return validate(Config, data, "config")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """`recorded(target, sections)` gives the Trajectory and its Run."""
    folder = tmp_path_factory.mktemp("watched")

    def make(name, *args, **sections):
        settings = config(*args, **sections)
        return Trajectory.open(sample(settings, folder / f"{name}.npz")), Run.of(settings)

    return make


# ---- the posterior ---------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module", params=["mixture", "points", "another model"])
def posterior(request, recorded):
    target = MODES if request.param != "points" else "spiral"
    model = {"model": "gaussian"} if request.param == "another model" else {}
    sampler = {"timestep_spacing": "karras"}
    return recorded(request.param, target, sampler=sampler, record={"posterior": True, "keep": ["x0"]}, **model)


def test_the_mean_of_the_fan_is_the_exact_prediction(posterior):
    t, run = posterior
    chain = t.meta["followed"]
    assert chain == pick_hero(t.x)
    assert np.allclose(t.posterior_weight.sum(1), 1, atol=1e-5)
    mean = np.einsum("tq,tqd->td", t.posterior_weight, t.posterior)
    exact = [run.exact(torch.from_numpy(t.x[k, chain : chain + 1].copy()), run.grid[k]).x0[0] for k in range(STEPS)]
    assert np.allclose(mean, t.posterior_mean, atol=1e-4)
    assert np.allclose(mean, torch.stack(exact), atol=1e-4)
    if t.meta["model"]["name"] == "exact":
        assert np.allclose(mean, t.x0[:, chain], atol=1e-4)
    assert np.abs(mean[1:] - t.posterior_mean[:-1]).max() > 0.05, "the control: the fan of another step"


def test_the_covariance_is_that_of_the_fan_and_of_a_finite_difference_jacobian(posterior):
    t, run = posterior
    chain, h = t.meta["followed"], 1e-4
    off = t.posterior - t.posterior_mean[:, None]
    fan = np.einsum("tq,tqd,tqe->tde", t.posterior_weight, off, off)
    assert np.allclose(fan, t.posterior_cov, atol=2e-4)
    for k in (2, 6, 9):
        x, level = torch.from_numpy(t.x[k, chain].copy()).double(), run.grid[k]
        for denoise, key in ((run.exact, "posterior_cov"), (run.denoise(), "model_cov")):
            shifts = torch.cat([x + h * torch.eye(2), x - h * torch.eye(2)])
            score = denoise(shifts, level).score
            hessian = ((score[:2] - score[2:]) / (2 * h)).T
            expected = (level.sigma / level.alpha) ** 2 * (torch.eye(2) + level.sigma**2 * hessian)
            assert np.allclose(t[key][k], expected, atol=1e-3 * float(expected.abs().max()) + 1e-6), key
            wrong = level.sigma**2 * (torch.eye(2) + level.sigma**2 * hessian)  # without alpha
            assert (
                not np.allclose(t[key][k], wrong, atol=1e-3 * float(expected.abs().max()) + 1e-6) or level.alpha > 0.999
            )


# ---- other samplers, and no noise ------------------------------------------------------------------------------------
def test_moves_of_other_samplers_are_those_that_they_make(recorded):
    t, _ = recorded("moves", record={"moves": ["ddim", "heun"]}, sampler={"timestep_spacing": "karras"})
    for name in ("ddim", "heun"):
        own, _ = recorded(name, sampler={"kind": name, "timestep_spacing": "karras"})
        assert np.allclose(own.x[0], t.x[0])
        assert np.allclose(t[f"move_{name}"][0], own.x[1] - own.x[0], atol=1e-5)
        assert not np.allclose(t[f"move_{name}"][0], t.x[1] - t.x[0], atol=1e-2), "the control: DDPM's own step"
    assert t.meta["moves"]["heun"] == {"title": "Heun", "nfe": 2}


def test_without_its_noise_a_gaussian_collapses_as_its_closed_form_says(recorded):
    """z − m shrinks by (c + u'²)/(c + u²) where it should by the root of that: to c / √(c + U²), all at the mean."""
    one = {"kind": "gaussian_mixture", "means": [[0.8, -0.4]], "stds": 0.5}
    sampler = {"steps": 400, "chains": 2000, "timestep_spacing": "log_snr"}
    t, run = recorded("still", one, sampler=sampler | {"variance": "none"}, record={"collapse": True})
    high, c = run.grid[0].ratio, 0.25
    expected = math.hypot(1, high) * c / (c + high**2)
    assert t.x[-1].std(0) == pytest.approx(expected, rel=0.06)
    assert t["collapse"] == pytest.approx([0.8, -0.4], abs=1e-5)
    assert np.abs(t.x[-1].mean(0) - t["collapse"]).max() < 0.01
    noisy, _ = recorded("noisy", one, sampler=sampler)
    assert noisy.x[-1].std(0) == pytest.approx(0.5, rel=0.06), "the control: with the noise it does not"


# ---- classes and fixed points ----------------------------------------------------------------------------------------
def test_the_score_of_two_modes_splits_where_the_posterior_is_as_wide_as_the_noise():
    two, ratios = DENSITIES["gaussian_mixture"].make(), list(np.geomspace(20, 0.05, 30))  # ± 1.5, deviation 0.5
    ((critical, count),) = splits(two, ratios)
    assert count == 2
    assert critical == pytest.approx(math.sqrt(1.5**2 - 0.5**2), rel=1e-4)
    _, cov = moments(two, torch.zeros(1, 2).double(), critical)
    largest = float(np.linalg.eigvalsh(cov[0])[-1])
    assert largest == pytest.approx(critical**2, rel=1e-4)
    data = 1.5**2 + 0.5**2  # the largest eigenvalue of the data's covariance: the right order, and not the instant
    assert abs(math.sqrt(data) / critical - 1) > 0.05, "the control"
    above, below = fixed_points(two, 1.02 * critical), fixed_points(two, 0.98 * critical)
    assert (len(above.z), above.stable.sum(), len(below.z), below.stable.sum()) == (1, 1, 3, 2)


def test_classes_and_fixed_points_are_recorded(recorded):
    sampler = {"kind": "ddim", "timestep_spacing": "log_snr"}
    t, run = recorded("classes", sampler=sampler, record={"classes": True})
    for k in (0, 5, STEPS):
        variance = t.alpha[k] ** 2 * STDS**2 + t.sigma[k] ** 2
        away = ((t.x[k][:, None] - t.alpha[k] * MEANS) ** 2).sum(-1)
        joint = WEIGHTS * np.exp(-away / (2 * variance)) / variance
        assert np.allclose(t.class_prob[k], joint / joint.sum(1, keepdims=True), atol=1e-4)
        assert not np.allclose(t.class_prob[k], np.eye(2)[np.zeros(CHAINS, int)], atol=0.05), "the control"
    for k in (3, 8):
        z = t.fixed_point[t.fixed_point_step == k]
        level = run.grid[k]
        score = run.exact(level.alpha * torch.from_numpy(z).double(), level).score
        assert float(score.abs().max()) < 1e-4
        moved = run.exact(level.alpha * (torch.from_numpy(z).double() + 0.05), level).score
        assert float(moved.abs().max()) > 1e-3, "the control: a point beside it"
    assert [s["stable"] for s in t.meta["splits"]] == [2]
    found = t.meta["splits"][0]
    step = np.searchsorted(-np.asarray(t.sigma), -found["sigma"])
    assert t.fixed_point_stable[t.fixed_point_step == step].sum() == 2
    assert t.fixed_point_stable[t.fixed_point_step == step - 1].sum() == 1


# ---- log p along the flow --------------------------------------------------------------------------------------------
def test_log_p_along_the_flow_is_the_closed_form_to_a_thousandth(recorded):
    sampler = {"kind": "rk45", "rtol": 1e-7, "atol": 1e-7, "timestep_spacing": "linspace", "steps": 20}
    t, run = recorded("log_p", sampler=sampler, record={"log_p": True})
    for k in range(20):
        truth = run.target.density.at_level(torch.from_numpy(t.x[k].copy()).double(), t.alpha[k], t.sigma[k])[0]
        assert np.abs(t.log_p[k] - truth.numpy()).max() < 1e-3
        assert np.abs(t.log_p_exact[k] - truth.numpy()).max() < 1e-4
    assert np.abs(t.log_p[10:] - t.log_p[9:-1]).max() > 0.05, "the control: log p of the level before"
    # the Jacobian is that of the flow itself, by finite differences of its exact solution
    exact, h, k = MixtureDenoiser(run.target.density), 1e-4, 12
    start = torch.from_numpy(t.x[0, :3]).double()
    for d in range(2):
        shift = h * torch.eye(2)[d].double()
        ends = [exact.flow(start + s * shift, run.grid[0], run.grid[k]) for s in (1, -1)]
        column = ((ends[0] - ends[1]) / (2 * h)).numpy()
        assert np.allclose(t.flow_jacobian[k, :3, :, d], column, rtol=1e-3, atol=1e-4)
        assert not np.allclose(t.flow_jacobian[k - 1, :3, :, d], column, rtol=1e-2, atol=1e-3), "the control"
    area = np.abs(np.linalg.det(t.flow_jacobian[k]))
    assert np.allclose(t.log_p[k], t.log_p[0] - np.log(area), atol=1e-3)


def test_log_p_is_exact_on_the_watershed_between_modes_too(recorded):
    """Where the flow pulls paths apart, kept states are farther from it, by their tolerance, than log p is exact."""
    sampler = {"kind": "rk45", "rtol": 1e-5, "atol": 1e-5, "timestep_spacing": "linspace", "steps": 20, "chains": 400}
    t, run = recorded("watershed", sampler=sampler, record={"log_p": True})
    last = torch.from_numpy(np.array(t.x[19])).double()
    kept = run.target.density.at_level(last, t.alpha[19], t.sigma[19])[0].numpy()
    assert np.abs(t.log_p - t.log_p_exact).max() < 2e-4
    assert np.abs(t.log_p[19] - kept).max() > 1e-3, "the control: the closed form where the kept state lies"


# ---- what cannot be recorded is refused before anything is -----------------------------------------------------------
@pytest.mark.parametrize(
    ("target", "sections", "words"),
    [
        ("spiral", {"record": {"classes": True}}, "record.classes.*spiral"),
        (MODES, {"record": {"moves": ["ddpm"]}}, "record.moves: 'ddpm'"),
        (MODES, {"record": {"moves": ["dimm"]}}, "record.moves: 'dimm'"),
        (MODES, {"record": {"posterior": True}, "sampler": {"kind": "forward"}}, "record.posterior.*forward run"),
        ("digits", {"record": {"log_p": True}}, "record.log_p.*shape"),
    ],
)
def test_what_is_not_known_of_a_target_is_refused(target, sections, words):
    with pytest.raises(ConfigError, match=words):
        check_config(config(target, **sections))
    if "digits" not in str(target):
        with pytest.raises(DiffrenderError, match=words):
            sample(config(target, **sections), "never.npz")


def test_a_flow_that_begins_at_no_signal_at_all_is_refused(tmp_path):
    settings = config(
        schedule={"kind": "flow"}, sampler={"kind": "rk45", "timestep_spacing": "linspace"}, record={"log_p": True}
    )
    assert Run.of(settings).grid[0].alpha == 0
    with pytest.raises(ConfigError, match=r"record\.log_p"):
        sample(settings, tmp_path / "a.npz")
