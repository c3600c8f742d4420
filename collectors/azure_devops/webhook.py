"""Service hooks of Azure DevOps: whose password they bring, and which scopes each kind of event is about."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from dxmetrics.collectors.webhooks import Headers, Looks, Webhook, basic_password, digest, field, text
from dxmetrics.errors import PayloadError

from .repositories import OWN

OWN_OF_YAML = "azurereposgit"  # what runs of YAML pipelines call a repository of Azure Repos
MIRROR = "git"  # after a repository's id and a slash
PULL_REQUESTS = frozenset({"git.pullrequest.created", "git.pullrequest.merged", "git.pullrequest.updated"})
COMMENTED = "ms.vss-code.git-pullrequest-comment-event"
RUNS = frozenset({"ms.vss-pipelines.run-state-changed-event", "ms.vss-pipelines.stage-state-changed-event"})


def looks(_headers: Headers, payload: Mapping[str, Any]) -> Looks:
    """The scopes that an event is about: a repository, its mirror, a part of a project, or all of them."""
    event = field(payload, "eventType")
    if not isinstance(event, str):
        return ()
    if event == "git.push":
        return _with_mirror(_id(payload, "resource.repository.id"))
    if event in PULL_REQUESTS:
        repository = _id(payload, "resource.repository.id")
        return _with_mirror(repository) if field(payload, "resource.status") == "completed" else (repository,)
    if event == COMMENTED:
        return (_id(payload, "resource.pullRequest.repository.id"),)
    if event == "build.complete" or event in RUNS:
        return _of_run(payload)
    if event.startswith("ms.vss-release."):
        return (f"{_project(payload)}/releases",)
    if event.startswith("workitem."):
        return (f"{_project(payload)}/issues",)
    return None if event.startswith("git.repo.") else ()


def _of_run(payload: Mapping[str, Any]) -> Looks:
    """A run is its repository's, or one of the project's others where that is elsewhere or not told; it may deploy."""
    project = _project(payload)
    yaml = "resource.run.resources.repositories.self.repository"
    stated = field(payload, "resource.repository") or field(payload, yaml)
    is_own = str(field(stated, "type")).lower() in {OWN, OWN_OF_YAML}
    of_run = _id(stated, "id") if is_own else f"{project}/pipelines"
    return of_run, f"{project}/environments"


def _id(payload: Mapping[str, Any], path: str) -> str:
    return text(payload, path).lower()


def _with_mirror(repository: str) -> Looks:
    return repository, f"{repository}/{MIRROR}"


def _project(payload: Mapping[str, Any]) -> str:
    places = ("resourceContainers.project.id", "resource.project.id")
    return _id(payload, next((place for place in places if field(payload, place)), places[0]))


def _delivery_id(_headers: Headers, body: bytes) -> str:
    """The notification's own id, which stands in the body: there is none in the headers."""
    try:
        payload = json.loads(body)
        return f"{text(payload, 'subscriptionId')}/{text(payload, 'id')}"
    except (ValueError, RecursionError, PayloadError):  # who reads the body says what is wrong with it
        return digest(body)


WEBHOOK = Webhook(basic_password(), _delivery_id, looks)
