"""Changes: pull requests, and their commits where these are wanted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from dxmetrics.collectors import Whole
from dxmetrics.collectors.feeds import Feed, Position, Slice
from dxmetrics.errors import NotFoundError
from dxmetrics.records import Change, ChangeCommit, ChangeState, Identity, MergeMethod

from .api import Payload, Place
from .people import account, everybody, user_fields
from .slices import Rows, by_update, instant, updated_within

MOST = 50  # pull requests a page; more is refused
MOST_WITH_COMMITS = 20  # a page with its commits is read again whole where it is broken off
STATES = ("OPEN", "MERGED", "DECLINED", "SUPERSEDED")  # left out, only open ones are listed
FIELDS = (
    "next", "values.id", "values.title", "values.description", "values.state", "values.draft", "values.created_on",
    "values.updated_on", "values.closed_on", "values.links.html.href", *user_fields("values.author"),
    *user_fields("values.closed_by"), "values.source.branch.name", "values.source.commit.hash",
    "values.destination.branch.name", "values.merge_commit.hash", "values.merge_commit.date",
    "values.merge_commit.parents.hash",
)  # fmt: skip
COMMIT_FIELDS = ("next", "values.hash", "values.date", *user_fields("values.author.user"))
DESCRIPTION_KEPT = 500  # characters: a revert says so at the beginning

STATE_WORDS: Mapping[str, ChangeState] = {
    "OPEN": "open", "MERGED": "merged", "DECLINED": "closed", "SUPERSEDED": "closed",
}  # fmt: skip
REVERT_TITLE = re.compile(r'^Revert "')
REVERT_BRANCH = re.compile(r"^revert-pr-(\d+)$")
REVERTED_REQUEST = re.compile(r"\breverts pull request #(\d+)", re.IGNORECASE)
REVERTED_COMMIT = re.compile(r"\bThis reverts commit ([0-9a-f]{7,40})", re.IGNORECASE)


def changes(place: Place, beginning: datetime | None, *, reads_commits: bool) -> Feed:
    """Pull requests by their last update; one request a page, and one a change where commits are read."""
    read = partial(_read, place, beginning, reads_commits=reads_commits)
    return Feed("changes", (Change,), read, by_time=True)


def change_id(repository: str, number: Any) -> str:
    """A pull request's id: it has none of its own, and its number counts in its repository only."""
    return f"{repository}/{number}"


def _read(place: Place, beginning: datetime | None, position: Position, *, reads_commits: bool) -> Slice:
    params = {
        "state": STATES,
        "q": updated_within(position, beginning),
        "sort": "-updated_on",
        "pagelen": MOST_WITH_COMMITS if reads_commits else MOST,
        "fields": ",".join(FIELDS),
    }
    listing = place.page("pullrequests", params, position.token)
    commits = {row["id"]: _commits(place, row["id"]) for row in listing.rows} if reads_commits else {}
    listed = {change_id(place.id, number): found for number, found in commits.items() if found}
    rows: Rows = {
        Change: [_payload(place, row, commits.get(row["id"])) for row in listing.rows],
        ChangeCommit: [{"change": change, "commit": one} for change, found in listed.items() for one in found],
        Identity: everybody(_people(listing.rows, commits.values())),
    }
    whole = {ChangeCommit: Whole("change", tuple(listed))} if listed else {}
    return by_update(listing, position, beginning, rows, whole=whole)


def _payload(place: Place, row: Payload, commits: list[Payload] | None) -> dict[str, Any]:
    kept = {**row, "description": (row.get("description") or "")[:DESCRIPTION_KEPT]}
    listed = None if commits is None else [one.get("date") for one in commits]
    return {"repository": place.id, "pull_request": kept, "commits": listed}


def _commits(place: Place, number: int) -> list[Payload]:
    """The commits of a pull request; none where its source is gone."""
    params = {"pagelen": 100, "fields": ",".join(COMMIT_FIELDS)}
    try:
        return [row for listing in place.pages(f"pullrequests/{number}/commits", params) for row in listing.rows]
    except NotFoundError:  # of a fork that was deleted
        return []


