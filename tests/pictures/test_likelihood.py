"""The likelihood scene read back: curves, cell, numbers and the scatter against the closed form of a mixture."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from diffrender.animation.mobjects.plane.curve import Curve
from diffrender.animation.parts.likelihood import FIRST, CarriedCell, LikelihoodScatter
from diffrender.diffusion.targets.densities.catalogue import DENSITIES

MODES = {"means": [[-1.2, -0.6], [1.2, -0.6], [0.0, 1.2]], "stds": [0.35, 0.45, 0.3], "weights": [0.4, 0.4, 0.2]}
FLOW = {"steps": 20, "timestep_spacing": "linspace"}


@pytest.fixture(scope="module")
def runs(recorded):
    target = {"kind": "gaussian_mixture"} | MODES
    sampler = FLOW | {"kind": "rk45", "rtol": 1e-6, "atol": 1e-6, "chains": 25}
    path = recorded(target, sampler=sampler, record={"log_p": True})
    return {"path": path, "flow": recorded(target, sampler=FLOW | {"kind": "heun", "chains": 441, "start": "grid"})}


@pytest.fixture(scope="module")
def opening(cinema, runs):
    film = cinema("likelihood", **runs)
    film.play([(0, 1)])
    return film.scene


def truth(run, chain):
    """log p_t(x_t) of a chain at each level with noise, by the mixture's own formula."""
    mixture = DENSITIES["gaussian_mixture"].make(
        **{k: tuple(map(tuple, v)) if k == "means" else tuple(v) for k, v in MODES.items()}
    )
    x = torch.from_numpy(np.asarray(run.x[:-1, chain], float))
    levels = zip(x, np.asarray(run.alpha, float), np.asarray(run.sigma, float), strict=False)
    return np.array([float(mixture.at_level(one[None], a, s)[0]) for one, a, s in levels])


def parts(scene, kind):
    return [part for top in scene.mobjects for part in top.get_family() if isinstance(part, kind)]


def test_both_curves_are_the_closed_form_to_a_thousandth(opening, runs):
    run = runs["path"]
    chain = run.meta["followed"]
    right, other = truth(run, chain), truth(run, (chain + 1) % 25)
    curves = parts(opening, Curve)
    upper = [curve for curve in curves if np.abs(curve.y - right).max() < 1e-3]
    assert len(upper) == 2
    assert all(np.abs(curve.y - other).max() > 1e-2 for curve in upper), "the control: another path"
    snr = 2 * np.log(np.asarray(run.alpha[:-1], float) / np.asarray(run.sigma[:-1], float))
    assert np.allclose(upper[0].x, np.maximum(snr, FIRST))


def test_the_cell_has_the_area_that_log_p_says(opening, runs):
    """density × area is kept: the area of the cell over that at the start is exp(log p_T − log p_t)."""
    run = runs["path"]
    chain, (cell,) = (
        run.meta["followed"],
        {id(c): c for c in opening.views[0].attached if isinstance(c, CarriedCell)}.values(),
    )
    right, sizes = truth(run, chain), []
    for step in (0, 8, 15, 19):
        cell.show_step(step)
        (ax, ay), (bx, by) = (cell.corners()[k] - cell.corners()[0] for k in (1, 3))
        sizes.append(abs(ax * by - ay * bx))
        assert cell.corners().mean(0) == pytest.approx(run.x[step, chain], abs=1e-5)
        assert sizes[-1] / sizes[0] == pytest.approx(np.exp(right[0] - right[step]), rel=2e-3)
    assert sizes[-1] / sizes[0] != pytest.approx(np.exp(right[0] - right[15]), rel=2e-3), "the control: another step"


def test_it_ends_with_all_paths_and_their_largest_error(cinema, runs):
    film = cinema("likelihood", **runs)
    film.play([(k, k + 1) for k in range(0, 10**4, 6)], (480, 270), fps=2, duration=1)
    scatter = LikelihoodScatter(film.scene.page, runs["path"], film.scene.arrange("two panels", slider=True).left)
    run = runs["path"]
    last = np.array([truth(run, w)[-1] for w in range(25)])
    worst = np.abs(np.asarray(run["log_p"][-1], float) - last).max()
    assert scatter.worst == pytest.approx(worst, abs=5e-5)
    assert worst < 1e-3
    shown = [m.xy for top in film.scene.mobjects for m in top.get_family() if type(m).__name__ == "PointCloud"]
    assert any(np.allclose(xy, scatter.points.xy) for xy in shown if len(xy) == 25)
    assert not any(np.allclose(xy[:, ::-1] + 0.01, scatter.points.xy) for xy in shown if len(xy) == 25), "the control"


def test_it_fits_every_frame(cinema, runs, shape, look):
    assert cinema("likelihood", **runs).layout(shape, look, every=9, duration=1.0) == []
