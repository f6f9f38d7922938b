"""Every network by name: importing this module registers them all."""

from diffrender.diffusion.denoisers.networks import mlp, residual_mlp, unet
from diffrender.diffusion.denoisers.networks.registry import NETWORKS

__all__ = ["NETWORKS", "mlp", "residual_mlp", "unet"]
