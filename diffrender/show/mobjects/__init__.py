"""Mobjects drawn in bulk. Each is an ordinary Manim mobject, to be drawn by a camera of `diffrender.show.camera`."""

from .bar import ColorBar
from .cloud import PointCloud
from .curve import Curve
from .field import Streamlines, VectorField
from .grid import ImageGrid
from .heat import Contours, Heatmap
from .histogram import Histogram2D
from .lattice import Lattice
from .raster import Raster
from .space import PointCloud3D, VectorField3D
from .space_lines import Cage, Trails3D
from .trails import Trails

__all__ = [
    "Cage",
    "ColorBar",
    "Contours",
    "Curve",
    "Heatmap",
    "Histogram2D",
    "ImageGrid",
    "Lattice",
    "PointCloud",
    "PointCloud3D",
    "Raster",
    "Streamlines",
    "Trails",
    "Trails3D",
    "VectorField",
    "VectorField3D",
]
