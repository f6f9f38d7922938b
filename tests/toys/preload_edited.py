"""For `dask worker --preload`: a machine with a checkout of the same version in which something was changed."""

from diffrender.core import provenance

provenance.code_digest = lambda: "0" * 64
