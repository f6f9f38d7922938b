"""Record a sampler of k-diffusion; then: diffrender render denoise k_diffusion_sampler.npz --out k.mp4

    python k_diffusion_sampler.py

The sampler is `sample_heun` as k-diffusion writes it (Karras et al. 2022, algorithm 2); where k-diffusion is installed
it is its own. The denoiser is the exact one of points on a ring; put yours in its place.
"""

import math

import torch

import diffrender

try:
    from k_diffusion.sampling import sample_heun
except ImportError:

    def sample_heun(model, x, sigmas, callback=None):
        """What k-diffusion does, without its options."""
        for i in range(len(sigmas) - 1):
            denoised = model(x, sigmas[i] * x.new_ones([len(x)]))
            if callback is not None:
                callback({"x": x, "i": i, "sigma": sigmas[i], "sigma_hat": sigmas[i], "denoised": denoised})
            slope, step = (x - denoised) / sigmas[i], sigmas[i + 1] - sigmas[i]
            if sigmas[i + 1] > 0:
                there = x + slope * step
                slope = (slope + (there - model(there, sigmas[i + 1] * x.new_ones([len(x)]))) / sigmas[i + 1]) / 2
            x = x + slope * step if sigmas[i + 1] > 0 else denoised
        return x


torch.manual_seed(0)
angle = torch.linspace(0, 2 * math.pi, 401)[:-1]
RING = torch.stack([angle.cos(), angle.sin()], 1)


def model(x, sigma):
    """E[x_0 | x] of points that are equally likely, x (N, 2), sigma (N,)."""
    far = torch.cdist(x, RING).square() / (2 * sigma[:, None].square())
    return torch.softmax(-far, 1) @ RING


sigmas = torch.cat([torch.logspace(1, -2, 40), torch.zeros(1)])
with diffrender.Recorder("k_diffusion_sampler.npz", seed=0) as recorder:
    x = sample_heun(model, 10 * torch.randn(500, 2), sigmas, callback=recorder.callback)
    recorder.state(x, alpha=1, sigma=0)
    recorder.target(RING)
    recorder.describe(sampler="Heun", model="exact denoiser")

print("k_diffusion_sampler.npz")
