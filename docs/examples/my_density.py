"""A density of your own, for a config: `target: {kind: ./my_density.py:Crescent}`."""

import torch

from diffrender import Density


class Crescent(Density):
    """A normal density bent along a parabola: y ~ N(bend·x², width²), x ~ N(0, 1).

    `evaluate` gives log p (N,), up to a constant unless `normalised`, and its gradient (N, D); normaliser, draws and
    the highest value are found from that on a grid. An exact `sample(n, rng)` may be written too.
    """

    dim = 2
    normalised = False

    def __init__(self, *, bend: float = 0.5, width: float = 0.4) -> None:
        self.bend, self.width = bend, width
        self.bounds = ((-3.5, 3.5), (-4 * width, 6.0 * abs(bend) + 4 * width))

    def evaluate(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """log p and its gradient."""
        across = (x[:, 1] - self.bend * x[:, 0] ** 2) / self.width**2
        log_p = -(x[:, 0] ** 2) / 2 - across**2 * self.width**2 / 2
        return log_p, torch.stack([-x[:, 0] + 2 * self.bend * x[:, 0] * across, -across], 1)
