"""Deployments that pipelines record in environments."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from dxmetrics.collectors.feeds import Feed, Position, Probe, Slice
from dxmetrics.errors import CollectError, NotFoundError
from dxmetrics.records import Deployment, DeploymentStatus, Identity, Record

from .api import Answer, Payload, instant, needing, picked
from .people import account, everybody, trimmed
from .projects import Project, probed
from .repositories import repository_of

AT_ONCE = 100
BUILDS_AT_ONCE = 100
OVERLAP = timedelta(hours=3)  # listed by when they were queued: what was going on then is read again
DEEP_OVERLAP = timedelta(days=14)
ORDER_TOLERANCE = timedelta(minutes=10)
KEPT = (
    "id", "stageName", "jobName", "stageAttempt", "jobAttempt", "result", "queueTime", "startTime", "finishTime",
    "resourceId",
)  # fmt: skip
STATUSES: Mapping[str, DeploymentStatus] = {
    "succeeded": "success", "succeededWithIssues": "success", "failed": "failure", "canceled": "cancelled",
    "skipped": "cancelled", "abandoned": "failure",
}  # fmt: skip

Marks = dict[str, tuple[str | None, datetime | None]]  # by environment: its next page, and down to when it is read


def environments(project: Project) -> Feed:
    """Deployments by when they were queued; one request a page of each environment, and one for a page's runs."""
    return Feed(
        "deployments",
        (Deployment,),
        partial(_read, project),
        overlap=OVERLAP,
        deep_overlap=DEEP_OVERLAP,
        probe=probed(lambda: _probe(project)),
    )


def _probe(project: Project) -> Probe:
    """Nothing is deployed where no pipeline runs."""
    finished = project.finished(lambda _: True)
    return Probe(finished.served_at, finished.served_at) if project.running(lambda _: True) else finished


def _read(project: Project, position: Position) -> Slice:
    """A page of each environment that is not read far enough. All environments of a project are one list to the walk:
    it is read down to where the one is that has more, and is the newest."""
    listed = {str(one["id"]): one for one in _listed(project)}
    known = _unmarked(position.token) if position.token else dict.fromkeys(listed, (None, None))
    marks: Marks = {}
    records: list[dict[str, Any]] = []
    at: datetime | None = None
    oldest_of_all: datetime | None = None
    for key, (mark, oldest) in known.items():
        if oldest is not None and position.since is not None and oldest <= position.since:
            marks[key] = (mark, oldest)
            continue
        answer = _page(project, key, mark) if key in listed else None
        if answer is None:
            continue
        at = at or answer.served_at
        times = _times(project.api.name, answer.rows)
        records += [{"environment": picked(listed[key], ("id", "name")), "record": row} for row in answer.rows]
        oldest_of_all = min([*times, *([oldest_of_all] if oldest_of_all else [])], default=None)
        if answer.following:
            marks[key] = (answer.following, min(times, default=oldest))
    blocking = [oldest for _, oldest in marks.values() if oldest is not None]
    return Slice(
        _rows(project, records),
        oldest=max(blocking, default=oldest_of_all),
        token=_marked(marks) if marks else None,
        is_end=not marks,
        served_at=at or project.api.client.server_time(),
    )


def _listed(project: Project) -> Iterator[Payload]:
    with needing("deployments"):
        yield from project.api.all(project.path("distributedtask/environments"), {"$top": AT_ONCE})


def _page(project: Project, environment: str, mark: str | None) -> Answer | None:
    """A page of the records of an environment; None where it was deleted."""
    path = project.path(f"distributedtask/environments/{environment}/environmentdeploymentrecords")
    try:
        with needing("deployments"):
            return project.api.page(path, {"top": AT_ONCE, "continuationToken": mark})
    except NotFoundError:
        return None


def _times(name: str, records: Sequence[Payload]) -> list[datetime]:
    """When the records of a page were queued. CollectError where they do not come newest first: no vendor's word stands
    for this order, and everything else rests on it."""
    times = [at for one in records if (at := _queued_at(one))]
    if times and times[0] < times[-1] - ORDER_TOLERANCE:
        raise CollectError(
            f"{name}: deployments come oldest first, from {times[0]:%Y-%m-%d} on: the API's order has changed, what is"
            " read stays"
        )
    return times


def _queued_at(record: Payload) -> datetime | None:
    return instant(record.get("queueTime") or record.get("startTime") or record.get("finishTime"))


def _rows(project: Project, records: Sequence[Mapping[str, Any]]) -> dict[type[Record], list[Any]]:
    builds = _builds(project, {str(one["record"]["owner"]["id"]) for one in records if one["record"].get("owner")})
    found = []
    for one in records:
        owner = one["record"].get("owner") or {}
        build = builds.get(str(owner.get("id")), {})
        if project.wants(repository_of(build.get("repository"))):
            record = {**picked(one["record"], KEPT), "owner": picked(owner, ("id", "name", "_links"))}
            found.append({**one, "project": project.id, "record": record, "build": _trimmed(build)})
    return {Deployment: found, Identity: everybody(one["build"].get("requestedFor") for one in found)}


def _builds(project: Project, ids: set[str]) -> dict[str, Payload]:
    """The runs that deployed, by id: only they know the commit. One that was deleted for good is left out."""
    found: dict[str, Payload] = {}
    wanted = sorted(ids, key=int)
    for start in range(0, len(wanted), BUILDS_AT_ONCE):
        some = ",".join(wanted[start : start + BUILDS_AT_ONCE])
        params = {"buildIds": some, "deletedFilter": "includeDeleted", "$top": BUILDS_AT_ONCE}
        with needing("pipelines"):
            answer = project.api.page(project.path("build/builds"), params)
        found |= {str(build["id"]): build for build in answer.rows}
    return found


def _trimmed(build: Payload) -> dict[str, Any]:
    return {
        **picked(build, ("id", "buildNumber", "sourceVersion", "sourceBranch")),
        "repository": picked(build.get("repository") or {}, ("id", "type", "url")),
        "requestedFor": trimmed(build.get("requestedFor")),
    }


def _marked(marks: Marks) -> str:
    return json.dumps({key: [mark, oldest and oldest.isoformat()] for key, (mark, oldest) in marks.items()})


def _unmarked(token: str) -> Marks:
    return {key: (mark, instant(oldest)) for key, (mark, oldest) in json.loads(token).items()}


def from_environment(payload: Mapping[str, Any]) -> Deployment:
    """One job that deployed to an environment, or to one of its machines; those of one run are one rollout."""
    record, environment, build = payload["record"], payload["environment"], payload.get("build") or {}
    owner = record.get("owner") or {}
    finished_at = instant(record.get("finishTime"))
    rollout = f"{payload['project']}/{owner['id']}/{environment['id']}" if owner.get("id") else None
    return Deployment(
        ext_id=f"{payload['project']}/environment/{environment['id']}/{record['id']}",
        url=((owner.get("_links") or {}).get("web") or {}).get("href"),
        repository=repository_of(build.get("repository")),
        environment=environment.get("name") or f"environment {environment['id']}",
        status=STATUSES.get(record.get("result") or "", "unknown") if finished_at else "running",
        sha=build.get("sourceVersion"),
        version=owner.get("name"),
        rollout=rollout,
        created_at=instant(record.get("queueTime")),
        started_at=instant(record.get("startTime")),
        finished_at=finished_at,
        actor=account(build.get("requestedFor")),
        via="pipeline",
    )
