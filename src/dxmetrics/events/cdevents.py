"""CDEvents 0.4 and 0.5: which record an event tells of, and what all events of a record say together.

Several events tell of one record: an incident is detected, reported and resolved. They come in any order and more than
once, so the payload of a record is all of its events, `{"ext_id": ..., "events": [...]}`, and its mapping a fold over
them in the order of their times: whatever order they came in, the record is the same. https://cdevents.dev

0.4 and 0.5 differ in names (`context.version` became `specversion`, `url` became `uri`, `subject.type` went), and each
event has a version of its own, so events are known by subject and predicate, whatever their minor version.

What the specification has no place for is read from `customData`: `repository`, `sha` (or `commit`, `revision`),
`version`, `changes` and `service` of deployments; `severity` of incidents; `title`, `author`, `repository` and `sha`
of changes; `reviewer` of reviews; `repository`, `branch`, `sha` and `service` of pipeline runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dxmetrics.errors import PayloadError
from dxmetrics.events import contents
from dxmetrics.events.cloudevents import CloudEvent
from dxmetrics.records import Change, Deployment, Incident, Issue, Job, PipelineRun, Record, Result, Review

Payload = Mapping[str, Any]

RESULTS: dict[str, Result] = {
    "success": "success",
    "pass": "success",
    "failure": "failure",
    "fail": "failure",
    "error": "error",
    "cancel": "cancellation",
    "cancelled": "cancellation",
    "timeout": "timeout",
    "skip": "skip",
}

_TYPE = re.compile(r"dev\.cdevents\.([a-z]+)\.([a-z]+)\.(\d+)\.(\d+)\..+")
_SEVERITY = re.compile(r"(?i)(?:severity|sev|s|p)?[-_ ]?([0-5])")

# Subject -> the record its events tell of. Each deployment and each review is an event of its own.
_SUBJECTS: dict[str, tuple[type[Record], frozenset[str]]] = {
    "service": (Deployment, frozenset({"deployed", "upgraded", "rolledback"})),
    "incident": (Incident, frozenset({"detected", "reported", "resolved"})),
    "change": (Change, frozenset({"created", "updated", "merged", "abandoned"})),
    "pipelinerun": (PipelineRun, frozenset({"queued", "started", "finished"})),
    "taskrun": (Job, frozenset({"started", "finished"})),
    "ticket": (Issue, frozenset({"created", "updated", "closed"})),
}
_ENDS = frozenset({"resolved", "merged", "abandoned", "finished", "closed"})


@dataclass(frozen=True)
class Target:
    """The record an event tells of."""

    record: type[Record]
    ext_id: str


@dataclass(frozen=True)
class Unmapped:
    """No record is made of an event, and why."""

    reason: str


def target(event: CloudEvent) -> Target | Unmapped:
    """What an event tells of. MalformedError where it is a CDEvent in name only."""
    found = _TYPE.fullmatch(event.type)
    if found is None:
        return Unmapped(f"{event.type} is no CDEvent: nothing is made of it")
    subject, predicate, major, _ = found.groups()
    if major != "0":
        return Unmapped(f"{event.type} is of a later version than is known here: upgrade dxmetrics")
    if (subject, predicate) == ("change", "reviewed"):
        record: type[Record] = Review
    else:
        record, predicates = _SUBJECTS.get(subject, (Record, frozenset[str]()))
        if predicate not in predicates:
            return Unmapped(f"dev.cdevents.{subject}.{predicate} is not kept as a record")
    item = contents.checked(event)
    is_own = record in {Deployment, Review}
    key = contents.event_key(event.source, event.id) if is_own else contents.subject_key(item)
    return Target(record, key.strip())  # as records keep their texts: what is looked up later must be found


def occurred_at(event: CloudEvent) -> datetime:
    """When it happened; MalformedError where neither the event nor its context says."""
    return contents.time(contents.checked(event))


def merge(known: Payload | None, ext_id: str, events: Iterable[CloudEvent]) -> dict[str, Any]:
    """The payload of a record: the events known of it and these, each once, in the order of their times."""
    items = {(item["source"], item["id"]): item for item in (known or {}).get("events", ())}
    for event in events:
        items.setdefault((event.source, event.id), contents.checked(event))
    return {"ext_id": ext_id, "events": sorted(items.values(), key=_place)}


def _place(item: contents.Item) -> tuple[datetime, bool, str, str]:
    """Where an event belongs among others. Senders count in seconds: of the same one, an end comes last."""
    return contents.time(item), contents.predicate(item) in _ENDS, item["source"], item["id"]


# -- mapping: payload -> record ---------------------------------------------------------------------------------------


def deployment(payload: Payload) -> Deployment:
    """A service that was put into an environment."""
    item = payload["events"][-1]
    known = contents.content(item)
    told = contents.of_artifact(known.get("artifactId")) | _told(payload, "sha", "version")
    repository = contents.custom(item, "repository")
    changes = contents.custom(item, "changes")
    return Deployment(
        **_common(payload),
        service=contents.custom_text(item, "service") or contents.service_name(contents.subject_name(item)),
        repository=contents.repository_name(repository) or told.get("repository"),
        environment=contents.identifier(known.get("environment")) or "production",
        status="success",
        kind="rollback" if contents.predicate(item) == "rolledback" else None,
        sha=told.get("sha"),
        version=told.get("version"),
        artifact=known.get("artifactId"),
        finished_at=contents.time(item),
        via="event",
        changes=tuple(one for one in changes if isinstance(one, str)) if isinstance(changes, list) else (),
    )


def incident(payload: Payload) -> Incident:
    """An incident from its detection to its resolution.

    PayloadError while only its resolution is known: a recovery of no time at all would be an invention. The payload
    keeps the resolution until an event tells of the beginning.
    """
    began = _times(payload, "detected") + _times(payload, "reported")
    if not began:
        raise PayloadError("it is resolved, and no event has told yet when it was detected: it waits for that")
    resolved = _last(payload, "resolved")
    # Its ticket is often written when it is over: only what is detected again opens it again.
    is_resolved = resolved is not None and all(moment <= resolved for moment in _times(payload, "detected"))
    known = _latest(payload)
    service = contents.service_name(known.get("service"))
    return Incident(
        **_common(payload, known.get("ticketURI")),
        title=_latest(payload, "detected", "reported").get("description", ""),
        severity=_severity(payload),
        status="resolved" if is_resolved else "open",
        services=(service,) if service else (),
        detected_at=min(began),
        resolved_at=resolved if is_resolved else None,
        caused_by_deployment=_cause(payload),
    )


def change(payload: Payload) -> Change:
    """A change from its opening to its merge; PayloadError while no event names its repository."""
    known = _latest(payload)
    told = _told(payload, "title", "author", "repository")
    repository = contents.repository_name(known.get("repository") or told.get("repository"))
    if not repository:
        raise PayloadError("no event of this change names its repository: send content.repository.id")
    name = contents.subject_name(payload["events"][-1])
    created, merged, abandoned = (_last(payload, word) for word in ("created", "merged", "abandoned"))
    is_abandoned = abandoned is not None and (created is None or created <= abandoned)
    merge_sha = _told(payload, "sha", of="merged").get("sha") or (name if contents.is_sha(name) else None)
    return Change(
        **_common(payload),
        repository=repository,
        number=int(name) if re.fullmatch(r"[0-9]{1,9}", name) else None,
        title=told.get("title") or str(known.get("description", "")).partition("\n")[0],
        author=told.get("author"),
        state="merged" if merged else "closed" if is_abandoned else "open",
        opened_at=min(_times(payload, "created"), default=None),
        merged_at=merged,
        closed_at=merged or (abandoned if is_abandoned else None),
        head_sha=_told(payload, "sha", of="created", or_of="updated").get("sha"),
        merge_sha=merge_sha if merged else None,
    )


def review(payload: Payload) -> Review:
    """A review of a change; CDEvents tell neither by whom nor with what verdict."""
    item = payload["events"][-1]
    return Review(
        **_common(payload),
        change=contents.subject_key(item),
        reviewer=contents.custom_text(item, "reviewer"),
        submitted_at=contents.time(item),
    )


def pipeline_run(payload: Payload) -> PipelineRun:
    """The latest attempt of a run."""
    known, attempt = _latest(payload), _latest_attempt(payload)
    told = _told(payload, "repository", "branch", "sha", "service")
    return PipelineRun(
        **_common(payload),
        name=known.get("pipelineName") or contents.subject_name(payload["events"][-1]),
        repository=contents.repository_name(told.get("repository")),
        service=told.get("service"),
        branch=told.get("branch"),
        sha=told.get("sha"),
        result=_result(known) if "finished" in attempt else None,
        queued_at=attempt.get("queued"),
        started_at=attempt.get("started"),
        finished_at=attempt.get("finished"),
    )


def job(payload: Payload) -> Job:
    """The latest attempt of one task of a run; PayloadError while no event names the run."""
    known, attempt = _latest(payload), _latest_attempt(payload)
    run = known.get("pipelineRun")
    if not contents.identifier(run):
        raise PayloadError("no event of this task names its run: send content.pipelineRun.id")
    item = payload["events"][-1]
    source = (run.get("source") if isinstance(run, Mapping) else None) or contents.subject_source(item)
    return Job(
        **_common(payload),
        pipeline_run=f"{source}/{contents.identifier(run)}",
        name=known.get("taskName") or contents.subject_name(item),
        result=_result(known) if "finished" in attempt else None,
        started_at=attempt.get("started"),
        finished_at=attempt.get("finished"),
    )


def issue(payload: Payload) -> Issue:
    """A ticket from its creation to its end; PayloadError while no event tells when it was created."""
    created, closed = _times(payload, "created"), _last(payload, "closed")
    if not created:
        raise PayloadError("no event has told yet when this ticket was created: it waits for that")
    known = _latest(payload)
    assignees = known.get("assignees")
    return Issue(
        **_common(payload),
        key=contents.subject_name(payload["events"][-1]),
        type=known.get("ticketType", ""),
        title=known.get("summary", ""),
        status=(known.get("resolution") or "closed") if closed else "open",
        status_category="done" if closed else "todo",
        team=known.get("group"),
        author=known.get("creator"),
        assignee=assignees[0] if isinstance(assignees, list) and assignees else None,
        created_at=min(created),
        done_at=closed,
        labels=known.get("labels", ()),
    )


# -- what the events of a payload say together ------------------------------------------------------------------------


def _common(payload: Payload, address: Any = None) -> dict[str, Any]:
    """The fields that every record has."""
    known = _latest(payload)
    return {
        "ext_id": payload["ext_id"],
        "updated_at": contents.time(payload["events"][-1]),
        "url": contents.web_address(address, known.get("uri"), known.get("url")),
    }


def _times(payload: Payload, predicate: str) -> list[datetime]:
    return [contents.time(item) for item in payload["events"] if contents.predicate(item) == predicate]


def _last(payload: Payload, predicate: str) -> datetime | None:
    return max(_times(payload, predicate), default=None)


def _latest_attempt(payload: Payload) -> dict[str, datetime]:
    """When the latest attempt was queued, started and finished: what begins after an end is another attempt."""
    moments: dict[str, datetime] = {}
    for item in payload["events"]:
        word = contents.predicate(item)
        if word != "finished" and "finished" in moments:
            moments = {}
        if word == "finished" or word not in moments:
            moments[word] = contents.time(item)
    return moments


def _latest(payload: Payload, *of: str) -> dict[str, Any]:
    """Each field of the content as the latest event (of these predicates) that has it says."""
    found: dict[str, Any] = {}
    for item in payload["events"]:
        if not of or contents.predicate(item) in of:
            found |= contents.content(item)
    return found


def _told(payload: Payload, *names: str, of: str = "", or_of: str = "") -> dict[str, str]:
    """Each field of the custom data as the latest event (of these predicates) that has it as a text says."""
    found: dict[str, str] = {}
    for item in payload["events"]:
        if not of or contents.predicate(item) in {of, or_of}:
            found |= {name: text for name in names if (text := contents.custom_text(item, name)) is not None}
    return found


def _result(known: Mapping[str, Any]) -> Result:
    return RESULTS.get(str(known.get("outcome", "")).lower(), "unknown")


def _severity(payload: Payload) -> int | None:
    """As the latest event that states one says; words such as `high` are no rank that could be compared."""
    stated = [contents.custom(item, "severity") for item in payload["events"]]
    ranks = [_SEVERITY.fullmatch(str(value)) for value in stated if isinstance(value, str | int)]
    return next((int(rank[1]) for rank in reversed(ranks) if rank), None)


def _cause(payload: Payload) -> str | None:
    """The deployment that led to it: what the earliest event with a relation names. A resolution names a repair."""
    items = [item for item in payload["events"] if contents.predicate(item) != "resolved"]
    return next((cause for item in items if (cause := contents.related(item)) is not None), None)
