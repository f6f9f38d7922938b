"""diffrender: diffusion models and Langevin dynamics as lecture videos."""

__version__ = "0.1.0"
