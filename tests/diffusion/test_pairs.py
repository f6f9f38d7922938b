"""Pairs of a training: their noise, the best answer, and what the network says of them at each snapshot."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from diffrender.config.sections import Config
from diffrender.diffusion.denoisers.learned import load
from diffrender.diffusion.denoisers.objectives import objective
from diffrender.diffusion.levels import Level
from diffrender.diffusion.training.batches import Batches
from diffrender.diffusion.training.loop import train
from diffrender.diffusion.training.pairs import Pairs
from diffrender.trajectory.reader import Trajectory

SMALL = {"steps": 60, "batch_size": 32, "data_size": 300, "snapshots": 4, "snapshot_chains": 20, "snapshot_steps": 3}


def config_of(**training):
    model = {"kind": "mlp", "width": 16, "depth": 1}
    return Config.model_validate({"target": "spiral", "model": model, "training": SMALL | training})


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    train(config_of(), folder / "model.safetensors")
    return folder / "model.safetensors", Trajectory.open(folder / "training.npz")


def test_the_last_guess_is_that_of_the_network_that_is_saved(trained):
    weights, run = trained
    level = Level(**run.meta["pair_level"])
    model = load(weights, config_of(), (2,), 0, "cpu")
    said = model(torch.from_numpy(np.array(run["pair_noised"])), level).x0.numpy()
    guess = np.asarray(run["pair_guess"])
    np.testing.assert_allclose(guess[-1], said, atol=1e-5)
    assert not np.allclose(guess[0], said, atol=1e-3), "the control: an untrained network says something else"
    assert guess.shape == (len(run["snapshot_step"]), *said.shape)


def test_the_best_guess_is_the_mean_of_the_data_by_how_likely_each_is():
    data = np.random.default_rng(3).standard_normal((50, 2)).astype(np.float32)
    pairs = Pairs(config_of(), Batches(config_of(), data, None, torch.device("cpu")))
    alpha, sigma = pairs.level.alpha, pairs.level.sigma
    for x, best, x0 in zip(pairs.noised.numpy(), pairs.best.numpy(), pairs.x0.numpy(), strict=True):
        weights = np.exp(-np.square(x - alpha * data).sum(1) / (2 * sigma**2))
        np.testing.assert_allclose(best, weights @ data / weights.sum(), atol=1e-4)
        assert (data == x0).all(1).any()
    noise = (pairs.noised - alpha * pairs.x0).numpy() / sigma
    assert 0.7 < noise.std() < 1.3


@pytest.mark.parametrize(("name", "known"), [("epsilon", True), ("flow", True), ("score_matching", False)])
def test_there_are_pairs_where_the_loss_is_a_distance(name, known):
    config = config_of(objective=name)
    batches = Batches(config, np.eye(2, dtype=np.float32), None, torch.device("cpu"))
    assert (Pairs.of(config, batches, objective(name)) is not None) == known
