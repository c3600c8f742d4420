"""Landing what was pushed: deliveries of the inbox become rows, and webhooks become looks at what they speak of.

A delivery is marked done after its rows are committed. Killed in between, it is landed again, which changes nothing:
its rows have the same keys. What cannot be mapped stays in the inbox as it came, with the reason.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from dxmetrics import warehouse
from dxmetrics.collectors import Page, Scope
from dxmetrics.errors import DxError, MalformedError, SettingsError
from dxmetrics.events import CloudEvent, cdevents, plain
from dxmetrics.pipeline.events import Listener, silent
from dxmetrics.pipeline.steps import Clock, counted, opened, step, utc_now
from dxmetrics.records import Record, snake_name, table_name
from dxmetrics.settings import EVENTS_SOURCE, PUSH_SOURCE
from dxmetrics.sources import configured
from dxmetrics.warehouse import Loader

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from dxmetrics.collectors.webhooks import Webhook
    from dxmetrics.project import Project
    from dxmetrics.state import Received, State

AT_ONCE = 5_000  # deliveries of one transaction
AHEAD = timedelta(minutes=5)  # a time that lies further in the future is a clock that is wrong
EVENTS = "events"  # the inbox's endpoint of CloudEvents
WEBHOOKS = "webhooks/"  # before a source's name: the endpoint of its webhooks


@dataclass(frozen=True)
class Drained:
    """How many deliveries were processed, how many rows are new or different, and what could not be mapped."""

    deliveries: int = 0
    rows_changed: int = 0
    failed: int = 0

    def __add__(self, other: Drained) -> Drained:
        return Drained(
            self.deliveries + other.deliveries, self.rows_changed + other.rows_changed, self.failed + other.failed
        )


def drain(project: Project, state: State, *, clock: Clock = utc_now, listen: Listener = silent) -> Drained:
    """Land everything that waits in the inbox; whoever calls holds the lease on the warehouse.

    Whether or not anything waits, all pushes until now are known afterwards: no event is then no event.
    """
    drained = Drained()
    now = clock()
    received = state.inbox.pending(AT_ONCE)
    sources = (PUSH_SOURCE, EVENTS_SOURCE)
    webhooks = {source.name: source.collector.webhook for source in configured(project)}
    with opened(project) as connection:
        warehouse.known_until(connection, sources, now)  # first, so that what lands now continues what was known
        if received:
            with step("drain", listen) as done:
                while received:
                    drained += _land(connection, webhooks, state, received, clock)
                    received = state.inbox.pending(AT_ONCE)
                unmapped = f", {drained.failed:,} not mapped" if drained.failed else ""
                deliveries = counted(drained.deliveries, "delivery")
                done(f"{deliveries}, {counted(drained.rows_changed, 'row')} new or changed{unmapped}")
        if warehouse.known_until(connection, sources, now):
            with warehouse.transaction(connection):
                warehouse.set_fact(connection, "as_of", now.isoformat())
    return drained


@dataclass
class _Batch:
    """What some deliveries say: rows and payloads by scope, scopes to look at, and what is wrong with the rest."""

    rows: dict[Scope, dict[type[Record], list[dict[str, Any]]]] = field(default_factory=dict)
    since: dict[tuple[Scope, type[Record]], datetime] = field(default_factory=dict)  # the first instant of these rows
    events: dict[tuple[type[Record], str], list[CloudEvent]] = field(default_factory=dict)
    looks: dict[str, set[str] | None] = field(default_factory=dict)
    failures: dict[int, str] = field(default_factory=dict)


def _land(
    connection: DuckDBPyConnection,
    webhooks: Mapping[str, Webhook | None],
    state: State,
    received: Sequence[Received],
    clock: Clock,
) -> Drained:
    batch = _Batch()
    for one in received:
        try:
            if one.endpoint == EVENTS:
                _read_event(one, batch)
            elif one.endpoint.startswith(WEBHOOKS):
                _read_webhook(one, webhooks, batch)
            else:
                _read_rows(one, batch)
        except DxError as error:
            batch.failures[one.id] = str(error)
    changed = _write_rows(connection, batch, clock) + _write_events(connection, batch, clock)
    for source, scopes in batch.looks.items():
        state.schedule.look(source, scopes)
    if batch.rows or batch.events:
        state.schedule.plan(PUSH_SOURCE, clock())
    state.inbox.fail(batch.failures)
    state.inbox.done(one.id for one in received if one.id not in batch.failures)
    return Drained(len(received), changed, len(batch.failures))


# -- reading deliveries -----------------------------------------------------------------------------------------------


def _read_event(delivery: Received, batch: _Batch) -> None:
    event = CloudEvent.of_json(delivery.body)
    target = cdevents.target(event)
    if isinstance(target, cdevents.Unmapped):
        raise MalformedError(target.reason)
    _require_past(cdevents.occurred_at(event), delivery)
    batch.events.setdefault((target.record, target.ext_id), []).append(event)


def _read_rows(delivery: Received, batch: _Batch) -> None:
    for place, (record, given) in enumerate(plain.read(delivery.endpoint, delivery.body)):
        row = plain.row(given, record, delivery.delivery_id, place, delivery.received_at)
        scope, moment = _scope(record, row), _first_instant(record, row)
        _require_past(moment, delivery)
        batch.rows.setdefault(scope, {}).setdefault(record, []).append(row)
        if moment is not None:
            batch.since[scope, record] = min(moment, batch.since.get((scope, record), moment))


def _read_webhook(delivery: Received, webhooks: Mapping[str, Webhook | None], batch: _Batch) -> None:
    source = delivery.endpoint.removeprefix(WEBHOOKS)
    webhook = webhooks.get(source)
    if webhook is None:
        raise SettingsError(f"{source}: no such source receives webhooks any more: remove the webhook there")
    try:
        payload = json.loads(delivery.body)
    except ValueError as error:
        raise MalformedError(f"{source}: the webhook is no JSON: set its content type to application/json") from error
    scopes = webhook.looks(delivery.headers, payload)
    if scopes is None or batch.looks.get(source, ()) is None:
        batch.looks[source] = None
    else:
        batch.looks.setdefault(source, set()).update(scopes)  # type: ignore[union-attr]  # None is dealt with above


def _require_past(moment: datetime | None, delivery: Received) -> None:
    if moment is not None and moment > delivery.received_at + AHEAD:
        raise MalformedError(
            f"{moment.isoformat()} lay in the future when it came ({delivery.received_at.isoformat()}): "
            "set the sender's clock"
        )


# -- writing ----------------------------------------------------------------------------------------------------------


def _write_rows(connection: DuckDBPyConnection, batch: _Batch, clock: Clock) -> int:
    """Commit pushed records; how many rows are new or different."""
    pages = [
        (scope, Page(rows=rows, covers=_covers(scope, rows, batch.since, clock()), is_mapped=True))
        for scope, rows in batch.rows.items()
    ]
    return _write(connection, Loader(connection, PUSH_SOURCE, clock=clock, run_id=warehouse.RUN), pages, clock)


def _write_events(connection: DuckDBPyConnection, batch: _Batch, clock: Clock) -> int:
    """Commit what events tell, together with what earlier ones told of the same records."""
    known = _known(connection, batch.events)
    by_scope: dict[Scope, dict[type[Record], list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    first: dict[tuple[Scope, type[Record]], datetime] = {}
    for (record, ext_id), events in batch.events.items():
        payload = cdevents.merge(known.get((record, ext_id)), ext_id, events)
        scope = _event_scope(record, payload)
        by_scope[scope][record].append(payload)
        began = min(map(cdevents.occurred_at, events))
        first[scope, record] = min(began, first.get((scope, record), began))
    now = clock()
    pages = [(scope, Page(rows=rows, covers=_covers(scope, rows, first, now))) for scope, rows in by_scope.items()]
    loader = Loader(connection, EVENTS_SOURCE, cdevents, clock=clock, run_id=warehouse.RUN)
    changed = _write(connection, loader, pages, clock)
    warehouse.forget_healed(connection, EVENTS_SOURCE, sorted({record for record, _ in batch.events}, key=table_name))
    return changed


def _write(connection: DuckDBPyConnection, loader: Loader, pages: Sequence[tuple[Scope, Page]], clock: Clock) -> int:
    if not pages:
        return 0
    warehouse.note_pushes(connection, loader.source, {scope.id: scope.title for scope, _ in pages}, clock())
    return sum(counts.changed for counts in loader.write_all(pages))


def _known(
    connection: DuckDBPyConnection, wanted: Iterable[tuple[type[Record], str]]
) -> dict[tuple[type[Record], str], dict[str, Any]]:
    """The payloads that are kept of these records."""
    ids: dict[type[Record], list[str]] = defaultdict(list)
    for record, ext_id in wanted:
        ids[record].append(ext_id)
    found = {}
    for record, several in ids.items():
        payloads = warehouse.payloads(connection, EVENTS_SOURCE, record, several)
        found.update({(record, ext_id): json.loads(text) for ext_id, text in payloads.items()})
    return found


# -- scopes: one service (or repository) and table each, as one may begin to push later than another ------------------


def _scope(record: type[Record], row: Mapping[str, Any]) -> Scope:
    services = row.get("services") or ()
    of = row.get("service") or (services[0] if services else None) or row.get("repository")
    table = table_name(record)
    return Scope(f"{table}/{of or ''}", f"{table.replace('_', ' ')} of {of}" if of else table.replace("_", " "))


def _event_scope(record: type[Record], payload: Mapping[str, Any]) -> Scope:
    try:
        mapped = getattr(cdevents, snake_name(record))(payload)
    except (DxError, ValueError):
        return _scope(record, {})  # it goes to quarantine
    return _scope(record, mapped.model_dump(mode="json"))


def _covers(
    scope: Scope, records: Iterable[type[Record]], since: Mapping[tuple[Scope, type[Record]], datetime], now: datetime
) -> dict[type[Record], tuple[datetime, datetime]]:
    """From the first instant that is told of each record until now."""
    return {record: (min(since[scope, record], now), now) for record in records if (scope, record) in since}


def _first_instant(record: type[Record], row: Mapping[str, Any]) -> datetime | None:
    """When what a row tells of happened, as far as it says."""
    moments = [datetime.fromisoformat(str(row[name])) for name in _instants(record) if row.get(name) is not None]
    return min(moments, default=None)


@cache
def _instants(record: type[Record]) -> tuple[str, ...]:
    return tuple(name for name in record.model_fields if name.endswith("_at") and name != "updated_at")
