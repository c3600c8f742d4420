"""People: the accounts of authors, reviewers and those who deploy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dxmetrics.records import ActorKind, Identity

from ..git.accounts import kind_of  # noqa: TID252  (mypy knows sources by their folder only)

KINDS: Mapping[str, ActorKind] = {
    "User": "human", "EnterpriseUserAccount": "human", "Mannequin": "human", "Bot": "bot", "Organization": "service",
}  # fmt: skip


def account(actor: Mapping[str, Any] | None) -> str | None:
    """The account's id; None for one that was deleted. Accounts of an enterprise have no id but their login."""
    return str(actor.get("databaseId") or actor["login"]) if actor else None


def everybody(actors: Iterable[Mapping[str, Any] | None]) -> list[Mapping[str, Any]]:
    """The accounts, each once."""
    return list({account(actor): actor for actor in actors if actor}.values())


def identity(payload: Mapping[str, Any]) -> Identity:
    """An account."""
    login = payload["login"]
    told = KINDS.get(payload.get("__typename", ""), "unknown")
    is_agent = kind_of("", login.removesuffix("[bot]"), "") == "agent"
    if told == "bot" and not login.endswith("[bot]"):
        login = f"{login}[bot]"  # as REST and commits show it: GraphQL leaves it out
    return Identity(
        ext_id=account(payload) or login,
        login=login,
        name=payload.get("name") or None,
        kind="agent" if is_agent else told,
    )
