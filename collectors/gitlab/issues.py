"""Issues, newest change first; incidents are issues of that type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal

from dxmetrics.collectors.feeds import Feed, Probe
from dxmetrics.http import Answer
from dxmetrics.records import Identity, Issue

from . import queries
from .api import Node, nodes, number_of, partly
from .people import account, everybody
from .slices import Connection, Place

FEED = "issues"
LISTING = Connection(queries.ISSUES, "issues", FEED, usual=100, fewest=5)
CATEGORIES: Mapping[Any, Literal["todo", "done"]] = {"opened": "todo", "closed": "done"}


def issues(place: Place, probe: Probe | None, *, is_archived: bool) -> Feed:
    """The feed of a project's issues."""

    def rows(found: Sequence[Node], answer: Answer) -> dict[str, Any]:
        people = (user for node in found for user in (node.get("author"), *nodes(node.get("assignees"))))
        issues = [{"repository": place.id, "path": place.path, "issue": node} for node in found]
        return {"rows": {Issue: issues, Identity: everybody(people)}, "notes": partly(answer)}

    return Feed(
        FEED,
        (Issue,),
        lambda position: LISTING.read(place, position, rows),
        by_time=True,
        probe=probe,
        sweep=None if is_archived else partial(LISTING.present, place, Issue, queries.ids("issues")),
    )


def issue(payload: Mapping[str, Any]) -> Issue:
    """An issue, of the type GitLab gives it: `issue`, `incident`, `task` ..."""
    node = payload["issue"]
    state = node.get("state")
    assignees = [name for user in nodes(node.get("assignees")) if (name := account(user))]
    return Issue(
        ext_id=number_of(node),
        url=node.get("webUrl"),
        updated_at=node.get("updatedAt"),
        key=f"{payload['path']}#{node['iid']}",
        repository=payload["repository"],
        type=(node.get("type") or "").lower(),
        title=node.get("title") or "",
        status=state or "",
        status_category=CATEGORIES.get(state, "unknown"),
        author=account(node.get("author")),
        assignee=assignees[0] if assignees else None,
        created_at=node["createdAt"],
        done_at=node.get("closedAt") if state == "closed" else None,
        labels=tuple(one["title"] for one in nodes(node.get("labels"))),
    )
