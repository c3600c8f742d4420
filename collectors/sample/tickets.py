"""Rows of trackers: what teams plan and finish, and what they ask the platform's team for."""

from dxmetrics import records

from .rows import Rows, instant


def issue(
    key: str, title: str, kind: str, created: float, started: float, done: float, rows: Rows, **details: str | None
) -> None:
    """Add a ticket as it stands: open, begun or done."""
    is_done, is_started = done <= rows.until, started <= rows.until
    rows.add(records.Issue, rows.latest(created, started, done), details | {
        "ext_id": key, "url": f"https://tickets.example.com/{key}", "key": key.upper(), "type": kind, "title": title,
        "status": "Done" if is_done else "In progress" if is_started else "Open",
        "status_category": "done" if is_done else "doing" if is_started else "todo", "created_at": instant(created),
        "started_at": rows.known(started), "done_at": rows.known(done),
        "first_response_at": rows.known(started) if kind == "request" else None,
    })  # fmt: skip
