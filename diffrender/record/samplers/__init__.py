"""Samplers by name: importing this package registers every one of them."""

from . import ddim, ddpm, langevin
from .base import SAMPLERS, Step, start

__all__ = ["SAMPLERS", "Step", "ddim", "ddpm", "langevin", "start"]
