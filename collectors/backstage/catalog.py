"""The catalogue: components as services, groups as teams, users as accounts and members of teams."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dxmetrics.collectors import Cursor, Page
from dxmetrics.collectors.catalogs import circular, has_looked, look, odd, tier_of
from dxmetrics.errors import CollectError
from dxmetrics.records import Identity, Record, Service, Team

from . import code
from .entities import DEFAULT, Entity, kind_of, short

if TYPE_CHECKING:
    from .api import Api, Payload
    from .settings import BackstageSettings

KINDS = ("component", "group", "user")
FIELDS = (
    "kind", "metadata.name", "metadata.namespace", "metadata.title", "metadata.annotations", "metadata.labels",
    "metadata.tags", "spec.type", "spec.lifecycle", "spec.profile.displayName", "spec.profile.email",
    "spec.scaffoldedFrom", "relations",
)  # fmt: skip
VIEW = "backstage.io/view-url"


def read(api: Api, settings: BackstageSettings, cursor: Cursor | None, today: date) -> Iterator[Page]:
    """All of the catalogue: rows of what changed since the last look, and what is missing for the second time is gone.

    It is held whole, as what a row says depends on the others; of an entity that is a kilobyte.
    """
    catalog = Catalog((Entity(one) for one in api.entities(KINDS, FIELDS)), settings)
    if not catalog.entities and has_looked(cursor):
        raise CollectError(
            f"{api.name}: the catalogue is empty, which it was not before: it may have just started, or the token may"
            " not see the entities any more (catalog.entity.read); nothing is let go"
        )
    yield from look(catalog.rows(), catalog.members(), cursor, today=today, notes=catalog.notes())


class Catalog:
    """What there is in the catalogue, and what of it is odd."""

    def __init__(self, entities: Iterable[Entity], settings: BackstageSettings) -> None:
        self.entities = {one.ref: one for one in entities}  # one that moves between two pages comes twice
        self._settings = settings

    def of(self, kind: str) -> list[Entity]:
        """The entities of a kind, in the order of their references."""
        return [self.entities[ref] for ref in sorted(self.entities) if kind_of(ref) == kind]

    def rows(self) -> dict[type[Record], dict[str, Payload]]:
        """The payloads of all records by their ids."""
        return {
            Service: {short(one.ref): self._service(one) for one in self.of("component")},
            Team: {short(one.ref): self._team(one) for one in self.of("group")},
            Identity: {one.ref: _identity(one) for one in self.of("user")},
        }

    def members(self) -> dict[str, set[str]]:
        """Who is in which group itself: the users' references by the group's id."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for user in self.of("user"):
            for group in user.related("memberOf", "group"):
                found[short(group)].add(user.ref)
        return dict(found)

    # -- payloads -----------------------------------------------------------------------------------------------------

    def _service(self, entity: Entity) -> Payload:
        annotations, settings = entity.marks("annotations"), self._settings
        made_from = annotations.get(settings.template) or (entity.payload.get("spec") or {}).get("scaffoldedFrom")
        return {
            "entity": _trimmed(entity, [*code.ANNOTATIONS, VIEW]),
            "name": self._name(entity),
            "team": next(map(short, entity.related("ownedBy", "group")), None),
            "system": next(map(short, entity.related("partOf", "system")), None),
            "tier": self._tier(entity),
            "language": next((tag for tag in entity.tags if tag.lower() in self._languages), None),
            "template": short(made_from) if made_from else None,
            "template_version": annotations.get(settings.template_version),
            "is_alone": self._in_repository[_repository(entity)] == 1,
        }

    def _name(self, entity: Entity) -> str:
        is_its_own = entity.namespace.lower() == DEFAULT or self._names[entity.name.lower()] == 1
        return entity.name if is_its_own else short(entity.ref)

    def _team(self, entity: Entity) -> Payload:
        parent = None if entity.ref in self._circular else self._parents.get(entity.ref)
        return {"entity": _trimmed(entity, [VIEW]), "parent": short(parent) if parent else None}

    def _tier(self, entity: Entity) -> int | None:
        return tier_of(self._tier_mark(entity), self._settings.tiers)

    def _tier_mark(self, entity: Entity) -> str:
        key = self._settings.tier
        return str(entity.marks("labels").get(key) or entity.marks("annotations").get(key) or "").strip()

    @cached_property
    def _languages(self) -> frozenset[str]:
        return frozenset(map(str.lower, self._settings.languages))

    @cached_property
    def _names(self) -> Counter[str]:
        """How many namespaces have a component of this name."""
        return Counter(one.name.lower() for one in self.of("component"))

    @cached_property
    def _in_repository(self) -> Counter[str]:
        return Counter(map(_repository, self.of("component")))

    @cached_property
    def _parents(self) -> Mapping[str, str]:
        found = ((one.ref, next(one.related("childOf", "group"), None)) for one in self.of("group"))
        return {ref: parent for ref, parent in found if parent}

    @cached_property
    def _circular(self) -> frozenset[str]:
        return circular(self._parents)

    # -- what a person should know ------------------------------------------------------------------------------------

    def notes(self) -> Iterator[str]:
        """What is odd, by the names of components and groups; never by those of people."""
        if not self.entities:
            yield "the catalogue is empty: it may have just started, or the token may see nothing (catalog.entity.read)"
        components = self.of("component")
        owners = {one.ref: next(one.related("ownedBy"), None) for one in components}
        nobody = [ref for ref, owner in owners.items() if owner is None]
        people = [ref for ref, owner in owners.items() if owner and kind_of(owner) != "group"]
        unknown = {
            f"{short(ref)} ({short(owner)})"
            for ref, owner in owners.items()
            if owner and kind_of(owner) == "group" and owner not in self.entities
        }
        twice = {one.name.lower() for one in components if self._names[one.name.lower()] > 1}
        tiers = {f"{short(one.ref)} ({mark})" for one in components if (mark := self._unread_tier(one))}
        told = (
            ("components without an owner", map(short, nobody), "name a group in `spec.owner`"),
            ("components that a person owns", map(short, people), "name a group in `spec.owner`"),
            ("components whose owner is not in the catalogue", unknown, "add the group, or correct `spec.owner`"),
            ("names in several namespaces", twice, f"all but those of {DEFAULT!r} go by NAMESPACE/NAME"),
            ("components whose tier is no number", tiers, "say in `tiers` which it is"),
            (
                "groups above themselves",
                map(short, self._circular),
                "without a parent until one's `spec.parent` or `.children` is mended",
            ),
        )
        for what, names, remedy in told:
            yield from odd(what, names, remedy)

    def _unread_tier(self, entity: Entity) -> str:
        return self._tier_mark(entity) if self._tier(entity) is None else ""


