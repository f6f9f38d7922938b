"""Every network by name: importing this module registers them all."""

from diffrender.diffusion.denoisers.networks import mlp
from diffrender.diffusion.denoisers.networks.registry import NETWORKS

__all__ = ["NETWORKS", "mlp"]
