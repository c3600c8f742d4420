"""A client of a server that answers as told, with a clock that moves only when the client sleeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat
from typing import Any

import httpx2

from dxmetrics.http import Client

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
Answer = httpx2.Response | Exception
Respond = Callable[[httpx2.Request], httpx2.Response]


class Scripted:
    """`answers` come in turn, the last one for ever, or are made by `respond`. `seen` are the requests that arrived,
    `waits` the seconds slept.
    """

    def __init__(self, *answers: Answer, respond: Respond | None = None, now: datetime = NOON) -> None:
        self.now = now
        self.waits: list[float] = []
        self.seen: list[httpx2.Request] = []
        self._coming: Iterator[Answer] = chain(answers, repeat(answers[-1])) if answers else iter(())
        self._respond = respond or self._next

    def client(self, base_url: str = "https://forge.test/api", name: str = "forge", **options: Any) -> Client:
        transport = httpx2.MockTransport(self._handle)
        return Client(name, base_url, now=lambda: self.now, transport=transport, sleep=self.sleep, **options)

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += timedelta(seconds=seconds)

    def _handle(self, request: httpx2.Request) -> httpx2.Response:
        self.seen.append(httpx2.Request(request.method, request.url, headers=request.headers, content=request.content))
        return self._respond(request)

    def _next(self, request: httpx2.Request) -> httpx2.Response:
        answer = next(self._coming)
        if isinstance(answer, Exception):
            raise answer
        # A new object each time: the client closes what it has read.
        return httpx2.Response(answer.status_code, headers=answer.headers, content=answer.content)


def epoch(**later: float) -> str:
    """NOON and `timedelta(**later)` in seconds since 1970, as rate limit headers have it."""
    return str(int((NOON + timedelta(**later)).timestamp()))


def date(moment: datetime) -> dict[str, str]:
    """The `Date` header of an answer at that moment."""
    return {"date": f"{moment:%a, %d %b %Y %H:%M:%S GMT}"}
