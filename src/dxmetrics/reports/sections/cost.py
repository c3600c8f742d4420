"""Cost: what whole months cost, what a deployment does, and how much belongs to nobody. Currencies are never added."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Literal

from dxmetrics import numbers
from dxmetrics.metrics import Cell, Window
from dxmetrics.metrics.periods import previous
from dxmetrics.metrics.selection import UNMAPPED
from dxmetrics.reports import calendar
from dxmetrics.reports.context import Context, value
from dxmetrics.reports.document import Chart, Column, Figure, Section, Series, Table, Tile, Tiles, Tone, Value
from dxmetrics.reports.sections.entry import Entry

COST, EACH, UNALLOCATED = "cost", "cost_per_deployment", "unallocated_cost_share"
MONTHS = 6
KINDS: dict[str, tuple[str, Tone]] = {
    "direct": ("Direct", "accent"),
    "shared": ("Part of what all share", "bars"),
    "unallocated": ("Belongs to nobody", "bad"),
}


class Cost(Entry):
    """The period's whole months; of a week, the last whole month before its end."""

    about: ClassVar[str] = "What whole months cost, what a deployment does, and how much belongs to nobody"
    section: Literal["cost"] = "cost"

    def write(self, context: Context) -> Section | None:
        months = 3 if context.kind == "quarter" else 1
        spent = _spent(context, calendar.months_until(context.window.end, months))
        if spent is None:
            return None
        total = f"{spent.cell.value or 0:,.0f} {spent.currency}"
        nobody = spent.nobody.value
        lead = f"{total} in {spent.words}" + (
            "." if nobody is None else f"; {numbers.text(nobody, '%')} belongs to nobody."
        )
        return Section(
            name=self.section,
            title="Cost",
            lead=lead,
            blocks=(Tiles(tiles=_tiles(context, spent)), _months(context, spent), _bearers(context, spent)),
        )


@dataclass(frozen=True)
class Spent:
    """The whole months that are told of, in the currency that counts; `nobody` is everybody's, whatever the team."""

    window: Window
    currency: str
    cell: Cell
    nobody: Cell

    @property
    def words(self) -> str:
        """The months as people call them: "October 2026", "July to September 2026"."""
        return _months_in(self.window)


def _spent(context: Context, window: Window) -> Spent | None:
    """None where no charge is known in these months."""
    counted = {
        str(cell.dimensions["currency"]): cell.n for cell in context.cells(COST, window, by=("currency",)) if cell.n
    }
    (cell,) = context.cells(COST, window)
    if not counted or not cell.n or cell.value is None:
        return None
    (nobody,) = context.cells(UNALLOCATED, window, where={})
    return Spent(window, max(counted, key=lambda one: counted[one]), cell, nobody)


def _tiles(context: Context, spent: Spent) -> tuple[Tile, ...]:
    earlier = previous(spent.window)
    (before,) = context.cells(COST, earlier)
    (each,), (each_before,) = context.cells(EACH, spent.window), context.cells(EACH, earlier)
    (nobody_before,) = context.cells(UNALLOCATED, earlier, where={})
    whole = "everybody's cost" if context.team else "all cost"
    return (
        _tile("Cost", spent.cell, before, spent.currency, spent.words, _months_in(earlier)),
        _tile("Cost per deployment", each, each_before, spent.currency, f"in {spent.words}", _months_in(earlier)),
        _tile(
            "Belongs to nobody", spent.nobody, nobody_before, "%", f"of {whole} in {spent.words}", _months_in(earlier)
        ),
    )


def _tile(title: str, cell: Cell, before: Cell, unit: str, note: str, when: str) -> Tile:
    """A figure beside that of the months before: a sum of bills is no sample, so nothing is called signal."""
    was = f"{numbers.text(before.value, unit)} in {when}" if before.n and before.value is not None else None
    shown = value(cell, unit)
    return Tile(
        metric=cell.metric,
        title=title,
        value=shown,
        compared=was if shown.value is not None else None,
        note=note if shown.value is not None else None,
    )


def _months(context: Context, spent: Spent) -> Figure:
    """What whole months cost, by how it is known whose it is."""
    window = calendar.months_until(spent.window.end, MONTHS)
    parts: dict[tuple[str, str], float] = {}
    for cell in context.cells(COST, window, period="month", by=("allocation",)):
        if cell.n and cell.value is not None:
            parts[cell.period, cell.dimensions["allocation"] or ""] = cell.value
    months = context.cells(COST, window, period="month")
    used = [kind for kind in KINDS if any(one == kind for _, one in parts)]
    return Figure(
        title="Cost by month",
        note=f"In {spent.currency}; credits are taken off.",
        alt="; ".join(f"{one.period_start:%B %Y}: {one.value or 0:,.0f} {spent.currency}" for one in months if one.n),
        chart=Chart(
            kind="columns",
            categories=tuple(f"{one.period_start:%b %Y}" for one in months),
            series=tuple(
                Series(
                    name=KINDS[kind][0],
                    tone=KINDS[kind][1],
                    values=tuple(parts.get((one.period, kind), 0.0) if one.n else None for one in months),
                )
                for kind in used
            ),
            unit=spent.currency,
            starts=tuple(one.period_start for one in months),
            is_partial=tuple(one.is_partial for one in months),
        ),
    )


def _bearers(context: Context, spent: Spent) -> Table:
    """Who bears it, in alphabetical order; what belongs to nobody is in no row."""
    dimension = "service" if context.team else "team"
    parts: dict[str, dict[str, float]] = {}
    for cell in context.cells(COST, spent.window, by=(dimension, "allocation")):
        if cell.n and cell.value is not None and cell.dimensions["allocation"] != "unallocated":
            parts.setdefault(cell.dimensions[dimension] or UNMAPPED, {})[cell.dimensions["allocation"] or ""] = (
                cell.value
            )
    each = context.by(EACH, dimension, spent.window)
    names = sorted(parts, key=lambda name: (name == UNMAPPED, name.casefold()))
    return Table(
        title=f"Cost by {dimension}",
        note=f"{spent.words}, in alphabetical order. What belongs to nobody is in no row.",
        columns=(
            Column(title=dimension.capitalize()),
            Column(title="Cost", kind="number", unit=spent.currency, has_bar=True),
            Column(title="Direct", kind="number", unit=spent.currency),
            Column(title="Part of what all share", kind="number", unit=spent.currency),
            Column(title="Per deployment", kind="number", unit=spent.currency),
        ),
        rows=tuple(
            (
                name,
                Value(value=sum(parts[name].values()), unit=spent.currency),
                Value(value=parts[name].get("direct", 0.0), unit=spent.currency),
                Value(value=parts[name].get("shared", 0.0), unit=spent.currency),
                value(each.get(name), spent.currency),
            )
            for name in names
        ),
        nothing="Nobody is known to bear any of it: name services or teams in the bills.",
    )


def _months_in(window: Window) -> str:
    last = window.end - timedelta(days=1)
    if (window.start.year, window.start.month) == (last.year, last.month):
        return f"{last:%B %Y}"
    return (
        f"{window.start:%B} to {last:%B %Y}"
        if window.start.year == last.year
        else f"{window.start:%B %Y} to {last:%B %Y}"
    )
