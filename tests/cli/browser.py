"""A headless Chromium, driven over the DevTools protocol through a pair of pipes: real input, no driver to install."""

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
PIPES = """
import fcntl, os, sys
high = [fcntl.fcntl(int(n), fcntl.F_DUPFD_CLOEXEC, 10) for n in sys.argv[1:3]]
for low, n in zip((3, 4), high):  # where the protocol wants them
    os.dup2(n, low)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Chromium:
    """A browser with one page. Use as a context manager."""

    def __init__(self, width=1300, height=800):
        self.size, self.number, self.left, self.session = (width, height), 0, b"", None

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        their_in, self.out = os.pipe()
        self.inn, their_out = os.pipe()
        size = "--window-size={},{}".format(*self.size)
        command = [
            PROGRAM,
            *FLAGS,
            "--remote-debugging-pipe",
            f"--user-data-dir={self.folder.name}",
            size,
            "about:blank",
        ]
        self.process = subprocess.Popen(
            [sys.executable, "-c", PIPES, str(their_in), str(their_out), *command],
            pass_fds=(their_in, their_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(their_in)
        os.close(their_out)
        self.target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        self.call("Page.enable")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)
        os.close(self.inn)
        os.close(self.out)
        self.folder.cleanup()

    def call(self, method, **params):
        """The result of a DevTools method."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def _read(self):
        while b"\0" not in self.left:
            part = os.read(self.inn, 1 << 16)
            if not part:
                raise RuntimeError("Chromium has gone")
            self.left += part
        message, _, self.left = self.left.partition(b"\0")
        return json.loads(message)

    def open(self, address):
        self.call("Page.navigate", url=address)
        self.until("document.readyState === 'complete'")

    def close_page(self):
        """Close the page, whatever it has to say to that."""
        self.session = None
        self.call("Target.closeTarget", targetId=self.target)

    def run(self, script):
        """The value of a JavaScript expression."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"].get("description", script))
        return answer["result"].get("value")

    def until(self, script, seconds=60):
        """Wait until an expression holds."""
        end = time.monotonic() + seconds
        while not self.run(script):
            assert time.monotonic() < end, f"never came true: {script}"
            time.sleep(0.05)

    def press(self, key, *, ctrl=False):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, modifiers=2 if ctrl else 0)

    def mouse(self, points, pointer="mouse"):
        """Press at the first point, move through all, release at the last; in pixels of the page."""
        way = [("mousePressed", points[0]), *(("mouseMoved", point) for point in points), ("mouseReleased", points[-1])]
        for kind, (x, y) in way:
            held = {"button": "left", "buttons": 0 if kind == "mouseReleased" else 1, "clickCount": 1}
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, pointerType=pointer, **held)

    def touch(self, points):
        """The same with a finger."""
        for kind, at in [("touchStart", points[:1]), *(("touchMove", [p]) for p in points), ("touchEnd", [])]:
            self.call("Input.dispatchTouchEvent", type=kind, touchPoints=[{"x": x, "y": y} for x, y in at])

    def click(self, selector):
        """A real click in the middle of an element."""
        box = f"document.querySelector({selector!r}).getBoundingClientRect()"
        self.mouse([self.run(f"(b => [b.left + b.width / 2, b.top + b.height / 2])({box})")])

    def picture(self):
        """A screenshot as PNG bytes."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])
