"""The page to watch on and its requests."""

from __future__ import annotations

import html
import json
import time
from collections.abc import Mapping
from http import HTTPStatus
from importlib.resources import files
from typing import Any

from diffrender.cli.loopback.server import LoopbackHandler, LoopbackServer
from diffrender.cli.watch_page.session import Session
from diffrender.core.errors import DiffrenderError

FRAME_SECONDS = 8.0  # that a frame is waited for; then the page asks again
PAUSE_SECONDS = 0.04  # between two reports of what is drawn


class Server(LoopbackServer):
    """Serves one session."""

    def __init__(self, session: Session) -> None:
        super().__init__(Handler, "watch", session.presence)
        self.session = session


class Handler(LoopbackHandler):
    """GET /events (held open) and /frame, POST /look, /options, /entry, /again and /commands; nothing else."""

    server: Server

    def page(self, nonce: str) -> str:
        """The page; what it shows comes by `/events`."""
        page = files(__package__).joinpath("page.html").read_text("utf-8")
        return page.replace("{{nonce}}", nonce).replace("{{name}}", html.escape(self.server.session.subject.name))

    def get(self, path: str, query: Mapping[str, list[str]]) -> bool:
        """The stream of news, or a frame."""
        if path == "/events":
            self.hold(News(self.server.session))
            return True
        if path == "/frame":
            return self._frame(query)
        return False

    def _frame(self, query: Mapping[str, list[str]]) -> bool:
        try:
            version, frame = int(query["v"][0]), int(query["k"][0])
        except (KeyError, ValueError):
            return False
        picture = self.server.session.preview.picture(version, frame, FRAME_SECONDS)
        if picture is None:
            self.refuse(HTTPStatus.NOT_FOUND, "Not drawn.")
            return True
        return self.answer(picture, "image/jpeg")

    def post(self, path: str, body: bytes) -> bool:
        """What is chosen on the page."""
        session = self.server.session
        try:
            data = json.loads(body or b"{}")
            if path == "/look":
                session.preview.look(max(0, int(data["frame"])))
            elif path == "/options":
                session.set_options({str(name): value for name, value in dict(data).items()})
            elif path == "/entry":
                session.choose(int(data["entry"]))
            elif path == "/again":
                session.look_again(anew=True)
            elif path == "/commands":
                return self.answer(json.dumps(session.commands()).encode(), "application/json")
            else:
                return False
        except DiffrenderError as error:
            self.refuse(HTTPStatus.UNPROCESSABLE_ENTITY, error.problem)
            return True
        except (ValueError, KeyError, TypeError):
            self.refuse(HTTPStatus.UNPROCESSABLE_ENTITY, "Not what the page sends.")
            return True
        return self.answer(b"{}", "application/json")


class News:
    """What one page has been told, and what is new for it."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.seen, self.clip_seen = -1, -1

    def __call__(self, seconds: float) -> bytes:
        """The news as events, empty if there are none in so many seconds."""
        changes = self.session.wait(self.seen, seconds)
        if changes == self.seen:
            return b""
        if self.seen >= 0:
            time.sleep(PAUSE_SECONDS)  # a picture seldom comes alone
        self.seen, text = self.session.changes, b""
        if self.session.clip_changes != self.clip_seen:
            self.clip_seen = self.session.clip_changes
            text += event("clip", self.session.clip_state())
        return text + event("state", self.session.state())


def event(name: str, data: Any) -> bytes:
    """A server-sent event."""
    return f"event: {name}\ndata: {json.dumps(data, default=str)}\n\n".encode()
