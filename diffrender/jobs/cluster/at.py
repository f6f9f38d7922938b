"""The cluster at an address, as `--scheduler` names it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from diffrender.jobs.cluster.dask import DaskCluster
from diffrender.jobs.cluster.slurm import SCHEME, SlurmCluster
from diffrender.jobs.run.local import Cluster


def cluster_at(address: str, notice: Callable[[str], None], folder: Path) -> AbstractContextManager[Cluster]:
    """`slurm:PARTITION[,…]`, or a Dask scheduler's `tcp://HOST:8786` or `tls://…`.

    notice: told what a person should know meanwhile. folder: of what is made; Slurm's files are kept in it.
    """
    if address.startswith(SCHEME):
        return SlurmCluster(address, notice, folder / ".slurm")
    return DaskCluster(address, notice)
