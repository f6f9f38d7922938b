"""Targets from drawings and tables: even over the ink, in the drawing's own units; broken files are refused."""

import json
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.stats import chisquare, kstest

from diffrender.config.load import load_config
from diffrender.config.sections import TargetConfig
from diffrender.core.errors import ConfigError, DiffrenderError
from diffrender.diffusion.targets.build import build_target

DATA = os.environ.get("DIFFRENDER_DATA", "")  # as it was at the start: the command line sets it for --data-dir

N = 40_000
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">{}</svg>'


def raw_draws(file, n=N, seed=1, **params):
    """Fresh draws of a file in its own units, y downwards as in the file."""
    target = build_target(TargetConfig(kind="drawing", file=str(file), **params), Path())
    x = target.draw(n, np.random.default_rng(seed)).astype(float) * target.scale + target.offset
    return x * [1, -1] if target.dim == 2 else x


def evenness(x, inside, size=100.0, cells=16):
    """p-value of points x (n, 2) being spread evenly where inside(x, y) holds, on a grid of cells over [0, size]²."""
    fine = cells * 50
    centre = (np.arange(fine) + 0.5) * size / fine
    ink = inside(centre[:, None], centre[None, :]).reshape(cells, 50, cells, 50).mean((1, 3))
    counts, *_ = np.histogram2d(*x.T, bins=cells, range=[(0, size)] * 2)
    expected = ink / ink.sum() * len(x)
    enough = expected >= 8
    counts = np.append(counts[enough], counts[~enough].sum())
    expected = np.append(expected[enough], expected[~enough].sum())
    return chisquare(counts + 1e-9, expected + 1e-9, sum_check=False).pvalue


def save(folder, name, body):
    path = folder / name
    path.write_bytes(body if isinstance(body, bytes) else body.encode())
    return path


# ---- evenly over the ink ---------------------------------------------------------------------------------------------
def square(x, y):
    """A square plate."""
    return (abs(x - 50) < 40) & (abs(y - 50) < 40)


def plate(x, y):
    """The plate with a round hole."""
    return square(x, y) & (np.hypot(x - 45, y - 55) > 20)


def ellipse(x, y):
    """A line of width 6 round a circle of radius 20, stretched to twice its width and shifted."""
    return abs(np.hypot((x - 50) / 2, y - 40) - 20) < 3


CIRCLE = "M 65 55 A 20 20 0 1 0 25 55 A 20 20 0 1 0 65 55 Z"
INKS = {
    "even-odd hole": (f'<path fill-rule="evenodd" d="M10 10H90V90H10Z {CIRCLE}"/>', plate),
    "hole by winding": (f'<path d="M10 10H90V90H10Z {CIRCLE}"/>', plate),
    "no hole by winding": (f'<path d="M10 10V90H90V10Z {CIRCLE}"/>', square),
    "white over black": (f'<rect x="10" y="10" width="80" height="80"/><path fill="#fff" d="{CIRCLE}"/>', plate),
    "light on dark": (
        f'<rect width="100" height="100" fill="#123"/><g fill="#ffd"><rect x="10" y="10" width="80" height="80"/></g>'
        f'<path fill="#123" d="{CIRCLE}"/>',
        plate,
    ),
    "two overlapping colours": (
        f'<path fill="red" fill-rule="evenodd" d="M10 10H75V90H10Z {CIRCLE}"/>'
        '<path fill="#00f8" d="M66 10H90V90H66Z"/>',
        plate,
    ),
    "stroke in nested groups": (
        '<g transform="translate(50 40)"><g transform="scale(2 1)" fill="none" stroke="#080" stroke-width="6">'
        '<circle r="20"/></g></g>',
        ellipse,
    ),
    "use and css": (
        "<style>.line {fill: none; stroke: black; stroke-width: 6}</style>"
        '<defs><circle id="c" r="20" class="line"/></defs>'
        '<use href="#c" transform="matrix(2 0 0 1 50 40)"/>',
        ellipse,
    ),
}


@pytest.mark.parametrize("name", INKS)
def test_svg_is_filled_evenly(name, tmp_path):
    body, inside = INKS[name]
    x = raw_draws(save(tmp_path, "a.svg", SVG.format(body)))
    assert evenness(x, inside) > 1e-4
    assert evenness(np.add(x, [1.5, 0]), inside) < 1e-9  # moved by 1.5 % of the page
    thinned = x[(x[:, 0] > 50) | (np.random.default_rng(0).random(len(x)) < 0.85)]
    assert evenness(thinned, inside) < 1e-6  # a seventh of one half missing


