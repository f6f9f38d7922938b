"""Film, deck and PowerPoint show the same picture: structural similarity at ten fixed times of a small lecture.

    python tests/benchmarks/deck.py

Makes a lecture of a card and two clips, decodes its film, takes the page's picture in a headless Chromium, the frame of
the act's own file, and that of the video that PowerPoint's file has on the slide, at the same times. Where there is a
LibreOffice with pdftoppm, its pictures of all slides are held against the film as their acts begin. Exit code 1 if one
is below 0.99, or if another moment of the film does not stay below it: the control.
"""

import io
import os
import shutil
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
LOSSLESS = (
    'pdf:impress_pdf_Export:{"UseLosslessCompression":{"type":"boolean","value":"true"},'
    '"ReduceImageResolution":{"type":"boolean","value":"false"}}'
)
LECTURE = """\
title: Deck
defaults: {resolution: "640,360", fps: 15}
entries:
  - card: Diffusion in an hour
  - {scene: denoise, config: spiral, set: {model.kind: exact, sampler.chains: 400}, options: {duration: 3}}
  - {scene: drift, config: spiral, set: {model.kind: exact, sampler.chains: 400}, options: {duration: 3}}
"""


def frames(file):
    with av.open(str(file) if isinstance(file, Path) else file) as video:
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
    command = [sys.executable, "-m", "diffrender", "slides", "deck.yaml", "--to", "html,manim-slides,pptx"]
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
        shown_by_pptx = [frame for video in videos_of(made / "slides.pptx") for frame in frames(video)]
        assert len(pieces) == len(shown_by_pptx) == len(film) == starts[-1]
        for k in np.linspace(3, len(film) - 4, TIMES).astype(int).tolist():
            slide = max(i for i, start in enumerate(starts) if start <= k)
            page, piece = alike(shown(browser, slide, k - starts[slide]), film[k]), alike(pieces[k], film[k])
            pptx, other = alike(shown_by_pptx[k], film[k]), alike(film[(k + APART) % len(film)], film[k])
            least, control = min(least, page, piece, pptx), min(control, other)
            print(
                f"frame {k:4d}: page {page:.4f}, act's file {piece:.4f}, PowerPoint's {pptx:.4f}, "
                f"{APART} frames later {other:.4f}"
            )
    begins = np.cumsum([0, *(len(frames(name)) for name in pieces_of(made))])
    for k, picture in zip(begins[:-1], office_pictures(made / "slides.pptx"), strict=False):
        poster = alike(picture, film[k])
        least = min(least, poster)
        print(f"frame {k:4d}: LibreOffice's slide {poster:.4f}")
    print(f"at the least {least:.4f}; the control {control:.4f}")
    return int(least < LEAST or control >= LEAST)


def videos_of(pptx):
    """The videos in a PowerPoint file, a file-like object for each slide, in order."""
    from pptx import Presentation

    for slide in Presentation(str(pptx)).slides:
        (video,) = (rel.target_part.blob for rel in slide.part.rels.values() if rel.reltype.endswith("/media"))
        yield io.BytesIO(video)


def office_pictures(pptx):
    """All slides as LibreOffice shows them before they play, in the film's size; none where it is not installed."""
    if not (shutil.which("soffice") and shutil.which("pdftoppm")):
        print("LibreOffice or pdftoppm is not here: its slides are not looked at")
        return []
    with tempfile.TemporaryDirectory() as folder:
        profile = f"-env:UserInstallation=file://{folder}/profile"
        command = ["soffice", profile, "--headless", "--convert-to", LOSSLESS, "--outdir", folder, str(pptx)]
        subprocess.run(command, check=True, capture_output=True, timeout=300)
        width, height = map(str, SIZE)
        pdf = Path(folder, pptx.stem).with_suffix(".pdf")
        scale = ["-scale-to-x", width, "-scale-to-y", height]
        subprocess.run(["pdftoppm", "-png", *scale, str(pdf), f"{folder}/page"], check=True)
        return [np.asarray(Image.open(file).convert("RGB")) for file in sorted(Path(folder).glob("page*.png"))]


def pieces_of(made):
    """The files of all acts, in order."""
    import json

    return [made / slide["file"] for slide in json.loads((made / "slides/deck.json").read_text())["slides"]]


if __name__ == "__main__":
    sys.exit(main())
