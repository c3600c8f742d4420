"""What an answer without success means for the caller, decided for every source here.

401, or a login page where data was asked for   AuthError: the credential is refused everywhere
429, a 403 that is a rate limit, Retry-After    waited for; LimitedError when that takes too long
502, 503, 504                                   OverloadError: tried again, then asked for less
other 5xx, 408                                  RetryableError, after several attempts
404, 410                                        NotFoundError
any other                                       CollectError: this scope fails alone
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import httpx2

from dxmetrics.errors import AuthError, CollectError, NotFoundError, OverloadError, RetryableError
from dxmetrics.http.limits import asked_wait, quota

# Headers that carry no secret: all a server other than the source's own gets to see.
PUBLIC_HEADERS = frozenset(
    {
        "accept", "accept-encoding", "accept-language", "connection", "content-length", "content-type", "host",
        "if-none-match", "transfer-encoding", "user-agent",
    }
)  # fmt: skip
LIMIT_WORDS = re.compile(r"rate limit|rate_limit|abuse detection|too many requests", re.IGNORECASE)
LOGIN_WORDS = re.compile(r"(?:^|[/._-])(?:log-?in|_?sign-?_?in|sso|saml2?|oauth2?)(?:$|[/._?-])", re.IGNORECASE)
REQUIRED_SCOPE = re.compile(r'scope="([^"]+)"')
EXCERPT = 200
SHORTEST_SECRET = 8  # characters; below are words such as Bearer
Shown = Literal["own", "none", "none, as it is another server"]
OVERLOADED = frozenset({502, 503, 504})
UNAVAILABLE = 503
PASSING = frozenset({408, 425})


class WaitError(RetryableError):
    """The server refuses for now. `seconds` is how long it asks to wait (None: it does not say); `is_quota`: only the
    quota that this request counts against is used up.
    """

    def __init__(self, message: str, reason: str, seconds: float | None, *, is_quota: bool) -> None:
        super().__init__(message)
        self.reason = reason
        self.seconds = seconds
        self.is_quota = is_quota


def refusal(name: str, response: httpx2.Response, now: datetime, shown: Shown) -> CollectError:
    """The error that this answer is; `shown` says which credential the server got to see."""
    place = f"{name}: {response.status_code} on {response.request.url.path}"
    status = response.status_code
    if (wait := wait_asked(name, response, now)) is not None:
        return wait
    if status == httpx2.codes.UNAUTHORIZED:
        return _unauthorised(name, place, response, shown)
    if status == httpx2.codes.FORBIDDEN:
        return CollectError(f"{place}: {_forbidden(response)}")
    if status in {httpx2.codes.NOT_FOUND, httpx2.codes.GONE}:
        return NotFoundError(f"{place}: it is not there, or the token may not see it: check its name, or give access")
    if status in OVERLOADED:
        return OverloadError(f"{place}: try again later")
    if response.is_server_error or status in PASSING:
        return RetryableError(f"{place}: try again later")
    if response.has_redirect_location:
        return _moved(name, place, response)
    return CollectError(f"{place}: {excerpt(response)}")


def wait_asked(name: str, response: httpx2.Response, now: datetime, words: str | None = None) -> WaitError | None:
    """What to wait for, where this answer is a limit; None where it is none. `words` stand for the body's own."""
    status, host = response.status_code, response.request.url.host
    place = f"{name}: {status} on {response.request.url.path}"
    seconds = asked_wait(response, now)
    if status == UNAVAILABLE and seconds is not None:
        reason = f"{host} is not available"
        return WaitError(f"{place}: {reason}", reason, seconds, is_quota=False)
    stated = quota(response, now)
    is_used_up = stated is not None and stated.remaining == 0
    is_limit = status == httpx2.codes.TOO_MANY_REQUESTS or (
        status in {httpx2.codes.FORBIDDEN, httpx2.codes.OK}
        and (seconds is not None or is_used_up or LIMIT_WORDS.search(response.text if words is None else words))
    )
    if not is_limit:
        return None
    if seconds is None and stated is not None and is_used_up and stated.seconds is not None:
        reason = f"the quota of {host} is used up"
        return WaitError(f"{place}: {reason}", reason, stated.seconds, is_quota=True)
    reason = f"{host} refuses more requests"
    return WaitError(f"{place}: {reason}", reason, seconds, is_quota=False)


