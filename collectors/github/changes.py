"""The feed of pull requests: whole requests, 21 for a point, and what did not fit into that for many at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from dxmetrics.collectors import Whole
from dxmetrics.collectors.feeds import Feed
from dxmetrics.http import Answer
from dxmetrics.records import Change, ChangeCommit, Identity, Link, Review

from . import queries
from .api import Api, Node, nodes, partly
from .people import everybody
from .slices import Listing, Rows, present, unless_empty

if TYPE_CHECKING:
    from .repositories import Listed

LISTING = Listing(queries.CHANGES, "pullRequests", "updatedAt", usual=21, fewest=3)
CHILDREN = {
    ChangeCommit: ("commits", "change"),
    Review: ("reviews", "change"),
    Link: ("closingIssuesReferences", "from_id"),
}


def changes(api: Api, repo: Listed) -> Feed:
    """The feed of a repository's pull requests."""

    def slice_of(pulls: Sequence[Node], answer: Answer) -> dict[str, Any]:
        api.complete([(pull, part) for pull in pulls for part in queries.PULL_PARTS])
        return {
            "rows": _rows(pulls, repo.id),
            "whole": {
                record: Whole(parent, [pull["fullDatabaseId"] for pull in pulls if pull.get(part) is not None])
                for record, (part, parent) in CHILDREN.items()
            },
            "notes": (*partly(answer), *_cut_off(pulls, repo)),
        }

    probe = repo.newest("pullRequests", "updatedAt")
    return Feed(
        "changes",
        (Change, ChangeCommit, Review),
        unless_empty(probe, lambda position: LISTING.read(api, repo, position, slice_of)),
        probe=probe,
        sweep=None if repo.is_archived else partial(present, api, repo, "pullRequests", Change),
    )


def _rows(pulls: Sequence[Node], repository: str) -> Rows:
    """The payloads of requests and of what belongs to them."""
    found: Rows = {Change: [], ChangeCommit: [], Review: [], Link: []}
    for pull in pulls:
        change = pull["fullDatabaseId"]
        found[ChangeCommit] += [{"change": change, "commit": one["commit"]} for one in nodes(pull.get("commits"))]
        found[Review] += [{"change": change, "review": one} for one in nodes(pull.get("reviews"))]
        found[Link] += [
            {"change": change, "issue": one["fullDatabaseId"]} for one in nodes(pull.get("closingIssuesReferences"))
        ]
        found[Change].append({"repository": repository, "pull": _trimmed(pull)})
    found[Identity] = everybody(actor for pull in pulls for actor in _actors(pull))
    return found


def _actors(pull: Node) -> Iterator[Mapping[str, Any] | None]:
    """Everybody who had to do with a request and has an account."""
    yield pull.get("author")
    yield pull.get("mergedBy")
    yield from (review.get("author") for review in nodes(pull.get("reviews")))
    yield from ((one["commit"].get("author") or {}).get("user") for one in nodes(pull.get("commits")))


def _trimmed(pull: Node) -> Node:
    """A request without what is a row of its own, and of its text what may tell of a revert: bots write books."""
    commits = [
        {"commit": {name: one["commit"].get(name) for name in ("authoredDate", "messageHeadline")}}
        for one in nodes(pull.get("commits"))
    ]
    body = "\n".join(line for line in (pull.get("body") or "").splitlines() if "everts " in line)
    kept = {name: value for name, value in pull.items() if name not in {"reviews", "closingIssuesReferences"}}
    return {**kept, "body": body, "commits": {**(pull.get("commits") or {}), "nodes": commits}}


def _cut_off(pulls: Sequence[Node], repo: Listed) -> Iterator[str]:
    """What GitHub does not list to the end."""
    for pull in pulls:
        commits = pull.get("commits") or {}
        if (total := commits.get("totalCount") or 0) > (listed := len(nodes(commits))):
            yield (
                f"{repo.full_name}#{pull['number']}: GitHub lists {listed} of its {total} commits: it may have begun"
                " earlier"
            )
