"""Networks for images: their shapes, what they begin as, and the affine denoiser that one of them corrects."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from diffrender.core.errors import ConfigError
from diffrender.diffusion.denoisers.base import Prediction
from diffrender.diffusion.denoisers.networks.catalogue import NETWORKS
from diffrender.diffusion.denoisers.networks.gaussian_preconditioned import GaussianPreconditioned
from diffrender.diffusion.denoisers.objectives import objective
from diffrender.diffusion.levels import Level

EVENTS = {"mlp": (1, 8, 8), "residual_mlp": (1, 8, 8), "unet": (3, 12, 8)}


def network(kind: str, event: tuple[int, ...], classes: int = 0, **params) -> nn.Module:
    torch.manual_seed(0)
    entry = NETWORKS[kind]
    return entry.make(event, classes, **entry.check(params, "model")).eval()


def stirred(net: nn.Module) -> nn.Module:
    """The same network with no weight left at zero."""
    with torch.no_grad():
        for parameter in net.parameters():
            parameter += 0.05 * torch.randn(parameter.shape)
    return net


@pytest.mark.parametrize("kind", list(EVENTS))
def test_every_network_says_nothing_at_first_and_keeps_the_shape(kind):
    event = EVENTS[kind]
    net = network(kind, event, 3, conditional=True)
    x, place = torch.randn(5, *event), torch.linspace(-20, 20, 5)
    assert torch.equal(net(x, place, None), torch.zeros_like(x))
    assert net(x, place, torch.tensor([0, 1, 2, -1, 0])).shape == x.shape
    assert stirred(net)(x, place, None).abs().min() > 0


@pytest.mark.parametrize("kind", list(EVENTS))
def test_every_network_tells_classes_and_levels_apart(kind):
    net = stirred(network(kind, EVENTS[kind], 3, conditional=True))
    x, place = torch.randn(1, *EVENTS[kind]).repeat(4, *[1] * len(EVENTS[kind])), torch.zeros(4)
    with torch.no_grad():
        out = net(x, place, torch.tensor([0, 1, 2, -1]))
        assert all(not torch.allclose(out[i], out[j]) for i in range(4) for j in range(i))
        assert torch.allclose(out[3:], net(x[:1], place[:1], None), atol=1e-5)
        assert not torch.allclose(net(x[:1], place[:1], None), net(x[:1], place[:1] + 1, None))


@pytest.mark.parametrize("side", [7, 8, 9])
def test_a_unet_of_three_levels_fits_maps_of_any_side(side):
    net = stirred(network("unet", (1, side, side), widths=(8, 8, 16), patch=1, attention=(side,)))
    assert net(torch.randn(2, 1, side, side), torch.zeros(2)).shape == (2, 1, side, side)


@pytest.mark.parametrize(
    ("event", "params", "says"),
    [
        ((2,), {}, "needs images"),
        ((1, 8, 8), {"widths": (12,)}, "model.widths: 12 is not a multiple of 8"),
        ((1, 9, 9), {}, "model.patch: images of 9 × 9"),
        ((1, 8, 8), {"attention": (5,)}, "model.attention: no map has the side 5"),
        ((1, 8, 8), {"precondition": "gaussian", "axes": 64}, "model.axes: 64 axes"),
    ],
)
def test_a_unet_that_does_not_fit_the_images_is_refused(event, params, says):
    with pytest.raises(ConfigError, match=says):
        network("unet", event, **params)


def gaussian(n: int = 4000) -> torch.Tensor:
    """Images (n, 1, 4, 4) of a Gaussian with a few strong axes."""
    torch.manual_seed(1)
    mixing = torch.randn(16, 16) * torch.tensor([3.0, 2.0, 1.0, *[0.3] * 13])[:, None]
    return (torch.randn(n, 16) @ mixing / 4 + torch.randn(16)).view(n, 1, 4, 4)


def test_the_affine_denoiser_is_the_posterior_mean_of_a_gaussian():
    """Against mean + C (C + u²)⁻¹ (x − mean) in float64; with an axis too few it is another one."""
    data = gaussian()
    flat = data.flatten(1).double()
    mean, covariance = flat.mean(0), torch.cov(flat.T, correction=0)
    u, x = torch.tensor([0.3, 1.0, 4.0]), torch.randn(3, 1, 4, 4)
    expected = torch.stack(
        [
            mean
            + covariance @ torch.linalg.solve(covariance + u[i].double() ** 2 * torch.eye(16), x[i].flatten() - mean)
            for i in range(3)
        ]
    ).view(3, 1, 4, 4)
    for axes, right in ((15, True), (1, False)):
        net = GaussianPreconditioned(nn.Identity(), (1, 4, 4), axes)
        net.fit(data)
        assert bool((net.affine(x, u) - expected).abs().max() < 1e-4) is right


def test_its_known_error_is_the_error_that_is_measured():
    data = gaussian(20_000)
    net = GaussianPreconditioned(nn.Identity(), (1, 4, 4), 15)
    net.fit(data)
    for u in (0.2, 1.0, 5.0):
        u = torch.full((len(data),), u)
        measured = (net.affine(data + u[0] * torch.randn(data.shape), u) - data).square().mean().sqrt()
        assert math.isclose(net.error(u)[0], measured, rel_tol=0.02)
        assert not math.isclose(net.error(2 * u)[0], measured, rel_tol=0.02)


def test_a_preconditioned_network_begins_as_the_affine_denoiser_and_learns_what_is_left():
    """Its answer, read as the objective `edm` reads it, is G + e·F, and the loss weighs F's own error by 1."""
    data = gaussian()
    net = network("unet", (1, 4, 4), widths=(8,), patch=1, precondition="gaussian", axes=3)
    net.fit(data)
    level = Level(0.8, 1.2, 0.5)
    u, norm = torch.full((6,), level.ratio), math.hypot(level.alpha, level.sigma)
    x0, eps = data[:6], torch.randn(6, 1, 4, 4)
    x = level.alpha * x0 + level.sigma * eps
    place, says = torch.full((6,), level.log_snr), objective("edm")
    affine = net.affine(x / level.alpha, u)
    with torch.no_grad():
        assert torch.allclose(Prediction(x, level, **says.answer(net(x / norm, place), level)).x0, affine, atol=1e-5)
        stirred(net)
        out = net(x / norm, place)
        correction = net.network(torch.cat([x / norm, affine], 1), place)
        x0_hat = affine + net.error(u).view(-1, 1, 1, 1) * correction
        assert torch.allclose(Prediction(x, level, **says.answer(out, level)).x0, x0_hat, atol=1e-5)
        target = says.target(x0, eps, torch.tensor(level.alpha), torch.tensor(level.sigma))
        weighted = net.loss_weight(place).view(-1, 1, 1, 1) * (out - target).square()
        own = (correction - (x0 - affine) / net.error(u).view(-1, 1, 1, 1)).square()
        assert torch.allclose(weighted, own, rtol=1e-3, atol=1e-4)
        assert not torch.allclose((out - target).square(), own, rtol=1e-3, atol=1e-4)


def test_a_unet_multiplies_in_bfloat16_only_while_it_is_trained_and_only_if_asked():
    plain, half = (
        stirred(network("unet", (3, 12, 8), widths=(8, 16), train_in=kind)) for kind in ("float32", "bfloat16")
    )
    x, place = torch.randn(4, 3, 12, 8), torch.linspace(-3, 3, 4)
    with torch.no_grad():
        assert torch.equal(plain(x, place, None), half(x, place, None)), "not while it samples"
        assert torch.equal(plain.train()(x, place, None), plain.eval()(x, place, None))
        exact, rough = plain(x, place, None), half.train()(x, place, None)
    assert rough.dtype == torch.float32
    assert 0 < float((rough - exact).abs().max() / exact.abs().max()) < 0.05
    half(x, place, None).square().mean().backward()
    assert all(p.grad.dtype == p.dtype == torch.float32 for p in half.parameters())
