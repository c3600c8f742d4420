"""The catalogue: entities as services, teams, accounts and members of teams."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from dxmetrics.collectors import Cursor, Page
from dxmetrics.collectors.catalogs import circular, has_looked, look, odd, tier_of
from dxmetrics.errors import CollectError
from dxmetrics.records import Identity, Record, Service, Team

from .entities import Entity, Payload, known_names

if TYPE_CHECKING:
    from .api import Api
    from .settings import PortSettings

OF_SERVICES = (
    "name", "team", "type", "lifecycle", "tier", "language", "system", "repository", "template", "template_version",
    "created_at",
)  # fmt: skip
OF_TEAMS = ("parent",)
OF_USERS = ("email", "member_of")
USER_TYPE = "port_type"  # of Port's own blueprint of people: Standard or Service Account


def read(api: Api, settings: PortSettings, cursor: Cursor | None, today: date) -> Iterator[Page]:
    """All of the catalogue: rows of what changed since the last look, and what is missing for the second time is gone.

    It is held whole, as what a row says depends on the others; of an entity that is less than a kilobyte.
    """
    catalog = Catalog(api, settings)
    if catalog.is_empty and has_looked(cursor):
        raise CollectError(
            f"{api.name}: none of the blueprints has an entity any more: the credentials may not see them now; nothing"
            " is let go"
        )
    yield from look(catalog.rows(), catalog.members(), cursor, today=today, notes=catalog.notes())


class Catalog:
    """What there is in the catalogue, and what of it is odd."""

    def __init__(self, api: Api, settings: PortSettings) -> None:
        self._api = api
        self._settings = settings
        self._unknown: list[str] = []
        self._services = {
            self._key(one): one
            for blueprint in dict.fromkeys(settings.services)
            for one in self._entities(blueprint, "services", OF_SERVICES)
        }
        self._teams = {one.identifier: one for one in self._entities(settings.teams, "teams", OF_TEAMS)}
        self._users = {one.identifier: one for one in self._entities(settings.users, "users", OF_USERS, [USER_TYPE])}
        self._accounts = api.accounts() if "actions" in settings.reads else ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing."""
        return not (self._services or self._teams or self._users)

    def rows(self) -> dict[type[Record], dict[str, Payload]]:
        """The payloads of all records by their ids."""
        accounts = [_account(one) for one in self._accounts if one.get("id")]
        users = [self._user(one) for one in self._users.values()]
        return {
            Service: {key: self._service(key, one) for key, one in self._services.items()},
            Team: {key: self._team(one) for key, one in self._teams.items()},
            Identity: {one["id"]: one for one in (*accounts, *users)},
        }

    def members(self) -> dict[str, set[str]]:
        """Who is in which team: the ids of people by that of the team."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for user in self._users.values():
            for team in user.values(self._settings.member_of):
                found[self._team_ids.get(team.casefold(), team)].add(user.identifier)
        return dict(found)

    def _entities(
        self, blueprint: str, setting: str, settings: Sequence[str], others: Sequence[str] = ()
    ) -> Iterator[Entity]:
        """The entities of a blueprint, which `setting` names, with what these settings, and others, name of them."""
        named = {which: name for which in settings if (name := getattr(self._settings, which))}
        known = list(known_names(self._api.blueprint(blueprint, setting), [*named.values(), *others]))
        chosen = [which for which in named if which in self._settings.model_fields_set]
        self._unknown += [f"{which} = {named[which]!r} ({blueprint})" for which in chosen if named[which] not in known]
        include = dict.fromkeys(["$identifier", "$title", *known])
        return (Entity(blueprint, one) for one in self._api.entities(blueprint, list(include)))

    # -- payloads -----------------------------------------------------------------------------------------------------

    def _service(self, key: str, entity: Entity) -> Payload:
        settings = self._settings
        return {
            "id": key,
            "url": self._address(entity),
            "name": self._name(key, entity),
            "type": entity.first(settings.type) or entity.blueprint.lstrip("_"),
            "lifecycle": entity.first(settings.lifecycle),
            "tier": self._tier(entity),
            "language": entity.first(settings.language),
            "team": self._owner(entity),
            "system": entity.first(settings.system),
            "repository": self._repository(entity),
            "template": entity.first(settings.template),
            "template_version": entity.first(settings.template_version),
            "created_at": entity.first(settings.created_at) if settings.created_at else None,
        }

    def _key(self, entity: Entity) -> str:
        return service_key(self._settings, entity.blueprint, entity.identifier)

    def _name(self, key: str, entity: Entity) -> str:
        wanted = entity.first(self._settings.name) or key
        return wanted if self._names[wanted.casefold()] == 1 else key

    def _owner(self, entity: Entity) -> str | None:
        """The first team that owns it; the first name that stands there where none is a team's; no person."""
        named = entity.values(self._settings.team)
        teams = [found for name in named if (found := self._team_ids.get(name.casefold()))]
        others = [name for name in named if name.casefold() not in self._people]
        return next(iter((*teams, *others)), None)

    def _repository(self, entity: Entity) -> str | None:
        """The repository as `host/org/name`, of whatever address of it; as it is named where that is none."""
        named = entity.first(self._settings.repository)
        if named is None:
            return None
        parts = urlsplit(named)
        if parts.hostname:
            place = parts.path.partition("/-/")[0].partition("/tree/")[0].strip("/").removesuffix(".git")
            return f"{parts.hostname}/{place}"
        host = self._settings.repository_host
        return f"{host}/{named}" if host and named.count("/") == 1 else named

    def _team(self, entity: Entity) -> Payload:
        parent = None if entity.identifier in self._circular else self._parents.get(entity.identifier)
        return {"id": entity.identifier, "name": entity.title or entity.identifier, "parent": parent}

    def _user(self, entity: Entity) -> Payload:
        return {
            "id": entity.identifier,
            "name": entity.title,
            "email": entity.first(self._settings.email),
            "is_machine": "service" in (entity.first(USER_TYPE) or "").casefold(),
        }

    def _tier(self, entity: Entity) -> int | None:
        return tier_of(entity.first(self._settings.tier) or "", self._settings.tiers)

    def _address(self, entity: Entity) -> str | None:
        """Where Port shows it."""
        pages = self._api.pages
        return f"{pages}/{entity.blueprint}Entity?identifier={quote(entity.identifier, safe='')}" if pages else None

    @cached_property
    def _names(self) -> Counter[str]:
        """How many services would have this name."""
        return Counter((one.first(self._settings.name) or key).casefold() for key, one in self._services.items())

    @cached_property
    def _team_ids(self) -> Mapping[str, str]:
        """The identifier of a team by what it is called, which is its identifier or, in older accounts, its title."""
        titles = {one.title.casefold(): key for key, one in self._teams.items() if one.title}
        return titles | {key.casefold(): key for key in self._teams}

    @cached_property
    def _people(self) -> frozenset[str]:
        addresses = (one.first(self._settings.email) for one in self._users.values())
        return frozenset(name.casefold() for name in (*self._users, *addresses) if name)

    @cached_property
    def _parents(self) -> Mapping[str, str]:
        found = ((key, one.first(self._settings.parent)) for key, one in self._teams.items())
        return {key: self._team_ids.get(parent.casefold(), parent) for key, parent in found if parent}

    @cached_property
    def _circular(self) -> frozenset[str]:
        return circular(self._parents)

    # -- what a person should know ------------------------------------------------------------------------------------

    def notes(self) -> Iterator[str]:
        """What is odd, by the names of services and teams; never by those of people."""
        if self.is_empty:
            yield "none of the blueprints has an entity: the credentials may see none, or `services` names others"
        owners = {key: (one.values(self._settings.team), self._owner(one)) for key, one in self._services.items()}
        nobody = [key for key, (named, _) in owners.items() if not named]
        people = [key for key, (named, team) in owners.items() if named and team is None]
        unknown = [f"{key} ({team})" for key, (_, team) in owners.items() if team and team not in self._teams]
        tiers = [
            f"{key} ({one.first(self._settings.tier)})"
            for key, one in self._services.items()
            if one.first(self._settings.tier) and self._tier(one) is None
        ]
        twice = {name for name, times in self._names.items() if times > 1}
        team = f"name a team in {self._settings.team!r}"
        yield from odd("services without a team", nobody, team)
        yield from odd("services that a person owns", people, team)
        yield from odd(
            "services whose team is not in Port", unknown, f"add the team, or correct {self._settings.team!r}"
        )
        yield from odd("services whose tier is no number", tiers, "say in `tiers` which it is")
        yield from odd("names of several services", twice, "these go by their identifiers")
        yield from odd("teams above themselves", self._circular, "without a parent until one's is mended")
        yield from odd("settings that name no property and no relation", self._unknown, "correct them")


