"""Drawings, tables, meshes and arrays as people have them: taken as they are meant, or refused with the key to set."""

# ruff: noqa: E501 - inputs stand as they are
import io
import logging
import struct

import numpy as np
import pytest

from diffrender.config.sections import TargetConfig
from diffrender.core.errors import DiffrenderError, UsageError
from diffrender.core.limited_process import LimitedProcess
from diffrender.diffusion.targets.build import build_target

CALLS = "tests.faults.limited_calls"
RING = np.stack([3.25 + 2 * np.cos(t := np.arange(40) * np.pi / 20), 1.125 + np.sin(t)], 1).round(3)
N = 20_000


@pytest.fixture
def read(tmp_path, caplog):
    """A function: draws of a file with that content in its own units (y downwards), its classes, and the remarks."""

    def _read(name, content, **keys):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        caplog.clear()
        with caplog.at_level(logging.WARNING, "diffrender.notes"):
            target = build_target(TargetConfig(kind="drawing", file=str(path), **keys), tmp_path)
        x, label = target.draw_labelled(N, np.random.default_rng(0))
        return x.astype(float) * target.scale + target.offset, label, target, " ".join(caplog.messages)

    return _read


def box(x):
    return [*x.min(0).round(1), *x.max(0).round(1)]


# ---- SVG -------------------------------------------------------------------------------------------------------------
def svg(body, head='viewBox="0 0 200 100"'):
    return f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" {head}>{body}</svg>'


DISC = '<circle cx="150" cy="50" r="30"/>'
DISC_BOX = [120, 20, 180, 80]
DRAWINGS = {
    "nested svg": (svg('<svg x="120" y="20" width="60" height="60" viewBox="0 0 1 1"><rect width="1" height="1"/></svg>'), DISC_BOX),
    "symbol": (svg('<symbol id="s" viewBox="0 0 2 2"><circle cx="1" cy="1" r="1"/></symbol><use xlink:href="#s" x="120" y="20" width="60" height="60"/>'), DISC_BOX),
    "percent": (svg('<rect x="60%" y="20%" width="30%" height="60%"/>'), DISC_BOX),
    "em": (svg('<g font-size="10"><rect x="12em" y="2em" width="6em" height="6em"/></g>'), DISC_BOX),
    "clip": (svg('<clipPath id="c"><circle cx="150" cy="50" r="30"/></clipPath><rect width="200" height="100" clip-path="url(#c)"/>'), DISC_BOX),
    "mask": (svg(f'<mask id="m"><g fill="#fff">{DISC}</g></mask><rect width="200" height="100" mask="url(#m)"/>'), DISC_BOX),
    "important": (svg(f'<style>.a{{fill:none !important}}</style><rect class="a" fill="#000" width="200" height="100"/>{DISC}'), DISC_BOX),
    "selector": (svg(f'<style>g &gt; rect {{display: none}}</style><g><rect width="99" height="9"/></g>{DISC}'), DISC_BOX),
    "hidden layer": (svg(f'<g style="display:none"><rect width="200" height="90"/></g>{DISC}'), DISC_BOX),
    "origin": (svg('<rect x="140" y="20" width="20" height="60" style="transform: rotate(90deg); transform-origin: 150px 50px"/>'), [120, 40, 180, 60]),
    "turned by a class": (svg('<style>.a{transform: rotate(0.25turn); transform-origin: 75% 50%}</style><rect class="a" x="120" y="40" width="60" height="20"/>'), [140, 20, 160, 80]),
    "moved by pixels": (svg('<rect width="60" height="60" style="transform: translateX(120px) translateY(20px)"/>'), DISC_BOX),
    "rem": (svg('<rect x="7.5rem" y="1.25rem" width="60" height="60"/>'), DISC_BOX),
    "variables": (svg(f'<style>:root{{--paper:none; --ink:#000}}.a{{fill:var(--paper)}}</style><rect class="a" width="99" height="99"/>{DISC}'), DISC_BOX),
    "light-dark": (svg(f'<rect width="99" height="99" fill="none" style="fill: light-dark(transparent, var(--x, #123))"/>{DISC}'), DISC_BOX),
    "prefixes of nobody": (svg(f'<g inkscape:label="a" serif:id="b">{DISC}</g>').replace("xmlns:xlink", "data-x"), DISC_BOX),
    "blanks before it": ('\n  <?xml version="1.0"?>' + svg(DISC), DISC_BOX),
    "Illustrator": ('<!DOCTYPE svg [<!ENTITY ns "http://www.w3.org/2000/svg"><!ENTITY ai "http://ns.adobe.com/AI/10.0/">]><svg xmlns="&ns;" xmlns:i="&ai;" viewBox="0 0 200 100">'
                    f'<switch><foreignObject requiredExtensions="&ai;"/><g i:extraneous="self">{DISC}</g></switch></svg>', DISC_BOX),
    "entities": ('<!DOCTYPE svg [<!ENTITY s "fill:#F00;">]>' + svg('<circle cx="150" cy="50" r="30" style="&s;"/>'), DISC_BOX),
    "paper": (svg(f'<rect width="200" height="100" fill="#ffe"/>{DISC}'), DISC_BOX),
    "light on dark": (svg(f'<rect width="200" height="100" fill="#012"/><g fill="#eee">{DISC}</g>'), DISC_BOX),
    "no size": (svg('<circle cx="-150" cy="-50" r="30"/>', ""), [-180, -80, -120, -20]),
    "millimetres": (svg('<circle cx="50%" cy="50%" r="30"/>', 'width="52.9167mm" height="26.45833mm"'), [70, 20, 130, 80]),
    "tiny on its page": (svg('<circle cx="15000" cy="5000" r="30"/>', 'viewBox="0 0 20000 10000"'), [14970, 4970, 15030, 5030]),
}  # fmt: skip


