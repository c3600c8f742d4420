"""People: the accounts of authors, reviewers and those who deploy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dxmetrics.records import ActorKind, Identity

from ..git.accounts import kind_of  # noqa: TID252  (mypy knows sources by their folder only)
from .api import Payload

KINDS: Mapping[str, ActorKind] = {"user": "human", "appuser": "bot"}


def user_fields(path: str) -> tuple[str, ...]:
    """What to ask of the account at `path`."""
    return tuple(f"{path}.{name}" for name in ("uuid", "nickname", "display_name", "type"))


def account(user: Payload | None) -> str | None:
    """The account's id; None where it was deleted."""
    return (user or {}).get("uuid")


def everybody(users: Iterable[Payload | None]) -> list[Payload]:
    """The accounts, each once."""
    return list({user["uuid"]: user for user in users if user and user.get("uuid")}.values())


def identity(payload: Mapping[str, Any]) -> Identity:
    """An account."""
    name, login = payload.get("display_name") or "", payload.get("nickname") or ""
    told = KINDS.get(str(payload.get("type", "")).lower().replace("_", ""), "unknown")
    by_name = kind_of(name, login, "")
    return Identity(
        ext_id=payload["uuid"],
        login=login or None,
        name=name or None,
        kind="agent" if by_name == "agent" else "bot" if by_name == "bot" else told,
    )
