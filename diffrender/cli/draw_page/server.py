"""The page and its few requests: on the loopback address, for one browser, unless `phones` says otherwise."""

from __future__ import annotations

import html
import json
import secrets
import time
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs, urlsplit

from diffrender.cli.draw_page.session import HEIGHT, WIDTH, Session, Strokes, read_strokes
from diffrender.core.errors import DiffrenderError

MAX_BODY = 20_000_000
HEARTBEAT = 0.3  # seconds between signs of life, by which a closed page is noticed
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Server(ThreadingHTTPServer):
    """Bound to 127.0.0.1 only. `address` opens the page once; from then on the browser's cookie is the key.

    invitation: HTML that stands under the drawing.
    """

    daemon_threads = True
    block_on_close = False
    max_body, same_site, phone = MAX_BODY, "Strict", False

    def __init__(
        self, session: Session, interface: str = "127.0.0.1", handler: type[Handler] | None = None, invitation: str = ""
    ) -> None:
        super().__init__((interface, 0), handler or Handler)
        self.session, self.interface, self.invitation = session, interface, invitation
        self.token, self.key = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        self.stopping = False

    @property
    def host(self) -> str:
        """What the browser must have asked for: a name that merely resolves to this address is refused."""
        return f"{self.interface}:{self.server_port}"

    @property
    def address(self) -> str:
        """The page's address, with the token that opens it once."""
        return f"http://{self.host}/?token={self.token}"

    @property
    def cookie(self) -> str:
        """Cookies are shared by all ports, so its name says the port."""
        return f"draw-{self.server_port}"

    def admit(self, token: str) -> str:
        """The key for whoever brings the token; empty for all others. It is used up by the first."""
        if not (self.token and secrets.compare_digest(token.encode(), self.token.encode())):
            return ""
        self.token = ""
        return self.key

    def knows(self, key: str) -> bool:
        """Whether this is the key of somebody who was let in."""
        return secrets.compare_digest(key.encode(), self.key.encode())

    def drawn(self, key: str) -> Strokes:
        """What the page of this key begins with."""
        return self.session.drawn

    def save(self, key: str, strokes: Strokes) -> dict[str, str]:
        """Keep a drawing; what the page is told of it."""
        return {"saved": str(self.session.save(strokes))}

    def shutdown(self) -> None:
        """Stop, the held connections included."""
        self.stopping = True
        super().shutdown()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up in the middle is no news."""


class Handler(BaseHTTPRequestHandler):
    """GET / (the page) and /alive (held open while it is), POST /points and /save; nothing else."""

    server: Server
    protocol_version = "HTTP/1.1"
    timeout = 30
    server_version, sys_version = "diffrender", ""
    stranger = "The page opens once, in one browser: run 'diffrender draw' again."

    def do_GET(self) -> None:
        """The page, and `/alive`; the token of the address is traded once for the cookie that all else needs."""
        url = urlsplit(self.path)
        token = parse_qs(url.query).get("token", [""])[0]
        if not self._asked_here():
            self._refuse(HTTPStatus.FORBIDDEN, "This server answers to its own address only.")
        elif url.path == "/" and token and (key := self.server.admit(token)):
            self.send_response(HTTPStatus.SEE_OTHER)
            self.send_header("Location", "/")
            same_site = self.server.same_site
            self.send_header("Set-Cookie", f"{self.server.cookie}={key}; HttpOnly; SameSite={same_site}; Path=/")
            self._body(b"", "text/plain")
        elif not self._known():
            self._refuse(HTTPStatus.FORBIDDEN, self.stranger)
        elif url.path == "/":
            self._page()
        elif url.path == "/alive" and not self.server.phone:
            self._alive()
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "Nothing here.")

    def do_POST(self) -> None:
        """Strokes from the page, to `/points` or `/save`; refused from anywhere else and if too large."""
        origin = self.headers.get("Origin")
        size = self.headers.get("Content-Length", "")
        if not self._asked_here() or not self._known() or origin not in (None, f"http://{self.server.host}"):
            self._refuse(HTTPStatus.FORBIDDEN, "Not from the page.")
        elif not size.isdecimal() or int(size) > self.server.max_body:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Too large a drawing.")
        else:
            self._drawing(self.rfile.read(int(size)))

    def _drawing(self, body: bytes) -> None:
        session = self.server.session
        try:
            if self.path == "/points" and not self.server.phone:
                answer, kind = session.points(read_strokes(body)).tobytes(), "application/octet-stream"
            elif self.path == "/save":
                answer, kind = (
                    json.dumps(self.server.save(self._key(), read_strokes(body))).encode(),
                    "application/json",
                )
            else:
                return self._refuse(HTTPStatus.NOT_FOUND, "Nothing here.")
        except DiffrenderError as error:
            return self._refuse(HTTPStatus.UNPROCESSABLE_ENTITY, error.problem)
        self.send_response(HTTPStatus.OK)
        self._body(answer, kind)

    def _asked_here(self) -> bool:
        return self.headers.get("Host") == self.server.host

    def _key(self) -> str:
        """The key in the browser's cookie; empty if there is none."""
        try:
            cookie = SimpleCookie(self.headers.get("Cookie", "")).get(self.server.cookie)
        except CookieError:
            return ""
        return cookie.value if cookie is not None else ""

    def _known(self) -> bool:
        return self.server.knows(self._key())

    def _page(self) -> None:
        nonce = secrets.token_urlsafe(16)
        page = files(__package__).joinpath("page.html").read_text("utf-8")
        name = "Your drawing" if self.server.phone else html.escape(self.server.session.out.name)
        drawn = json.dumps([stroke.model_dump() for stroke in self.server.drawn(self._key()).strokes])
        marks = {"nonce": nonce, "width": WIDTH, "height": HEIGHT, "drawn": drawn, "out": name}
        marks |= {"phone": json.dumps(self.server.phone), "invitation": self.server.invitation}
        for mark, value in marks.items():
            page = page.replace(f"{{{{{mark}}}}}", str(value))
        self.send_response(HTTPStatus.OK)
        self.send_header(
            "Content-Security-Policy",
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; "
            "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        )
        self._body(page.encode(), "text/html; charset=utf-8")

    def _alive(self) -> None:
        """Hold the connection; a write that fails says that the page is gone."""
        self.close_connection = True
        self.send_response(HTTPStatus.OK)
        for name, value in {**HEADERS, "Content-Type": "text/event-stream", "Connection": "close"}.items():
            self.send_header(name, value)
        self.server.session.opened()
        try:
            self.end_headers()
            while not self.server.stopping:
                self.wfile.write(b":\n\n")
                time.sleep(HEARTBEAT)
        except OSError:
            pass
        finally:
            self.server.session.closed()

    def _refuse(self, status: HTTPStatus, why: str) -> None:
        self.close_connection = True  # a body that was not read would be taken for the next request
        self.send_response(status)
        self._body(why.encode(), "text/plain; charset=utf-8")

    def _body(self, body: bytes, kind: str) -> None:
        for name, value in {**HEADERS, "Content-Type": kind, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """The terminal is for the user, not for requests."""