@pytest.mark.parametrize("name", DRAWINGS)
def test_svg_is_drawn_as_a_renderer_draws_it(name, read):
    body, expected = DRAWINGS[name]
    x, _, _, said = read("a.svg", body)
    assert np.allclose(box(x * [1, -1]), expected, atol=0.4)
    assert "left out" not in said
    assert not np.allclose(box(x * [1, -1]), np.add(expected, 1), atol=0.4)  # the control


HAIRLINES = [  # a circle of radius 30, the strokes of which no renderer shows
    '<circle cx="150" cy="50" r="30" fill="none" stroke="red" stroke-width="0.0001"/>',
    '<g transform="scale(.001)"><circle cx="150000" cy="50000" r="30000" style="fill:none; stroke:#000; stroke-width:.01px;"/></g>',
    '<style>g .a,b{fill:none;stroke:#000;stroke-width:1e-4px}</style><g><circle class="a" cx="150" cy="50" r="30"/></g>',
    '<g fill="none" stroke="#000" stroke-width="1e-5"><circle id="c" cx="150" cy="50" r="30"/></g>',
    '<defs><circle id="c" cx="15" cy="5" r="3" fill="none" stroke="#000" stroke-width="1e-5"/></defs><use href="#c" transform="matrix(10 0 0 10 0 0)"/>',
]


@pytest.mark.parametrize("body", HAIRLINES)
def test_hairlines_are_drawn_and_said(body, read):
    x, _, _, said = read("a.svg", svg(body))
    assert np.allclose(box(x * [1, -1]), DISC_BOX, atol=0.4)
    assert np.allclose(np.hypot(*(x - [150, -50]).T), 30, atol=0.3)
    assert "too thin to be seen" in said
    *_, said = read("b.svg", svg('<circle cx="150" cy="50" r="30" fill="none" stroke="red"/>'))
    assert said == ""  # the control
    *_, said = read("c.svg", svg('<circle cx="150" cy="50" r="30" fill="none" stroke="red" stroke-width="0"/>' + DISC))
    assert said == ""  # none was asked for


def test_what_is_too_pale_to_count_is_said(read):
    pale = '<rect width="50" height="50" fill="{}"/>'
    assert "nearly of the colour of the paper" in read("a.svg", svg(DISC + pale.format("#eee")))[3]
    assert read("b.svg", svg(DISC + pale.format("#aaa")))[3] == ""


def test_text_in_svg_counts_and_is_said(read):
    x, _, _, said = read(
        "a.svg", svg('<circle cx="30" cy="50" r="20"/><text x="100" y="60" font-size="40">Hi漢</text>')
    )
    assert 105 < x[:, 0].max() < 170
    assert "Aileron" in said
    assert "漢" in said
    assert read("b.svg", svg(DISC))[3] == ""


def test_other_files_stay_unread(read, tmp_path):
    (tmp_path / "in.svg").write_text(svg('<rect width="200" height="100"/>'))
    for link in ("in.svg", str(tmp_path / "in.svg"), f"file://{tmp_path}/in.svg", "http://127.0.0.1:9/in.svg"):
        body = f'<image href="{link}" width="200" height="100"/><use href="{link}#a"/>{DISC}'
        x, _, _, said = read("a.svg", svg(body))
        assert np.allclose(box(x * [1, -1]), DISC_BOX, atol=0.4)
        assert "from other files" in said


IDLE_STYLES = {
    "<style>rect:nth-child(2){display:none}</style>": "style rules for :nth-child(2)",
    "<style>rect:not(.a), [id^=a]{display:none}</style>": "style rules for :not(.a), ^=",
    "<style>@media screen{rect{display:none}}</style>": "@media",
    "<style>@import url(a.css);</style>": "style sheets from other files",
    "<style>g{rect{display:none}}</style>": "style rules inside others",
    "<style>rect{rotate: 45deg}</style>": "translate, rotate and scale",
    "<style>circle{r: 9px}</style>": "places and sizes given as styles",
    "<style>rect{transform: translate(50%, 0)}</style>": "by percent",
    "<foreignObject><p>Hi</p></foreignObject>": "HTML",
    "<rect style='transform: translate(calc(1px + 2px), 0)'/>": "by percent, em or calc()",
    "<rect style='transform: translate(2em, 0)'/>": "by percent, em or calc()",
    "<g fill='oklch(50% 0 0)'/>": "colours by oklch()",
    "<g vector-effect='non-scaling-stroke'/>": "vector-effect",
    "<g><animate attributeName='cx' to='9'/></g>": "animations",
    "<style>@keyframes a{from{r:0}} circle{animation: a 1s}</style>": "animations",
    "<text x='9' y='50'>漢字</text>": "characters that Aileron lacks (字漢)",
}


@pytest.mark.parametrize("part", IDLE_STYLES)
def test_what_has_no_effect_in_a_drawing_is_said(part, read):
    assert IDLE_STYLES[part] in read("a.svg", svg(part + DISC))[3]
    with pytest.raises(DiffrenderError, match=r"nothing in it can be seen \(left out: "):
        read("a.svg", svg(part))


def test_styles_that_change_nothing_are_not_remarked(read):
    """The control."""
    style = "<style>@media print{circle{fill:none}} a:hover{fill:red} .st0{fill:#000} rect:first-child{x-y:1}</style>"
    assert read("a.svg", svg(style + DISC))[3] == ""


