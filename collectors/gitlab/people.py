"""People: the accounts of authors, reviewers and those who deploy."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from dxmetrics.records import ActorKind, Identity

from ..git.accounts import kind_of  # noqa: TID252  (mypy knows sources by their folder only)
from . import queries
from .api import AT_ONCE, Api, nodes, number_of

GHOST = "ghost"  # whose everything is that a deleted account has left
MADE_FOR_TOKENS = re.compile(r"^(?:project|group)_\d+_bot")
AGENTS = re.compile(r"^(?:gitlab-?duo|duo-)|-duo$", re.IGNORECASE)
KINDS: Mapping[Any, ActorKind] = {True: "bot", False: "human"}


def account(user: Mapping[str, Any] | None) -> str | None:
    """The account's id; None for one that was deleted."""
    return number_of(user) if user and user.get("username") != GHOST else None


def everybody(users: Iterable[Mapping[str, Any] | None]) -> list[Mapping[str, Any]]:
    """The accounts, each once."""
    return list({number_of(user): user for user in users if user and account(user)}.values())


class People:
    """Accounts as REST lists them, which does not say who is a bot: they are looked up once in a run."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._known: dict[str, Mapping[str, Any]] = {}

    def looked_up(self, users: Iterable[Mapping[str, Any] | None]) -> list[Mapping[str, Any]]:
        """The accounts, each once, as GraphQL tells them; as they are where it does not."""
        wanted = everybody(users)
        unknown = [user for user in wanted if number_of(user) not in self._known]
        for start in range(0, len(unknown), AT_ONCE):
            some = unknown[start : start + AT_ONCE]
            asked = [f"gid://gitlab/User/{number_of(user)}" for user in some]
            found = nodes(self._api.query(queries.USERS, ids=asked, n=AT_ONCE).data.get("users"))
            self._known |= {number_of(user): _named(user) for user in some} | {number_of(user): user for user in found}
        return [self._known[number_of(user)] for user in wanted]


def _named(user: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: user.get(name) for name in ("id", "username", "name")}


def identity(payload: Mapping[str, Any]) -> Identity:
    """An account. GitLab hides the names of some bots behind asterisks."""
    login, name = payload["username"], (payload.get("name") or "").strip("*")
    told = KINDS.get(payload.get("bot"), "bot" if MADE_FOR_TOKENS.match(login) else "unknown")
    is_agent = AGENTS.search(login) or kind_of("", login, "") == "agent"
    return Identity(ext_id=number_of(payload), login=login, name=name or None, kind="agent" if is_agent else told)
