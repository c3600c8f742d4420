"""A web server on loopback that keeps what it is sent and answers as told: to others Slack, Teams or a store."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Request:
    """One request; `path` has its query."""

    method: str
    path: str
    body: bytes
    authorization: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Sink:
    """`answers` has (status, JSON) by the beginning of a path; 200 and {"ok": true} for others."""

    port: int = 0
    seen: list[Request] = field(default_factory=list)
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def paths(self) -> list[str]:
        return [one.path.partition("?")[0] for one in self.seen]

    def answer(self, path: str) -> tuple[int, Any]:
        return next((told for begin, told in self.answers.items() if path.startswith(begin)), (200, {"ok": True}))


@contextmanager
def running_sink() -> Iterator[Sink]:
    """A sink that runs until the end of the block."""
    sink = Sink()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            sink.seen.append(Request(self.command, self.path, body, self.headers.get("authorization", "")))
            status, told = sink.answer(self.path)
            content = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("etag", '"1"')  # which object stores have to tell
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST  # noqa: N815
        do_PUT = do_POST  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        sink.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield sink
        finally:
            server.shutdown()
            thread.join()
