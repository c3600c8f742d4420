"""The history deployment frequency's band is read from: deploy days by week and month, deployments by day."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

from dxmetrics.metrics.bands import FrequencyHistory
from dxmetrics.metrics.gather import PLACED, Request, events
from dxmetrics.metrics.observed import Span, observe
from dxmetrics.metrics.periods import Window, add_months, buckets, midnight, spine
from dxmetrics.metrics.store import Reading

HALF_YEAR = timedelta(days=182)
MONTHS = 6


def frequency_history(reading: Reading, asked: Request, window: Window) -> FrequencyHistory:
    """The history up to the window's end: its complete weeks, the six complete months and 182 days before it."""
    publication = reading.publication
    as_of, zone = publication.as_of, publication.zone
    end = window.end
    months = Window(add_months(end, -MONTHS), end.replace(day=1))
    whole = Window(min(window.start, months.start, end - HALF_YEAR), end)
    by_day = _deployments_by_day(reading, asked, whole)
    span = observe(reading, asked.definition.stream, asked.selection).overall
    if asked.definition.stream is None and by_day:
        span = Span(midnight(min(by_day), zone), as_of)

    def complete(inside: Window, period: str) -> list[Window]:
        return [
            Window(part.start, part.end)
            for part in buckets(inside, period, zone)
            if inside.start <= part.start
            and part.end <= inside.end
            and part.ends_at <= as_of
            and span.covers(part, as_of) == "wholly"
        ]

    weeks = complete(Window(window.start, end), "week")
    observed_until = min(midnight(end, zone), as_of)
    return FrequencyHistory(
        weekly_days=[_active(by_day, week) for week in weeks],
        per_active_day=[n for week in weeks for one, n in by_day.items() if week.start <= one < week.end],
        monthly_days=[_active(by_day, month) for month in complete(months, "month")],
        deployments_182_days=sum(n for one, n in by_day.items() if end - HALF_YEAR <= one < end),
        observed_days=max(0, (observed_until - span.first).days) if span.first else 0,
    )


def _active(by_day: Counter[date], part: Window) -> int:
    return sum(1 for one in by_day if part.start <= one < part.end)


def _deployments_by_day(reading: Reading, asked: Request, window: Window) -> Counter[date]:
    publication = reading.publication
    days = spine(window, "day", publication.zone, publication.as_of)
    sql, params = events(Request(asked.definition, asked.selection, days, True, asked.bots))
    rows = reading.table(
        f"select spine.bucket as bucket, count(*) as n from ({sql}) as events"
        f" inner join spine on {PLACED}"
        " where events.excluded is null group by all order by bucket",
        params,
        spine=days.table,
    ).to_pylist()
    found: Counter[date] = Counter()
    for row in rows:
        found[days.buckets[row["bucket"]].start] = row["n"]
    return found
