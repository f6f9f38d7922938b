"""The recording format: the seam between the torch wing and the Manim wing. NumPy only."""

from diffrender.trajectory.reader import Trajectory
from diffrender.trajectory.writer import TrajectoryWriter

__all__ = ["Trajectory", "TrajectoryWriter"]
