"""Incidents: the list of them, and the log that tells when they were acknowledged and which have changed."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, Self

from dxmetrics.collectors.feeds import BEGINNING, Feed, Position, Slice
from dxmetrics.errors import NotFoundError
from dxmetrics.records import Incident, Link, Record

from .api import AT_ONCE, MOST, UTC_TIMES, Api, Payload, as_text, instant
from .services import Selection, slug

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
TICK = timedelta(microseconds=1)
LONGEST = timedelta(days=170)  # of a window, which may be six months
DEEP_OVERLAP = timedelta(days=14)  # once a day: what changed without an entry in the log, as a title or a priority
KEPT = (
    "id", "html_url", "title", "summary", "created_at", "updated_at", "status", "last_status_change_at", "resolved_at",
    "urgency", "priority", "service", "teams", "incident_type", "resolve_reason",
)  # fmt: skip
TRIGGERED, ACKNOWLEDGED, RESOLVED = "trigger_log_entry", "acknowledge_log_entry", "resolve_log_entry"
MERGED = "merge_resolve_reason"
Status = Literal["open", "acknowledged", "resolved"]
STATUSES: Mapping[str, Status] = {"triggered": "open", "acknowledged": "acknowledged", "resolved": "resolved"}
SEVERITY = re.compile(r"(?:p|priority|sev|severity)[-_ ]*([0-5])\b", re.IGNORECASE)

Rows = Mapping[type[Record], Sequence[Payload]]


@dataclass(frozen=True)
class Mark:
    """How far the list is read: down to `at`, having met so many rows of that day.

    Filters may compare whole days only, so they are given midnights, and within a day rows are counted. Those that come
    later stand above: what is counted already is then met again, and nothing is missed.
    """

    at: datetime
    met: int = 0

    @classmethod
    def of(cls, token: str) -> Self:
        """The mark that a token stands for."""
        at, _, met = token.partition(" ")
        return cls(datetime.fromisoformat(at), int(met))

    @property
    def token(self) -> str:
        """The mark as text."""
        return f"{self.at.isoformat()} {self.met}"

    @property
    def until(self) -> datetime:
        """The end of the mark's day."""
        return _midnight(self.at) + DAY

    def after(self, rows: Sequence[Payload], reached: datetime) -> Mark:
        """The mark below `rows`, which come after this one."""
        day = _midnight(reached)
        of_day = sum(_midnight(at) == day for row in rows if (at := instant(row.get("created_at"))))
        return Mark(reached, of_day + (self.met if day == _midnight(self.at) else 0))


@dataclass(frozen=True)
class Log:
    """What happened to incidents in a stretch of time that ends at `until`: the entries by the incident's id."""

    until: datetime = BEGINNING
    entries: Mapping[str, Sequence[Payload]] = field(default_factory=dict)

    def of(self, row: Payload) -> Sequence[Payload] | None:
        """All that happened to an incident; None where some of it is outside of this stretch."""
        found = self.entries.get(row.get("id", ""), ())
        changed_at = instant(row.get("last_status_change_at"))
        has_beginning = any(entry["type"] == TRIGGERED for entry in found)
        return found if has_beginning and changed_at and changed_at <= self.until else None


