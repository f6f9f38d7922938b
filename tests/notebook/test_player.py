"""The player of recordings, as a page and as a widget, in a real browser: what it draws is what was recorded."""

import base64
import importlib
import json
import re
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from diffrender.core.errors import MissingToolError, TrajectoryError
from diffrender.notebook import clip as clip_module
from diffrender.notebook.clip import Clip
from diffrender.notebook.page import page, script, write_page
from diffrender.notebook.player_data import player_data
from diffrender.trajectory.reader import Trajectory
from diffrender.trajectory.writer import TrajectoryWriter
from tests.cli.browser import PROGRAM, Chromium

STATES = 9
browser = pytest.mark.skipif(PROGRAM is None, reason="no Chromium here")


def record(path, event, chains=9, states=STATES, **meta):
    """A recording of random states that are easily told apart; returns it."""
    rng = np.random.default_rng(0)
    with TrajectoryWriter(path, {"kind": "reverse", **meta}) as writer:
        writer.write("x", rng.uniform(-1, 1, (states, chains, *event)).astype(np.float32))
        writer.write("x0", rng.uniform(-1, 1, (states - 1, chains, *event)).astype(np.float32))
        for key in ("alpha", "sigma", "time"):
            writer.add(key, np.linspace(1, 0, states))
        writer.add("nfe", np.arange(states))
    return Trajectory.open(path)


@pytest.fixture(scope="module")
def chromium():
    with Chromium(900, 900) as browser:
        yield browser


def go_to(chromium, k):
    chromium.run(f"(s => {{ s.value = {k}; s.oninput(); }})(document.querySelector('.dr input'))")


def pixels(chromium, which):
    """The pixels of a panel, (H, W, 4)."""
    code = f"""(c => [c.height, c.width, btoa(Array.from(c.getContext('2d').getImageData(0, 0, c.width, c.height).data,
        b => String.fromCharCode(b)).join(''))])(document.querySelector('canvas.{which}'))"""
    height, width, text = chromium.run(code)
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 4)


