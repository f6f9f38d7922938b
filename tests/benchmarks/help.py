"""What `diffrender --help` costs beside importing typer and rich: python tests/benchmarks/help.py [--json FILE]."""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

LIMIT = 2.5
RUNS = 9
CASES = {"diffrender --help": ["-m", "diffrender", "--help"], "import typer, rich": ["-c", "import typer, rich"]}


def seconds(arguments: list[str]) -> float:
    """Wall time of one Python process."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    """Run both in turn, and compare the best of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    times: dict[str, list[float]] = {name: [] for name in CASES}
    for _ in range(RUNS):
        for name, arguments in CASES.items():
            times[name].append(seconds(arguments))
    best = {name: min(found) for name, found in times.items()}
    ratio = best["diffrender --help"] / best["import typer, rich"]
    for name, value in best.items():
        print(f"{name:<20} {value * 1000:6.0f} ms")
    print(f"{'ratio':<20} {ratio:6.2f}   (limit {LIMIT})")
    if options.json:
        options.json.write_text(json.dumps({"seconds": best, "ratio": ratio, "limit": LIMIT}))


if __name__ == "__main__":
    main()