HOSTILE = {
    "comments": svg(f"<style>{'/*' * 60_000}</style>{DISC}"),
    "variables": svg(f"<style>{'--a:var(--a,(' * 9_000}</style>{DISC}"),
    "shapes": svg('<g id="a">' + '<rect width="9" height="9"/>' * 2000 + "</g>" + '<use href="#a"/>' * 2000),
    "selectors": svg(f"<style>{'a' * 60_000}</style>{DISC}"),
    "filter": svg(f'<filter id="f"><feGaussianBlur stdDeviation="1e9"/></filter><g filter="url(#f)">{DISC}</g>'),
    "pattern": svg('<pattern id="p" width="1e-9" height="1e-9"><rect width="1" height="1"/></pattern><rect fill="url(#p)" width="99" height="99"/>'),
    "dashes": svg('<path d="M0 0L200 100" stroke="#000" stroke-dasharray="1e-9"/>'),
    "huge": svg(DISC, 'width="1e9" height="1e9"'),
    "encoding": '<?xml version="1.0" encoding="x"?>' + svg(DISC),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_drawings_are_bounded(name, read):
    try:
        x, *_ = read("a.svg", HOSTILE[name])
        assert np.isfinite(x).all()
    except DiffrenderError as error:
        assert "a.svg" in str(error)  # noqa: PT017 - either is right


def test_a_process_with_limits_says_why_it_gave_up():
    process = LimitedProcess(cpu_seconds=1, memory=300_000_000)
    with pytest.raises(DiffrenderError, match=r"x\.txt: takes longer than 1 s"):
        process.call(f"{CALLS}:spin", "x.txt")
    with pytest.raises(DiffrenderError, match=r"x\.txt: needs more than 300 MB"):
        process.call(f"{CALLS}:swell", "x.txt")
    with pytest.raises(DiffrenderError, match=r"x\.txt: cannot be read \(KeyError: 'no'\)"):
        process.call(f"{CALLS}:fail", "x.txt")
    with pytest.raises(DiffrenderError, match=r"x\.txt: .*crashed"):
        process.call(f"{CALLS}:abort", "x.txt")
    found, (array,) = process.call(f"{CALLS}:echo", "x.txt", b"abc", n=3)
    assert (found, array.tolist()) == ({"n": 3}, [97, 98, 99])
    process.close()


# ---- tables ----------------------------------------------------------------------------------------------------------
def rows(separator=",", cell="{:.3f}", extra=lambda k: ""):
    return "".join(separator.join(cell.format(v) for v in row) + extra(k) + "\n" for k, row in enumerate(RING))


RING_BOX = [1.2, 0.1, 5.2, 2.1]
TABLES = {
    "decimal commas": ("a.csv", "x;y\n" + rows(";").replace(".", ","), {}, "decimal commas"),
    "decimal commas of other lengths": ("a.tsv", "x\ty\n" + rows("\t", "{:.2f}").replace(".", ","), {}, "decimal commas"),
    "quotes": ("a.csv", '"x","y"\n' + rows(",", '"{:.3f}"'), {}, ""),
    "sep=": ("a.csv", "sep=;\nx;y\n" + rows(";"), {}, ""),
    "utf-16": ("a.csv", ("x\ty\n" + rows("\t")).encode("utf-16"), {}, "UTF-16"),
    "latin-1": ("a.csv", ("x,y,Größe\n" + rows(extra=lambda k: ",ü")).encode("latin-1"), {}, "Latin-1"),
    "pandas index": ("a.csv", ",0,1\n" + "".join(f"{k},{x},{y}\n" for k, (x, y) in enumerate(RING)), {}, "row names"),
    "R": ("a.csv", '"","V1","V2"\n' + "".join(f'"{k + 1}",{x},{y}\n' for k, (x, y) in enumerate(RING)), {}, "row names"),
    "R, write.table": ("a.csv", '"a" "b"\n' + "".join(f'"{k + 1}" {x} {y}\n' for k, (x, y) in enumerate(RING)), {}, "row"),
    "numbers as header": ("a.csv", "0,1\n" + rows(), {}, "is a header"),
    "units": ("a.csv", "x,y\nmm,mm\n" + rows(), {}, "units"),
    "x [mm]": ("a.csv", "id,x [mm],y [mm]\n" + "".join(f"p{k},{x},{y}\n" for k, (x, y) in enumerate(RING)), {}, "left out id"),
    "columns": ("a.csv", "a,b,c,d\n" + "".join(f"1.5,{x},{y},2.5\n" for x, y in RING), {"columns": ["b", "c"]}, ""),
    "numbered columns": ("a.csv", "".join(f"1.5,{x},{y},2.5\n" for x, y in RING), {"columns": [1, 2]}, ""),
    "closing marks": ("a.csv", rows(extra=lambda k: ","), {}, ""),
    "empty rows": ("a.csv", "x,y\n" + rows() + ",\n,\n", {}, ""),
    "comment as header": ("a.csv", "# x y\n" + rows(" "), {}, ""),
    "blanks and commas": ("a.csv", rows(" ", "{:.2f}").replace(".", ","), {}, "decimal commas"),
    "rows that lack a number": ("a.csv", "x,y\n" + rows() + "NA,3\n,4\n", {}, "2 of 42 rows lack a number"),
    "words above the header": ("a.csv", "measured on Monday\n\nx,y\n" + rows(), {}, "first line left out (measured on Monday)"),
    "thousands": ("a.csv", rows(";", "{:.3f}").replace(".", ","), {"decimal": ","}, "decimal commas"),
    "utf-32": ("a.csv", ("x,y\n" + rows()).encode("utf-32"), {}, "UTF-32"),
    "euro signs": ("a.csv", ("x €;y €\n" + rows(";")).encode("cp1252"), {}, "x €"),
    "ended as by DOS": ("a.csv", ("x,y\n" + rows()).encode() + b"\x1a\0\0", {}, ""),
    "utf-16 that ends in a digit": ("a.csv", ("x,y\n" + rows()).strip().encode("utf-16-le"), {}, "UTF-16"),
    "Fortran": ("a.dat", rows(" ", "{:.3E}").replace("E", "D"), {}, ""),
    "Mathematica": ("a.csv", rows(",", "{:.3e}").replace("e", "*^"), {}, ""),
    "single quotes": ("a.csv", "'x','y'\n" + rows(",", "'{:.3f}'"), {}, ""),
    "quotes and decimal commas": ("a.csv", '"x","y"\n' + rows(",", '"{:.2f}"').replace(".", ","), {}, "decimal commas"),
    "numbers from 1 as header": ("a.csv", "1,2\n" + rows(), {}, "is a header"),
    "Origin": ("a.txt", "x\ty\nmm\tmm\nleft\tright\n" + rows("\t"), {}, "rows of units"),
    "titles above the header": ("a.csv", "Instrument: X\nDate: 2020-01-01,12:00\n\nx,y\n" + rows(), {}, "first lines left out (Instrument: X)"),
    "two levels of names": ("a.csv", ",a,a\n,x,y\n" + "".join(f"{k},{x},{y}\n" for k, (x, y) in enumerate(RING)), {}, "first line left out"),
    "drawn with bars": ("a.txt", "+---+---+\n| x | y |\n+---+---+\n" + "".join(f"| {x} | {y} |\n" for x, y in RING) + "+---+---+\n", {}, ""),
    "markdown": ("a.txt", "| x | y |\n|---|:-:|\n" + "".join(f"| {x} | {y} |\n" for x, y in RING), {}, ""),
    "Excel's errors": ("a.csv", "x;y\n" + rows(";").replace(".", ",") + "#NV;1,5\n#N/A;2,5\n#DIV/0!;1,0\n", {}, "3 of 43 rows lack a number"),
    "an index from 1, mixed up": ("a.csv", "Unnamed: 0,a,b\n" + "".join(f"{(7 * k) % 40 + 1},{x},{y}\n" for k, (x, y) in enumerate(RING)), {}, "left out Unnamed: 0"),
    "dates": ("a.csv", "date,x,y\n" + "".join(f"2020-01-{k % 28 + 1:02d},{x},{y}\n" for k, (x, y) in enumerate(RING)), {}, "left out date"),
    "days that come again": ("a.csv", "date,x,y\n" + "".join(f"2020-01-{k % 4 + 1:02d},{x},{y}\n" for k, (x, y) in enumerate(RING)), {}, "left out date"),
    "hours by another name": ("a.csv", "measured,x,y\n" + "".join(f"1.2.2020 {k % 4}:00,{x},{y}\n" for k, (x, y) in enumerate(RING)), {}, "left out measured"),
    "called alike": ("a.csv", "mass,pos_x,pos_y\n" + "".join(f"{k * 0.3:.1f},{x},{y}\n" for k, (x, y) in enumerate(RING)), {}, "left out mass"),
    "ParaView": ("a.csv", '"v","Points:0","Points:1","w"\n' + "".join(f"{k * 0.3:.1f},{x},{y},{k * 0.7:.1f}\n" for k, (x, y) in enumerate(RING)), {}, "coordinates Points:0, Points:1"),
    "Weka": ("a.txt", "@RELATION r\n@ATTRIBUTE x NUMERIC\n@DATA\n" + rows(), {}, ""),
    "two files in one": ("a.csv", "x,y\n" + rows() + "x,y\n" + rows(), {}, "1 more header left out"),
    "SAS and MySQL": ("a.csv", "x,y\n" + rows() + ".,1\n\\N,2\nNaT,3\n--,4\n", {}, "4 of 44 rows lack a number"),
    "no-break blanks": ("a.txt", rows("\u00a0\u00a0"), {}, ""),
    "a fill": ("a.csv", "x,y\n" + rows() + "-9999,1\n2,-9999\n", {}, "-9999 stands for a missing one (target.missing: [] keeps it)"),
    "fills of two kinds": ("a.csv", "x,y\n" + rows() + "-999.25,1\n9.96921e36,1\n", {}, "-999.25, 9.96921e+36 stand"),
    "a fill of one's own": ("a.csv", "x,y\n" + rows() + "77,1\n", {"missing": [77]}, "1 of 41 rows lack a number, and are left out."),
    "latitude first": ("a.csv", "lat,lng\n" + "".join(f"{y},{x}\n" for x, y in RING), {}, "coordinates lng, lat"),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_tables_as_programs_write_them(name, read):
    file, content, keys, word = TABLES[name]
    x, label, _, said = read(file, content, **keys)
    assert x.shape == (N, 2)
    assert np.allclose(box(x), RING_BOX, atol=0.1)
    assert label is None
    assert word in said
    assert bool(said) == bool(word)
    assert said.count("\n") == 0


def test_days_are_no_class_unless_asked_for(read):
    content = "date,x,y\n" + "".join(f"2020-01-{k % 4 + 1:02d},{x},{y}\n" for k, (x, y) in enumerate(RING))
    assert read("a.csv", content)[2].labels is None
    assert read("a.csv", content, label="date")[2].labels == tuple(f"2020-01-0{k}" for k in range(1, 5)), "the control"


@pytest.mark.parametrize(
    ("head", "kind", "names"),
    [
        ("x1,x2,target", lambda k: k % 2, ("0", "1")),
        ("x,y,species", lambda k: ("cat", "dog", "owl")[k % 3], ("cat", "dog", "owl")),
        ("a,b,cluster", lambda k: 10 * (k % 4), ("0", "10", "20", "30")),
        ("f1,f2,y_true", lambda k: k % 2, ("0", "1")),
        ("x,y,Klasse", lambda k: 1 + k % 3, ("1", "2", "3")),
        ("PC1,PC2,group", lambda k: "ab"[k % 2], ("a", "b")),
        ("a,b,inside", lambda k: k % 2 == 0, ("False", "True")),
    ],
)
def test_columns_of_classes_are_classes(head, kind, names, read):
    content = head + "\n" + rows(extra=lambda k: f",{kind(k)}")
    x, label, target, said = read("a.csv", content)
    assert (x.shape[1], target.labels) == (2, names)
    of = {tuple(point): names.index(str(kind(k))) for k, point in enumerate(RING)}
    assert all(of[tuple(p)] == k for p, k in zip(x[:200].round(3), label[:200], strict=True))
    assert f"class {head.split(',')[2]}" in said


DOUBTFUL = {
    "class or coordinate": ("a.csv", "a,b,c\n" + rows(extra=lambda k: f",{k % 2}"), r"label: c"),
    "row number or coordinate": ("a.csv", "".join(f"{k},{x},{y}\n" for k, (x, y) in enumerate(RING)), r"columns: \[1, 2\]"),
    "header or point": ("a.csv", "0,1\n1,2\n3,4\n", "target.header"),
    "comma": ("a.csv", '"5,250","1,125"\n"4,150","1,225"\n', "target.decimal"),
    "turned": ("a.csv", ",".join(map(str, RING[:, 0])) + "\n" + ",".join(map(str, RING[:, 1])) + "\n", "a row for each point"),
    "one coordinate and a class": ("a.csv", "x,label\n" + "".join(f"{x},{k % 2}\n" for k, (x, _) in enumerate(RING)), r"columns: \[x, label\]"),
    "time or coordinate": ("a.csv", "time,a,b\n" + "".join(f"{k / 7:.3f},{x},{y}\n" for k, (x, y) in enumerate(RING)), r"columns: \[a, b\]"),
    "too many": ("a.csv", "a,b,c,d\n" + "1.5,2.5,3.5,4.5\n" * 9, "target.columns"),
}  # fmt: skip


@pytest.mark.parametrize("name", DOUBTFUL)
def test_doubtful_tables_are_refused_with_the_key_that_decides(name, read):
    file, content, said = DOUBTFUL[name]
    with pytest.raises(DiffrenderError, match=said):
        read(file, content)


def test_what_is_odd_about_points_is_said(read):
    assert "1 of 41 rows lies far from all others (1e+06, 1)" in read("a.csv", "x,y\n" + rows() + "1e6,1\n")[3]
    assert "z is 0 in every row" in read("a.csv", "x,y,z\n" + rows(extra=lambda k: ",0"))[3]
    x, *_, said = read("a.csv", "x,y\n" + rows() + "-9999,1\n", missing=[])
    assert x.min() == pytest.approx(-9999)
    assert "1 of 41 rows lies far" in said
    assert read("a.csv", "x,y\n" + rows() + "9,1\n")[3] == ""  # the control


@pytest.mark.parametrize(
    "cells", ["5.225.000;1.125.000", "5 225 000;1 125 000", "5.225.000;900.000", "5 225 000,5;1,5"]
)
def test_whole_numbers_with_marks_of_thousands(cells, read):
    x, *_ = read("a.csv", f"x;y\n{cells}\n1;2\n")
    assert x[:, 0].max() == pytest.approx(5_225_000, abs=1)
    assert x[:, 0].min() == pytest.approx(1, abs=1)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"x,y\n1,2\n3,\0 4\n5,7\n", "line 3: a zero byte"),
        (b"x,y\n" + b"1,\0 2\n3,5\n" * 300, "line 2: a zero byte"),
        (b"x,y\n" + b"1,2\n3,5\n" * 40_000 + b"\0" * 512 + b"1,2\n", "line 80002: a zero byte"),
        (b"x,y\n" + bytes(600), "only a header.*Zero bytes follow it"),
    ],
)
def test_zero_bytes_in_a_table_are_named(content, said, read):
    with pytest.raises(DiffrenderError, match=f"(?s){said}"):
        read("a.csv", content)