def _repository(entity: Entity) -> str:
    """The repository that a component's code is in; empty where it tells none."""
    found = code.place(entity.marks("annotations"))
    return found.repository.casefold() if found else ""


def _trimmed(entity: Entity, annotations: Iterable[str]) -> Payload:
    """What of an entity is kept: no relation, and only those annotations that are read."""
    metadata, given = entity.payload["metadata"], entity.marks("annotations")
    spec = entity.payload.get("spec") or {}
    return {
        "kind": entity.payload["kind"],
        "metadata": {
            "name": entity.name,
            "namespace": entity.namespace,
            **({"title": metadata["title"]} if metadata.get("title") else {}),
            "annotations": {key: given[key] for key in annotations if key in given},
        },
        "spec": {key: spec[key] for key in ("type", "lifecycle", "profile") if key in spec},
    }


def _identity(entity: Entity) -> Payload:
    return {"entity": _trimmed(entity, ())}


# -- mapping ----------------------------------------------------------------------------------------------------------


def service(payload: Payload) -> Service:
    """A component by its name, which is what deployments call it too; of a repository with several, a folder."""
    entity = Entity(payload["entity"])
    spec, found = entity.payload["spec"], code.place(entity.marks("annotations"))
    folder = found.folder if found and not payload["is_alone"] else ""
    return Service(
        ext_id=short(entity.ref),
        url=_address(entity),
        name=payload["name"],
        type=spec.get("type"),
        lifecycle=spec.get("lifecycle"),
        tier=payload["tier"],
        language=payload["language"],
        team=payload["team"],
        system=payload["system"],
        repository=found.repository if found else None,
        paths=(folder,) if folder else (),
        template=payload["template"],
        template_version=payload["template_version"],
    )


def team(payload: Payload) -> Team:
    """A group by the name that owners are given by; shown as its display name."""
    entity = Entity(payload["entity"])
    return Team(
        ext_id=short(entity.ref),
        url=_address(entity),
        name=_profile(entity).get("displayName") or entity.payload["metadata"].get("title") or entity.name,
        parent=payload["parent"],
    )


def identity(payload: Payload) -> Identity:
    """A user by its reference, as runs of templates name who began them."""
    entity = Entity(payload["entity"])
    profile = _profile(entity)
    return Identity(
        ext_id=entity.ref,
        login=entity.name,
        name=profile.get("displayName"),
        email=profile.get("email"),
        kind="human",
    )


def _profile(entity: Entity) -> Mapping[str, Any]:
    return entity.payload["spec"].get("profile") or {}


def _address(entity: Entity) -> str | None:
    """Where the descriptor can be looked at."""
    return entity.marks("annotations").get(VIEW)
