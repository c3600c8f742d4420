"""API tokens for those who push or read: shown once, kept as a hash.

A token is `dx_<id>_<secret>`. The id finds its row; the SHA-256 of the whole is compared in constant time. A fast hash
is right here: the secret is 32 random bytes, which nobody guesses, and it is checked with every request.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Row, insert, select, update

from dxmetrics.errors import TokenRefused
from dxmetrics.state.tables import api_tokens

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from typing import Any

    from dxmetrics.state.database import Database

USE_NOTED_EVERY = timedelta(minutes=5)  # a request in between costs no write

SURVEYS = "surveys"  # the scope of a token that may open, invite, remind and close on the Surveys page
REPORTS = "reports"  # the scope of a token that may keep, write and send on the Reports page
READ = "read"  # the scope of a token that may read every number and its rows
BADGE = "badge"  # the scope of a token that may stand in the address of a badge; `badge:NAME` shows only that one
INGEST = "ingest"  # the scope of a token that may push everything; `ingest:deployments` may push only those

_FORM = re.compile(r"dx_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")
_UNKNOWN = "the API token is not known here: look whether it was copied whole, or create another"


@dataclass(frozen=True)
class ApiToken:
    """What is known of a token; the secret is not."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None  # exact to `USE_NOTED_EVERY`
    revoked_at: datetime | None

    def may_push(self, endpoint: str) -> bool:
        """Whether it may push to this endpoint, such as `deployments`."""
        return INGEST in self.scopes or f"{INGEST}:{endpoint}" in self.scopes

    @property
    def may_read(self) -> bool:
        """Whether it may read numbers."""
        return READ in self.scopes

    def may_show(self, badge: str) -> bool:
        """Whether it may show this badge, such as `deployments?service=pay`."""
        return BADGE in self.scopes or f"{BADGE}:{badge}" in self.scopes

    @property
    def is_for_badges(self) -> bool:
        """Whether it can do nothing but show badges, so that an address may hold it."""
        return all(scope.partition(":")[0] == BADGE for scope in self.scopes)


class Tokens:
    """The tokens that were given out."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, name: str, scopes: Iterable[str], expires_at: datetime | None) -> tuple[str, ApiToken]:
        """A new token: its text, which is not kept and cannot be shown again, and what is kept."""
        key = secrets.token_hex(6)
        text = f"dx_{key}_{secrets.token_urlsafe(32)}"
        token = ApiToken(key, name, tuple(scopes), self._database.clock(), expires_at, None, None)
        with self._database.writing() as connection:
            connection.execute(
                insert(api_tokens).values(
                    id=key,
                    name=name,
                    sha256=_digest(text),
                    scopes=list(token.scopes),
                    created_at=token.created_at,
                    expires_at=expires_at,
                )
            )
        return text, token

    def check(self, text: str) -> ApiToken:
        """The token of this text; what it may do is for the caller to see. TokenRefused: unknown, expired, revoked."""
        form = _FORM.fullmatch(text)
        if form is None:
            raise TokenRefused(_UNKNOWN)
        now = self._database.clock()
        with self._database.reading() as connection:
            row = connection.execute(select(api_tokens).where(api_tokens.c.id == form[1])).one_or_none()
        if not hmac.compare_digest(row.sha256 if row else bytes(32), _digest(text)) or row is None:
            raise TokenRefused(_UNKNOWN)
        token = _token(row)
        if token.revoked_at is not None:
            raise TokenRefused(f"API token {token.name!r} was revoked on {token.revoked_at:%Y-%m-%d}: create another")
        if token.expires_at is not None and token.expires_at <= now:
            raise TokenRefused(f"API token {token.name!r} expired on {token.expires_at:%Y-%m-%d}: create another")
        if token.last_used_at is None or not timedelta(0) <= now - token.last_used_at < USE_NOTED_EVERY:
            self._note_use(token.id, now)
        return token

    def revoke(self, id: str) -> bool:  # noqa: A002  # the column's name
        """End a token at once; False where there is none of this id that could still be used."""
        valid = update(api_tokens).where(api_tokens.c.id == id, api_tokens.c.revoked_at.is_(None))
        with self._database.writing() as connection:
            return connection.execute(valid.values(revoked_at=self._database.clock())).rowcount == 1

    def all(self) -> list[ApiToken]:
        """Every token that was ever given out, the newest first."""
        with self._database.reading() as connection:
            rows = connection.execute(select(api_tokens).order_by(api_tokens.c.created_at.desc(), api_tokens.c.id))
            return [_token(row) for row in rows]

    def _note_use(self, key: str, now: datetime) -> None:
        with self._database.writing() as connection:
            connection.execute(update(api_tokens).where(api_tokens.c.id == key).values(last_used_at=now))


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _token(row: Row[Any]) -> ApiToken:
    return ApiToken(
        row.id, row.name, tuple(row.scopes), row.created_at, row.expires_at, row.last_used_at, row.revoked_at
    )
