"""Start a process that draws (see `worker.py`)."""

from diffrender.video.warm_start import serve

if __name__ == "__main__":
    serve("diffrender.video.drawing.worker")
