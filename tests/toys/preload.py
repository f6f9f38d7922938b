"""For `dask worker --preload`: jobs are done by the quick worker, the file TOY_WORKER. Dask loads a copy of this."""

import os
import sys

from diffrender.jobs.run import children

children.COMMAND = [sys.executable, os.environ["TOY_WORKER"]]
