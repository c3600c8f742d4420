"""Answers as tables: CSV that no spreadsheet runs, Parquet, and streams of Arrow."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dxmetrics.formulas import harmless

Rows = Sequence[Mapping[str, Any]]
Types = Mapping[str, pa.DataType]  # of the columns whose values alone would not tell

NUMBERS = (
    "value", "ci_low", "ci_high", "p25", "p75", "p90", "p95", "coverage",
    "previous_value", "difference", "difference_ci_low", "difference_ci_high",
)  # fmt: skip
CELLS: Types = {
    **dict.fromkeys(NUMBERS, pa.float64()),
    **dict.fromkeys(("version", "n", "k", "previous_n"), pa.int64()),
    **dict.fromkeys(("is_partial", "is_signal"), pa.bool_()),
    **dict.fromkeys(("period_start", "period_end"), pa.date32()),
    "spread_over": pa.int64(),
    **dict.fromkeys(("quality_flags", "moved_by_values"), pa.list_(pa.string())),
}  # of the columns of cells and comparisons
ALWAYS: Types = {"as_of": pa.timestamp("us", tz="UTC")}


@dataclass(frozen=True)
class Format:
    """A form an answer can have: its media type, and how its rows are written; None: as a document."""

    name: str
    media_type: str
    written: Callable[[Rows, Types], bytes] | None


def to_csv(rows: Rows, _types: Types) -> bytes:
    """RFC 4180 in UTF-8 with a header; unknown is empty, a list is separated by semicolons."""
    text = io.StringIO()
    writer = csv.writer(text)
    if rows:
        writer.writerow(rows[0])
    for row in rows:
        writer.writerow([_in_csv(value) for value in row.values()])
    return text.getvalue().encode()


def to_parquet(rows: Rows, types: Types) -> bytes:
    """One Parquet file."""
    sink = io.BytesIO()
    pq.write_table(table(rows, types), sink)
    return sink.getvalue()


def to_arrow(rows: Rows, types: Types) -> bytes:
    """A stream in Arrow's IPC format."""
    sink = io.BytesIO()
    found = table(rows, types)
    with pa.ipc.new_stream(sink, found.schema) as writer:
        writer.write_table(found)
    return sink.getvalue()


def table(rows: Rows, types: Types) -> pa.Table:
    """The rows as Arrow; a column that `types` does not name is what its values are."""
    known = {**types, **ALWAYS}
    columns = {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}
    return pa.table({name: pa.array(_typed(name, values), known.get(name)) for name, values in columns.items()})


FORMATS: Mapping[str, Format] = {
    one.name: one
    for one in (
        Format("json", "application/json", None),
        Format("csv", "text/csv", to_csv),
        Format("parquet", "application/vnd.apache.parquet", to_parquet),
        Format("arrow", "application/vnd.apache.arrow.stream", to_arrow),
    )
}


def _in_csv(value: Any) -> Any:
    if isinstance(value, str):
        return harmless(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime | date):
        return value.isoformat()
    return "; ".join(map(str, value)) if isinstance(value, list | tuple) else value


def _typed(name: str, values: list[Any]) -> list[Any]:
    """Days and instants of documents as such again."""
    if name in ("period_start", "period_end"):
        return [date.fromisoformat(one) for one in values]
    return [datetime.fromisoformat(one) for one in values] if name == "as_of" else values