def _people(rows: Iterable[Payload], commits: Iterable[list[Payload]]) -> Iterable[Payload | None]:
    for row in rows:
        yield row.get("author")
        yield row.get("closed_by")
    for found in commits:
        yield from ((one.get("author") or {}).get("user") for one in found)


def change(payload: Mapping[str, Any]) -> Change:
    """A pull request."""
    row, repository = payload["pull_request"], payload["repository"]
    state = STATE_WORDS.get(row.get("state"), "unknown")
    opened_at = instant(row["created_on"])
    merge = row.get("merge_commit") or {}
    ended_at = _ended_at(row, merge)
    source = row.get("source") or {}
    reverts = _reverted(row, repository)
    return Change(
        ext_id=change_id(repository, row["id"]),
        url=((row.get("links") or {}).get("html") or {}).get("href"),
        updated_at=row.get("updated_on"),
        repository=repository,
        number=row["id"],
        title=row.get("title") or "",
        state=state,
        is_draft=bool(row.get("draft")),
        author=account(row.get("author")),
        merged_by=account(row.get("closed_by")) if state == "merged" else None,
        opened_at=opened_at,
        merged_at=ended_at if state == "merged" else None,
        closed_at=ended_at if state in {"merged", "closed"} else None,
        first_commit_at=_first_commit_at(payload.get("commits"), opened_at),
        base_branch=((row.get("destination") or {}).get("branch") or {}).get("name"),
        head_branch=(source.get("branch") or {}).get("name"),
        head_sha=(source.get("commit") or {}).get("hash"),
        merge_sha=merge.get("hash"),
        merge_method=_merge_method(row, merge),
        is_revert=reverts is not None or bool(REVERT_TITLE.match(row.get("title") or "")),
        reverts=reverts,
        commits_count=len(payload["commits"]) if payload.get("commits") else None,
    )


def change_commit(payload: Mapping[str, Any]) -> ChangeCommit:
    """A commit of a pull request."""
    commit = payload["commit"]
    return ChangeCommit(
        ext_id=f"{payload['change']}/{commit['hash']}",
        change=payload["change"],
        sha=commit["hash"],
        authored_at=commit.get("date"),
        author=account((commit.get("author") or {}).get("user")),
    )


def _ended_at(row: Payload, merge: Payload) -> datetime | None:
    """When it was merged or declined: as told, else of the commit that merging made."""
    if row.get("closed_on"):
        return instant(row["closed_on"])
    return instant(merge["date"]) if merge.get("date") and not _is_fast_forward(row, merge) else None


def _is_fast_forward(row: Payload, merge: Payload) -> bool:
    """Whether merging made no commit; both hashes may be abbreviated, to different lengths."""
    head = ((row.get("source") or {}).get("commit") or {}).get("hash") or ""
    merged = merge.get("hash") or ""
    return bool(head and merged) and (head.startswith(merged) or merged.startswith(head))


def _merge_method(row: Payload, merge: Payload) -> MergeMethod:
    """As far as the commit tells: a squash and a rebase both leave one parent."""
    if _is_fast_forward(row, merge):
        return "fast_forward"
    return "merge" if len(merge.get("parents") or ()) > 1 else "unknown"


def _first_commit_at(dates: Iterable[str | None] | None, opened_at: datetime) -> datetime | None:
    """The earliest date of its commits; a change that was pushed anew later began when it was opened."""
    first = min((instant(date) for date in dates or () if date), default=None)
    return None if first is None else min(first, opened_at)


def _reverted(row: Payload, repository: str) -> str | None:
    """The pull request or commit that this one takes back."""
    text = f"{row.get('title') or ''}\n{row.get('description') or ''}"
    branch = ((row.get("source") or {}).get("branch") or {}).get("name") or ""
    if found := REVERTED_REQUEST.search(text) or REVERT_BRANCH.match(branch):
        return change_id(repository, found[1])
    commit = REVERTED_COMMIT.search(text)
    return commit[1].lower() if commit else None
