"""The floor of the loss: what the exact denoiser of the training data would have."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from diffrender.config.sections import Config
from diffrender.diffusion.denoisers.exact import DataDenoiser
from diffrender.diffusion.denoisers.objectives import objective
from diffrender.diffusion.levels import Level
from diffrender.diffusion.training.batches import Batches
from diffrender.diffusion.training.floor import loss_floor

TARGETS = ("epsilon", "v_prediction", "sample", "flow", "edm")


def batches_of(name, data, size=64):
    config = Config.model_validate({"target": "spiral", "training": {"objective": name, "batch_size": size}})
    return Batches(config, data.astype(np.float32), None, torch.device("cpu"))


@pytest.mark.parametrize("name", TARGETS)
def test_it_is_the_loss_of_the_exact_denoiser_in_the_mean(name):
    """Its least mean square, over draws of x_0 for each state: the variance of what is to be answered."""
    data = np.random.default_rng(1).standard_normal((50, 2))
    batches, says = batches_of(name, data), objective(name)
    losses = []
    for k in range(3):
        batch = batches((1 << 40) + k)
        exact = DataDenoiser(torch.from_numpy(data))
        for i in range(batches.size):
            sigma, norm = float(batch.sigma[i]), float(batch.norm[i])
            alpha = max(norm**2 - sigma**2, 0.0) ** 0.5
            x = (batch.x[i : i + 1] * batch.norm[i]).double()
            each = torch.from_numpy(data)
            weights = torch.softmax(-(x - alpha * each).square().sum(1) / (2 * sigma**2), 0)
            answers = [
                says.target(x0, (x - alpha * x0) / sigma, torch.tensor(alpha), torch.tensor(sigma))
                for x0 in (each, exact(x, Level(alpha, sigma, 0.0)).x0)
            ]
            losses.append(float(weights @ (answers[0] - answers[1]).square().mean(1)))
    found = loss_floor(batches, says, count=3)
    assert found == pytest.approx(np.mean(losses), rel=2e-3)
    with pytest.raises(AssertionError):  # the control: of other data it is another
        assert loss_floor(batches_of(name, 1.5 * data), says, count=3) == pytest.approx(np.mean(losses), rel=2e-3)


def test_few_batches_are_enough():
    data = np.random.default_rng(1).standard_normal((2000, 2))
    batches, says = batches_of("edm", data, 256), objective("edm")
    assert loss_floor(batches, says) == pytest.approx(loss_floor(batches, says, count=60), rel=0.02)


def test_where_it_is_not_known_there_is_none():
    data = np.zeros((10, 2))
    assert loss_floor(batches_of("score_matching", data), objective("score_matching")) is None
    assert loss_floor(batches_of("edm", np.zeros((10, 5))), objective("edm")) is None
