"""Changes: pull requests with their commits and the threads that tell when they left draft and who closed them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from dxmetrics.collectors import Whole
from dxmetrics.collectors.feeds import Feed, Position, Slice
from dxmetrics.errors import NotFoundError
from dxmetrics.records import Change, ChangeCommit, ChangeState, Identity, MergeMethod, Record, Review

from . import reviews
from .api import Api, Payload, branch, instant, needing, picked
from .people import account, author, authors, everybody, trimmed
from .projects import Project, probed
from .repositories import Listed
from .windows import Window

AT_ONCE = 50
COMMITS_AT_ONCE = 500
READ_AGAIN = timedelta(hours=12)  # an open request's comments do not show in the list
KEPT = (
    "pullRequestId", "status", "title", "description", "isDraft", "creationDate", "closedDate", "sourceRefName",
    "targetRefName", "labels",
)  # fmt: skip
STATES: Mapping[str, ChangeState] = {"active": "open", "completed": "merged", "abandoned": "closed"}
METHODS: Mapping[str, MergeMethod] = {
    "noFastForward": "merge", "rebaseMerge": "merge", "squash": "squash", "rebase": "rebase",
}  # fmt: skip
REVERT_TITLE = re.compile(r"""^Revert ["']""")
REVERTED_REQUEST = re.compile(r"\breverts !(\d+)", re.IGNORECASE)
REVERTED_COMMIT = re.compile(r"\bThis reverts commit ([0-9a-f]{7,40})", re.IGNORECASE)

Rows = dict[type[Record], list[Any]]


@dataclass(frozen=True)
class Place:
    """A repository as its lists are read."""

    api: Api
    project: Project
    listed: Listed
    earliest: datetime | None

    def path(self, rest: str) -> str:
        """The path of something in the repository."""
        return self.project.path(f"git/repositories/{self.listed.id}/{rest}")

    def web(self, number: int) -> str:
        """The page of a pull request."""
        return f"{self.listed.web}/pullrequest/{number}"


def change_id(repository: str, number: Any) -> str:
    """A pull request's id: its number counts in its organisation only, and a source may read several."""
    return f"{repository}/{number}"


def open_changes(place: Place) -> Feed:
    """The active pull requests: as one list for all repositories of the project, and two requests for each that has
    changed, or was not looked at for half a day."""
    return Feed("open_changes", (), partial(_read_open, place))


def closed_changes(place: Place) -> Feed:
    """Completed and abandoned pull requests by when they were closed; one request a page, and two for each."""
    return Feed(
        "changes",
        (Change, ChangeCommit, Review),
        partial(_read_closed, place),
        probe=probed(lambda: place.project.closed(place.listed.id)),
    )


def _read_open(place: Place, position: Position) -> Slice:
    now = place.api.client.server_time()
    known: Mapping[str, Sequence[str]] = position.memo.get("known", {})
    listed = {str(row["pullRequestId"]): row for row in place.project.open_changes(place.listed.id)}
    due = [key for key, row in listed.items() if _is_due(row, known.get(key), now)]
    some = due[:AT_ONCE]
    read = {key: [_digest(listed[key]), now.isoformat()] for key in some}
    kept = {key: read.get(key) or known[key] for key in listed if key in read or key in known}
    rows, whole = _told(place, [listed[key] for key in some])
    is_end = len(some) == len(due)
    return Slice(
        rows,
        token=None if is_end else some[-1],
        is_end=is_end,
        whole=whole,
        served_at=now,
        memo={"known": kept} if kept else {},
    )


def _is_due(row: Payload, known: Sequence[str] | None, now: datetime) -> bool:
    if known is None or known[0] != _digest(row):
        return True
    return now - datetime.fromisoformat(known[1]) >= READ_AGAIN


def _digest(row: Payload) -> str:
    """What shows in the list that something happened: a push, a vote, another title, branch, label or draft state."""
    signs = [
        picked(row, ("title", "description", "isDraft", "targetRefName", "labels")),
        (row.get("lastMergeSourceCommit") or {}).get("commitId"),
        sorted((str(one.get("id")), one.get("vote")) for one in row.get("reviewers") or ()),
    ]
    return hashlib.sha256(json.dumps(signs, sort_keys=True).encode()).hexdigest()[:16]


