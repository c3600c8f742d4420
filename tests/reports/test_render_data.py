"""Comma-separated values and Parquet, read with the standard library and pyarrow."""

from __future__ import annotations

import csv
import io
from datetime import date
from functools import cache
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from dxmetrics.reports.document import Value
from dxmetrics.reports.render import tidy
from tests.reports import example


@cache
def table() -> Any:
    return pyarrow.parquet.read_table(io.BytesIO(example.rendered("parquet")))


@cache
def lines() -> list[dict[str, Any]]:
    return list(table().to_pylist())


@cache
def sheet() -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(example.rendered("csv").decode("utf-8-sig"), newline="")))


def told(block: str, column: str) -> list[dict[str, Any]]:
    return [line for line in lines() if (line["block"], line["column"]) == (block, column)]


def test_every_number_is_a_line_with_what_it_rests_on() -> None:
    for place, column in enumerate(example.SERVICE_TABLE.columns):
        values = [value for row in example.SERVICE_TABLE.rows if isinstance(value := row[place], Value)]
        if values:
            found = told("Services", column.title)
            assert [line["value"] for line in found] == [value.value for value in values]
            assert [line["n"] for line in found] == [value.n for value in values]
            assert [line["low"] for line in found] == [value.low for value in values]
            assert [line["reason"] for line in found] == [value.reason for value in values]
    tiles = told("Delivery performance", "value")
    assert [line["value"] for line in tiles] == [42.4, 12.7, 9.0, None, None]
    assert [line["unit"] for line in tiles] == ["deployments/week", "hours", "%", "hours", "hours"]


@pytest.mark.parametrize("figure", example.figures(), ids=lambda figure: figure.title)
def test_charts_are_lines_too(figure: Any) -> None:
    for one in figure.chart.series:
        found = told(figure.title, one.name)
        assert tuple(line["value"] for line in found) == one.values
        assert tuple(line["row"] for line in found) == figure.chart.categories
        assert tuple(line["period"] for line in found) == (figure.chart.starts or (None,) * len(found))
        assert tuple(line["low"] for line in found) == (one.low or (None,) * len(found))


def test_what_is_hidden_has_no_number_of_any_kind() -> None:
    hidden = Value(value=4.2, unit="%", n=3, k=1, low=1, high=9, is_hidden=True, reason="fewer than 5 people")
    assert tidy.number(hidden) == {
        "unit": "%", "is_hidden": True, "reason": "fewer than 5 people", "text": "hidden",
    }  # fmt: skip


def test_types_are_kept_in_parquet() -> None:
    schema = {one.name: str(one.type) for one in table().schema}
    assert schema["period"] == "date32[day]"
    assert (schema["value"], schema["n"], schema["is_partial"]) == ("double", "int64", "bool")
    assert table().schema.metadata[b"Data version"] == b"20261102T063012"
    assert {line["document"] for line in lines()} == {"monthly-delivery-payments-2026-10"}


def test_csv_says_the_same_as_parquet() -> None:
    assert list(sheet()[0]) == table().schema.names
    assert len(sheet()) == len(lines())
    for row, line in zip(sheet(), lines(), strict=True):
        assert row["value"] == ("" if line["value"] is None else str(line["value"]))
        assert row["period"] == (line["period"].isoformat() if line["period"] else "")
        assert row["is_hidden"] == str(line["is_hidden"]).lower()


def test_no_cell_of_csv_is_a_formula() -> None:
    cells = [cell for row in sheet() for name, cell in row.items() if name not in ("value", "low", "high")]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)
    assert f"'{example.FORMULA} · Πληρωμές" in {row["row"] for row in sheet()}


def test_days_sentences_and_definitions_are_lines_with_a_text() -> None:
    days = told("Services", "First deployment")
    assert [line["text"] for line in days[:2]] == ["2024-01-01", "2024-01-02"]
    assert [line["text"] for line in lines() if line["kind"] == "sentences"] == [
        sentence.text for sentence in example.CHANGED.sentences
    ]
    assert told("Definitions", "meaning")[1]["text"] == example.MEANINGS.meanings[1].meaning
    assert told("Deployments a week", "Needed a fix")[0]["period"] == date(2026, 8, 3)
