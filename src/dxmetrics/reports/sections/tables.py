"""Metrics by service or by team, as a table. Services may stand in the order of a number; teams are not ranked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from dxmetrics import numbers
from dxmetrics.metrics import Cell, Definition
from dxmetrics.reports.context import Context, named_rows, value
from dxmetrics.reports.document import Column, Section, Table, Value
from dxmetrics.reports.sections.entry import Entry
from dxmetrics.reports.sections.key_figures import short

NAME = "name"


class TableOf(Entry):
    """Metrics for each service or team."""

    about: ClassVar[str] = "Metrics by service or by team, in alphabetical order or, of services, in that of a number"
    section: Literal["table"] = "table"
    metrics: Annotated[tuple[str, ...], Field(min_length=1)]
    by: Literal["service", "team"] = "service"
    order: str = NAME
    most: int = Field(default=40, gt=0)

    @property
    def metrics_named(self) -> tuple[str, ...]:
        return self.metrics

    @model_validator(mode="after")
    def _orders_what_may_be_ordered(self) -> Self:
        if self.order != NAME and self.by == "team":
            raise ValueError(f"order = {self.order!r}: teams are not ranked: leave `order` out")
        if self.order not in (NAME, *self.metrics):
            raise ValueError(f"order = {self.order!r} is no column: use one of {', '.join((NAME, *self.metrics))}")
        return self

    def write(self, context: Context) -> Section | None:
        definitions = [context.definition(name) for name in self.metrics]
        columns = {one.name: context.by(one.name, self.by) for one in definitions}
        known = {name: cell for cells in columns.values() for name, cell in cells.items() if cell.n or cell.is_hidden}
        if not known:
            return None
        names = _chosen(columns, named_rows(known), self)
        teams = _teams(context) if self.by == "service" and context.team is None else {}
        return Section(
            name=self.section,
            title=f"{self.by.capitalize()}s",
            blocks=(
                Table(
                    title=f"{self.by.capitalize()} by {self.by}",
                    note=_note(self, len(names), len(known)),
                    columns=(
                        Column(title=self.by.capitalize()),
                        *([Column(title="Team")] if teams else []),
                        *(_column(one, columns[one.name].values()) for one in definitions),
                    ),
                    rows=tuple(
                        (
                            name,
                            *([teams.get(name)] if teams else []),
                            *(_shown(columns[one.name].get(name)) for one in definitions),
                        )
                        for name in names
                    ),
                ),
            ),
        )


def _chosen(columns: Mapping[str, Mapping[str, Cell]], names: Sequence[str], entry: TableOf) -> list[str]:
    """The rows that are shown: in the order of a number or, by name, those with the most events."""
    if entry.order != NAME:
        cells = columns[entry.order]
        ordered = sorted(names, key=lambda name: (_unknown(cells.get(name)), -_number(cells.get(name)), name))
        return ordered[: entry.most]
    if len(names) <= entry.most:
        return list(names)
    first = columns[entry.metrics[0]]
    busiest = sorted(names, key=lambda name: (-first[name].n if name in first else 0, name))[: entry.most]
    return [name for name in names if name in set(busiest)]


def _teams(context: Context) -> dict[str, str]:
    """The team of each service, which is that of most of its deployments."""
    counted: dict[str, tuple[int, str]] = {}
    for cell in context.cells("deployments", by=("service", "team")):
        service, team = cell.dimensions["service"], cell.dimensions["team"]
        if service and team and cell.n > counted.get(service, (0, ""))[0]:
            counted[service] = (cell.n, team)
    return {service: team for service, (_, team) in counted.items()}


def _column(definition: Definition, cells: Iterable[Cell]) -> Column:
    unit = next((cell.unit for cell in cells if cell.n), definition.unit)
    return Column(title=short(definition), kind="number", unit=unit, has_bar=unit == "%")


def _shown(cell: Cell | None) -> Value:
    return value(cell) if cell is not None else Value(value=None, reason="nothing was observed")


def _note(entry: TableOf, shown: int, there: int) -> str | None:
    """In which order the rows are, and how many are left out."""
    what = f"{entry.by}s"
    if shown == there:
        return None if entry.order == NAME else "The largest first."
    if entry.order == NAME:
        return f"The {shown:,} {what} with the most events, of {there:,}, in alphabetical order."
    return f"The first {shown:,} of {numbers.count(there, entry.by)}, the largest first."


def _unknown(cell: Cell | None) -> bool:
    return cell is None or cell.value is None


def _number(cell: Cell | None) -> float:
    return 0.0 if cell is None or cell.value is None else cell.value