def _read_closed(place: Place, position: Position) -> Slice:
    window = Window.at(position, place.earliest)
    skipped, _, last = (window.mark or "0").partition(" ")
    params = {
        "searchCriteria.status": "all",
        "searchCriteria.queryTimeRangeType": "closed",
        "searchCriteria.minTime": window.low_text,
        "searchCriteria.maxTime": window.high_text,
        "$top": AT_ONCE,
        "$skip": int(skipped),
    }
    with needing("changes"):
        page = place.api.page(place.path("pullrequests"), params)
    following = None
    if len(page.rows) >= AT_ONCE:
        # The last one again: should one before it have left the list meanwhile, another stands in its place.
        following = f"{int(skipped) + AT_ONCE - 1} {page.rows[-1]['pullRequestId']}"
    answer = window.within(replace(page, following=following), "closedDate")
    closed = [row for row in answer.rows if row.get("status") != "active" and str(row["pullRequestId"]) != last]
    told, whole = _told(place, closed)
    return replace(window.after(answer, "closedDate"), rows=told, whole=whole)


def _told(place: Place, pulls: Sequence[Payload]) -> tuple[Rows, dict[type[Record], Whole]]:
    """The rows of pull requests, of their commits, reviews and people."""
    found: Rows = {Change: [], ChangeCommit: [], Review: []}
    people: list[Payload | None] = []
    signatures: list[Payload | None] = []
    whole: dict[type[Record], list[str]] = {ChangeCommit: [], Review: []}
    for row in pulls:
        number = row["pullRequestId"]
        change = change_id(place.listed.id, number)
        with needing("changes"):
            threads = place.api.page(place.path(f"pullRequests/{number}/threads")).rows
            commits = _commits(place, number)
        said = reviews.told(threads, change, place.web(number))
        payload = _payload(place, row, threads, commits)
        found[Change].append(payload)
        found[Review] += said
        whole[Review].append(change)
        if commits is not None:
            found[ChangeCommit] += [{"change": change, "commit": one} for one in commits]
            whole[ChangeCommit].append(change)
        people += [*row.get("reviewers", ()), row.get("createdBy"), closer(payload), *reviews.people(said)]
        signatures += [one.get("author") for one in commits or ()]
    found[Identity] = [*everybody(people), *authors(signatures)]
    return found, {record: Whole("change", tuple(of)) for record, of in whole.items() if of}


def _commits(place: Place, number: int) -> list[Payload] | None:
    """The commits of a pull request; None where they cannot be told any more: its fork is gone."""
    try:
        found = place.api.all(place.path(f"pullRequests/{number}/commits"), {"$top": COMMITS_AT_ONCE})
        return [picked(one, ("commitId", "author", "committer")) for one in found]
    except NotFoundError:
        return None


def _payload(
    place: Place, row: Payload, threads: Sequence[Payload], commits: Sequence[Payload] | None
) -> dict[str, Any]:
    strategy = picked(row.get("completionOptions") or {}, ("mergeStrategy", "squashMerge"))
    kept = {
        **picked(row, KEPT),
        "createdBy": trimmed(row.get("createdBy")),
        "closedBy": trimmed(row.get("closedBy")),
        "lastMergeCommit": picked(row.get("lastMergeCommit") or {}, ("commitId",)),
        "lastMergeSourceCommit": picked(row.get("lastMergeSourceCommit") or {}, ("commitId",)),
        "completionOptions": strategy if row.get("completionOptions") else None,
    }
    return {
        "repository": place.listed.id,
        "web": place.web(row["pullRequestId"]),
        "pull_request": kept,
        "events": [reviews.event(one) for one in threads if reviews.kind(one) in {reviews.STATUS, reviews.DRAFT}],
        "commits": None if commits is None else [(one.get("author") or {}).get("date") for one in commits],
    }


