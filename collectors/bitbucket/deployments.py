"""Deployments, as the steps of pipelines that name an environment make them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from dxmetrics.collectors.feeds import Feed, Position, Slice
from dxmetrics.errors import NotFoundError
from dxmetrics.records import Deployment, DeploymentStatus, Identity

from .api import Payload, Place
from .people import account, everybody, user_fields
from .slices import Rows, instant, known_instants, newest_first

MOST = 100
OVERLAP = timedelta(days=1)  # listed by their start once they have ended: a step may take that long
FIELDS = (
    "next", "values.uuid", "values.environment.uuid", "values.environment.name", "values.state.name",
    "values.state.status.name", "values.state.url", "values.state.started_on", "values.state.completed_on",
    *user_fields("values.state.deployer"), "values.release.url", "values.release.commit.hash",
    "values.release.created_on", "values.deployable.commit.hash",
)  # fmt: skip
STATUSES: Mapping[str, DeploymentStatus] = {
    "SUCCESSFUL": "success", "FAILED": "failure", "ERROR": "failure", "STOPPED": "cancelled",
}  # fmt: skip


def deployments(place: Place) -> Feed:
    """Deployments that have ended, by their start; one request a page."""
    return Feed("deployments", (Deployment,), partial(_read, place), overlap=OVERLAP)


def _read(place: Place, position: Position) -> Slice:
    # Neither filter nor order are in the API's description; https://jira.atlassian.com/browse/BCLOUD-18729 tells of
    # them. Without the filter, what waits for a person to start it stands before all others.
    params = {
        "state.name": "COMPLETED",
        "sort": "-state.started_on",
        "pagelen": MOST,
        "fields": ",".join(FIELDS),
    }
    try:
        listing = place.page("deployments", params, position.token)
    except NotFoundError:  # pipelines are switched off here
        return Slice({}, is_end=True, served_at=place.api.client.server_time())
    begun = [row for row in listing.rows if _state(row).get("name") != "UNDEPLOYED"]
    rows: Rows = {
        Deployment: [{"repository": place.id, "deployment": row} for row in begun],
        Identity: everybody(_state(row).get("deployer") for row in begun),
    }
    return newest_first("deployments", listing, known_instants([_state(row) for row in begun], "started_on"), rows)


def _state(row: Payload) -> Payload:
    return row.get("state") or {}


def deployment(payload: Mapping[str, Any]) -> Deployment:
    """One deployment to an environment, which goes by the name it has now."""
    row = payload["deployment"]
    state, release = _state(row), row.get("release") or {}
    environment = row.get("environment") or {}
    commit = release.get("commit") or (row.get("deployable") or {}).get("commit") or {}
    has_ended = state.get("name") == "COMPLETED"
    word = (state.get("status") or {}).get("name", "")
    return Deployment(
        ext_id=row["uuid"],
        url=state.get("url") or release.get("url"),
        repository=payload["repository"],
        environment=environment.get("name") or environment["uuid"],
        status=STATUSES.get(word, "unknown") if has_ended else "running",
        sha=commit.get("hash"),
        created_at=instant(release["created_on"]) if release.get("created_on") else None,
        started_at=instant(state["started_on"]) if state.get("started_on") else None,
        finished_at=instant(state["completed_on"]) if has_ended else None,
        actor=account(state.get("deployer")),
        via="api",
    )
