"""The training scene read back: samples, data and the loss curve are those of the training record."""

from __future__ import annotations

import numpy as np
import pytest

from diffrender.config.sections import Config
from diffrender.trajectory.reader import Trajectory

SECONDS, STEPS, POINTS, MEAN = 3.0, 120, 40, 80
COURSE = 0.6
NOW = (STEPS - 1) * COURSE**2  # training steps are passed through slowly at first; the dot glides from one to the next


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A real training, short."""
    from diffrender.diffusion.training.loop import train

    folder = tmp_path_factory.mktemp("training")
    config = Config.model_validate({
        "target": {"kind": "spiral"},
        "model": {"kind": "mlp", "width": 32, "depth": 2},
        "schedule": {"kind": "squaredcos_cap_v2"},
        "training": {"steps": STEPS, "batch_size": 64, "data_size": 2000, "snapshots": 8, "snapshot_chains": POINTS,
                     "snapshot_steps": 5, "objective": "v_prediction"},
        "record": {"target_points": POINTS, "grid": [9, 6]},
    })  # fmt: skip
    train(config, folder / "model.safetensors")
    return Trajectory.open(folder / "training.npz")


@pytest.fixture(scope="module")
def shot(cinema, run):
    return cinema("training", training=run).at(COURSE * SECONDS, duration=SECONDS, field=False)[0]


def shown(run):
    """Which snapshot is the last one taken by now."""
    return int(np.searchsorted(run["snapshot_step"], NOW + 1, side="right")) - 1


def check_cloud(read, shot, frame, samples, data):
    """Orange is where samples are, blue where data are; they may lie over one another."""
    cloud = shot.rasters["PointCloud"][0]
    warm, radius = read.warmth(frame), cloud.radius[0] * read.UNIT
    where = read.window(cloud, 0)
    orange, blue = read.laid(samples, cloud), read.laid(data, cloud)
    read.check_points(warm > 70, inside(orange, where), radius, where, over=blue)
    read.check_points(warm < -55, inside(blue, where), radius, where, over=orange)


def inside(points, where):
    rows, columns = where
    return points[((points > (columns.start, rows.start)) & (points < (columns.stop, rows.stop))).all(1)]


def test_samples_and_data_are_where_they_were_recorded(read, shot, run):
    check_cloud(read, shot, shot.frame, run["snapshot"][shown(run)], run["target"][:POINTS])


@pytest.mark.parametrize("off", [-1, 1])
def test_another_snapshot_or_place_is_found_out(read, shot, run, off):
    data = run["target"][:POINTS]
    with pytest.raises(AssertionError):
        check_cloud(read, shot, shot.frame, run["snapshot"][shown(run) + off], data)
    for axis in (0, 1):
        with pytest.raises(AssertionError):
            check_cloud(read, shot, np.roll(shot.frame, 3 * off, axis), run["snapshot"][shown(run)], data)
    with pytest.raises(AssertionError):
        check_cloud(read, shot, shot.frame, run["snapshot"][shown(run)], data[1:])


def mean_of(loss):
    """The exponential average over the past alone, the test's own way: of all losses, weighted by age."""
    age = np.arange(len(loss))[:, None] - np.arange(len(loss))
    weight = np.where(age >= 0, np.exp(-age / MEAN), 0)
    return weight @ loss / weight.sum(1)


def check_curve(read, shot, frame, loss, now):
    """The curve passes through the mean loss of every step until now, where the dot stands; there it ends."""
    curve = shot.rasters["Curve"][-1]
    logs = curve.box[3] < 0.5 or curve.box[2] < 0  # logarithms of losses about 1
    y = np.log(mean_of(loss)) if logs else mean_of(loss)
    at = read.laid(np.stack([np.arange(1, len(loss) + 1), y], -1), curve)
    bright = frame.min(-1) > 190
    here = np.array([np.interp(now, np.arange(len(at)), at[:, d]) for d in (0, 1)])
    for u, v in at[5 : int(now) : 5]:
        near = bright[int(v) - 3 : int(v) + 4, int(u)]
        rows = np.nonzero(bright[int(v) - 9 : int(v) + 10, int(u)])[0] - 9 + int(v) + 0.5
        assert near.any(), "the curve is not there"
        if abs(u - here[0]) > 12:
            assert np.abs(rows - v).min() < 2
    dot = np.hypot(*(np.indices(bright.T.shape).T + 0.5 - here).T).T
    assert bright[dot < 0.09 * read.UNIT - 1.5].all(), "the dot is not there"
    rows, columns = read.window(curve, 2)
    assert not bright[rows, max(columns.start, int(here[0] + 0.09 * read.UNIT + 2)) : columns.stop].any()


def test_the_curve_has_grown_to_the_present_loss(read, shot, run):
    check_curve(read, shot, shot.frame, np.asarray(run["loss"], float), NOW)


@pytest.mark.parametrize("off", [-1, 1])
def test_a_curve_elsewhere_is_found_out(read, shot, run, off):
    loss = np.asarray(run["loss"], float)
    with pytest.raises(AssertionError):
        check_curve(read, shot, shot.frame, loss, NOW + off)
    for axis in (0, 1):
        with pytest.raises(AssertionError):
            check_curve(read, shot, np.roll(shot.frame, 3 * off, axis), loss, NOW)


@pytest.mark.parametrize("steps", [STEPS, 6000])
def test_no_text_overlaps_or_leaves_the_frame(cinema, run, shape, look, steps):
    longer = Trajectory(run.file, run.meta, run.arrays | {"loss": np.resize(run["loss"], steps)})
    assert cinema("training", training=longer).layout(shape, look, duration=4) == []


def test_a_frame_is_the_same_played_and_sought(cinema, run):
    assert cinema("training", training=run).unlike_when_sought(7, duration=SECONDS) == []
