"""An objective of your own, for a config: `training: {objective: ./my_objective.py:half_noise}`."""

from diffrender import Objective


def half_noise():
    """The network answers with ε / 2.

    answer: what its output is worth, as the keyword of a Prediction (x0, eps, score or velocity). target: what its
    output is compared with, from x_0, eps, alpha and sigma.
    """
    return Objective(lambda out, level: {"eps": 2 * out}, target=lambda x0, eps, alpha, sigma: eps / 2)
