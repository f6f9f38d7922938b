"""How often images are read as their class: python tests/benchmarks/image_models.py digits|mnist|cifar10 [FOLDER]

A reader is trained first: a support vector machine on digits, small convolutional networks on MNIST (at least 99 % of
the test images) and on CIFAR-10 (nine tenths of the batches at hand, read on the rest). Then it reads what the shipped
weights draw, with and without guidance, and how near each drawn image is to an image of the set. The reader of CIFAR-10
is fooled by colour and texture: look at the pictures too. Data are read from DIFFRENDER_DATA. Figures and a picture,
samples on the left and the images nearest to them on the right, are written to FOLDER.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from diffrender.config.find import open_config
from diffrender.config.shipped_weights import shipped_weights
from diffrender.diffusion.recording.nearest import nearest_states
from diffrender.diffusion.recording.run import Run
from diffrender.diffusion.targets.build import build_target

CHAINS = 300
OF_ANY = 2000  # unconditional ones: 3 % of these has a standard error of .4 %
EVEN = {"kind": "karras", "sigma_min": 0.04, "sigma_max": 32.0}
SOLVER = {"sampler.kind": "dpmpp_2m", "sampler.steps": 20, "schedule": EVEN}
LADDER = {
    "schedule": {"kind": "geometric", "num_train_timesteps": 40, "sigma_min": 0.08, "sigma_max": 6.5},
    "sampler.kind": "annealed",
    "sampler.steps": 40,
    "sampler.inner_steps": 5,
    "sampler.step_size": 0.25,
}
PICTURED = {"digits": "guidance 2", "mnist": "guidance 2", "cifar10": "guidance 4"}
Read = Callable[[np.ndarray], np.ndarray]
COPY = 0.1  # root mean square distance, in [−1, 1], under which a sample is a copy
NO_COPY = (("mnist", "local"),)  # what must not copy at all
HELD_TO: dict[tuple[str, str], float] = {
    ("digits", "guidance 2"): 0.98,
    ("mnist", "guidance 2"): 0.98,
    ("mnist", "annealed Langevin, guidance 2"): 0.92,
    ("mnist", "local"): 0.98,
}


# ---- readers -------------------------------------------------------------------------------------------------------
def layer(before: int, after: int, pool: bool = True) -> nn.Sequential:
    parts = [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
    return nn.Sequential(*parts, *([nn.MaxPool2d(2)] if pool else []))


class Residual(nn.Module):
    """x + two convolutions of it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(layer(width, width, False), layer(width, width, False))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.body(x)


def reader_network(name: str) -> nn.Module:
    """Small networks that read digits, and things."""
    if name == "mnist":
        first = [nn.Conv2d(1, 24, 4, stride=2, padding=1, bias=False), nn.BatchNorm2d(24), nn.ReLU()]
        return nn.Sequential(*first, layer(24, 48), layer(48, 64), nn.Flatten(), nn.Linear(64 * 9, 10))
    body = [layer(3, 48, False), layer(48, 96), Residual(96), layer(96, 192), layer(192, 192), Residual(192)]
    return nn.Sequential(*body, nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(192, 10))


def varied(x: torch.Tensor) -> torch.Tensor:
    """Photographs turned over, shifted, and with a square cut out."""
    x = torch.where(torch.rand(len(x), 1, 1, 1) < 0.5, x.flip(3), x)
    down, right, top, left = torch.randint(0, 7, (2,)).tolist() + torch.randint(0, 24, (2,)).tolist()
    x = functional.pad(x, (3, 3, 3, 3), mode="reflect")[:, :, down : down + 32, right : right + 32].clone()
    x[:, :, top : top + 8, left : left + 8] = 0
    return x


def shifted(x: torch.Tensor, most: int = 2) -> torch.Tensor:
    """Digits moved by up to `most` pixels either way."""
    down, right = torch.randint(0, 2 * most + 1, (2,)).tolist()
    height, width = x.shape[-2:]
    return functional.pad(x, (most,) * 4, value=-1.0)[:, :, down : down + height, right : right + width]