def token_variable(name: str) -> str:
    """The environment variable that holds the token of source `name`."""
    return f"DX_{name.upper().replace('-', '_')}__TOKEN"


def login_page(name: str, response: httpx2.Response) -> AuthError:
    """The error of a web page that came where data was asked for."""
    return AuthError(
        f"{name}: {response.request.url.host} answers {response.status_code} with a web page where data was asked for: "
        f"the token is refused (create a new one and set {token_variable(name)}), or `url` is not that of the API"
    )


def is_web_page(response: httpx2.Response) -> bool:
    """Whether the answer is meant for a browser."""
    return "html" in response.headers.get("content-type", "").lower()


def excerpt(response: httpx2.Response) -> str:
    """The server's own words, short, and without what was secret in the request."""
    text = _words(response)
    for header, value in response.request.headers.items():
        if header not in PUBLIC_HEADERS:
            for word in value.split():
                text = text.replace(word, "***") if len(word) >= SHORTEST_SECRET else text
    return text[:EXCERPT]


def _words(response: httpx2.Response) -> str:
    """The message of a JSON body, else its text; nothing of a web page."""
    if is_web_page(response):
        return response.reason_phrase
    body = _body(response)
    for key in ("message", "error_description", "error"):
        said = body.get(key)
        if isinstance(said, Mapping):
            said = said.get("message")
        if isinstance(said, str) and said:
            return said
    return response.text or response.reason_phrase


def _body(response: httpx2.Response) -> Mapping[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}  # its text is shown as it is
    return body if isinstance(body, Mapping) else {}


def _unauthorised(name: str, place: str, response: httpx2.Response, shown: Shown) -> CollectError:
    if shown == "none, as it is another server":
        host = response.request.url.host
        return CollectError(f"{place}: {host} asks for a credential of its own, which this source does not have")
    if shown == "none":
        return AuthError(f"{place}: a token is needed: create one with read access and set {token_variable(name)}")
    return AuthError(f"{place}: the token is refused: create a new one and set {token_variable(name)}")


def _forbidden(response: httpx2.Response) -> str:
    """Which permission is missing, as far as the answer says, and what to do."""
    if response.headers.get("x-github-sso", "").startswith("required"):
        return "the organisation asks for single sign-on: authorise the token for it where it was created"
    missing = _missing(response)
    said = excerpt(response)
    if missing:
        return f"the token lacks {missing} ({said}): give it that permission, or leave this out"
    return f"the token may not read this ({said}): give it the permission, or leave this out"


def _missing(response: httpx2.Response) -> str | None:
    """The permission or scope that the answer names."""
    headers = response.headers
    if permissions := headers.get("x-accepted-github-permissions"):
        return f"the permission {permissions!r}"
    accepted, held = headers.get("x-accepted-oauth-scopes"), headers.get("x-oauth-scopes")
    if accepted and held is not None and not set(_listed(accepted)) & set(_listed(held)):
        return f"the scope {accepted!r} (it has {held or 'none'!r})"
    if found := REQUIRED_SCOPE.search(headers.get("www-authenticate", "")):
        return f"the scope {found[1]!r}"
    body = _body(response)
    if body.get("error") == "insufficient_scope" and isinstance(body.get("scope"), str):
        return f"the scope {body['scope']!r}"
    return None


def _listed(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _moved(name: str, place: str, response: httpx2.Response) -> CollectError:
    """A redirect that is not followed: to a login page, or to where the server lives now."""
    target = response.request.url.join(response.headers["location"])
    if LOGIN_WORDS.search(f"{target.host}{target.path}"):
        return login_page(name, response)
    return CollectError(f"{place}: it has moved to {target.scheme}://{target.host}{target.path}: correct `url`")
