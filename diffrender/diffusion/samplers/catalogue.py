"""Every sampler by name: importing this module registers them all."""

from diffrender.diffusion.samplers import forward as forward
from diffrender.diffusion.samplers.langevin import (
    gradient as gradient,
    hmc as hmc,
    mala as mala,
    ula as ula,
    underdamped as underdamped,
)
from diffrender.diffusion.samplers.registry import SAMPLERS as SAMPLERS
from diffrender.diffusion.samplers.reverse import (
    annealed as annealed,
    ddim as ddim,
    ddpm as ddpm,
    dpmpp_multistep as dpmpp_multistep,
    dpmpp_singlestep as dpmpp_singlestep,
    flow as flow,
    heun as heun,
    probability_flow as probability_flow,
    sde as sde,
    unipc as unipc,
)
