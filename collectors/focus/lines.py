"""Some lines of a bill, read value by value: a million lines have a few thousand different tags."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fnmatch import fnmatchcase
from functools import partial, reduce
from typing import Any, Self, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from dxmetrics.errors import CollectError

from .exports import ACCOUNT, KINDS, PERIOD, PROVIDERS, REQUIRED, UNKNOWN, Period
from .settings import Globs

EXACT, TEXT, DATE, BOOLEAN = pa.decimal256(76, 30), pa.string(), pa.date32(), pa.bool_()
TAG = "tag:"  # what stands before a tag's name where a column's could be
DAY = timedelta(days=1)

Column: TypeAlias = "pa.Array[Any]"  # cannot be subscripted when the program runs


@dataclass(frozen=True)
class Lines:
    """Lines with exact costs; all else is text, as it stands in the export."""

    table: pa.Table

    @classmethod
    def of(cls, first: int, block: pa.Table) -> Self:
        """The lines of a block of a file; CollectError names the row of a cost that is no number. The first line is row
        `first`."""
        for place, name in enumerate(block.column_names):
            if name in KINDS:
                block = block.set_column(place, name, _amounts(first, name, _whole(block[name])))
        return cls(block)

    def __len__(self) -> int:
        return self.table.num_rows

    def where(self, is_wanted: Column) -> Lines:
        """Those of the lines for which it is true."""
        return Lines(self.table.filter(is_wanted))

    def are_of(self, period: Period) -> Column:
        """Whether each line is of this billing period."""
        is_of_month = self.read(PERIOD, lambda text: text == period.starts_on.isoformat(), BOOLEAN)
        is_of_account = self.read(ACCOUNT, lambda text: (text or "") == period.account, BOOLEAN)
        is_of_provider = _read(self.first_of(PROVIDERS), lambda text: (text or UNKNOWN) == period.provider, BOOLEAN)
        return pc.and_(pc.and_(is_of_month, is_of_account), is_of_provider)

    def match(self, rules: Globs) -> Column:
        """Whether each line has, in any of these columns or tags, one of the values."""
        found = [self._matches(name, globs) for name, globs in rules.items()]
        return reduce(pc.or_, found, pa.array([False] * len(self), BOOLEAN))

    def costs(self) -> Mapping[str, Column]:
        """What each line costs, by kind of cost; null where an export lacks that kind."""
        known = self.table.column_names
        return {name: _whole(self.table[name]) if name in known else pa.nulls(len(self), EXACT) for name in KINDS}

    def days(self, name: str) -> Column:
        """The day of each instant; CollectError for one that is none."""
        return self.read(name, partial(_day, name), DATE)

    def next_days(self, name: str) -> Column:
        """The first day after each end: an hour ends within its day, midnight ends the day before."""
        return self.read(name, partial(_next_day, name), DATE)

    def currencies(self) -> Column:
        """The currency of each line; CollectError for one that has none."""
        return self.read("BillingCurrency", _currency, TEXT)

    def categories(self) -> Column:
        """The cloud service that was used; of what is no use of one (a credit, a tax) that."""
        category, service = self._column("ChargeCategory"), self._column("ServiceName")
        is_use = _read(category, lambda text: text in (None, "Usage"), BOOLEAN)
        chosen: Column = pc.if_else(is_use, service, category)
        return chosen

    def tagged(self, names: Sequence[str]) -> Column:
        """The value of the first of these tags that each line has."""
        return self.read("Tags", lambda text: _tagged(text, names), TEXT)

    def have_unreadable_tags(self) -> Column:
        """Whether each line has tags that are no JSON object: they count as none."""
        return self.read("Tags", lambda text: _tags(text) is None, BOOLEAN)

    def first_of(self, names: Iterable[str]) -> Column:
        """The first of these columns that has a value."""
        first: Column = pc.coalesce(*map(self._column, names))
        return first

    def read(self, name: str, meaning: Callable[[str | None], Any], kind: pa.DataType) -> Column:
        """What each value of a column means."""
        return _read(self._column(name), meaning, kind)

    def _matches(self, name: str, globs: Sequence[str]) -> Column:
        if name.startswith(TAG):
            tag = name.removeprefix(TAG)
            return self.read("Tags", lambda text: _is_like(_tagged(text, [tag]), globs), BOOLEAN)
        return self.read(name, lambda text: _is_like(text, globs), BOOLEAN)

    def _column(self, name: str) -> Column:
        if name not in self.table.column_names:
            return pa.nulls(len(self), TEXT)
        return _whole(self.table[name])


def _whole(column: pa.ChunkedArray[Any]) -> Column:
    found = column.combine_chunks()
    return found if isinstance(found, pa.Array) else pa.concat_arrays(found.chunks)


def _read(column: Column, meaning: Callable[[str | None], Any], kind: pa.DataType) -> Column:
    """What each value means, asked once for each different one."""
    different = column.dictionary_encode(null_encoding="encode")
    return pa.array([meaning(text) for text in different.dictionary.to_pylist()], kind).take(different.indices)


def _amounts(first: int, name: str, column: Column) -> Column:
    if not pa.types.is_decimal(column.type):
        text = pc.utf8_trim_whitespace(pc.cast(column, TEXT))
        column = pc.if_else(pc.equal(text, pa.scalar("")), pa.scalar(None, TEXT), text)
    try:
        return pc.cast(column, EXACT)
    except pa.ArrowInvalid:
        values = column.to_pylist()
    place = next(place for place, value in enumerate(values) if not _is_number(value))
    raise CollectError(f"row {first + place:,}: {name} {values[place]!r} is not a number: export it again")


def _is_number(value: Any) -> bool:
    try:
        pc.cast(pa.scalar(value), EXACT)
    except pa.ArrowInvalid:
        return False
    return True


def _day(name: str, text: str | None) -> date | None:
    if text is None and name not in REQUIRED:
        return None
    try:
        return date.fromisoformat((text or "")[:10])
    except ValueError as error:
        raise CollectError(f"{name} {text!r} is no day such as 2026-10-31: export it again") from error


def _next_day(name: str, text: str | None) -> date | None:
    ends_on = _day(name, text)
    is_midnight = (text or "")[11:13] in ("", "00")
    return ends_on if ends_on is None or is_midnight else ends_on + DAY


def _currency(text: str | None) -> str:
    currency = (text or "").strip().upper()
    if not re.fullmatch("[A-Z]{3}", currency):
        raise CollectError(f"BillingCurrency {text!r} is no currency such as EUR: export it again")
    return currency


def _tags(text: str | None) -> Mapping[str, str] | None:
    """Tags by their names in lower case; None where they are no JSON object. One without a value is no tag."""
    if not text or not text.strip():
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    return {name.lower(): str(value).strip() for name, value in found.items() if not isinstance(value, bool | None)}


def _tagged(text: str | None, names: Iterable[str]) -> str | None:
    tags = _tags(text) or {}
    return next((value for name in names if (value := tags.get(name.lower()))), None)


def _is_like(value: str | None, globs: Iterable[str]) -> bool:
    return value is not None and any(fnmatchcase(value.lower(), glob.lower()) for glob in globs)
