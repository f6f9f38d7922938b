"""Inputs made wrongly, by the hundred: python tests/faults/fuzz.py [--seconds 600] [--seed 0] [--kind svg]

For each kind of input, whole files are put together from parts that readers find hard, and their bytes are damaged. An
input is read as the program reads it. Right is: read, or refused by one DiffrenderError. A traceback, an error that
asks for a report, more than CPU_SECONDS or MAX_BYTES, and a canary that was touched are faults; each is kept in a
folder and listed. Seeds give the same inputs everywhere.
"""

# ruff: noqa: E501, E731
from __future__ import annotations

import argparse
import functools
import gzip
import io
import json
import logging
import pickle
import random
import resource
import signal
import sys
import tarfile
import tempfile
import time
import traceback
import wave
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np

from diffrender.config.find import configs, open_config
from diffrender.core.errors import DiffrenderError

CPU_SECONDS = 10.0
MAX_BYTES = 1_000_000_000
REPORT = "please report"  # in errors that nobody foresaw
NUMBERS = ["0", "-1", "1e300", "-1e-300", "nan", "inf", "1e9", "50%", "1e400", "", "x", "007", "1,5", "9" * 40, "0.5"]
CANARY = Path(tempfile.gettempdir()) / f"diffrender-canary-{int(time.time() * 1000)}"
CODE = f"__import__('os').system('touch {CANARY}')"

Maker = Callable[[random.Random], bytes]


# ---- inputs, by kind -------------------------------------------------------------------------------------------------
def svg(r: random.Random) -> bytes:
    number = lambda: r.choice(NUMBERS)
    shapes = [
        lambda: f'<rect x="{number()}" y="{number()}" width="{number()}" height="{number()}"/>',
        lambda: f'<circle cx="50" cy="50" r="{number()}" fill="{r.choice(["#fff", "none", "url(#p)", "red", "#x"])}"/>',
        lambda: f'<path d="M{number()} {number()}L9 9 {r.choice("zLCQAT")}{number()} {number()} {number()}z"/>',
        lambda: f'<use href="#{r.choice("abp")}" x="{number()}"/>',
        lambda: f'<text x="10" y="50" font-size="{number()}">{r.choice(["a", "漢", "&amp;", "&x;"])}</text>',
        lambda: f'<image href="{r.choice(["/etc/hosts", "http://127.0.0.1:9/", "data:image/png;base64,AAAA"])}"/>',
        lambda: (
            f'<g id="{r.choice("ab")}" transform="{r.choice(["scale(0)", "rotate(9)", "matrix(1)", "x"])}">'
            f"{r.choice(shapes)()}</g>"
        ),
        lambda: (
            f"<style>{r.choice(['*{fill:red}', '@import url(x);', 'a' * 999, '}}{{', 'rect{display:none}'])}</style>"
        ),
        lambda: f'<pattern id="p" width="{number()}" height="{number()}"><rect width="1" height="1"/></pattern>',
        lambda: f'<filter id="p"><feGaussianBlur stdDeviation="{number()}"/></filter>',
        lambda: f"<script>{CODE}</script>",
        lambda: '<path d="M0 0h99" stroke="#000" stroke-width="2" stroke-dasharray="' + number() + '"/>',
    ]
    head = r.choice(['viewBox="0 0 100 100"', f'viewBox="0 0 {number()} {number()}"', f'width="{number()}"', ""])
    doctype = r.choice(
        ["", "", '<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/hosts">]>', '<!DOCTYPE svg [<!ENTITY x "y">]>']
    )
    body = "".join(r.choice(shapes)() for _ in range(r.randint(0, 8)))
    return f'{doctype}<svg xmlns="http://www.w3.org/2000/svg" {head}>{body}</svg>'.encode()


