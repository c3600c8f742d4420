"""Groups as teams, and who is in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from dxmetrics.collectors import Cursor, Page
from dxmetrics.collectors.hosts import memberships
from dxmetrics.records import Identity, Membership, Team

from . import queries
from .api import Api, Node, explained, follower, nodes
from .people import account, everybody


def read(api: Api, group: str, cursor: Cursor | None, now: datetime) -> Iterator[Page]:
    """A group, those below it and their members."""
    kept = cursor or {}
    with explained(group, "teams", "a membership"):
        groups = _groups(api, group)
        members = {one["fullPath"]: _members(api, one) for one in groups}
    present = {path: {account(user) or "" for user in users} for path, users in members.items()}
    rows, known = memberships(_deepest(present), kept.get("known"), now.date())
    yield Page(rows={Team: [_trimmed(one) for one in groups]}, snapshot=True, is_last=True)
    yield Page(
        rows={Membership: rows, Identity: everybody(user for users in members.values() for user in users)},
        cursor={"read_at": now.isoformat(), "known": known},
    )


def _groups(api: Api, group: str) -> list[Node]:
    """The group and all below it."""
    found: list[Node] = []
    path = ("group", "descendantGroups")
    for page, answer in api.pages(queries.TEAMS, path, f"group {group}", path=group):
        found += page if found else [answer.data["group"], *page]
    return found


def _members(api: Api, group: Node) -> list[Node]:
    """The accounts that are members of a group itself."""
    found = nodes(group.get("groupMembers"))
    if follower(group.get("groupMembers")):
        path, name = ("group", "groupMembers"), group["fullPath"]
        found = [one for page, _ in api.pages(queries.MEMBERS, path, f"group {name}", path=name) for one in page]
    return [one["user"] for one in found if account(one.get("user"))]


def _deepest(present: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Who is in a group and in one below it, is in that below only: the one above has everybody."""
    return {
        path: people - set().union(*(others for below, others in present.items() if below.startswith(f"{path}/")))
        for path, people in present.items()
    }


def _trimmed(group: Mapping[str, Any]) -> dict[str, Any]:
    """A group without its members, who are rows of their own, and those below it."""
    return {name: group.get(name) for name in ("fullPath", "name", "webUrl", "parent")}


def team(group: Mapping[str, Any]) -> Team:
    """A group by its whole path, as CODEOWNERS names it."""
    return Team(
        ext_id=group["fullPath"],
        url=group.get("webUrl"),
        name=group["name"],
        parent=(group.get("parent") or {}).get("fullPath"),
    )
