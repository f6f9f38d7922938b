"""A sampler of your own, deterministic, for a config: `sampler: {kind: ./my_sampler.py:midpoint}`."""

from itertools import pairwise

import torch

from diffrender import Step


def midpoint(denoise, x, levels, noise, *, at: float = 0.5):
    """The probability flow by a step to the middle and a step with the slope found there.

    A sampler is a generator: x (N, *event) walks `levels`, noisiest first; `denoise(x, level)` answers `.x0`, `.eps`,
    `.score` and `.velocity`; `noise(i)` is the only randomness. Keyword-only parameters are the keys of the config.
    """
    for i, (now, to) in enumerate(pairwise(levels)):
        p = denoise(x, now)
        if to.sigma > 0:  # at the clean level there is no way on from the middle
            half = levels.at_ratio(now.ratio ** (1 - at) * to.ratio**at)
            p_half = denoise(half.alpha * p.x0 + half.sigma * p.eps, half)
            slope = p_half.eps
        else:
            slope = p.eps
        x_next = to.alpha * (x / now.alpha + (to.ratio - now.ratio) * slope)
        yield Step(i, now, to, x, x_next, 2 * i + 1, p.x0, p.eps, drift=x_next - x, noise=torch.zeros_like(x))
        x = x_next
