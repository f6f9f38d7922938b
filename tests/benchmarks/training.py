"""How fast training is, and how soon it is good: python tests/benchmarks/training.py [OUT.json]

Steps a second against a bare loop of the same network, batch and optimiser. Then the toy settings that tiny-diffusion
and smalldiffusion publish, as plain loops on the same spiral: when they end, how far are their samples from fresh data
(sliced Wasserstein-2), and how much sooner does `train` get as near? CPU seconds of one thread, from the start of the
training to its end, ours with drawing the data.

tiny-diffusion: ddpm.py, batch 32, 200 epochs of 8,000 points, AdamW 1e-3, 50 linear timesteps, 128 wide, 3 blocks.
smalldiffusion: README, batch 2048, 15,000 steps, Adam 1e-3, log-linear sigmas 0.005 … 10, widths 16, 128 × 4, 16.
"""

from __future__ import annotations

import json
import math
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import nn

from diffrender.config.find import open_config
from diffrender.config.load import load_config
from diffrender.diffusion.recording.metrics import against_target
from diffrender.diffusion.targets.build import build_target
from diffrender.diffusion.training.base import BETAS
from diffrender.diffusion.training.loop import train
from diffrender.diffusion.training.trainer import Trainer

SPIRAL = Path(__file__).parents[2] / "configs" / "spiral.yaml"
FRESH = 20_000
SOONER = 5.0
LENGTHS = (150, 300, 600, 1200, 2400, 4800, 6000)  # training steps of ours that are tried


def images_and_bare(rounds: int = 5, steps: int = 10) -> tuple[float, float]:
    """The same of the U-Net of MNIST, on digits: of small maps, which leave the trainer more of the time."""
    unet = {"kind": "unet", "widths": [32, 64, 96], "patch": 1, "conditional": True}
    config = open_config("mnist", {"training.snapshots": 0, "target": {"kind": "digits"}, "model": unet})
    target = build_target(config.target, config.folder)
    trainer = Trainer(config, target, torch.device("cpu"))
    network, size = Trainer(config, target, torch.device("cpu")).network, config.training.batch_size
    optimiser = torch.optim.Adam(network.parameters(), 1e-3, BETAS, fused=True)
    data, label = map(torch.from_numpy, target.states() or ())

    def ours() -> None:
        trainer.advance()

    def bare() -> None:
        index, u = torch.randint(len(data), (size,)), torch.exp(torch.randn(size, 1, 1, 1))
        x0, norm = data[index], torch.sqrt(1 + u * u)
        x = (x0 + u * torch.randn(x0.shape)) / norm
        out = network(x, -2 * torch.log(u).flatten(), label[index])
        loss = (out - (norm * x0 - x) / u).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    return _steps_a_second(ours, bare, rounds, steps)


def ours_and_bare(rounds: int = 5, steps: int = 300) -> tuple[float, float]:
    """Steps a CPU second of the trainer and of a bare loop, the best of interleaved rounds."""
    config = load_config(SPIRAL, {"training.snapshots": 0})
    target = build_target(config.target, config.folder)
    trainer = Trainer(config, target, torch.device("cpu"))
    network, size = Trainer(config, target, torch.device("cpu")).network, config.training.batch_size
    optimiser = torch.optim.Adam(network.parameters(), 1e-3, BETAS, fused=True)
    data = torch.from_numpy(target.draw(50_000, np.random.default_rng(0)))
    alpha, sigma = (torch.from_numpy(a).float() for a in (trainer.batches.levels.alpha, trainer.batches.levels.sigma))

    def ours() -> None:
        trainer.advance()
        if trainer.step % 16 == 0:
            trainer.collect_losses()

    def bare() -> None:
        x0, eps = data[torch.randint(len(data), (size,))], torch.randn(size, 2)
        t = torch.randint(1, len(alpha), (size,))
        a, s = alpha[t, None], sigma[t, None]
        loss = (network(a * x0 + s * eps, 2 * torch.log(a / s)[:, 0]) - (a * eps - s * x0)).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    return _steps_a_second(ours, bare, rounds, steps)


def _steps_a_second(ours: Callable[[], None], bare: Callable[[], None], rounds: int, steps: int) -> tuple[float, float]:
    best = {ours: math.inf, bare: math.inf}
    for _ in range(rounds):
        for step in best:
            begun = time.process_time()
            for _ in range(steps):
                step()
            best[step] = min(best[step], time.process_time() - begun)
    return steps / best[ours], steps / best[bare]


# ---- the toys of others ----------------------------------------------------------------------------------------------
class Sines(nn.Module):
    """tiny-diffusion's sinusoidal embedding of one number."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale
        self.register_buffer("waves", torch.exp(-math.log(10_000.0) / 63 * torch.arange(64)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        angle = (x * self.scale)[:, None] * self.waves
        return torch.cat([angle.sin(), angle.cos()], 1)


class Block(nn.Module):
    """tiny-diffusion's residual block."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(128, 128)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + nn.functional.gelu(self.layer(x))


class TinyNetwork(nn.Module):
    """tiny-diffusion's network."""

    def __init__(self) -> None:
        super().__init__()
        self.place, self.time = Sines(25.0), Sines(1.0)
        self.body = nn.Sequential(nn.Linear(384, 128), nn.GELU(), Block(), Block(), Block(), nn.Linear(128, 2))

    def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return self.body(torch.cat([self.place(x[:, 0]), self.place(x[:, 1]), self.time(t)], 1))