def test_svg_inverted_fills_the_rest_of_the_page(tmp_path):
    x = raw_draws(save(tmp_path, "a.svg", SVG.format(INKS["even-odd hole"][0])), invert=True)
    assert evenness(x, lambda x, y: ~plate(x, y)) > 1e-4
    assert evenness(x, lambda x, y: plate(x, y)) < 1e-9


def picture(ink, paper, mode="RGB", size=300):
    """The plate as a picture, 300 pixels across."""
    centre = (np.arange(size) + 0.5) * 100 / size
    where = plate(centre[None, :], centre[:, None])
    return Image.fromarray(np.where(where[..., None], np.uint8(ink), np.uint8(paper)), mode)


@pytest.mark.parametrize(
    ("name", "ink", "paper"),
    [
        ("dark.png", (20, 20, 20), (250, 250, 250)),
        ("light.png", (240, 240, 200), (10, 20, 60)),
        ("pale.png", (255, 230, 0), (255, 255, 255)),
        ("dark.jpg", (0, 0, 0), (255, 255, 255)),
        ("light.jpeg", (255, 255, 255), (0, 0, 0)),
        ("cmyk.jpg", (0, 0, 0), (255, 255, 255)),
        ("clear.png", (0, 0, 0, 255), (0, 0, 0, 0)),
        ("clear-white.png", (255, 255, 255, 255), (255, 255, 255, 0)),
    ],
)
def test_pictures_are_filled_evenly_whatever_their_ground(name, ink, paper, tmp_path):
    file = tmp_path / name
    image = picture(ink, paper, "RGBA" if len(ink) == 4 else "RGB")
    (image.convert("CMYK") if name.startswith("cmyk") else image).save(file, quality=95)
    x = raw_draws(file)
    assert evenness(x, lambda x, y: plate(x / 3, y / 3), size=300) > 1e-4
    assert evenness(np.add(x, [4, 0]), lambda x, y: plate(x / 3, y / 3), size=300) < 1e-9
    x = raw_draws(file, invert=True)
    assert evenness(x, lambda x, y: ~plate(x / 3, y / 3), size=300) > 1e-4


def test_sixteen_bits_a_pixel(tmp_path):
    grey = np.full((100, 100), 60_000, np.uint16)
    grey[30:60, 20:80] = 300
    Image.fromarray(grey).save(tmp_path / "a.png")
    x = raw_draws(tmp_path / "a.png")
    assert evenness(x, lambda x, y: (x > 20) & (x < 80) & (y > 30) & (y < 60)) > 1e-4


@pytest.mark.parametrize("kind", ["svg fill", "svg stroke", "png"])
def test_by_length_goes_evenly_round(kind, tmp_path):
    if kind == "png":
        file = tmp_path / "a.png"
        centre = np.arange(400) + 0.5
        disc = np.hypot(centre[None, :] - 200, centre[:, None] - 200) < 120
        Image.fromarray(np.where(disc, 0, 255).astype(np.uint8)).save(file)
        middle, radius, slack = 200, 120, 0.7
    else:
        style = 'fill="none" stroke="black" stroke-width="9"' if kind == "svg stroke" else 'fill="black"'
        file = save(tmp_path, "a.svg", SVG.format(f'<circle cx="50" cy="50" r="30" {style}/>'))
        middle, radius, slack = 50, 30, 0.05
    x = raw_draws(file, by="length") - middle
    away = np.hypot(*x.T) - radius
    half_width = 4.5 if kind == "svg stroke" else 0.0  # a stroke has two outlines
    assert np.abs(np.abs(away) - half_width).max() < slack
    assert np.abs(np.abs(away * 1.1 + 0.1 * radius) - half_width).max() > slack  # the control: a larger circle
    assert kstest(np.arctan2(x[:, 1], x[:, 0]), "uniform", (-np.pi, 2 * np.pi)).pvalue > 1e-4


def test_by_length_counts_long_lines_more(tmp_path):
    lines = '<g fill="none" stroke="#000"><path d="M10 20h80"/><path stroke-width="8" d="M10 80h20"/></g>'
    x = raw_draws(save(tmp_path, "a.svg", SVG.format(lines)), by="length")
    assert chisquare(np.bincount((x[:, 1] > 50).astype(int)), N * np.array([162, 56]) / 218).pvalue > 1e-4


