"""`Metrics`: the one door through which pages, reports, the HTTP API and the command line read numbers."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path

from dxmetrics.errors import SettingsError
from dxmetrics.metrics import bands, comparison, explain, health, matches
from dxmetrics.metrics.bands import Band
from dxmetrics.metrics.contributions import Contribution, contributions
from dxmetrics.metrics.definition import BOTS, Definition
from dxmetrics.metrics.frequency import frequency_history
from dxmetrics.metrics.gather import Request
from dxmetrics.metrics.levels import Levels, levels
from dxmetrics.metrics.periods import PERIODS, Window, complete_weeks, local_date
from dxmetrics.metrics.query import answers, request
from dxmetrics.metrics.results import Cell, Chart, Comparison, Health, Matches, Receipt
from dxmetrics.metrics.selection import NOTHING, Where, select
from dxmetrics.metrics.store import Publication, Reading, Store

WEEKS = 13  # the usual window: a quarter of a year, in whole weeks


class Metrics:
    """One publication, opened for reading; it stays the same for the life of the object.

    Opening is cheap and every method may be called from several threads at once. Dates are in the reporting zone and
    windows half-open; without dates a window is the 13 complete ISO weeks before `as_of`.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._publication = store.newest()
        self._release = self._releasing()

    @classmethod
    def open(cls, data: Path) -> Metrics:
        """The newest publication in the data folder; WarehouseError when nothing is published."""
        return cls(Store.of(data))

    def refresh(self) -> bool:
        """Turn to a newer publication where there is one; True if so."""
        before, self._publication = self._publication, self._store.newest()
        self._release()
        self._release = self._releasing()
        return before is not self._publication

    @property
    def as_of(self) -> datetime:
        """Until when the data reaches (UTC)."""
        return self._publication.as_of

    @property
    def reporting_zone(self) -> str:
        """The IANA zone of every calendar period."""
        return self._publication.zone

    @property
    def organisation(self) -> str:
        """The organisation's name."""
        return str(self._publication.facts.get("organisation") or "")

    @property
    def is_sample(self) -> bool:
        """True where the numbers are those of the built-in sample organisation."""
        return bool(self._publication.facts.get("is_sample", False))

    @property
    def data_version(self) -> str:
        """The name of the publication, for reproducing a report."""
        return str(self._publication.facts.get("data_version") or self._publication.path.stem)

    def catalogue(self) -> tuple[Definition, ...]:
        """Every metric, by name."""
        return tuple(self._publication.definitions.values())

    def definition(self, name: str) -> Definition:
        """One metric; SettingsError names the valid ones."""
        return self._publication.definition(name)

    def query(
        self,
        name: str,
        *,
        period: str | None = None,
        by: Sequence[str] = (),
        start: date | None = None,
        end: date | None = None,
        where: Where = NOTHING,
        bots: str | None = None,
    ) -> tuple[Cell, ...]:
        """The dense cells of a metric: one per period that touches the window (always whole) and value of `by`.

        Without `period` it is one cell for the window. `where` keeps rows with one of the values; None or "unmapped"
        keeps those that have none. `bots` "included" or "excluded" overrides the metric's own rule.
        """
        with self._reading() as reading:
            asked, _ = self._request(reading, name, start, end, where, by, period, bots)
            return tuple(answer.cell for answer in answers(reading, asked, period))

    def compare(
        self,
        name: str,
        *,
        start: date | None = None,
        end: date | None = None,
        where: Where = NOTHING,
        by: Sequence[str] = (),
    ) -> tuple[Comparison, ...]:
        """The window against the equally long one before it (months against months), per value of `by`."""
        with self._reading() as reading:
            asked, window = self._request(reading, name, start, end, where, by)
            return comparison.compare(reading, asked, window)

    def contributions(
        self, name: str, by: str, *, start: date | None = None, end: date | None = None, where: Where = NOTHING
    ) -> tuple[Contribution, ...]:
        """What each value of the dimension `by` adds to the difference from the window before, the most first."""
        with self._reading() as reading:
            asked, window = self._request(reading, name, start, end, where, (by,))
            return contributions(reading, asked, window)

    def levels(self, name: str, *, start: date, end: date, where: Where = NOTHING) -> Levels:
        """The median of each service in any whole weeks between two Mondays, for questions of many windows."""
        with self._reading() as reading:
            asked, window = self._request(reading, name, start, end, where, ("service",), "week")
            if asked.definition.aggregate != "median":
                raise SettingsError(f"{name} has no levels: it is a {asked.definition.aggregate}, and they are medians")
            return levels(reading, asked, window)

    def chart(
        self,
        name: str,
        *,
        period: str = "week",
        start: date | None = None,
        end: date | None = None,
        where: Where = NOTHING,
    ) -> Chart:
        """The process behaviour chart of a metric: its cells, the natural limits, and the periods that are signals."""
        return comparison.chart(self.query(name, period=period, start=start, end=end, where=where))

    def explain(
        self,
        name: str,
        *,
        start: date | None = None,
        end: date | None = None,
        where: Where = NOTHING,
        bots: str | None = None,
        limit: int = 200,
    ) -> Receipt:
        """Everything behind the one number of a window."""
        with self._reading() as reading:
            asked, window = self._request(reading, name, start, end, where, bots=bots)
            return explain.explain(reading, asked, window, limit)

    def band(
        self, name: str, *, start: date | None = None, end: date | None = None, where: Where = NOTHING
    ) -> Band | None:
        """The DORA answer the window's number corresponds to; None for a metric that has no bands.

        With too few events the band has no code and says why.
        """
        with self._reading() as reading:
            asked, window = self._request(reading, name, start, end, where)
            if asked.definition.band is None:
                return None
            cell = answers(reading, asked, None)[0].cell
            if asked.definition.band in bands.FREQUENCY_BANDS:
                return bands.frequency_band(asked.definition, cell, frequency_history(reading, asked, window))
            return bands.band_of(asked.definition, cell)

    def values(self, dimension: str) -> tuple[str, ...]:
        """The values a filter can offer for `team`, `service` or `repository`, in alphabetical order."""
        if dimension not in ("team", "service", "repository"):
            raise SettingsError(f"there are no values of {dimension!r}: use one of team, service, repository")
        with self._reading() as reading:
            return health.values(reading, dimension)

    def health(self) -> Health:
        """What the Data health page shows."""
        with self._reading() as reading:
            return health.health(reading)

    def matches(self, source: str) -> Matches:
        """What the organisation's rules make of a source's runs, jobs, environments and issues."""
        with self._reading() as reading:
            return matches.matches(reading, source)

    def _releasing(self) -> weakref.finalize[[Publication], Metrics]:
        """What gives the publication back when this object is gone; at the end of the process there is no need to."""
        release = weakref.finalize(self, self._store.release, self._publication)
        release.atexit = False
        return release

    @contextmanager
    def _reading(self) -> Iterator[Reading]:
        with self._store.reading(self._publication) as reading:
            yield reading

    def _request(
        self,
        reading: Reading,
        name: str,
        start: date | None,
        end: date | None,
        where: Where,
        by: Sequence[str] = (),
        period: str | None = None,
        bots: str | None = None,
    ) -> tuple[Request, Window]:
        publication = reading.publication
        definition = publication.definition(name)
        if bots not in (None, *BOTS):
            raise SettingsError(f"bots {bots!r} is not known: use one of {', '.join(BOTS)}")
        if period not in (None, *PERIODS):
            raise SettingsError(f"period {period!r} is not known: use one of {', '.join(PERIODS)}")
        selection = select(definition, publication.columns[name], by, where)
        window = usual_window(publication, definition, start, end, is_series=period is not None)
        return request(reading, definition, selection, window, period, bots), window


def usual_window(
    publication: Publication, definition: Definition, start: date | None, end: date | None, *, is_series: bool = False
) -> Window:
    """The window of these dates; what is not given is taken from the 13 complete weeks before `as_of`.

    The present state is asked of a stock and what is like it, so its one number ends with `as_of`.
    """
    usual = complete_weeks(WEEKS, publication.as_of, publication.zone)
    if end is None and definition.is_current and not is_series:
        end = local_date(publication.as_of, publication.zone) + timedelta(days=1)
    end = end or usual.end
    return Window(start or min(usual.start, end - timedelta(weeks=WEEKS)), end)
