"""For `dask worker --preload`: a machine with another diffrender."""

from diffrender import provenance

provenance.__version__ = "0.0.9"
