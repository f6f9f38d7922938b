"""Start the process that previews (see `worker.py`) with all it needs loaded, and never looked through for garbage."""

import gc


def main() -> None:
    """Load what draws, then serve."""
    gc.disable()
    from diffrender.video.preview import worker

    gc.freeze()
    gc.enable()
    worker.main()


if __name__ == "__main__":
    main()
