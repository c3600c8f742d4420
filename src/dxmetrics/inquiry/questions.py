"""What is asked for: a metric in a window, cut and filtered, read from an address and kept within limits."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from dxmetrics.errors import DxError, MalformedError, SettingsError
from dxmetrics.metrics import Cell, Comparison, Metrics, Receipt, complete_weeks
from dxmetrics.metrics.api import WEEKS
from dxmetrics.metrics.changes import WATCHED, Moved
from dxmetrics.metrics.changes import changes as what_changed
from dxmetrics.metrics.selection import UNMAPPED

MOST_CELLS = 50_000
MOST_DAYS = 3_660  # ten years
MOST_ROWS = 1_000  # of a receipt
USUAL_ROWS = 200
YEARS = (1970, 2199)
SHORTEST = {"day": 1, "week": 7, "month": 28, "quarter": 90}  # days a period has at least
EVENT = ("entity_id", "title", "url")  # what tells one event from another: a receipt has them, no number is of one
LISTED = ("team", "service", "repository")  # the dimensions whose values are known by name

# A dimension that has one of these names is asked for as `dimension_NAME`, as it is called in answers.
RESERVED = ("period", "from", "to", "by", "bots", "limit", "format")

PARAMETERS: Mapping[str, str] = {
    "period": "one number for each `day`, `week`, `month` or `quarter`; without it one for the whole window",
    "from": "first day, in the reporting zone; without it the 13 complete weeks before the data ends",
    "to": "first day that is not in it any more",
    "by": "a dimension: one number for each of its values; repeatable, or several with commas",
    "bots": "`included` or `excluded`, instead of the metric's own rule",
    "limit": f"rows of a receipt, at most {MOST_ROWS:,}; {USUAL_ROWS} without it",
    "format": "`json`, `csv`, `parquet` or `arrow`, instead of the Accept header",
}


class UnknownMetric(DxError):
    """There is no metric of this name; the message names those there are."""


@dataclass(frozen=True)
class Question:
    """What one request asks of one metric, or where it names none of all that are watched.

    What it leaves out is the metrics API's usual.
    """

    metric: str
    period: str | None = None
    start: date | None = None
    end: date | None = None
    by: tuple[str, ...] = ()
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    bots: str | None = None
    limit: int = USUAL_ROWS

    @property
    def window(self) -> dict[str, Any]:
        """The dates and filters, as the metrics API takes them."""
        return {"start": self.start, "end": self.end, "where": self.where}


def question(metric: str, pairs: Iterable[tuple[str, str]], known: Collection[str]) -> Question:
    """The question of an address's query; every other name than `known` ones is a dimension to filter by.

    A blank value is as if it was left out. MalformedError: a name that comes twice, what is no day or no number.
    """
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        if value:
            found.setdefault(name, []).append(value)
    one = {name: _only(name, found.pop(name, [])) for name in known if name != "by"}
    by = [part.strip() for text in (found.pop("by", []) if "by" in known else []) for part in text.split(",")]
    return Question(
        metric,
        one.get("period"),
        day("from", one.get("from")),
        day("to", one.get("to")),
        tuple(_dimension(name) for name in by if name),
        {_dimension(name): tuple(values) for name, values in found.items()},
        one.get("bots"),
        _limit(one.get("limit")),
    )


def cells(published: Metrics, asked: Question) -> tuple[Cell, ...]:
    """The cells of the answer; UnknownMetric, or MalformedError for whatever else cannot be answered."""
    _require_few(published, asked)
    with _refused():
        found = published.query(asked.metric, period=asked.period, by=asked.by, bots=asked.bots, **asked.window)
    _require_at_most(len(found))
    return found


def comparisons(published: Metrics, asked: Question) -> tuple[Comparison, ...]:
    """The window against the one before it; errors as for `cells`."""
    _require_known(published, asked)
    _require_short(published, asked)
    with _refused():
        found = published.compare(asked.metric, by=asked.by, **asked.window)
    _require_at_most(len(found))
    return found


def changes(published: Metrics, asked: Question) -> tuple[Moved, ...]:
    """What changed against the window before by more than routine variation, of the metrics that are watched.

    Metrics that do not know a dimension it is filtered by are left out. Errors as for `cells`.
    """
    _require_short(published, asked)
    usual = complete_weeks(WEEKS, published.as_of, published.reporting_zone)
    watched = [
        one.name
        for one in published.catalogue()
        if one.name in WATCHED and asked.where.keys() <= {*one.dimensions}.difference(EVENT)
    ]
    ordered = sorted(watched, key=WATCHED.index)
    with _refused():
        return what_changed(published, asked.start or usual.start, asked.end or usual.end, asked.where, ordered)


def receipt(published: Metrics, asked: Question) -> Receipt:
    """Everything behind the window's one number; errors as for `cells`."""
    _require_known(published, asked)
    _require_short(published, asked)
    with _refused():
        return published.explain(asked.metric, bots=asked.bots, limit=asked.limit, **asked.window)


