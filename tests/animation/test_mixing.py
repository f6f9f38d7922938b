"""What a chain is worth, on chains and densities of which that is known."""

import numpy as np
import pytest
from scipy.signal import lfilter

from diffrender.animation.parts.basins import Basins
from diffrender.animation.parts.mixing import mixing, rounded, spread_bias


@pytest.mark.parametrize("kept", [0.0, 0.8, 0.95])
def test_steps_per_draw_of_an_autoregression(kept):
    """(1 + φ) / (1 − φ), and the longer of two coordinates counts."""
    noise = np.random.default_rng(5).standard_normal((200_000, 2))
    chain = np.stack([lfilter([1], [1, -kept], noise[:, 0]), noise[:, 1]], axis=1)
    wanted = (1 + kept) / (1 - kept)
    found = mixing(chain)
    assert found.steps == pytest.approx(wanted, rel=0.1)
    assert mixing(chain[::2]).steps == pytest.approx((1 + kept**2) / (1 - kept**2), rel=0.1)
    assert np.allclose(found.correlation[:5], kept ** np.arange(5), atol=0.05)


def test_the_error_of_steps_per_draw_is_how_far_those_of_chains_differ_and_more_chains_are_surer():
    noise = np.random.default_rng(6).standard_normal((20_000, 40, 1))
    chains = lfilter([1], [1, -0.95], noise, axis=0)
    each = [mixing(chains[:, k]) for k in range(40)]
    differ = np.std([one.steps for one in each], ddof=1)
    assert np.mean([one.error for one in each]) == pytest.approx(differ, rel=0.4)
    together = mixing(chains)
    assert together.error == pytest.approx(each[0].error / 40**0.5, rel=0.4)
    assert abs(together.steps - 39) < 4 * together.error
    assert abs(mixing(chains[::2]).steps - 39) > 4 * together.error


def test_the_bias_of_a_spread_is_found_within_its_error():
    side = np.linspace(-6, 6, 241)
    x, y = np.meshgrid(side, side)
    density = np.exp(-((x - 3) ** 2 + y**2) / 0.5) + np.exp(-((x + 3) ** 2 + y**2) / 0.5)
    basins, rng = Basins(density, (-6, 6, -6, 6)), np.random.default_rng(2)
    points = 0.5 * rng.standard_normal((40_000, 2)) + np.stack([rng.choice([-3, 3], 40_000), np.zeros(40_000)], 1)
    exact, wider = (
        spread_bias(basins, points),
        spread_bias(basins, basins.means[basins.of(points)] * -0.1 + 1.1 * points),
    )
    assert abs(exact.percent) < 3 * exact.error + 0.1
    assert 0.1 < exact.error < 0.5
    assert wider.percent == pytest.approx(10, abs=1.5)


def test_figures_are_rounded_to_two():
    assert [rounded(value) for value in (0.2, 7.4, 173.8, 379.6, 1962.0)] == [1, 7, 170, 380, 2000]
