"""`diffrender draw`: a page in the browser to draw a target by hand.

The page is served on the loopback address to one browser, and holds a connection open; when that is gone the page was
closed, and `serve` returns.
"""

from __future__ import annotations

import sys
import threading
import webbrowser
from pathlib import Path

from diffrender.cli.draw_page.server import Server
from diffrender.cli.draw_page.session import Session

__all__ = ["Server", "Session", "serve"]


def serve(out: Path, open_browser: bool = True) -> Path | None:
    """Let the user draw until the page is closed; the file that was saved, or None if none was.

    out: the .svg to write, replaced only when the user saves. The page's address, good for one visit, goes to stderr.
    """
    with Server(Session(out)) as server:
        worker = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        worker.start()
        print(f"Draw at {server.address}\nClosing the page ends the command.", file=sys.stderr, flush=True)
        if open_browser:
            webbrowser.open(server.address)
        server.session.wait()
        server.shutdown()
        return server.session.saved
