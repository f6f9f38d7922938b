"""For `dask worker --preload`: a machine with another diffrender."""

from diffrender.core import provenance

provenance.__version__ = "0.0.9"
