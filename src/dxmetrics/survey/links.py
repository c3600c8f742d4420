"""Links into a survey: signed, for one use, and saying nothing of their holder but the cohort.

A link holds wave, cohort, expiry and a nonce. A personal link's nonce is derived from the wave's key and the address,
so that a person gets the same link again with a reminder though no table says whose nonce is whose; with the key, which
is removed when the wave closes, nobody can derive it any more.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from itsdangerous import BadSignature, Signer

from dxmetrics.errors import LinkRefused

NONCE_BYTES = 16
PATH = "survey"

FORGED = "this link is not one of ours: copy it whole from the invitation"
EXPIRED = "this link has expired"
USED = "this link was used already: each one answers once"
CLOSED = "this survey is closed"


@dataclass(frozen=True)
class Link:
    """What a link says."""

    wave: str
    cohort: int
    expires: datetime
    nonce: bytes


def sign(key: bytes, link: Link) -> str:
    """The link as URL-safe text, about 85 characters."""
    said = f"{link.wave}.{link.cohort}.{int(link.expires.timestamp()):x}.{_text(link.nonce)}"
    return _signer(key).sign(said).decode()


def wave_of(token: str) -> str:
    """The wave a link says it is of, which nobody has verified; LinkRefused where it says nothing of the kind."""
    return _read(token.rpartition(".")[0]).wave


def verify(key: bytes, token: str, now: datetime) -> Link:
    """What a link of the wave with this key says; LinkRefused: forged, or expired."""
    try:
        link = _read(_signer(key).unsign(token).decode())
    except BadSignature:
        raise LinkRefused("forged", FORGED) from None
    if now >= link.expires:
        raise LinkRefused("expired", EXPIRED)
    return link


def digest(nonce: bytes) -> bytes:
    """What is kept of a nonce once its link is spent."""
    return hashlib.sha256(nonce).digest()


def personal_nonce(key: bytes, address: str) -> bytes:
    """The nonce of a person in the wave with this key: always the same one, whatever the address' letter case."""
    said = address.strip().casefold().encode()
    return hmac.new(key, b"nonce\0" + said, hashlib.sha256).digest()[:NONCE_BYTES]


def random_nonce() -> bytes:
    """A nonce for a link that is handed out to nobody in particular."""
    return secrets.token_bytes(NONCE_BYTES)


def url(base: str, token: str, language: str | None = None) -> str:
    """The address to open; `base` is where developers reach the web process."""
    query = f"?{urlencode({'lang': language})}" if language else ""
    return f"{base.rstrip('/')}/{PATH}/{token}{query}"


def _signer(key: bytes) -> Signer:
    return Signer(key, salt="dxmetrics.survey.link", digest_method=hashlib.sha256, key_derivation="hmac")


def _read(said: str) -> Link:
    try:
        wave, cohort, expires, nonce = said.split(".")
        link = Link(wave, int(cohort), datetime.fromtimestamp(int(expires, 16), UTC), _bytes(nonce))
    except (ValueError, OverflowError, OSError):
        raise LinkRefused("forged", FORGED) from None
    return link


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError(text) from error