def test_words_and_the_dinosaur():
    for target in (
        {"kind": "text", "text": "∇ log p"},
        {"kind": "word", "text": "p", "by": "length"},
        {"kind": "dino"},
    ):
        x = build_target(TargetConfig(**target), Path()).draw(2000, np.random.default_rng(0))
        assert x.shape == (2000, 2)
        assert np.isfinite(x).all()
    wide = build_target(TargetConfig(kind="text", text="wide words"), Path()).box
    assert wide[1] - wide[0] > 3 * (wide[3] - wide[2])
    with pytest.raises(DiffrenderError, match="nothing that can be set in type"):
        build_target(TargetConfig(kind="text", text=" "), Path())


def test_a_drawing_is_a_config(tmp_path):
    config = load_config(save(tmp_path, "cat.svg", SVG.format('<circle cx="50" cy="50" r="30"/>')))
    assert build_target(config.target, config.folder).dim == 2


# ---- tables ----------------------------------------------------------------------------------------------------------
TRIANGLE = np.array([[0.0, 0.0], [1e9, 0.0], [0.0, 1e9]]) + 5e9


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("a.csv", "\n".join(f"{x},{y}" for x, y in TRIANGLE)),
        ("a.csv", "# a comment\n\nX;Y\n" + "\n".join(f"{x};{y}" for x, y in TRIANGLE)),
        ("a.tsv", "id\ty\tx\n" + "\n".join(f"p{i}\t{y}\t{x}" for i, (x, y) in enumerate(TRIANGLE))),
        ("a.csv", "dataset,x,y\n" + "\n".join(f"b,{x},{y}\na,7,7\na,8,7" for x, y in TRIANGLE)),
    ],
)
def test_tables_with_and_without_a_header(name, body, tmp_path):
    params = {"dataset": "b"} if body.startswith("dataset") else {}
    x = raw_draws(save(tmp_path, name, body), 3000, **params) * [1, -1]
    nearest = np.linalg.norm(x[:, None] - TRIANGLE, axis=2)
    assert nearest.min(1).max() < 1e3
    assert chisquare(np.bincount(nearest.argmin(1))).pvalue > 1e-4


def test_points_in_space_of_any_size(tmp_path):
    rows = np.random.default_rng(0).normal(1e-7, 1e-9, (500, 3))
    save(tmp_path, "a.xyz", "\n".join(f"{x:.17g} {y:.17g} {z:.17g} 255 0 0" for x, y, z in rows))
    np.save(tmp_path / "a.npy", rows)
    for name in ("a.xyz", "a.npy"):
        target = build_target(TargetConfig(kind="drawing", file=str(tmp_path / name)), Path())
        assert target.dim == 3
        assert np.isclose(target.scale, 1e-9, rtol=0.1)
        assert np.allclose(target.offset, 1e-7, rtol=0.01)
        assert np.isclose(target.draw(5000, np.random.default_rng(0)).std(), 1, atol=0.1)


@pytest.mark.skipif(not DATA, reason="DIFFRENDER_DATA is not set")
def test_datasaurus():
    file = Path(DATA) / "datasaurus" / "DatasaurusDozen.tsv"
    x = raw_draws(file, 20_000, dataset="dino") * [1, -1]
    assert len(np.unique(x.round(2), axis=0)) == 142
    assert np.allclose(x.mean(0), [54.26, 47.83], atol=0.5)
    with pytest.raises(DiffrenderError, match="13 data sets"):
        raw_draws(file)


