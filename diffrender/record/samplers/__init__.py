"""Samplers by name: importing this package registers every one of them."""

from . import ddim, ddpm, dpmpp, flow, langevin, multistep, ode, probability_flow, sde, unipc
from .base import SAMPLERS, Step, start

__all__ = [
    "SAMPLERS",
    "Step",
    "ddim",
    "ddpm",
    "dpmpp",
    "flow",
    "langevin",
    "multistep",
    "ode",
    "probability_flow",
    "sde",
    "start",
    "unipc",
]
