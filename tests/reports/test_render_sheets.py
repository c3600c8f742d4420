"""The workbook, opened again with openpyxl."""

from __future__ import annotations

import io
import warnings
from datetime import date, datetime, time
from functools import cache
from typing import Any

import pytest
from openpyxl import load_workbook

from dxmetrics.reports.document import Column, Section, Sentences, Table, Value
from dxmetrics.reports.render import render
from tests.reports import example

HEAD = 4  # the row of the titles


def opened(file: bytes) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it does not know data bars
        return load_workbook(io.BytesIO(file))


@cache
def book() -> Any:
    return opened(example.rendered("xlsx"))


def below(sheet: Any, title: str) -> list[Any]:
    """The cells below a title."""
    (head,) = [cell for cell in sheet[HEAD] if cell.value == title]
    return [row[head.column - 1] for row in sheet.iter_rows(min_row=HEAD + 1)]


def row_of(sheet: Any, first: str) -> list[Any]:
    """The first row that begins with that text."""
    return next([cell.value for cell in row] for row in sheet.iter_rows() if row[0].value == first)


def test_there_is_a_sheet_for_each_section_and_each_table() -> None:
    assert book().sheetnames == [
        "Delivery performance", "Where time goes", "Services", "Overdue actions", "Definitions", "About",
    ]  # fmt: skip


def test_numbers_are_numbers_and_days_are_days() -> None:
    sheet = book()["Services"]
    rows = example.SERVICE_TABLE.rows
    titles = ("Deployments", "Change fail rate, %", "Lead time, hours")
    for place, title in enumerate(titles, 3):
        told = [value.value if isinstance(value := row[place], Value) else None for row in rows]
        shown = [None if cell.value == "hidden" else cell.value for cell in below(sheet, title)]
        assert shown == pytest.approx(told, abs=1e-12)
    days = [datetime.combine(row[2], time()) for row in rows]  # type: ignore[arg-type]
    assert [cell.value for cell in below(sheet, "First deployment")] == days
    assert below(sheet, "First deployment")[0].number_format == "d mmm yyyy"
    assert below(sheet, "Deployments")[0].number_format == "#,##0"
    assert below(sheet, "Lead time, hours")[0].number_format == '#,##0.0" h"'


def test_what_a_number_rests_on_is_folded_beside_it() -> None:
    sheet = book()["Services"]
    assert [cell.value for cell in below(sheet, "Change fail rate: n")] == [50 + place for place in range(200)]
    assert {cell.value for cell in below(sheet, "Change fail rate: low")} == {1}
    assert {cell.value for cell in below(sheet, "Change fail rate: high")} == {20}
    assert sheet.column_dimensions["F"].hidden
    assert sheet.column_dimensions["F"].outlineLevel == 1


def test_unknown_is_empty_and_says_why_hidden_says_hidden() -> None:
    cells = below(book()["Services"], "Lead time, hours")
    assert cells[3].value == "hidden"
    assert cells[3].comment.text == "fewer than 5 people"
    assert cells[4].value is None
    assert cells[4].comment.text == "not enough data: 3 changes, at least 5 are needed"


def test_formulas_stay_texts_also_when_a_cell_is_edited() -> None:
    cells = below(book()["Services"], "Service")
    assert [cell.value for cell in cells[: len(example.NAMES)]] == list(example.NAMES)
    assert {cell.data_type for sheet in book() for row in sheet.iter_rows() for cell in row} <= {"s", "n", "d", "b"}
    quoted = [cell.quotePrefix for cell in cells]
    assert quoted == [cell.value[0] in "=+-@\t" for cell in cells]


def test_tiles_have_their_numbers_and_what_they_rest_on() -> None:
    sheet = book()["Delivery performance"]
    assert row_of(sheet, "Change lead time")[:6] == ["Change lead time", 12.7, "hours", 2541, 11.9, 13.4]
    assert row_of(sheet, "Change fail rate")[6:] == [
        "+1.3 points against September", "50 of 551 deployments", 8.1, 7.7, 9, None, None, None,
    ]  # fmt: skip
    assert row_of(sheet, "Failed deployment recovery time")[1] is None
    assert row_of(sheet, "Satisfaction with the tools at hand")[1:6] == ["hidden", "hours", None, None, None]


def test_charts_are_native_and_draw_the_cells_beside_them() -> None:
    for name, figures in (
        ("Delivery performance", example.figures()[:2]),
        ("Where time goes", example.figures()[2:]),
    ):
        sheet = book()[name]
        drawn = sheet._charts
        assert len(drawn) == len(figures)
        for chart, figure in zip(drawn, figures, strict=True):
            shown = {cells(sheet, one.tx.strRef.f)[0]: tuple(cells(sheet, one.val.numRef.f)) for one in chart.series}
            assert shown == {one.name: one.values for one in figure.chart.series}


def cells(sheet: Any, reference: str) -> list[Any]:
    """What stands in a range such as 'Sheet'!$B$4:$B$9."""
    found = sheet[reference.rpartition("!")[2].replace("$", "")]
    return [cell.value for (cell,) in found] if isinstance(found, tuple) else [found.value]


def test_a_period_is_a_day_and_says_that_it_is_not_over() -> None:
    sheet = book()["Delivery performance"]
    last = [[cell.value for cell in row] for row in sheet.iter_rows() if row[0].value == "26 Oct"]
    assert last[0][:5] == ["26 Oct", datetime.combine(date(2026, 10, 26), time()), 93, 5, True]


def test_long_tables_keep_their_titles_in_sight() -> None:
    sheet = book()["Services"]
    assert sheet.freeze_panes == "B5"
    assert sheet.auto_filter.ref == "A4:J204"
    assert sheet.column_dimensions["A"].width > 30


def test_definitions_and_receipt_are_in_it() -> None:
    assert row_of(book()["Definitions"], "Change fail rate") == [
        "Change fail rate", "%", "The share of deployments that needed a rollback, a hotfix or a patch.",
        "dora.dev, software delivery metrics",
    ]  # fmt: skip
    about = book()["About"]
    assert row_of(about, "Document")[1] == "monthly-delivery-payments-2026-10"
    assert row_of(about, "Data version")[1] == "20261102T063012"
    assert row_of(about, "Change fail rate was 8.8 %, and is 9.0 %: 2 incidents came late.")
    assert book().properties.created == example.EXAMPLE.as_of.replace(tzinfo=None)


def test_sheets_get_names_that_excel_accepts() -> None:
    table = Table(title="", columns=(Column(title="a"),), rows=(("b",),))
    titles = ("Cost: [EUR] */year?", "x" * 40, "X" * 40, "History", "'quoted'", "About", "\x07")
    sections = tuple(Section(name="x", title=title, blocks=(Sentences(sentences=(), nothing="-"),)) for title in titles)
    sections += (Section(name="y", title="y", blocks=(table,)),)
    names = opened(render(example.document(sections=sections), "xlsx")).sheetnames
    assert names == [
        "Cost   EUR    year", "x" * 31, "X" * 29 + " 2", "History 2", "quoted", "About", "Sheet", "Sheet 2", "About 2",
    ]  # fmt: skip
