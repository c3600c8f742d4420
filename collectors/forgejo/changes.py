"""The feed of requests: which have changed, by the list of issues, and each of them whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from dxmetrics.collectors import Whole
from dxmetrics.collectors.feeds import Feed, Memo, Position, Probe, Slice
from dxmetrics.errors import CollectError, NotFoundError, RetryableError
from dxmetrics.http import with_size
from dxmetrics.records import Change, ChangeCommit, Identity, Record, Review

from .api import MOST, Place, Row, at_once, only
from .people import Accounts, User
from .pulls import change_id, is_review
from .slices import SECOND, by_update, present, stamp, updated_at

FEW = 3  # changed requests that are asked for one by one, where a list would tell no more
FEWEST_EVENTS = 30  # rows of a page where a server is not told how many; a shorter one is the last
TRIED_FOR = timedelta(days=14)
USER_FIELDS = ("id", "login")
ISSUE_FIELDS = (
    "number", "title", "state", "html_url", "created_at", "updated_at", "closed_at", "original_author", "pull_request",
)  # fmt: skip
PULL_FIELDS = (
    "draft", "merged", "merged_at", "merge_commit_sha", "additions", "deletions", "changed_files", "title", "state",
    "updated_at", "closed_at",
)  # fmt: skip
REVIEW_FIELDS = (
    "id", "html_url", "state", "dismissed", "submitted_at", "updated_at", "comments_count",
)  # fmt: skip

T = TypeVar("T")


@dataclass(frozen=True)
class Told:
    """What the server tells of a request: its row among the issues, itself, and its parts; None is what it cannot."""

    issue: Row
    pull: Row | None
    commits: Sequence[Row] | None
    titles: Sequence[Row] | None
    reviews: Sequence[Row] | None
    failures: Sequence[str]

    @property
    def number(self) -> int:
        """Its number."""
        return int(self.issue["number"])

    def people(self) -> Iterator[User]:
        """Everybody who had to do with it and has an account."""
        yield self.issue.get("user")
        yield from ((self.pull or {}).get(role) for role in ("user", "merged_by"))
        yield from (one.get("user") for one in self.reviews or ())
        yield from (one.get("author") for one in self.commits or ())


def changes(place: Place, accounts: Accounts, probe: Probe | None, *, is_archived: bool) -> Feed:
    """The feed of a repository's requests."""
    return Feed(
        "changes",
        (Change, ChangeCommit, Review),
        partial(_read, place, accounts),
        by_time=True,
        probe=probe,
        reread=partial(_again, place, accounts),
        sweep=None
        if is_archived
        else lambda: present(place, "pulls", Change, lambda row: change_id(place.id, row["number"])),
    )


def _read(place: Place, accounts: Accounts, position: Position) -> Slice:
    rows, one = by_update(place, "pulls", position)
    listed = _listed(place, rows, is_newest=position.before is None)
    told = at_once(lambda row: _whole(place, row, listed.get(row["number"])), rows)
    return replace(one, **_fields(place, accounts, [found for found in told if found]))


def _again(place: Place, accounts: Accounts, numbers: Sequence[str], _: Memo) -> Iterator[Slice]:
    """Requests that could not be told whole the last time."""
    for number in numbers:
        try:
            found = _whole(place, place.one(f"issues/{number}"), None)
        except NotFoundError:
            continue
        if found:
            yield Slice(**_fields(place, accounts, [found]))


def _fields(place: Place, accounts: Accounts, told: Sequence[Told]) -> dict[str, Any]:
    """The rows of requests and their parts, and which of them are to be asked for again."""
    rows: dict[type[Record], list[Row]] = {Change: [], ChangeCommit: [], Review: []}
    whole: dict[type[Record], Whole] = {}
    for one in told:
        change = change_id(place.id, one.number)
        rows[Change].append(_payload(place, one))
        rows[ChangeCommit] += [{"change": change, "commit": _commit(row)} for row in one.commits or ()]
        rows[Review] += [{"change": change, "review": _review(row)} for row in one.reviews or ()]
    if known := [change_id(place.id, one.number) for one in told if one.commits is not None]:
        whole[ChangeCommit] = Whole("change", known)
    if known := [change_id(place.id, one.number) for one in told if one.reviews is not None]:
        whole[Review] = Whole("change", known)
    now = place.api.client.server_time()
    rows[Identity] = accounts.told(user for one in told for user in one.people())
    return {
        "rows": {record: found for record, found in rows.items() if found},
        "whole": whole,
        "unfinished": {str(one.number): bool(one.failures) and now - updated_at(one.issue) < TRIED_FOR for one in told},
        "notes": tuple(
            f"{place.name}#{one.number}: {failure}; it is asked for again for {TRIED_FOR.days} days after its change"
            for one in told
            for failure in one.failures
        ),
    }


# -- one request, whole -----------------------------------------------------------------------------------------------


