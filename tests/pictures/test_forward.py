"""The forward scene read back: the cloud, its tiles and its curves are those of the recorded Markov chain."""

from __future__ import annotations

import numpy as np
import pytest

SECONDS, STEPS, CHAINS = 2.0, 20, 50
NOW = 13  # the step looked at
SHIFTS = [(3, 0), (0, 3), (-3, 0), (0, -3)]


@pytest.fixture(scope="module")
def run(recorded):
    return recorded("spiral", sampler={"kind": "forward", "steps": STEPS, "chains": CHAINS})


@pytest.fixture(scope="module")
def shot(cinema, run):
    return cinema("forward", run=run).at(NOW / STEPS * SECONDS, duration=SECONDS)[0]


def check_cloud(read, shot, frame, x, which=1):
    """Orange points of the main cloud (1), or of a tile (2 …), are at x."""
    cloud = shot.rasters["PointCloud"][which]
    warm = read.warmth(frame) > 0.45 * 0.8 * read.warmth(read.rgb(read.LOOK.samples))
    at, where = read.laid(x, cloud), read.window(cloud, 4 if which == 1 else 6)
    (rows, columns), r = where, cloud.radius[0] * read.UNIT
    near = ((at > [columns.start - r - 3, rows.start - r - 3]) & (at < [columns.stop + r + 3, rows.stop + r + 3])).all(
        1
    )
    read.check_points(warm, at[near], r, where)


def clouds(read, shot):
    """Of the lower right cloud to the upper left: indices of the main cloud and of the tiles in their order."""
    return [k for k, mob in enumerate(shot.rasters["PointCloud"]) if mob.points[1, 0] - mob.points[0, 0] < 1.2]


def test_the_cloud_is_the_recorded_state(read, shot, run):
    check_cloud(read, shot, shot.frame, run["x"][NOW], main(shot))


def main(shot):
    """The cloud that follows the recording."""
    return next(k for k, mob in enumerate(shot.rasters["PointCloud"]) if mob.recorded is not None)


@pytest.mark.parametrize("shift", SHIFTS)
def test_a_cloud_three_pixels_off_is_found_out(read, shot, run, shift):
    with pytest.raises(AssertionError):
        check_cloud(read, shot, np.roll(shot.frame, shift, (0, 1)), run["x"][NOW], main(shot))


@pytest.mark.parametrize("off", [-1, 1])
def test_a_cloud_of_another_step_is_found_out(read, shot, run, off):
    with pytest.raises(AssertionError):
        check_cloud(read, shot, shot.frame, run["x"][NOW + off], main(shot))


def test_tiles_show_the_states_that_were_passed_and_no_others(read, shot, run):
    tiles = sorted(clouds(read, shot), key=lambda k: shot.rasters["PointCloud"][k].points[0, 0])
    assert len(tiles) == 11
    passed = NOW * 10 // STEPS
    for k, tile in enumerate(tiles):
        if k <= passed:
            check_cloud(read, shot, shot.frame, run["x"][2 * k], tile)
        else:
            inside = shot.frame[read.window(shot.rasters["PointCloud"][tile], 6)]
            assert (inside == read.rgb(read.LOOK.panel)).all()
    with pytest.raises(AssertionError):
        check_cloud(read, shot, shot.frame, run["x"][2 * passed - 1], tiles[passed])


def check_curves(read, shot, frame, run, now):
    """The dots stand at the present, the curves pass through every recorded value until then, and end there."""
    with np.errstate(divide="ignore"):
        snr = np.clip(2 * np.log(run["alpha"] / run["sigma"]), -10, 10)
    inks = read.rgb(read.LOOK.fg), read.rgb(read.LOOK.data)
    for curve, y, ink in zip(shot.rasters["Curve"], (snr, run["alpha"] ** 2), inks, strict=True):
        inked = np.abs(frame.astype(int) - ink).sum(-1) < 90
        at = read.laid(np.stack([run["time"], y], -1), curve)
        for k in range(1, len(at) - 1):
            near = np.s_[round(at[k, 1]) - 2 : round(at[k, 1]) + 2, int(at[k, 0])]
            assert inked[near].any() == (k <= now) or abs(at[k, 0] - at[now, 0]) < 15
        x, y_ = np.indices(inked.T.shape) + 0.5
        disc = np.hypot(x - at[now, 0], y_ - at[now, 1]).T < 0.09 * read.UNIT - 1.5
        assert inked[disc].all()
        away = np.hypot(x - at[now, 0], y_ - at[now, 1]).T - 0.09 * read.UNIT
        assert not inked[(away > 1.5) & (away < 2.5) & (x.T - at[now, 0] > 4)].any()


def test_curves_have_grown_to_the_present(read, shot, run):
    check_curves(read, shot, shot.frame, run, NOW)


@pytest.mark.parametrize("off", [-1, 1])
def test_curves_elsewhere_are_found_out(read, shot, run, off):
    with pytest.raises(AssertionError):
        check_curves(read, shot, shot.frame, run, NOW + off)
    for axis in (0, 1):
        with pytest.raises(AssertionError):
            check_curves(read, shot, np.roll(shot.frame, 3 * off, axis), run, NOW)


def test_no_text_overlaps_or_leaves_the_frame(cinema, run, shape, look):
    assert cinema("forward", run=run).layout(shape, look, duration=4) == []


def test_space_is_shown_too(cinema, recorded):
    run = recorded("torus", sampler={"kind": "forward", "steps": 10, "chains": 20})
    assert cinema("forward", run=run).layout((270, 480), duration=4) == []


# ---- images ----------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def dissolving(recorded):
    return recorded("digits", sampler={"kind": "forward", "steps": 30, "chains": 9}, record={"frames": 100})


def test_images_dissolve_as_they_were_recorded(cinema, dissolving):
    (shot,) = cinema("forward", run=dissolving).at(1.0, duration=SECONDS)
    said = dissolving.meta["target"]
    (grid,) = [g for g in shot.rasters["ImageGrid"] if g.rows > 1]
    shown = grid.recorded[int(grid.step)][grid.chains]
    wanted = dissolving["x"][int(grid.step)][: len(shown)].astype(np.float32) * said["scale"] + said["offset"][0]
    assert np.allclose(shown, wanted, atol=1e-3)
    assert not np.allclose(shown, dissolving["x"][0][: len(shown)], atol=0.1), "the control: it is not the start"
    assert len([g for g in shot.rasters["ImageGrid"] if g.rows == 1]) == 11


def test_images_fit_every_frame(cinema, dissolving, shape, look):
    assert cinema("forward", run=dissolving).layout(shape, look, every=9, duration=2.0) == []
