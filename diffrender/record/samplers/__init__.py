"""Samplers by name: importing this package registers every one of them."""

from . import ddim, ddpm, dpmpp, flow, forward, langevin, multistep, ode, probability_flow, sde, unipc
from .base import SAMPLERS, Step, start
from .probability_flow import log_likelihood

__all__ = [
    "SAMPLERS",
    "Step",
    "ddim",
    "ddpm",
    "dpmpp",
    "flow",
    "forward",
    "langevin",
    "log_likelihood",
    "multistep",
    "ode",
    "probability_flow",
    "sde",
    "start",
    "unipc",
]
