"""`diffrender watch`: the session, its server, and the page in a real browser."""

import json
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from diffrender.cli.watch_page.form import fields
from diffrender.cli.watch_page.recording import Recording
from diffrender.cli.watch_page.server import Server
from diffrender.cli.watch_page.session import Session
from diffrender.cli.watch_page.subject import LectureSubject, SceneSubject
from diffrender.config.scene_card import find_scene
from diffrender.core.errors import DiffrenderError
from diffrender.jobs.job import Job
from diffrender.video.settings import RenderSettings
from tests.cli.loopback import ask, serving

from .browser import PROGRAM, Chromium

SCENE = '''
from typing import Literal

from manim import RIGHT, Square
from pydantic import Field

from diffrender.animation import SceneOptions, TrajectoryScene


class Toy(TrajectoryScene):
    """A toy."""

    words = {"title": "Toy"}

    class Options(SceneOptions):
        """Its own."""

        side: float = Field(2.0, gt=0, le=4, description="of the square")
        turns: int = Field(3, ge=0, le=500, description="none are made")
        style: Literal["full", "empty"] = Field("full", description="of the square")
        names: tuple[str, ...] = Field(("a", "b"), description="of nothing")
        hero: bool = Field(True, description="whether there is one")

    def construct(self):
        square = Square(self.options.side, color="#FFFFFF", fill_opacity=self.options.style == "full")
        self.add(square)
        self.play(square.animate.shift(RIGHT), run_time=1)
        self.next_section("still")
        self.wait(1)
'''
SMALL = RenderSettings.of(resolution="160,90", fps=10)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "toy.py").write_text(SCENE)
    return tmp_path


@pytest.fixture
def session(folder):
    with Session(SceneSubject("toy.py", options={"hold": 2.0}, settings=SMALL), 2) as session:
        until(session, lambda state: state["version"])
        yield session


def until(session, holds, seconds=60):
    """The state, once it is so."""
    end = time.monotonic() + seconds
    while not holds(state := session.state()):
        assert time.monotonic() < end, state
        session.wait(session.changes, 0.2)
    return state


def picture(session, frame=0):
    return session.preview.picture(session.state()["version"], frame, 20)


# ---- the session -----------------------------------------------------------------------------------------------------
def test_a_saved_scene_is_drawn_anew_and_nothing_is_written(session, folder):
    before, files = picture(session), sorted(folder.rglob("*"))
    (folder / "toy.py").write_text(SCENE.replace("(2.0,", "(3.0,"))
    state = until(session, lambda state: state["version"] > 1 and state["total"] and not state["drawing"])
    assert picture(session) != before
    assert state["acts"] == [[0, ""], [10, "still"]]
    assert state["drawn"] == [(0, 20)]
    time.sleep(0.5)
    (folder / "toy.py").write_text(SCENE.replace("(2.0,", "(3.0,"))  # the same again
    time.sleep(0.5)
    assert session.state()["version"] == state["version"]
    assert [f for f in sorted(folder.rglob("*")) if "__pycache__" not in str(f)] == files


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("self.add(square)", "self.add(square", 26, "never closed"),
        ("self.add(square)", "self.add(squire)", 26, "squire"),
        ('"of the square")', '"of the square", le=1)', 18, "not Python (keyword argument repeated: le)"),
        ('"of the square")', '"of the square", lt_=1)', 18, "lt_="),
        ('{"title": "Toy"}', 'dict(title="Toy")', 13, "dict"),
    ],
)
def test_an_error_is_told_with_its_line_and_the_picture_stays(session, folder, old, new, line, words):
    before, version = picture(session), session.state()["version"]
    (folder / "toy.py").write_text(SCENE.replace(old, new, 1))
    error = until(session, lambda state: state["error"])["error"]
    assert words in error["problem"]
    if line:
        assert error["line"] == line
        assert [line, SCENE.replace(old, new, 1).splitlines()[line - 1]] in [list(each) for each in error["lines"]]
    assert (session.state()["version"], picture(session)) == (version, before)
    (folder / "toy.py").write_text(SCENE)
    until(session, lambda state: not state["error"])


def test_what_failed_is_drawn_again_when_it_is_saved_as_it_was(session, folder):
    text = SCENE.replace("square = ", "open('side.txt').read()\n        square = ")
    (folder / "toy.py").write_text(text)
    assert "side.txt" in until(session, lambda state: state["error"])["error"]["problem"]
    (folder / "side.txt").write_text("2")
    (folder / "toy.py").write_text(text)
    assert not until(session, lambda state: not state["waiting"] and not state["error"])["error"]