class Incidents:
    """The incidents of an account, or of some services and teams of it, as one collection reads them."""

    def __init__(self, api: Api, selection: Selection, since: datetime | None, severities: Mapping[str, int]) -> None:
        self._api = api
        self._selection = selection
        self._since = since or BEGINNING
        self._severities = {name.casefold(): severity for name, severity in severities.items()}
        self._recent = Log()
        self._told: Sequence[Payload] = ()

    def feeds(self) -> list[Feed]:
        """What has changed first: its log was asked for before the list, and what changes after that is found next
        time. It also tells most of what the list needs to know of new incidents."""
        return [
            Feed("changes", (), self._changed),
            Feed("incidents", (Incident,), self._listed, deep_overlap=DEEP_OVERLAP),
        ]

    def first_at(self) -> datetime:
        """When the first incident of all was; now, where there was none."""
        oldest = {"date_range": "all", "sort_by": "created_at:asc", "limit": 1}
        listing = self._api.page("incidents", {**UTC_TIMES, **self._selection.of_incidents, **oldest})
        times = [at for row in listing.rows if (at := instant(row.get("created_at")))]
        return min(times, default=listing.served_at)

    # -- what has changed ---------------------------------------------------------------------------------------------

    def _changed(self, position: Position) -> Slice:
        """Incidents with something new in the log, as they are now."""
        low = position.since or BEGINNING
        entries, served_at = self._log(low, low + LONGEST)
        while low + LONGEST < served_at:
            low += LONGEST
            entries += self._log(low, low + LONGEST)[0]
        rows = {name: entry["incident"] for entry in entries if (name := _incident_of(entry))}
        self._recent = Log(served_at, _by_incident(entries))
        payloads = self._payloads([row for row in rows.values() if self._is_wanted(row)], Log())
        self._told = payloads
        return Slice(_rows(payloads), is_end=True, served_at=served_at)

    def _log(self, low: datetime, high: datetime) -> tuple[list[Payload], datetime]:
        """The log of a stretch of time, with the incidents, and when it was asked for; one with more entries than can
        be paged through is halved."""
        params = {**self._of_log(low, high), "include[]": "incidents"}
        first = self._api.page("log_entries", {**params, "total": True})
        if first.total <= MOST or high - low <= SECOND:
            return list(self._api.rows("log_entries", params, first)), first.served_at
        middle = low + (min(high, first.served_at) - low) / 2
        return self._log(low, middle)[0] + self._log(middle, high)[0], first.served_at

    def _of_log(self, low: datetime, high: datetime) -> Mapping[str, Any]:
        stretch = {"since": as_text(low), "until": as_text(high + SECOND), "is_overview": True}
        return {**UTC_TIMES, **self._selection.of_teams, **stretch}

    def _is_wanted(self, row: Payload) -> bool:
        created_at = instant(row.get("created_at"))
        return self._selection.has_service(row.get("service")) and not (created_at and created_at < self._since)

    # -- the list -----------------------------------------------------------------------------------------------------

    def _listed(self, position: Position) -> Slice:
        """A page of the list, newest first."""
        since = position.since or BEGINNING
        mark = Mark.of(position.token) if position.token else Mark(self._api.client.server_time() + HOUR)
        # At most a day before the end: a clock that is ahead may want nothing older than tomorrow.
        low = max(min(_midnight(since), mark.until - DAY), mark.until - LONGEST)
        window = {"since": as_text(low - SECOND), "until": as_text(mark.until), "offset": mark.met}
        listing = self._api.page(
            "incidents", {**UTC_TIMES, **self._selection.of_incidents, "sort_by": "created_at:desc", **window}
        )
        rows = [row for row in listing.rows if (instant(row.get("created_at")) or since) >= since]
        is_all = len(rows) < len(listing.rows) or not listing.has_more
        # Not down to `since` before there is nothing more: several may have begun at that very instant.
        reached = max(low, since) if is_all else max(min(_created(rows), default=mark.at), since + TICK)
        payloads = [one for one in self._payloads(rows, self._window(rows)) if one not in self._told]
        token = mark.after(rows, reached).token
        return Slice(_rows(payloads), oldest=reached, token=token, served_at=listing.served_at)

    def _window(self, rows: Sequence[Payload]) -> Log:
        """The log of the time in which most of these incidents were resolved; empty where it is cheaper to ask for each
        incident's own."""
        unknown = [row for row in rows if self._recent.of(row) is None]
        times = _created(unknown)
        if len(times) <= 1:
            return Log()
        low, high = min(times), max(times) + DAY
        params = self._of_log(low, high)
        first = self._api.page("log_entries", {**params, "total": True})
        if first.total > AT_ONCE * len(unknown):
            return Log()
        return Log(min(high, first.served_at), _by_incident(self._api.rows("log_entries", params, first)))

    # -- rows ---------------------------------------------------------------------------------------------------------

    def _payloads(self, rows: Sequence[Payload], window: Log) -> list[Payload]:
        """Incidents with what the log says of them."""
        return [self._payload(row, self._recent.of(row) or window.of(row) or self._log_of(row)) for row in rows]

    def _payload(self, row: Payload, log: Sequence[Payload]) -> Payload:
        told = {name: row[name] for name in KEPT if name in row}
        severity = self._severities.get(_priority(row).casefold())
        return {"incident": told, "log": log, **({"severity": severity} if severity is not None else {})}

    def _log_of(self, row: Payload) -> Sequence[Payload]:
        """An incident's own log; nothing where the incident is gone meanwhile, or has no id and will be refused."""
        if not row.get("id"):
            return ()
        try:
            return _trimmed(self._api.rows(f"incidents/{row['id']}/log_entries", {**UTC_TIMES, "is_overview": True}))
        except NotFoundError:
            return ()


