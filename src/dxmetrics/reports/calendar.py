"""The period a report is of: complete weeks, months and quarters in the reporting zone, and how they are called."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Literal

from dxmetrics import numbers
from dxmetrics.errors import SettingsError
from dxmetrics.metrics.periods import Window, add_months, floor, following, label, local_date, midnight, previous

Kind = Literal["week", "month", "quarter"]
LAST = "last"
WRITTEN = {"week": "2026-W44", "month": "2026-10", "quarter": "2026-Q3"}

_MONTH = re.compile(r"(\d{4})-(\d{2})")
_QUARTER = re.compile(r"(\d{4})-Q([1-4])", re.IGNORECASE)
_WEEK = re.compile(r"(\d{4})-W(\d{2})", re.IGNORECASE)


def last_complete(kind: Kind, as_of: datetime, zone: str) -> Window:
    """The last period of this kind that was over at `as_of`."""
    end = floor(local_date(as_of, zone), kind)
    start = floor(date.fromordinal(end.toordinal() - 1), kind)
    return Window(start, end)


def is_over(window: Window, as_of: datetime, zone: str) -> bool:
    """Whether data that reaches to `as_of` covers the whole window."""
    return midnight(window.end, zone) <= as_of


def named(text: str | None, kind: Kind, as_of: datetime, zone: str) -> Window:
    """The period that is written "2026-10", "2026-W44" or "2026-Q3"; the last complete one for "last" and None.

    SettingsError where it is of another kind, none at all, or not over yet.
    """
    if text is None or text.strip().lower() == LAST:
        return last_complete(kind, as_of, zone)
    start = _start(text.strip(), kind)
    if start is None:
        raise SettingsError(
            f"period {text!r} is no {kind}: write it as {WRITTEN[kind]}, or {LAST} for the last complete one"
        )
    window = Window(start, following(start, kind))
    if not is_over(window, as_of, zone):
        last = label(last_complete(kind, as_of, zone).start, kind)
        raise SettingsError(
            f"period {text!r} is not over: the data reaches to {numbers.instant(as_of)}; the last complete {kind} is "
            f"{last}"
        )
    return window


def words(window: Window, kind: Kind) -> str:
    """What people call it: "October 2026", "Q3 2026", "week 44 of 2026"."""
    if kind == "month":
        return f"{window.start:%B %Y}"
    if kind == "quarter":
        return f"Q{(window.start.month + 2) // 3} {window.start.year}"
    year, week, _ = window.start.isocalendar()
    return f"week {week} of {year}"


def before(window: Window, count: int, kind: Kind) -> Window:
    """The window, and so many periods before it."""
    start = window.start
    for _ in range(count):
        start = previous(Window(start, following(start, kind))).start
    return Window(start, window.end)


def months_until(end: date, count: int) -> Window:
    """The last so many whole months before `end`."""
    last = end.replace(day=1)
    return Window(add_months(last, -count), last)


def _start(text: str, kind: Kind) -> date | None:
    try:
        if kind == "month" and (found := _MONTH.fullmatch(text)):
            return date(int(found[1]), int(found[2]), 1)
        if kind == "quarter" and (found := _QUARTER.fullmatch(text)):
            return date(int(found[1]), 3 * int(found[2]) - 2, 1)
        if kind == "week" and (found := _WEEK.fullmatch(text)):
            return date.fromisocalendar(int(found[1]), int(found[2]), 1)
    except ValueError:  # a thirteenth month, a 54th week, the year 0
        return None
    return None
