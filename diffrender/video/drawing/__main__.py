"""Start a process that draws (see `worker.py`), a tenth sooner than by importing all it needs at once.

While that is loaded nothing becomes garbage, and afterwards all of it stays: Python's cycle collector need never look.
"""

import gc


def main() -> None:
    """Load what draws, then let it."""
    gc.disable()
    from diffrender.video.drawing import worker

    gc.freeze()
    gc.enable()
    worker.main()


if __name__ == "__main__":
    main()