def test_options_are_drawn_and_copied_as_a_command(session):
    before = picture(session)
    session.set_options({"side": 3.5, "names": "x,y", "style": "empty"})
    until(session, lambda state: state["version"] > 1)
    assert picture(session) != before
    command = session.commands()["Copy command"]
    assert command == "diffrender render toy.py -O hold=2.0 -O side=3.5 -O names=x,y -O style=empty"
    version = session.state()["version"]
    session.set_options({"side": 99})
    assert "side" in until(session, lambda state: state["error"])["error"]["problem"]
    assert session.state()["version"] == version
    session.set_options({})
    assert not until(session, lambda state: state["version"] > version)["error"]
    assert picture(session) == before


def test_a_module_beside_the_scene_counts(session, folder):
    (folder / "toy.py").write_text(SCENE.replace("from typing", "from side import SIDE\nfrom typing", 1))
    error = until(session, lambda state: state["error"])["error"]
    assert "side" in error["problem"]
    (folder / "side.py").write_text("SIDE = 1\n")
    time.sleep(0.3)
    version = session.state()["version"]
    until(session, lambda state: not state["error"])
    (folder / "side.py").write_text("SIDE = 2\n")
    until(session, lambda state: state["version"] > version)


def test_the_fields_of_a_form_say_what_an_option_takes(folder):
    found = {field["name"]: field for field in fields(find_scene("toy.py"))}
    assert found["side"]["kind"] == "number"
    assert (found["side"]["least"], found["side"]["most"]) == (pytest.approx(0.01), 4)
    assert (found["turns"]["kind"], found["turns"]["most"]) == ("whole", 12)  # no slider of five hundred
    assert (found["style"]["kind"], found["style"]["choices"]) == ("choice", ["full", "empty"])
    assert (found["names"]["kind"], found["names"]["default"]) == ("list", ["a", "b"])
    assert found["hero"]["kind"] == "switch"
    assert found["title"]["kind"] == "text"
    assert (found["title"]["word"], found["side"]["word"]) == (True, False)
    assert found["hold"]["shared"]
    assert not found["side"]["shared"]


def test_a_lecture_shows_its_entries(folder):
    (folder / "clip.mp4").write_bytes(b"")
    (folder / "lecture.yaml").write_text(
        "title: L\nentries:\n  - video: clip.mp4\n  - {scene: toy.py, options: {side: 1.0}}\n  - part: Two\n"
    )
    subject = LectureSubject("lecture.yaml", {"resolution": "160,90", "fps": 10})
    with Session(subject, 2) as session:
        until(session, lambda state: state["version"])
        clip = session.clip_state()
        assert [entry["shown"] for entry in clip["entries"]] == [False, True, True]
        assert (clip["entry"], clip["given"]) == (1, {"side": 1.0})
        session.set_options({"side": 2.5})
        assert session.commands()["Copy options"] == "options: {side: 2.5}"
        (folder / "lecture.yaml").write_text("title: L\nentries:\n  - {scene: toy.py, optoins: {side: 1.0}}\n")
        error = until(session, lambda state: state["error"])["error"]
        assert "optoins" in error["problem"]


# ---- recordings ------------------------------------------------------------------------------------------------------
class Children:
    """Does what it is told to, when it may."""

    def __init__(self):
        self.may, self.jobs = threading.Event(), []

    def check(self, configs):
        pass

    def do(self, message, report, interrupt, *, reused):
        self.jobs.append(message["name"])
        report({"event": "progress", "done": 1, "total": 2})
        stopped = threading.Event()
        with interrupt.watching(stopped.set, stopped.set):
            while not self.may.wait(0.02):
                if stopped.is_set():
                    raise KeyboardInterrupt
        if message["name"] == "bad":
            raise DiffrenderError("It failed.")
        return {}


def jobs(tmp_path, *names):
    return [Job("join", name, tmp_path / f"{name}.mp4") for name in names]


def test_a_recording_says_how_far_it_is_and_ends_in_order(tmp_path):
    children, news = Children(), threading.Event()
    recording = Recording(jobs(tmp_path, "one", "two"), children, tmp_path, news.set)
    assert news.wait(5)
    assert recording.told()["text"].startswith("one, about ")
    assert 0.1 < recording.told()["share"] < 0.4
    children.may.set()
    recording.thread.join(5)
    assert (recording.done, recording.error, children.jobs) == (True, None, ["one", "two"])


def test_a_recording_is_cancelled_at_once_and_a_failed_one_says_why(tmp_path):
    children = Children()
    recording = Recording(jobs(tmp_path, "one", "two"), children, tmp_path, lambda: None)
    recording.cancel()
    assert not recording.done
    assert "two" not in children.jobs
    children.may.set()
    failing = Recording(jobs(tmp_path, "bad", "two"), children, tmp_path, lambda: None)
    failing.thread.join(5)
    assert (failing.done, failing.error.problem) == (True, "It failed.")


# ---- the server ------------------------------------------------------------------------------------------------------
@pytest.fixture
def server(session):
    with serving(Server(session)) as server:
        yield server


