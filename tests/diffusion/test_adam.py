"""Our Adam is torch's, bit for bit, without torch's compiler."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn

from diffrender.diffusion.training.adam import Adam

BETAS = (0.9, 0.99)


def trained(make, steps=40, rates=(1e-3, 3e-3)):
    torch.manual_seed(0)
    network, x = nn.Sequential(nn.Linear(2, 16), nn.SiLU(), nn.Linear(16, 2)), torch.randn(32, 2)
    network.register_parameter("unused", nn.Parameter(torch.ones(3)))
    optimiser = make(network.parameters())
    for step in range(steps):
        rate = rates[step % 2]
        if isinstance(optimiser, Adam):
            optimiser.learning_rate = rate
        else:
            optimiser.param_groups[0]["lr"] = rate
        optimiser.zero_grad()
        (network(x) - x.flip(1)).square().mean().backward()
        optimiser.step()
    return list(network.parameters()), optimiser


def test_its_weights_are_those_of_torch_bit_for_bit():
    theirs, _ = trained(lambda params: torch.optim.Adam(params, 1e-3, BETAS, fused=True))
    ours, _ = trained(lambda params: Adam(params, 1e-3, BETAS))
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))
    others, _ = trained(lambda params: Adam(params, 1e-3, (0.9, 0.999)))  # the control
    assert not torch.equal(others[1], theirs[1])


def test_its_state_is_all_that_later_steps_depend_on():
    params, before = trained(lambda params: Adam(params, 1e-3, BETAS))
    after = Adam([nn.Parameter(p.detach().clone()) for p in params], 1e-3, BETAS)
    after.restore(before.state())
    for optimiser in (before, after):
        optimiser.learning_rate = 1e-3
        for p in optimiser.params:
            p.grad = torch.ones_like(p)
        optimiser.step()
    assert all(torch.equal(a, b) for a, b in zip(before.params, after.params, strict=True))


@pytest.mark.parametrize(
    ("made", "compiler"), [("Adam([p], .1, (.9, .99))", "False"), ("torch.optim.Adam([p])", "True")]
)
def test_torchs_compiler_is_not_imported(made, compiler):
    code = f"""
import sys, torch
from diffrender.diffusion.training.adam import Adam
p = torch.nn.Parameter(torch.ones(2))
optimiser = {made}
p.sum().backward()
optimiser.step()
print("torch._dynamo" in sys.modules)"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == compiler


def test_the_network_of_points_on_meta_as_checks_make_it_needs_no_compiler_either():
    code = """
import sys, torch
from diffrender.diffusion.denoisers.networks.catalogue import NETWORKS
with torch.device("meta"):
    make, params = NETWORKS.resolve("mlp", {}, "model")
    network = make((2,), 0, **params)
print("torch._dynamo" in sys.modules, next(network.parameters()).device)
with torch.device("meta"):
    2.0 ** torch.arange(3)  # the control
print("torch._dynamo" in sys.modules)"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["False", "meta", "True"]
