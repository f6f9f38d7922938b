"""Mobjects drawn in bulk. Each is an ordinary Manim mobject, to be drawn by a camera of `diffrender.show.camera`."""

from .cloud import PointCloud
from .heat import Contours, Heatmap
from .raster import Raster
from .trails import Trails

__all__ = ["Contours", "Heatmap", "PointCloud", "Raster", "Trails"]