@pytest.mark.parametrize("name", ["utf-16-le", "utf-16-be"])
def test_zero_bytes_of_two_byte_characters_are_none(name, read):
    x, *_ = read("a.csv", "x,y\n0.5,1.5\n2.5,4.5\n0.5,4.5\n".encode(name))
    assert box(x) == [0.5, 1.5, 2.5, 4.5]


@pytest.mark.parametrize(
    ("head", "numbers"), [("x,x,v", [0, 1]), ("x,y,x", [0, 1]), ("a,a,v", [0, 2]), ("x, x ,y", [1, 2])]
)
def test_a_name_that_stands_twice_in_a_header_is_asked_about(head, numbers, read):
    rows = f"{head}\n" + "".join(f"{a},{b},{a * b:.3f}\n" for a, b in RING)
    keys = {} if head != "a,a,v" else {"columns": ("a", "v")}
    with pytest.raises(DiffrenderError, match=r"(?s)2 columns are called '[xa]' .*by number"):
        read("a.csv", rows, **keys)
    assert len(read("a.csv", rows, columns=tuple(numbers))[0])


@pytest.mark.parametrize("minus", "−–—－")
def test_a_typographic_minus_is_a_minus(minus, read):
    x, *_ = read("a.csv", f"x,y\n{minus}1.5,2\n1,{minus}3\n")
    assert x.min(0).tolist() == pytest.approx([-1.5, -3])


