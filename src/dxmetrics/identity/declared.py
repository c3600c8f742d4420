"""What the organisation says about itself in dx.toml or CSV files, as ordinary records of the source `project`.

Every way in which a person is referred to (name, address, account, and what a membership says) becomes an Identity, so
that a membership's `person` is found in `core.identities` like any author.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from dxmetrics.errors import SettingsError
from dxmetrics.records import Identity, Membership, Record, Service, Team
from dxmetrics.settings import Settings
from dxmetrics.settings.checking import Model, checked
from dxmetrics.settings.entries import MemberEntry, PersonEntry, ServiceEntry, TeamEntry

LIST_SEPARATOR = ";"


def declared(settings: Settings, folder: Path) -> dict[type[Record], list[Record]]:
    """Teams, memberships, services and people of `settings` and the CSV files it names (relative to `folder`)."""
    organisation = settings.organisation
    people = [*settings.people, *_read(PersonEntry, folder, organisation.people_csv)]
    services = [*settings.services, *_read(ServiceEntry, folder, organisation.services_csv)]
    teams = [*settings.teams, *_teams(folder, organisation.teams_csv)]
    _refuse_twice("people", (person.name for person in people))
    _refuse_twice("services", (service.name for service in services))
    memberships = [membership for team in teams for membership in _memberships(team)]
    by_key: dict[type[Record], Iterable[Record]] = {
        Team: _team_records(teams, services),
        Membership: memberships,
        Service: map(_service_record, services),
        Identity: _identities(people, memberships),
    }
    return {record: list({row.ext_id: row for row in rows}.values()) for record, rows in by_key.items()}


def _team_records(teams: Sequence[TeamEntry], services: Sequence[ServiceEntry]) -> Iterator[Record]:
    """Each team named anywhere; later rows of a key win, so the declared ones come last."""
    named = [team.parent for team in teams] + [service.team for service in services]
    for name in filter(None, named):
        yield Team(ext_id=name, name=name)
    for team in sorted(teams, key=lambda team: team.parent is not None):
        yield Team(ext_id=team.name, name=team.name, parent=team.parent)


def _memberships(team: TeamEntry) -> Iterator[Membership]:
    for member in team.members:
        if member.valid_from and member.valid_to and member.valid_to <= member.valid_from:
            raise SettingsError(
                f"team {team.name!r}: {member.person!r} leaves on {member.valid_to}, before joining on "
                f"{member.valid_from}: correct valid_from or valid_to"
            )
        since = f"/{member.valid_from}" if member.valid_from else ""
        yield Membership(
            ext_id=f"{team.name}/{member.person}{since}",
            team=team.name,
            person=member.person,
            valid_from=member.valid_from,
            valid_to=member.valid_to,
        )


def _service_record(entry: ServiceEntry) -> Service:
    return Service(ext_id=entry.name, **entry.model_dump())


def _identities(people: Sequence[PersonEntry], memberships: Sequence[Membership]) -> Iterator[Record]:
    for membership in memberships:
        email = membership.person if "@" in membership.person else None
        yield Identity(ext_id=membership.person, email=email)
    for person in people:
        for account in filter(None, (*person.accounts, person.email, person.name)):
            email = account if "@" in account else None
            yield Identity(ext_id=account, name=person.name, email=email, kind=person.kind, person=person.name)


def _teams(folder: Path, file: Path | None) -> list[TeamEntry]:
    """The teams of a CSV file with one line per membership; a line without a person only names the team."""
    if file is None:
        return []
    found: dict[str, dict[str, Any]] = {}
    for place, row in _rows(folder / file):
        unknown = set(row) - {"team", "parent", *MemberEntry.model_fields}
        if unknown or "team" not in row:
            raise SettingsError(
                f"{place}: columns are {', '.join(row)}: use team, parent, person, valid_from, valid_to"
            )
        team = found.setdefault(row["team"], {"name": row["team"], "members": []})
        team["parent"] = row.get("parent") or team.get("parent")
        if "person" in row:
            member = {key: value for key, value in row.items() if key in MemberEntry.model_fields}
            team["members"].append(checked(MemberEntry, member, place))
    return [TeamEntry(**team) for team in found.values()]


def _read(model: type[Model], folder: Path, file: Path | None) -> list[Model]:
    return [checked(model, _split(model, row), place) for place, row in _rows(folder / file)] if file else []


def _split(model: type[BaseModel], row: Mapping[str, str]) -> dict[str, Any]:
    """The row with its list columns as lists."""
    lists = {name for name, field in model.model_fields.items() if str(field.annotation).startswith("tuple")}
    return {
        name: [part.strip() for part in value.split(LIST_SEPARATOR) if part.strip()] if name in lists else value
        for name, value in row.items()
    }


def _rows(file: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Each line's place and its filled columns."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            for row in reader:
                place = f"{file.name} line {reader.line_num}"
                if None in row:
                    raise SettingsError(f"{place}: more values than columns: quote values with commas")
                filled = {name.strip(): (value or "").strip() for name, value in row.items()}
                yield place, {name: value for name, value in filled.items() if value}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SettingsError(f"{file}: cannot be read: {error}") from error


def _refuse_twice(what: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise SettingsError(f"{what}: {name!r} is named twice: keep one")
        seen.add(name)
