"""Every sampler by name: importing this module registers them all."""

from diffrender.diffusion.samplers import forward as forward
from diffrender.diffusion.samplers.langevin import gradient as gradient
from diffrender.diffusion.samplers.langevin import hmc as hmc
from diffrender.diffusion.samplers.langevin import mala as mala
from diffrender.diffusion.samplers.langevin import ula as ula
from diffrender.diffusion.samplers.langevin import underdamped as underdamped
from diffrender.diffusion.samplers.registry import SAMPLERS as SAMPLERS
from diffrender.diffusion.samplers.reverse import annealed as annealed
from diffrender.diffusion.samplers.reverse import ddim as ddim
from diffrender.diffusion.samplers.reverse import ddpm as ddpm
from diffrender.diffusion.samplers.reverse import dpmpp_multistep as dpmpp_multistep
from diffrender.diffusion.samplers.reverse import dpmpp_singlestep as dpmpp_singlestep
from diffrender.diffusion.samplers.reverse import flow as flow
from diffrender.diffusion.samplers.reverse import heun as heun
from diffrender.diffusion.samplers.reverse import probability_flow as probability_flow
from diffrender.diffusion.samplers.reverse import sde as sde
from diffrender.diffusion.samplers.reverse import unipc as unipc
