"""Run by Python when it starts in a process of `diffrender record`: from here on what it samples is recorded.

Python imports the first module of this name that it finds; one of the user's own is run after this. Nothing is loaded
but what waits for the samplers to be imported, and whatever goes wrong here is said on stderr and hinders nothing.
"""

import importlib.machinery
import importlib.util
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def record() -> None:
    """Wait for samplers to be imported."""
    root = os.path.abspath(os.path.join(HERE, *[os.pardir] * 5))
    if importlib.util.find_spec("diffrender") is None:
        sys.path.append(root)
    from diffrender.diffusion.recording.process.imports import wait_for_samplers

    wait_for_samplers(os.environ["DIFFRENDER_RECORD"])


def run_the_users_own() -> None:
    """Import the `sitecustomize` that would have been imported without this one."""
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", sys.path)
    if spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


sys.path[:] = [place for place in sys.path if os.path.abspath(place) != HERE]
if "DIFFRENDER_RECORD" in os.environ:
    try:
        record()
    except Exception as error:
        print(f"diffrender record: nothing is recorded in this process: {error}", file=sys.stderr)
run_the_users_own()
