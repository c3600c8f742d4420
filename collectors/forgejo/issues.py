"""Issues, by their last update."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Literal

from dxmetrics.collectors.feeds import Feed, Position, Probe, Slice
from dxmetrics.records import Identity, Issue

from .api import Place, Row, instant, only
from .people import Accounts, account
from .slices import by_update, present

CATEGORIES: Mapping[str, Literal["todo", "done"]] = {"open": "todo", "closed": "done"}
FIELDS = (
    "id", "number", "html_url", "title", "state", "created_at", "updated_at", "closed_at", "original_author",
)  # fmt: skip
USER_FIELDS = ("id", "login")


def issues(place: Place, accounts: Accounts, probe: Probe | None, *, is_archived: bool) -> Feed:
    """The feed of a repository's issues."""
    return Feed(
        "issues",
        (Issue,),
        partial(_read, place, accounts),
        by_time=True,
        probe=probe,
        sweep=None if is_archived else lambda: present(place, "issues", Issue, lambda row: str(row["id"])),
    )


def _read(place: Place, accounts: Accounts, position: Position) -> Slice:
    rows, one = by_update(place, "issues", position)
    if not rows:
        return one
    people = [user for row in rows for user in (row.get("user"), *(row.get("assignees") or ()))]
    told = [{"repository": place.id, "name": place.name, "issue": _trimmed(row)} for row in rows]
    return replace(one, rows={Issue: told, Identity: accounts.told(people)})


def _trimmed(row: Row) -> Row:
    """An issue without its text."""
    return {
        **only(row, FIELDS),
        "user": only(row.get("user") or {}, USER_FIELDS),
        "assignees": [only(user, USER_FIELDS) for user in row.get("assignees") or ()],
        "labels": [only(label, ("name",)) for label in row.get("labels") or ()],
    }


def issue(payload: Mapping[str, Any]) -> Issue:
    """An issue; closed is done, whatever the reason."""
    row = payload["issue"]
    assignees = row.get("assignees") or ()
    return Issue(
        ext_id=str(row["id"]),
        url=row.get("html_url"),
        updated_at=instant(row.get("updated_at")),
        key=f"{payload['name']}#{row['number']}",
        repository=payload["repository"],
        title=row.get("title") or "",
        status=row.get("state") or "",
        status_category=CATEGORIES.get(row.get("state") or "", "unknown"),
        author=None if row.get("original_author") else account(row.get("user")),
        assignee=account(assignees[0]) if assignees else None,
        created_at=row["created_at"],
        done_at=instant(row.get("closed_at")),
        labels=tuple(label["name"] for label in row.get("labels") or ()),
    )
