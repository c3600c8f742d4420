"""Plain JSON of the records, for any script: one object, or a list of them.

A script says little: `{"service": "pay", "sha": "4f2c..."}` at the end of a deployment is one, to production, that
succeeded just now. What it does not say is filled in from when and how it came, the same way each time it is read.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json

from dxmetrics.errors import MalformedError
from dxmetrics.events.instants import instant
from dxmetrics.records import Change, Deployment, Incident, PlatformEvent, Record, UsageFact, snake_name

MOST_ITEMS = 10_000  # of one request
SOME_TIME = datetime(2000, 1, 1, tzinfo=UTC)  # stands for when it came while it is only checked

Given = dict[str, Any]


@dataclass(frozen=True)
class Push:
    """What one endpoint takes: a record, or another one where the item has the field that tells them apart."""

    record: type[Record]
    description: str
    example: Mapping[str, Any]
    other: type[Record] | None = None
    told_by: str = ""

    def record_of(self, given: Given) -> type[Record]:
        """The record an item is."""
        return self.other if self.other is not None and self.told_by in given else self.record

    @cached_property
    def request_body(self) -> dict[str, Any]:
        """The OpenAPI description of what is sent."""
        kinds = [_schema(record) for record in (self.record, self.other) if record is not None]
        item = kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
        many = {"type": "array", "items": item, "maxItems": MOST_ITEMS}
        content = {"schema": {"anyOf": [item, many]}, "example": dict(self.example)}
        return {"content": {"application/json": content}, "required": True}


PUSHES: dict[str, Push] = {
    "deployments": Push(
        Deployment,
        "Push deployments. `service` (or `repository`) is enough: to production, with success, just now. "
        "The same `ext_id` again replaces what was pushed before.",
        {"service": "pay", "sha": "4f2c1e0b9d8a7c6b5a4f3e2d1c0b9a8f7e6d5c4b", "environment": "production"},
    ),
    "incidents": Push(
        Incident,
        "Push incidents. One without any time was detected just now. Once it is resolved push it again, whole: with "
        "the same `ext_id`, its `detected_at` and its `resolved_at`.",
        {"ext_id": "INC-7", "title": "Checkout is slow", "services": ["pay"], "severity": 2},
    ),
    "changes": Push(
        Change,
        "Push changes: pull or merge requests of a host that no source reads.",
        {
            "ext_id": "4711",
            "repository": "git.example.com/acme/pay",
            "state": "merged",
            "merged_at": "2026-03-02T10:00:00Z",
        },
    ),
    "usage": Push(
        PlatformEvent,
        "Push value actions on the platform (`capability`, `action`), or, with `occurred_on`, daily counts.",
        {"capability": "scaffolder", "action": "create", "outcome": "success", "team": "Payments"},
        UsageFact,
        "occurred_on",
    ),
}

# The instant of an item that gives no time at all: it was pushed when it happened.
_INSTANTS: dict[type[Record], str] = {
    Deployment: "finished_at",
    Incident: "detected_at",
    PlatformEvent: "occurred_at",
}


def read(name: str, body: bytes) -> list[tuple[type[Record], Given]]:
    """The items of a body pushed to the endpoint `name`, each with the record it is.

    MalformedError names the item, the field and the remedy; nothing of the body is good then.
    """
    push = PUSHES[name]
    try:
        content = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise MalformedError(f"{name}: the body is no JSON ({error}): send one object, or a list of them") from None
    items = content if isinstance(content, list) else [content]
    if len(items) > MOST_ITEMS:
        raise MalformedError(f"{name}: {len(items):,} items: send at most {MOST_ITEMS:,} at once")
    found = []
    for place, item in enumerate(items):
        where = f"{name}[{place}]" if isinstance(content, list) else name
        if not isinstance(item, dict):
            raise MalformedError(f"{where} is {type(item).__name__}, not an object: send {dict(push.example)}")
        record = push.record_of(item)
        _check(where, record, item)
        found.append((record, item))
    return found


def row(given: Given, record: type[Record], delivery_id: str, place: int, received_at: datetime) -> Given:
    """An item as a row of its record: what it does not say is filled in. The same delivery gives the same row."""
    said = {name: value for name, value in given.items() if value is not None}
    said |= {name: instant(value).isoformat() for name, value in said.items() if name.endswith("_at")}
    now = received_at.isoformat()
    filled = {"ext_id": f"{delivery_id}#{place}", "updated_at": now}
    if record is Deployment:
        filled |= {"status": "success", "via": "api"}
    if record in _INSTANTS and not any(name.endswith("_at") and name != "updated_at" for name in said):
        filled["started_at" if said.get("status") == "running" else _INSTANTS[record]] = now
    return {**filled, **said}


def _check(where: str, record: type[Record], item: Given) -> None:
    noun = snake_name(record).replace("_", " ")
    for key in item:
        if key not in record.model_fields:
            close = difflib.get_close_matches(key, record.model_fields, n=1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            fields = ", ".join(record.model_fields)
            raise MalformedError(f"{where}: {key!r:.100} is no field of a {noun}: {hint}its fields are {fields}")
    for name, value in item.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise MalformedError(f"{where}: {name} is larger than any number that can be kept: send a smaller one")
        if name.endswith("_at") and value is not None:
            _check_instant(f"{where}: {name}", value)
        if name.endswith("_on") and not re.fullmatch(r"\d{4}-\d\d-\d\d", str(value)):
            raise MalformedError(f"{where}: {name} = {value!r:.100} is no day: write it as 2026-03-31")
    try:
        checked = record.model_validate(row(item, record, "-", 0, SOME_TIME))
    except ValidationError as error:
        raise MalformedError(_problem(where, error.errors(include_url=False)[0])) from None
    if isinstance(checked, Deployment) and not (checked.service or checked.repository):
        raise MalformedError(f"{where}: a deployment names its `service`, or its `repository`")


def _check_instant(where: str, value: Any) -> None:
    try:
        instant(value)
    except ValueError as error:
        raise MalformedError(f"{where} = {value!r:.100} {error}") from None


def _problem(where: str, detail: ErrorDetails) -> str:
    field = ".".join(str(part) for part in detail["loc"]) or "it"
    message = detail["msg"].removeprefix("Value error, ").replace("valid tuple", "list")
    if detail["type"] == "missing":
        return f"{where}: field {field!r} is missing: add it"
    return f"{where}: {field} = {detail['input']!r:.100}: {message[:1].lower()}{message[1:]}"


def _schema(record: type[Record]) -> dict[str, Any]:
    """The JSON schema of a record whose id, and whose instant, may be left out."""
    schema = record.model_json_schema()
    optional = {"ext_id", _INSTANTS.get(record, "")}
    required = [name for name in schema.pop("required", []) if name not in optional]
    return schema | ({"required": required} if required else {})
