"""Self-service actions: each run as one use of the platform."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from dxmetrics.collectors.feeds import BEGINNING, ExpiredError, Feed, Memo, Position, Slice, down_to
from dxmetrics.errors import CollectError, NotFoundError
from dxmetrics.records import PlatformEvent

from .catalog import service_key

if TYPE_CHECKING:
    from .api import Api, Payload
    from .settings import PortSettings

AT_ONCE = 100
MOST = 1000  # the vendor's limit
SOURCES = ("UI", "API")  # AUTOMATION: nobody asked for it
OUTCOMES: Mapping[str, Literal["success", "failure"]] = {"SUCCESS": "success", "FAILURE": "failure"}
ENDED = frozenset({*OUTCOMES, "DECLINED"})
WATCHED = timedelta(days=30)  # what has not ended by then was never told to have
REFUSED_MARK = (": 400 on ", ": 422 on ")


class Runs:
    """The runs of all actions, as one collection reads them."""

    def __init__(self, api: Api, settings: PortSettings, now: datetime) -> None:
        self._api = api
        self._settings = settings
        self._now = now
        self._met: set[str] = set()

    def feed(self) -> Feed:
        """The runs, newest first."""
        return Feed("runs", (PlatformEvent,), self._read, reread=self._again)

    def _read(self, position: Position) -> Slice:
        """The page that a mark stands for. A page may be short, or empty, and not be the last."""
        body = self._page(position)
        rows, mark = body["runs"], body.get("next") or None
        keys = {str(row["id"]) for row in rows if row.get("id")}
        if position.token and keys and keys <= self._met:
            raise CollectError(f"{self._api.name}: the same runs of actions come again: paging is in a loop")
        self._met |= keys
        has_more = mark is not None
        is_cut = not has_more and len(rows) >= MOST
        return Slice(
            {PlatformEvent: [self._payload(row) for row in rows]} if rows else {},
            oldest=down_to(filter(None, map(_created, rows)), has_more=has_more or is_cut),
            token=mark,
            is_end=not has_more,
            served_at=self._api.client.server_time(),
            unfinished=self._unfinished(rows),
            notes=(f"Port tells of the newest {MOST:,} runs of actions only: older ones are not known",)
            if is_cut
            else (),
        )

    def _page(self, position: Position) -> Payload:
        """A page; the longest one there is of a server that has no pages, where the usual one does not reach."""
        params: dict[str, Any] = {"source": list(SOURCES), "limit": AT_ONCE}
        if not position.token:
            body = self._api.runs(params)
            rows = body["runs"]
            reached = min(filter(None, map(_created, rows)), default=BEGINNING)
            is_short = not body.get("next") and len(rows) >= AT_ONCE and reached > (position.since or BEGINNING)
            return self._api.runs(params | {"limit": MOST}) if is_short else body
        try:
            return self._api.runs(params | {"from": position.token})
        except CollectError as error:
            if type(error) is CollectError and any(mark in str(error) for mark in REFUSED_MARK):
                raise ExpiredError(f"{error}: the mark of a page is not known any more") from error
            raise

    def _again(self, ids: Sequence[str], _memo: Memo) -> Iterator[Slice]:
        """Runs that had not ended when they were read last."""
        for key in ids:
            try:
                row = self._api.run(key)
            except NotFoundError:
                continue  # no slice tells of it, and it is not asked for again
            yield Slice({PlatformEvent: [self._payload(row)]}, unfinished=self._unfinished([row]))

    def _payload(self, row: Payload) -> Payload:
        """A run without what was typed in."""
        action, entity = _named(row.get("action")) or "unknown", _named(row.get("entity"))
        blueprint, settings = _named(row.get("blueprint")), self._settings
        is_of_service = entity is not None and blueprint in settings.services
        return {
            "id": row.get("id"),
            "status": row.get("status"),
            "created_at": row.get("createdAt"),
            "ended_at": row.get("endedAt"),
            "person": row.get("createdBy"),
            "action": action,
            "capability": settings.capabilities.get(action) or settings.capability or action,
            "service": service_key(settings, str(blueprint), str(entity)) if is_of_service else None,
        }

    def _unfinished(self, rows: Sequence[Payload]) -> Mapping[str, bool]:
        return {str(row["id"]): self._goes_on(row) for row in rows if row.get("id")}

    def _goes_on(self, row: Payload) -> bool:
        created = _created(row)
        has_ended = row.get("endedAt") or row.get("status") in ENDED
        return not has_ended and created is not None and self._now - created < WATCHED


def _named(part: Any) -> str | None:
    """The identifier of what a run refers to, which older runs tell as a text."""
    found = part.get("identifier") if isinstance(part, Mapping) else part
    return str(found) if found else None


def _created(row: Payload) -> datetime | None:
    return _instant(row["createdAt"]) if row.get("createdAt") else None


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def platform_event(payload: Payload) -> PlatformEvent:
    """A run of an action, when it was asked for; seconds until it had ended, the wait for an approval included.

    What was declined, or goes on, neither succeeded nor failed: its outcome is unknown.
    """
    outcome = OUTCOMES.get(payload["status"], "unknown")
    created_at = _instant(payload["created_at"])
    ended_at = _instant(payload["ended_at"]) if payload["ended_at"] and outcome != "unknown" else None
    return PlatformEvent(
        ext_id=payload["id"],
        occurred_at=created_at,
        capability=payload["capability"],
        action=payload["action"],
        outcome=outcome,
        person=payload["person"],
        service=payload["service"],
        duration_seconds=(ended_at - created_at).total_seconds() if ended_at else None,
    )
