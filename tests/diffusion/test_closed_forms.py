"""Denoisers without a network against the same formulas written out in double precision, and in every sampler."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from diffrender.config.sections import Config, TargetConfig
from diffrender.core.errors import ConfigError, DiffrenderError
from diffrender.diffusion.denoisers.exact import MAX_DOUBLED, DataDenoiser
from diffrender.diffusion.denoisers.gaussian import GaussianDenoiser
from diffrender.diffusion.denoisers.local import AVERAGED, LocalDenoiser, band, patch_side, whole_image
from diffrender.diffusion.levels import Level
from diffrender.diffusion.recording.run import Run
from diffrender.diffusion.targets.build import build_target

LEVELS = [Level(1.0, 25.0, 1), Level(1.0, 1.3, 0.5), Level(0.8, 0.6, 0.5), Level(0.99, 0.1, 0.1), Level(1.0, 0.03, 0)]
COLOUR = np.random.default_rng(0).normal(size=(23, 3, 7, 6)).astype(np.float32)
KIND = np.arange(23) % 3


def noised(images: np.ndarray, level: Level, n: int = 5) -> torch.Tensor:
    rng = np.random.default_rng(1)
    x = level.alpha * images[:n] + level.sigma * rng.normal(size=images[:n].shape)
    return torch.from_numpy(x.astype(np.float32))


def softmax(log_w: np.ndarray) -> np.ndarray:
    w = np.exp(log_w - log_w.max())
    return w / w.sum()


def reflected(i: int, n: int) -> int:
    while not 0 <= i < n:
        i = -i if i < 0 else 2 * (n - 1) - i
    return i


def local_by_hand(x: np.ndarray, images: np.ndarray, level: Level, side: int, border: str, average: bool) -> np.ndarray:
    """x̂0 (C, H, W) of one chain, pixel by pixel and image by image, in float64."""
    _, height, width = x.shape
    x, images, reach = x.astype(np.float64), images.astype(np.float64), side // 2
    weights = np.empty((height, width, len(images)))
    for i in range(height):
        for j in range(width):
            far = np.zeros(len(images))
            for a in range(i - reach, i + reach + 1):
                for b in range(j - reach, j + reach + 1):
                    if border == "cut" and not (0 <= a < height and 0 <= b < width):
                        continue
                    row, column = reflected(a, height), reflected(b, width)
                    far += np.square(x[:, row, column] - level.alpha * images[:, :, row, column]).sum(1)
            weights[i, j] = softmax(-far / (2 * level.sigma**2))
    out = np.empty_like(x)
    for i in range(height):
        for j in range(width):
            near = [weights[i, j]]
            if average:
                cells = [(a, b) for a in range(i - 1, i + 2) for b in range(j - 1, j + 2)]
                if border == "cut":
                    cells = [(a, b) for a, b in cells if 0 <= a < height and 0 <= b < width]
                near = [weights[reflected(a, height), reflected(b, width)] for a, b in cells]
            out[:, i, j] = np.mean(near, 0) @ images[:, :, i, j]
    return out


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(("side", "border", "average"), [(1, "reflect", False), (3, "reflect", True), (5, "cut", True)])
def test_local_is_the_sum_over_patches_written_out(level, side, border, average):
    x = noised(COLOUR, level, 2)
    local = LocalDenoiser(COLOUR, side=lambda ratio: side, border=border, average=average)
    by_hand = np.stack([local_by_hand(c, COLOUR, level, side, border, average) for c in x.numpy()])
    assert np.abs(local(x, level).x0.numpy() - by_hand).max() < 1e-5
    if level.sigma == 1.3:
        other = LocalDenoiser(COLOUR, side=lambda ratio: side + 2, border=border, average=average)
        assert np.abs(other(x, level).x0.numpy() - by_hand).max() > 1e-3, "the control: another patch says otherwise"


@pytest.mark.parametrize("level", LEVELS)
def test_local_with_whole_images_for_patches_is_exact(level):
    x, exact = noised(COLOUR, level), DataDenoiser(COLOUR)
    side = whole_image(COLOUR.shape[1:])
    local = LocalDenoiser(COLOUR, side=lambda ratio: side)
    assert float((local(x, level).x0 - exact(x, level).x0).abs().max()) < 1e-5
    smaller = LocalDenoiser(COLOUR, side=lambda ratio: 3)(x, level).x0
    if 0.1 < level.sigma < 5:
        assert float((smaller - exact(x, level).x0).abs().max()) > 1e-2, "the control: a small patch is something else"


@pytest.mark.parametrize("level", LEVELS)
def test_gaussian_is_the_affine_map_written_out(level):
    for images in (COLOUR, np.repeat(COLOUR, 12, 0) + np.random.default_rng(2).normal(size=(276, 3, 7, 6))):
        x, flat = noised(images.astype(np.float32), level), images.reshape(len(images), -1).astype(np.float64)
        mean, covariance = flat.mean(0), np.cov(flat.T, bias=True)
        noisy = level.alpha**2 * covariance + level.sigma**2 * np.eye(len(covariance))
        gain = level.alpha * np.linalg.solve(noisy, covariance).T
        by_hand = mean + (x.numpy().reshape(len(x), -1) - level.alpha * mean) @ gain.T
        x0 = GaussianDenoiser(images.astype(np.float32))(x, level).x0.numpy().reshape(len(x), -1)
        assert np.abs(x0 - by_hand).max() < 1e-5
        assert np.abs(x0 - mean).max() > 1e-3, "the control: the mean alone is not it"


def test_classes_are_worked_out_apart():
    level, label = Level(0.8, 0.6, 0.5), torch.tensor([2, 0, -1, 2, 1])
    x, side = noised(COLOUR, level), whole_image(COLOUR.shape[1:])
    makers = [
        lambda p, k=None: DataDenoiser(p, k),
        lambda p, k=None: GaussianDenoiser(p, k),
        lambda p, k=None: LocalDenoiser(p, k, side=lambda ratio: 3),
        lambda p, k=None: LocalDenoiser(p, k, side=lambda ratio: side),
    ]
    for make in makers:
        together = make(COLOUR, KIND)(x, level, label).x0
        for i, k in enumerate(label.tolist()):
            alone = make(COLOUR if k < 0 else COLOUR[k == KIND])(x[i : i + 1], level).x0
            assert float((together[i : i + 1] - alone).abs().max()) < 1e-5
        assert float((together - make(COLOUR)(x, level).x0).abs().max()) > 1e-3, "the control: classes matter"
        with pytest.raises(DiffrenderError, match="class 9"):
            make(COLOUR, KIND)(x, level, torch.full((5,), 9))


def test_exact_of_many_images_keeps_its_digits_at_every_sigma():
    """More numbers than are simply doubled: the nearest images are worked out again."""
    images = np.random.default_rng(3).normal(size=(2 * MAX_DOUBLED // 768, 3, 16, 16)).astype(np.float32)
    images[1::2] = images[::2] + 0.01 * np.random.default_rng(4).normal(size=images[::2].shape)  # near twins
    for sigma in (2.0, 0.5, 0.1, 0.03):
        x = noised(images, Level(1.0, sigma, 0), 6)
        flat, chains = images.reshape(len(images), -1).astype(np.float64), x.numpy().reshape(6, -1).astype(np.float64)
        by_hand = [softmax(-np.square(c - flat).sum(1) / (2 * sigma**2)) @ flat for c in chains]
        x0 = DataDenoiser(images)(x, Level(1.0, sigma, 0)).x0.numpy().reshape(6, -1)
        assert np.abs(x0 - by_hand).max() < 1e-5


def test_far_noise_gives_the_mean_and_no_noise_the_state():
    for denoiser in (DataDenoiser(COLOUR), GaussianDenoiser(COLOUR), LocalDenoiser(COLOUR, side=lambda ratio: 3)):
        x = torch.randn(2, 3, 7, 6)
        assert torch.allclose(
            denoiser(x, Level(0.0, 1.0, 1)).x0, torch.from_numpy(COLOUR.mean(0)).expand(2, -1, -1, -1), atol=1e-5
        )
        assert torch.equal(denoiser(x, Level(1.0, 0.0, 0)).x0, x)


def test_the_band_folds_back_or_cuts():
    assert band(4, 3, "cut").tolist() == [[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 1], [0, 0, 1, 1]]
    assert band(4, 3, "reflect").tolist() == [[1, 2, 0, 0], [1, 1, 1, 0], [0, 1, 1, 1], [0, 0, 2, 1]]
    assert np.all(band(5, 9, "reflect").sum(1) == 9)
    assert np.all(band(1, AVERAGED, "reflect") == AVERAGED)


def test_patches_follow_the_table():
    sides = [patch_side(sigma, 1.0, 32, 1) for sigma in (0.01, 0.1, 0.35, 1, 1.7, 3, 6, 12, 25, 90)]
    assert sides == [1, 1, 3, 5, 7, 11, 17, 21, 25, 25]
    assert [patch_side(sigma, 2.0, 28, 3) for sigma in (0.01, 1, 25)] == [3, 9, 49]
    assert patch_side(1.0, 2.0, 8, 3) == 3
    assert patch_side(1.0, 2.0, 64, 3) == 19
    assert all(patch_side(s, f, 32, 1) % 2 for s in (0.2, 0.7, 4.0) for f in (0.7, 1.6, 3.5))


# ---- in samplers ---------------------------------------------------------------------------------------------------
def final(model, chains=20, target=None, **sampler):
    config = Config.model_validate(
        {
            "target": target or {"kind": "digits", "limit": 200},
            "model": model,
            "schedule": {"kind": "karras", "sigma_max": 80.0, "sigma_min": 0.01},
            "sampler": {"kind": "ddim", "steps": 25, "chains": chains} | sampler,
            "seed": 3,
        }
    )
    run = Run.of(config, device="cpu")
    return run.final(), run


def to_nearest(samples: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Root mean square difference of each sample to the nearest image."""
    far = np.square(samples[:, None] - images[None]).mean((2, 3, 4))
    return np.sqrt(far.min(1))


