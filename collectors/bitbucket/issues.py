"""Issues of repositories that still have a tracker of their own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any, Literal

from dxmetrics.collectors.feeds import Feed, Position, Slice
from dxmetrics.records import Identity, Issue

from .api import Place
from .people import account, everybody, user_fields
from .slices import Rows, by_update, instant, updated_within

MOST = 100
FIELDS = (
    "next", "values.id", "values.title", "values.kind", "values.priority", "values.state", "values.created_on",
    "values.updated_on", "values.links.html.href", "values.component.name", *user_fields("values.reporter"),
    *user_fields("values.assignee"),
)  # fmt: skip
Category = Literal["todo", "doing", "done", "unknown"]
CATEGORIES: Mapping[str, Category] = {
    "submitted": "todo", "new": "todo", "on hold": "todo", "open": "doing", "resolved": "done", "invalid": "done",
    "duplicate": "done", "wontfix": "done", "closed": "done",
}  # fmt: skip


def issues(place: Place, beginning: datetime | None) -> Feed:
    """Issues by their last update; one request a page."""
    return Feed("issues", (Issue,), partial(_read, place, beginning), by_time=True)


def _read(place: Place, beginning: datetime | None, position: Position) -> Slice:
    params = {
        "q": updated_within(position, beginning),
        "sort": "-updated_on",
        "pagelen": MOST,
        "fields": ",".join(FIELDS),
    }
    listing = place.page("issues", params, position.token)
    people = [row.get(role) for row in listing.rows for role in ("reporter", "assignee")]
    rows: Rows = {
        Issue: [{"repository": place.id, "name": place.name, "issue": row} for row in listing.rows],
        Identity: everybody(people),
    }
    return by_update(listing, position, beginning, rows)


def issue(payload: Mapping[str, Any]) -> Issue:
    """An issue; its priority and component stand among the labels. When it was closed the listing does not tell."""
    row, repository = payload["issue"], payload["repository"]
    state = row.get("state") or ""
    labels = (row.get("priority"), (row.get("component") or {}).get("name"))
    return Issue(
        ext_id=f"{repository}/{row['id']}",
        url=((row.get("links") or {}).get("html") or {}).get("href"),
        updated_at=row.get("updated_on"),
        key=f"{payload['name']}#{row['id']}",
        repository=repository,
        type=row.get("kind") or "",
        title=row.get("title") or "",
        status=state,
        status_category=CATEGORIES.get(state, "unknown"),
        author=account(row.get("reporter")),
        assignee=account(row.get("assignee")),
        created_at=instant(row["created_on"]),
        labels=tuple(label for label in labels if label),
    )
