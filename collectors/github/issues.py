"""Issues, newest change first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from dxmetrics.collectors.feeds import Feed
from dxmetrics.http import Answer
from dxmetrics.records import Identity, Issue

from . import queries
from .api import Api, Node, nodes
from .people import account, everybody
from .slices import Listing, present, unless_empty

if TYPE_CHECKING:
    from .repositories import Listed

LISTING = Listing(queries.ISSUES, "issues", "updatedAt", usual=74)  # two connections each: one point
CATEGORIES: Mapping[str, Literal["todo", "done"]] = {"OPEN": "todo", "CLOSED": "done"}


def issues(api: Api, repo: Listed) -> Feed:
    """The feed of a repository's issues."""

    def slice_of(found: Sequence[Node], _: Answer) -> dict[str, Any]:
        people = (actor for node in found for actor in (node.get("author"), *nodes(node.get("assignees"))))
        rows = [{"repository": repo.id, "name": repo.full_name, "issue": node} for node in found]
        return {"rows": {Issue: rows, Identity: everybody(people)}}

    probe = repo.newest("issues", "updatedAt")
    return Feed(
        "issues",
        (Issue,),
        unless_empty(probe, lambda position: LISTING.read(api, repo, position, slice_of)),
        probe=probe,
        sweep=None if repo.is_archived else partial(present, api, repo, "issues", Issue),
    )


def issue(payload: Mapping[str, Any]) -> Issue:
    """An issue; closed is done, whatever the reason."""
    node = payload["issue"]
    assignees = nodes(node.get("assignees"))
    return Issue(
        ext_id=node["fullDatabaseId"],
        url=node.get("url"),
        updated_at=node.get("updatedAt"),
        key=f"{payload['name']}#{node['number']}",
        repository=payload["repository"],
        title=node.get("title") or "",
        status=(node.get("state") or "").lower(),
        status_category=CATEGORIES.get(node.get("state"), "unknown"),
        author=account(node.get("author")),
        assignee=account(assignees[0]) if assignees else None,
        created_at=node["createdAt"],
        done_at=node.get("closedAt"),
        labels=tuple(one["name"] for one in nodes(node.get("labels"))),
    )
