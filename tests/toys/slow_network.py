"""A slow network: what goes to an address through it, or comes back, shares so many bytes a second."""

import contextlib
import socket
import threading
import time

BLOCK = 1 << 14


class SlowNetwork:
    """Listens at `port` of this machine and passes on to `target`. passed: bytes so far, both ways."""

    def __init__(self, target, rate):
        self.target, self.rate = target, rate
        self.passed, self.free_at, self.lock = 0, time.monotonic(), threading.Lock()
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self):
        """Take no more connections."""
        self.server.close()

    def _listen(self):
        with contextlib.suppress(OSError):
            while True:
                here, _ = self.server.accept()
                there = socket.create_connection(self.target)
                for pair in ((here, there), (there, here)):
                    threading.Thread(target=self._pass, args=pair, daemon=True).start()

    def _pass(self, source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(BLOCK):
                with self.lock:
                    self.free_at = max(self.free_at, time.monotonic()) + len(data) / self.rate
                    self.passed += len(data)
                    wait = self.free_at - time.monotonic()
                time.sleep(max(0.0, wait))
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
