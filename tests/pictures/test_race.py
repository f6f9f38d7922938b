"""The race read back: its chart is what `metrics` measures, and every cloud is where its evaluations brought it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from diffrender.config.sections import TargetConfig
from diffrender.diffusion.noise import Purpose, generator
from diffrender.diffusion.recording.metrics import sliced_wasserstein
from diffrender.diffusion.targets.build import build_target

KINDS = ("ddpm", "heun", "dpmpp_2m")
OPTIONS = {"samplers": ",".join(KINDS), "duration": 1.0, "sweep": 1.0, "hold": 0.5}
POINTS_SHOWN, PROJECTIONS = 150, 32


@pytest.fixture(scope="module")
def runs(recorded):
    def run(kind):
        sampler = {"kind": kind, "evaluations": 8, "chains": POINTS_SHOWN}
        return recorded("spiral", sampler=sampler, record={"budgets": [4, 8, 12]})

    return {f"racer{k}": run(kind) for k, kind in enumerate(KINDS, 1)}


def distances(run, states):
    """How far some states (…, N, 2) of a run are from fresh data, from their definition."""
    fresh = build_target(TargetConfig(kind="spiral"), Path()).draw(POINTS_SHOWN, generator(0, Purpose.METRIC))
    return [sliced_wasserstein(x, fresh, PROJECTIONS) for x in states]


def test_the_chart_is_what_metrics_measures_of_each_run_against_its_evaluations(cinema, runs):
    (shot,) = cinema("race", **runs).at(1.2 + 0.5, **OPTIONS)
    curves = sorted(shot.rasters["Curve"], key=lambda mob: mob.z_index)
    assert len(curves) == len(runs)
    for curve, run in zip(curves, runs.values(), strict=True):
        assert np.array_equal(curve.x, run["nfe"])
        assert np.exp(curve.y) == pytest.approx(distances(run, run["x"]), rel=1e-4)
    other = list(runs.values())[1]
    assert np.exp(curves[0].y)[-1] != pytest.approx(distances(other, other["x"])[-1], rel=1e-2), (
        "the control: a rival's"
    )


def test_budgets_are_charted_as_metrics_measures_what_they_bought(cinema, runs):
    (shot,) = cinema("race", **runs).at(1.2 + 1 + 0.8 + 0.9, **OPTIONS)
    for curve, run in zip(sorted(shot.rasters["Curve"], key=lambda mob: mob.z_index), runs.values(), strict=True):
        assert np.exp(curve.x) == pytest.approx(run["budget_nfe"])
        assert np.exp(curve.y) == pytest.approx(distances(run, run["budget_x"]), rel=1e-4)
        assert np.exp(curve.y) != pytest.approx(distances(run, np.roll(run["budget_x"], 1, 0)), rel=1e-2), "the control"


def test_every_cloud_is_the_last_state_that_so_many_evaluations_allow(cinema, runs):
    for shot in cinema("race", **runs).at(1.2 + 0.4, 1.2 + 0.6, **OPTIONS):
        ddpm = min(shot.rasters["Curve"], key=lambda mob: mob.z_index)  # one evaluation a step
        clouds = [mob for mob in shot.rasters["PointCloud"] if mob.recorded is not None]
        for cloud, run in zip(clouds, runs.values(), strict=True):
            state = int((run["nfe"] <= int(ddpm.step)).sum()) - 1
            assert np.array_equal(cloud.xy, run["x"][state])
            assert not np.array_equal(cloud.xy, run["x"][state + 1]), "the control: one step more"


def test_the_nearest_comes_first(cinema, runs):
    film = cinema("race", **runs)
    (shot,) = film.at(1.2 + 1 + 0.8 + 1 + 1 + 0.8 + 0.3 + 1.2 + 0.8, **OPTIONS)
    clouds = [mob for mob in shot.rasters["PointCloud"] if mob.recorded is not None]
    far = [float(run["metric_sliced_wasserstein"][-1]) for run in runs.values()]
    left = [float(cloud.points[0, 0]) for cloud in clouds]
    assert np.argsort(left).tolist() == np.argsort(far).tolist() != [0, 1, 2]


def test_a_frame_is_the_same_played_and_sought(cinema, runs):
    assert cinema("race", **runs).unlike_when_sought(11, **OPTIONS) == []


def test_it_fits_every_frame(cinema, runs, shape, look):
    assert cinema("race", **runs).layout(shape, look, every=7, **OPTIONS) == []