@pytest.mark.parametrize("kind", ["ddim", "ddpm", "dpmpp_2m", "heun"])
def test_exact_ends_on_images_of_the_set(kind):
    samples, run = final("exact", kind=kind)
    images = run.target.states()[0]
    assert to_nearest(samples, images).max() < 0.03
    every = build_target(TargetConfig(kind="digits"), Path()).states()[0]
    others = every[to_nearest(every, images) > 0]
    assert to_nearest(samples, others).min() > 0.1, "the control: they are not images it was never given"
    blurred, _ = final("gaussian", kind=kind)
    assert to_nearest(blurred, images).min() > 0.1, "the control: the Gaussian ends elsewhere"


def test_gaussian_has_the_mean_and_covariance_of_the_data():
    """Of the probability flow the end is affine in the start: 4,000 chains show mean and covariance."""
    samples, run = final("gaussian", chains=4000, steps=60)
    images = run.target.states()[0]
    x, y = samples.reshape(4000, -1), images.reshape(len(images), -1)
    found, wanted = np.cov(x.T), np.cov(y.T, bias=True)
    scale = np.linalg.norm(wanted)
    assert np.abs(x.mean(0) - y.mean(0)).max() < 0.08
    assert np.linalg.norm(found - wanted) / scale < 0.1
    other = np.cov(build_target(TargetConfig(kind="digits", classes=[1]), Path()).states()[0].reshape(182, -1).T)
    assert np.linalg.norm(found - other) / scale > 0.3, "the control: another set has another covariance"


