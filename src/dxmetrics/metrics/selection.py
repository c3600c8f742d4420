"""What a caller may cut and filter by: names checked against the view's columns, values only as bound parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dxmetrics.errors import SettingsError
from dxmetrics.metrics.definition import IS_FEW, Definition

UNMAPPED = "unmapped"  # what is called so has no value of a dimension
Where = Mapping[str, Sequence[str | None]]
NOTHING: Where = {}  # as a default: everything is asked for

DISCRETE = ("VARCHAR", "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UBIGINT", "UUID", "DATE")


@dataclass(frozen=True)
class Selection:
    """Checked dimensions and filters of one metric's view."""

    by: tuple[str, ...] = ()
    where: Mapping[str, tuple[str | None, ...]] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)

    def known_to(self, columns: Mapping[str, str]) -> Selection:
        """The part of it that another view or table can answer."""
        where = {name: values for name, values in self.where.items() if name in columns}
        return Selection(tuple(name for name in self.by if name in columns), where, columns)

    def conditions(self, alias: str) -> tuple[list[str], dict[str, Any]]:
        """SQL conditions on the table `alias` and their parameters; `unmapped` or None selects what has no value."""
        conditions: list[str] = []
        params: dict[str, Any] = {}
        for place, (name, values) in enumerate(self.where.items()):
            column = self.expression(alias, name)
            mapped = {
                f"where_{place}_{number}": value
                for number, value in enumerate(values)
                if value is not None and value != UNMAPPED
            }
            parts = [f"{column} is null"] if len(mapped) < len(values) else []
            if mapped:
                parts.append(f"{column} in ({', '.join(f'${key}' for key in mapped)})")
            params |= mapped
            conditions.append(f"({' or '.join(parts)})")
        return conditions, params

    def expression(self, alias: str, name: str) -> str:
        """The column as text, by which it is compared and returned."""
        column = f'{alias}."{name}"'
        return column if self.columns[name] == "VARCHAR" else f"cast({column} as varchar)"


def select(definition: Definition, columns: Mapping[str, str], by: Sequence[str], where: Where) -> Selection:
    """The checked selection; SettingsError names the columns there are."""
    if isinstance(by, str):
        by = (by,)
    hidden = (*definition.measures, "is_open", IS_FEW)
    valid = [name for name, kind in columns.items() if kind in DISCRETE and name not in hidden]
    for name in (*by, *where):
        if name not in valid:
            raise SettingsError(f"{definition.name} has no dimension {name!r}: use one of {', '.join(valid)}")
    chosen: dict[str, tuple[str | None, ...]] = {}
    for name, values in where.items():
        chosen[name] = (values,) if isinstance(values, str) else tuple(values)
        if not chosen[name]:
            raise SettingsError(f"{name} is filtered by no value at all: leave it out to select everything")
    return Selection(tuple(dict.fromkeys(by)), chosen, columns)