def _listed(place: Place, rows: Sequence[Row], *, is_newest: bool) -> Mapping[int, Row]:
    """These requests from the list that tells many at once, as far as they stand there.

    The list knows no times, but has the same order: how many were changed later is where to look.
    """
    api = place.api
    if len(rows) <= FEW or api.lists_lines is False or not (is_newest or api.sorts):
        return {}
    newest = max(map(updated_at, rows))
    later = {"state": "all", "type": "pulls", "since": stamp(newest + SECOND), "page": 1, "limit": 1}
    ahead = 0 if is_newest else place.page("issues", later).total or 0

    def fetch(size: int) -> list[Row]:
        size = size if ahead else min(size, len(rows))
        pages = range(ahead // size, (ahead + len(rows) - 1) // size + 1)
        params = [{"state": "all", "sort": "recentupdate", "page": page + 1, "limit": size} for page in pages]
        return [row for one in params for row in place.page("pulls", one).rows if row]

    found = {row["number"]: row for row in with_size(api.size, fetch)}
    if has_lines := [row.get("additions") is not None for row in found.values() if (row.get("head") or {}).get("repo")]:
        api.lists_lines = any(has_lines)
    if not api.lists_lines:
        return {}
    seen = {row["number"]: updated_at(row) for row in rows}
    return {number: row for number, row in found.items() if seen.get(number) == updated_at(row)}


def _whole(place: Place, issue: Row, pull: Row | None) -> Told | None:
    """A request with its commits, changes of title and reviews; None: it was deleted meanwhile."""
    number = issue["number"]
    failures: list[str] = []
    try:
        pull = pull or _tried(failures, lambda: place.one(f"pulls/{number}"))
    except NotFoundError:
        return None
    hidden = (pull or {}).get("review_comments") or 0
    commits = _part(failures, lambda: _commits(place, number))
    events = _part(failures, lambda: _events(place, number, hidden))
    has_reviews = events is None or hidden or any("review" in str(event.get("type")) for event in events)
    reviews = _part(failures, lambda: place.rows(f"pulls/{number}/reviews")) if has_reviews else []
    submitted = None if reviews is None else [row for row in reviews if is_review(row)]
    titles = [event for event in events or () if event.get("type") == "change_title"]
    return Told(issue, pull, commits, titles, submitted, tuple(failures))


def _part(failures: list[str], read: Callable[[], T]) -> T | None:
    """A part of a request; None where it has none, as an old server has no timeline."""
    try:
        return _tried(failures, read)
    except NotFoundError:
        return None


def _tried(failures: list[str], read: Callable[[], T]) -> T | None:
    """What the server tells; None, and why not, where it always breaks at this one, as at a damaged repository."""
    try:
        return read()
    except RetryableError as error:
        if type(error) is not RetryableError or ": 500 on " not in str(error):
            raise  # it is in trouble on the whole
        failures.append(str(error))
        return None


def _commits(place: Place, number: int) -> list[Row]:
    return place.rows(f"pulls/{number}/commits", {"verification": "false", "files": "false"})


def _events(place: Place, number: int, hidden: int) -> list[Row]:
    """What happened to a request. The list says of each page that it is the last, and leaves out comments on lines
    (at most `hidden`) after it has counted its rows: only a page that is short of those too is the last."""
    found: list[Row] = []
    page = 1
    while True:
        rows = place.page(f"issues/{number}/timeline", {"page": page, "limit": MOST}).rows
        if rows and rows[0] in found:
            raise CollectError(
                f"{place.api.name}: {place.name}#{number}: its timeline's pages repeat: paging is in a loop"
            )
        found += rows
        if len(rows) + hidden < FEWEST_EVENTS or not rows:
            return found
        page += 1


# -- what is kept of it -----------------------------------------------------------------------------------------------


def _payload(place: Place, told: Told) -> Row:
    """A request without what is a row of its own, and of its text what may tell of a revert: bots write books."""
    issue, pull = told.issue, told.pull
    body = "\n".join(line for line in (issue.get("body") or "").splitlines() if "everts " in line)
    kept_issue = {
        **only(issue, ISSUE_FIELDS),
        "body": body,
        "user": only(issue.get("user") or {}, USER_FIELDS),
        "labels": [only(label, ("name",)) for label in issue.get("labels") or ()],
    }
    kept_pull = None
    if pull is not None:
        kept_pull = {
            **only(pull, PULL_FIELDS),
            "merged_by": only(pull.get("merged_by") or {}, USER_FIELDS),
            "base": only(pull.get("base") or {}, ("ref",)),
            "head": only(pull.get("head") or {}, ("label", "ref", "sha")),
        }
    commits = told.commits
    return {
        "repository": place.id,
        "issue": kept_issue,
        "pull": kept_pull,
        "commits": None if commits is None else [{"authored_at": _authored_at(one)} for one in commits],
        "titles": [
            {"at": one.get("created_at"), "old": one.get("old_title"), "new": one.get("new_title")}
            for one in told.titles or ()
        ],
    }


def _authored_at(commit: Row) -> Any:
    return ((commit.get("commit") or {}).get("author") or {}).get("date")


def _commit(row: Row) -> Row:
    told = row.get("commit") or {}
    return {
        "sha": row["sha"],
        "author": only(row.get("author") or {}, USER_FIELDS),
        "commit": {role: told.get(role) for role in ("author", "committer")},
    }


def _review(row: Row) -> Row:
    return {**only(row, REVIEW_FIELDS), "user": only(row.get("user") or {}, USER_FIELDS)}
