"""The connections of open pages: a command that serves a page ends when it is closed."""

from __future__ import annotations

import threading
import time

from diffrender.core.errors import DiffrenderError

CLOSE_GRACE_SECONDS = 2.0  # without a connection after which the page counts as closed; a reload takes less
OPEN_SECONDS = 600.0  # in which somebody must open the page


class Presence:
    """The connections that open pages hold. Its methods are called by the server's threads."""

    def __init__(self, grace: float = CLOSE_GRACE_SECONDS, open_seconds: float = OPEN_SECONDS) -> None:
        self.grace, self.open_seconds = grace, open_seconds
        self.open_pages, self.last_seen = 0, 0.0
        self.changed = threading.Condition()

    def opened(self) -> None:
        """A page holds a connection."""
        with self.changed:
            self.open_pages += 1
            self.changed.notify_all()

    def closed(self) -> None:
        """A page's connection is gone."""
        with self.changed:
            self.open_pages -= 1
            self.last_seen = time.monotonic()
            self.changed.notify_all()

    def wait(self) -> None:
        """Return when a page was open and none has been for the time of grace; DiffrenderError if none ever was."""
        begun = time.monotonic()
        with self.changed:
            while True:
                if not self.open_pages and not self.last_seen and time.monotonic() - begun > self.open_seconds:
                    raise DiffrenderError(
                        f"Nobody opened the page in {self.open_seconds:g} s.", "Run the command again."
                    )
                if self.open_pages or not self.last_seen:
                    self.changed.wait(timeout=min(1.0, self.open_seconds))  # a timeout lets Ctrl-C through
                    continue
                left = self.last_seen + self.grace - time.monotonic()
                if left <= 0:
                    return
                self.changed.wait(timeout=left)