def service_key(settings: PortSettings, blueprint: str, identifier: str) -> str:
    """What a service goes by: its identifier, of another than the first blueprint with that before it."""
    return identifier if blueprint == settings.services[0] else f"{blueprint}/{identifier}"


def _account(payload: Payload) -> Payload:
    """An account by the id that runs of actions name it by."""
    names = filter(None, (payload.get("firstName"), payload.get("lastName")))
    return {
        "id": str(payload["id"]),
        "name": " ".join(names) or None,
        "email": payload.get("email"),
        "is_machine": "service" in str(payload.get("type") or "").casefold(),
    }


# -- mapping ----------------------------------------------------------------------------------------------------------


def service(payload: Payload) -> Service:
    """A service by the name that deployments call it too."""
    return Service(
        ext_id=payload["id"],
        **{name: payload[name] for name in ("url", *OF_SERVICES)},
    )


def team(payload: Payload) -> Team:
    """A team by the identifier that owners are given by; shown as its title."""
    return Team(ext_id=payload["id"], name=payload["name"], parent=payload["parent"])


def identity(payload: Payload) -> Identity:
    """A person by the identifier of the entity, or by the id of the account, which tell the same address."""
    email = payload["email"]
    return Identity(
        ext_id=payload["id"],
        name=payload["name"],
        email=email if email and "@" in email else None,
        kind="service" if payload["is_machine"] else "human",
    )
