"""Distance to the data of every reverse sampler, on every schedule, in few steps: its own spacing, and linspace.

    python tests/benchmarks/spacing.py [--steps 10 20 50] [--schedules squaredcos_cap_v2 flow] [--chains 600]

Exact denoiser of as many points of the spiral as there are chains; sliced Wasserstein-2 to three fresh sets, floor
first; the mean of several seeds; in brackets, with linspace. A star: worse than DDIM by more than a little.
spacing.txt holds what it printed.
"""

from __future__ import annotations

import argparse
from itertools import pairwise

import numpy as np
import torch

from diffrender.config.sections import Config, ScheduleConfig
from diffrender.diffusion.denoisers.exact import exact_denoiser
from diffrender.diffusion.levels import choose
from diffrender.diffusion.noise import Noise, Purpose, generator
from diffrender.diffusion.recording.metrics import sliced_wasserstein
from diffrender.diffusion.samplers.base import start
from diffrender.diffusion.samplers.catalogue import SAMPLERS
from diffrender.diffusion.samplers.registry import suited_spacing
from diffrender.diffusion.schedules import make_levels
from diffrender.diffusion.targets.build import build_target

SCHEDULES = ("linear", "scaled_linear", "squaredcos_cap_v2", "sigmoid", "karras", "geometric", "flow")


def main() -> None:
    """Print one row for each sampler and schedule; a star where it is worse than DDIM by more than a little."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", nargs="+", type=int, default=[10, 20, 50])
    parser.add_argument("--schedules", nargs="+", default=list(SCHEDULES))
    parser.add_argument("--samplers", nargs="+", default=[e.name for e in SAMPLERS if e.info["kind"] == "reverse"])
    parser.add_argument("--chains", type=int, default=600)
    parser.add_argument("--seeds", type=int, default=4)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    config = Config(target={"kind": "spiral"}, model={"kind": "exact"})
    target = build_target(config.target, config.folder)
    denoise = exact_denoiser(target, asked.chains, 0, device="cpu")
    fresh = [target.draw(asked.chains, generator(0, Purpose.METRIC, i)) for i in range(3)]
    print(f"floor {np.mean([sliced_wasserstein(a, b) for a, b in pairwise(fresh)]):.3f}")

    def distance(name: str, schedule: str, steps: int, spacing: str) -> float:
        levels, found = choose(make_levels(ScheduleConfig(kind=schedule)), steps, spacing), []
        for seed in range(asked.seeds):
            noise = Noise(seed, asked.chains, (2,))
            x = start(levels[0], noise)
            for step in SAMPLERS[name].make(denoise, x, levels, noise):
                x = step.x_next
            found += [sliced_wasserstein(x.numpy(), data) for data in fresh]
        return float(np.mean(found))

    for schedule in asked.schedules:
        ddim = {k: distance("ddim", schedule, k, "linspace") for k in asked.steps}
        for name in asked.samplers:
            cells = []
            for k in asked.steps:
                own = suited_spacing(SAMPLERS[name].info, k, ScheduleConfig().num_train_timesteps)
                usual = distance(name, schedule, k, "linspace")
                found = usual if own == "linspace" else distance(name, schedule, k, own)
                cells.append(f"{own:8} {found:.3f}{'*' if found > 1.15 * ddim[k] + 0.02 else ' '} ({usual:.3f})")
            print(f"{schedule:18} {name:22} " + "  ".join(cells), flush=True)


if __name__ == "__main__":
    main()
