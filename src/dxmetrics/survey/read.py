"""Reading results from a publication: for pages, the command line and reports, and for nobody else's filters.

There is no way to ask for a group: what can be had is what was computed when the wave closed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dxmetrics.errors import SettingsError
from dxmetrics.metrics import statistics
from dxmetrics.metrics.store import Store
from dxmetrics.survey.results import Cell, Cut, Measure, Results

FALSE_ALARMS = 0.05  # of the changes that are called signal, the share that may be none (Benjamini and Hochberg)


@dataclass(frozen=True)
class Change:
    """What a measure of one group changed by between two waves, in points, with its 95 % interval."""

    measure: str
    cut: Cut
    key: str
    value: float
    low: float
    high: float
    is_signal: bool  # else it is within noise, and no arrow is drawn


@dataclass(frozen=True)
class Point:
    """A measure of one group in one wave; a cell that is not shown has no numbers."""

    wave: str
    cell: Cell


class Surveys:
    """The results of every wave that a publication has."""

    def __init__(self, results: Sequence[Results]) -> None:
        self._results = tuple(results)

    def all(self) -> tuple[Results, ...]:
        """Every wave, the newest first."""
        return self._results

    def names(self) -> tuple[str, ...]:
        """The surveys that have results, the one that closed last first."""
        return tuple(dict.fromkeys(one.survey for one in self._results))

    def waves(self, survey: str) -> tuple[Results, ...]:
        """The waves of a survey, the newest first."""
        return tuple(one for one in self._results if one.survey == survey)

    def find(self, survey: str, wave: str | None = None) -> Results:
        """The results of a wave, of the newest where none is named; SettingsError names those there are."""
        known = self.waves(survey)
        for one in known:
            if wave is None or one.wave == wave:
                return one
        if not known:
            there = ", ".join(self.names()) or "none yet"
            raise SettingsError(f"no results of survey {survey!r} are published: there are those of {there}")
        raise SettingsError(f"no results of wave {wave!r}: {survey} has {', '.join(one.wave for one in known)}")

    def before(self, results: Results) -> Results | None:
        """The wave of the same survey that closed before; None for the first."""
        earlier = [one for one in self.waves(results.survey) if one.closed_on < results.closed_on]
        return earlier[0] if earlier else None

    def trend(self, survey: str, measure: str, cut: Cut = "all", key: str = "") -> tuple[Point, ...]:
        """A measure of one group over the waves, the oldest first. A wave that did not ask it is left out."""
        return tuple(
            Point(one.wave, found)
            for one in reversed(self.waves(survey))
            if (found := cell(one, measure, cut, key)) is not None
        )


def results(data: Path) -> Surveys:
    """The results in the newest publication of a data folder; WarehouseError where nothing is published."""
    store = Store.of(data)
    publication = store.newest()
    try:
        with store.reading(publication) as reading:
            rows = reading.rows("select document from survey.waves order by closed_on desc, survey, wave desc")
    finally:
        store.release(publication)
    return Surveys([Results.model_validate(json.loads(row["document"])) for row in rows])


def cell(results: Results, measure: str, cut: Cut = "all", key: str = "") -> Cell | None:
    """One cell of a wave; None where there is none of that measure and group."""
    return next((one for one in results.cells if (one.measure, one.cut, one.key) == (measure, cut, key)), None)


def measure(results: Results, name: str) -> Measure | None:
    """A measure of a wave by its id."""
    return next((one for one in results.measures if one.id == name), None)


def changes(now: Results, before: Results) -> tuple[Change, ...]:
    """What changed between two waves of a survey, for every cell that both show.

    The waves count as independent samples: who answered both is known nowhere. Newcombe's interval from the two own
    ones; of all changes together, Benjamini and Hochberg keep false alarms at 5 %.
    """
    found = list(_differences(now, before))
    chances = [_chance(change) for change in found]
    limit = 0.0
    for rank, chance in enumerate(sorted(chances), start=1):
        if chance <= FALSE_ALARMS * rank / len(chances):
            limit = chance
    return tuple(
        Change(
            one.measure,
            one.cut,
            one.key,
            one.value,
            one.low,
            one.high,
            is_signal=bool(one.is_signal and chance <= limit),
        )
        for one, chance in zip(found, chances, strict=True)
    )


def _differences(now: Results, before: Results) -> Iterator[Change]:
    known = {(one.measure, one.cut, one.key): one for one in before.cells}
    for one in now.cells:
        other = known.get((one.measure, one.cut, one.key))
        if other is None or one.value is None or other.value is None:
            continue
        if one.low is None or one.high is None or other.low is None or other.high is None:
            continue
        difference = statistics.square_and_add(
            one.value, (one.low, one.high), other.value, (other.low, other.high), "newcombe"
        )
        yield Change(
            one.measure, one.cut, one.key, difference.value, difference.low, difference.high, difference.excludes_zero
        )


def _chance(change: Change) -> float:
    """How probable so great a change is where there is none, told from the half of the interval towards zero."""
    half = change.value - change.low if change.value > 0 else change.high - change.value
    if half <= 0:
        return 0.0 if change.value else 1.0
    return math.erfc(abs(change.value) / half * statistics.Z / math.sqrt(2))
