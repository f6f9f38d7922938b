"""How much the sampler and its recording cost beside the network: python tests/benchmarks/sampling.py [OUT.json]

20,000 chains × 100 steps of the spiral's network by DDPM, in CPU seconds of one thread, the best of several rounds: the
bare network calls, the sampler alone, the sampler recorded, and the plain loop of a diffusers user, who calls that
network on all chains at once. Peak memory: of a process of its own, above what it holds once the model is loaded.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from memory import peak_mb

from diffrender.config.load import load_config
from diffrender.diffusion.denoisers import learned
from diffrender.diffusion.denoisers.build import classes
from diffrender.diffusion.denoisers.objectives import objective
from diffrender.diffusion.recording.recorder import BLOCK_BYTES, Recorder
from diffrender.diffusion.recording.run import Run
from diffrender.diffusion.targets.build import build_target

SPIRAL = Path(__file__).parents[2] / "configs" / "spiral.yaml"
CHAINS, STEPS, ROUNDS = 20_000, 100, 5
MEMBERS = 5  # x, x0, eps, drift, noise
ALLOWED_MB = 100


def spiral_run() -> Run:
    """The spiral's run with a network of random weights: how long it takes does not depend on them."""
    config = load_config(
        SPIRAL,
        {
            "sampler.steps": STEPS,
            "sampler.chains": CHAINS,
            "sampler.timestep_spacing": "leading",
            "schedule.kind": "linear",
        },
    )
    target = build_target(config.target, config.folder)
    net = learned.network(config, target.event, classes(config, target))
    return Run.of(config, denoiser=learned.Learned(net, objective("epsilon")), device="cpu")


def bare(run: Run) -> None:
    """The network calls of a run, and nothing else."""
    denoise, x = run.denoise(), torch.randn(CHAINS, 2)
    for level in run.grid[:-1]:
        denoise(x, level)


def sampled(run: Run) -> None:
    """The sampler, nothing kept."""
    for _ in run.steps():
        pass


def recorded(run: Run) -> None:
    """The sampler, everything kept on disk."""
    with tempfile.TemporaryDirectory() as folder, Recorder(Path(folder) / "a.npz") as recorder:
        recorder.record(run.steps())


def diffusers_loop(run: Run) -> None:
    """The plain loop of a diffusers user around the same network, its states kept in a list."""
    from diffusers import DDPMScheduler

    scheduler = DDPMScheduler(clip_sample=False)
    scheduler.set_timesteps(STEPS)
    network, x = run.denoiser.network, torch.randn(CHAINS, 2)
    states = [x]
    with torch.no_grad():
        for t in scheduler.timesteps:
            place = torch.full((CHAINS,), run.table[int(t) + 1].log_snr)
            x = scheduler.step(network(x, place), t, x).prev_sample
            states.append(x)


def best(jobs: dict[str, Callable[[Run], None]], run: Run) -> dict[str, float]:
    """CPU seconds of each job: the best of several rounds, in turn, so that all meet the same weather."""
    found = dict.fromkeys(jobs, float("inf"))
    for _ in range(ROUNDS):
        for name, job in jobs.items():
            begun = time.process_time()
            job(run)
            found[name] = min(found[name], time.process_time() - begun)
    return found


def memory() -> float:
    """Peak above the loaded model, in MB, while the run is recorded once; the network has been called once before."""
    run = spiral_run()
    run.denoise()(torch.zeros(8, 2), run.grid[0])
    loaded = peak_mb()
    recorded(run)
    return peak_mb() - loaded


def main() -> None:
    torch.set_num_threads(1)
    if sys.argv[1:] == ["--memory"]:
        print(memory())
        return
    jobs = {"network": bare, "sampler": sampled, "recorded": recorded, "diffusers": diffusers_loop}
    seconds = best(jobs, spiral_run())
    peak = float(
        subprocess.run([sys.executable, __file__, "--memory"], capture_output=True, text=True, check=True).stdout
    )
    flight = MEMBERS * BLOCK_BYTES / 2**20
    rows = [(name, value, value / seconds["network"]) for name, value in seconds.items()]
    print(f"{CHAINS:,} chains × {STEPS} steps\n{'':12}{'CPU s':>8}{'× network':>11}")
    for name, value, ratio in rows:
        print(f"{name:12}{value:8.2f}{ratio:11.2f}")
    print(f"{'memory':12}{peak:8.0f} MB above the loaded model; {flight:.0f} MB in flight + {ALLOWED_MB} MB allowed")
    held = {
        "recorded ≤ 1.1 × network": seconds["recorded"] <= 1.1 * seconds["network"],
        "recorded ≤ 1.0 × diffusers": seconds["recorded"] <= seconds["diffusers"],
        "memory": peak <= flight + ALLOWED_MB,
    }
    for what, fine in held.items():
        print(f"{'held' if fine else 'MISSED':7}{what}")
    result = {"seconds": seconds, "peak_mb": peak, "flight_mb": flight, "held": held}
    if sys.argv[1:]:
        Path(sys.argv[1]).write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