def _rows(payloads: Sequence[Payload]) -> Rows:
    merged = [one for one in payloads if _merged_into(one["incident"])]
    return {Incident: payloads, **({Link: merged} if merged else {})} if payloads else {}


def _by_incident(entries: Iterable[Payload]) -> Mapping[str, Sequence[Payload]]:
    found: defaultdict[str, list[Payload]] = defaultdict(list)
    for entry in entries:
        if name := _incident_of(entry):
            found[name].append(entry)
    return {name: _trimmed(several) for name, several in found.items()}


def _incident_of(entry: Payload) -> str:
    """The id of the incident that something happened to."""
    return str((entry.get("incident") or {}).get("id") or "")


def _trimmed(entries: Iterable[Payload]) -> Sequence[Payload]:
    """What tells the status of an incident, each entry once and without who it was, oldest first."""
    kept = {
        entry["id"]: {"id": entry["id"], "type": entry["type"], "created_at": entry["created_at"]}
        for entry in entries
        if entry.get("type") in {TRIGGERED, ACKNOWLEDGED, RESOLVED}
    }
    return sorted(kept.values(), key=lambda entry: (entry["created_at"], entry["id"]))


def _created(rows: Sequence[Payload]) -> list[datetime]:
    return [at for row in rows if (at := instant(row.get("created_at")))]


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _priority(row: Payload) -> str:
    """The name of an incident's priority; empty where it has none."""
    priority = row.get("priority") or {}
    return str(priority.get("name") or priority.get("summary") or "")


def _merged_into(row: Payload) -> str | None:
    """The incident that an incident was merged into."""
    reason = row.get("resolve_reason") or {}
    return (reason.get("incident") or {}).get("id") if reason.get("type") == MERGED else None


def incident(payload: Mapping[str, Any]) -> Incident:
    """An incident; one that was merged into another is an alert of that. Urgency is no severity: None without a
    priority, or with one whose name tells none."""
    row, log = payload["incident"], payload.get("log", ())
    by_name = SEVERITY.match(_priority(row))
    status = STATUSES.get(row.get("status", ""), "unknown")
    service = row.get("service") or {}
    teams = [slug(one["summary"]) for one in row.get("teams") or () if one.get("summary")]
    resolved = [entry["created_at"] for entry in log if entry["type"] == RESOLVED]
    ended_at = row.get("resolved_at") or max(resolved, default=None) or row.get("last_status_change_at")
    return Incident(
        ext_id=row["id"],
        url=row.get("html_url"),
        updated_at=row.get("updated_at"),
        kind="alert" if _merged_into(row) else "incident",
        title=row.get("title") or row.get("summary") or "",
        severity=payload.get("severity", int(by_name[1]) if by_name else None),
        status=status,
        services=tuple(filter(None, [service.get("summary") or service.get("id")])),
        team=next(iter(teams), None),
        detected_at=row["created_at"],
        acknowledged_at=min((entry["created_at"] for entry in log if entry["type"] == ACKNOWLEDGED), default=None),
        resolved_at=ended_at if status == "resolved" else None,
    )


def link(payload: Mapping[str, Any]) -> Link:
    """That an incident duplicates the one it was merged into."""
    row = payload["incident"]
    return Link(
        ext_id=f"{row['id']}/merged",
        from_kind="incident",
        from_id=row["id"],
        relation="duplicates",
        to_kind="incident",
        to_id=_merged_into(row) or "",
        evidence="merged in PagerDuty",
    )
