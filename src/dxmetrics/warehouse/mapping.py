"""From a collector's payloads to records, and from records to Arrow.

A row that cannot become a record is refused with a short reason; the others go on.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, to_json

from dxmetrics.errors import PayloadError
from dxmetrics.records import Record, snake_name

if TYPE_CHECKING:
    from types import ModuleType

    from dxmetrics.warehouse.schema import Layout

Payload = Mapping[str, Any]
Mapper = Callable[[Payload], Record]

# What a pure function over untyped JSON raises on a payload it did not expect.
UNMAPPABLE = (PayloadError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError)
SIX_PLACES = "decimal(18,6)"
SLICE = 4_000  # records that exist at a time


@dataclass(frozen=True)
class Refusal:
    """One payload that is no record, and why."""

    payload: Payload
    reason: str


@dataclass(frozen=True)
class Mapped:
    """Records as rows, the payloads they came from in the same order, and what was refused."""

    rows: pa.Table
    payloads: Sequence[Payload]
    refused: Sequence[Refusal]


@dataclass
class _Slice:
    """Records with the payloads they came from, and what was refused."""

    records: list[Record] = field(default_factory=list)
    payloads: list[Payload] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


def mapper_of(record: type[Record], mappers: ModuleType | Mapping[str, Mapper] | None) -> Mapper | None:
    """The function that makes `record` of a payload; None where payloads are in the record's own shape."""
    if mappers is None:
        return None
    if isinstance(mappers, Mapping):
        return mappers.get(snake_name(record))
    found = vars(mappers).get(snake_name(record))
    return found if callable(found) else None


def records_of(
    record: type[Record], payloads: Sequence[Payload], mapper: Mapper | None
) -> tuple[Sequence[Record], Sequence[Refusal]]:
    """The records of `payloads` in their order, and what cannot become one."""
    part = _records(record, payloads, mapper)
    return part.records, part.refused


def map_rows(shape: Layout, payloads: Sequence[Payload], mapper: Mapper | None) -> Mapped:
    """The rows of `payloads` in their order, and what cannot become one.

    Done in slices that stay in the processor's cache, which halves the time of a big page.
    """
    tables, kept, refused = [shape.arrow.empty_table()], [], []
    with _no_collection():
        for start in range(0, len(payloads), SLICE):
            part = _records(shape.record, payloads[start : start + SLICE], mapper)
            tables.append(_rows(shape, part))
            kept += part.payloads
            refused += part.refused
    return Mapped(pa.concat_tables(tables), kept, refused)


def _records(record: type[Record], payloads: Sequence[Payload], mapper: Mapper | None) -> _Slice:
    """All at once, and row by row only where one is bad."""
    try:
        records = (
            _adapter(record).validate_python(payloads)
            if mapper is None
            else [_checked(record, mapper(payload)) for payload in payloads]
        )
        return _Slice(records, list(payloads))
    except UNMAPPABLE:
        part = _Slice()
    for payload in payloads:
        try:
            made = record.model_validate(payload) if mapper is None else _checked(record, mapper(payload))
        except UNMAPPABLE as error:
            part.refused.append(Refusal(payload, reason_of(error)))
        else:
            part.records.append(made)
            part.payloads.append(payload)
    return part


def _rows(shape: Layout, part: _Slice) -> pa.Table:
    """The records as a table; one with a value no column can hold (2**64) moves to `part.refused`."""
    try:
        return _table(shape, part.records)
    except (pa.ArrowException, OverflowError):
        records, payloads = part.records, part.payloads
        part.records, part.payloads = [], []
    for made, payload in zip(records, payloads, strict=True):
        try:
            _table(shape, [made])
        except (pa.ArrowException, OverflowError) as error:
            part.refused.append(Refusal(payload, str(error).splitlines()[0]))
        else:
            part.records.append(made)
            part.payloads.append(payload)
    return _table(shape, part.records)


def reason_of(error: Exception) -> str:
    """A short reason: where in the row, and what is wrong with it; never the row's content."""
    if isinstance(error, ValidationError):
        found = error.errors(include_url=False, include_context=False, include_input=False)
        return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in found[:3])
    if isinstance(error, PayloadError):
        return str(error)
    if isinstance(error, KeyError):
        return f"{error.args[0] if error.args else '?'}: missing in the payload"
    return f"{type(error).__name__}: {error}"


def as_json(value: Any) -> str:
    """`value` as JSON text; instants in ISO 8601, and text that is not valid Unicode escaped."""
    try:
        return to_json(value).decode()
    except PydanticSerializationError:
        return json.dumps(value, default=str)


@cache
def _adapter(record: type[Record]) -> TypeAdapter[list[Record]]:
    return TypeAdapter(list[record])  # type: ignore[valid-type]  # the type is a value here


def _checked(record: type[Record], made: Any) -> Record:
    if not isinstance(made, record):
        raise PayloadError(f"the mapping function made {type(made).__name__}, not {record.__name__}")
    return made


def _table(shape: Layout, records: Sequence[Record]) -> pa.Table:
    rows = list(map(vars, records))
    texts = [name for name, kind in shape.columns.items() if kind == "json"]
    amounts = [name for name, kind in shape.columns.items() if kind == SIX_PLACES]
    if texts or amounts:
        rows = [
            row
            | {name: as_json(row[name]) for name in texts if row[name] is not None}
            | {name: round(row[name], 6) for name in amounts if row[name] is not None}
            for row in rows
        ]
    return pa.Table.from_pylist(rows, schema=shape.arrow)


@contextmanager
def _no_collection() -> Iterator[None]:
    """No garbage collection inside: it would walk over the thousands of new records again and again, a third of the
    time, and find nothing to free."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
