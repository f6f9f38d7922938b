"""`diffrender draw`: the page in a real browser, and the server by plain HTTP."""

import html
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from diffrender.cli.draw_page import phones, session as sessions
from diffrender.cli.draw_page.phones import PhoneServer
from diffrender.cli.draw_page.serve import serve
from diffrender.cli.draw_page.server import Server
from diffrender.cli.draw_page.session import Session
from diffrender.cli.loopback.presence import Presence
from diffrender.cli.loopback.serve import redirecting_file
from diffrender.config.sections import TargetConfig
from diffrender.core.errors import DiffrenderError
from diffrender.diffusion.targets.build import build_target
from tests.cli.loopback import ask, serving

from .browser import PROGRAM, Chromium

LINE = {"d": "M100 400L900 400", "width": 40, "erase": False}
GAP = {"d": "M500 300L500 500", "width": 100, "erase": True}


# ---- the server ------------------------------------------------------------------------------------------------------
@pytest.fixture
def server(tmp_path):
    with serving(Server(Session(tmp_path / "deep" / "cat.svg", Presence(grace=0.4)))) as server:
        yield server


def enter(server):
    """The cookie of the one browser that is let in."""
    status, headers, _ = ask(server, path=f"/?token={server.token}")
    assert (status, headers["Location"]) == (303, "/")
    assert {"HttpOnly", "SameSite=Strict"} <= set(headers["Set-Cookie"].split("; "))
    return {"Cookie": headers["Set-Cookie"].split(";")[0]}


def send(server, path, strokes, **headers):
    return ask(server, "POST", path, json.dumps({"strokes": strokes}), **headers)


def test_it_listens_on_loopback_alone(server):
    assert server.server_address[0] == "127.0.0.1"
    with socket.socket() as other, pytest.raises(OSError, match="refused"):
        other.connect(("127.0.0.2", server.server_port))


def test_the_token_opens_the_page_once(server):
    assert ask(server)[0] == 403
    assert ask(server, path="/?token=guess")[0] == 403
    token = server.token
    cookie = enter(server)
    assert ask(server, path=f"/?token={token}")[0] == 403
    assert ask(server, path="/?token=")[0] == 403
    status, headers, page = ask(server, **cookie)
    assert status == 200
    assert b"{{" not in page
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert ask(server, path="/../pyproject.toml", **cookie)[0] == 404


def test_anything_but_the_page_is_refused(server):
    cookie = enter(server)
    for path in ("/points", "/save"):
        assert send(server, path, [LINE])[0] == 403
        assert send(server, path, [LINE], host="evil.example", **cookie)[0] == 403  # a name that leads to 127.0.0.1
        assert send(server, path, [LINE], host=f"localhost:{server.server_port}", **cookie)[0] == 403
        assert send(server, path, [LINE], Origin="http://evil.example", **cookie)[0] == 403
        assert send(server, path, [LINE], Cookie=f"{server.cookie}=guess")[0] == 403
    assert ask(server, path="/alive")[0] == 403
    assert ask(server, "POST", "/save", b"", **{"Content-Length": "99999999999"}, **cookie)[0] == 413
    assert send(server, "/else", [LINE], **cookie)[0] == 404
    assert not server.session.out.exists()


@pytest.mark.parametrize(
    "stroke",
    [
        {**LINE, "d": 'M0 0"/><script>'},
        {**LINE, "d": "A 1 1"},
        {**LINE, "width": -1},
        {**LINE, "width": "wide"},
        {**LINE, "colour": "red"},
        {"d": "M0 0L1 1"},
    ],
)
def test_only_strokes_are_taken(server, stroke):
    cookie = enter(server)
    status, _, body = send(server, "/save", [stroke], **cookie)
    assert (status, body[:13]) == (422, b"Not a drawing")
    assert ask(server, "POST", "/save", b"no json", **cookie)[0] == 422
    assert not server.session.out.exists()


