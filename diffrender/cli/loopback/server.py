"""A server for one page on the loopback address, and one browser: what all pages of commands share."""

from __future__ import annotations

import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from diffrender.cli.loopback.presence import Presence

MAX_BODY = 20_000_000
HEARTBEAT = 0.3  # seconds between signs of life, by which a closed page is noticed
ONCE = "The page opens once, in one browser: run"
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class LoopbackServer(ThreadingHTTPServer):
    """Bound to 127.0.0.1 only. `address` opens the page once; from then on the browser's cookie is the key.

    command: its name, for messages and the cookie. presence: told which pages are open. interface: the address that it
    is bound to, if a command opens its page to others on purpose.
    """

    daemon_threads = True
    block_on_close = False
    max_body, same_site = MAX_BODY, "Strict"

    def __init__(
        self, handler: type[LoopbackHandler], command: str, presence: Presence, interface: str = "127.0.0.1"
    ) -> None:
        super().__init__((interface, 0), handler)
        self.command, self.presence, self.interface = command, presence, interface
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
        return f"{self.command}-{self.server_port}"

    def admit(self, token: str) -> str:
        """The key for whoever brings the token; empty for all others. It is used up by the first."""
        if not (self.token and secrets.compare_digest(token.encode(), self.token.encode())):
            return ""
        self.token = ""
        return self.key

    def knows(self, key: str) -> bool:
        """Whether this is the key of somebody who was let in."""
        return secrets.compare_digest(key.encode(), self.key.encode())

    def shutdown(self) -> None:
        """Stop, the held connections included."""
        self.stopping = True
        super().shutdown()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up in the middle is no news."""


class LoopbackHandler(BaseHTTPRequestHandler, ABC):
    """GET / (the page), and what a page adds in `get` and `post`; nothing without the cookie, nothing from elsewhere.

    The page must hold a connection open, by which its end is noticed: see `hold`.
    """

    server: LoopbackServer
    protocol_version = "HTTP/1.1"
    timeout = 30
    server_version, sys_version = "diffrender", ""
    too_large, stranger = "Too much at once.", ""

    # ---- what a page adds --------------------------------------------------------------------------------------------
    @abstractmethod
    def page(self, nonce: str) -> str:
        """The page's HTML, whose scripts and styles carry the nonce."""

    def get(self, path: str, query: Mapping[str, list[str]]) -> bool:
        """Answer another GET of the page; False if there is nothing there."""
        return False

    def post(self, path: str, body: bytes) -> bool:
        """Answer a POST of the page; False if there is nothing there."""
        return False

    # ---- requests ----------------------------------------------------------------------------------------------------
    def do_GET(self) -> None:
        """The page and what it asks for; the token of the address is traded once for the cookie that all else needs."""
        url = urlsplit(self.path)
        query = parse_qs(url.query)
        token = query.get("token", [""])[0]
        if not self._asked_here():
            self.refuse(HTTPStatus.FORBIDDEN, "This server answers to its own address only.")
        elif url.path == "/" and token and not self._known() and (key := self.server.admit(token)):
            self.send_response(HTTPStatus.SEE_OTHER)
            self.send_header("Location", "/")
            same_site = self.server.same_site
            self.send_header("Set-Cookie", f"{self.server.cookie}={key}; HttpOnly; SameSite={same_site}; Path=/")
            self.body(b"", "text/plain")
        elif not self._known():
            self.refuse(HTTPStatus.FORBIDDEN, self.stranger or f"{ONCE} 'diffrender {self.server.command}' again.")
        elif url.path == "/":
            self._page()
        elif not self.get(url.path, query):
            self.refuse(HTTPStatus.NOT_FOUND, "Nothing here.")

    def do_POST(self) -> None:
        """What the page sends; refused from anywhere else and if too large."""
        origin = self.headers.get("Origin")
        size = self.headers.get("Content-Length", "")
        if not self._asked_here() or not self._known() or origin not in (None, f"http://{self.server.host}"):
            self.refuse(HTTPStatus.FORBIDDEN, "Not from the page.")
        elif not size.isdecimal() or int(size) > self.server.max_body:
            self.refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self.too_large)
        elif not self.post(self.path, self.rfile.read(int(size))):
            self.refuse(HTTPStatus.NOT_FOUND, "Nothing here.")

    def _asked_here(self) -> bool:
        return self.headers.get("Host") == self.server.host

    def cookie_key(self) -> str:
        """The key in the browser's cookie; empty if there is none."""
        try:
            cookie = SimpleCookie(self.headers.get("Cookie", "")).get(self.server.cookie)
        except CookieError:
            return ""
        return cookie.value if cookie is not None else ""

    def _known(self) -> bool:
        return self.server.knows(self.cookie_key())

    def _page(self) -> None:
        nonce = secrets.token_urlsafe(16)
        page = self.page(nonce)
        self.send_response(HTTPStatus.OK)
        self.send_header(
            "Content-Security-Policy",
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; "
            "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        )
        self.body(page.encode(), "text/html; charset=utf-8")

    # ---- answers -----------------------------------------------------------------------------------------------------
    def hold(self, wait: Any = time.sleep) -> None:
        """Hold a connection open as a stream of events; a write that fails says that the page is gone.

        wait: called with the seconds until the next sign of life; bytes that it returns before are sent at once.
        """
        self.close_connection = True
        self.send_response(HTTPStatus.OK)
        for name, value in {**HEADERS, "Content-Type": "text/event-stream", "Connection": "close"}.items():
            self.send_header(name, value)
        self.server.presence.opened()
        try:
            self.end_headers()
            while not self.server.stopping:
                self.wfile.write(wait(HEARTBEAT) or b":\n\n")
        except OSError:
            pass
        finally:
            self.server.presence.closed()

    def refuse(self, status: HTTPStatus, why: str) -> None:
        """Answer that it cannot be, in words for people."""
        self.close_connection = True  # a body that was not read would be taken for the next request
        self.send_response(status)
        self.body(why.encode(), "text/plain; charset=utf-8")

    def answer(self, body: bytes, kind: str) -> bool:
        """Answer what was asked; True, as `get` and `post` say it."""
        self.send_response(HTTPStatus.OK)
        self.body(body, kind)
        return True

    def body(self, body: bytes, kind: str) -> None:
        """The end of an answer: headers that all have, and its body."""
        for name, value in {**HEADERS, "Content-Type": kind, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """The terminal is for the user, not for requests."""
