"""AI assistants in one shape: the same metrics of every vendor, and the days of a vendor's reports read in order.

A person's day is one UsageFact for each metric that the vendor reports; `subject` is the account, which is an Identity
too. What a vendor does not report has no row, never a zero; a day on which a person did nothing has no rows at all.
Rows of one metric never overlap: those of a day add up, over people, over models, and over organisation-level rows.

    active_days           1 where the person used it that day: one of `USES` is more than zero, by the same rule for
                          every vendor. What was only shown to somebody is no use.
    active_users          people who used it, counted by the vendor; organisation-level, beside the people's own rows
    seats                 1 for each person who may use it, on each day this was looked up; organisation-level: seats of
                          nobody in particular
    sessions              conversations with an agent, from start to end
    suggestions_shown     proposals of code that a person was shown
    suggestions_accepted  those of them that were taken
    lines_suggested       lines of code proposed for adding
    lines_accepted        lines of code added, what an agent wrote by itself among them: no share of lines_suggested
    chat_requests         what people asked in a chat or beside the code
    chat_messages         the same with the answers, where a vendor counts both together
    agent_requests        what people asked an agent to do
    commits               commits made by the assistant
    pull_requests         pull requests opened by the assistant
    tokens_input          tokens read by a model, without those from a cache; `dimensions.model`
    tokens_cached         tokens read from a cache; `dimensions.model`
    tokens_output         tokens written by a model; `dimensions.model`
    cost_usd              the vendor's own figure for the use in money, part of a plan or not; `dimensions.model`.
                          In another currency it is another metric, as cost_eur, so that the two are never added up.
                          What is charged is a CostLine.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from dxmetrics.collectors import Cursor, Interval, Page
from dxmetrics.collectors.feeds import CHUNKS
from dxmetrics.errors import CollectError
from dxmetrics.records import ActorKind, Record, UsageFact

Payload = Mapping[str, Any]
Row = dict[str, Any]
Rows = Mapping[type[Record], Sequence[Row]]
Count = float | Decimal | None
Counts = Mapping[str, Count]

DAY = timedelta(days=1)
REST = timedelta(hours=6)  # vendors renew their figures once a day
AGAIN = 3  # days that are read again, as vendors correct them
SETTLED = 7  # days after which a report that did not come is not waited for
FIRST = 14  # days that are read first
WEEK = 7
FULL = 1_000  # facts that are worth a page
NAMED = 5  # days named in a note
LONGEST = timedelta(days=365)

UNITS: Mapping[str, str] = {
    "active_days": "days", "active_users": "people", "seats": "seats", "sessions": "sessions",
    "suggestions_shown": "suggestions", "suggestions_accepted": "suggestions", "lines_suggested": "lines",
    "lines_accepted": "lines", "chat_requests": "requests", "chat_messages": "messages", "agent_requests": "requests",
    "commits": "commits", "pull_requests": "pull requests", "tokens_input": "tokens", "tokens_cached": "tokens",
    "tokens_output": "tokens",
}  # fmt: skip
USES = (
    "sessions", "suggestions_accepted", "lines_accepted", "chat_requests", "chat_messages", "agent_requests", "commits",
    "pull_requests",
)  # fmt: skip


# -- rows -------------------------------------------------------------------------------------------------------------


def total(counts: Iterable[Any]) -> Count:
    """The sum of those that are known; None where none is. One that is no number comes out as it is, to be refused."""
    known = [count for count in counts if count is not None]
    odd = [count for count in known if not _is_number(count)]
    return odd[0] if odd else sum(known) if known else None


def account(key: str, *, login: str | None = None, email: str | None = None, kind: ActorKind = "human") -> Row:
    """The Identity of who used the assistant: what the vendor calls them, and never a name."""
    return {"ext_id": key, "login": login, "email": email, "kind": kind}


def address(text: str) -> str:
    """An address as accounts are compared by."""
    return text.strip().casefold()


def cost_metric(currency: str) -> str:
    """The metric that holds money of this currency: `cost_usd`."""
    return f"cost_{currency.lower()}"


def day_facts(
    provider: str,
    day: date | str,
    key: str | None,
    counts: Counts,
    *,
    by_model: Mapping[str, Counts] | None = None,
    organisation: str,
    place: str = "",
) -> Iterator[Row]:
    """The UsageFacts of one account's day; none where all counts are zero or unknown.

    `by_model` has what is told for each model apart. Use of which nobody says whose it is (`key` is None) is the
    organisation's. `place` tells days of one account apart, where a source reads several organisations.
    """
    told = {"": counts, **(by_model or {})}
    known = {(metric, model): count for model, one in told.items() for metric, count in one.items()}
    known = {name: count for name, count in known.items() if count is not None}
    if not any(_is_some(count) for count in known.values()):
        return
    if key and any(_is_some(count) for (metric, _), count in known.items() if metric in USES):
        known["active_days", ""] = 1
    subject = ("person", key) if key else ("organisation", organisation)
    for (metric, model), count in known.items():
        yield _fact(provider, day, subject, metric, count, place=place, model=model)


def organisation_day(provider: str, day: date | str, organisation: str, counts: Counts) -> Iterator[Row]:
    """The UsageFacts that a vendor tells of an organisation as a whole."""
    for metric, count in counts.items():
        if count is not None:
            yield _fact(provider, day, ("organisation", organisation), metric, count)


def tallied(told: Iterable[tuple[str | None, Counts]]) -> dict[str, dict[str, Count]]:
    """The sums of counts that come with the name of a model, by model."""
    found: dict[str, defaultdict[str, list[Count]]] = {}
    for model, counts in told:
        one = found.setdefault(model or "unknown", defaultdict(list))
        for metric, count in counts.items():
            one[metric].append(count)
    return {model: {metric: total(counts) for metric, counts in one.items()} for model, one in found.items()}


def from_cents(amount: Any) -> Any:
    """An amount in the smallest unit of its currency as one in the currency, exactly; what is none as it is."""
    try:
        return None if amount is None else Decimal(str(amount)) / 100
    except InvalidOperation:
        return amount


def seat(provider: str, day: date, key: str, *, place: str = "") -> Row:
    """The UsageFact of one account that may use the assistant on this day."""
    return _fact(provider, day, ("person", key), "seats", 1, place=place)


def charge(provider: str, day: date | str, what: str, amount: Any, currency: str) -> Row:
    """The CostLine of what a vendor charges for one day and one thing, as a model; paid for all who use it."""
    try:
        ends: date | str = date.fromisoformat(str(day)) + DAY
    except ValueError:
        ends = day  # which the record refuses, as it does the beginning
    return {
        "ext_id": f"{day}/{what}/{currency}", "provider": provider, "period_start": day, "period_end": ends,
        "resource": what, "category": "ai_assistant", "amount": amount, "currency": currency, "cost_kind": "billed",
        "allocation": "shared",
    }  # fmt: skip


def _fact(
    provider: str,
    day: date | str,
    subject: tuple[str, str],
    metric: str,
    value: Any,
    *,
    place: str = "",
    model: str = "",
) -> Row:
    kind, name = subject
    parts = (place, str(day), kind if kind != "person" else "", name, metric, model)
    return {
        "ext_id": "/".join(filter(None, parts)), "occurred_on": day, "provider": provider, "subject_kind": kind,
        "subject": name, "metric": metric, "value": float(value) if isinstance(value, Decimal) else value,
        "unit": UNITS.get(metric) or metric.removeprefix("cost_").upper(),
        "dimensions": {"model": model} if model else {},
    }  # fmt: skip


def _is_number(count: Any) -> bool:
    return isinstance(count, int | float | Decimal) and not isinstance(count, bool)


def _is_some(count: Any) -> bool:
    """Whether there is something to tell; what is no number is, so that it is refused and seen."""
    return not _is_number(count) or count > 0


# -- days -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Report:
    """What a vendor answers for a stretch of days: rows, and the days it says anything of."""

    rows: Rows
    days: frozenset[date] = frozenset()


@dataclass(frozen=True)
class Days:
    """How days of a vendor's reports are read: at most `at_once` with one `read(first, last)`, none before `since`,
    and none more than a year old. `absence`: what it means where a day has no report; None: nothing to tell of."""

    read: Callable[[date, date], Report]
    covers: tuple[type[Record], ...] = (UsageFact,)
    since: date | None = None
    at_once: int = 1
    absence: str | None = None
    may_go_back: Callable[[], bool] = field(default=lambda: True)

    def walk(self, cursor: Cursor | None, now: datetime) -> Iterator[Page]:
        """Pages of whole days: those since the last look and three before them, then history in growing chunks.

        Days are complete, in UTC, so the newest is yesterday's. Within six hours of a look nothing is asked again.
        The cursor holds the first and the last of the days that are read without a gap between them. A day without a
        report is asked for again until a later one has come, or for a week.
        """
        state: dict[str, Any] = dict(cursor or {})
        newest = now.astimezone(UTC).date() - DAY
        floor = max(self.since or date.min, newest - LONGEST)
        looked_at = state.get("looked_at")
        if looked_at and timedelta(0) <= now - datetime.fromisoformat(looked_at) < REST:
            if state["notes"]:
                yield Page({}, notes=tuple(state["notes"]))
        elif floor <= newest:
            yield from self._head(state, newest, floor)
            state["looked_at"] = now.isoformat()
            yield Page({}, cursor=dict(state), notes=tuple(state["notes"]), ends_turn=True)
        if "first" in state:
            yield from self._history(state, newest, floor)

    def _head(self, state: dict[str, Any], newest: date, floor: date) -> Iterator[Page]:
        """Upwards from the last look, so that what is read has no gap wherever it is broken off."""
        last = (
            min(date.fromisoformat(state["last"]), newest) if "last" in state else None
        )  # a clock may have been ahead
        begin = max(floor, last - (AGAIN - 1) * DAY if last else newest - (FIRST - 1) * DAY)
        state.setdefault("first", begin.isoformat())
        missing: list[date] = []
        for first, until in _stretches(begin, newest, self.at_once):
            report = self.read(first, until)
            asked = {first + place * DAY for place in range((until - first).days + 1)}
            missing += sorted(asked - report.days)
            last = max(last or date.min, min(until, newest - SETTLED * DAY), *(asked & report.days))
            state["last"] = last.isoformat()
            yield self._page(report, state)
        state["notes"] = [_note(missing, self.absence)] if missing and self.absence else []

    def _history(self, state: dict[str, Any], newest: date, floor: date) -> Iterator[Page]:
        """Downwards, a week a page where days have few rows: each alone would be many commits of next to nothing."""
        top = date.fromisoformat(state["first"]) - DAY
        read: list[Report] = []
        while top >= floor and self.may_go_back():
            bottom = max(floor, top - (self.at_once - 1) * DAY)
            report = self.read(bottom, top)
            if read and not _adjoin(read[-1], report):
                yield self._page(_joined(read), state)
                read = []
            read.append(report)
            state["first"] = bottom.isoformat()
            ends_chunk = any(newest - top < chunk <= newest - bottom + DAY for chunk in CHUNKS)
            if ends_chunk or len(read) * self.at_once >= WEEK or len(report.rows.get(UsageFact, ())) >= FULL:
                yield self._page(_joined(read), state, ends_turn=ends_chunk)
                read = []
            top = bottom - DAY
        if read:
            yield self._page(_joined(read), state)

    def _page(self, report: Report, state: dict[str, Any], *, ends_turn: bool = False) -> Page:
        covers: Mapping[type[Record], Interval] = {}
        if report.days:
            covers = dict.fromkeys(self.covers, (_midnight(min(report.days)), _midnight(max(report.days) + DAY)))
        return Page(report.rows, cursor=dict(state), covers=covers, ends_turn=ends_turn, is_mapped=True)


def once_a_day(cursor: Cursor | None, now: datetime) -> date | None:
    """Today, in UTC, where it was not looked at yet by the cursor `looked_up(today)`; None where it was."""
    today = now.astimezone(UTC).date()
    return None if (cursor or {}).get("read_on") == today.isoformat() else today


def looked_up(today: date) -> Cursor:
    """The cursor of what is read once a day."""
    return {"read_on": today.isoformat()}


def _stretches(first: date, last: date, at_once: int) -> Iterator[tuple[date, date]]:
    while first <= last:
        until = min(last, first + (at_once - 1) * DAY)
        yield first, until
        first = until + DAY


def _note(missing: Sequence[date], absence: str) -> str:
    days = ", ".join(map(str, missing[:NAMED]))
    others = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
    return f"no report of {days}{others}: {absence}"


def _adjoin(later: Report, earlier: Report) -> bool:
    """Whether there is no day between two reports of which nothing is known; one page covers one stretch of time."""
    if not (later.days and earlier.days):
        return not later.days and not earlier.days
    return min(later.days) - max(earlier.days) == DAY


def _joined(reports: Sequence[Report]) -> Report:
    rows: defaultdict[type[Record], list[Row]] = defaultdict(list)
    for report in reports:
        for record, some in report.rows.items():
            rows[record] += some
    return Report(rows, frozenset().union(*(report.days for report in reports)))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


# -- answers ----------------------------------------------------------------------------------------------------------


def rows_in(body: Any, key: str, place: str) -> list[Payload]:
    """The rows under `key` of an answer; CollectError where they are not there: `place` says of what."""
    rows = body.get(key) if isinstance(body, Mapping) else None
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise CollectError(f"{place} answers without a list of {key!r}: its form has changed")
    return rows


def is_refused(error: CollectError) -> bool:
    """Whether the server answered 403: this credential may not read this."""
    return type(error) is CollectError and ": 403 on " in str(error)
