"""The scaffolder: each run of a template as one use of the platform."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from dxmetrics.collectors.feeds import BEGINNING, Feed, Memo, Position, Slice, down_to
from dxmetrics.errors import CollectError, NotFoundError
from dxmetrics.records import PlatformEvent

from .entities import kind_of, short

if TYPE_CHECKING:
    from .api import Api, Payload
    from .settings import BackstageSettings

TASKS = "scaffolder/v2/tasks"
AT_ONCE = 100
OVERLAP = 5  # rows of the page before: runs of the same second come in no order
DEEP_OVERLAP = timedelta(days=7)  # once a day: what failed may be tried again, under the same id
KEPT = ("id", "status", "createdAt", "lastHeartbeatAt")
UNFINISHED = frozenset({"open", "processing"})
OUTCOMES: Mapping[str, Literal["success", "failure"]] = {"completed": "success", "failed": "failure"}


class Tasks:
    """The runs of all templates, as one collection reads them."""

    def __init__(self, api: Api, settings: BackstageSettings) -> None:
        self._api = api
        self._capability = settings.capability
        self._capabilities = {short(name): capability for name, capability in settings.capabilities.items()}
        self._total = 0
        self._met: set[str] = set()

    def feed(self) -> Feed:
        """The runs, newest first."""
        return Feed("tasks", (PlatformEvent,), self._read, deep_overlap=DEEP_OVERLAP, reread=self._again)

    def _read(self, position: Position) -> Slice:
        """A page down to `since`: of what is below on it the end would be asked for in vain.

        The token tells how many runs are older, which does not change when others begin.
        """
        since = position.since or BEGINNING
        offset = max(0, self._total - int(position.token.partition(" ")[0]) - OVERLAP) if position.token else 0
        body = self._listed({"order": "desc:created_at", "limit": AT_ONCE, "offset": offset})
        listed = body["tasks"]
        self._total = int(body.get("totalTasks") or offset + len(listed))  # PostgreSQL's count comes as text
        rows = [row for row in listed if (_created(row) or since) >= since]
        older = max(0, self._total - offset - len(rows)) if listed else 0
        is_short = len(rows) < len(listed) or not listed
        oldest = since if is_short else down_to(filter(None, map(_created, rows)), has_more=older > 0)
        fresh = [row for row in rows if row.get("id") not in self._met]
        self._met |= {row["id"] for row in fresh if row.get("id")}
        return Slice(
            {PlatformEvent: [self._payload(row) for row in fresh]} if fresh else {},
            oldest=oldest,
            token=f"{older} {oldest}",
            is_end=older == 0,
            served_at=self._api.client.server_time(),
            unfinished=_unfinished(fresh),
        )

    def _again(self, ids: Sequence[str], _memo: Memo) -> Iterator[Slice]:
        """Runs that had not ended when they were read last."""
        for key in ids:
            try:
                row = self._api.get(f"{TASKS}/{key}")
            except NotFoundError:
                continue  # no slice tells of it, and it is not asked for again
            yield Slice({PlatformEvent: [self._payload(row)]}, unfinished=_unfinished([row]))

    def _listed(self, params: Mapping[str, Any]) -> Payload:
        try:
            body = self._api.get(TASKS, params)
        except NotFoundError as error:
            raise CollectError(
                f'{error}; without a scaffolder leave it out: reads = ["catalog"] in [sources.{self._api.name}]'
            ) from error
        if not isinstance(body, Mapping) or not isinstance(body.get("tasks"), list):
            raise CollectError(f"{self._api.name}: {TASKS} answers without a list of 'tasks': its form has changed")
        return body

    def _payload(self, row: Payload) -> Payload:
        """A run without what was typed in: when it ended, who began it, and the component that came of it."""
        spec = row.get("spec") or {}
        template = short((spec.get("templateInfo") or {}).get("entityRef") or "")
        end = self._end(row["id"]) if row.get("id") and row.get("status") in OUTCOMES else {}
        return {
            "task": {name: row[name] for name in KEPT if name in row},
            "template": template,
            "capability": self._capabilities.get(template, self._capability),
            "person": row.get("createdBy") or (spec.get("user") or {}).get("ref"),
            "finished_at": end.get("createdAt"),
            "component": next(_made((end.get("body") or {}).get("output") or {}), None),
        }

    def _end(self, key: str) -> Payload:
        """The event that ended a run, the last one if it was tried again; empty where none is told.

        Asked only of what has ended: of what runs, the server waits half a minute for something to tell.
        """
        try:
            events = self._api.get(f"{TASKS}/{key}/events")
        except NotFoundError:
            return {}
        ends = [one for one in events or () if one.get("type") == "completion"]
        return max(ends, key=lambda one: int(one["id"]), default={})


def _unfinished(rows: Sequence[Payload]) -> Mapping[str, bool]:
    return {row["id"]: row.get("status") in UNFINISHED for row in rows if row.get("id")}


def _created(row: Payload) -> datetime | None:
    return _instant(row["createdAt"]) if row.get("createdAt") else None


def _made(output: Payload) -> Iterator[str]:
    """The components that a run's output names."""
    named = [output, *(output.get("links") or ())]
    refs = (str(one["entityRef"]) for one in named if isinstance(one, Mapping) and one.get("entityRef"))
    return (short(ref) for ref in refs if kind_of(ref) == "component")


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def platform_event(payload: Payload) -> PlatformEvent:
    """A run of a template, when it was begun; seconds until it had ended, None while it has not.

    Who cancelled a run neither succeeded nor failed: its outcome is unknown.
    """
    row, person = payload["task"], payload["person"] or ""
    outcome = OUTCOMES.get(row.get("status", ""), "unknown")
    created_at = _instant(row["createdAt"])
    ended = payload["finished_at"] or row.get("lastHeartbeatAt")
    return PlatformEvent(
        ext_id=row["id"],
        occurred_at=created_at,
        capability=payload["capability"],
        action=payload["template"] or "unknown",
        outcome=outcome,
        person=person.lower() if kind_of(person) == "user" else None,
        service=payload["component"],
        duration_seconds=(_instant(ended) - created_at).total_seconds() if ended and outcome != "unknown" else None,
    )