def test_patches_up_to_a_size_keep_local_from_memory_however_large_its_locality():
    def far(**more):
        x, run = final({"kind": "local", "locality": 100, "conditional": True, **more}, target="digits", chains=30)
        images = run.target.states()[0]
        return np.sqrt(np.square(x[:, None] - images[None]).mean((2, 3, 4))).min(1)

    assert far().max() < 0.05, "the control: without a largest patch all are remembered"
    assert np.median(far(max_patch=3)) > 0.1
    with pytest.raises(ConfigError, match="max_patch"):
        final({"kind": "local", "max_patch": 0})


def test_local_invents_and_its_locality_leads_back_to_memory():
    invented, run = final({"kind": "local", "locality": 1.5, "conditional": True}, target="digits", chains=30)
    images = run.target.states()[0]
    assert np.median(to_nearest(invented, images)) > 0.1
    remembered, _ = final({"kind": "local", "locality": 100, "conditional": True}, target="digits", chains=30)
    assert np.median(to_nearest(remembered, images)) < 0.03


@pytest.mark.parametrize("model", ["exact", "gaussian", "local"])
def test_chains_have_the_classes_that_are_asked_for(model):
    samples, run = final({"kind": model}, target="digits", classes=[7, "2"], chains=6)
    assert run.labels.tolist() == [7, 2, 7, 2, 7, 2]
    x, label = run.target.states()
    if model == "exact":
        near = np.square(samples[:, None] - x[None]).mean((2, 3, 4)).argmin(1)
        assert label[near].tolist() == run.labels.tolist()
    with pytest.raises(ConfigError, match=r"sampler\.classes: the target has no class '11'"):
        _ = final({"kind": model}, target="digits", classes=[11])


