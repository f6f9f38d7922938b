"""What tests of pages that commands serve share: a server in a thread, and asking it."""

from __future__ import annotations

import contextlib
import http.client
import threading


@contextlib.contextmanager
def serving(server):
    """A server that answers meanwhile."""
    with server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


def ask(server, method="GET", path="/", body=None, host=None, **headers):
    """Status, headers and body of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)
    connection.request(method, path, body, {"Host": host or server.host, **headers})
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read()