def remarks(published: Metrics, asked: Question) -> list[str]:
    """What is odd about a question that was answered: filters by a team, service or repository nobody has heard of."""
    found = []
    for dimension in LISTED:
        values = [value for value in asked.where.get(dimension, ()) if value != UNMAPPED]
        known = published.values(dimension) if values else ()
        for value in values:
            if value not in known:
                close = difflib.get_close_matches(value, known, 3, 0.5)
                meant = f": did you mean {', '.join(close)}?" if close else ""
                found.append(f"nothing is known of a {dimension} {value!r}{meant}")
    return found


def day(name: str, text: str | None) -> date | None:
    """The calendar day of a text; MalformedError says how one is written."""
    if text is None:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise MalformedError(f"{name} = {text!r} is not a day: write it as 2026-03-31") from None
    if not YEARS[0] <= found.year <= YEARS[1]:
        raise MalformedError(f"{name} = {text!r} is too far away: use a day from {YEARS[0]} to {YEARS[1]}")
    return found


def _only(name: str, values: list[str]) -> str | None:
    if len(values) > 1:
        raise MalformedError(f"{name} is given {len(values)} times: give it once")
    return values[0] if values else None


def _dimension(name: str) -> str:
    plain = name.removeprefix("dimension_")
    return plain if plain in RESERVED else name


def _limit(text: str | None) -> int:
    if text is None:
        return USUAL_ROWS
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) <= MOST_ROWS):
        raise MalformedError(f"limit = {text!r} is not a number of rows from 0 to {MOST_ROWS:,}")
    return int(text)


def _require_known(published: Metrics, asked: Question) -> None:
    """Refuse a metric there is not, and to cut or filter it down to single events."""
    try:
        definition = published.definition(asked.metric)
    except SettingsError as error:
        raise UnknownMetric(str(error)) from error
    for name in (*asked.by, *asked.where):
        if name in EVENT:
            valid = ", ".join(definition.dimensions)
            raise MalformedError(f"{asked.metric} has no dimension {name!r}: use one of {valid}; rows are in a receipt")


def _require_short(published: Metrics, asked: Question) -> int:
    """How many days the window has, at the least; MalformedError where it is too long."""
    today = published.as_of.date()
    end = asked.end or today
    days = (end - (asked.start or min(end, today) - timedelta(weeks=13))).days
    if days > MOST_DAYS:
        raise MalformedError(f"the window has {days:,} days: at most {MOST_DAYS:,} are answered at once")
    return days


def _require_few(published: Metrics, asked: Question) -> None:
    """Refuse an answer of too many cells before it is made: as many as there are periods, times the values of `by`."""
    _require_known(published, asked)
    days = _require_short(published, asked)
    if asked.period in SHORTEST and asked.by:
        with _refused():
            values = len(published.query(asked.metric, by=asked.by, bots=asked.bots, **asked.window))
        _require_at_most(values * max(1, days // SHORTEST[asked.period]))


def _require_at_most(count: int) -> None:
    if count > MOST_CELLS:
        raise MalformedError(
            f"the answer has {count:,} numbers, at most {MOST_CELLS:,} are given at once: ask for a shorter window, "
            "longer periods or fewer dimensions"
        )


@contextmanager
def _refused() -> Iterator[None]:
    """What the metrics API calls a wrong setting is here a wrong question."""
    try:
        yield
    except SettingsError as error:
        raise MalformedError(str(error)) from error
