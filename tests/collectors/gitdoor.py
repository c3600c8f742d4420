"""A host that gives every request the same answer, and keeps what credential it was shown."""

from __future__ import annotations

import contextlib
import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Door:
    """The address of a repository behind it, and the `Authorization` header of each request."""

    url: str = ""
    shown: list[str | None] = field(default_factory=list)


@contextlib.contextmanager
def closed_door(status: int, location: str | None = None) -> Iterator[Door]:
    """A running `Door`; a redirect without `location` leads to where it was asked for."""
    made = Door()

    class Answering(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.shown.append(self.headers["Authorization"])
            self.send_response(status)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Location", location or self.path)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    made.url = f"http://127.0.0.1:{server.server_port}/a/b.git"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
