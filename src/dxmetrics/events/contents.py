"""What one CDEvent says, whether in the words of 0.4 or of 0.5.

An *item* is an event as it is kept: the structured CloudEvent with the CDEvent in its `data`. A *reference* is how one
subject names another: `{"id": ..., "source": ...}`, or the id alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from packageurl import PackageURL

from dxmetrics.errors import MalformedError
from dxmetrics.events.cloudevents import CloudEvent
from dxmetrics.events.instants import instant

Item = Mapping[str, Any]

FORGES = {"github": "github.com", "gitlab": "gitlab.com", "bitbucket": "bitbucket.org"}  # purl type -> host
ALIASES = {"sha": ("sha", "commit", "revision")}  # what senders call a field of their own

_SCHEME = re.compile(r"(?:[a-z+.-]+:)?//(?:[^/@]+@)?")
_SCP = re.compile(r"[^/@:]+@([^/@:]+):/?")  # git@host:org/name
_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_UUID = re.compile(r"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DIGEST = re.compile(r"sha\d+:.+")


def checked(event: CloudEvent) -> dict[str, Any]:
    """The event as an item; MalformedError names what every CDEvent has and this one has not."""
    item: dict[str, Any] = json.loads(event.as_json())
    data = item["data"] if isinstance(item.get("data"), dict) else {}
    subject = data.get("subject")
    if not isinstance(subject, dict) or not isinstance(subject.get("id"), str) or not subject["id"].strip():
        raise MalformedError(f"{event.type}: data.subject.id is missing: send the whole CDEvent as the event's data")
    for name, value in {"context": data.get("context"), "subject.content": subject.get("content")}.items():
        if not isinstance(value or {}, dict):
            raise MalformedError(f"{event.type}: data.{name} is no object: send the whole CDEvent as the event's data")
    time(item)
    return item


def time(item: Item) -> datetime:
    """When it happened, in UTC; MalformedError where neither its context nor the CloudEvent around it says."""
    text = (item["data"].get("context") or {}).get("timestamp") or item.get("time")
    try:
        return instant(text)
    except ValueError as error:
        raise MalformedError(f"{item['type']}: context.timestamp = {text!r:.100} {error}") from None


def predicate(item: Item) -> str:
    """What happened to the subject: `deployed` of `dev.cdevents.service.deployed.0.3.0`."""
    return str(item["type"]).split(".")[3]


def subject_name(item: Item) -> str:
    """The subject's id, unique in its source."""
    return str(item["data"]["subject"]["id"])


def subject_source(item: Item) -> str:
    """Where the subject is from: left out where that is the source of the event."""
    return str(item["data"]["subject"].get("source") or item["source"])


def subject_key(item: Item) -> str:
    """The subject, unique among all sources."""
    return f"{subject_source(item)}/{subject_name(item)}"


def event_key(source: str, event_id: str) -> str:
    """An event, unique among all sources. A UUID is so by itself, and links know the events of others by no more."""
    return event_id if _UUID.fullmatch(event_id) else f"{source}/{event_id}"


def content(item: Item) -> dict[str, Any]:
    """What it says of its subject, without what it leaves blank."""
    found = item["data"]["subject"].get("content") or {}
    return {name: value for name, value in found.items() if value not in (None, "")}


def custom(item: Item, name: str) -> Any:
    """A field of the custom data, in which a sender puts what the specification has no place for; else None."""
    data = item["data"].get("customData")
    if not isinstance(data, Mapping):
        return None
    return next((data[key] for key in ALIASES.get(name, (name,)) if data.get(key) not in (None, "")), None)


def custom_text(item: Item, name: str) -> str | None:
    """A field of the custom data where it is a text; else None."""
    value = custom(item, name)
    return value if isinstance(value, str) else None


def related(item: Item) -> str | None:
    """The first event it names in a link of type RELATION, as `event_key`; else None."""
    links = (item["data"].get("context") or {}).get("links")
    for link in links if isinstance(links, list) else ():
        target = link.get("target") if isinstance(link, Mapping) and link.get("linkType") == "RELATION" else None
        if isinstance(target, Mapping) and isinstance(target.get("contextId"), str):
            return event_key(str(target.get("source") or item["source"]), target["contextId"])
    return None


def identifier(reference: Any) -> str | None:
    """The id of a reference; None where it is none."""
    value = reference.get("id") if isinstance(reference, Mapping) else reference
    return value if isinstance(value, str) and value else None


def service_name(reference: Any) -> str | None:
    """A service as people call it: `service/pay` and `namespace/pay` are `pay`. None where it is no reference."""
    text = identifier(reference)
    return (text.rstrip("/").rpartition("/")[2] or text) if text else None


def repository_name(reference: Any) -> str | None:
    """A repository as `host/org/name`, or less where its host is not told; None where it is no reference."""
    text = identifier(reference)
    if text is None:
        return None
    name = _bare(text)
    is_whole = bool(_SCHEME.match(text) or _SCP.match(text)) or ("." in name.partition("/")[0] and name.count("/") > 1)
    source = reference.get("source") if isinstance(reference, Mapping) else None
    host = _bare(source).partition("/")[0] if isinstance(source, str) and not re.match(r"/(?!/)", source) else ""
    return name if is_whole or "." not in host else f"{host}/{name}"


def web_address(*candidates: Any) -> str | None:
    """The first that a browser can open; else None."""
    return next((one for one in candidates if isinstance(one, str) and one.startswith(("https://", "http://"))), None)


def is_sha(text: str) -> bool:
    """Whether it is a whole commit id."""
    return bool(_SHA.fullmatch(text))


def of_artifact(text: Any) -> dict[str, str]:
    """What a package URL tells: of `version`, `sha` and `repository` those it has. Nothing where it is none."""
    try:
        purl = PackageURL.from_string(text)
    except (ValueError, TypeError, AttributeError):
        return {}
    qualifiers = purl.qualifiers if isinstance(purl.qualifiers, dict) else {}
    version = purl.version or ""
    found = {"version": qualifiers.get("tag", "") if _DIGEST.fullmatch(version) else version}
    if purl.type in FORGES and purl.namespace:
        found |= {"repository": f"{FORGES[purl.type]}/{purl.namespace}/{purl.name}", "sha": version}
    origin, _, revision = _bare(qualifiers.get("vcs_url", "").partition("#")[0]).partition("@")
    if origin:
        found |= {"repository": origin.removesuffix(".git")} | ({"sha": revision} if revision else {})
    if not is_sha(found.get("sha", "")):
        found.pop("sha", None)
    return {name: value for name, value in found.items() if value}


def _bare(address: str) -> str:
    """An address without scheme, user and `.git`."""
    copied = _SCP.match(address)
    scheme = _SCHEME.match(address)
    plain = f"{copied[1]}/{address[copied.end() :]}" if copied else address[scheme.end() :] if scheme else address
    return plain.strip("/").removesuffix(".git")