# ---- what is refused -------------------------------------------------------------------------------------------------
def png_of(width, height):
    """A PNG whose header promises width × height pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(1 << 20)))
        + chunk(b"IEND", b"")
    )


def laughs():
    entities = "".join(f'<!ENTITY l{i + 1} "{f"&l{i};" * 10}">' for i in range(9))
    return (
        f'<!DOCTYPE svg [<!ENTITY l0 "ha">{entities}]><svg xmlns="http://www.w3.org/2000/svg"><text>&l9;</text></svg>'
    )


def uses():
    groups = "".join(f'<g id="u{i + 1}">{f"""<use href="#u{i}"/>""" * 10}</g>' for i in range(9))
    return SVG.format(f'<defs><rect id="u0" width="1" height="1"/>{groups}</defs><use href="#u9"/>')


OBJECTS = (
    b"\x93NUMPY\x01\x00v\x00"
    + b"{'descr': '|O', 'fortran_order': False, 'shape': (3, 2), }".ljust(117)
    + b"\n"
    + b"x" * 99
)
LIE = OBJECTS.replace(b"'|O'", b"'<f8'").replace(b"(3, 2)", b"(10000000000, 2)")
REFUSED = {
    "empty.svg": (SVG.format(""), "empty drawing"),
    "no-bytes.svg": ("", "not an SVG file"),
    "words.svg": (SVG.format("<text>日本</text>"), "empty drawing"),
    "nowhere.svg": ('<svg viewBox="0 0 0 9"><rect width="9" height="9"/></svg>', 'viewBox="0 0 0 9" shows nothing'),
    "three.svg": ('<svg viewBox="0 0 9"><rect width="9" height="9"/></svg>', 'viewBox="0 0 9" shows nothing'),
    "units.svg": ('<svg viewBox="0 0 9px 9px"><rect width="9" height="9"/></svg>', "four numbers"),
    "unseen.svg": (
        SVG.format('<rect x="500" width="9" height="9"/>'),
        'what is drawn covers 49[0-9.]+ -[^|]*Set viewBox="49',
    ),
    "pale.svg": (
        SVG.format('<rect width="100" height="100" fill="#fff"/><rect width="9" height="9" fill="#f5f5f5"/>'),
        "nearly of the colour of the paper",
    ),
    "vast.svg": (SVG.format('<path d="M0 0L1e300 0L1e300 1e300Z"/>'), "empty drawing"),
    "laughs.svg": (laughs(), "XML entities multiply"),
    "utf16.svg": (('<?xml version="1.0" encoding="utf-16"?>' + laughs()).encode("utf-16"), "XML entities multiply"),
    "outside.svg": ('<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>', "XML entity"),
    "uses.svg": (uses(), "takes longer|crashed|needs more|cannot be drawn"),
    "itself.svg": (SVG.format('<g id="a"><use href="#a"/></g>'), "empty drawing"),
    "deep.svg": ("<svg>" + "<g>" * 100_000 + "</g>" * 100_000 + "</svg>", "deep"),
    "page.svg": ("<html><body/></html>", "a web page"),
    "picture.svg": (png_of(9, 9), "a picture"),
    "black.png": (png_of(1000, 1000), "all of it is one colour"),
    "bomb.png": (png_of(60_000, 60_000), "too many pixels|60000 × 60000"),
    "cut.png": (png_of(2000, 2000)[:200], "damaged|one colour"),
    "words.png": ("hello", "not a PNG"),
    "words.jpg": (png_of(9, 9), "not a JPEG"),
    "words.csv": ("x,y\n1,2\n3,cat\n", "row 2.*'cat'"),
    "prose.csv": ("some prose\nand more of it\n", "cells|2 or 3 numbers"),
    "empty.csv": ("", "no points"),
    "header.csv": ("x,y\n", "only a header"),
    "nan.csv": ("x,y\n1,2\nnan,3\n", "row 2"),
    "lacking.csv": ("x,y\nnan,3\n", "its columns of numbers are: y"),
    "wide.csv": ("1,2,3,4,5\n6,7,8,9,0\n", "2 or 3 numbers"),
    "bytes.csv": (bytes(range(256)), "not a text file"),
    "same.csv": ("1,2\n1,2\n", "the same"),
    "sets.csv": ("dataset,x,y\na,1,2\nb,3,4\n", "2 data sets"),
    "pickle.npy": (OBJECTS, "array of Python objects|not object"),
    "lie.npy": (LIE, "not a NumPy file"),
    "cat.gif": ("GIF89a", "not a kind of file"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_broken_and_hostile_files_are_refused(name, tmp_path):
    body, message = REFUSED[name]
    with pytest.raises(DiffrenderError, match=message) as caught:
        raw_draws(save(tmp_path, name, body), 10)
    assert name in str(caught.value)
    assert str(caught.value).count("\n") <= 1
    assert len(str(caught.value)) < 400 + len(str(tmp_path))


def test_keys_without_meaning_are_refused(tmp_path):
    file = save(tmp_path, "a.csv", "1,2\n3,4\n")
    for key, value in {"invert": True, "by": "length"}.items():
        with pytest.raises(ConfigError, match=f"target.{key}"):
            raw_draws(file, **{key: value})
    with pytest.raises(ConfigError, match=r"target\.by"):
        raw_draws(file, by="weight")
    with pytest.raises(DiffrenderError, match="no such file"):
        raw_draws(tmp_path / "none.svg")


MEASURE = """
import json, resource, sys, time
from pathlib import Path
import numpy as np
from diffrender.config.sections import TargetConfig
from diffrender.diffusion.targets.build import build_target
build_target(TargetConfig(kind="drawing", file=sys.argv[1]), Path()).draw(10_000, np.random.default_rng(0))
peak = [int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")][0] * 1024
print(json.dumps([time.process_time(), peak]))
"""


def cost(file):
    """CPU seconds and bytes that a new process takes to import, read a file and draw 10,000 points."""
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    out = subprocess.run(
        [sys.executable, "-c", MEASURE, str(file)], capture_output=True, text=True, env=env, check=True
    )
    return json.loads(out.stdout)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_a_picture_of_sixteen_million_pixels(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (4000, 4000, 1), np.uint8)
    Image.fromarray(np.concatenate([noise] * 3 + [np.full_like(noise, 255)], 2)).save(
        tmp_path / "a.png", compress_level=1
    )
    seconds, size = cost(tmp_path / "a.png")
    assert seconds < 5
    assert size < 1e9


# ---- classes by colour -----------------------------------------------------------------------------------------------
STRIPE = '<rect x="{}" width="5" height="90" fill="rgb({},{},{})"/>'
DISCS = '<circle cx="25" cy="50" r="20" fill="#0028dc"/><circle cx="75" cy="50" r="10" fill="#d55e00"/>'


def labelled(file, **params):
    """(target, draws in the file's own units, their classes by name)."""
    target = build_target(TargetConfig(kind="drawing", file=str(file), label="colour", **params), Path())
    x, label = target.draw_labelled(N, np.random.default_rng(1))
    return target, x * target.scale + target.offset, np.array(target.labels)[label]


def test_the_colours_of_a_drawing_are_classes(tmp_path):
    file = save(tmp_path, "discs.svg", SVG.format(DISCS))
    target, x, name = labelled(file)
    assert target.labels == ("blue", "orange")
    assert np.array_equal(name == "blue", x[:, 0] < 50), "pixels at an edge too"
    assert abs((name == "orange").mean() - 0.2) < 0.01
    plain = build_target(TargetConfig(kind="drawing", file=str(file)), Path())
    assert plain.labels is None, "the control: nobody asked"


def test_a_picture_has_classes_too(tmp_path):
    pixels = np.full((60, 90, 3), 255, np.uint8)
    pixels[10:50, 10:40], pixels[10:50, 50:80] = (0, 0, 0), (220, 0, 0)
    Image.fromarray(pixels).save(tmp_path / "two.png")
    target, x, name = labelled(tmp_path / "two.png")
    assert set(target.labels) == {"black", "red"}
    assert np.array_equal(name == "black", x[:, 0] < 45)


@pytest.mark.parametrize(
    ("shapes", "params", "message"),
    [
        ('<circle cx="25" cy="50" r="20"/>', {}, "one colour"),
        ("".join(STRIPE.format(6 * k, k % 4 * 80, k // 4 * 90, 40) for k in range(12)), {}, "12 colours"),
        (DISCS, {"by": "length"}, "target.label"),
        (DISCS, {"invert": True}, "target.label"),
    ],
)  # fmt: skip
def test_classes_that_cannot_be_told_are_refused(tmp_path, shapes, params, message):
    file = save(tmp_path, "a.svg", SVG.format(shapes))
    with pytest.raises(DiffrenderError, match=message):
        labelled(file, **params)
    with pytest.raises(DiffrenderError, match="has no columns"):
        build_target(TargetConfig(kind="drawing", file=str(file), label="species"), Path())


@pytest.mark.parametrize(
    ("style", "said"),
    [
        ("clip-path: circle(20px at 50px 50px)", "CSS shapes"),
        ("transform: rotate(90deg); transform-origin: 50px 50px", ""),
        ("transform: translate(10%, 0)", "by percent"),
        ("transform-box: fill-box", "transform-box"),
        ("clip-path: url(#c)", ""),
        ("fill: red", ""),
    ],
)
def test_style_rules_without_effect_are_said(tmp_path, style, said, caplog):
    file = save(tmp_path, "styled.svg", SVG.format(f'<rect x="10" y="45" width="80" height="10" style="{style}"/>'))
    raw_draws(file, n=10)
    told = caplog.text
    assert ("left out" in told) == bool(said)
    assert said in told
