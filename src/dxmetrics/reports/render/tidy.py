"""Data: one long table in which every number, day and sentence of a document is a line, as CSV or Parquet.

A number that may not be told has neither value nor interval nor n; one that is unknown has a reason.
"""

from __future__ import annotations

import csv as comma_separated
import io
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from datetime import date
from typing import Any

import pyarrow
import pyarrow.parquet

from dxmetrics.formulas import harmless
from dxmetrics.reports.document import Block, Chart, Document, Figure, Meanings, Sentences, Table, Tiles, Value
from dxmetrics.reports.render import words

BOM = "\ufeff"  # without it Excel takes UTF-8 for the machine's own code page


@dataclass(frozen=True, kw_only=True)
class Line:
    """One fact. `row` and `column` name its place in the block; `period` is the first day of a chart's period."""

    document: str
    edition: int
    scope: str
    section: str
    block: str
    kind: str
    row: str | None = None
    column: str | None = None
    period: date | None = None
    value: float | None = None
    unit: str | None = None
    n: int | None = None
    k: int | None = None
    low: float | None = None
    high: float | None = None
    is_partial: bool = False
    is_hidden: bool = False
    reason: str | None = None
    text: str | None = None


def lines(document: Document) -> Iterator[Line]:
    """Everything the document says, in its order; a block without a title is called like its section."""
    for section in document.sections:
        for block in section.blocks:
            for facts in _block(block):
                yield Line(
                    document=document.id,
                    edition=document.edition,
                    scope=document.scope,
                    section=section.title,
                    block=getattr(block, "title", None) or section.title,
                    kind=block.kind,
                    **facts,
                )


def csv(document: Document) -> bytes:
    """Comma-separated, in UTF-8 with a byte order mark; an apostrophe stands before what a sheet would compute."""
    sheet = io.StringIO(newline="")
    writer = comma_separated.writer(sheet, lineterminator="\r\n")
    writer.writerow(field.name for field in fields(Line))
    writer.writerows([_harmless(entry) for entry in astuple(line)] for line in lines(document))
    return (BOM + sheet.getvalue()).encode()


def parquet(document: Document) -> bytes:
    """The same lines with their types."""
    types = {
        "int": pyarrow.int64(),
        "str": pyarrow.string(),
        "float": pyarrow.float64(),
        "bool": pyarrow.bool_(),
        "date": pyarrow.date32(),
    }
    schema = pyarrow.schema(
        [
            pyarrow.field(one.name, types[str(one.type).removesuffix(" | None")], nullable="None" in str(one.type))
            for one in fields(Line)
        ],
        metadata=dict(words.receipt(document)),
    )
    columns = list(zip(*(astuple(line) for line in lines(document)), strict=True)) or [()] * len(schema)
    table = pyarrow.table(
        [pyarrow.array(column, type=one.type) for column, one in zip(columns, schema, strict=True)], schema=schema
    )
    file = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(table, file, compression="zstd")
    return bytes(file.getvalue().to_pybytes())


def number(value: Value) -> dict[str, Any]:
    """What may be told of a value, as fields of a `Line`."""
    if value.is_hidden:
        return {"unit": value.unit, "is_hidden": True, "reason": value.reason, "text": value.text}
    told = value.model_dump(include={"value", "unit", "n", "k", "low", "high", "is_partial", "reason"})
    return told | {"text": value.text}


def _block(block: Block) -> Iterator[dict[str, Any]]:
    if isinstance(block, Tiles):
        for tile in block.tiles:
            yield {"row": tile.title, "column": "value"} | number(tile.value)
            for place, point in enumerate(tile.points, 1):
                column = f"point {place} of {len(tile.points)}"
                yield {"row": tile.title, "column": column, "value": point, "unit": tile.value.unit}
            said = {"compared": tile.compared, "note": tile.note}
            yield from ({"row": tile.title, "column": name, "text": text} for name, text in said.items() if text)
    elif isinstance(block, Sentences):
        for place, sentence in enumerate(block.sentences, 1):
            yield {"row": str(place), "column": sentence.metric, "text": sentence.text}
    elif isinstance(block, Figure):
        yield from _chart(block.chart)
    elif isinstance(block, Table):
        yield from _table(block)
    else:
        yield from _meanings(block)


def _chart(chart: Chart) -> Iterator[dict[str, Any]]:
    for one in chart.series:
        for place, (category, value) in enumerate(zip(chart.categories, one.values, strict=True)):
            yield {
                "row": category,
                "column": one.name,
                "period": chart.starts[place] if chart.starts else None,
                "value": value,
                "unit": chart.unit,
                "low": one.low[place] if one.low else None,
                "high": one.high[place] if one.high else None,
                "is_partial": bool(chart.is_partial and chart.is_partial[place]),
            }


def _table(table: Table) -> Iterator[dict[str, Any]]:
    """One line for each cell; the texts of a row, put together, name it."""
    for row in table.rows:
        named = " · ".join(entry for entry in row if isinstance(entry, str))
        for entry, column in zip(row, table.columns, strict=True):
            place: dict[str, Any] = {"row": named, "column": column.title}
            if isinstance(entry, Value):
                yield place | number(entry)
            else:
                yield place | {"text": entry.isoformat() if isinstance(entry, date) else entry}


def _meanings(block: Meanings) -> Iterator[dict[str, Any]]:
    for one in block.meanings:
        yield {"row": one.title, "column": "meaning", "unit": one.unit, "text": one.meaning}
        yield {"row": one.title, "column": "source", "text": one.source}


def _harmless(entry: object) -> object:
    if isinstance(entry, bool):
        return str(entry).lower()
    return harmless(entry) if isinstance(entry, str) else entry
