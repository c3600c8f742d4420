"""CloudEvents 1.0 over HTTP: structured, binary and batch.

Whatever form it came in, an event is kept in its structured one; `(source, id)` says whether it was here before.
https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from pydantic_core import from_json, to_json

from dxmetrics.errors import MalformedError
from dxmetrics.events.instants import instant

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
MEDIA_TYPES = f"{STRUCTURED}, {BATCH}, or application/json with ce- headers"
MOST_EVENTS = 10_000  # of one request
LONGEST_ID = 400  # characters of a delivery id that is told as it is

ATTRIBUTES = ("specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema")
REQUIRED = ("id", "source", "type")

_EVENT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["specversion", *REQUIRED],
    "properties": {
        "specversion": {"type": "string", "pattern": r"^1\.[0-9]+$"},
        "id": {"type": "string", "minLength": 1},
        "source": {"type": "string", "minLength": 1},
        "type": {"type": "string", "minLength": 1},
        "subject": {"type": "string"},
        "time": {"type": "string", "format": "date-time"},
        "data": {},
    },
}
REQUEST_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        STRUCTURED: {"schema": _EVENT_SCHEMA},
        BATCH: {"schema": {"type": "array", "items": _EVENT_SCHEMA, "maxItems": MOST_EVENTS}},
        "application/json": {"schema": {"type": "object", "description": "a CDEvent, with its ce- headers"}},
    },
}


@dataclass(frozen=True)
class CloudEvent:
    """One event. `time` is None where its source gave none."""

    id: str
    source: str
    type: str
    subject: str | None = None
    time: datetime | None = None
    data: Any = None
    extensions: Mapping[str, Any] = field(default_factory=dict)

    @property
    def delivery_id(self) -> str:
        """The identity (source, id) in at most 500 printable characters; different for every identity."""
        text = f"{len(self.source)}:{self.source}/{self.id}"
        if len(text) <= LONGEST_ID and text.isprintable():
            return text
        return "sha256:" + hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()

    def as_json(self) -> bytes:
        """Its structured form. A number too large to be one is null: JSON has no word for infinity."""
        attributes = {
            "specversion": "1.0",
            "id": self.id,
            "source": self.source,
            "type": self.type,
            "subject": self.subject,
            "time": self.time.isoformat() if self.time else None,
            **self.extensions,
            "data": self.data,
        }
        said = {name: value for name, value in attributes.items() if value is not None}
        return to_json(said, inf_nan_mode="null")

    @classmethod
    def of_json(cls, text: bytes) -> CloudEvent:
        """An event of its structured form; MalformedError where it is none."""
        return _structured(_parsed(text, "the event"), "the event")


def read(headers: Mapping[str, str], body: bytes) -> list[CloudEvent]:
    """The events of a request, whose header names are in lower case; MalformedError names what is wrong with it."""
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == BATCH:
        items = _parsed(body, "the batch")
        if not isinstance(items, list):
            raise MalformedError(f"the batch is {_kind(items)}, not a list: send a list of events, or {STRUCTURED}")
        if len(items) > MOST_EVENTS:
            raise MalformedError(f"the batch has {len(items):,} events: send at most {MOST_EVENTS:,} at once")
        return [_structured(item, f"event {place} of the batch") for place, item in enumerate(items)]
    if media_type == STRUCTURED:
        return [_structured(_parsed(body, "the event"), "the event")]
    if "ce-id" in headers or "ce-specversion" in headers:
        return [_binary(headers, media_type, body)]
    raise MalformedError(f"Content-Type {media_type!r} is no CloudEvent: send {MEDIA_TYPES}")


def _binary(headers: Mapping[str, str], media_type: str, body: bytes) -> CloudEvent:
    named = {name[3:]: _decoded(name, value) for name, value in headers.items() if name.startswith("ce-")}
    for name in ("data", "data_base64"):
        if name in named:
            raise MalformedError(f"ce-{name} is no attribute of an event: send its data as the body")
    is_json = media_type == "application/json" or media_type.endswith("+json")
    if body and not is_json:
        raise MalformedError(f"Content-Type {media_type!r}: the data of an event is JSON here: send application/json")
    event = _event(named, _parsed(body, "the data") if body else None, "the ce- headers")
    _require_same(event)
    return event


def _decoded(name: str, value: str) -> str:
    """A header's text without the quotes that older senders use, and percent-decoded once."""
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = re.sub(r"\\(.)", r"\1", value[1:-1])
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError:
        raise MalformedError(f"{name} = {value!r:.100}: percent-encode the bytes of its UTF-8") from None


def _structured(item: Any, where: str) -> CloudEvent:
    if not isinstance(item, dict):
        raise MalformedError(f"{where} is {_kind(item)}, not an object")
    attributes = dict(item)
    data = attributes.pop("data", None)
    encoded = attributes.pop("data_base64", None)
    if encoded is not None and data is not None:
        raise MalformedError(f"{where} has both data and data_base64: send one of them")
    if encoded is not None:
        try:
            data = _parsed(base64.b64decode(encoded, validate=True), f"data_base64 of {where}")
        except (binascii.Error, TypeError, ValueError) as error:
            raise MalformedError(f"{where}: data_base64 is no base64 ({error})") from None
    event = _event(attributes, data, where)
    _require_same(event)
    return event


def _event(attributes: Mapping[str, Any], data: Any, where: str) -> CloudEvent:
    version = attributes.get("specversion")
    if not (isinstance(version, str) and re.fullmatch(r"1\.[0-9]+", version)):
        raise MalformedError(f"{where}: specversion = {version!r:.100}: CloudEvents 1.0 is what is read")
    for name in REQUIRED:
        value = attributes.get(name)
        if not isinstance(value, str) or not value.strip():
            raise MalformedError(f"{where}: {name} = {value!r:.100}: it must be there, and be a text that is not blank")
    subject = attributes.get("subject")
    if subject is not None and not isinstance(subject, str):
        raise MalformedError(f"{where}: subject = {subject!r:.100}: it must be a text")
    return CloudEvent(
        attributes["id"],
        attributes["source"],
        attributes["type"],
        subject,
        _instant(attributes.get("time"), where),
        data,
        {name: value for name, value in attributes.items() if name not in ATTRIBUTES},
    )


def _instant(text: Any, where: str) -> datetime | None:
    if text is None:
        return None
    try:
        return instant(text)
    except ValueError as error:
        raise MalformedError(f"{where}: time = {text!r:.100} {error}") from None


def _require_same(event: CloudEvent) -> None:
    """What a CDEvent's own context says must be what the CloudEvent around it says."""
    context = event.data.get("context") if isinstance(event.data, dict) else None
    if not isinstance(context, dict):
        return
    for name in REQUIRED:
        said = context.get(name)
        if said is not None and said != getattr(event, name):
            raise MalformedError(
                f"{name} is {getattr(event, name)!r:.100} in the CloudEvent and {said!r:.100} in the context "
                "of its data: send the same"
            )


def _parsed(text: bytes, what: str) -> Any:
    try:
        return from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise MalformedError(f"{what} is no JSON: {error}") from None


def _kind(value: Any) -> str:
    return {dict: "an object", list: "a list", str: "a text", type(None): "null"}.get(type(value), "a number")
