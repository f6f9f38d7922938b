"""The fan scene read back: the cloud is the recorded posterior, its mark the mean, its ellipse the covariance."""

from __future__ import annotations

import numpy as np
import pytest

from diffrender.animation.mobjects.plane.curve import Curve
from diffrender.animation.parts.posterior import Ellipse, Fan, Mark
from diffrender.trajectory.reader import Trajectory

SAMPLER = {"kind": "ddim", "steps": 24, "chains": 40, "timestep_spacing": "log_snr"}
RECORD = {"posterior": True, "keep": ["x0"]}


@pytest.fixture(scope="module", params=["exact", "learned"])
def run(request, recorded):
    """A run of the exact denoiser; and one of a Gaussian one, in the place of a network that is not right."""
    if request.param == "exact":
        return recorded("spiral", sampler=SAMPLER, record=RECORD)
    made = recorded("spiral", model={"kind": "gaussian"}, sampler=SAMPLER, record=RECORD)
    model = {"kind": "learned", "name": "mlp", "label": "learned: MLP 3 × 128"}
    return Trajectory(made.file, made.meta | {"model": model}, made.arrays)


@pytest.fixture(scope="module")
def film(cinema, run):
    film = cinema("fan", run=run)
    film.shots = film.play([(0, 1)])
    return film


def parts(film, kind):
    attached = [part for view in film.scene.views for part in view.attached]
    return [part for part in attached if isinstance(part, kind)]


def test_the_cloud_is_the_recorded_posterior(film, run):
    fan = parts(film, Fan)[0]
    cloud = next(c for c in film.shots[0].rasters["PointCloud"] if np.ndim(c.alpha))
    assert np.array_equal(cloud.xy, run["posterior"][fan.step])
    for step, same in ((fan.step, True), (fan.step + 1, False)):
        weight = np.asarray(run["posterior_weight"][step], float)
        assert np.allclose((cloud.alpha / cloud.alpha.max()) ** 2, weight / weight.max(), atol=1e-6) == same


def test_marks_and_ellipses_are_those_of_the_recorded_moments(film, run):
    learned, k, chain = run.meta["model"]["kind"] == "learned", parts(film, Fan)[0].step, run.meta["followed"]
    mean, guess = run["posterior_mean"][k], run["x0"][k, chain]
    exact = (mean, run["posterior_cov"][k])
    expected = [exact, exact, (guess, run["model_cov"][k])] if learned else [exact]
    ellipses = parts(film, Ellipse)
    assert len(ellipses) == len(expected)
    for ellipse, (middle, cov) in zip(ellipses, expected, strict=True):
        off = ellipse.outline() - middle
        assert np.einsum("vd,de,ve->v", off, np.linalg.inv(cov), off) == pytest.approx(np.ones(len(off)), abs=1e-3)
        other = np.linalg.inv(run["posterior_cov"][k + 2])
        assert np.einsum("vd,de,ve->v", off, other, off) != pytest.approx(np.ones(len(off)), abs=0.05), "the control"
    for mark, place in zip(parts(film, Mark), [mean, guess][: 1 + learned], strict=True):
        assert mark.dot.get_center()[:2] == pytest.approx(mark.view.to_scene(place), abs=1e-5)
        assert mark.dot.get_center()[:2] != pytest.approx(mark.view.to_scene(place + 0.01), abs=1e-3), "the control"


def test_it_ends_with_the_spread_at_all_moments(cinema, run):
    film = cinema("fan", run=run)
    film.play([(k, k + 1) for k in range(0, 10**4, 7)], (480, 270), fps=2, duration=1)
    family = [part for top in film.scene.mobjects for part in top.get_family()]
    curves = [part for part in family if isinstance(part, Curve)]
    spread = np.sqrt(np.trace(np.asarray(run["posterior_cov"], float), axis1=1, axis2=2))
    off = [np.abs(np.exp(curve.y) - np.maximum(spread, np.exp(curve.y).min())).max() for curve in curves]
    assert len(curves) == (3 if run.meta["model"]["kind"] == "learned" else 1)
    assert min(off) < 1e-4
    assert np.abs(np.exp(curves[-1].y)[1:] - spread[:-1]).max() > 0.05, "the control: a step off"


def test_it_fits_every_frame(cinema, run, shape, look):
    assert cinema("fan", run=run).layout(shape, look, every=9, duration=1.0) == []
