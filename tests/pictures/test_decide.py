"""The decide scene read back: the fork against its closed form, ribbons and marks against what was recorded."""

from __future__ import annotations

import numpy as np
import pytest

from diffrender.animation.mobjects.plane.trails import Trails
from diffrender.animation.parts.pitchfork import RIBBONS, SURE, Decisions, Pitchfork, Ribbons
from diffrender.animation.text.typst import Typeset
from diffrender.trajectory.projection import principal

MEAN, STD = 1.5, 0.5
SAMPLER = {"kind": "ddpm", "steps": 40, "chains": 60, "timestep_spacing": "log_snr"}
TARGETS = {
    "line": {"kind": "gaussian_mixture", "means": [[-MEAN], [MEAN]], "stds": STD},
    "plane": {"kind": "gaussian_mixture", "means": [[-MEAN, 0], [MEAN, 0]], "stds": STD},
}


@pytest.fixture(scope="module", params=TARGETS)
def run(request, recorded):
    return recorded(TARGETS[request.param], sampler=SAMPLER, record={"classes": True})


@pytest.fixture(scope="module")
def film(cinema, run):
    film = cinema("decide", run=run)
    film.shots = film.play([(0, 1)])
    clock = film.scene.clocks[0]
    bound = [show.__self__ for show in clock.bound if hasattr(show, "__self__")]
    film.fork, film.ribbons = (next(b for b in bound if isinstance(b, kind)) for kind in (Pitchfork, Ribbons))
    return film


def test_stable_points_lie_on_the_fork_of_the_closed_form(film, run):
    """z = x̂0(z) is, for two equal modes at ± m of deviation s, z = m tanh(m z / (s² + u²)), u = σ/α."""
    stable = film.fork.fixed[0].xy
    assert len(stable) > 20
    u = np.exp(-stable[:, 0] / 2)
    z = stable[:, 1] * np.hypot(1, u)  # of a variance-preserving run x = α z

    def residual(z):
        return np.abs(z - MEAN * np.tanh(MEAN * z / (STD**2 + u**2)))

    assert residual(z).max() < 3e-3  # the direction is that in which 150 points vary most
    assert np.median(residual(z + 0.1)) > 1e-2, "the control: a tenth beside it"


def test_the_critical_noise_is_marked_and_said(film, run):
    critical = np.sqrt(MEAN**2 - STD**2)
    (line,) = film.fork.lines
    at = film.fork.axes.at(-2 * np.log(critical), 0)[0]
    assert line.get_center()[0] == pytest.approx(at, abs=1e-3)
    wrong = film.fork.axes.at(-2 * np.log(np.sqrt(MEAN**2 + STD**2)), 0)[0]  # of the data's own eigenvalue
    assert line.get_center()[0] != pytest.approx(wrong, abs=1e-2)
    said = [m.body for top in film.scene.mobjects for m in top.get_family() if isinstance(m, Typeset)]
    assert any(f"{critical:.3f}" in body for body in said)
    assert not any(f"{np.sqrt(MEAN**2 + STD**2):.3f}" in body for body in said), "the control: the data's eigenvalue"


def test_paths_are_recorded_ones_in_the_colour_of_the_class_they_end_in(film, run):
    along, decisions, drawn = principal(np.asarray(run.target, float), 1)[0][:, 0], Decisions(run), 0
    for tail in (part for part in film.fork.paths if isinstance(part, Trails)):
        for n in range(tail.recorded.shape[1]):
            y = tail.recorded[:, n, 1]
            every = run.states[: len(y)] @ along
            (w,) = np.flatnonzero(np.abs(every - y[:, None]).max(0) < 1e-6)
            assert (np.asarray(run.states[-1][w]) @ along > 0) == (decisions.label[w] == 1) or along[0] < 0
            drawn += 1
    assert drawn >= 60


def test_ribbons_are_the_recorded_probabilities_and_marks_where_a_path_is_sure(film, run):
    decisions, prob = Decisions(run), np.asarray(run["class_prob"], float)
    assert len(film.ribbons.rows) == RIBBONS
    for w, x, y, bands, mark in film.ribbons.rows:
        low, high = y[:, 0].min(), y[:, -1].max()
        share = (y[:, 1] - low) / (high - low)
        assert share == pytest.approx(prob[: len(x), w, 0], abs=1e-6)
        other = (w + 1) % prob.shape[1]
        assert share != pytest.approx(prob[: len(x), other, 0], abs=1e-2), "the control: another path"
        k = int(decisions.step[w])
        mine = prob[: len(x), w, decisions.label[w]]
        assert (mine[k:] > SURE).all()
        assert k == 0 or mine[k - 1] <= SURE
        assert mark.get_center()[0] == pytest.approx(x[min(k, len(x) - 1)], abs=1e-6)
        assert len(bands) == 2


def test_it_fits_every_frame(cinema, run, shape, look):
    assert cinema("decide", run=run).layout(shape, look, every=9, duration=1.0) == []


def test_one_mode_alone_has_nothing_to_decide(cinema, recorded):
    one = {"kind": "gaussian_mixture", "means": [[0.3, 0.0]], "stds": STD}
    run = recorded(one, sampler=SAMPLER, record={"classes": True})
    film = cinema("decide", run=run)
    film.play([(0, 1)])
    said = [m.body for top in film.scene.mobjects for m in top.get_family() if isinstance(m, Typeset)]
    assert any("nothing splits" in body for body in said)
