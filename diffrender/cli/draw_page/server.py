"""The page to draw on and its requests: on the loopback address, for one browser, unless `phones` says otherwise."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from http import HTTPStatus
from importlib.resources import files

from diffrender.cli.draw_page.session import HEIGHT, WIDTH, Session, Strokes, as_argument, read_strokes
from diffrender.cli.loopback.server import LoopbackHandler, LoopbackServer
from diffrender.core.errors import DiffrenderError


class Server(LoopbackServer):
    """Serves one drawing session.

    invitation: HTML that stands under the drawing.
    """

    phone = False

    def __init__(
        self, session: Session, interface: str = "127.0.0.1", handler: type[Handler] | None = None, invitation: str = ""
    ) -> None:
        super().__init__(handler or Handler, "draw", session.presence, interface)
        self.session, self.invitation = session, invitation

    def drawn(self, key: str) -> Strokes:
        """What the page of this key begins with."""
        return self.session.drawn

    def save(self, key: str, strokes: Strokes) -> dict[str, str]:
        """Keep a drawing; what the page is told of it."""
        saved = self.session.save(strokes)
        return {"saved": str(saved), "train": f"diffrender train {as_argument(saved)}"}


class Handler(LoopbackHandler):
    """GET /alive (held open while the page is), POST /points and /save; nothing else."""

    server: Server
    too_large = "Too large a drawing."

    def page(self, nonce: str) -> str:
        """The page, with the drawing that it begins with."""
        page = files(__package__).joinpath("page.html").read_text("utf-8")
        name = "Your drawing" if self.server.phone else html.escape(self.server.session.out.name)
        drawn = json.dumps([stroke.model_dump() for stroke in self.server.drawn(self.cookie_key()).strokes])
        marks = {"nonce": nonce, "width": WIDTH, "height": HEIGHT, "drawn": drawn, "out": name}
        marks |= {"phone": json.dumps(self.server.phone), "invitation": self.server.invitation}
        for mark, value in marks.items():
            page = page.replace(f"{{{{{mark}}}}}", str(value))
        return page

    def get(self, path: str, query: Mapping[str, list[str]]) -> bool:
        """`/alive`."""
        if path != "/alive" or self.server.phone:
            return False
        self.hold()
        return True

    def post(self, path: str, body: bytes) -> bool:
        """Strokes from the page, to `/points` or `/save`."""
        session = self.server.session
        try:
            if path == "/points" and not self.server.phone:
                return self.answer(session.points(read_strokes(body)).tobytes(), "application/octet-stream")
            if path == "/save":
                saved = self.server.save(self.cookie_key(), read_strokes(body))
                return self.answer(json.dumps(saved).encode(), "application/json")
        except DiffrenderError as error:
            self.refuse(HTTPStatus.UNPROCESSABLE_ENTITY, error.problem)
            return True
        return False
