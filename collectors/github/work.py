"""The feeds of deployments, releases and issues, and the ids of what there is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dxmetrics.collectors.feeds import Memo, Position, Slice
from dxmetrics.http import PageSize, with_size
from dxmetrics.records import Change, Deployment, Identity, Issue, Record

from . import mapping, queries
from .api import Api, partly, within

if TYPE_CHECKING:
    from .repositories import Listed

FEWEST = 5
ENDED = {"SUCCESS", "FAILURE", "ERROR"}
DEPLOYING = "deploy"  # what GitHub calls the task of a deployment; others are migrations, checks ...


def deployments(api: Api, repo: Listed, position: Position) -> Slice:
    """The next deployments below a position, newest first, with all their statuses."""

    def slice_of(nodes: Sequence[Any], served_at: datetime | None) -> dict[str, Any]:
        return of_deployments(repo, nodes, served_at)

    return paged(api, repo, position, queries.DEPLOYMENTS, "deployments", "createdAt", 100, slice_of)


def deployments_again(api: Api, repo: Listed, ids: Sequence[str], _memo: Memo) -> Iterator[Slice]:
    """Deployments that had no outcome yet, by their node ids."""
    for node, served_at in api.by_id(queries.DEPLOYMENTS_BY_ID, ids):
        yield Slice(**of_deployments(repo, [node], served_at))


def of_deployments(repo: Listed, nodes: Sequence[Any], served_at: datetime | None) -> dict[str, Any]:
    """The fields of a slice of deployments. Those of other tasks are left out."""
    wanted = [node for node in nodes if (node.get("task") or DEPLOYING).startswith(DEPLOYING)]
    page = f"{repo.url}/deployments"
    return {
        "rows": {
            Deployment: [{"repository": repo.id, "deployment": node, "page": page} for node in wanted],
            Identity: people(node.get("creator") for node in wanted),
        },
        "served_at": served_at,
        "unfinished": {node["id"]: is_running(node) for node in wanted},
    }


def is_running(node: Any) -> bool:
    """Whether a deployment has neither an outcome nor been replaced."""
    states = {one.get("state") for one in mapping.nodes(node, "statuses")} | {node.get("state")}
    return not states & {*ENDED, "INACTIVE", "ACTIVE", "DESTROYED", "ABANDONED"}


def releases(api: Api, repo: Listed, position: Position) -> Slice:
    """The next published releases below a position; drafts and pre-releases are none."""

    def slice_of(nodes: Sequence[Any], served_at: datetime | None) -> dict[str, Any]:
        out = [node for node in nodes if node.get("publishedAt") and not (node["isDraft"] or node["isPrerelease"])]
        found = {
            Deployment: [{"repository": repo.id, "release": node} for node in out],
            Identity: people(node.get("author") for node in out),
        }
        return {"rows": found, "served_at": served_at}

    return paged(api, repo, position, queries.RELEASES, "releases", "createdAt", 50, slice_of)


def issues(api: Api, repo: Listed, position: Position) -> Slice:
    """The next issues below a position, newest change first."""

    def slice_of(nodes: Sequence[Any], served_at: datetime | None) -> dict[str, Any]:
        found = {
            Issue: [{"repository": repo.id, "issue": node} for node in nodes],
            Identity: people(
                actor for node in nodes for actor in (node.get("author"), *mapping.nodes(node, "assignees"))
            ),
        }
        return {"rows": found, "served_at": served_at}

    return paged(api, repo, position, queries.ISSUES, "issues", "updatedAt", 50, slice_of)


def paged(
    api: Api,
    repo: Listed,
    position: Position,
    query: str,
    connection: str,
    stands_at: str,
    usual: int,
    slice_of: Callable[[Sequence[Any], datetime | None], dict[str, Any]],
) -> Slice:
    """A slice of one of a repository's connections."""
    size = PageSize(int(position.memo.get("size") or usual), FEWEST)
    variables = {"owner": repo.owner, "name": repo.name, "after": position.token}
    answer = with_size(size, lambda n: api.query(query, n=n, **variables))
    found = within(answer.data, ("repository", connection), api.name, variables)
    nodes = [node for node in found["nodes"] or () if node]
    return Slice(
        **slice_of(nodes, answer.served_at),
        oldest=min((datetime.fromisoformat(node[stands_at]) for node in nodes), default=None),
        token=found["pageInfo"]["endCursor"] if found["pageInfo"]["hasNextPage"] else None,
        is_end=not found["pageInfo"]["hasNextPage"],
        memo={"size": size.value} if size.value != usual else None,
        notes=partly(answer),
    )


def people(actors: Any) -> list[Any]:
    """Each account once."""
    return list({mapping.account(actor): actor for actor in actors if actor}.values())


def present(api: Api, repo: Listed, connection: str) -> Iterator[Mapping[type[Record], Sequence[str]]]:
    """The ids of all requests or issues there are, in pages."""
    record = Change if connection == "pullRequests" else Issue
    found: list[str] = []
    nodes = api.connection(queries.IDS[connection], ("repository", connection), owner=repo.owner, name=repo.name)
    for node in nodes:
        found.append(node["fullDatabaseId"])
        if len(found) == 1_000:
            yield {record: found}
            found = []
    yield {record: found}