def table(r: random.Random) -> bytes:
    separator = r.choice([",", ";", "\t", " ", "|"])
    cells = lambda n: [r.choice([f"{r.uniform(-9, 9):.3f}", str(r.randint(0, 9)), r.choice(NUMBERS), "a", '"q"'])
                       if r.random() < 0.05 else f"{r.uniform(-9, 9):.3f}" for _ in range(n)]  # fmt: skip
    n = r.randint(1, 5)
    head = r.choice(
        ["", separator.join(r.sample(["x", "y", "z", "", "label", "0", "1", "dataset", "index"], n)) + "\n"]
    )
    rows = [separator.join(cells(n if r.random() < 0.97 else r.randint(0, 9))) for _ in range(r.randint(0, 30))]
    text = r.choice(["", "sep=;\n", "# c\n", "//x y\n"]) + head + r.choice(["\n", "\r\n", "\r"]).join(rows)
    return text.encode(r.choice(["utf-8", "utf-16", "utf-8-sig", "latin-1"]))


def xyz(r: random.Random) -> bytes:
    atoms = "".join(
        f"{r.choice(['H', 'O', 'Xx', '1'])} {r.choice(NUMBERS)} 0.5 {r.random():.3f}\n" for _ in range(r.randint(0, 5))
    )
    return (f"{r.choice(['3', '0', '99', '-1', 'x'])}\nwater\n{atoms}" if r.random() < 0.5 else atoms).encode()


def obj(r: random.Random) -> bytes:
    lines = [r.choice([f"v {r.choice(NUMBERS)} {r.random():.2f} {r.random():.2f}", f"v {r.random():.2f} {r.random():.2f} 0",
                       "f " + " ".join(str(r.choice([1, 2, 3, -1, -2, 0, 99, "1/2", "x", "1//1"])) for _ in range(r.randint(0, 6))),
                       "mtllib /etc/hosts", "# c", "v", "f 1 2 3 \\"]) for _ in range(r.randint(0, 20))]  # fmt: skip
    return "\n".join(lines).encode()


def off(r: random.Random) -> bytes:
    n, m = r.randint(0, 6), r.randint(0, 3)
    corners = [f"{r.random():.2f} {r.random():.2f} {r.choice(NUMBERS)}" for _ in range(n)]
    faces = [" ".join(str(r.choice([0, 1, 2, 3, -1, 9, "x"])) for _ in range(r.randint(1, 5))) for _ in range(m)]
    return "\n".join(
        [r.choice(["OFF", "COFF", "4OFF", "off"]), f"{n} {m} {r.choice(NUMBERS)}", *corners, *faces]
    ).encode()


def ply(r: random.Random) -> bytes:
    n, m = r.randint(0, 5), r.randint(0, 3)
    form = r.choice(["ascii", "binary_little_endian", "binary_big_endian", "x"])
    head = f"ply\nformat {form} 1.0\nelement vertex {r.choice([n, 10**12, -1])}\n"
    head += "".join(
        f"property {r.choice(['float', 'double', 'uchar', 'x'])} {a}\n" for a in r.choice(["xyz", "xy", "xyzxyz"])
    )
    head += f"element face {m}\nproperty list uchar int vertex_indices\n" * r.randint(0, 1) + "end_header\n"
    body = "".join(f"{r.random():.2f} {r.random():.2f} 0\n" for _ in range(n)) + "3 0 1 2\n" * m
    return head.encode() + (body.encode() if form == "ascii" else r.randbytes(12 * n + 13 * m))


def stl(r: random.Random) -> bytes:
    n = r.randint(0, 4)
    return r.randbytes(80) + r.choice([n, 2**31, 0]).to_bytes(4, "little") + r.randbytes(50 * n)


