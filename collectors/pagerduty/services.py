"""Services and teams: which there are, and which of them are read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from dxmetrics.collectors.feeds import Feed, Position, Slice
from dxmetrics.errors import CollectError, SettingsError
from dxmetrics.records import Record, Service, Team

from .api import UTC_TIMES, Api, Payload, is_refused

if TYPE_CHECKING:
    from .settings import PagerDutySettings

EVERY = timedelta(hours=20)  # once a day, whenever the day's first run is
KEPT = ("id", "name", "html_url", "created_at", "status", "teams")


@dataclass(frozen=True)
class Selection:
    """The names of the services and teams that are read, by their ids; none: all are."""

    services: Mapping[str, str] = field(default_factory=dict)
    teams: Mapping[str, str] = field(default_factory=dict)

    @property
    def of_teams(self) -> Mapping[str, Sequence[str]]:
        """The parameter that all lists but that of teams have."""
        return {"team_ids[]": list(self.teams)} if self.teams else {}

    @property
    def of_incidents(self) -> Mapping[str, Sequence[str]]:
        """The parameters of the list of incidents."""
        return {**self.of_teams, **({"service_ids[]": list(self.services)} if self.services else {})}

    def has_service(self, service: Payload | None) -> bool:
        """Whether a service is read."""
        return not self.services or (service or {}).get("id") in self.services


def selected(api: Api, settings: PagerDutySettings) -> Selection:
    """What the settings name; SettingsError for a name that nothing has."""
    return Selection(
        _found(api, "services", settings.services, _services(api, Selection()) if settings.services else ()),
        _found(api, "teams", settings.teams, _teams(api, Selection()) if settings.teams else ()),
    )


def _found(api: Api, what: str, wanted: Sequence[str], listed: Sequence[Payload]) -> Mapping[str, str]:
    names = {row["id"]: str(row["name"]) for row in listed}
    ids = {name.casefold(): key for key, name in names.items()} | {key.casefold(): key for key in names}
    unknown = [name for name in wanted if name.casefold() not in ids]
    if unknown:
        raise SettingsError(
            f"{api.name}: {what} {', '.join(map(repr, unknown))} are not there: set `{what}` in [sources.{api.name}] to"
            f" some of {', '.join(sorted(names.values())) or 'none, as the key sees none'}"
        )
    return {ids[name.casefold()]: names[ids[name.casefold()]] for name in sorted(wanted)}


def services(api: Api, selection: Selection, now: datetime) -> Feed:
    """Services and teams, once a day; once a week those that are gone are found."""
    return Feed("services", (), partial(_read, api, selection, now), sweep=partial(_present, api, selection))


def _read(api: Api, selection: Selection, now: datetime, position: Position) -> Slice:
    asked_at = position.memo.get("asked_at")
    if asked_at and now - datetime.fromisoformat(asked_at) < EVERY:
        return Slice({}, is_end=True, served_at=api.client.server_time())
    rows: dict[type[Record], list[Payload]] = {Service: _services(api, selection), Team: _teams(api, selection)}
    return Slice(rows, is_end=True, served_at=api.client.server_time(), memo={"asked_at": now.isoformat()})


def _present(api: Api, selection: Selection) -> Iterator[Mapping[type[Record], Sequence[str]]]:
    services_there = [service(row).ext_id for row in _services(api, selection)]
    yield {Service: services_there, Team: [team(row).ext_id for row in _teams(api, selection)]}


def _services(api: Api, selection: Selection) -> list[Payload]:
    rows = api.rows("services", {**UTC_TIMES, **selection.of_teams})
    return [{name: row.get(name) for name in KEPT} for row in rows if selection.has_service(row)]


def _teams(api: Api, selection: Selection) -> list[Payload]:
    try:
        return [row for row in api.rows("teams", {}) if not selection.teams or row["id"] in selection.teams]
    except CollectError as error:
        if is_refused(error, 402):  # the account's plan has no teams
            return []
        raise


def slug(name: str) -> str:
    """A team as other sources call it: `Team Payments` -> `team-payments`."""
    return re.sub(r"\W+", "-", name.casefold()).strip("-") or name


def service(payload: Mapping[str, Any]) -> Service:
    """A service by its name, which is what deployments call it too; of several teams the first owns it."""
    owners = [slug(one["summary"]) for one in payload.get("teams") or () if one.get("summary")]
    return Service(
        ext_id=payload["name"],
        url=payload.get("html_url"),
        name=payload["name"],
        team=next(iter(owners), None),
        created_at=payload.get("created_at"),
    )


def team(payload: Mapping[str, Any]) -> Team:
    """A team by its slug, so that it is the team of that name in other sources."""
    parent = (payload.get("parent") or {}).get("summary")
    return Team(
        ext_id=slug(payload["name"]),
        url=payload.get("html_url"),
        name=payload["name"],
        parent=slug(parent) if parent else None,
    )
