"""What the lines of a billing period come to: exact sums by day, cloud service, owner, currency and kind of cost."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any, overload

import pyarrow as pa
import pyarrow.compute as pc

from dxmetrics.collectors import Interval
from dxmetrics.records import CostLine, Record

from .exports import ACCOUNT, KINDS, PERIOD_END, PROVIDERS, REQUIRED, Period
from .lines import DATE, DAY, EXACT, TAG, Lines
from .settings import FocusSettings

STARTS, ENDS = "ChargePeriodStart", "ChargePeriodEnd"
SUB_ACCOUNTS = ("SubAccountName", "SubAccountId")
OPTIONAL = (ACCOUNT, PERIOD_END, ENDS, "ChargeCategory", "ServiceName", "Tags", *SUB_ACCOUNTS)
KEYS = ("period_start", "period_end", "resource", "category", "service", "team", "allocation", "currency")
EMPTY = pa.schema(
    [
        *((name, DATE if name.startswith("period_") else pa.string()) for name in KEYS),
        *((name, EXACT) for name in KINDS),
    ]
).empty_table()
ENOUGH = 100_000  # rows of sums that are held before they are summed again


class Rows(Sequence[Mapping[str, Any]]):
    """Rows in the record's own shape, made when they are asked for: there may be many."""

    def __init__(self, period: Period, sums: pa.Table) -> None:
        self._period = period
        self._sums = sums

    def __len__(self) -> int:
        return self._sums.num_rows

    @overload
    def __getitem__(self, place: int) -> Mapping[str, Any]: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Mapping[str, Any]]: ...
    def __getitem__(self, place: int | slice) -> Mapping[str, Any] | Sequence[Mapping[str, Any]]:
        wanted = range(len(self))[place]
        if isinstance(wanted, range):
            return [self._row(one) for one in self._sums.slice(wanted.start, len(wanted)).to_pylist()]
        return self._row(self._sums.slice(wanted, 1).to_pylist()[0])

    @property
    def currencies(self) -> Sequence[str]:
        """The currencies of the rows, in alphabetical order."""
        return sorted(map(str, self._sums["currency"].unique().to_pylist()))

    def _row(self, sums: Mapping[str, Any]) -> Mapping[str, Any]:
        """A row by a key that stays whatever the amount is restated to."""
        of = [str(sums[name]) for name in (*KEYS, "cost_kind")]
        key = hashlib.sha256(json.dumps([self._period.scope.id, *of]).encode()).hexdigest()
        return {"ext_id": key[:32], "provider": self._period.provider, **sums}


@dataclass
class Charges:
    """The sums of a billing period's lines: what it holds grows with the rows they come to, not with the lines."""

    period: Period
    settings: FocusSettings
    sums: list[pa.Table] = field(default_factory=lambda: [EMPTY])
    last_day: date | None = None
    period_ends_on: date | None = None
    lines_without_tags: int = 0
    lines_left_out: int = 0

    @property
    def columns(self) -> frozenset[str]:
        """The columns that are looked at, where a file has them."""
        named = {name for name in (*self.settings.shared, *self.settings.left_out) if not name.startswith(TAG)}
        return frozenset({*KINDS, *REQUIRED, *OPTIONAL, *PROVIDERS, *named})

    def add(self, first: int, block: pa.Table) -> None:
        """Add lines, of which the first is row `first` of its file; CollectError for one that cannot be read."""
        read = Lines.of(first, block)
        ours = read.where(read.are_of(self.period))
        is_left_out = ours.match(self.settings.left_out)
        self.lines_left_out += _count(is_left_out)
        lines = ours.where(pc.invert(is_left_out))
        if not len(lines):
            return
        starts_on = lines.days(STARTS)
        self.last_day = max(filter(None, [self.last_day, pc.max(starts_on).as_py()]))
        self.period_ends_on = pc.max(lines.days(PERIOD_END)).as_py() or self.period_ends_on
        self.lines_without_tags += _count(lines.have_unreadable_tags())
        self._hold(
            {
                "period_start": starts_on,
                "period_end": pc.max_element_wise(_following(starts_on), lines.next_days(ENDS)),
                "resource": lines.first_of(SUB_ACCOUNTS),
                "category": lines.categories(),
                "service": lines.tagged(self.settings.service_tags),
                "team": lines.tagged(self.settings.team_tags),
                "allocation": pc.if_else(lines.match(self.settings.shared), pa.scalar("shared"), pa.scalar("direct")),
                "currency": lines.currencies(),
                **lines.costs(),
            }
        )

    def rows(self) -> Rows:
        """A row for each charge and kind of cost."""
        sums = _summed(self.sums)
        return Rows(self.period, pa.concat_tables([_of_kind(sums, *one) for one in KINDS.items()]))

    def covers(self, now: datetime) -> Mapping[type[Record], Interval]:
        """All of a billing period that is over; else from its first day to the end of the last that has a charge."""
        if self.last_day is None:
            return {}
        ends_at = _midnight(self.last_day + DAY)
        if self.period_ends_on and _midnight(self.period_ends_on) <= now:
            ends_at = _midnight(self.period_ends_on)
        since, until = _midnight(self.period.starts_on), min(ends_at, now)
        return {CostLine: (since, until)} if since < until else {}

    def notes(self, rows: Rows) -> Iterator[str]:
        """What a person should know of the lines."""
        if len(rows.currencies) > 1:
            told = " and ".join(rows.currencies)
            yield f"billed in {told}, which are never added up: [cost] currency says which counts"
        if self.lines_left_out:
            yield f"{self.lines_left_out:,} lines are left out, as `left_out` says"
        if self.lines_without_tags:
            yield f"{self.lines_without_tags:,} lines have Tags that are no JSON object, and count as not tagged"

    def _hold(self, columns: Mapping[str, pa.Array[Any]]) -> None:
        """Keep the sums of these lines; what is held is summed again where it has doubled."""
        self.sums.append(_summed([pa.table(dict(columns))]))
        first, *others = (one.num_rows for one in self.sums)
        if sum(others) > max(first, ENOUGH):
            self.sums = [_summed(self.sums)]


def _summed(parts: Sequence[pa.Table]) -> pa.Table:
    """The costs of lines that are alike in all else; null where none of them has such a cost."""
    known = pc.ScalarAggregateOptions(min_count=1)
    grouped = pa.concat_tables(parts).group_by(list(KEYS), use_threads=False)
    return grouped.aggregate([(name, "sum", known) for name in KINDS]).rename_columns([*KEYS, *KINDS])


def _of_kind(sums: pa.Table, name: str, kind: str) -> pa.Table:
    """One kind of cost of all charges that have it."""
    one = sums.select([*KEYS, name]).rename_columns([*KEYS, "amount"])
    one = one.filter(pc.is_valid(one["amount"]))
    return one.append_column("cost_kind", pa.array([kind] * one.num_rows, pa.string()))


def _following(days: pa.Array[Any]) -> pa.Array[Any]:
    return pc.cast(pc.add(pc.cast(days, pa.int32()), pa.scalar(1, pa.int32())), DATE)


def _count(are_so: pa.Array[Any]) -> int:
    return int(pc.sum(are_so).as_py() or 0)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