def tiny_diffusion(draw: Callable[[int], torch.Tensor]) -> tuple[float, np.ndarray]:
    """CPU seconds of its training, and FRESH samples."""
    data, network = draw(8000), TinyNetwork()
    beta = torch.linspace(1e-4, 0.02, 50)
    bar = torch.cumprod(1 - beta, 0)
    optimiser = torch.optim.AdamW(network.parameters(), 1e-3)
    begun = time.process_time()
    for _ in range(200):
        for index in torch.randperm(len(data)).split(32):
            noise, t = torch.randn(len(index), 2), torch.randint(50, (len(index),))
            noisy = bar[t, None].sqrt() * data[index] + (1 - bar[t, None]).sqrt() * noise
            loss = nn.functional.mse_loss(network(noisy, t), noise)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            optimiser.zero_grad()
    seconds = time.process_time() - begun
    with torch.no_grad():
        x = torch.randn(FRESH, 2)
        for t in range(49, -1, -1):
            before = bar[t - 1] if t else torch.tensor(1.0)
            x0 = (x - (1 - bar[t]).sqrt() * network(x, torch.full((FRESH,), t))) / bar[t].sqrt()
            x = (beta[t] * before.sqrt() * x0 + (1 - before) * (1 - beta[t]).sqrt() * x) / (1 - bar[t])
            x += (beta[t] * (1 - before) / (1 - bar[t])).sqrt() * torch.randn(FRESH, 2)
    return seconds, x.numpy()


def smalldiffusion(draw: Callable[[int], torch.Tensor]) -> tuple[float, np.ndarray]:
    """CPU seconds of its training, and FRESH samples by its 20 gradient-estimation steps."""
    widths, data = (4, 16, 128, 128, 128, 128, 16), draw(50_000)
    layers = [part for a, b in pairwise(widths) for part in (nn.Linear(a, b), nn.GELU())]
    network, sigmas = nn.Sequential(*layers, nn.Linear(16, 2)), torch.logspace(math.log10(0.005), 1, 200)
    optimiser = torch.optim.Adam(network.parameters(), 1e-3)

    def predict(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        s = sigma.log() / 2
        return network(torch.cat([x, s.sin(), s.cos()], 1))

    begun = time.process_time()
    for _ in range(15_000):
        x0, eps = data[torch.randint(len(data), (2048,))], torch.randn(2048, 2)
        sigma = sigmas[torch.randint(200, (2048, 1))]
        optimiser.zero_grad()
        nn.functional.mse_loss(predict(x0 + sigma * eps, sigma), eps).backward()
        optimiser.step()
    seconds = time.process_time() - begun
    chosen = sigmas[[*((200 * (1 - np.arange(20) / 20)).round().astype(int) - 1), 0]]
    with torch.no_grad():
        x, last = torch.randn(FRESH, 2) * chosen[0], None
        for now, to in pairwise(chosen):
            eps = predict(x, now.expand(FRESH, 1))
            x = x - (now - to) * (eps if last is None else 2 * eps - last)
            last = eps
    return seconds, x.numpy()


def ours_reaching(distance: float) -> dict[str, float] | None:
    """The shortest of our runs, from config to weights, whose samples are as near; with its CPU seconds."""
    for steps in LENGTHS:
        config = load_config(SPIRAL, {"training.steps": steps, "training.snapshots": 0})
        with tempfile.TemporaryDirectory() as folder:
            figures = train(config, Path(folder) / "m.safetensors", device="cpu", measured_samples=FRESH).figures
        reached, seconds = figures["sliced_wasserstein"], figures["training_cpu_seconds"]
        print(f"    ours, {steps:5} steps: {reached:.4f} in {seconds:.1f} s", flush=True)
        if reached <= distance:
            return {"steps": steps, "seconds": seconds, "distance": reached}
    return None


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    ours, bare = ours_and_bare()
    print(f"steps/s: ours {ours:.0f}, bare loop {bare:.0f}, ratio {ours / bare:.2f} (at least 0.85)", flush=True)
    unet, plain = images_and_bare()
    print(f"of a U-Net: ours {unet:.1f}, bare loop {plain:.1f}, ratio {unet / plain:.2f} (at least 0.85)", flush=True)
    result: dict = {"steps_per_second": {"ours": ours, "bare": bare, "unet": unet, "unet_bare": plain}, "toys": {}}
    config = load_config(SPIRAL)
    target, rng = build_target(config.target, config.folder), np.random.default_rng(1)
    fresh = [target.draw(FRESH, rng) for _ in range(4)]
    for toy in (tiny_diffusion, smalldiffusion):
        seconds, samples = toy(lambda n: torch.from_numpy(target.draw(n, rng)))
        distance, floor = against_target(samples, fresh)
        print(f"{toy.__name__}: {distance:.4f} ({distance / floor:.1f} × floor) in {seconds:.1f} s", flush=True)
        reached = ours_reaching(distance)
        sooner = seconds / reached["seconds"] if reached else 0.0
        print(
            f"    {'held' if sooner >= SOONER else 'MISSED'}: {sooner:.1f} × sooner (at least {SOONER:.0f})", flush=True
        )
        result["toys"][toy.__name__] = {"seconds": seconds, "distance": distance, "floor": floor, "ours": reached}
    if sys.argv[1:]:
        Path(sys.argv[1]).write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
