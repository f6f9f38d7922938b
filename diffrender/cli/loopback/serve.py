"""Serve a page until it is closed, and open it without showing its token to others."""

from __future__ import annotations

import contextlib
import html
import os
import sys
import tempfile
import threading
import webbrowser
from collections.abc import Iterator
from pathlib import Path

from diffrender.cli.loopback.server import LoopbackServer


def serve_until_closed(server: LoopbackServer, doing: str, *, open_browser: bool) -> None:
    """Serve until the page is closed; its address, good for one visit, goes to stderr.

    doing: what one does at that address ("Draw").
    """
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    print(f"{doing} at {server.address}\nClosing the page ends the command.", file=sys.stderr, flush=True)
    with redirecting_file(server.address) as file:
        if open_browser:
            webbrowser.open(file.as_uri())
        try:
            server.presence.wait()
        finally:
            server.shutdown()


@contextlib.contextmanager
def redirecting_file(address: str) -> Iterator[Path]:
    """A page for this user's eyes alone that leads to `address`.

    A browser's command line can be read by every user of the machine, and the address holds the token.
    """
    handle, name = tempfile.mkstemp(prefix="diffrender-page-", suffix=".html")  # of mode 0600
    file = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as page:
            page.write(f'<!doctype html><meta http-equiv="refresh" content="0; url={html.escape(address)}">')
        yield file
    finally:
        file.unlink(missing_ok=True)
