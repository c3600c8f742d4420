"""Deployments with their statuses, and releases, which stand for deployments where nothing else does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from dxmetrics.collectors.feeds import Feed, Memo, Slice
from dxmetrics.http import Answer
from dxmetrics.records import Deployment, DeploymentStatus, Identity

from . import queries
from .api import Api, Node, nodes, number_of
from .people import account, everybody
from .slices import Listing, unless_empty

if TYPE_CHECKING:
    from .repositories import Listed

DEPLOYMENTS = Listing(queries.DEPLOYMENTS, "deployments", "createdAt", usual=100)
RELEASES = Listing(queries.RELEASES, "releases", "createdAt", usual=100)
DAY = timedelta(days=1)
YOUNG = timedelta(days=14)  # deployments that are looked at again, once a day
DRAFTED = timedelta(days=30)  # releases are looked for that were drafted so long before they were published
LONGEST = timedelta(days=35)  # a deployment that has no outcome by then is given up: it waits for nobody
DEPLOYING = "deploy"  # what GitHub calls the task of a deployment; others are migrations, checks ...
ENDED: Mapping[str, DeploymentStatus] = {"SUCCESS": "success", "FAILURE": "failure", "ERROR": "failure"}
# What the state of a deployment means that has had no outcome; the first will have none any more.
GIVEN_UP: dict[Any, DeploymentStatus] = {
    "INACTIVE": "superseded", "DESTROYED": "superseded", "ABANDONED": "cancelled",
}  # fmt: skip
GOING_ON: dict[Any, DeploymentStatus] = dict.fromkeys(("PENDING", "QUEUED", "WAITING", "IN_PROGRESS"), "running")


def deployments(api: Api, repo: Listed) -> Feed:
    """The feed of a repository's deployments. A status does not move a deployment in the list: young ones are read
    again once a day, those without an outcome each time."""
    probe = repo.newest("deployments", "createdAt")
    has_young = probe.newest is not None and probe.served_at - probe.newest < YOUNG + DAY
    return Feed(
        "deployments",
        (Deployment,),
        unless_empty(probe, lambda position: DEPLOYMENTS.read(api, repo, position, partial(_slice_of, api, repo))),
        overlap=timedelta(hours=1),
        deep_overlap=YOUNG if has_young else None,
        probe=probe,
        reread=partial(_again, api, repo),
    )


def _again(api: Api, repo: Listed, ids: Sequence[str], _: Memo) -> Iterator[Slice]:
    """Deployments that had no outcome yet, by their ids."""
    for node, served_at in api.by_id(queries.DEPLOYMENTS_BY_ID, ids):
        yield Slice(**_fields(api, repo, [node], served_at))


def _slice_of(api: Api, repo: Listed, found: Sequence[Node], answer: Answer) -> dict[str, Any]:
    return _fields(api, repo, found, answer.served_at)


def _fields(api: Api, repo: Listed, found: Sequence[Node], served_at: datetime | None) -> dict[str, Any]:
    """The rows of deployments, and which are to be read again. Those of other tasks are left out."""
    wanted = [node for node in found if (node.get("task") or DEPLOYING).startswith(DEPLOYING)]
    api.complete([(node, queries.STATUSES) for node in wanted])
    now = served_at or repo.served_at
    rows = [{"repository": repo.id, "page": f"{repo.url}/deployments", "deployment": node} for node in wanted]
    return {
        "rows": {Deployment: rows, Identity: everybody(node.get("creator") for node in wanted)},
        "unfinished": {
            node["id"]: _is_open(node) and now - datetime.fromisoformat(node["createdAt"]) < LONGEST for node in wanted
        },
    }


def releases(api: Api, repo: Listed) -> Feed:
    """The feed of a repository's published releases. Of those that GitHub does not call the latest, as of an older
    line, no probe tells: after pushes they are looked for once a day."""

    def slice_of(found: Sequence[Node], _: Answer) -> dict[str, Any]:
        out = [node for node in found if node.get("publishedAt") and not (node["isDraft"] or node["isPrerelease"])]
        rows = [{"repository": repo.id, "release": node} for node in out]
        return {"rows": {Deployment: rows, Identity: everybody(node.get("author") for node in out)}}

    is_alive = repo.pushed_at is not None and repo.served_at - repo.pushed_at < DRAFTED + DAY
    probe = repo.newest_release()
    return Feed(
        "releases",
        (),
        unless_empty(probe, lambda position: RELEASES.read(api, repo, position, slice_of)),
        overlap=DAY,
        deep_overlap=DRAFTED if is_alive else None,
        probe=probe,
    )


def deployment(payload: Mapping[str, Any]) -> Deployment:
    """A deployment by its first success, which it keeps when another replaces it; or a release."""
    if "release" in payload:
        return _released(payload)
    node = payload["deployment"]
    statuses = sorted(nodes(node.get("statuses")), key=lambda one: one["createdAt"])
    outcome = _outcome(node)
    began = next((one["createdAt"] for one in statuses if one.get("state") == "IN_PROGRESS"), None)
    return Deployment(
        ext_id=number_of(node),
        url=next((one["logUrl"] for one in reversed(statuses) if one.get("logUrl")), payload.get("page")),
        repository=payload["repository"],
        environment=node.get("originalEnvironment") or node.get("environment") or "unknown",
        status=ENDED[outcome["state"]] if outcome else (GIVEN_UP | GOING_ON).get(node.get("state"), "unknown"),
        sha=node.get("commitOid"),
        created_at=node["createdAt"],
        started_at=began,
        finished_at=outcome["createdAt"] if outcome else None,
        actor=account(node.get("creator")),
        via="api",
    )


def _outcome(node: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The status a deployment ended with: its first success, else its last failure; None: it has not."""
    ends = sorted(
        (one for one in nodes(node.get("statuses")) if one.get("state") in ENDED), key=lambda one: one["createdAt"]
    )
    successes = (one for one in ends if one["state"] == "SUCCESS")
    return next(successes, ends[-1] if ends else None)


def _is_open(node: Mapping[str, Any]) -> bool:
    return _outcome(node) is None and node.get("state") not in GIVEN_UP


def _released(payload: Mapping[str, Any]) -> Deployment:
    """A release, as far as it stands for a deployment."""
    node = payload["release"]
    return Deployment(
        ext_id=f"release:{node['databaseId']}",
        url=node.get("url"),
        repository=payload["repository"],
        environment="production",
        status="success",
        sha=(node.get("tagCommit") or {}).get("oid"),
        version=node["tagName"],
        created_at=node.get("createdAt"),
        finished_at=node["publishedAt"],
        actor=account(node.get("author")),
        via="release",
    )
