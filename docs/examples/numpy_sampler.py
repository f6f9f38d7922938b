"""Record a sampler that knows no PyTorch; then: diffrender render denoise numpy_sampler.npz --out numpy_sampler.mp4

    python numpy_sampler.py

It is written as one of JAX would be, functions without side effects and a generator of states; arrays of jax.numpy are
recorded as they are. States have five dimensions here: scenes show them through a projection, the principal components
of the data or, with `-O project=0,1`, two coordinates.
"""

import itertools

import numpy as np

import diffrender

rng = np.random.default_rng(0)
CENTRES = 2 * rng.standard_normal((4, 5))  # a mixture of four normals of deviation 0.3 in five dimensions
SIGMAS = np.append(np.geomspace(10, 0.02, 50), 0.0)


def denoise(x, sigma):
    """E[x_0 | x] of the mixture at noise level sigma, x (N, 5)."""
    spread = 0.3**2 + sigma**2
    far = ((x[:, None] - CENTRES) ** 2).sum(-1) / (2 * spread)
    weight = np.exp(far.min(1, keepdims=True) - far)
    weight /= weight.sum(1, keepdims=True)
    return (sigma**2 * (weight @ CENTRES) + 0.3**2 * x) / spread


def sample(x):
    """Euler's method on the probability flow: the states with what was predicted there."""
    for sigma, to in itertools.pairwise(SIGMAS):
        x0 = denoise(x, sigma)
        yield {"x": x, "alpha": 1.0, "sigma": sigma, "x0": x0}
        x = x + (to - sigma) * (x - x0) / sigma
    yield {"x": x, "alpha": 1.0, "sigma": 0.0}


with diffrender.Recorder("numpy_sampler.npz", seed=0) as recorder:
    for _ in recorder.states(sample(SIGMAS[0] * rng.standard_normal((500, 5)))):
        pass
    recorder.target(CENTRES[rng.integers(4, size=500)] + 0.3 * rng.standard_normal((500, 5)))
    recorder.describe(sampler="Euler's method", model="exact denoiser")

print("numpy_sampler.npz")
