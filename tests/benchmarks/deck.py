"""Film, deck and PowerPoint show the same picture: structural similarity at ten fixed times of a small lecture.

    python tests/benchmarks/deck.py

Makes a lecture of a card and two clips, decodes its film, takes the page's picture in a headless Chromium and the frame
of the act's own file at the same times. Exit code 1 if one is below 0.99, or if another moment of the film does not
stay below it: the control.
"""

import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import av
import numpy as np
from PIL import Image
from skimage.metrics import structural_similarity

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
from tests.cli.browser import Chromium  # noqa: E402

LEAST, TIMES, APART = 0.99, 10, 90  # frames between a time and its control
SIZE = (640, 360)
LECTURE = """\
title: Deck
defaults: {resolution: "640,360", fps: 15}
entries:
  - card: Diffusion in an hour
  - {scene: denoise, config: spiral, set: {model.kind: exact, sampler.chains: 400}, options: {duration: 3}}
  - {scene: drift, config: spiral, set: {model.kind: exact, sampler.chains: 400}, options: {duration: 3}}
"""


def frames(file):
    with av.open(str(file)) as video:
        return [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]


def alike(a, b):
    return structural_similarity(a, b, channel_axis=2)


def shown(browser, slide, frame):
    """The page's picture of a frame of a slide."""
    browser.run(f"at = steps.findIndex(step => step.s === {slide}); show({slide}); part('bar').style.display = 'none'")
    browser.run(f"video({slide}).currentTime = middle(deck.slides[{slide}], {frame})")
    browser.until(f"!video({slide}).seeking && video({slide}).readyState >= 2")
    browser.until("new Promise(done => setTimeout(() => done(true), 300))")
    return np.asarray(Image.open(io.BytesIO(browser.picture())).convert("RGB"))


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())
    (folder / "deck.yaml").write_text(LECTURE)
    command = [sys.executable, "-m", "diffrender", "slides", "deck.yaml", "--to", "html,manim-slides"]
    subprocess.run(command, cwd=folder, check=True, env=os.environ | {"PYTHONPATH": str(ROOT)})
    made = folder / "outputs/lectures/deck"
    film, least, control = frames(made / "deck.mp4"), 1.0, 1.0
    with Chromium(*SIZE) as browser:
        width, height = SIZE
        browser.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )
        browser.open((made / "slides.html").as_uri())
        lengths = browser.run("deck.slides.map(slide => slide.stops.at(-1))")
        starts = [0, *np.cumsum(lengths).tolist()]
        pieces = [frame for name in pieces_of(made) for frame in frames(name)]
        assert len(pieces) == len(film) == starts[-1]
        for k in np.linspace(3, len(film) - 4, TIMES).astype(int).tolist():
            slide = max(i for i, start in enumerate(starts) if start <= k)
            page, piece = alike(shown(browser, slide, k - starts[slide]), film[k]), alike(pieces[k], film[k])
            other = alike(film[(k + APART) % len(film)], film[k])
            least, control = min(least, page, piece), min(control, other)
            print(f"frame {k:4d}: page {page:.4f}, act's file {piece:.4f}, {APART} frames later {other:.4f}")
    print(f"at the least {least:.4f}; the control {control:.4f}")
    return int(least < LEAST or control >= LEAST)


def pieces_of(made):
    """The files of all acts, in order."""
    import json

    return [made / slide["file"] for slide in json.loads((made / "slides/deck.json").read_text())["slides"]]


if __name__ == "__main__":
    sys.exit(main())