def train_reader(name: str, x: torch.Tensor, y: torch.Tensor) -> nn.Module:
    torch.manual_seed(0)
    net, photographs = reader_network(name).to(memory_format=torch.channels_last), name == "cifar10"  # type: ignore
    epochs, batch, rate = (16, 64, 4e-3) if photographs else (8, 128, 6e-3)
    optimiser = torch.optim.AdamW(net.parameters(), rate, weight_decay=0.05 if photographs else 0.01)
    steps = len(x) // batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=epochs * steps)
    for _ in range(epochs):
        order = torch.randperm(len(x))
        for i in range(steps):
            rows = order[i * batch : (i + 1) * batch]
            given = varied(x[rows]) if photographs else shifted(x[rows])
            with torch.autocast("cpu", torch.bfloat16):
                out = net(given.contiguous(memory_format=torch.channels_last))
            loss = functional.cross_entropy(out.float(), y[rows], label_smoothing=0.05 if photographs else 0.02)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return net.eval()


def reader(name: str) -> tuple[Read, float]:
    """What reads images (N, C, H, W) in [−1, 1] as classes, and its accuracy on images it has not seen."""
    target = build_target(open_config(name, {"target": name}).target, Path())
    x, y = target.states()  # type: ignore[misc]
    x = x * target.scale + target.offset.astype(np.float32)
    if name == "digits":
        from sklearn.svm import SVC

        part = np.random.default_rng(0).random(len(x)) < 0.7
        flat = x.reshape(len(x), -1)
        accuracy = SVC(gamma=0.05, C=10).fit(flat[part], y[part]).score(flat[~part], y[~part])
        found = SVC(gamma=0.05, C=10).fit(flat, y)
        return lambda images: found.predict(images.reshape(len(images), -1)), accuracy
    if name == "mnist":
        held = build_target(open_config(name, {"target": {"kind": name, "split": "test"}}).target, Path())
        test, test_y = held.states()  # type: ignore[misc]
        test = test * held.scale + held.offset.astype(np.float32)
    else:
        most = len(x) * 9 // 10
        x, y, test, test_y = x[:most], y[:most], x[most:], y[most:]
    net = train_reader(name, torch.from_numpy(x), torch.from_numpy(y))

    def read(images: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return torch.cat([net(part) for part in torch.from_numpy(images).split(500)]).argmax(1).numpy()

    return read, float((read(test) == test_y).mean())


# ---- what is read --------------------------------------------------------------------------------------------------
def drawn(config: str, overrides: dict[str, Any], chains: int = CHAINS) -> tuple[Run, np.ndarray, float]:
    """A run, its last images in [−1, 1], and CPU seconds for 64 of them."""
    config_ = open_config(config, {"sampler.chains": chains, **overrides})
    run = Run.of(config_, weights=shipped_weights(config_.network), device="cpu")
    run.denoiser  # noqa: B018 - loading is not timed
    begun = time.process_time()
    x = run.final()
    seconds = (time.process_time() - begun) * 64 / chains
    return run, np.clip(x * run.target.scale + run.target.offset.astype(np.float32), -1, 1), seconds


def save_picture(path: Path, samples: np.ndarray, nearest: np.ndarray, columns: int = 10, zoom: int = 3) -> None:
    """Images (N, C, H, W) in [−1, 1] as a grid, and a grid of those nearest to them beside it."""
    from PIL import Image

    sides = []
    for images in (samples, nearest):
        count, channels, height, width = images.shape
        padded = np.full((count, channels, height + 1, width + 1), -0.4, np.float32)
        padded[:, :, :height, :width] = images
        rows = padded.reshape(-1, columns, channels, height + 1, width + 1).transpose(0, 3, 1, 4, 2)
        sides.append(rows.reshape(-1, columns * (width + 1), channels))
    both = np.concatenate([sides[0], np.ones((len(sides[0]), 6, sides[0].shape[2]), np.float32), sides[1]], 1)
    pixels = np.round((both.clip(-1, 1) + 1) * 127.5).astype(np.uint8).repeat(zoom, 0).repeat(zoom, 1)
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(path, optimize=True)


def cases(name: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """What is drawn: title → config and overrides."""
    found = {f"guidance {g:g}": (name, {**SOLVER, "sampler.guidance_scale": g}) for g in (1.0, 2.0, 3.0, 4.0)}
    if name == "mnist":
        found["annealed Langevin, guidance 2"] = (name, {**LADDER, "sampler.guidance_scale": 2.0})
        found["DDPM of the config"] = (name, {})
        found["local"] = ("mnist-local", {"sampler.steps": 16})
    if name == "cifar10":
        short = {"sampler.steps": 20}
        found |= {f"local, f = {f:g}": (f"{name}-local", {**short, "model.locality": f}) for f in (1.6, 2.0, 2.4)}
        found["hybrid"] = (f"{name}-hybrid", short)
        for kind in ("gaussian", "exact"):
            found[kind] = (f"{name}-local", {**short, "model": {"kind": kind, "conditional": True}})
    return found


def held_out_copies(name: str, count: int = 3000) -> float:
    """Share of images that nobody made and no model saw which still lie on a training image: what chance gives."""
    trained, held = (
        build_target(open_config(name, {"target": {"kind": name, "split": split}}).target, Path())
        for split in ("train", "test")
    )
    found = nearest_states(held.states()[0][:count], trained.parts())  # type: ignore[index]
    assert found is not None
    return float((found[2] * trained.scale < COPY).mean())


def error_of(share: float, count: int) -> float:
    """The standard error of a share of `count`."""
    return (share * (1 - share) / count) ** 0.5


def main() -> None:
    torch.set_num_threads(1)
    name = sys.argv[1]
    begun = time.process_time()
    read, accuracy = reader(name)
    print(f"reader: {accuracy:.4f} on images it has not seen, {time.process_time() - begun:.0f} s", flush=True)
    result: dict[str, Any] = {"reader": accuracy, "cases": {}}
    if name == "mnist":
        result["held_out_copies"] = share = held_out_copies(name)
        print(f"of the test images {share:.3f} lie nearer than {COPY} to a training image", flush=True)
    for title, (config, overrides) in cases(name).items():
        run, images, seconds = drawn(config, overrides)
        right = float((read(images) == run.labels).mean())
        states = (images - run.target.offset.astype(np.float32)) / np.float32(run.target.scale)
        near = nearest_states(states, run.target.parts())
        far = (near[2] if near else np.full(1, np.nan)) * run.target.scale
        wanted = HELD_TO.get((name, title))
        copies = float((far < COPY).mean())
        kept = wanted is None or (right >= wanted and not ((name, title) in NO_COPY and copies))
        also = " and no copy" * ((name, title) in NO_COPY)
        held = "" if wanted is None else f", {'held' if kept else 'MISSED'}: at least {wanted:g}{also}"
        print(
            f"{title}: {right:.3f} ± {error_of(right, len(images)):.3f} read as their class{held};"
            f" nearest image {np.median(far):.2f} (median), {copies:.3f} nearer than {COPY}; {seconds:.1f} s for 64",
            flush=True,
        )
        if near and title == PICTURED[name] and sys.argv[2:]:
            shown = near[0][:50] * np.float32(run.target.scale) + run.target.offset.astype(np.float32)
            save_picture(Path(sys.argv[2]) / f"{name}.png", images[:50], shown)
        result["cases"][title] = {"agree": right, "nearest": float(np.median(far)), "copies": copies}
    unasked = {"model.conditional": True, "sampler.guidance_scale": 0.0}
    _, images, _ = drawn(name, {**SOLVER, **unasked}, OF_ANY)
    share = np.bincount(read(images), minlength=10) / len(images)
    least = error_of(float(share.min()), len(images))
    print(f"of any class: {', '.join(f'{part:.3f}' for part in share)} (at least {share.min():.3f} ± {least:.3f})")
    result["classes"] = share.tolist()
    if sys.argv[2:]:
        (Path(sys.argv[2]) / f"{name}.json").write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