@pytest.mark.parametrize("mark", ["\u00a0", "\u202f", "\u2009", "'", "\u2019"])
def test_marks_of_thousands(mark, read):
    x, *_, said = read("a.csv", f"x;y\n1{mark}234,5;2,25\n-12{mark}345{mark}678,5;3,5\n")
    assert x.min() == pytest.approx(-12_345_678.5)
    assert x.max() == pytest.approx(1234.5, abs=1)
    assert "thousands marks" in said


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"PK\x03\x04" + bytes(99), "workbook of Excel"),
        ("b.csv", b"\xd0\xcf\x11\xe0" + bytes(99), "workbook of Excel"),
        ("c.svg", b"\x1f\x8b" + bytes(99), "gunzip"),
        ("d.csv", "x,y\n1,2\ninf,3\n", "not finite"),
        ("e.csv", "<!DOCTYPE html>\n<title>404</title>", "a web page"),
        ("f.obj", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS"),
        ("g.xyz", "%PDF-1.7\n", "a PDF"),
        ("h.csv", '[{"x": 1, "y": 2}]', "JSON"),
        ("i.npy", b"\x89HDF\r\n\x1a\n" + bytes(99), "HDF5"),
        ("j.svg", b"\x89PNG\r\n\x1a\n" + bytes(99), r"a picture \(PNG or JPEG\)"),
        ("p.asc", "NCOLS 3\nNROWS 2\nXLLCORNER 0.0\nYLLCORNER 0\nCELLSIZE 1\n1 2 3\n4 5 6\n", "ESRI ASCII grid"),
        ("k.csv", "x,y\n5%,6%\n7%,9%\n", "'7%' is not one"),
        ("o.csv", "x,y\n5,6\n(7),(9)\n(3),(1)\n2,4\n(1),(2)\n1,1\n", r"'\(1\)' is not one"),
        ("l.csv", "x^y\n1^2\n3^4\n", "columns of numbers are: none"),
    ],
)
def test_what_a_file_really_is_is_said(name, content, said, read):
    with pytest.raises(DiffrenderError, match=said):
        read(name, content)


