"""Teams, and who is in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from dxmetrics.collectors import Cursor, Page
from dxmetrics.collectors.hosts import memberships
from dxmetrics.records import Identity, Membership, Team

from . import queries
from .api import Api, nodes
from .people import account, everybody


def read(api: Api, owner: str, cursor: Cursor | None, now: datetime) -> Iterator[Page]:
    """The teams of an organisation and their members."""
    kept = cursor or {}
    path = ("organization", "teams")
    teams = [one for page, _ in api.pages(queries.TEAMS, path, f"teams of {owner}", owner=owner) for one in page]
    api.complete([(one, queries.MEMBERS) for one in teams])
    members = {one["combinedSlug"]: nodes(one["members"]) for one in teams}
    present = {slug: {account(one) or "" for one in people} for slug, people in members.items()}
    rows, known = memberships(present, kept.get("known"), now.date())
    yield Page(rows={Team: [_trimmed(one) for one in teams]}, snapshot=True, is_last=True)
    yield Page(
        rows={Membership: rows, Identity: everybody(one for people in members.values() for one in people)},
        cursor={"read_at": now.isoformat(), "known": known},
    )


def _trimmed(node: Mapping[str, Any]) -> dict[str, Any]:
    """A team without its members, who are rows of their own."""
    return {key: value for key, value in node.items() if key != "members"}


def team(node: Mapping[str, Any]) -> Team:
    """A team; its id has the organisation in it, as CODEOWNERS names it."""
    return Team(
        ext_id=node["combinedSlug"],
        url=node.get("url"),
        name=node["name"],
        parent=(node.get("parentTeam") or {}).get("combinedSlug"),
    )
