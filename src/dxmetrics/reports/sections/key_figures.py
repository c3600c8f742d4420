"""Key figures: each metric against the period before, with what it rests on and how it went before that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from dxmetrics import numbers
from dxmetrics.metrics import Cell, Comparison, Definition
from dxmetrics.metrics.changes import DORA, certainty, is_certain
from dxmetrics.reports import calendar
from dxmetrics.reports.context import Context, value
from dxmetrics.reports.document import Change, Section, Tile, Tiles
from dxmetrics.reports.sections.entry import Entry

POINTS = {"week": 13, "month": 6, "quarter": 5}  # periods of the line beside a figure
SHORT = {"failed_deployment_recovery_time": "Recovery time", "deployment_rework_rate": "Rework rate"}


class KeyFigures(Entry):
    """The five metrics of DORA, or others."""

    about: ClassVar[str] = "The five DORA metrics, or those you name, against the period before"
    section: Literal["key_figures"] = "key_figures"
    metrics: tuple[str, ...] = DORA

    @property
    def metrics_named(self) -> tuple[str, ...]:
        return self.metrics

    def write(self, context: Context) -> Section:
        compared = [context.comparison(name) for name in self.metrics]
        return Section(
            name=self.section,
            title="Key figures",
            lead=_lead(context, compared),
            blocks=(Tiles(tiles=tuple(tile(context, one) for one in compared)),),
        )


def tile(context: Context, compared: Comparison) -> Tile:
    """One figure."""
    definition, cell = context.definition(compared.metric), compared.current
    history = context.cells(
        definition.name, calendar.before(context.window, POINTS[context.kind] - 1, context.kind), period=context.kind
    )
    return Tile(
        metric=definition.name,
        title=short(definition),
        value=value(cell),
        compared=against(compared, context.before_words),
        change=change_of(compared),
        note=basis(cell, definition),
        points=tuple(None if one.is_partial else one.value for one in history),
    )


def short(definition: Definition) -> str:
    """What a metric is called where there is little room."""
    return SHORT.get(definition.name, definition.title)


def against(compared: Comparison, before: str) -> str | None:
    """What is said of the period before: "11.0 h more than in September 2026 (95 %: +4.0 to +18.2 h)"."""
    if compared.current.value is None:
        return None
    if compared.difference is None:
        return f"Not compared: {compared.reason}"
    was = numbers.text(compared.previous.value, compared.previous.unit)
    if not compared.is_signal:
        return f"{before[:1].upper()}{before[1:]}: {was}, routine variation"
    unit = compared.current.unit
    size = numbers.text(abs(compared.difference), unit)
    size = size.replace("%", "points") if unit == "%" else size
    direction = "more" if compared.difference > 0 else "less"
    weeks = "" if is_certain(compared) else " (weeks outside their usual range)"
    return f"{size} {direction} than in {before}{certainty(compared)}{weeks}"


def basis(cell: Cell, definition: Definition) -> str | None:
    """What a value rests on: n, or k of n, and its interval."""
    if cell.value is None:
        return None
    if definition.aggregate == "active_days":  # its n are weeks
        seen = numbers.count(cell.n, "week")
    elif cell.k is None:
        seen = numbers.count(cell.n, definition.entity.replace("_", " "))
    else:
        of_what = "recovered" if definition.aggregate == "recovery" else definition.entities
        seen = f"{cell.k:,} of {cell.n:,} {of_what}"
    sure = numbers.interval(cell.ci_low, cell.ci_high, cell.unit)
    return f"{seen}, 95 %: {sure}" if sure else seen


def change_of(compared: Comparison) -> Change | None:
    """Whether it is good or bad news; None for routine variation, and where neither side is better."""
    changes: dict[str | None, Change] = {"better": "better", "worse": "worse"}
    return changes.get(compared.change) if compared.is_signal else None


def _lead(context: Context, compared: Sequence[Comparison]) -> str | None:
    """What became better and what worse, in a sentence."""
    known = [one for one in compared if one.difference is not None]
    if not known:
        return None
    parts = []
    for change in ("worse", "better"):
        titles = [_inside(context, one.metric) for one in known if change_of(one) == change]
        if titles:
            parts.append(f"{' and '.join(titles)} got {change}")
    if not parts:
        return f"No change against {context.before_words} is more than routine variation."
    rest = len(known) - sum(change_of(one) is not None for one in known)
    said = ", ".join(parts)
    tail = "; the rest is routine variation" if rest else ""
    return f"{said[:1].upper()}{said[1:]} against {context.before_words}{tail}."


def _inside(context: Context, metric: str) -> str:
    title = short(context.definition(metric))
    return f"{title[:1].lower()}{title[1:]}"