def test_a_file_of_another_kind_is_used_wrongly_and_a_table_whose_columns_are_named_like_a_grid_is_none(read):
    with pytest.raises(UsageError, match="gdal_translate"):
        read("a.asc", "nrows 2\nncols 2\nyllcenter 0\nxllcenter 0\ncellsize 1\n1 2\n3 4\n")
    x, *_ = read("b.csv", "ncols,nrows\n1,2\n3,4\n5,7\n")
    assert len(x)


def test_the_key_decides(read):
    assert read("a.csv", DOUBTFUL["class or coordinate"][1], columns=["a", "b"], label="c")[2].labels == ("0", "1")
    assert read("a.csv", DOUBTFUL["class or coordinate"][1], columns=["a", "b", "c"])[0].shape[1] == 3
    assert read("a.csv", DOUBTFUL["header or point"][1], header=False)[0].min() == pytest.approx(0, abs=1e-6)
    assert read("a.csv", DOUBTFUL["comma"][1], decimal=",")[0].max() == pytest.approx(5.25, abs=1e-3)
    assert read("a.csv", DOUBTFUL["comma"][1], decimal=".")[0].max() == pytest.approx(5250, abs=1)


def test_clouds_and_molecules(read):
    body = "".join(f"{x} {y} {x * y}\n" for x, y in RING)
    x, _, _, said = read("a.xyz", "//X Y Z\n" + body)
    assert x.shape[1] == 3
    x, _, _, _ = read("b.xyz", "".join(f"{line} 255 0 0\n" for line in body.splitlines()))
    assert x.shape[1] == 3
    for name in ("a.pts", "a.asc"):
        assert read(name, "40\n" + "".join(f"{line} -120 9 9 9\n" for line in body.splitlines()))[0].shape[1] == 3
    x, *_, said = read("a.ply", ply("ascii", False).replace(b"5 0 0", b"nan nan nan"))
    assert "8 points are taken as they are, without 1 that are not finite" in said
    x, label, target, said = read("c.xyz", "3\nwater\nO 0 0 0.117\nH 0 0.757 -0.469\nH 0 -0.757 -0.469\n")
    assert (x.shape[1], target.labels, set(label)) == (3, ("H", "O"), {0, 1})
    assert "3 atoms" in said
    x, label, target, said = read("numbers.xyz", "2\nwater, in part\n8 0 0 0.117\n1 0 0.757 -0.469\n")
    assert (x.shape[1], target.labels) == (3, ("1", "8"))
    x, label, _, said = read("counted.xyz", "40\n" + body)
    assert (x.shape[1], label) == (3, None), "points that are counted are no molecule"
    assert np.allclose(
        box(x),
        [
            *RING.min(0).round(1),
            (RING[:, 0] * RING[:, 1]).min().round(1),
            *RING.max(0).round(1),
            (RING[:, 0] * RING[:, 1]).max().round(1),
        ],
        atol=0.1,
    )
    with pytest.raises(DiffrenderError, match="counts 4 atoms"):
        read("d.xyz", "4\nwater\nO 0 0 0.117\nH 0 0.757 -0.469\n")


