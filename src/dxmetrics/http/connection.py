"""The way to one server: its address, its credential, certificates and proxy, and what each answer teaches."""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from dxmetrics import __version__
from dxmetrics.errors import CollectError, OverloadError, RetryableError, SettingsError
from dxmetrics.http.auth import HeaderToken, Refreshed
from dxmetrics.http.budget import Budgets
from dxmetrics.http.limits import served_at
from dxmetrics.http.refusal import PUBLIC_HEADERS, Shown

CONNECT_TIMEOUT = 10.0
SAFE_METHODS = frozenset({"GET", "HEAD"})
HEADERS = {"accept": "application/json", "user-agent": f"dxmetrics/{__version__}"}

log = logging.getLogger(__name__)


class Connection:
    """Single requests to one server with one credential, each in a place of the budget.

    The credential goes to the server of `base_url` only, wherever a redirect or an absolute address leads.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        *,
        now: Callable[[], datetime],
        auth: httpx2.Auth | None,
        headers: Mapping[str, str] | None,
        budgets: Budgets,
        concurrency: int,
        proxy: str | None,
        ca_file: Path | None,
        timeout: float,
        transport: httpx2.BaseTransport | None,
        sleep: Callable[[float], None],
    ) -> None:
        self.name = name
        self.home = _server(name, base_url)
        self._now = now
        self._sleep = sleep
        self._ahead = timedelta(0)
        sent = httpx2.Headers(HEADERS)
        sent.update(headers)
        try:
            self._client = httpx2.Client(
                base_url=base_url,
                headers=sent,
                auth=auth,
                timeout=httpx2.Timeout(timeout, connect=min(timeout, CONNECT_TIMEOUT)),
                transport=transport,
                proxy=proxy if transport is None else None,
                verify=_trusting(name, ca_file) if ca_file else True,
                event_hooks={"request": [self._leaves], "response": [self._arrives]},
            )
        except (ValueError, ImportError, httpx2.InvalidURL):  # without the cause: an address may hold a password
            raise SettingsError(
                f"{name}: the proxy's address cannot be used: write `proxy` (or HTTPS_PROXY, ALL_PROXY) as http://HOST:PORT"
            ) from None
        account = auth.account if isinstance(auth, HeaderToken | Refreshed) else sent.get("authorization", "")
        self._is_anonymous = auth is None and not account
        self.budget = budgets.of(self.home.netloc.decode(), account, concurrency, now)

    def send(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, Any] | None,
        json: Any,
        headers: Mapping[str, str],
        lane: str,
    ) -> httpx2.Response:
        """The server's answer, whatever it is; a request that gets none raises what that means.

        `params` are added to those of the url; one that is None is left out.
        """
        try:
            given = {name: value for name, value in (params or {}).items() if value is not None}
            address = self.at_home(url).copy_merge_params(given) if given else self.at_home(url)
            request = self._client.build_request(method, address, json=json, headers=headers)
        except httpx2.InvalidURL as error:
            raise CollectError(f"{self.name}: {url[:200]!r} is no address: {error}") from error
        with self.budget.slot(self.name, lane, self._sleep):
            started = time.perf_counter()
            outcome: int | str = "stopped"
            try:
                response = self._client.send(request, follow_redirects=method in SAFE_METHODS)
                outcome = response.status_code
            except httpx2.HTTPError as error:
                outcome = type(error).__name__
                raise _broken(self.name, request.url, error) from error
            finally:
                seconds = time.perf_counter() - started
                place = f"host={request.url.host} path={request.url.path}"
                log.debug("method=%s %s status=%s seconds=%.3f", method, place, outcome, seconds)
        return response

    def at_home(self, url: httpx2.URL | str) -> httpx2.URL:
        """The address to ask: a server behind a proxy that ends TLS may link to itself by http, which is mended."""
        address = httpx2.URL(url)
        if address.host == self.home.host and address.scheme == "http" and self.home.scheme == "https":
            return address.copy_with(scheme="https", port=self.home.port)
        return address

    def is_home(self, url: httpx2.URL) -> bool:
        """Whether the address is on the server that the credential is for (the same one's https included)."""
        is_upgrade = (self.home.scheme, self.home.port) == ("http", None) and (url.scheme, url.port) == ("https", None)
        return url.host == self.home.host and (url.origin == self.home.origin or is_upgrade)

    def shown(self, request: httpx2.Request) -> Shown:
        """Which credential the server of this request got to see."""
        if not self.is_home(request.url):
            return "none, as it is another server"
        return "none" if self._is_anonymous else "own"

    def server_time(self) -> datetime:
        """Now by the server's clock, as its last answer told it; by this machine's before the first."""
        return self._now() + self._ahead

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()

    def _leaves(self, request: httpx2.Request) -> None:
        """Called for every request that goes out, also for those that follow a redirect."""
        self.budget.count()
        if not self.is_home(request.url):
            for header in set(request.headers) - PUBLIC_HEADERS:
                del request.headers[header]

    def _arrives(self, response: httpx2.Response) -> None:
        """Called for every answer, also for those that are a redirect or ask for a new token."""
        if not self.is_home(response.request.url):
            return
        self.budget.learn(response)
        if (moment := served_at(response)) is not None:
            self._ahead = moment - self._now()


def _server(name: str, base_url: str) -> httpx2.URL:
    """The parsed address; SettingsError if it is none."""
    try:
        url = httpx2.URL(base_url)
    except httpx2.InvalidURL:
        url = httpx2.URL("")
    if url.scheme not in {"http", "https"} or not url.host or url.userinfo:
        shown = base_url.rpartition("@")[2]  # without user and password
        raise SettingsError(f"{name}: {shown!r} is no address of a server: write `url` as https://HOST")
    return url


def _trusting(name: str, ca_file: Path) -> ssl.SSLContext:
    """The system's authorities and those of the file."""
    trusted = httpx2.create_ssl_context()
    try:
        trusted.load_verify_locations(cafile=ca_file)
    except OSError as error:
        raise SettingsError(
            f"{name}: ca_file {str(ca_file)!r} cannot be used ({error}): name a file with certificates in PEM form"
        ) from error
    return trusted


def _broken(name: str, url: httpx2.URL, error: httpx2.HTTPError) -> CollectError:
    """What it means that a request got no whole answer."""
    place = f"{name}: {url.host}"
    if (refused := _certificate_error(error)) is not None:
        return CollectError(
            f"{place} has a certificate that is not trusted here ({refused.verify_message}): name the "
            "certificate file of your own authority in `ca_file`, or correct `url`"
        )
    if isinstance(error, httpx2.ReadTimeout | httpx2.WriteTimeout):
        return OverloadError(f"{place} does not answer {url.path} in time: try again later, or raise `timeout_seconds`")
    if isinstance(error, httpx2.TimeoutException | httpx2.NetworkError):
        return RetryableError(
            f"{place} cannot be reached ({_reason(error)}): check `url` and `proxy`, or try again later"
        )
    if isinstance(error, httpx2.RemoteProtocolError | httpx2.DecodingError):
        return RetryableError(f"{place} broke off its answer to {url.path} ({_reason(error)}): try again later")
    if isinstance(error, httpx2.ProxyError):
        return CollectError(f"{name}: the proxy lets nothing through to {url.host} ({_reason(error)}): correct `proxy`")
    if isinstance(error, httpx2.TooManyRedirects):
        return CollectError(f"{place} redirects {url.path} in a circle: check `url`")
    # Without its text: of a request that cannot be sent it may quote a header.
    return CollectError(f"{place} cannot be asked for {url.path} ({type(error).__name__}): check `url` and the token")


def _reason(error: httpx2.HTTPError) -> str:
    return str(error) or type(error).__name__


def _certificate_error(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    """The failed verification that this error comes from."""
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error