def closer(payload: Mapping[str, Any]) -> Payload | None:
    """Who completed a pull request: the list leaves it out, so that the thread that notes it has to tell."""
    for event in reversed(payload.get("events") or ()):
        if reviews.kind(event) == reviews.STATUS and reviews.stated(event, "CodeReviewStatus").lower() == "completed":
            noted = reviews.subject(event, "CodeReviewStatusUpdatedByIdentity")
            if noted:
                return noted
    found: Payload | None = payload["pull_request"].get("closedBy")
    return found


# -- mapping ----------------------------------------------------------------------------------------------------------


def change(payload: Mapping[str, Any]) -> Change:
    """A pull request of the host, or a change that the mirror tells of."""
    if "ext_id" in payload:
        return Change.model_validate(payload)
    row, repository = payload["pull_request"], payload["repository"]
    number, title = row["pullRequestId"], row.get("title") or ""
    state = STATES.get(row.get("status"), "unknown")
    is_merged = state == "merged"
    opened_at = instant(row["creationDate"])
    closed_at = instant(row.get("closedDate")) if state in {"merged", "closed"} else None
    dates = payload.get("commits")
    reverts = _reverted(row, repository)
    return Change(
        ext_id=change_id(repository, number),
        url=payload.get("web"),
        repository=repository,
        number=number,
        title=title,
        state=state,
        is_draft=bool(row.get("isDraft")),
        author=account(row.get("createdBy")),
        merged_by=account(closer(payload)) if is_merged else None,
        opened_at=opened_at,
        ready_at=_ready_at(payload.get("events") or ()),
        merged_at=closed_at if is_merged else None,
        closed_at=closed_at,
        first_commit_at=_first_commit_at(dates or (), opened_at),
        base_branch=branch(row.get("targetRefName")),
        head_branch=branch(row.get("sourceRefName")),
        head_sha=(row.get("lastMergeSourceCommit") or {}).get("commitId"),
        # Of an open request it is a merge that was only tried.
        merge_sha=(row.get("lastMergeCommit") or {}).get("commitId") if is_merged else None,
        merge_method=_merge_method(row) if is_merged else "unknown",
        is_revert=reverts is not None or bool(REVERT_TITLE.match(title)),
        reverts=reverts,
        commits_count=None if dates is None else len(dates),
        labels=tuple(one["name"] for one in row.get("labels") or () if one.get("active", True) and one.get("name")),
    )


def change_commit(payload: Mapping[str, Any]) -> ChangeCommit:
    """A commit of a pull request, or of a change that the mirror tells of."""
    if "ext_id" in payload:
        return ChangeCommit.model_validate(payload)
    commit, name = payload["commit"], payload["change"]
    return ChangeCommit(
        ext_id=f"{name}/{commit['commitId']}",
        change=name,
        sha=commit["commitId"],
        authored_at=instant((commit.get("author") or {}).get("date")),
        committed_at=instant((commit.get("committer") or {}).get("date")),
        author=author(commit.get("author")),
    )


def _ready_at(events: Iterable[Payload]) -> datetime | None:
    """The last time it left draft."""
    left = [
        instant(one.get("publishedDate"))
        for one in events
        if reviews.kind(one) == reviews.DRAFT
        and reviews.stated(one, "CodeReviewIsDraftNowSet").lower() in {"0", "false"}
    ]
    return max((at for at in left if at), default=None)


def _first_commit_at(dates: Iterable[str | None], opened_at: datetime | None) -> datetime | None:
    """The earliest date of its commits; one that was pushed anew later began when it was opened."""
    found = [at for date in dates if (at := instant(date))]
    return min([*found, opened_at]) if found and opened_at else None


def _merge_method(row: Payload) -> MergeMethod:
    """As it was completed. Where options are given without a strategy, the older flag tells squash from merge."""
    options = row.get("completionOptions")
    if options is None:
        return "unknown"
    if options.get("mergeStrategy"):
        return METHODS.get(options["mergeStrategy"], "unknown")
    return "squash" if options.get("squashMerge") else "merge"


def _reverted(row: Payload, repository: str) -> str | None:
    """The pull request or commit that this one takes back."""
    text = f"{row.get('title') or ''}\n{row.get('description') or ''}"
    if found := REVERTED_REQUEST.search(text):
        return change_id(repository, found[1])
    commit = REVERTED_COMMIT.search(text)
    return commit[1].lower() if commit else None