def test_preview_and_save_agree_with_what_training_draws(server):
    cookie = enter(server)
    status, _, body = send(server, "/points", [LINE, GAP], **cookie)
    x, label = np.split(np.frombuffer(body, "<f4").reshape(-1, 3), [2], axis=1)
    assert not label.any()
    assert (status, len(x)) == (200, 5000)
    assert np.abs(x[:, 1] - 400).max() < 21.3  # half the width, and a pixel of the mask
    assert np.abs(x[:, 0] - 500).min() > 48.7  # the eraser's gap
    assert (x[:, 0].min() < 90) & (x[:, 0].max() > 910)  # round ends
    status, _, body = send(server, "/save", [LINE, GAP], **cookie)
    assert json.loads(body) == {"saved": str(server.session.out), "train": f"diffrender train {server.session.out}"}
    target = build_target(TargetConfig(kind="drawing", file=str(server.session.out)), Path())
    drawn = (target.draw(5000, np.random.default_rng(0)) * target.scale + target.offset) * [1, -1]
    assert np.allclose(drawn, x, atol=0.01)


def test_strokes_of_two_colours_are_two_classes(server):
    cookie = enter(server)
    second = {"d": "M100 600L900 600", "width": 20, "erase": False, "label": 1}
    x = np.frombuffer(send(server, "/points", [LINE, second], **cookie)[2], "<f4").reshape(-1, 3)
    assert np.array_equal(x[:, 2] == 1, x[:, 1] > 500)
    assert 0.25 < x[:, 2].mean() < 0.42, "a third of the ink"
    saved = json.loads(send(server, "/save", [LINE, second], **cookie)[2])
    assert saved["train"].endswith("cat.svg --set model.conditional=true")
    assert [stroke.label for stroke in sessions.drawn_strokes(server.session.out).strokes] == [0, 1]
    target = build_target(TargetConfig(kind="drawing", file=str(server.session.out)), Path())
    assert target.labels == ("black", "orange")
    drawn, label = target.draw_labelled(4000, np.random.default_rng(0))
    y = (drawn * target.scale + target.offset)[:, 1]
    assert np.array_equal(label == 1, y < -500)
    covered = [LINE, second, {**second, "width": 40, "erase": True}]
    x = np.frombuffer(send(server, "/points", covered, **cookie)[2], "<f4").reshape(-1, 3)
    assert not x[:, 2].any(), "the control: the second is erased, and no class"


def test_an_empty_drawing_replaces_nothing(server):
    cookie = enter(server)
    send(server, "/save", [LINE], **cookie)
    before = server.session.out.read_text()
    for strokes in ([], [GAP], [LINE, {**LINE, "erase": True, "width": 90}]):
        status, _, body = send(server, "/save", strokes, **cookie)
        assert (status, b"empty" in body) == (422, True)
    assert server.session.out.read_text() == before
    assert [f.name for f in server.session.out.parent.iterdir()] == ["cat.svg"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DiffrenderError, match="cannot be written"):
        Session(tmp_path / "file" / "cat.svg").save(type("Drawn", (), {"svg": lambda _: SAVED})())


SAVED = '<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0L9 9L9 0Z"/></svg>'


def hold(server, cookie):
    """A connection held open, as a page does."""
    page = socket.create_connection(("127.0.0.1", server.server_port))
    page.sendall(f"GET /alive HTTP/1.1\r\nHost: {server.host}\r\nCookie: {cookie['Cookie']}\r\n\r\n".encode())
    assert b"200 OK" in page.recv(4096)
    return page


def test_a_closed_page_ends_it_and_a_reload_does_not(server):
    cookie = enter(server)
    ended = threading.Event()
    threading.Thread(target=lambda: (server.presence.wait(), ended.set()), daemon=True).start()
    assert not ended.wait(0.5)  # no page yet: it waits for one
    page = hold(server, cookie)
    assert not ended.wait(1.2)
    page.close()
    page = hold(server, cookie)
    assert not ended.wait(1.2)  # a new connection within the time of grace
    page.close()
    assert ended.wait(5)


def test_a_page_that_nobody_opens_ends_it():
    with pytest.raises(DiffrenderError, match=r"Nobody opened the page in 0\.2 s"):
        Presence(open_seconds=0.2).wait()


