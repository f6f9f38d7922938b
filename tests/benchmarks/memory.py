"""What a benchmark's process holds."""

from __future__ import annotations

from pathlib import Path


def peak_mb() -> float:
    """The most that this process ever held (of Linux; rusage would count what its parent held too)."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024
