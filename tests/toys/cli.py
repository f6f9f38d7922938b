"""The `diffrender` program with the quick worker: `python tests/toys/cli.py batch …`."""

import sys
from pathlib import Path

from diffrender.cli.app import main
from diffrender.jobs.run import children

children.COMMAND = [sys.executable, str(Path(__file__).with_name("worker.py"))]
main()
