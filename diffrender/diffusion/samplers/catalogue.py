"""Every sampler by name: importing this module registers them all."""

from diffrender.diffusion.samplers import forward
from diffrender.diffusion.samplers.langevin import samplers
from diffrender.diffusion.samplers.registry import SAMPLERS
from diffrender.diffusion.samplers.reverse import ddim, ddpm, dpmpp, flow, multistep, ode, probability_flow, sde, unipc

__all__ = [
    "SAMPLERS",
    "ddim",
    "ddpm",
    "dpmpp",
    "flow",
    "forward",
    "multistep",
    "ode",
    "probability_flow",
    "samplers",
    "sde",
    "unipc",
]
