"""`diffrender draw`: a page in the browser to draw a target by hand.

The page is served on the loopback address to one browser, and holds a connection open; when that is gone the page was
closed, and `serve` returns.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from diffrender.cli.draw_page.phones import WARNING, PhoneServer, lan_address
from diffrender.cli.draw_page.server import Server
from diffrender.cli.draw_page.session import Session
from diffrender.cli.loopback.presence import OPEN_SECONDS, Presence
from diffrender.cli.loopback.serve import serve_until_closed

__all__ = ["Server", "Session", "serve"]

LAN_SECONDS = 12 * 3600.0  # for which phones may draw though nobody opened the page here


def serve(out: Path, open_browser: bool = True, lan: bool = False) -> list[Path]:
    """Let the user draw until the page is closed; the files that were saved.

    out: the .svg to write, replaced only when the user saves. The page's address, good for one visit, goes to stderr.
    lan: phones in this network may draw too, by a code that is shown in the terminal and on the page.
    KeyboardInterrupt says what was saved before it.
    """
    with contextlib.ExitStack() as stack:
        phones = stack.enter_context(invited(out)) if lan else None
        session = Session(out, Presence(open_seconds=LAN_SECONDS if lan else OPEN_SECONDS))
        server = stack.enter_context(Server(session, invitation=phones.code_as_html() if phones else ""))
        saved = lambda: [*([session.saved] if session.saved else []), *(phones.saved if phones else [])]  # noqa: E731
        try:
            serve_until_closed(server, "Draw", open_browser=open_browser)
        except KeyboardInterrupt:
            kept = ", ".join(map(str, saved()))
            raise KeyboardInterrupt(f"Saved before: {kept}." if kept else "Nothing was saved.") from None
        return saved()


@contextlib.contextmanager
def invited(out: Path) -> Iterator[PhoneServer]:
    """A page for phones while inside; its code and what it opens go to stderr."""
    with PhoneServer(out, lan_address()) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        print(WARNING, file=sys.stderr)
        server.code().terminal(out=sys.stderr, compact=True)
        print(f"On phones: {server.address}", file=sys.stderr, flush=True)
        try:
            yield server
        finally:
            server.shutdown()
