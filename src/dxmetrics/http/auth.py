"""Credentials: how a request says who asks. None of them shows its secret in a repr or a message."""

from __future__ import annotations

import threading
import uuid
from base64 import b64encode
from collections.abc import Callable, Generator
from datetime import datetime, timedelta

import httpx2
import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from dxmetrics.errors import CollectError, RetryableError, SettingsError

RENEWED_BEFORE = timedelta(minutes=10)
CLOCK_DRIFT = timedelta(seconds=60)


class HeaderToken(httpx2.Auth):
    """A secret in a header of its own: `HeaderToken("PRIVATE-TOKEN", token)`."""

    def __init__(self, header: str, value: str) -> None:
        self.header = header
        self._value = _sendable(value)

    @property
    def account(self) -> str:
        """What clients with the same credential have in common."""
        return self._value

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        """Send the request with the header."""
        request.headers[self.header] = self._value
        yield request


class Bearer(HeaderToken):
    """`Authorization: Bearer TOKEN`."""

    def __init__(self, token: str) -> None:
        super().__init__("Authorization", f"Bearer {_sendable(token)}")


class Basic(HeaderToken):
    """`Authorization: Basic ...` of user and password; a token often stands for either."""

    def __init__(self, user: str, password: str) -> None:
        pair = f"{user.strip()}:{password.strip()}".encode()
        super().__init__("Authorization", f"Basic {b64encode(pair).decode()}")


class Refreshed(httpx2.Auth):
    """A token that ends soon and is asked for again, 10 minutes before it does and once when it is refused.

    `fetch` returns the token and the instant it ends at, by the clock `now` reads: give it `Client.server_time` of the
    client that fetches, and a wrong clock on this machine does not matter. `account` says whose token it is
    ("app 7, installation 21"), so that clients of the same account share a budget; left out: they do not.
    """

    def __init__(
        self,
        fetch: Callable[[], tuple[str, datetime]],
        now: Callable[[], datetime],
        scheme: str = "Bearer",
        *,
        account: str | None = None,
    ) -> None:
        self.account = account or uuid.uuid4().hex
        self._fetch = fetch
        self._now = now
        self._scheme = scheme
        self._lock = threading.Lock()
        self._token: str | None = None
        self._renewed_at: datetime | None = None

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        """Send the request with the token of now, and once more with a new one if that is refused."""
        token = self._current(refused=None)
        request.headers["Authorization"] = f"{self._scheme} {token}"
        response = yield request
        if response.status_code == httpx2.codes.UNAUTHORIZED:
            request.headers["Authorization"] = f"{self._scheme} {self._current(refused=token)}"
            yield request

    def _current(self, refused: str | None) -> str:
        """The token to send, which is not `refused`; threads that need a new one at the same time fetch it once."""
        with self._lock:
            is_due = self._renewed_at is not None and self._now() >= self._renewed_at
            if self._token is None or is_due or self._token == refused:
                self._token, self._renewed_at = self._fetched()
            return self._token

    def _fetched(self) -> tuple[str, datetime | None]:
        try:
            token, ends_at = self._fetch()
        except RetryableError as error:  # tried again to its end in there: not once more by the request that waits
            raise CollectError(f"{error} (when a new token was asked for)") from error
        lifetime = ends_at - self._now()
        if lifetime <= timedelta(0):
            return _sendable(token), None  # one of the clocks is wrong: the token serves until it is refused
        return _sendable(token), ends_at - min(RENEWED_BEFORE, lifetime / 2)


def signed_jwt(private_key_pem: str, issuer: str, now: Callable[[], datetime], minutes: int = 9) -> str:
    """A JSON web token of `issuer`, signed RS256, that ends in `minutes`; SettingsError for a key that is none."""
    issued_at = now()
    claims = {
        "iat": int((issued_at - CLOCK_DRIFT).timestamp()),
        "exp": int((issued_at + timedelta(minutes=minutes)).timestamp()),
        "iss": issuer,
    }
    return jwt.encode(claims, _rsa_key(private_key_pem), algorithm="RS256")


def _rsa_key(pem: str) -> rsa.RSAPrivateKey:
    text = pem.replace("\\n", "\n").strip()  # an environment variable often has \n where the key has line breaks
    try:
        key = load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None  # and without the cause below, which may quote what it cannot read
    if not isinstance(key, rsa.RSAPrivateKey):
        raise SettingsError(
            "the private key cannot be used: give the whole RSA key in PEM form, without a passphrase, from "
            "'-----BEGIN' to 'PRIVATE KEY-----'"
        )
    return key


def _sendable(secret: str) -> str:
    """The secret without the line break a file or a shell leaves at its end; SettingsError if no header can hold it."""
    secret = secret.strip()
    if not secret or not secret.isascii() or not secret.isprintable():
        raise SettingsError("the token is empty or has characters no token has: copy it again, whole and in one line")
    return secret
