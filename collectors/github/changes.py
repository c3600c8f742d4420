"""The feed of pull requests: whole requests, 21 for a point, with a second look at what does not fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dxmetrics.collectors import Whole
from dxmetrics.collectors.feeds import Position, Slice
from dxmetrics.http import PageSize, with_size
from dxmetrics.records import Change, ChangeCommit, Identity, Link, Review

from . import mapping, queries
from .api import AT_ONCE, Api, partly, within

if TYPE_CHECKING:
    from .repositories import Listed

PULLS = 21  # one point; see queries.py
FEWEST = 3


def read(api: Api, repo: Listed, position: Position) -> Slice:
    """The next requests below a position, newest change first, each with everything that belongs to it."""
    size = PageSize(int(position.memo.get("pulls") or PULLS), FEWEST)
    variables = {"owner": repo.owner, "name": repo.name, "after": position.token}
    answer = with_size(size, lambda n: api.query(queries.CHANGES, n=n, **variables))
    found = within(answer.data, ("repository", "pullRequests"), api.name, variables)
    pulls = [pull for pull in found["nodes"] or () if pull]
    for kind in queries.TAILS:
        complete(api, pulls, kind)
    ids = [pull["fullDatabaseId"] for pull in pulls]
    return Slice(
        rows=rows(pulls, repo.id),
        oldest=min((datetime.fromisoformat(pull["updatedAt"]) for pull in pulls), default=None),
        token=found["pageInfo"]["endCursor"] if found["pageInfo"]["hasNextPage"] else None,
        is_end=not found["pageInfo"]["hasNextPage"],
        served_at=answer.served_at,
        whole={ChangeCommit: Whole("change", ids), Review: Whole("change", ids)},
        memo={"pulls": size.value} if size.value != PULLS else None,
        notes=partly(answer),
    )


def complete(api: Api, pulls: Sequence[dict[str, Any]], kind: str) -> None:
    """Fetch the rest of a connection of the requests that have more of it than a page holds."""
    short = {
        pull["id"]: pull
        for pull in pulls
        if pull.get(kind) and (pull[kind].get("totalCount") or 0) > len(pull[kind]["nodes"] or ())
    }
    if not short:
        return
    query = queries.tail(kind)
    for start in range(0, len(short), AT_ONCE):
        some = list(short)[start : start + AT_ONCE]
        for node, _ in api.by_id(query, some):
            short[node["id"]][kind] = node[kind]
    for pull in short.values():
        more = pull[kind]
        while more.get("pageInfo", {}).get("hasNextPage"):
            answer = api.query(query, ids=[pull["id"]], after=more["pageInfo"]["endCursor"])
            more = answer.data["nodes"][0][kind]
            pull[kind]["nodes"].extend(more["nodes"])


def rows(pulls: Sequence[dict[str, Any]], repository: str) -> dict[Any, list[Any]]:
    """The payloads of requests and of what belongs to them."""
    found: dict[Any, list[Any]] = {Change: [], ChangeCommit: [], Review: [], Link: []}
    people: dict[str, Any] = {}
    for pull in pulls:
        change = pull["fullDatabaseId"]
        commits = [one["commit"] for one in mapping.nodes(pull, "commits")]
        reviews = mapping.nodes(pull, "reviews")
        found[ChangeCommit] += [{"change": change, "commit": commit} for commit in commits]
        found[Review] += [{"change": change, "review": review} for review in reviews]
        found[Link] += [
            {"change": change, "issue": one["fullDatabaseId"]} for one in mapping.nodes(pull, "closingIssuesReferences")
        ]
        for actor in actors(pull, commits, reviews):
            people[mapping.account(actor) or ""] = actor
        found[Change].append({"repository": repository, "pull": {**pull, "reviews": None}})
    found[Identity] = list(people.values())
    return found


def actors(pull: Any, commits: Sequence[Any], reviews: Sequence[Any]) -> Iterator[Any]:
    """Everybody who had to do with a request and has an account."""
    yield from filter(None, (pull.get("author"), pull.get("mergedBy")))
    yield from filter(None, (review.get("author") for review in reviews))
    yield from filter(None, ((commit.get("author") or {}).get("user") for commit in commits))
