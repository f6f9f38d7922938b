"""The `diffrender` program with the quick worker: `python tests/toys/cli.py batch …`."""

import sys
from pathlib import Path

from diffrender import executors
from diffrender.cli.app import main

executors.WORKER = [sys.executable, str(Path(__file__).with_name("worker.py"))]
main()
