"""People: accounts, and the addresses a server shows of them."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from dxmetrics.errors import AuthError, CollectError, LimitedError, RetryableError
from dxmetrics.records import Identity

from ..git.accounts import kind_of  # noqa: TID252  (mypy knows sources by their folder only)
from .api import Row, only

if TYPE_CHECKING:
    from .api import Api

FIELDS = ("id", "login", "full_name", "email", "html_url")
GHOST = -1  # the id of whoever is deleted; other negative ones are the server's own robots

User = Mapping[str, Any] | None


def account(user: User) -> str | None:
    """The account's id; None for one that was deleted."""
    return str(user["id"]) if user and user.get("id") and user["id"] != GHOST else None


class Accounts:
    """The accounts met in a run, each as the server tells it at best.

    Whether an address is shown differs from list to list (who merged is always told without): an account met without
    is asked for by its name, once, so that it is the same wherever it is met.
    """

    def __init__(self, api: Api) -> None:
        self._api = api
        self._known: dict[str, Row] = {}
        self._may_ask = True
        self._lock = threading.Lock()

    def told(self, users: Iterable[User]) -> list[Row]:
        """The Identity payloads of these, each once."""
        met: dict[str, Row] = {}
        for user in users:
            name = account(user)
            if user is not None and name is not None and (name not in met or not _address(met[name])):
                met[name] = only(user, FIELDS)
        with self._lock:
            for name, user in met.items():
                if _address(user):
                    self._known[name] = user
                elif name not in self._known:
                    self._known[name] = self._asked(user)
            return [self._known[name] for name in met]

    def _asked(self, user: Row) -> Row:
        """The account as it is told by itself; as it was met, where the token may not ask."""
        if not self._may_ask or user["id"] < 0 or not user.get("login"):
            return user
        try:
            return only(self._api.one(f"users/{user['login']}"), FIELDS)
        except (AuthError, LimitedError, RetryableError):
            raise
        except CollectError as error:
            self._may_ask = ": 403 on " not in str(error)
            return user


def identity(payload: Mapping[str, Any]) -> Identity:
    """An account. The server does not tell programs from people: names do."""
    login, name, email = payload["login"], payload.get("full_name") or "", _address(payload)
    kind: Any = "bot" if payload["id"] < 0 else kind_of(name, login, email or "")
    return Identity(
        ext_id=str(payload["id"]),
        url=payload.get("html_url") or None,
        login=login,
        name=name or None,
        email=email,
        kind=kind,
    )


def _address(user: Mapping[str, Any]) -> str | None:
    """The mail address, unless it is the one that stands for a hidden one."""
    email = user.get("email") or ""
    return email if "@" in email and "noreply" not in email.rpartition("@")[2] else None
