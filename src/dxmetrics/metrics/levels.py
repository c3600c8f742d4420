"""The level of each service in any run of whole weeks, from one query: before and after asks for many windows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from dxmetrics.metrics.gather import Group, Request, gather
from dxmetrics.metrics.observed import observe
from dxmetrics.metrics.periods import Window, local_date
from dxmetrics.metrics.selection import Selection
from dxmetrics.metrics.statistics import Values
from dxmetrics.metrics.store import Reading

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Service:
    """What is known of a service: its values week after week, and before each week how many there were of each kind."""

    values: Values
    before: Counts
    linked: Counts
    linkable: Counts


@dataclass(frozen=True)
class Levels:
    """The median of a metric for each service, in any whole weeks of the window `observed`.

    It is withheld by the same rules as a number of the metrics API: with fewer than `minimum_n` values, and where what
    it rests on is known of less than `minimum_coverage`.
    """

    observed: Window
    first: date
    minimum_n: int
    minimum_coverage: float
    services: Mapping[str, _Service]

    def between(self, start: date, end: date) -> dict[str, float | None]:
        """Each service's median from the Monday `start` to before the Monday `end`; None where it is withheld."""
        weeks = (max(self.observed.end, self.first) - self.first).days // 7
        first, last = (min(max((day - self.first).days // 7, 0), weeks) for day in (start, end))
        return {name: self._median(one, first, last) for name, one in self.services.items()}

    def _median(self, one: _Service, first: int, last: int) -> float | None:
        values = one.values[one.before[first] : one.before[last]]
        if len(values) < self.minimum_n:
            return None
        linkable = one.linkable[last] - one.linkable[first]
        if linkable and (one.linked[last] - one.linked[first]) / linkable < self.minimum_coverage:
            return None
        return float(np.median(values))


def levels(reading: Reading, asked: Request, window: Window) -> Levels:
    """The levels of a median in a window of whole weeks; the request is for that window by service and by week."""
    definition, publication = asked.definition, reading.publication
    of_each = _by_service(gather(reading, asked))
    linked: Mapping[str, Mapping[int, Group]] = {}
    if definition.coverage is not None:
        linkage = publication.definition(definition.coverage)
        selection = asked.selection.known_to(publication.columns[linkage.name])
        linked = _by_service(gather(reading, Request(linkage, selection, asked.spine, True, linkage.bots)))
    span = observe(reading, definition.stream, Selection((), asked.selection.where, asked.columns)).of(())
    since = window.start if span.first is None else local_date(span.first, publication.zone)
    weeks = len(asked.spine.buckets)
    return Levels(
        observed=Window(min(max(since, window.start), window.end - timedelta(days=1)), window.end),
        first=asked.spine.buckets[0].start,
        minimum_n=definition.minimum_n,
        minimum_coverage=definition.minimum_coverage,
        services={name: _service(groups, linked.get(name, {}), weeks) for name, groups in of_each.items()},
    )


def _by_service(groups: Mapping[tuple[int, tuple[str | None, ...]], Group]) -> dict[str, dict[int, Group]]:
    found: dict[str, dict[int, Group]] = {}
    for (week, (service,)), group in groups.items():
        if service is not None:
            found.setdefault(service, {})[week] = group
    return found


def _service(groups: Mapping[int, Group], linked: Mapping[int, Group], weeks: int) -> _Service:
    by_week = [groups[week].values if week in groups else np.empty(0) for week in range(weeks)]
    links = [linked.get(week, Group()) for week in range(weeks)]
    return _Service(
        values=np.concatenate(by_week),
        before=_running([len(values) for values in by_week]),
        linked=_running([link.k for link in links]),
        linkable=_running([link.n for link in links]),
    )


def _running(counts: list[int]) -> Counts:
    return np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
