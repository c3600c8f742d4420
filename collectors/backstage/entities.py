"""Entities of the catalogue, and the references they go by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

DEFAULT = "default"  # the namespace of what names none

Payload = Mapping[str, Any]


@dataclass(frozen=True)
class Entity:
    """One entity, as the catalogue tells it."""

    payload: Payload

    @cached_property
    def ref(self) -> str:
        """What others call it: `component:default/pay`, whatever case it is written in."""
        return f"{self.payload['kind']}:{self.namespace}/{self.name}".lower()

    @property
    def kind(self) -> str:
        """`component`, `group` or `user`."""
        return str(self.payload["kind"]).lower()

    @property
    def name(self) -> str:
        """The name, in its own case."""
        return str(self.payload["metadata"]["name"])

    @property
    def namespace(self) -> str:
        """The namespace."""
        return str(self.payload["metadata"].get("namespace") or DEFAULT)

    def marks(self, kind: str) -> Mapping[str, str]:
        """Its `labels` or `annotations`."""
        return self.payload["metadata"].get(kind) or {}

    @property
    def tags(self) -> Sequence[str]:
        """Its tags, in their order."""
        return self.payload["metadata"].get("tags") or ()

    def related(self, relation: str, *kinds: str) -> Iterator[str]:
        """The references of what it is in this relation with, of these kinds only if any are named."""
        for one in self.payload.get("relations") or ():
            target = str(one["targetRef"]).lower()
            if one["type"] == relation and (not kinds or kind_of(target) in kinds):
                yield target


def kind_of(ref: str) -> str:
    """The kind that a reference tells; empty where it tells none."""
    return ref.rpartition(":")[0].lower()


def short(ref: str) -> str:
    """A reference without its kind, and without the namespace that everything is in: `pay`, `shop/pay`."""
    return ref.lower().rpartition(":")[2].removeprefix(f"{DEFAULT}/")
