"""Watching in a real browser: from saving a file to the new frame on the page, and scrubbing within drawn acts.

    python tests/benchmarks/watch.py [denoise drift langevin] [--saves 9]

Copies the scene into a folder, opens `diffrender watch` at 1280 × 720 on two processes in a headless Chromium,
and saves the file again and again with a change that is seen, the cursor at frames spread over the film. Then it scrubs
over frames that are drawn. Prints medians; exit code 1 if one is above its bound.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
from tests.cli.browser import Chromium  # noqa: E402

SAVE_SECONDS, SCRUB_SECONDS = 1.0, 0.150
SHOWN = "document.querySelector('#picture').dataset.shown"
# when the canvas got a picture: what `show` writes there last is seen by an observer in the page itself
OBSERVE = """new MutationObserver(() => { window.shownAt = Date.now() / 1000; })
    .observe(document.querySelector('#picture'), {attributes: true, attributeFilter: ['data-shown']})"""


def changed(text, number):
    """The scene with another title, which is seen in every frame."""
    return re.sub(r'("title": ")([^"]*)"', rf'\g<1>\g<2> {number}"', text, count=1)


def measure(scene, folder, saves):
    """(seconds from saving to the picture, seconds of each scrubbed frame)."""
    text = (ROOT / "scenes" / f"{scene}.py").read_text("utf-8")
    file = folder / f"{scene}.py"
    file.write_text(text)
    command = [sys.executable, "-m", "diffrender", "watch", file.name, "--no-browser", "-w", "2", "-r", "1280,720"]
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True, env=environment())
    address = re.search(r"http://\S+", process.stderr.readline())[0]
    with Chromium(1400, 900) as browser:
        browser.open(address)
        browser.until("!!state.total && !state.drawing && !state.recording", 900)  # all is recorded and drawn
        browser.run(OBSERVE)
        total, saved, scrubbed = browser.run("state.total"), [], []
        for number in range(saves):
            frame = round((number + 0.5) / saves * total)
            browser.run(f"go({frame})")
            browser.until(f"{SHOWN} === state.version + '/{frame}' && state.total", 300)
            version, began = browser.run("state.version"), time.time()
            file.write_text(changed(text, number))
            browser.until(f"{SHOWN} === '{version + 1}/{frame}'", 60)
            saved.append(browser.run("window.shownAt") - began)
        browser.until("state.total && !state.drawing", 300)
        version = browser.run("state.version")
        for step in range(40):
            frame = (step * 37 + 11) % total
            scrubbed.append(browser.run(scrub(version, frame)) / 1000)
        browser.close_page()
    process.communicate(timeout=60)
    return saved, scrubbed


def scrub(version, frame):
    """JavaScript: milliseconds until a frame that was never looked at stands on the canvas."""
    return f"""(async () => {{
        pictures.clear();
        const begun = performance.now();
        go({frame});
        while ({SHOWN} !== '{version}/{frame}') await new Promise(requestAnimationFrame);
        return performance.now() - begun;
    }})()"""


def environment():
    return os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("scenes", nargs="*", default=["denoise", "drift", "langevin"])
    parser.add_argument("--saves", type=int, default=9)
    parser.add_argument("--folder", type=Path, help="a folder whose outputs/ are used again")
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp())
    bad = False
    for scene in given.scenes:
        saved, scrubbed = measure(scene, folder.resolve(), given.saves)
        median, scrub_median = statistics.median(saved), statistics.median(scrubbed)
        bad |= median > SAVE_SECONDS or scrub_median > SCRUB_SECONDS
        print(
            f"{scene}: saved to shown {median:.2f} s (from {min(saved):.2f} to {max(saved):.2f}); "
            f"scrubbing {1000 * scrub_median:.0f} ms a frame (at most {1000 * max(scrubbed):.0f})",
            flush=True,
        )
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