WATER = "3\nwater\nO 0 0 0.117\nH 0 0.757 -0.469\nH 0 -0.757 -0.469\n"
MOLECULES = {
    "tabs": WATER.replace(" ", "\t"),
    "windows": WATER.replace("\n", "\r\n"),
    "utf-16": WATER.encode("utf-16"),
    "an empty first line": "\n" + WATER,
    "no words": WATER.replace("water", ""),
    "energies": WATER.replace("water", "-76.4 0.01"),
    "counted in words": WATER.replace("3\n", "3 atoms\n", 1),
    "lower case": WATER.lower(),
    "labels": WATER.replace("O ", "O1- ").replace("H ", "H2A "),
    "decimal commas": WATER.replace(".", ","),
    "Fortran": WATER.replace("0.757", "7.57D-01"),
    "forces": WATER.replace("\nH", " 1 2 3\nH").rstrip() + " 1 2 3\n",
    "numbered": "3\nProperties=id:I:1:species:S:1:pos:R:3\n1 O 0 0 0.117\n2 H 0 0.757 -0.469\n3 H 0 -0.757 -0.469\n",
    "places first": '3\nLattice="9 0 0 0 9 0 0 0 9" Properties=pos:R:3:species:S:1\n0 0 0.117 O\n0 0.757 -0.469 H\n0 -0.757 -0.469 H\n',
    "a path of steps": WATER * 2,
}


@pytest.mark.parametrize("name", MOLECULES)
def test_molecules_as_programs_write_them(name, read):
    x, label, target, said = read("a.xyz", MOLECULES[name])
    assert target.labels == ("H", "O")
    assert np.allclose(np.unique(x.round(3), axis=0), [[0, -0.757, -0.469], [0, 0, 0.117], [0, 0.757, -0.469]])
    assert (label == (x[:, 2] > 0)).all()
    assert ("after it" in said) == (name == "a path of steps")


# ---- meshes ----------------------------------------------------------------------------------------------------------
NOTCH = "v 0 0 0\nv 4 0 0\nv 4 4 0\nv 3 4 0\nv 3 1 0\nv 1 1 0\nv 1 4 0\nv 0 4 0\n"
PAIR = "v 0 0 0\nv 1 0 0\nv 0 1 0\nf {}\nv 5 0 0\nv 6 0 0\nv 5 1 0\nf {}\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("relative.obj", PAIR.format("-3 -2 -1", "-3 -2 -1")),
        ("tabs.obj", PAIR.format("1 2 3", "4 5 6").replace(" ", "\t")),
        ("comments.obj", PAIR.format("1 2 3 # first", "4 5 6")),
        ("bom.obj", "\ufeff" + PAIR.format("1/1/1 2/2/2 3//3", "4 5 6")),
        ("continued.obj", PAIR.format("1 2 \\\n3", "4 5 6")),
        ("blanks.obj", "".join(f"   {line}\r\n" for line in PAIR.format("1  2   3", "4 5 6").splitlines())),
        ("coloured.obj", PAIR.format("-3/-1/-1 -2/-1/-1 -1/-1/-1", "-3 -2 -1").replace(" 0\nv", " 0 1 0 0\nv")),
        ("modelnet.off", "OFF6 2 0\n0 0 0\n1 0 0\n0 1 0\n5 0 0\n6 0 0\n5 1 0\n3 0 1 2\n3 3 4 5\n"),
        (
            "coloured.off",
            "# of a scanner\nCOFF 6 2 0\n"
            + "".join(f"{c} 9 9 9 255\n" for c in ("0 0 0", "1 0 0", "0 1 0", "5 0 0", "6 0 0", "5 1 0"))
            + "3 0 1 2 9 9 9\n3 3 4 5\n",
        ),
        ("in_one_line.off", "OFF\n6 2 0\n0 0 0 1 0 0 0 1 0\n5 0 0 6 0 0 5 1 0\n3 0 1 2 3 3 4 5\n"),
        ("mixed.off", "OFF\n7 2 0\n0 0 0\n1 0 0\n1 1 0\n0 1 0\n5 0 0\n6 0 0\n5 1 0\n4 0 1 2 3\n3 4 5 6\n"),
    ],
)
def test_meshes_as_programs_write_them(name, content, read):
    x, *_ = read(name, content)
    assert np.allclose(box(x), [0, 0, 0, 6, 1, 0], atol=0.11)
    assert not ((x[:, 0] > 1.01) & (x[:, 0] < 4.99)).any()
    share = (x[:, 0] > 3).mean()
    assert abs(share - (1 / 3 if name == "mixed.off" else 0.5)) < 0.03


def test_a_notch_stays_empty(read):
    for turn in ("1 2 3 4 5 6 7 8", "8 7 6 5 4 3 2 1"):
        x, *_ = read("a.obj", NOTCH + f"f {turn}\n")
        inside = (x[:, 0] > 1.01) & (x[:, 0] < 2.99) & (x[:, 1] > 1.01)
        assert not inside.any()
        assert abs((x[:, 1] < 1).mean() - 0.4) < 0.03  # 4 of 10 units of area