def test_a_network_that_knows_no_classes_cannot_be_asked_for_one():
    with pytest.raises(ConfigError, match=r"(?s)sampler\.classes.*conditional"):
        final({"kind": "mlp"}, target="digits", classes=[3])


def test_local_is_refused_where_there_are_no_images():
    with pytest.raises(ConfigError, match="set of images"):
        final("local", target="spiral")
    with pytest.raises(ConfigError, match="locality"):
        final({"kind": "local", "locality": 0})


def test_annealed_langevin_walks_images_and_leaves_out_the_last_denoising_if_told():
    made = {}
    for last in (True, False):
        samples, run = final(
            "exact", kind="annealed", steps=20, chains=10, inner_steps=5, step_size=0.25, final_denoising=last
        )
        made[last] = to_nearest(samples, run.target.states()[0])
    assert made[True].max() < 0.03
    assert made[False].min() > 0.005
    assert made[False].max() < 0.2
    assert math.isfinite(float(made[False].sum()))


# ---- hybrid --------------------------------------------------------------------------------------------------------
HYBRID = {
    "kind": "hybrid",
    "sigma": 0.75,
    "locality": 3.0,
    "points": 20,
    "network": {"kind": "residual_mlp", "width": 16},
}


def test_a_hybrid_is_local_above_its_sigma_and_the_network_below(tmp_path):
    from diffrender.diffusion.denoisers import build, learned

    config = Config.model_validate({"target": "digits", "model": HYBRID, "training": {"steps": 3}})
    digits = build_target(config.target, Path())
    weights = tmp_path / "model.safetensors"
    net = learned.network(config.network, digits.event, 0)
    torch.nn.init.normal_(list(net.parameters())[-1])
    learned.save(weights, net, config.network, {})
    hybrid = build.build_denoiser(config, digits, weights)
    network = learned.load(weights, config.network, digits.event, 0, "cpu")
    local = build.build_denoiser(
        Config.model_validate({"target": "digits", "model": {"kind": "local", "locality": 3.0, "points": 20}}),
        digits,
        None,
    )
    x = torch.randn(3, 1, 8, 8)
    for sigma, one, other in ((1.01, local, network), (0.98, network, local)):  # 0.75 of [−1, 1] is 0.997 of x
        level = Level(1.0, sigma, 0.5)
        assert torch.equal(hybrid(x, level).x0, one(x, level).x0)
        assert not torch.allclose(hybrid(x, level).x0, other(x, level).x0, atol=1e-3), "the control: they differ"


def test_a_hybrid_trains_its_network_alone_and_its_key_knows_the_rest(tmp_path, monkeypatch):
    from diffrender.jobs.plan.subject import Subject

    monkeypatch.chdir(tmp_path)
    network = "{kind: residual_mlp, width: 16}"
    (tmp_path / "plain.yaml").write_text(f"target: digits\nmodel: {network}\n")
    for name, sigma in (("one", 0.8), ("two", 0.4)):
        (tmp_path / f"{name}.yaml").write_text(
            f"target: digits\nmodel: {{kind: hybrid, sigma: {sigma}, network: {network}}}\n"
        )
    plain, one, two = (Subject.of(f"{name}.yaml") for name in ("plain", "one", "two"))
    assert plain.train().key == one.train().key == two.train().key
    assert one.sample().key != two.sample().key
    assert [job.key for job in one.sample().needs] == [plain.train().key]
    (tmp_path / "bare.yaml").write_text("target: digits\nmodel: hybrid\n")
    with pytest.raises(ConfigError, match=r"model\.network"):
        Subject.of("bare.yaml").sample()