def test_drawings_are_computed_one_at_a_time(tmp_path, monkeypatch):
    running, most = [], []

    def slow(svg, what):
        def draw(n, rng):
            running.append(1)
            most.append(len(running))
            time.sleep(0.05)
            running.pop()
            return np.zeros((n, 2))

        return draw

    monkeypatch.setattr("diffrender.diffusion.targets.shapes.catalogue.of_svg", slow)
    session, strokes = Session(tmp_path / "cat.svg"), sessions.read_strokes(json.dumps({"strokes": [LINE]}).encode())
    threads = [threading.Thread(target=session.points, args=(strokes,)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 5


def test_a_drawing_without_end_is_refused(server, monkeypatch):
    cookie = enter(server)
    monkeypatch.setattr(sessions, "MAX_OUTLINE", 30)
    assert send(server, "/points", [LINE], **cookie)[0] == 200
    status, _, body = send(server, "/points", [LINE] * 3, **cookie)
    assert (status, b"more than 30 characters" in body) == (422, True)


def test_the_token_is_not_on_the_browsers_command_line(tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append((address, Path(address[7:]).stat().st_mode)))
    monkeypatch.setattr(Presence, "wait", lambda self: None)
    serve(tmp_path / "cat.svg")
    ((address, mode),) = opened
    assert address.startswith("file:///")
    assert "token" not in address
    assert mode & 0o777 == 0o600
    assert not Path(address[7:]).exists()
    with redirecting_file("http://127.0.0.1:1/?token=x&y") as page:
        assert "url=http://127.0.0.1:1/?token=x&amp;y" in page.read_text()


# ---- phones ----------------------------------------------------------------------------------------------------------
@pytest.fixture
def room(tmp_path):
    """What `--lan` opens, here on the loopback address; a drawing of that name is there already."""
    (tmp_path / "cat-1.svg").write_text("somebody's")
    with PhoneServer(tmp_path / "cat.svg", "127.0.0.1") as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


def scan(server):
    """The cookie of one more phone."""
    status, headers, _ = ask(server, path=f"/?token={server.token}")
    assert (status, headers["Location"]) == (303, "/")
    return {"Cookie": headers["Set-Cookie"].split(";")[0]}


def test_every_phone_has_one_drawing_and_is_told_of_no_file(room, tmp_path):
    first, second = scan(room), scan(room)
    for cookie, strokes in ((first, [LINE]), (second, [LINE, GAP]), (first, [GAP | {"erase": False}])):
        status, _, body = send(room, "/save", strokes, **cookie)
        assert (status, json.loads(body)) == (200, {"saved": ""})
    again = ask(room, path=f"/?token={room.token}", **first)
    assert again[0] == 200, "the code scanned again"
    assert GAP["d"].encode() in again[2]
    assert "Set-Cookie" not in again[1]
    assert [file.name for file in room.saved] == ["cat-2.svg", "cat-3.svg"]
    assert len(sessions.drawn_strokes(tmp_path / "cat-2.svg").strokes) == 1
    assert (tmp_path / "cat-1.svg").read_text() == "somebody's"
    assert not (tmp_path / "cat.svg").exists()
    page = ask(room, **first)[2]
    assert b"const PHONE = true" in page
    assert GAP["d"].encode() in page, "a reload goes on with it"
    assert b"cat-" not in page
    assert str(tmp_path).encode() not in page


def test_a_stranger_a_preview_and_too_much_are_refused(room, monkeypatch):
    assert ask(room)[0] == ask(room, path="/?token=guess")[0] == 403
    assert send(room, "/save", [LINE])[0] == 403
    assert send(room, "/save", [LINE], Cookie=f"{room.cookie}=guess")[0] == 403
    cookie = scan(room)
    assert send(room, "/points", [LINE], **cookie)[0] == 404
    assert ask(room, path="/alive", **cookie)[0] == 404
    assert ask(room, host="evil.example", **cookie)[0] == 403
    assert send(room, "/save", [LINE], Origin="http://evil.example", **cookie)[0] == 403
    assert send(room, "/save", [LINE | {"out": "/etc/passwd"}], **cookie)[0] == 422
    large = [{**LINE, "d": "M" + "1 " * (phones.MAX_PHONE_BODY // 2)}]
    assert send(room, "/save", large, **cookie)[0] == 413
    monkeypatch.setattr(phones, "MAX_PHONES", 1)
    assert ask(room, path=f"/?token={room.token}")[0] == 403
    assert room.saved == []
    assert send(room, "/save", [LINE], **cookie)[0] == 200, "the control"


@pytest.mark.skipif(PROGRAM is None, reason="no Chromium on this machine: the page itself is not tested")
def test_a_phone_draws_with_a_finger(room):
    with Chromium(width=500, height=900) as browser:  # as narrow as the browser gets
        browser.open(room.address)
        assert browser.run("document.querySelector('#preview')") is None
        assert browser.run("document.documentElement.scrollWidth <= innerWidth")
        left, top, width = browser.run(
            "(b => [b.left, b.top, b.width])(document.querySelector('#ink').getBoundingClientRect())"
        )
        browser.touch([(left + x * width / 1000, top + 300 * width / 1000) for x in (100, 500, 900)])
        browser.click("#save")
        browser.until("document.querySelector('#status').textContent.startsWith('Thank you')")
    assert len(sessions.drawn_strokes(room.saved[0]).strokes) == 1


def test_lan_shows_a_code_in_the_terminal_and_on_the_page_and_says_what_it_opens(tmp_path, capfd, monkeypatch):
    monkeypatch.setattr("diffrender.cli.draw_page.serve.lan_address", lambda: "127.0.0.1")
    found = []
    thread = threading.Thread(target=lambda: found.extend(serve(tmp_path / "cat.svg", False, lan=True)), daemon=True)
    thread.start()
    text = ""
    while "Closing" not in text:
        time.sleep(0.05)
        text += capfd.readouterr().err
    assert "not encrypted" in text
    assert "█" in text
    invited, host = (
        re.search(rf"{word} (http://127\.0\.0\.1:\d+/\?token=\S+)", text)[1] for word in ("phones:", "Draw at")
    )
    at = lambda address: type("Here", (), dict(zip(("host", "token"), address[7:].split("/?token="), strict=True)))()  # noqa: E731
    room, here = at(invited), at(host)
    room.server_port, here.server_port = (int(one.host.split(":")[1]) for one in (room, here))
    cookie = enter(here)
    page = hold(here, cookie)
    shown = ask(here, **cookie)[2].decode()
    assert "data:image/svg+xml" in shown
    assert html.escape(invited) in shown or invited in shown
    assert send(room, "/save", [LINE], **scan(room))[0] == 200
    page.close()
    thread.join(10)
    assert found == [tmp_path / "cat-1.svg"]
    with pytest.raises(OSError, match="refused"):
        ask(room)


# ---- the page --------------------------------------------------------------------------------------------------------
@pytest.fixture
def drawing(tmp_path):
    """The command itself, and the address it prints."""
    command = [sys.executable, "-m", "diffrender", "draw", "--no-browser", "--out", "cat.svg"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.address = re.search(r"http://127\.0\.0\.1:\d+/\?token=\S+", process.stderr.readline())[0]
    yield process
    process.kill()
    process.communicate()


def points_of(browser):
    return browser.run("+(document.querySelector('#dots').dataset.points || 0)")


def ink_at(browser, *places):
    """Opacity of the ink at places of the drawing, 0 … 255."""
    browser.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return browser.run(
        "(() => { const c = document.querySelector('#ink'), p = c.getContext('2d'); return "
        f"{json.dumps(places)}"
        ".map(([x, y]) => p.getImageData(x * c.width / 1000, y * c.height / 800, 1, 1).data[3]) })()"
    )


@pytest.mark.skipif(PROGRAM is None, reason="no Chromium on this machine: the page itself is not tested")
def test_drawing_with_mouse_pen_and_finger(drawing, tmp_path):
    with Chromium() as browser:
        browser.open(drawing.address)
        assert browser.run("location.search") == ""
        left, top, width = browser.run(
            "(b => [b.left, b.top, b.width])(document.querySelector('#ink').getBoundingClientRect())"
        )
        at = lambda *points: [(left + x * width / 1000, top + y * width / 1000) for x, y in points]  # noqa: E731

        browser.mouse(at((100, 100), (500, 110), (900, 100)))
        browser.until("document.querySelector('#dots').dataset.points == 5000")
        browser.touch(at((100, 300), (500, 310), (900, 300)))
        browser.run("(w => { w.value = 60; w.dispatchEvent(new Event('input')) })(document.querySelector('#width'))")
        browser.mouse(at((100, 500), (500, 510), (900, 500)), pointer="pen")
        browser.mouse(at((500, 650)))  # a click leaves a dot
        assert ink_at(browser, (300, 105), (300, 305), (300, 505), (500, 650)) == [255] * 4
        assert ink_at(browser, (300, 125), (300, 525)) == [0, 255]  # the wider brush
        assert ink_at(browser, (300, 200), (300, 400), (300, 600)) == [0] * 3

        browser.click("#eraser")
        browser.mouse(at((500, 60), (500, 340)))
        assert ink_at(browser, (500, 105), (500, 305), (500, 505)) == [0, 0, 255]
        browser.press("z", ctrl=True)
        assert ink_at(browser, (500, 105), (500, 305)) == [255, 255]
        browser.click("#clear")
        browser.until("document.querySelector('#dots').dataset.points == 0")
        assert browser.run("document.querySelector('#save').disabled")
        browser.click("#undo")  # a clearing can be undone
        assert ink_at(browser, (300, 105), (300, 505)) == [255, 255]
        browser.mouse(at((500, 60), (500, 340)))

        assert browser.run("!document.querySelector('#grid').hasAttribute('hidden')")
        browser.click("#lines")
        assert browser.run("getComputedStyle(document.querySelector('#grid')).display") == "none"

        browser.until("document.querySelector('#dots').dataset.points == 5000")
        browser.click("#save")
        browser.until("document.querySelector('#status').textContent.startsWith('Saved to')")
        assert browser.run("document.querySelector('#status code').textContent").startswith("diffrender train ")
        browser.call("Page.reload")  # the command outlives a reload
        time.sleep(1)
        browser.until("document.readyState === 'complete'")
        assert drawing.poll() is None
        browser.call("Network.clearBrowserCookies")
        browser.open(drawing.address)  # but another browser does not get in by that address
        assert "opens once" in browser.run("document.body.textContent")
        browser.close_page()
        stdout, stderr = drawing.communicate(timeout=20)

    assert drawing.returncode == 0
    assert stdout.strip().endswith("cat.svg")
    assert "diffrender train" in stderr
    target = build_target(TargetConfig(kind="drawing", file=str(tmp_path / "cat.svg")), Path())
    x = (target.draw(4000, np.random.default_rng(0)) * target.scale + target.offset) * [1, -1]
    for y, half in ((103, 12), (303, 12), (503, 30)):
        row = x[np.abs(x[:, 1] - y) < half + 8]
        assert 0.05 < len(row) / len(x) < 0.9
        erased = ((row[:, 0] > 474) & (row[:, 0] < 526)).mean()
        assert erased == 0 if y < 400 else erased > 0.03


@pytest.mark.skipif(PROGRAM is None, reason="no Chromium on this machine: the page itself is not tested")
def test_lines_circles_redo_and_a_drawing_that_is_there(tmp_path):
    (tmp_path / "cat.svg").write_text(sessions.read_strokes(json.dumps({"strokes": [LINE]}).encode()).svg())
    command = [sys.executable, "-m", "diffrender", "draw", "--no-browser", "--out", "cat.svg"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    address = re.search(r"http://127\.0\.0\.1:\d+/\?token=\S+", process.stderr.readline())[0]
    with Chromium() as browser:
        browser.open(address)
        browser.until("document.querySelector('#dots').dataset.points == 5000")
        assert ink_at(browser, (500, 400), (500, 200)) == [255, 0], "the line that was there"
        small = "[...document.querySelectorAll('button')].filter(b => b.getBoundingClientRect().height < 44).length"
        assert browser.run(small) == 0
        left, top, width = browser.run(
            "(b => [b.left, b.top, b.width])(document.querySelector('#ink').getBoundingClientRect())"
        )
        at = lambda *points: [(left + x * width / 1000, top + y * width / 1000) for x, y in points]  # noqa: E731
        browser.click("#line")
        browser.mouse(at((100, 100), (400, 250), (900, 100)))
        assert ink_at(browser, (500, 100), (400, 250)) == [255, 0], "straight from end to end"
        browser.click("#circle")
        browser.mouse(at((500, 600), (560, 600), (620, 600)))
        assert ink_at(browser, (620, 600), (500, 480), (500, 720), (585, 685), (500, 600)) == [255] * 4 + [0]
        browser.click("#undo")
        assert ink_at(browser, (620, 600)) == [0]
        browser.click("#redo")
        assert ink_at(browser, (620, 600)) == [255]
        assert browser.run("document.querySelector('#redo').disabled")
        browser.click("#second")
        browser.click("#line")
        browser.mouse(at((100, 50), (400, 50), (900, 50)))
        browser.until("document.querySelector('#count').textContent.includes('in two classes')")
        browser.click("#undo")
        browser.until("!document.querySelector('#count').textContent.includes('in two classes')")
        browser.click("#first")
        browser.click("#save")
        browser.until("document.querySelector('#status').textContent.startsWith('Saved to')")
        browser.close_page()
        process.communicate(timeout=20)
    assert process.returncode == 0
    assert len(sessions.drawn_strokes(tmp_path / "cat.svg").strokes) == 3


def test_a_drawing_from_elsewhere_is_not_opened(tmp_path):
    """The control: what this page did not write it would not write back."""
    (tmp_path / "cat.svg").write_text(SAVED)
    with pytest.raises(DiffrenderError, match="was not drawn on this page"):
        Session(tmp_path / "cat.svg")
    assert Session(tmp_path / "dog.svg").drawn.strokes == []


@pytest.mark.skipif(PROGRAM is None, reason="no Chromium on this machine: the page itself is not tested")
def test_closing_without_saving(drawing, tmp_path):
    with Chromium() as browser:
        browser.open(drawing.address)
        browser.close_page()
        _, stderr = drawing.communicate(timeout=20)
    assert drawing.returncode == 1
    assert "without saving" in stderr
    assert not (tmp_path / "cat.svg").exists()


@pytest.mark.parametrize("saved", [False, True])
def test_ctrl_c_says_whether_a_drawing_was_saved(drawing, tmp_path, saved):
    port, token = re.search(r":(\d+)/\?token=(\S+)", drawing.address).groups()
    here = type("Here", (), {"server_port": int(port), "host": f"127.0.0.1:{port}", "token": token})()
    if saved:
        assert send(here, "/save", [LINE], **enter(here))[0] == 200
    drawing.send_signal(signal.SIGINT)
    _, stderr = drawing.communicate(timeout=20)
    assert drawing.returncode == -signal.SIGINT
    assert ("Interrupted. Saved before: cat.svg." if saved else "Interrupted. Nothing was saved.") in stderr
    assert (tmp_path / "cat.svg").exists() == saved


def test_serve_prints_an_address_and_returns_what_was_saved(tmp_path, capfd):
    found = []
    thread = threading.Thread(target=lambda: found.append(serve(tmp_path / "cat.svg", open_browser=False)), daemon=True)
    thread.start()
    text = ""
    while "token" not in text:
        time.sleep(0.05)
        text += capfd.readouterr().err
    port, token = re.search(r"http://127\.0\.0\.1:(\d+)/\?token=(\S+)", text).groups()
    here = type("Here", (), {"server_port": int(port), "host": f"127.0.0.1:{port}", "token": token})()
    cookie = enter(here)
    page = hold(here, cookie)
    assert send(here, "/save", [LINE], **cookie)[0] == 200
    page.close()
    thread.join(10)
    assert found == [[tmp_path / "cat.svg"]]
