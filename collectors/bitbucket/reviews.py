"""Reviews: approvals, requests for changes and comments, from the activity of all pull requests of a repository."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from dxmetrics.collectors.feeds import Feed, Position, Slice
from dxmetrics.records import Identity, Review, Verdict

from .api import Payload, Place
from .changes import change_id
from .people import account, everybody, user_fields
from .slices import Rows, instant, newest_first

MOST = 50
VERDICTS: Mapping[str, Verdict] = {
    "approval": "approved", "changes_requested": "changes_requested", "comment": "commented",
}  # fmt: skip
FIELDS = (
    "next", "values.pull_request.id", "values.update.date", "values.approval.date",
    *user_fields("values.approval.user"), "values.changes_requested.date",
    *user_fields("values.changes_requested.user"), "values.comment.id", "values.comment.created_on",
    "values.comment.deleted", "values.comment.pending", "values.comment.links.html.href",
    *user_fields("values.comment.user"),
)  # fmt: skip


def reviews(place: Place) -> Feed:
    """All activity, newest first: it has no filter, not even by the kind of entry."""
    return Feed("reviews", (Review,), partial(_read, place))


def _read(place: Place, position: Position) -> Slice:
    listing = place.page("pullrequests/activity", {"pagelen": MOST, "fields": ",".join(FIELDS)}, position.token)
    told = [entry for entry in listing.rows if _is_review(entry)]
    rows: Rows = {
        Review: [{"repository": place.id, **entry} for entry in told],
        Identity: everybody(_of(entry)[1].get("user") for entry in told),
    }
    dates = [date for entry in listing.rows if (date := _date(entry))]
    return newest_first("reviews", listing, [instant(date) for date in dates], rows)


def _of(entry: Payload) -> tuple[str, Payload]:
    """The kind of an entry, and what it says; kinds that are no review as "update"."""
    return next(((kind, entry[kind]) for kind in VERDICTS if entry.get(kind)), ("update", entry.get("update") or {}))


def _date(entry: Payload) -> str | None:
    _, said = _of(entry)
    return said.get("date") or said.get("created_on")


def _is_review(entry: Payload) -> bool:
    """Whether an entry says something of the change that others can read."""
    kind, said = _of(entry)
    return kind in VERDICTS and not said.get("deleted") and not said.get("pending")


def review(payload: Mapping[str, Any]) -> Review:
    """One entry of the activity; an approval that was taken back and given again is two."""
    kind, said = _of(payload)
    change = change_id(payload["repository"], payload["pull_request"]["id"])
    reviewer = account(said.get("user"))
    own_id = said["id"] if kind == "comment" else f"{reviewer or 'deleted'}@{said['date']}"
    return Review(
        ext_id=f"{change}/{kind}/{own_id}",
        url=((said.get("links") or {}).get("html") or {}).get("href"),
        change=change,
        reviewer=reviewer,
        verdict=VERDICTS.get(kind, "unknown"),
        submitted_at=said.get("date") or said["created_on"],
    )
