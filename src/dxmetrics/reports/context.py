"""What sections are written from: one period, of one team or of all, read through the metrics API.

It keeps count of which metrics were asked, so that the last section can say what every number means.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property

from dxmetrics.metrics import Cell, Comparison, Definition, Health, Metrics, Window
from dxmetrics.metrics.changes import Words
from dxmetrics.metrics.periods import floor, previous
from dxmetrics.metrics.selection import NOTHING, UNMAPPED, Where
from dxmetrics.reports import calendar
from dxmetrics.reports.calendar import Kind
from dxmetrics.reports.document import Meaning, Sentence, Span, Value
from dxmetrics.survey.actions import Action
from dxmetrics.survey.read import Surveys


@dataclass(frozen=True)
class Context:
    """One period of one report; `meanings` are by name of what was told, in the order it was first told of."""

    metrics: Metrics
    surveys: Surveys
    actions: Sequence[Action]
    window: Window
    kind: Kind
    team: str | None
    meanings: dict[str, Meaning] = field(default_factory=dict)
    footnotes: list[str] = field(default_factory=list)
    _compared: dict[str, Comparison] = field(default_factory=dict, repr=False)

    @property
    def where(self) -> Where:
        """What keeps the team's rows only."""
        return {"team": (self.team,)} if self.team else NOTHING

    @property
    def before(self) -> Window:
        """The period it is compared with."""
        return previous(self.window)

    @property
    def before_words(self) -> str:
        """What people call that: "September 2026"."""
        return calendar.words(self.before, self.kind)

    @property
    def last_week(self) -> Window:
        """The last week that was over when the period ended: states are told by week."""
        end = floor(self.window.end, "week")
        return Window(end - timedelta(weeks=1), end)

    @cached_property
    def health(self) -> Health:
        """The state of the data."""
        return self.metrics.health()

    def definition(self, metric: str) -> Definition:
        """The metric, which from now on is one of those told of."""
        found = self.metrics.definition(metric)
        self.meanings.setdefault(metric, meaning(found))
        return found

    def comparison(self, metric: str) -> Comparison:
        """The period against the one before it."""
        self.definition(metric)
        if metric not in self._compared:
            window = self.window
            compared = self.metrics.compare(metric, start=window.start, end=window.end, where=self.where)
            self._compared[metric] = compared[0]
        return self._compared[metric]

    def cells(
        self,
        metric: str,
        window: Window | None = None,
        *,
        period: str | None = None,
        by: Sequence[str] = (),
        where: Where | None = None,
    ) -> tuple[Cell, ...]:
        """The cells of a metric, in the period and of the team where nothing else is asked for."""
        self.definition(metric)
        window = window or self.window
        return self.metrics.query(
            metric,
            period=period,
            by=by,
            start=window.start,
            end=window.end,
            where=self.where if where is None else where,
        )

    def by(
        self, metric: str, dimension: str, window: Window | None = None, *, where: Where | None = None
    ) -> dict[str, Cell]:
        """One cell for each value of a dimension, what is unmapped under that name."""
        cells = self.cells(metric, window, by=(dimension,), where=where)
        return {cell.dimensions[dimension] or UNMAPPED: cell for cell in cells}


def value(cell: Cell | None, unit: str | None = None) -> Value:
    """A cell as a document holds it; `unit` where the metric's own is not what people say, such as the currency."""
    if cell is None:
        return Value(value=None, unit=unit or "", reason="not known")
    if cell.is_hidden:
        return Value(value=None, unit=unit or cell.unit, is_hidden=True, reason=cell.reason)
    return Value(
        value=cell.value,
        unit=unit or cell.unit,
        n=cell.n,
        k=cell.k,
        low=cell.ci_low,
        high=cell.ci_high,
        is_partial=cell.is_partial,
        reason=cell.reason,
    )


def strong(text: str) -> Words:
    """A name that stands out in a sentence."""
    return Words(text, is_strong=True)


def told(*words: Words | str, metric: str | None = None, change: str | None = None) -> Sentence:
    """A sentence of these words."""
    runs = [Words(one) if isinstance(one, str) else one for one in words]
    spans = tuple(Span(text=one.text, is_strong=one.is_strong) for one in runs if one.text)
    return Sentence.model_validate({"spans": spans, "metric": metric, "change": change})


def meaning(definition: Definition) -> Meaning:
    """What a metric means, as its file says: the question it answers, and how to read it."""
    caveat = " ".join(definition.caveat.replace("`", "").split())
    return Meaning(
        metric=definition.name,
        title=definition.title,
        unit=definition.unit,
        meaning=f"{definition.question} {caveat}".strip(),
        source=definition.source,
    )


def named_rows(cells: Mapping[str, Cell]) -> list[str]:
    """Names in alphabetical order whatever their case, what is unmapped last."""
    return sorted(cells, key=lambda name: (name == UNMAPPED, name.casefold(), name))
