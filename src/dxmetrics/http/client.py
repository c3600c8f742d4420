"""What a source asks its server through: limits obeyed, retries bounded, paging that ends."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx2

from dxmetrics.errors import CollectError, OverloadError, RetryableError
from dxmetrics.http.budget import LONGEST_WAIT, Budgets, limited
from dxmetrics.http.connection import SAFE_METHODS, Connection
from dxmetrics.http.graphql import Answer, Judge, answer
from dxmetrics.http.limits import asked_wait
from dxmetrics.http.paging import has_more, may_ask_for_less, rows_of
from dxmetrics.http.refusal import WaitError, is_web_page, login_page, refusal

ATTEMPTS = 6
ATTEMPTS_BEFORE_LESS = 2  # the caller asks for less then
LONGEST_BACKOFF = 60.0
FIRST_BLIND_WAIT = 60.0  # seconds, where a server limits without saying for how long

T = TypeVar("T")
Params = Mapping[str, Any]
Headers = Mapping[str, str]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Call:
    """A request to make. `is_safe`: sending it twice does no harm. `lane`: what it is held with, see Budget."""

    method: str
    url: str
    params: Params | None = None
    json: Any = None
    headers: Headers | None = None
    etag: str | None = None
    is_safe: bool | None = None
    lane: str = "rest"

    @property
    def may_repeat(self) -> bool:
        return self.method in SAFE_METHODS if self.is_safe is None else self.is_safe


class Client:
    """Requests to one server with one credential. `name` is the source's, so that messages say whose request failed.

    Every method returns the successful answer or raises what `dxmetrics.http.refusal` lists. Waits and retries happen
    inside, and hold none of the `concurrency` places meanwhile. Redirects are followed on GET and HEAD; the credential
    goes to the server of `base_url` only. Threads may share a client.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        *,
        now: Callable[[], datetime],
        auth: httpx2.Auth | None = None,
        headers: Headers | None = None,
        budgets: Budgets | None = None,
        concurrency: int = 4,
        proxy: str | None = None,
        ca_file: Path | None = None,
        timeout: float = 30.0,
        transport: httpx2.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = name
        self._now = now
        self._sleep = sleep
        self._connection = Connection(
            name,
            base_url,
            now=now,
            auth=auth,
            headers=headers,
            budgets=budgets or Budgets(),
            concurrency=concurrency,
            proxy=proxy,
            ca_file=ca_file,
            timeout=timeout,
            transport=transport,
            sleep=sleep,
        )
        self.budget = self._connection.budget

    def get(
        self, url: str, params: Params | None = None, *, etag: str | None = None, headers: Headers | None = None
    ) -> httpx2.Response:
        """The answer to a GET: 2xx, or 304 where it still has the `etag`. Keep an ETag with the rows it stands for."""
        return self.send("GET", url, params=params, etag=etag, headers=headers)

    def send(
        self,
        method: str,
        url: str,
        *,
        params: Params | None = None,
        json: Any = None,
        headers: Headers | None = None,
        etag: str | None = None,
        is_safe: bool | None = None,
    ) -> httpx2.Response:
        """The successful answer, whole if it is JSON. What broke on the way is sent again only if `is_safe`; left out:
        GET and HEAD are."""
        return self._ask(_Call(method, url, params, json, headers, etag, is_safe), self._sound)

    def json(
        self,
        url: str,
        params: Params | None = None,
        *,
        method: str = "GET",
        json: Any = None,
        headers: Headers | None = None,
        is_safe: bool | None = None,
    ) -> Any:
        """The body, parsed; None where there is none (204). Half a body is asked for again, then RetryableError."""
        return self._ask(_Call(method, url, params, json, headers, is_safe=is_safe), self._parsed)

    def graphql(
        self, query: str, variables: Mapping[str, Any], *, url: str = "graphql", judge: Judge | None = None
    ) -> Answer:
        """The answer to a query, which may be sent twice: it must change nothing.

        `judge(errors)` decides on errors inside a 200: the CollectError to raise, or None to accept the data there is.
        A RetryableError of it is tried again here, an OverloadError goes out at once, as the same would fail again.
        Without a judge any error is a CollectError.
        """
        body = {"query": query, "variables": dict(variables)}
        call = _Call("POST", url, json=body, is_safe=True, lane="graphql")
        found = self._ask(
            call, lambda response: answer(self.name, response, self._parsed(response), judge, self._now())
        )
        if isinstance(found, OverloadError):
            raise found
        return found

    def pages(
        self, url: str, params: Params | None = None, *, headers: Headers | None = None
    ) -> Iterator[httpx2.Response]:
        """Answers with JSON from `url` on along `Link: rel="next"`; CollectError when a page names one already seen."""
        call = _Call("GET", url, params, headers=headers)
        seen: set[httpx2.URL] = set()
        while True:
            response = self._ask(call, self._whole)
            yield response
            link = response.links.get("next", {}).get("url")
            if not link:
                return
            seen.add(self._connection.at_home(response.url))
            following = self._connection.at_home(response.url.join(link))
            if not self._connection.is_home(following):
                raise CollectError(
                    f"{self.name}: the next page is said to be at {following.host}, where the token does not belong: "
                    "set `url` to the address that the server gives itself"
                )
            if following in seen:
                raise CollectError(
                    f"{self.name}: {following.path} comes again after {len(seen)} pages: paging is in a loop"
                )
            call = _Call("GET", str(following), headers=headers)

    def numbered_pages(
        self,
        url: str,
        params: Params | None = None,
        *,
        page: str = "page",
        size: tuple[str, int] = ("per_page", 100),
        items: str | None = None,
        headers: Headers | None = None,
    ) -> Iterator[list[Any]]:
        """The rows of pages 1, 2, ... until one is empty, short or said to be the last; `items` is their key in a body.

        CollectError when a page is the first one or the one before again: the server ignores the number.
        """
        first: list[Any] = []
        previous: list[Any] = []
        met = number = 0
        while True:
            number += 1
            numbered = {**(params or {}), size[0]: size[1], page: number}
            call = _Call("GET", url, numbered, headers=headers)
            response, body = self._ask(call, lambda response: (response, self._parsed(response)))
            rows = rows_of(f"{self.name}: {response.request.url.path}", body, items)
            if not rows:
                return
            if rows in (first, previous):
                raise CollectError(f"{self.name}: page {number} of {url} has come before: paging is in a loop")
            yield rows
            met += len(rows)
            if not has_more(response, met, is_full=len(rows) >= size[1]):
                return
            first, previous = first or rows, rows

    def token_pages(self, fetch: Callable[[str | None], T], token_of: Callable[[T], str | None]) -> Iterator[T]:
        """What `fetch(token)` returns, from None on until `token_of` finds none; CollectError when one comes again."""
        token: str | None = None
        seen: set[str] = set()
        while True:
            found = fetch(token)
            yield found
            token = token_of(found)
            if not token:
                return
            if token in seen:
                raise CollectError(f"{self.name}: page token {token!r} comes again: paging is in a loop")
            seen.add(token)

    def server_time(self) -> datetime:
        """Now by the server's clock, as its last answer told it; by this machine's before the first."""
        return self._connection.server_time()

    def close(self) -> None:
        """Let the connections go."""
        self._connection.close()

    # -- one request, as often as it takes and is worth ---------------------------------------------------------------

    def _ask(self, call: _Call, read: Callable[[httpx2.Response], T]) -> T:
        attempt = 0
        while True:
            attempt += 1
            try:
                return read(self._once(call))
            except WaitError as wait:
                self._obey(wait, call, attempt)
            except RetryableError as error:
                is_shrinking = isinstance(error, OverloadError) and may_ask_for_less()
                if not call.may_repeat or attempt >= (ATTEMPTS_BEFORE_LESS if is_shrinking else ATTEMPTS):
                    raise
                self._sleep(_jittered(min(LONGEST_BACKOFF, 2.0 ** (attempt - 1))))

    def _once(self, call: _Call) -> httpx2.Response:
        headers = dict(call.headers or {})
        if call.etag:
            headers["if-none-match"] = call.etag
        response = self._connection.send(
            call.method, call.url, params=call.params, json=call.json, headers=headers, lane=call.lane
        )
        if response.is_success:
            if is_web_page(response) and "json" in response.request.headers.get("accept", ""):
                raise login_page(self.name, response)
            self._slow_down(response)
            return response
        if call.etag and response.status_code == httpx2.codes.NOT_MODIFIED:
            return response
        raise refusal(self.name, response, self._now(), self._connection.shown(response.request))

    def _obey(self, wait: WaitError, call: _Call, attempt: int) -> None:
        """Hold what the server refuses; LimitedError when that is for too long, or refused again and again."""
        seconds = wait.seconds
        if seconds is None:
            seconds = min(LONGEST_WAIT, _jittered(FIRST_BLIND_WAIT * 2.0 ** (attempt - 1)))
        until = self._now() + timedelta(seconds=max(1.0, seconds))
        log.info("source=%s held_seconds=%.0f reason=%s", self.name, seconds, wait.reason)
        self.budget.pause(until, lane=call.lane if wait.is_quota else None, reason=wait.reason)
        if seconds > LONGEST_WAIT or attempt >= ATTEMPTS:
            raise limited(self.name, wait.reason, until, self._now()) from wait

    def _slow_down(self, response: httpx2.Response) -> None:
        """Azure DevOps asks for a pause inside a success, before it refuses."""
        seconds = asked_wait(response, self._now())
        if seconds:
            self.budget.pause(self._now() + timedelta(seconds=min(seconds, LONGEST_WAIT)))

    def _sound(self, response: httpx2.Response) -> httpx2.Response:
        """The answer, once it is known that what it says is JSON was not cut off."""
        return self._whole(response) if "json" in response.headers.get("content-type", "") else response

    def _whole(self, response: httpx2.Response) -> httpx2.Response:
        """The answer, once it is known that its body is whole."""
        self._parsed(response)
        return response

    def _parsed(self, response: httpx2.Response) -> Any:
        if not response.content:
            return None
        try:
            return response.json()
        except ValueError as error:
            place = f"{response.request.url.host}{response.request.url.path}"
            raise RetryableError(
                f"{self.name}: {place} does not answer with whole JSON ({error}): try again later"
            ) from error


def _jittered(seconds: float) -> float:
    """A little longer, so that those who were refused together do not come back together."""
    return seconds + random.uniform(0.0, min(5.0, seconds))  # noqa: S311  (no secret)