def as_bytes(images):
    """Values of [−1, 1] as they are seen: (N, C, H, W) → (N, H, W, 3)."""
    return np.repeat(np.round((images.transpose(0, 2, 3, 1) + 1) * 127.5), 3 // images.shape[1], -1).astype(np.uint8)


@browser
@pytest.mark.parametrize("event", [(1, 5, 4), (3, 4, 4)])
def test_images_on_the_page_are_the_recorded_ones_to_the_byte(chromium, tmp_path, event):
    run = record(tmp_path / "a.npz", event, title="Nine <b>images</b>")
    chromium.open(write_page(run, tmp_path / "a.html").as_uri())
    assert chromium.run("document.querySelector('h1').textContent") == "Nine <b>images</b>"
    _, h, w = event
    for k in (0, 4, 8):
        go_to(chromium, k)
        for which, states in (("x", run.x[k]), ("x0", run.x0[min(k, 7)])):
            drawn = pixels(chromium, which)[..., :3]
            tiles = [drawn[r * (h + 1) :, c * (w + 1) :][:h, :w] for r in range(3) for c in range(3)]
            assert np.array_equal(tiles, as_bytes(states))
            assert not np.array_equal(tiles, as_bytes(run.x[3]))
        said = chromium.run("document.querySelector('.dr output').textContent")
        assert f"step {k} of 8" in said
        assert f"{k} evaluations" in said


@browser
def test_points_on_the_page_are_where_they_were_recorded(chromium, tmp_path):
    run = record(tmp_path / "a.npz", (2,))
    chromium.open(write_page(run, tmp_path / "a.html").as_uri())
    (low, high) = np.array(player_data(run)["box"])

    def seen(which, points):
        """Share of points in whose places something is drawn."""
        drawn = pixels(chromium, which)[..., 3]
        u, v = ((points - low) / (high - low) * len(drawn)).T
        return np.mean(drawn[(len(drawn) - v).astype(int).clip(0, 719), u.astype(int).clip(0, 719)] > 100)

    for k in (0, 4, 8):
        go_to(chromium, k)
        assert seen("x", run.x[k]) == 1
        assert seen("x0", run.x0[min(k, 7)]) == 1
        assert seen("x", run.x[k - 1]) < 0.5
        assert (pixels(chromium, "x")[..., 3] > 0).mean() < 0.05  # and nothing else


@browser
def test_it_plays_stops_and_is_moved_by_tiles(chromium, tmp_path):
    chromium.open(write_page(record(tmp_path / "a.npz", (3,), states=60), tmp_path / "a.html").as_uri())
    step = "Number(document.querySelector('.dr').dataset.step)"
    chromium.run("document.querySelector('.dr button').click()")
    chromium.until(f"{step} > 3")
    chromium.run("document.querySelector('.dr button').click()")
    assert chromium.run("document.querySelector('.dr button').textContent") == "Play"
    chromium.run("document.querySelectorAll('.tile')[9].click()")
    assert chromium.run(step) == 59
    before = pixels(chromium, "x")
    chromium.mouse([(200, 300), (260, 300)])
    assert not np.array_equal(before, pixels(chromium, "x"))  # turned in space


@browser
def test_the_widget_draws_the_same_and_saves_itself_as_a_page(chromium, tmp_path):
    """Its module as anywidget loads it, with a model of two traits."""
    run = record(tmp_path / "a.npz", (1, 4, 4), title='</script> & "quotes"')
    data = player_data(run)
    (tmp_path / "empty.html").write_text("<!doctype html><body></body>")
    chromium.open((tmp_path / "empty.html").as_uri())
    from diffrender.notebook.page import template

    traits = base64.b64encode(json.dumps({"data": data, "page": template(data["title"])}).encode()).decode()
    module = base64.b64encode(script().encode()).decode()
    chromium.run(f"""(async () => {{
        const text = t => new TextDecoder().decode(Uint8Array.from(atob(t), c => c.charCodeAt(0)));
        const traits = JSON.parse(text("{traits}"));
        const source = URL.createObjectURL(new Blob([text("{module}")], {{ type: "text/javascript" }}));
        const widget = (await import(source)).default;
        window.leave = widget.render({{ model: {{ get: name => traits[name] }}, el: document.body }});
        URL.createObjectURL = blob => {{ blob.text().then(t => window.saved = t); return "#"; }};
        document.querySelector(".save").click();
    }})()""")
    go_to(chromium, 4)
    assert np.array_equal(pixels(chromium, "x")[:4, :4, :3], as_bytes(run.x[4])[0])
    chromium.until("window.saved")
    saved = chromium.run("window.saved")
    inside = re.compile(r'(<script type="application/json" id="recording">)(.*?)(</script>)', re.S)
    assert json.loads(inside.search(saved)[2]) == data
    assert inside.sub(r"\1\3", saved, count=1) == inside.sub(r"\1\3", page(data), count=1)
    chromium.run("window.leave()")
    assert chromium.run("document.querySelector('.dr')") is None
    (tmp_path / "saved.html").write_text(saved)
    chromium.open((tmp_path / "saved.html").as_uri())
    go_to(chromium, 4)
    assert np.array_equal(pixels(chromium, "x")[:4, :4, :3], as_bytes(run.x[4])[0])


def test_a_page_asks_for_nothing_beyond_itself(tmp_path):
    asks = re.compile(r"(src|href)\s*=\s*[\"'](?!data:)|@import|https?://|url\(|\bfetch\b|\bimport\(")
    text = page(player_data(record(tmp_path / "a.npz", (2,))))
    assert not asks.search(text)
    assert asks.search(text.replace("<title>", '<link href="style.css"><title>'))


def test_the_command_writes_a_page(tmp_path):
    record(tmp_path / "a.npz", (2,), incomplete="RuntimeError: out of memory")
    command = [sys.executable, "-m", "diffrender", "page", "a.npz", "--out", "mine.html"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.strip() == "mine.html", done.stderr
    assert "out of memory" in (tmp_path / "mine.html").read_text()
    done = subprocess.run([*command[:-1], "mine.pdf"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, "HTML" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("event", "chains", "kind", "fact"),
    [
        ((1,), 4, "points", ""),
        ((6,), 50, "points", "PCA of 6 dimensions"),
        ((4, 4, 4), 5, "images", "mean of 4 channels"),
        ((1, 4, 4), 50, "images", "16 of 50 images"),
        ((2,), 6000, "points", "4,000 of 6,000 points"),
    ],
)
def test_states_of_every_shape_are_shown_and_what_is_left_out_is_said(tmp_path, event, chains, kind, fact):
    data = player_data(record(tmp_path / "a.npz", event, chains, states=3))
    assert data["kind"] == kind
    assert fact in " ".join(data["facts"])
    json.dumps(data, allow_nan=False)


def test_long_runs_are_thinned_and_say_so(tmp_path):
    data = player_data(record(tmp_path / "a.npz", (2,), states=500))
    assert len(data["steps"]) == 120
    assert (data["steps"][0], data["steps"][-1], data["last"]) == (0, 499, 499)
    assert "120 of 500 states" in data["facts"]


def test_states_that_are_neither_are_refused(tmp_path):
    run = record(tmp_path / "a.npz", (2, 3), states=3)
    with pytest.raises(TrajectoryError, match="points and images"):
        player_data(run)


# ---- notebooks -------------------------------------------------------------------------------------------------------
def test_small_clips_are_embedded_and_large_ones_linked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, tag in (("a b.mp4", "video"), ("a.gif", "img"), ("a.png", "img")):
        Path(name).write_bytes(b"0123456789")
        shown = Clip(name)._repr_html_()
        assert shown.startswith(f"<{tag} ")
        assert base64.b64encode(b"0123456789").decode() in shown
    monkeypatch.setattr(clip_module, "EMBEDDED", 9)
    assert 'src="a%20b.mp4"' in Clip("a b.mp4")._repr_html_()
    assert "<video" not in Clip("gone.mp4")._repr_html_()
    assert Clip("a b.mp4").read_bytes() == Path("a b.mp4").read_bytes()
    assert isinstance(Clip("a.mp4"), Path)


def test_without_anywidget_what_to_install_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "anywidget", None)
    monkeypatch.delitem(sys.modules, "diffrender.notebook.widget", raising=False)
    with pytest.raises(MissingToolError, match="anywidget"):
        importlib.import_module("diffrender.notebook.widget")


def test_the_widget_holds_the_recording_and_saves_it(tmp_path):
    pytest.importorskip("anywidget")
    import diffrender

    record(tmp_path / "a.npz", (2,))
    player = diffrender.show(tmp_path / "a.npz")
    assert player.data == player_data(Trajectory.open(tmp_path / "a.npz"))
    assert player.save(tmp_path / "b.html").read_text() == page(player.data)


def test_progress_is_tqdms_notebook_bar_in_a_notebook(monkeypatch):
    notebook = pytest.importorskip("tqdm.notebook")
    from diffrender.jobs.run.progress import bar_kind

    assert bar_kind() is None  # tests run on no terminal
    shell = type("ZMQInteractiveShell", (), {})
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell()))
    monkeypatch.setattr(notebook, "IProgress", object)
    assert bar_kind() is notebook.tqdm
    monkeypatch.setattr(notebook, "IProgress", None)
    assert bar_kind() is None