def ply(kind, faces, colours=False):
    """Two unit squares apart, one of two triangles and one of a quad, or points alone."""
    corners = [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (5, 0, 0), (6, 0, 0), (6, 1, 0), (5, 1, 0)]
    lists = [(0, 1, 2), (0, 2, 3), (4, 5, 6, 7)] if faces else []
    head = f"ply\nformat {kind} 1.0\nelement vertex 8\n" + "".join(f"property float {a}\n" for a in "xyz")
    head += "property float f_dc_0\n" if colours else ""
    head += f"element face {len(lists)}\nproperty list uchar int vertex_indices\n" if faces else ""
    head += "property uchar red\n" if faces and colours else ""
    head += "end_header\n"
    more = [0.5] if colours else []
    if kind == "ascii":
        body = "".join(" ".join(map(str, [*c, *more])) + "\n" for c in corners)
        body += "".join(" ".join(map(str, [len(f), *f, *([9] if colours else [])])) + "\n" for f in lists)
        return (head + body).encode()
    body = b"".join(struct.pack(f"<{3 + len(more)}f", *c, *more) for c in corners)
    body += b"".join(struct.pack(f"<B{len(f)}i", len(f), *f) + (b"\x09" if colours else b"") for f in lists)
    return head.encode() + body


@pytest.mark.parametrize("kind", ["ascii", "binary_little_endian"])
@pytest.mark.parametrize("colours", [False, True])
def test_ply_of_mixed_faces_and_of_points(kind, colours, read):
    x, *_, said = read("a.ply", ply(kind, True, colours))
    assert np.allclose(box(x), [0, 0, 0, 6, 1, 0], atol=0.11)
    assert abs((x[:, 0] > 3).mean() - 0.5) < 0.03
    assert said == ""
    x, *_ = read("c.ply", ply(kind, True, colours).replace(b"\nproperty float x\n", b"\nproperty float X\n") + b"\n\n")
    assert np.allclose(box(x), [0, 0, 0, 6, 1, 0], atol=0.11)
    x, *_, said = read("b.ply", ply(kind, False, colours))
    assert len(np.unique(x.round(3), axis=0)) == 8
    assert "8 points" in said


def test_stl_with_spare_bytes_and_cut_off(read):
    triangle = struct.pack("<12fH", 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0)
    whole = bytes(80) + struct.pack("<I", 2) + triangle * 2
    for content in (
        *(whole, whole + b"\n\0", b"solid" + whole[5:]),
        *(bytes(80) + struct.pack("<I", n) + triangle * 2 for n in (0, 2**32 - 1)),
    ):
        assert np.allclose(box(read("a.stl", content)[0]), [0, 0, 0, 1, 1, 0], atol=0.1)
    with pytest.raises(DiffrenderError, match=r"truncated: it announces 2 triangles, and holds 1"):
        read("a.stl", whole[:-3])
    assert "what follows them is left out" in read("a.stl", whole + triangle)[3]
    text = (
        "solid endsolid\nfacet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 1 0 0\nvertex 0 1 0\nendloop\nendfacet\n"
    )
    assert read("a.stl", (text + "endsolid\n").upper() * 2)[3] == ""
    assert read("a.stl", ("\ufeff \n" + text + "endsolid\n").encode())[3] == ""
    with pytest.raises(DiffrenderError, match=r"line 5: not the 3 numbers of a corner \('1 0'\)"):
        read("a.stl", text.replace("1 0 0", "1 0"))
    for cut in (text, text + "endsolid\n" + text):
        with pytest.raises(DiffrenderError, match="truncated"):
            read("a.stl", cut)
    with pytest.raises(DiffrenderError, match="truncated"):
        read("a.stl", "solid x\nfacet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 1 0 0\n")


# ---- arrays ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("save", "said"),
    [
        (lambda f: np.savez(f, x=RING), "zip archive"),
        (lambda f: np.save(f, RING.astype(object), allow_pickle=True), "Python objects"),
        (lambda f: np.save(f, RING * 1e308), "too large|not finite"),
        (lambda f: np.save(f, np.where(RING > 5, np.nan, RING)), "not finite"),
        (lambda f: np.save(f, RING.ravel()), "shape"),
        (lambda f: np.save(f, RING.astype(str)), "not <U"),
        (lambda f: np.save(f, RING + 0j), r"complex[^|]*z.real, z.imag"),
        (lambda f: np.save(f, RING[:, 0]), r"numpy.stack\(\[x, y\], 1\)"),
        (lambda f: np.save(f, RING[:1]), "all its points are the same"),
        (lambda f: np.save(f, RING[:0]), "no points"),
        (lambda f: np.save(f, RING.T), "points.T"),
        (lambda f: np.save(f, RING[:, None]), r"points.reshape"),
        (lambda f: np.save(f, RING.view([("x", "f8"), ("y", "f8")])), "Save its fields as columns"),
        (lambda f: np.savez_compressed(f, x=RING), "zip archive"),
        (lambda f: np.savez(f), "zip archive|not a NumPy"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow")
def test_arrays_that_are_no_points_are_refused_in_words(save, said, read, tmp_path):
    with (tmp_path / "made").open("wb") as file:
        save(file)
    with pytest.raises(DiffrenderError, match=said):
        read("a.npy", (tmp_path / "made").read_bytes())


def test_what_is_odd_about_an_array_is_said(read, tmp_path):
    for rows, word in ((RING, ""), (np.append(RING, [[-9999, 0]], 0), "1 of 41 rows lies far from all others")):
        np.save(tmp_path / "made.npy", rows)
        said = read("a.npy", (tmp_path / "made.npy").read_bytes())[3]
        assert word in said
        assert bool(said) == bool(word)


def test_a_photograph_is_not_taken_for_a_drawing_without_a_word(read):
    from PIL import Image

    for pixels, word in (
        (np.random.default_rng(0).integers(0, 255, (90, 90, 3)), "% of it differs"),
        (np.eye(90) * 255, ""),
    ):
        buffer = io.BytesIO()
        Image.fromarray(pixels.astype(np.uint8)).save(buffer, "PNG")
        said = read("a.png", buffer.getvalue())[3]
        assert word in said
        assert bool(said) == bool(word)
