"""What it costs to record a pipeline: python tests/benchmarks/recording.py [OUT.json]

A U-Net of 5 million parameters and 4 images of 3 × 32 × 32, 20 steps, with and without `Recorder.attach` in turns, in
CPU seconds of one thread, files written; and the peak memory of 1,000 steps of 64 such images, above what is held
before (a network that costs nothing), in a process of its own.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import diffusers
import torch
from memory import peak_mb

from diffrender.diffusion.recording.recorder import Recorder

ROUNDS, STEPS, ALLOWED, ALLOWED_MB = 9, 20, 0.03, 500
SCHEDULERS = ("DDIMScheduler", "DDPMScheduler", "DPMSolverMultistepScheduler")


def pipeline(name: str) -> diffusers.DDPMPipeline:
    """A U-Net of about 5 million parameters with a scheduler."""
    torch.manual_seed(0)
    network = diffusers.UNet2DModel(
        sample_size=32,
        block_out_channels=(48, 96, 160),
        layers_per_block=1,
        norm_num_groups=8,
        down_block_types=("DownBlock2D", "DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
    )
    made = diffusers.DDPMPipeline(network.eval(), getattr(diffusers, name)())
    made.set_progress_bar_config(disable=True)
    return made


def cpu_seconds(pipe: diffusers.DDPMPipeline, file: Path | None) -> float:
    """CPU seconds of one call, recorded into a file or not."""
    call = {"batch_size": 4, "num_inference_steps": STEPS, "output_type": "np"}
    seed = torch.Generator().manual_seed(0)
    start = time.process_time()
    if file is None:
        pipe(generator=seed, **call)
    else:
        with Recorder(file) as recorder, recorder.attach(pipe):
            pipe(generator=seed, **call)
    return time.process_time() - start


def peak_megabytes() -> float:
    """Peak memory of recording 1,000 steps of 64 images, above what was held before, in MB; run in its own process."""
    scheduler = diffusers.DDPMScheduler()
    scheduler.set_timesteps(1000)
    x = torch.randn(64, 3, 32, 32)
    scheduler.step(0.1 * x, scheduler.timesteps[0], x)
    before = peak_mb()
    with (
        tempfile.TemporaryDirectory() as folder,
        Recorder(Path(folder) / "a.npz") as recorder,
        recorder.attach(scheduler),
    ):
        for t in scheduler.timesteps:
            x = scheduler.step(0.1 * x, t, x).prev_sample
    return peak_mb() - before


def main() -> None:
    """Print a line for each figure, and write them."""
    torch.set_num_threads(1)
    figures: dict[str, float] = {}
    for name in SCHEDULERS:
        pipe = pipeline(name)
        size = sum(p.numel() for p in pipe.unet.parameters()) / 1e6
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "a.npz"
            cpu_seconds(pipe, file)
            pairs = [(cpu_seconds(pipe, None), cpu_seconds(pipe, file)) for _ in range(ROUNDS)]
        more = statistics.median(b / a for a, b in pairs) - 1
        figures[name] = more
        print(
            f"{name}: {size:.1f} M parameters, {pairs[0][0]:.2f} s alone, recorded {more:+.1%} (at most {ALLOWED:.0%})"
        )
    done = subprocess.run([sys.executable, __file__, "--memory"], capture_output=True, text=True, check=True)
    figures["peak_mb"] = float(done.stdout)
    print(f"1,000 steps of 64 × 3 × 32 × 32: {figures['peak_mb']:.0f} MB (less than {ALLOWED_MB} MB)")
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(json.dumps(figures, indent=1))
    assert all(value <= ALLOWED for key, value in figures.items() if key != "peak_mb")
    assert figures["peak_mb"] < ALLOWED_MB


if __name__ == "__main__":
    if sys.argv[1:] == ["--memory"]:
        print(peak_megabytes())
    else:
        main()
