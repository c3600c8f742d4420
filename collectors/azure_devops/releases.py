"""Deployments of classic release pipelines: each attempt to bring a release to one of its stages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from dxmetrics.collectors.feeds import Feed, Position, Slice
from dxmetrics.records import Deployment, DeploymentStatus, Identity

from .api import Payload, instant, needing, picked
from .people import account, everybody, trimmed
from .projects import Project
from .repositories import repository_of
from .windows import Window

AT_ONCE = 100
KEPT = (
    "id", "attempt", "queuedOn", "startedOn", "completedOn", "lastModifiedOn", "deploymentStatus", "operationStatus",
)  # fmt: skip
STATUSES: Mapping[str, DeploymentStatus] = {
    "succeeded": "success", "partiallySucceeded": "success", "failed": "failure", "inProgress": "running",
    "notDeployed": "running",
}  # fmt: skip
STOPPED = frozenset({"canceled", "phaseCanceled"})
REFUSED = frozenset({"rejected", "gateFailed"})  # before it began, where it was not deployed


def releases(project: Project, earliest: datetime | None) -> Feed:
    """Deployments by when they were modified last; one request a page."""
    return Feed("releases", (Deployment,), partial(_read, project, earliest))


def _read(project: Project, earliest: datetime | None, position: Position) -> Slice:
    window = Window.at(position, earliest)
    params = {
        "minModifiedTime": window.low_text,
        "maxModifiedTime": window.high_text,
        "queryOrder": "descending",
        "$top": AT_ONCE,
        "continuationToken": window.mark,
    }
    with needing("releases"):
        page = project.api.page(project.path("release/deployments"), params, client=project.api.releases)
    answer = window.within(page, "lastModifiedOn")
    wanted = [_trimmed(row) for row in answer.rows if project.wants(source(row)[0])]
    told = [{"project": project.id, "deployment": row} for row in wanted]
    people = everybody(row.get("requestedFor") for row in wanted)
    return replace(window.after(answer, "lastModifiedOn"), rows={Deployment: told, Identity: people})


def _trimmed(row: Payload) -> dict[str, Any]:
    release, stage = row.get("release") or {}, row.get("releaseEnvironment") or {}
    return {
        **picked(row, KEPT),
        "requestedFor": trimmed(row.get("requestedFor")),
        "release": {
            **picked(release, ("id", "name", "_links")),
            "artifacts": [
                picked(one, ("type", "isPrimary", "definitionReference")) for one in release.get("artifacts") or ()
            ],
        },
        "releaseEnvironment": picked(stage, ("id", "name")),
        "releaseDefinition": picked(row.get("releaseDefinition") or {}, ("id", "name")),
    }


def source(row: Payload) -> tuple[str | None, str | None]:
    """The repository and the commit of the primary artifact, where it is of a build or of a repository itself."""
    artifacts = (row.get("release") or {}).get("artifacts") or ()
    primary: Payload = next((one for one in artifacts if one.get("isPrimary")), next(iter(artifacts), {}))
    told = primary.get("definitionReference") or {}
    kind = str(primary.get("type") or "").lower()
    if kind == "build":
        repository = {"id": _id(told, "repository"), "type": _id(told, "repository.provider")}
        return repository_of(repository), _id(told, "sourceVersion")
    if kind == "git":
        return repository_of({"id": _id(told, "definition"), "type": "TfsGit"}), _id(told, "version")
    if kind == "github":
        return repository_of({"id": _id(told, "definition"), "type": "GitHub"}), _id(told, "version")
    return None, None


def _id(told: Payload, name: str) -> str | None:
    found: str | None = (told.get(name) or {}).get("id")
    return found or None


def from_release(payload: Mapping[str, Any]) -> Deployment:
    """One attempt to deploy a release to a stage, which goes by the name it had then."""
    row = payload["deployment"]
    release = row.get("release") or {}
    stage = row.get("releaseEnvironment") or {}
    repository, sha = source(row)
    status = _status(row)
    return Deployment(
        ext_id=f"{payload['project']}/release/{row['id']}",
        url=((release.get("_links") or {}).get("web") or {}).get("href"),
        updated_at=instant(row.get("lastModifiedOn")),
        repository=repository,
        environment=stage.get("name") or f"stage {stage['id']}",
        status=status,
        sha=sha,
        version=release.get("name"),
        created_at=instant(row.get("queuedOn")),
        started_at=instant(row.get("startedOn")),
        finished_at=None if status == "running" else instant(row.get("completedOn")),
        actor=account(row.get("requestedFor")),
        via="pipeline",
    )


def _status(row: Payload) -> DeploymentStatus:
    stated, operation = row.get("deploymentStatus") or "", row.get("operationStatus") or ""
    status = STATUSES.get(stated, "unknown")
    was_refused = stated == "notDeployed" and operation in REFUSED
    return "cancelled" if was_refused or (operation in STOPPED and status != "success") else status
