"""Teams of an organisation and who is in them, once a day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from dxmetrics.collectors import Cursor, Page
from dxmetrics.collectors.hosts import memberships
from dxmetrics.records import Identity, Membership, Team

from .api import Api, Row, at_once, explained
from .people import Accounts, account


def read(api: Api, accounts: Accounts, organisation: str, cursor: Cursor | None, now: datetime) -> Iterator[Page]:
    """The teams of an organisation and their members."""
    kept = cursor or {}
    with explained("teams", "teams"):
        teams = api.rows(f"orgs/{organisation}/teams")
        members = at_once(lambda one: api.rows(f"teams/{one['id']}/members"), teams)
    told: list[Row] = [{"organisation": organisation, "id": one["id"], "name": one["name"]} for one in teams]
    present = {
        team_id(one): {name for user in people if (name := account(user))}
        for one, people in zip(told, members, strict=True)
    }
    rows, known = memberships(present, kept.get("known"), now.date())
    yield Page(rows={Team: told}, snapshot=True, is_last=True)
    yield Page(
        rows={Membership: rows, Identity: accounts.told(user for people in members for user in people)},
        cursor={"read_at": now.isoformat(), "known": known},
    )


def team_id(payload: Mapping[str, Any]) -> str:
    """A team as CODEOWNERS names it: `org/team`."""
    return f"{payload['organisation']}/{payload['name']}"


def team(payload: Mapping[str, Any]) -> Team:
    """A team; there are none within others."""
    return Team(ext_id=team_id(payload), name=payload["name"])
