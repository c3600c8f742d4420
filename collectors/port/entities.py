"""Entities of Port, and what they say under the name of a property or relation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

META = {"$identifier": "identifier", "$title": "title", "$team": "team", "$createdAt": "createdAt"}
KINDS = ("mirrorProperties", "calculationProperties", "aggregationProperties", "relations")

Payload = Mapping[str, Any]


@dataclass(frozen=True)
class Entity:
    """One entity of a blueprint."""

    blueprint: str
    payload: Payload

    @property
    def identifier(self) -> str:
        """What it is called in its blueprint."""
        return str(self.payload["identifier"])

    @property
    def title(self) -> str | None:
        """What people call it."""
        return self.payload.get("title") or None

    def values(self, name: str) -> Sequence[str]:
        """What stands under a name, as texts: of a list all of it, of a link its address."""
        return tuple(_texts(self._value(name)))

    def first(self, name: str) -> str | None:
        """The first of what stands there; None where nothing does."""
        return next(iter(self.values(name)), None)

    def _value(self, name: str) -> Any:
        if name in META:
            return self.payload.get(META[name])
        found = (self.payload.get("properties") or {}).get(name)
        return (self.payload.get("relations") or {}).get(name) if found is None else found


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, Mapping):
        yield from _texts(value.get("url"))
    elif value is not None and str(value).strip():
        yield f"{value:g}" if isinstance(value, float) else str(value).strip()


def known_names(blueprint: Payload, names: Iterable[str]) -> Iterator[str]:
    """Those of the names that entities of a blueprint have."""
    schema = blueprint.get("schema") or {}
    own = {*(schema.get("properties") or {}), *(name for kind in KINDS for name in blueprint.get(kind) or {})}
    return (name for name in dict.fromkeys(names) if name in META or name in own)
