"""Recording what an autoencoder has learned: its codes while it did, their density, images decoded from the plane.

Everything stands in the coordinates of the latents as models see them: (code − offset) / scale of the final codes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from diffrender.config.sections import Config
from diffrender.diffusion.autoencoders.trained import TrainedAutoencoder
from diffrender.diffusion.recording.describe import autoencoder_facts, target_facts
from diffrender.diffusion.recording.grids import Grid
from diffrender.diffusion.recording.metrics import neighbour_agreement
from diffrender.diffusion.targets.build import config_target
from diffrender.trajectory.writer import TrajectoryWriter

SHEET = 20  # images decoded along each axis of the plane
DENSITY_GRID = (140, 140)
MAX_KERNELS = 1500  # codes of a class that its density is estimated from

Progress = Callable[[dict[str, Any]], None]


def record_codes(config: Config, out: Path, *, key: str = "", progress: Progress | None = None) -> Path:
    """Record the autoencoder of a config at `out`, as a recording of kind `autoencoder`.

    key, progress: as of `sample`. Raises DiffrenderError if the autoencoder's file cannot be used.
    """
    assert config.autoencoder
    report, target = progress or (lambda event: None), config_target(config)
    trained: TrainedAutoencoder = target.trained  # type: ignore[attr-defined]
    members = _while_learning(trained)
    report({"stage": "density", "done": 1, "total": 3})
    said: dict[str, Any] = {}
    if target.dim == 2:
        found, said = _density(trained, target.box)
        members |= found
        report({"stage": "sheet", "done": 2, "total": 3})
        members |= _sheet(trained, target.box)
    points, label = target.draw_labelled(config.record.target_points or 1, np.random.default_rng(config.seed))
    members |= {"target": points} | ({} if label is None else {"target_label": label})
    meta = {
        "kind": "autoencoder",
        "config": config.as_dict(),
        "seed": config.seed,
        "title": config.title,
        "key": key,
        "autoencoder": autoencoder_facts(config, trained.figures),
        "target": target_facts(target),
        **said,
    }
    with TrajectoryWriter(out, meta) as writer:
        for name, values in members.items():
            writer.add(name, values)
    report({"stage": "codes", "done": 3, "total": 3})
    return out


def _while_learning(trained: TrainedAutoencoder) -> dict[str, np.ndarray]:
    """What was kept of the training."""
    film = {name: tensor.numpy() for name, tensor in trained.film.items()}
    code = trained.to_states(film["code"].astype(np.float64))
    members: dict[str, np.ndarray] = {"code": code, "epoch": film["step"] / float(film["per_epoch"][0])}
    parts = film["loss"].astype(np.float32).T
    members |= {f"loss_{name}": part for name, part in zip(trained.network.parts, parts, strict=True) if part.any()}
    members |= {"image": _values(film["image"]), "reconstruction": _values(film["reconstruction"])}
    if trained.label is not None:
        label = trained.label.numpy()[film["filmed"]]
        agreement = [neighbour_agreement(shot, label) for shot in code]
        members |= {"code_label": label, "metric_neighbours": np.array(agreement)}
    return members


def _density(trained: TrainedAutoencoder, box: tuple[float, ...]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The density of each class on a grid, and what is said of it: SciPy's Gaussian kernels, by Scott's rule.

    It is the joint density of place and class: each class counts by its share, so their sum is that of all codes.
    """
    from scipy.stats import gaussian_kde

    grid = Grid(box, DENSITY_GRID, 2)
    places = np.stack(np.meshgrid(*grid.axes), 0).reshape(2, -1)
    codes = trained.scaled.astype(np.float64)
    label = np.zeros(len(codes), np.int64) if trained.label is None else trained.label.numpy()
    maps, factors = [], []
    for k in range(int(label.max()) + 1):
        mine = codes[label == k]
        kernels = gaussian_kde(mine[:MAX_KERNELS].T)
        maps.append(kernels(places).reshape(grid.shape) * len(mine) / len(codes))
        factors.append(float(kernels.factor))
    members = {"class_density": np.stack(maps).astype(np.float32), **dict(grid.members("density"))}
    return members, {"density": {"estimate": "Gaussian kernels", "rule": "Scott", "bandwidth": factors}}


def _sheet(trained: TrainedAutoencoder, box: tuple[float, ...]) -> dict[str, np.ndarray]:
    """Images decoded in the middles of an even grid of cells over the plane, lowest y first."""
    x0, x1, y0, y1 = box
    middles = (np.arange(SHEET) + 0.5) / SHEET
    x, y = x0 + (x1 - x0) * middles, y0 + (y1 - y0) * middles
    places = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
    images = trained.decode(places).numpy().astype(np.float16)
    return {"sheet": images.reshape(SHEET, SHEET, *trained.event), "sheet_x": x, "sheet_y": y}


def _values(pixels: np.ndarray) -> np.ndarray:
    """Bytes as values in [−1, 1]."""
    return (pixels / 127.5 - 1).astype(np.float16)
