"""The server: authentication, rate headers, faults, and what was asked; in the process, or on loopback."""

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

import httpx2

from . import graphql, rest
from .faults import Fault
from .rest import Reply
from .world import World

QUOTA = 2_000


class Server(httpx2.BaseTransport):
    """A GitLab below `root`. It is a transport; as a context it answers on loopback, at `url`.

    `token` is the one that is accepted (None: any). `lacks` are fields that this version does not know, `hidden` lists
    that the token may not read, `forbidden` parts of REST paths that it may not.
    """

    def __init__(
        self, world: World, *, token: str | None = None, root: str = "", seconds_per_request: float = 0
    ) -> None:
        self.world = world
        self.token = token
        self.root = root
        self.seconds_per_request = seconds_per_request
        self.limit = graphql.LIMIT
        self.lacks: frozenset[tuple[str, str]] = frozenset()
        self.hidden: frozenset[str] = frozenset()
        self.forbidden: frozenset[str] = frozenset()
        self.coming: list[Fault] = []
        self.by_chance: Callable[[], Fault | None] | None = None
        self.asked: list[str] = []  # `GET /projects/7/pipelines`, or the name of a query
        self.scores: dict[str, int] = {}  # the highest of each query
        self.mistakes: list[Exception] = []
        self.url = f"{world.host}{root}"
        self._lock = threading.Lock()

    def counted(self) -> Counter[str]:
        """How often each thing was asked, numbers left out."""
        return Counter("/".join("*" if part.isdecimal() else part for part in one.split("/")) for one in self.asked)

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> tuple[Reply, Fault | None]:
        """The answer to a request, and the fault that spoils it."""
        parts = urlsplit(target)
        path, text = parts.path.removeprefix(f"{self.root}/api"), body.decode()
        with self._lock:
            self.world.wait(seconds=self.seconds_per_request)
            asked = json.loads(text) if text else {}
            name = str(asked.get("query", "")).split("(")[0].split(" ")[-1]
            self.asked.append(name or f"{method} {path.removeprefix('/v4')}")
            fault = self._fault(path, text, int((asked.get("variables") or {}).get("n") or 0))
            if fault and fault.change:
                fault.change(self.world)
            if fault and fault.status is not None:
                return Reply(fault.status, fault.body, fault.headers), fault
            if self.token is not None and headers.get("private-token") != self.token:
                return Reply(401, {"message": "401 Unauthorized"}), fault
            if path == "/graphql":
                return self._graphql(name, asked, fault), fault
            if any(part in path for part in self.forbidden):
                return Reply(403, {"message": "403 Forbidden"}), fault
            base = f"{self.url.removesuffix(self.root)}{self.root}"
            reply = rest.respond(self.world, base, path.removeprefix("/v4"), parse_qsl(parts.query))
            return Reply(reply.status, reply.body, {**reply.headers, **self._rate()}), fault

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer in the process."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        reply, fault = self.answer(request.method, request.url.raw_path.decode(), headers, request.read())
        if fault and fault.drops:
            raise httpx2.ReadError("connection reset by the fake")
        return httpx2.Response(
            reply.status, headers={**self._common(), **reply.headers}, content=_written(reply, fault), request=request
        )

    def _fault(self, path: str, text: str, size: int) -> Fault | None:
        for fault in self.coming:
            if fault.hits(path, text, size):
                fault.times -= 1
                return fault
        chance = self.by_chance() if self.by_chance else None
        return chance if chance and chance.hits(path, text, size) else None

    def _graphql(self, name: str, asked: Mapping[str, Any], fault: Fault | None) -> Reply:
        try:
            execution = graphql.Execution(
                self.world,
                asked["query"],
                asked.get("variables") or {},
                self.limit,
                self.lacks,
                self.hidden,
                expires_cursors=bool(fault and fault.expires_cursors),
            )
        except graphql.QueryError as error:
            return Reply(200, {"errors": error.errors}, self._rate())
        self.scores[name] = max(self.scores.get(name, 0), execution.complexity)
        return Reply(200, execution.body(), self._rate())

    def _rate(self) -> dict[str, str]:
        left = max(1, QUOTA - len(self.asked) % QUOTA)
        reset = int((self.world.now + timedelta(minutes=1)).timestamp())
        return {"ratelimit-limit": str(QUOTA), "ratelimit-remaining": str(left), "ratelimit-reset": str(reset)}

    def _common(self) -> dict[str, str]:
        moment = format_datetime(self.world.now.replace(microsecond=0), usegmt=True)
        return {"date": moment, "content-type": "application/json"}

    # -- on loopback --------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self._http = _Http(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._http.server_port}{self.root}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the server; what it could not answer by a mistake of the fake, or of a query's, is raised."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()
        if self.mistakes:
            raise self.mistakes[0]


def _written(reply: Reply, fault: Fault | None) -> bytes:
    whole = b"" if reply.body is None else json.dumps(reply.body).encode()
    return whole[: len(whole) // 2] if fault and fault.cut else whole


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

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                reply, fault = server.answer(self.command, self.path, headers, body)
            except Exception as error:
                server.mistakes.append(error)
                reply, fault = Reply(400, {"message": f"{type(error).__name__}: {error}"}), None
            if fault and fault.drops:
                self.close_connection = True
                return
            content = _written(reply, fault)
            self.send_response_only(reply.status)
            for name, value in {**server._common(), **reply.headers, "content-length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)
            self.wfile.flush()

        do_GET = _answer  # noqa: N815 - http.server calls it so
        do_POST = _answer  # noqa: N815

    return Handler
