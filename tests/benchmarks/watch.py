"""Watching in a real browser: from saving a file to the new frame on the page, and scrubbing within drawn acts.

    python tests/benchmarks/watch.py [denoise drift langevin] [--saves 10] [--folder DIR]

Copies the scene into a folder, opens `diffrender watch` at 1280 × 720 on two processes in a headless Chromium,
and saves the file again and again with a change that is seen, the cursor at frames spread over the film, each time as
soon as the version before has its picture there and its length is known. Then it scrubs over its shortest act, once
that is drawn. Prints medians; exit code 1 if one is above its bound. With --folder what is recorded is kept: a scene
whose recordings are there takes about a minute.
"""

import argparse
import contextlib
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
from tests.cli.browser import Chromium  # noqa: E402

SAVE_SECONDS, SCRUB_SECONDS = 1.0, 0.150
SCRUBBED = 40  # frames
SHOWN = "document.querySelector('#picture').dataset.shown"
SAID = "document.querySelector('#status').textContent + ' ' + JSON.stringify([state.error, state.recording])"
# [first, end) of the act under the cursor, once all of it is drawn
ACT = """(() => {
    const first = state.acts.findLast(([at]) => at <= cursor)?.[0] ?? 0;
    const end = state.acts.find(([at]) => at > cursor)?.[0] ?? state.total;
    return state.total && state.drawn.some(([a, b]) => a <= first && end <= b) ? [first, end] : undefined;
})()"""
# when the canvas got a picture: what `show` writes there last is seen by an observer in the page itself
OBSERVE = """new MutationObserver(() => { window.shownAt = Date.now() / 1000; })
    .observe(document.querySelector('#picture'), {attributes: true, attributeFilter: ['data-shown']})"""


def changed(text, number):
    """The scene with another title, which is seen in every frame."""
    return re.sub(r'("title": ")([^"]*)"', rf'\g<1>\g<2> {number}"', text, count=1)


@contextlib.contextmanager
def page_of(file):
    """A browser on the page that watches a scene; nothing of either is left."""
    command = [sys.executable, "-m", "diffrender", "watch", file.name, "--no-browser", "-w", "2", "-r", "1280,720"]
    log = file.with_suffix(".log")
    with log.open("w") as words:
        process = subprocess.Popen(command, cwd=file.parent, stderr=words, env=environment())
    try:
        while not (address := re.search(r"http://\S+", log.read_text())):
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)
        with Chromium(1400, 900) as browser:
            browser.open(address[0])
            yield browser
            browser.close_page()
            process.wait(60)
    finally:
        process.terminate()


def measure(scene, folder, saves):
    """(seconds from saving to the picture, seconds of each scrubbed frame)."""
    text = (ROOT / "scenes" / f"{scene}.py").read_text("utf-8")
    file = folder / f"{scene}.py"
    file.write_text(text)
    with page_of(file) as browser:
        wait(browser, "all is recorded", "state.version || state.error", 900)
        wait(browser, "its length is known", "!!state.total")
        browser.run(OBSERVE)
        total, saved = browser.run("state.total"), []
        for number in range(saves):
            frame = round((number + 0.5) / saves * total)
            browser.run(f"go({frame})")
            wait(browser, "the version is there", f"{SHOWN} === state.version + '/{frame}' && !!state.total")
            version, began = browser.run("state.version"), time.time()
            file.write_text(changed(text, number))
            wait(browser, "it is drawn anew", f"{SHOWN} === '{version + 1}/{frame}'")
            saved.append(browser.run("window.shownAt") - began)
        wait(browser, "its acts are known", "!!state.total")
        browser.run(f"go({shortest(browser.run('[...state.acts.map(([at]) => at), state.total]'))})")
        wait(browser, "an act is drawn", f"{ACT} !== undefined")
        first, end = browser.run(ACT)
        version = browser.run("state.version")
        places = [first + (k * 37 + 11) % (end - first) for k in range(SCRUBBED)]
        return saved, [browser.run(scrub(version, place)) / 1000 for place in places]


def shortest(starts):
    """The middle of the shortest act that is long enough to scrub in, of those between these frames."""
    acts = [(end - first, (first + end) // 2) for first, end in pairwise(starts) if end - first >= SCRUBBED]
    return min(acts, default=(0, starts[-1] // 2))[1]


def wait(browser, what, script, seconds=120):
    """Wait until it is so, with a word of how long it took; what the page says if it never is."""
    began = time.monotonic()
    try:
        browser.until(script, seconds)
    except AssertionError:
        raise SystemExit(f"Not within {seconds} s: {what}. The page: {browser.run(SAID)}") from None
    print(f"  {what}: {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)


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
    parser.add_argument("--saves", type=int, default=10)
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