def test_only_the_browser_with_the_token_sees_anything(server):
    requests = [("GET", "/"), ("GET", "/events"), ("GET", "/frame?v=1&k=0"), ("POST", "/options"), ("POST", "/again")]
    for method, path in requests:
        assert ask(server, method, path, "{}")[0] == 403
        assert ask(server, method, path, "{}", Cookie=f"{server.cookie}=guess")[0] == 403
    assert ask(server, path="/?token=guess")[0] == 403
    status, headers, _ = ask(server, path=f"/?token={server.token}")
    assert status == 303
    cookie = {"Cookie": headers["Set-Cookie"].split(";")[0]}
    status, _, page = ask(server, **cookie)
    assert (status, b"{{" in page) == (200, False)
    assert ask(server, path="/frame?v=1&k=0", **cookie)[2][:2] == b"\xff\xd8"
    assert ask(server, path="/frame?v=7&k=0", **cookie)[0] == 404
    assert ask(server, path="/frame?v=x", **cookie)[0] == 404
    assert ask(server, "POST", "/options", "no json", **cookie)[0] == 422
    assert ask(server, "POST", "/options", "{}", host="evil.example", **cookie)[0] == 403
    assert ask(server, "POST", "/options", "{}", Origin="http://evil.example", **cookie)[0] == 403
    assert json.loads(ask(server, "POST", "/commands", "{}", **cookie)[2])["Copy command"].startswith("diffrender ")


# ---- the command -----------------------------------------------------------------------------------------------------
@pytest.fixture
def command(folder):
    """The command itself, and the address it prints."""
    words = [sys.executable, "-m", "diffrender", "watch", "toy.py", "--no-browser", "-r", "160,90", "--fps", "10"]
    process = subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.address = re.search(r"http://127\.0\.0\.1:\d+/\?token=\S+", process.stderr.readline())[0]
    yield process
    process.kill()
    process.communicate()


def test_ctrl_c_ends_it_and_leaves_nothing(command, folder):
    import psutil

    children = psutil.Process(command.pid).children(recursive=True)
    assert children
    command.send_signal(signal.SIGINT)
    _, stderr = command.communicate(timeout=30)
    assert (command.returncode, "Traceback" in stderr) == (-signal.SIGINT, False)
    assert psutil.wait_procs(children, timeout=10)[1] == []
    assert [f.name for f in folder.iterdir() if f.name not in ("toy.py", "outputs", "__pycache__")] == []


@pytest.mark.skipif(PROGRAM is None, reason="no Chromium on this machine: the page itself is not tested")
def test_the_page_follows_the_editor(command, folder):
    shown = "document.querySelector('#picture').dataset.shown"
    with Chromium() as browser:
        browser.open(command.address)
        browser.until(f"{shown} === '1/0'", 60)
        browser.until("state.total === 20 && state.drawn.length === 1 && state.drawn[0][1] === 20", 60)
        assert browser.run("[...document.querySelectorAll('#acts span')].map(act => act.textContent)") == ["", "still"]
        left, top, width = browser.run(
            "(b => [b.left, b.top, b.width])(document.querySelector('#time').getBoundingClientRect())"
        )
        browser.mouse([(left + width * 0.2, top + 28), (left + width * 0.26, top + 28)])
        browser.until(f"{shown} === '1/5'")
        (folder / "toy.py").write_text(SCENE.replace("self.add(square)", "self.add(squire)"))
        browser.until("!document.querySelector('#error').hidden")
        assert "squire" in browser.run("document.querySelector('#error pre .here').textContent")
        assert browser.run(shown) == "1/5"
        (folder / "toy.py").write_text(SCENE.replace("(2.0,", "(3.0,"))
        browser.until(f"document.querySelector('#error').hidden && /^[2-9].5$/.test({shown})")
        version = browser.run("state.version")
        browser.run(
            "(s => { s.value = 1; s.dispatchEvent(new Event('input')) })(document.querySelector('[type=range]'))"
        )
        browser.until(f"state.version > {version} && {shown} === state.version + '/5'")
        browser.click("#buttons button")
        browser.until("document.querySelector('#copied').textContent.includes('-O side=1')")
        browser.run("go(0)")
        browser.click("#play")
        browser.until("cursor === 19 && !playing")
        browser.close_page()
        command.communicate(timeout=30)
    assert command.returncode == 0
    assert not any(Path(folder / "outputs").iterdir())


def test_what_was_typed_wrongly_is_said_before_a_page_opens(folder):
    def run(*words):
        command = [sys.executable, "-m", "diffrender", "watch", *words, "--no-browser"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stderr

    code, said = run("toi.py")
    assert (code, "toi.py" in said) == (2, True)
    code, said = run("toy.py", "-O", "sied=3")
    assert (code, "side" in said) == (2, True)
    (folder / "lecture.yaml").write_text("title: L\nentries:\n  - {scene: toy.py}\n")
    code, said = run("lecture.yaml", "--config", "spiral")
    assert (code, "its entries say" in said) == (2, True)