def npy(r: random.Random) -> bytes:
    shape = r.choice([(9, 2), (9, 3), (9,), (0, 2), (2, 9), (3, 3, 3), ()])
    array = np.array(np.random.default_rng(r.randint(0, 99)).normal(size=shape))
    kind = r.choice(["f8", "f4", "i8", "c8", "U5", "O", "f8", "M8[s]", "?"])
    buffer = io.BytesIO()
    with np.errstate(all="ignore"):
        array = array * r.choice([1, 1e308, 1e39, np.nan])
        (np.savez if r.random() < 0.1 else np.save)(
            buffer, array.astype("i8").astype(kind) if kind == "M8[s]" else array.astype(kind)
        )
    return buffer.getvalue()


def picture(kind: str) -> Maker:
    def make(r: random.Random) -> bytes:
        from PIL import Image

        mode = r.choice(["L", "RGB", "RGBA", "1", "P", "LA", "I;16"] if kind == "PNG" else ["L", "RGB", "CMYK"])
        size = (r.choice([1, 2, 30, 300]), r.choice([1, 3, 30]))
        image = Image.new(mode, size, r.choice([0, 1, 255]) if mode in ("L", "1", "P", "I;16") else None)
        if r.random() < 0.7:
            image.paste(Image.new(mode, (max(1, size[0] // 2), 1)), (0, 0))
        buffer = io.BytesIO()
        image.save(buffer, kind)
        return buffer.getvalue()

    return make


def config(r: random.Random) -> bytes:
    value = lambda: r.choice([*NUMBERS, "yes", "010", "1:30", "0x1F", "2001-01-01", "!!int x", "!!binary x", "&a b", "*a", "[",
                              "{a: b}", "~", '"\\ud800"', "~nosuchuser/x.svg", "spiral", "0b_", "[1, 2]", "null", "x" * 999,
                              f"!!python/object/apply:os.system ['touch {CANARY}']", f'"{CODE}"'])  # fmt: skip
    if r.random() < 0.5:  # a config that is shipped, with a value or two of another kind
        lines = r.choice(sorted(configs().values())).read_text("utf-8").splitlines()
        for _ in range(r.randint(0, 2)):
            k = r.randrange(len(lines))
            lines[k] = f"{lines[k].partition(': ')[0]}: {value()}"
        return "\n".join(lines).encode("utf-8", "surrogatepass")
    keys = ["title", "target", "model", "schedule", "training", "sampler", "record", "seed", "x", "1", "target.kind"]
    inner = ["kind", "steps", "chains", "seed", "log_p", "file", "radius", "means", "stds", "width", "fields", "x"]
    lines = ["target: spiral"] if r.random() < 0.5 else []
    for _ in range(r.randint(0, 6)):
        deep = "{" + ", ".join(f"{r.choice(inner)}: {value()}" for _ in range(r.randint(0, 3))) + "}"
        lines.append(f"{r.choice(keys)}: {r.choice([value(), deep])}")
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def density(r: random.Random) -> bytes:
    from diffrender.diffusion.targets.densities.catalogue import DENSITIES

    entry = r.choice(list(DENSITIES))
    values = [0, -1, 1e300, 1e-300, 1e4, 1e-4, 3, 0.5, True, "x", [1, 2], [[0, 0], [1, 1]], [[1e4, 0]], None, 10**400]
    chosen = r.sample(sorted(entry.parameters()), r.randint(0, len(entry.parameters())))
    params = {key: r.choice(values) for key in chosen}
    if entry.name == "expression":
        params["log_p"] = expression(r)
    return json.dumps({"kind": entry.name, **params}).encode()


def expression(r: random.Random, depth: int = 0) -> str:
    if depth > 4 or r.random() < 0.2:
        return r.choice(["x", "y", "z", "1", "2.5", "1e300", "pi", "x**2", "1e-300", CODE, "x.real", "[x]", "9**9**9"])
    a, b = expression(r, depth + 1), expression(r, depth + 1)
    shape = r.choice(["-({a})", "({a})+({b})", "({a})*({b})", "({a})/({b})", "({a})**2", "exp({a})", "log({a})", "sqrt({a})",
                      "-({a})**2-({b})**2-x**2-y**2", "minimum({a},{b})", "-exp({a})", "tan({a})"])  # fmt: skip
    return shape.format(a=a, b=b)


def video(r: random.Random) -> bytes:
    return damaged(VIDEO.bytes(), r, 6)


def srt(r: random.Random) -> bytes:
    arrow = lambda: r.choice(["-->", "->", "--> ", "→"])
    clock = lambda: r.choice(
        ["00:00:01,000", "0:1", "99:99:99,999", "00:00:02.5", "-1:00:00,000", "9" * 30 + ":00:00,000"]
    )
    cues = [
        f"{r.choice([str(k), '', 'x'])}\n{clock()} {arrow()} {clock()}\n{r.choice(['a', '<i>é', '', '{x'])}\n"
        for k in range(r.randint(0, 6))
    ]
    return "\n".join(cues).encode(r.choice(["utf-8", "latin-1", "utf-16"]), "replace")


def npz(r: random.Random) -> bytes:
    buffer = io.BytesIO()
    t = r.randint(1, 4)
    members = {
        "x": np.random.default_rng(0).normal(size=(t + 1, 5, 2)).astype("f4"),
        "time": np.linspace(1, 0, t + 1),
        "alpha": np.ones(t + 1),
        "sigma": np.ones(t + 1),
    }
    meta = {"schema_version": r.choice([1, 99, "x"]), "kind": r.choice(["reverse", "langevin", "x", 3])}
    members["meta"] = np.array(r.choice([json.dumps(meta), "{", "[]", "nan"]))
    if r.random() < 0.3:
        members[r.choice(list(members))] = r.choice([np.zeros(3), np.array(["a"]), np.full((2, 5, 2), np.nan)])
    (np.savez if r.random() < 0.7 else np.savez_compressed)(buffer, **members)
    return buffer.getvalue()


def scene(r: random.Random) -> bytes:
    """A scene's declarations, whose text is read without running it."""
    touch = f"open({str(CANARY)!r}, 'w')"
    hook = r.choice([touch, f"[c for c in ().__class__.__base__.__subclasses__()][0].__init__.__globals__[{touch}]",
                     f"(lambda: {touch})()", f"[{touch} for _ in 'a']", f"f'{{{touch}}}'", CODE])  # fmt: skip
    value = lambda: r.choice([*NUMBERS[:6], "None", "True", "...", "()", "[1, 2]", "{'a': {}}", "'x' * 10**9", "9**9**9", "-'a'",
                              "A", "b'x'", "1j", "10**5000", "'\\ud800'", "{1: 2}", "{**{}}", "[*'ab']", "-" * 3000 + "1", hook])  # fmt: skip
    kind = lambda: r.choice(["int", "float", "str", "bool", "list[int]", "Literal['a', 'b']", "int | None", "Palette", "x.y",
                             "'int'", "{1: 2}", "Annotated[int, 1]", "Literal[()]", "int[0]", "tuple[int, ...]", hook])  # fmt: skip
    field = lambda: r.choice([value(), f"Field({value()}, ge={value()})", f"Field(description={value()})", "Field()", f"Field(default_factory=lambda: {hook})"])  # fmt: skip
    declared = [
        lambda: f"default_config = {value()}",
        lambda: f"needs = {r.choice([value(), '{}', '[]'])}",
        lambda: (
            f"needs = {{'run': {r.choice([f'Recording({value()})', f'Recording(kind={value()})', f'Training({value()})', value()])}}}"
        ),
        lambda: f"shows = {r.choice([value(), '(' + repr('plane') + ',)'])}",
        lambda: f"words = {r.choice([value(), '{1: 2}', '{' + repr('a') + ': ' + value() + '}'])}",
        lambda: f"unused_options = {r.choice([value(), '(' + repr('trails') + ',)'])}",
        lambda: f"class Options(SceneOptions):\n        a: {kind()} = {field()}\n        b: {kind()}",
        lambda: f"x{r.randint(0, 9)} = {hook}",
        lambda: f"def construct(self):\n        {hook}",
    ]
    body = "\n    ".join(
        [r.choice(['"""A scene."""', "pass"]), *(r.choice(declared)() for _ in range(r.randint(0, 4)))]
    )
    bases = r.choice(
        [
            "TrajectoryScene",
            "TrajectoryScene",
            "Scene",
            "x.TrajectoryScene",
            "Mine",
            f"TrajectoryScene, metaclass={hook}",
            hook,
        ]
    )
    top = r.choice(
        ["", "", f"A = {value()}\n", f"import os\n{hook}\n", "from diffrender.animation import *\n", f"@{hook}\n"]
    )
    return f"{top}class Mine({bases}):\n    {body}\n".encode("utf-8", "surrogatepass")


def lecture(r: random.Random) -> bytes:
    value = lambda: r.choice([*NUMBERS, "yes", "2001-01-01", "!!int x", "~", "[a]", "{a: b}", '"\\ud800"', "x" * 400, "漢字", "l", "dark",
                              "/etc/hosts", "~nosuchuser/x.mp4", "denoise", "spiral", "\"\\e[31m\"", '" "', "../../x"])  # fmt: skip
    keys = ["title", "caption", "narration", "text", "seconds", "hold", "set", "options", "config", "x", "source"]
    entries = []
    for _ in range(r.randint(0, 4)):
        more = "".join(f", {r.choice(keys)}: {value()}" for _ in range(r.choice([0, 0, 0, 1, 2])))
        first = r.choice(["card: Hello", "card", "part: One", "scene: denoise", "scene: card", "video: a.mp4", "video"])
        entries.append(f"  - {{{first if ':' in first else f'{first}: {value()}'}{more}}}")
    odd = r.choice(["", "", f"{r.choice(['title', 'defaults', 'outputs', 'x'])}: {value()}"])
    head = [*r.choice([["title: Talk"]] * 4 + [[]]), odd]
    deep = [f"defaults: {{{r.choice(['quality', 'fps', 'seed', 'aspect', 'theme'])}: {value()}}}",
            f"outputs: {{{r.choice(['crossfade', 'gif', 'film', 'posters'])}: {value()}}}"]  # fmt: skip
    return "\n".join([*head, *r.sample(deep, r.randint(0, 2)), "entries:", *entries]).encode("utf-8", "surrogatepass")


def sound(r: random.Random) -> bytes:
    buffer, rate, channels = io.BytesIO(), r.choice([8000, 44_100, 1, 2**26]), r.choice([1, 2, 8])
    with wave.open(buffer, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(r.choice([1, 2, 4]))
        file.setframerate(rate)
        file.writeframes(r.randbytes(r.choice([0, 8, 800]) * channels))
    return damaged(buffer.getvalue(), r, 6)


@functools.cache
def whole_weights() -> bytes:
    """Weights of the network of `circle`."""
    from diffrender.diffusion.denoisers.learned import network, save

    config = open_config("circle", {"model.kind": "mlp"})
    with tempfile.TemporaryDirectory() as folder:
        save(Path(folder) / "a.safetensors", network(config, (2,), 0), config, {"key": "x"})
        return (Path(folder) / "a.safetensors").read_bytes()


def weights(r: random.Random) -> bytes:
    if r.random() < 0.5:
        return damaged(whole_weights(), r, 2)
    entry = lambda: {"dtype": r.choice(["F32", "F16", "I64", "X", 3]), "shape": r.choice([[2], [2, 2], [], [-1], [2**62, 4], "x"]),
                     "data_offsets": r.choice([[0, 8], [0, 16], [8, 0], [0, 10**15], "x"])}  # fmt: skip
    head = {r.choice(["a", "b", "__metadata__"]): entry() for _ in range(r.randint(0, 2))}
    if r.random() < 0.5:
        head["__metadata__"] = r.choice([{"config": "{"}, {"config": "[]"}, {"x": "nan"}, 3, []])
    text = r.choice([json.dumps(head), "{", "[]", "[" * 5000]).encode()
    return r.choice([len(text), len(text), 0, 2**63, 2**40]).to_bytes(8, "little") + text + r.randbytes(16)


def idx(r: random.Random) -> bytes:
    shape = r.choice([(2, 3, 3), (2,), (2**32 - 1, 2**32 - 1, 9), (0, 3, 3), (2, 0, 0)])
    head = bytes([0, 0, r.choice([8, 8, 8, 9, 14]), r.choice([len(shape), len(shape), 255])])
    data = head + b"".join(n.to_bytes(4, "big") for n in shape) + r.randbytes(r.choice([18, 18, 2, 0, 40]))
    return gzip.compress(data) if r.random() < 0.7 else data


def batch(r: random.Random) -> bytes:
    """A pickle, as batches of CIFAR-10 are: of what it should hold, and of what runs code when it is loaded."""

    class Hook:
        def __reduce__(self) -> tuple:
            return r.choice([(exec, (CODE,)), (open, (str(CANARY), "w")), (getattr, ("", "x")), (bytes, (10**12,))])

    n = r.choice([0, 2, 3])
    good = np.zeros((n, 3072), "u1")
    data = r.choice([*[good] * 6, np.zeros((n, 9), "u1"), np.zeros((n, 3072)), np.array([None]), b"x", Hook()])
    labels = r.choice([*[list(range(n))] * 6, [0] * 9, ["a"] * n, [2**70] * n, None, [Hook()]])
    found = (
        {b"data": data, b"labels": labels} if r.random() < 0.8 else r.choice([[], data, {1: Hook()}, {b"data": Hook()}])
    )
    if r.random() < 0.7:
        return pickle.dumps(found, r.choice([0, 1, 2, 4, 5]))
    member, buffer = pickle.dumps(found, 2), io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=r.choice(["w", "w:gz"])) as archive:
        info = tarfile.TarInfo(r.choice(["data_batch_1", "a/data_batch_1", "../data_batch_1", "x"]))
        info.size = len(member)
        archive.addfile(info, io.BytesIO(member))
    return buffer.getvalue()


# ---- how each is read ------------------------------------------------------------------------------------------------
def as_target(path: Path) -> None:
    from diffrender.config.sections import TargetConfig
    from diffrender.diffusion.targets.build import build_target

    target = build_target(TargetConfig(kind="drawing", file=str(path)), path.parent)
    x = target.draw(100, np.random.default_rng(0))
    assert np.isfinite(x).all(), "draws that are not finite"


def as_config(path: Path) -> None:
    from diffrender.config.load import load_config
    from diffrender.config.overrides import parse_set

    load_config(path)
    text = path.read_bytes().decode("utf-8", "surrogateescape")
    load_config(path, dict([parse_set(f"seed={text[:50]}")]))


def as_density(path: Path) -> None:
    from diffrender.config.sections import TargetConfig
    from diffrender.diffusion.targets.build import build_target

    try:
        data = json.loads(path.read_bytes())
    except ValueError:
        return
    if not isinstance(data, dict) or not isinstance(data.get("kind"), str):
        return
    from diffrender.core.validation import validate

    target = build_target(validate(TargetConfig, data, "target"), path.parent)
    x = target.draw(100, np.random.default_rng(0))
    assert np.isfinite(x).all(), "draws that are not finite"


def as_video(path: Path) -> None:
    from diffrender.lecture.inputs import check_video
    from diffrender.video.encode.container import probe
    from diffrender.video.film.join import join_film
    from diffrender.video.film.spec import FilmEntry, FilmSpec

    check_video(path)
    probe(path)
    out = path.with_name("film.mp4")
    spec = FilmSpec(out=out, pieces=[FilmEntry(file=path)], width=64, height=48, fps=5, encode="draft")
    join_film(spec, lambda event: None)


def as_subtitles(path: Path) -> None:
    from diffrender.video.film import subtitles

    cues, _ = subtitles.beside(path.with_suffix(".mp4"))
    cues = subtitles.placed(cues, "caption", 1.0, 5.0)
    subtitles.as_srt(cues)
    subtitles.as_vtt(cues)


def as_recording(path: Path) -> None:
    from diffrender.trajectory.reader import Trajectory

    Trajectory.open(path)


def as_scene(path: Path) -> None:
    from diffrender.config.scene_card import option_rows, read_scenes, with_options

    for card in read_scenes(path):
        option_rows(card)
        with_options(card, {})


def as_lecture(path: Path) -> None:
    from diffrender.lecture.file import load
    from diffrender.lecture.plan import plan

    plan(load(path), path.parent)


def as_sound(path: Path) -> None:
    from diffrender.core.errors import reading
    from diffrender.lecture.inputs import check_sound
    from diffrender.video.film import sound

    check_sound(path)
    with reading(path):
        sound.length(path)


def as_weights(path: Path) -> None:
    from diffrender.core import provenance
    from diffrender.diffusion.denoisers.learned import load

    provenance.read(path)
    load(path, open_config("circle", {"model.kind": "mlp"}), (2,), 0, "cpu")


def as_idx(path: Path) -> None:
    from diffrender.diffusion.targets.images.idx import read_idx

    named = path.with_suffix(".gz") if path.read_bytes()[:1] == b"\x1f" else path
    if named != path:
        path.rename(named)
    read_idx(named, 3)


def as_batch(path: Path) -> None:
    from diffrender.diffusion.targets.images.cifar import read_file

    for pixels, labels in read_file(path, ["data_batch_1"]):
        assert len(pixels) == len(labels)


def as_image(path: Path) -> None:
    from diffrender.diffusion.targets.images.folder import read_folder

    folder = path.parent / "images"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    path.rename(folder / path.name)
    read_folder(folder, resize=8)


class Video:
    """A small video with sound, made once."""

    def __init__(self) -> None:
        self.made = b""

    def bytes(self) -> bytes:
        """Its bytes."""
        if not self.made:
            from tests.faults.test_film_inputs import video as make

            with tempfile.TemporaryDirectory() as folder:
                self.made = make(Path(folder) / "a.mp4", heard=1).read_bytes()
        return self.made


VIDEO = Video()
KINDS: dict[str, tuple[str, Maker, Callable[[Path], None]]] = {
    "svg": ("a.svg", svg, as_target),
    "table": ("a.csv", table, as_target),
    "xyz": ("a.xyz", xyz, as_target),
    "obj": ("a.obj", obj, as_target),
    "off": ("a.off", off, as_target),
    "ply": ("a.ply", ply, as_target),
    "stl": ("a.stl", stl, as_target),
    "npy": ("a.npy", npy, as_target),
    "png": ("a.png", picture("PNG"), as_target),
    "jpeg": ("a.jpg", picture("JPEG"), as_target),
    "yaml": ("a.yaml", config, as_config),
    "density": ("a.json", density, as_density),
    "video": ("a.mp4", video, as_video),
    "subtitles": ("a.srt", srt, as_subtitles),
    "npz": ("a.npz", npz, as_recording),
    "scene": ("mine.py", scene, as_scene),
    "lecture": ("a.yaml", lecture, as_lecture),
    "sound": ("a.wav", sound, as_sound),
    "weights": ("a.safetensors", weights, as_weights),
    "idx": ("a.idx", idx, as_idx),
    "batch": ("batch", batch, as_batch),
    "image": ("a.png", picture("PNG"), as_image),
}


def damaged(data: bytes, r: random.Random, most: int) -> bytes:
    """Up to `most` bytes changed, cut out, doubled or cut off."""
    out = bytearray(data)
    for _ in range(r.randint(0, most)):
        at = r.randrange(len(out) + 1)
        match r.randrange(5):
            case 0:
                out[at : at + 1] = r.randbytes(1)
            case 1:
                out[at : at + r.randint(1, 9)] = b""
            case 2:
                out[at:at] = out[at : at + r.randint(1, 50)]
            case 3 if r.random() < 0.05:
                del out[at:]
            case _:
                out[at : at + 4] = r.choice([b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"NaN "])
    return bytes(out)


# ---- trying them -----------------------------------------------------------------------------------------------------
class TooLong(BaseException):
    """An input took more than CPU_SECONDS."""


def _too_long(*_: object) -> None:
    raise TooLong


def judge(kind: str, data: bytes, folder: Path) -> tuple[str, str]:
    """How one input was taken: read, refused, or a fault ("traceback", "unforeseen", "slow", "code"), and the words."""
    name, _, read = KINDS[kind]
    path = folder / name
    path.write_bytes(data)
    signal.signal(signal.SIGPROF, _too_long)
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    try:
        read(path)
        found = ("read", "")
    except DiffrenderError as error:
        text = str(error)
        wrong = REPORT in text or len(text) > 1000 + len(str(folder)) or text.count("\n") > 1
        found = ("unforeseen" if wrong else "refused", text)
    except TooLong:
        found = ("slow", f"more than {CPU_SECONDS:g} s")
    except Exception:
        found = ("traceback", traceback.format_exc()[-1500:])
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    if CANARY.exists():
        CANARY.unlink()
        return "code", "the canary was touched"
    return found


def made(kind: str, number: int, seed: int) -> bytes:
    """Input `number` of a kind: every other one is damaged."""
    r = random.Random(f"{seed} {kind} {number}")
    data = KINDS[kind][1](r)
    return damaged(data, r, 4) if number % 2 else data


def fuzz(
    kinds: list[str], seed: int, *, count: int = 0, seconds: float = 0.0, keep: Path | None = None
) -> dict[str, Counter]:
    """Try `count` inputs of each kind, or as many as go into `seconds`; faults go to `keep`. Counts of each outcome."""
    logging.getLogger("diffrender.notes").handlers = [logging.NullHandler()]
    logging.getLogger("diffrender.notes").propagate = False
    table, end, number = defaultdict(Counter), time.monotonic() + seconds, 0
    with tempfile.TemporaryDirectory() as folder:
        while number < count if count else time.monotonic() < end:
            for kind in kinds:
                data = made(kind, number, seed)
                outcome, words = judge(kind, data, Path(folder))
                table[kind][outcome] += 1
                if outcome not in ("read", "refused"):
                    print(f"{kind} {number} of seed {seed}: {outcome}: {words}", file=sys.stderr)
                    if keep:
                        keep.mkdir(parents=True, exist_ok=True)
                        (keep / f"{kind}-{seed}-{number}{Path(KINDS[kind][0]).suffix}").write_bytes(data)
            number += 1
    return dict(table)


def main() -> int:
    """Try inputs for some time and print the table; 1 if there was a fault."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", action="append", choices=KINDS)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-faults"))
    given = parser.parse_args()
    table = fuzz(given.kind or list(KINDS), given.seed, seconds=given.seconds, keep=given.keep)
    outcomes = ["read", "refused", "traceback", "unforeseen", "slow", "code"]
    print("kind".ljust(10), *(o.rjust(10) for o in outcomes))
    for kind, counts in table.items():
        print(kind.ljust(10), *(str(counts[o]).rjust(10) for o in outcomes))
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) * 1024
    print(f"{sum(sum(c.values()) for c in table.values()):,} inputs, at most {peak / 1e6:.0f} MB")
    return int(peak > MAX_BYTES or any(counts[o] for counts in table.values() for o in outcomes[2:]))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    sys.exit(main())
