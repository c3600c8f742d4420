"""The feed of merge requests: whole ones, fifty for a question, and what did not fit into that for many at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from dxmetrics.collectors import Whole
from dxmetrics.collectors.feeds import Feed, Probe
from dxmetrics.http import Answer
from dxmetrics.records import Change, ChangeCommit, Identity, Review

from . import queries
from .api import Node, nodes, number_of, partly
from .merge_requests import is_event, is_review, is_withdrawn
from .people import everybody
from .slices import Connection, Place, Rows

FEED = "changes"
LISTING = Connection(queries.CHANGES, "mergeRequests", FEED, usual=50)
OWN_ROWS = frozenset({"commits", "notes"})


def changes(place: Place, probe: Probe | None, *, is_archived: bool) -> Feed:
    """The feed of a project's merge requests."""

    def rows(found: Sequence[Node], answer: Answer) -> dict[str, Any]:
        below = [(node, part) for node in found for part in (queries.COMMITS, queries.NOTES)]
        place.api.complete(below, "MergeRequest")
        _add_squashes(place, found)
        return {
            "rows": _rows(place, found),
            "whole": {
                record: Whole("change", [number_of(node) for node in found if node.get(part) is not None])
                for record, part in ((ChangeCommit, "commits"), (Review, "notes"))
            },
            "notes": (*partly(answer), *place.api.missing("MergeRequest")),
        }

    return Feed(
        FEED,
        (Change, ChangeCommit, Review),
        lambda position: LISTING.read(place, position, rows),
        by_time=True,
        probe=probe,
        sweep=None if is_archived else partial(LISTING.present, place, Change, queries.ids("mergeRequests")),
    )


def _rows(place: Place, found: Sequence[Node]) -> Rows:
    """The payloads of requests and of what belongs to them."""
    rows: Rows = {Change: [], ChangeCommit: [], Review: []}
    for node in found:
        name, commits, notes = number_of(node), nodes(node.get("commits")), nodes(node.get("notes"))
        rows[ChangeCommit] += [{"change": name, "commit": commit} for commit in commits]
        rows[Review] += [
            {"change": name, "note": _trimmed(note), "is_withdrawn": is_withdrawn(note, notes)}
            for note in notes
            if is_review(note)
        ]
        rows[Change].append(
            {
                "repository": place.id,
                "request": {**{key: value for key, value in node.items() if key not in OWN_ROWS}, **_short(node)},
                "commits": _dates(node),
                "events": [{"createdAt": note["createdAt"], "body": note["body"]} for note in notes if is_event(note)],
            }
        )
    rows[Identity] = everybody(user for node in found for user in _people(node))
    return rows


def _people(node: Node) -> Iterator[Mapping[str, Any] | None]:
    """Everybody who had to do with a request and has an account."""
    yield node.get("author")
    yield node.get("mergeUser")
    yield from (one.get("author") for part in OWN_ROWS for one in nodes(node.get(part)))


def _dates(node: Node) -> list[dict[str, Any]] | None:
    """When its commits were written; None where they are not told."""
    if node.get("commits") is None:
        return None
    return [{"authoredDate": commit.get("authoredDate")} for commit in nodes(node["commits"])]


def _trimmed(note: Mapping[str, Any]) -> dict[str, Any]:
    """A note without what a person wrote."""
    return {key: value for key, value in note.items() if key != "body" or note.get("system")}


def _short(node: Mapping[str, Any]) -> dict[str, Any]:
    """Of a request's text, what may tell of a revert: bots write books."""
    lines = (node.get("description") or "").splitlines()
    return {"description": "\n".join(line for line in lines if "everts " in line)}


def _add_squashes(place: Place, found: Sequence[Node]) -> None:
    """The commit of squashes that were merged without a merge commit: GraphQL does not tell it."""
    wanted = {
        str(node["iid"]): node for node in found if node.get("state") == "merged" and not node.get("mergeCommitSha")
    }
    if not wanted:
        return
    path = f"projects/{place.id}/merge_requests"
    for row in place.api.page(path, {"scope": "all", "iids[]": list(wanted)}).rows:
        wanted[str(row["iid"])]["squashCommitSha"] = row.get("squash_commit_sha")
