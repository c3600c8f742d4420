"""Webhooks: how a vendor signs them, and which scopes of its source they are about.

A webhook is never mapped to records. It makes the poller look at once; polling stays the guarantee.

A signature scheme is a function that makes a `Verify`. All compare in constant time, over the bytes as they came, and
none lets anything pass where the secret is blank. Their messages hold neither the secret nor what was sent instead.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dxmetrics.errors import PayloadError, SignatureError

Headers = Mapping[str, str]  # names in lower case
Looks = tuple[str, ...] | None  # ids of scopes; None: all of them
Verify = Callable[[Headers, bytes, str, datetime], None]

TOLERANCE = timedelta(minutes=5)  # by which a sender's clock may be wrong, or a webhook late
SAME_SECRET = "set the same secret there and as webhook_secret of the source"  # noqa: S105  (it is advice)
LONGEST_ID = 200  # characters of a delivery's id, or of a name in a payload
SECONDS = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True)
class Webhook:
    """What the engine has to know of a vendor's webhooks.

    verify       raises SignatureError where headers and raw body are not signed with the secret as of now
    delivery_id  the same for the same delivery, however often it comes
    looks        the scopes to collect now; none: nothing that is read changed; None: the list of scopes did
    keep         what is kept of a body until then: all of it, or what `looks` needs where the rest is for nobody to see
    """

    verify: Verify
    delivery_id: Callable[[Headers, bytes], str]
    looks: Callable[[Headers, Mapping[str, Any]], Looks]
    keep: Callable[[bytes], bytes] = bytes


class UnsignedError(SignatureError):
    """The header that a scheme needs is not there."""


# -- signature schemes ------------------------------------------------------------------------------------------------


def hmac_sha256(header: str, prefix: str = "") -> Verify:
    """HMAC-SHA256 of the body in hex, after `prefix`; of several between commas one has to fit: secrets are rotated."""

    def verify(headers: Headers, body: bytes, secret: str, _now: datetime) -> None:
        signed = hmac.new(_key(secret), body, hashlib.sha256).hexdigest()
        given = [part.strip() for part in _header(headers, header).split(",")]
        if not _is_one_of(f"{prefix}{signed}", given):
            raise _wrong(header)

    return verify


def shared_token(header: str) -> Verify:
    """The secret itself."""

    def verify(headers: Headers, _body: bytes, secret: str, _now: datetime) -> None:
        expected, given = _key(secret), _header(headers, header)
        if not hmac.compare_digest(expected, _sent(given)):
            raise _wrong(header)

    return verify


def basic_password() -> Verify:
    """The secret as the password of basic authentication, for whichever user."""

    def verify(headers: Headers, _body: bytes, secret: str, _now: datetime) -> None:
        expected = _key(secret)
        scheme, _, coded = _header(headers, "authorization").partition(" ")
        if scheme.lower() != "basic":
            raise UnsignedError(f"authorization is not basic: choose basic authentication there; {SAME_SECRET}")
        try:
            _, _, password = base64.b64decode(_sent(coded.strip()), validate=True).partition(b":")
        except binascii.Error as error:
            raise _wrong("authorization") from error
        if not hmac.compare_digest(expected, password):
            raise _wrong("authorization")

    return verify


def standard_webhooks() -> Verify:
    """Standard Webhooks (https://www.standardwebhooks.com): `v1`, a symmetric signature of id, time and body.

    The secret is text, or base64 after `whsec_`. What is older than five minutes could be a copy of what once came.
    """

    def verify(headers: Headers, body: bytes, secret: str, now: datetime) -> None:
        key = _standard_key(secret)
        given = _header(headers, "webhook-signature").split()
        id_, timestamp = _header(headers, "webhook-id"), _header(headers, "webhook-timestamp")
        if not SECONDS.fullmatch(timestamp):
            raise SignatureError("webhook-timestamp is no number of seconds: send the seconds since 1970")
        late = now.timestamp() - int(timestamp)
        if abs(late) > TOLERANCE.total_seconds():
            raise SignatureError(
                f"webhook-timestamp {timestamp} is {abs(late):.0f} seconds {'ago' if late > 0 else 'ahead'}, more than"
                f" {TOLERANCE.total_seconds():.0f}: set the clocks of both machines"
            )
        signed = hmac.new(key, b".".join((_sent(id_), _sent(timestamp), body)), hashlib.sha256).digest()
        if not _is_one_of(f"v1,{base64.b64encode(signed).decode()}", given):
            raise _wrong("webhook-signature")

    return verify


def either(*schemes: Verify) -> Verify:
    """Any of these; where none fits, a wrong signature is told before a missing one."""

    def verify(headers: Headers, body: bytes, secret: str, now: datetime) -> None:
        refused: list[SignatureError] = []
        for scheme in schemes:
            try:
                scheme(headers, body, secret, now)
            except SignatureError as error:
                refused.append(error)
            else:
                return
        raise next((error for error in refused if not isinstance(error, UnsignedError)), refused[0])

    return verify


def _key(secret: str) -> bytes:
    if not secret.strip():
        raise SignatureError(f"webhook_secret is blank, which verifies nothing: {SAME_SECRET}")
    return secret.encode()


def _standard_key(secret: str) -> bytes:
    """The bytes that a secret in the form of Standard Webhooks stands for."""
    given = _key(secret)
    if not given.startswith(b"whsec_"):
        return given
    try:
        key = base64.b64decode(given.removeprefix(b"whsec_"), validate=True)
    except binascii.Error as error:
        raise SignatureError("webhook_secret has no base64 after whsec_: copy the whole secret again") from error
    if not key:
        raise SignatureError("webhook_secret has nothing after whsec_: copy the whole secret again")
    return key


def _header(headers: Headers, name: str) -> str:
    value = headers.get(name, "")
    if not value:
        raise UnsignedError(f"no header {name}: {SAME_SECRET}")
    return value


def _sent(text: str) -> bytes:
    """A header's bytes as they were sent: servers hand them on as Latin-1."""
    return text.encode("latin-1", "backslashreplace")


def _is_one_of(expected: str, given: list[str]) -> bool:
    return any(hmac.compare_digest(_sent(expected), _sent(one)) for one in given)


def _wrong(header: str) -> SignatureError:
    return SignatureError(f"{header} does not fit: {SAME_SECRET}, and let nothing on the way change the body")


# -- which delivery it is ---------------------------------------------------------------------------------------------


def delivery_id(*names: str) -> Callable[[Headers, bytes], str]:
    """The first of these headers that is there; the SHA-256 of the body where none can be kept."""

    def identify(headers: Headers, body: bytes) -> str:
        found = (headers.get(name, "") for name in names)
        return next(filter(_is_short_text, found), None) or digest(body)

    return identify


def digest(body: bytes) -> str:
    """What stands for a delivery that has no id: the same body is the same delivery."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def _is_short_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_ID and value.isprintable()


# -- reading a payload ------------------------------------------------------------------------------------------------


def field(payload: object, path: str) -> Any:
    """What stands at a path such as `repository.id`; None where nothing does."""
    found: Any = payload
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def text(payload: object, path: str) -> str:
    """The short text at a path; PayloadError where there is none."""
    found = field(payload, path)
    if not _is_short_text(found):
        raise _unreadable(path, "text")
    return str(found)


def number(payload: object, *paths: str) -> int:
    """The whole number at the first of these paths that has one; PayloadError where none has."""
    for path in paths:
        found = field(payload, path)
        if isinstance(found, int) and not isinstance(found, bool):
            return found
    raise _unreadable(" or ".join(paths), "number")


def _unreadable(path: str, kind: str) -> PayloadError:
    return PayloadError(f"the webhook has no {kind} at `{path}`: send the vendor's own payload, unchanged")
