"""Teams, who is in them, and which team owns a repository."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from dxmetrics.collectors import Cursor, Page
from dxmetrics.collectors.hosts import memberships
from dxmetrics.records import Identity, Membership, Team

from . import mapping, queries
from .api import Api

if TYPE_CHECKING:
    from .repositories import Listed

EVERY = timedelta(hours=20)  # once a day, whenever the day's first run is


def read(api: Api, owner: str, cursor: Cursor | None, now: datetime) -> Iterator[Page]:
    """The teams of an organisation and their members; nothing within a day of the last time."""
    kept = cursor or {}
    if kept.get("read_at") and now - datetime.fromisoformat(kept["read_at"]) < EVERY:
        return
    teams = list(api.connection(queries.TEAMS, ("organization", "teams"), owner=owner))
    people: dict[str, Any] = {}
    present: dict[str, set[str]] = {}
    for team in teams:
        members = list(members_of(api, team))
        present[team["combinedSlug"]] = {mapping.account(one) or "" for one in members}
        people |= {mapping.account(one) or "": {"__typename": "User", **one} for one in members}
    rows, known = memberships(present, kept.get("known"), today(now))
    yield Page(rows={Team: [trimmed(team) for team in teams]}, snapshot=True, is_last=True)
    yield Page(
        rows={Membership: rows, Identity: list(people.values())},
        cursor={"read_at": now.isoformat(), "known": known},
    )


def members_of(api: Api, team: Any) -> Iterator[Any]:
    """Everybody in a team; of a large one page after page."""
    listed = team["members"]
    yield from (one for one in listed["nodes"] or () if one)
    while listed["pageInfo"]["hasNextPage"]:
        answer = api.query(queries.MEMBERS, id=team["id"], after=listed["pageInfo"]["endCursor"])
        listed = answer.data["node"]["members"]
        yield from (one for one in listed["nodes"] or () if one)


def trimmed(team: Any) -> dict[str, Any]:
    """A team without its members, who are rows of their own."""
    return {key: value for key, value in team.items() if key != "members"}


def today(now: datetime) -> date:
    """The day, in UTC."""
    return now.date()


def owner_of(api: Api, repo: Listed) -> str | None:
    """The team that owns all of a repository by its CODEOWNERS; None where that says none, or is not there."""
    found = api.query(queries.OWNERS, owner=repo.owner, name=repo.name).data.get("repository") or {}
    texts = (found.get(place) for place in ("first", "second", "third"))
    text = next((one["text"] for one in texts if one and one.get("text")), None)
    return mapping.owner_of_everything(text)
