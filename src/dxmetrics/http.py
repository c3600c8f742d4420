"""One HTTP client for every source: credentials, timeouts, retries that obey the server, and paging that ends.

What a failed request means is decided here, once:

    401                                             AuthError: the credential is refused everywhere
    429, 5xx, timeouts, a 403 that is a rate limit  tried again, then RetryableError
    any other 4xx                                   CollectError: this scope fails alone
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from dxmetrics.errors import AuthError, CollectError, RetryableError

ATTEMPTS = 6
LONGEST_WAIT = 120.0  # seconds; a server that asks for longer fails the scope until the next run
TIMEOUT = httpx2.Timeout(30.0, connect=10.0)
BACKOFF = wait_exponential_jitter(initial=1, max=60)


class _Asked(RetryableError):
    """A refusal in which the server says how long to wait."""

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class Client:
    """Requests to one host with one credential. `name` is the source's, so that messages say whose request failed.

    `etags` maps a URL to the ETag of its last answer: a GET of it is then conditional and may come back as 304. The
    caller keeps that mapping together with the rows it stands for, never before them.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        *,
        now: Callable[[], datetime],
        headers: Mapping[str, str] | None = None,
        etags: MutableMapping[str, str] | None = None,
        transport: httpx2.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = name
        self.etags = {} if etags is None else etags
        self._now = now
        self._client = httpx2.Client(
            base_url=base_url, headers=headers, timeout=TIMEOUT, transport=transport, follow_redirects=True
        )
        self._retrying = Retrying(
            retry=retry_if_exception_type(RetryableError),
            stop=stop_after_attempt(ATTEMPTS),
            wait=_wait,
            sleep=sleep,
            reraise=True,
        )

    def get(self, url: str, params: Mapping[str, Any] | None = None) -> httpx2.Response:
        """The answer to a GET: 2xx, or 304 where `etags` knows the URL and nothing changed."""
        return self.send("GET", url, params=params)

    def send(
        self, method: str, url: str, *, params: Mapping[str, Any] | None = None, json: Any = None
    ) -> httpx2.Response:
        """The successful answer; AuthError, RetryableError or CollectError say what failed and what to do."""
        return self._retrying(self._once, method, url, params, json)

    def linked_pages(self, url: str, params: Mapping[str, Any] | None = None) -> Iterator[httpx2.Response]:
        """Answers from `url` on along their `Link: rel="next"`; CollectError when a page names one already seen."""
        response = self.get(url, params)
        seen = {str(response.url)}
        yield response
        while following := response.links.get("next", {}).get("url"):
            following = str(response.url.join(following))
            if following in seen:
                raise CollectError(f"{self.name}: {following} comes again after {len(seen)} pages: paging is in a loop")
            seen.add(following)
            response = self.get(following)
            yield response

    def token_pages(
        self, fetch: Callable[[str | None], httpx2.Response], token_of: Callable[[httpx2.Response], str | None]
    ) -> Iterator[httpx2.Response]:
        """Answers of `fetch(token)`, from None on until `token_of` finds none; CollectError when one repeats."""
        token: str | None = None
        seen: set[str] = set()
        while True:
            response = fetch(token)
            yield response
            token = token_of(response)
            if not token:
                return
            if token in seen:
                raise CollectError(f"{self.name}: page token {token!r} comes again: paging is in a loop")
            seen.add(token)

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()

    def _once(self, method: str, url: str, params: Mapping[str, Any] | None, json: Any) -> httpx2.Response:
        request = self._client.build_request(method, url, params=params, json=json)
        key = str(request.url)
        if method == "GET" and key in self.etags:
            request.headers["If-None-Match"] = self.etags[key]
        try:
            response = self._client.send(request)
        except (httpx2.TimeoutException, httpx2.NetworkError, httpx2.RemoteProtocolError) as error:
            raise RetryableError(
                f"{self.name}: {request.url.host} does not answer ({error}): try again later"
            ) from error
        except httpx2.HTTPError as error:
            raise CollectError(f"{self.name}: {method} {request.url.path} failed: {error}") from error
        if response.is_success or response.status_code == httpx2.codes.NOT_MODIFIED:
            if "etag" in response.headers:
                self.etags[key] = response.headers["etag"]
            return response
        raise self._refusal(response)

    def _refusal(self, response: httpx2.Response) -> CollectError:
        """What this answer means for the caller."""
        place = f"{self.name}: {response.status_code} on {response.url.path}"
        if response.status_code == httpx2.codes.UNAUTHORIZED:
            variable = f"DX_{self.name.upper().replace('-', '_')}__TOKEN"
            return AuthError(f"{place}: the token is refused: create a new one and set {variable}")
        wait = self._asked_wait(response)
        is_limited = response.status_code == httpx2.codes.TOO_MANY_REQUESTS or (
            response.status_code == httpx2.codes.FORBIDDEN and wait is not None
        )
        if is_limited or response.is_server_error:
            if wait is None:
                return RetryableError(f"{place}: try again later")
            if wait > LONGEST_WAIT:
                return CollectError(f"{place}: the server asks to wait {wait:.0f} s: collect again after that")
            return _Asked(f"{place}: the server asks to wait {wait:.0f} s: try again later", wait)
        if response.status_code == httpx2.codes.FORBIDDEN:
            return CollectError(f"{place}: the token may not read this: give it the permission, or leave the scope out")
        return CollectError(f"{place}: {response.text[:200]}")

    def _asked_wait(self, response: httpx2.Response) -> float | None:
        """Seconds the server asks to wait, by `Retry-After` or an exhausted rate limit; None if it does not say."""
        asked = response.headers.get("retry-after")
        if asked is not None and asked.strip().isdigit():
            return float(asked)
        if asked is not None:
            try:
                moment = parsedate_to_datetime(asked)
            except ValueError:
                return None  # not in the form RFC 9110 gives it: our own pace then
            return max(0.0, (moment - self._now()).total_seconds())
        reset = response.headers.get("x-ratelimit-reset", "")
        if response.headers.get("x-ratelimit-remaining") == "0" and reset.isdigit():
            return max(0.0, float(reset) - self._now().timestamp())
        return None


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    return error.seconds if isinstance(error, _Asked) else BACKOFF(state)
