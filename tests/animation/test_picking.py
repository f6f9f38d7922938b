"""Which steps are taken apart first: those whose arrows or paths can be told apart."""

import numpy as np

from diffrender.animation.parts.one_chain import track
from diffrender.animation.parts.zoom.picking import FIRST, path_badness, pick_first

BOX = (-3.0, 3.0, -3.0, 3.0)


class Recorded(dict):
    """Members of a recording of one chain."""

    steps = property(lambda self: len(self["x"]) - 1)
    meta = {"sampler": {"options": {"friction": 2.0}}}


def chain(steps=400, tau=0.02, seed=0):
    """x (T+1, 1, 2), drift and noise (T, 1, 2) of ULA on a standard Gaussian."""
    rng = np.random.default_rng(seed)
    x, drift, noise = [np.zeros(2)], [], []
    for _ in range(steps):
        drift.append(-tau * x[-1])
        noise.append(np.sqrt(2 * tau) * rng.standard_normal(2))
        x.append(x[-1] + drift[-1] + noise[-1])
    return Recorded(x=np.array(x)[:, None], drift=np.array(drift)[:, None], noise=np.array(noise)[:, None])


def test_the_step_with_readable_arrows_is_picked():
    run = chain()
    run["drift"][200:203], run["noise"][200:203] = [0.2, 0.0], [0.05, 0.27]
    run["x"][200:203] = 0
    assert pick_first(run, 3, BOX) == 200


def test_a_step_outside_the_panel_is_not_picked():
    run = chain()
    run["drift"][200], run["noise"][200], run["x"][200] = [0.2, 0.0], [0.05, 0.27], [5.0, 5.0]
    assert pick_first(run, 1, BOX) != 200


def test_a_chain_of_one_step_is_enough():
    assert pick_first(chain(1), 1, BOX) == 0


def test_a_step_of_momentum_is_picked_by_arrows_that_are_all_seen():
    """Of steps that are else without kick, friction and noise of a readable length."""
    rng, h, steps = np.random.default_rng(1), 0.25, 200
    kept = np.exp(-2.0 * h)
    v, x, momenta, paths = np.array([1.0, 0.0]), np.zeros(2), [], []
    for k in range(steps):
        kick, noise = ([0.0, 0.35], [0.3, -0.8]) if k == 120 else (rng.normal(0, 0.02, 2), rng.normal(0, 0.05, 2))
        momenta.append(v)
        first = v + np.array(kick)
        second = kept * first + np.array(noise)
        paths.append([x, x + h / 2 * first, x + h / 2 * (first + second)])
        v = second + np.array(kick)
        v = v / np.linalg.norm(v)
    run = Recorded(
        x=np.zeros((steps + 1, 1, 2)), path=np.array(paths)[:, None], momentum=np.array(momenta)[:, None],
        time=np.arange(steps + 1) * h,
    )  # fmt: skip
    assert pick_first(run, 1, BOX) == 120
    assert run.steps > FIRST


def test_a_path_that_comes_back_over_itself_or_leaves_the_panel_reads_badly():
    far = np.array([[0.0, 0.0], [0.5, 0.3], [1.0, 0.4], [1.5, 0.2]])
    back = np.array([[0.0, 0.0], [1.0, 0.3], [0.5, 0.17], [0.01, 0.0]])
    out = far + np.array([1.6, 0.0])
    bad, _ = path_badness(np.stack([far, back, out]), BOX)
    assert bad[0] < min(bad[1], bad[2])


def paths(speeds, steps=120):
    """A recording of bent paths of four states, each with a momentum of its length; every third is refused."""
    bent = np.array([[0.0, 0.0], [0.5, 0.3], [1.0, 0.4], [1.5, 0.2]])
    refused = np.arange(steps) % 3 == 2
    x = np.zeros((steps + 1, 1, 2))
    x[1:, 0] = np.cumsum(np.where(refused[:, None], 0.0, [1e-3, 0.0]), axis=0)
    return Recorded(
        x=x, path=x[:-1, :, None] + bent, momentum=np.stack([speeds, 0 * speeds], 1)[:, None],
        accepted=~refused[:, None],
    )  # fmt: skip


def test_a_path_is_picked_whose_momentum_is_seen():
    speeds = np.full(120, 0.3)
    speeds[90:93] = 1.5
    assert pick_first(paths(speeds), 3, BOX) == 90


def test_a_step_that_is_shunned_is_not_picked():
    speeds, shunned = np.full(120, 1.5), np.zeros(120, bool)
    speeds[60:90] = 1.4
    first = pick_first(paths(speeds), 3, BOX)
    shunned[first : first + 3] = True
    assert pick_first(paths(speeds), 3, BOX, shunned) not in range(first, first + 3)


def test_a_chain_stays_where_it_is_while_a_refused_path_is_gone():
    run = paths(np.ones(6), 6)
    way = track(run)
    assert way.shape == (3 * 6 + 1, 1, 2)
    assert np.array_equal(way[::3], run["x"])
    assert np.array_equal(way[1:3, 0], run["path"][0, 0, 1:3])
    assert np.array_equal(way[7:9], run["x"][[2, 2]]), "the third is refused"
