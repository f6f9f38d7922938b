"""Record a pipeline of diffusers without changing it; then: diffrender render images pipeline.npz --out pipeline.mp4

    python diffusers_pipeline.py

The pipeline here is tiny and untrained, and is made on the spot; put yours in its place. It needs no callback.
"""

import diffusers
import torch

import diffrender

torch.manual_seed(0)
network = diffusers.UNet2DModel(
    sample_size=16,
    block_out_channels=(8, 16),
    layers_per_block=1,
    norm_num_groups=4,
    down_block_types=("DownBlock2D", "DownBlock2D"),
    up_block_types=("UpBlock2D", "UpBlock2D"),
)
pipeline = diffusers.DDIMPipeline(network, diffusers.DDIMScheduler())

with diffrender.Recorder("pipeline.npz", title="My pipeline") as recorder, recorder.attach(pipeline):
    pipeline(batch_size=4, num_inference_steps=12, generator=torch.Generator().manual_seed(0))

print("pipeline.npz")
