"""The server on loopback: authentication, rate headers, ETags, faults, and a count of what was asked."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from . import graphql, rest
from .faults import Fault, Faults
from .rest import Reply
from .world import World

LIMIT = 5_000


class Server:
    """A context: `url` answers while it is entered. `token` is the one that is accepted; None: any."""

    def __init__(self, world: World, *, token: str | None = None, seconds_per_request: float = 0) -> None:
        self.world = world
        self.token = token
        self.seconds_per_request = seconds_per_request
        self.faults = Faults()
        self.by_chance: Callable[[], Fault | None] | None = None
        self.requests: Counter[str] = Counter()
        self.asked: list[str] = []
        self.targets: list[str] = []  # the same with what stands behind the path
        self.points: Counter[str] = Counter()
        self.mistakes: list[Exception] = []
        self._lock = threading.Lock()
        self.url = "http://127.0.0.1"

    def __enter__(self) -> Self:
        self._http = _Http(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the server; what it could not answer by a mistake of the fake, or of a query's, is raised."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()
        if self.mistakes:
            raise self.mistakes[0]

    def reset_counts(self) -> None:
        """Count anew."""
        self.requests.clear()
        self.points.clear()
        self.asked.clear()
        self.targets.clear()

    def respond(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> tuple[Reply, Fault | None]:
        """The answer to a request, and the fault that spoils it."""
        parts = urlsplit(target)
        path = parts.path.removeprefix("/api/v3").replace("/api/graphql", "/graphql")
        text = body.decode()
        with self._lock:
            self.world.wait(seconds=self.seconds_per_request)
            kind = "graphql" if path == "/graphql" else "rest"
            self.requests[kind] += 1
            self.asked.append(f"{method} {path}")
            self.targets.append(f"{method} {path}?{parts.query}")
            query = json.loads(text) if kind == "graphql" else {}
            size = int((query.get("variables") or {}).get("n") or 0)
            fault = self.faults.take(path, text, size) or self._chance(path, text, size)
            if fault and fault.change:
                fault.change(self.world)
            if fault and fault.status is not None:
                return Reply(fault.status, fault.body, fault.headers), fault
            if not self._is_known(path, headers):
                return Reply(401, {"message": "Bad credentials"}), fault
            if kind == "graphql":
                return self._graphql(query, fault), fault
            reply = rest.respond(self.world, method, path, dict(parse_qsl(parts.query)), self.url)
            return self._conditional(reply, headers), fault

    def _chance(self, path: str, text: str, size: int) -> Fault | None:
        fault = self.by_chance() if self.by_chance else None
        return fault if fault and fault.hits(path, text, size) else None

    def _is_known(self, path: str, headers: Mapping[str, str]) -> bool:
        given = headers.get("authorization", "")
        if path.startswith("/app/") or path.endswith("/installation"):
            return given.startswith("Bearer ey")
        return self.token is None or given.split(" ")[-1] in {self.token, "ghs_installation"}

    def _graphql(self, asked: Mapping[str, Any], fault: Fault | None) -> Reply:
        query = graphql.compiled(asked["query"])
        remaining = LIMIT - self.points["graphql"]
        execution = graphql.Execution(self.world, query, asked.get("variables") or {}, remaining)
        if fault and fault.expires_cursors:
            execution.expired = lambda _: True
        try:
            data = execution.data()
        except graphql.QueryError as error:
            return Reply(200, {"data": None, "errors": [error.error]}, self._rate("graphql"))
        self.points["graphql"] += execution.cost
        body = {"data": data} | ({"errors": execution.errors} if execution.errors else {})
        return Reply(200, body, self._rate("graphql"))

    def _conditional(self, reply: Reply, headers: Mapping[str, str]) -> Reply:
        """The reply with its ETag; an empty 304, for no points, to one who knows it already."""
        if reply.status != 200:
            self.points["core"] += 1
            return Reply(reply.status, reply.body, {**reply.headers, **self._rate("core")})
        tag = rest.etag(reply.body)
        if headers.get("if-none-match") == tag:
            return Reply(304, None, {"etag": tag, **self._rate("core")})
        self.points["core"] += 1
        return Reply(200, reply.body, {**reply.headers, "etag": tag, **self._rate("core")})

    def _rate(self, resource: str) -> dict[str, str]:
        reset = self.world.now + timedelta(minutes=30)
        return {
            "x-ratelimit-limit": str(LIMIT), "x-ratelimit-remaining": str(LIMIT - self.points[resource]),
            "x-ratelimit-reset": str(int(reset.timestamp())), "x-ratelimit-resource": resource,
            "x-ratelimit-used": str(self.points[resource]),
        }  # fmt: skip


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def log_message(self, *_: object) -> None:
            """Nothing on stderr."""

        def date_time_string(self, timestamp: float | None = None) -> str:
            return format_datetime(server.world.now, usegmt=True)

        def _answer(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            body = self.rfile.read(length)
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                reply, fault = server.respond(self.command, self.path, headers, body)
            except Exception as error:
                server.mistakes.append(error)
                reply, fault = Reply(400, {"message": f"{type(error).__name__}: {error}"}), None
            if fault and fault.drops:
                self.close_connection = True
                return
            written = b"" if reply.body is None else json.dumps(reply.body).encode()
            if fault and fault.replace:
                old, new = fault.replace
                written = written.replace(old.encode(), new.encode())
            if fault and fault.cut:
                written = written[: len(written) // 2]
            self.send_response_only(reply.status)
            skew = timedelta(minutes=fault.skew_minutes if fault else 0)
            self.send_header("Date", format_datetime(server.world.now + skew, usegmt=True))
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(written)))
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(written)
            self.wfile.flush()

        do_GET = _answer  # noqa: N815 - http.server calls it so
        do_POST = _answer  # noqa: N815

    return Handler
