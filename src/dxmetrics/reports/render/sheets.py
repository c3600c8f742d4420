"""Excel: numbers as numbers, days as days, a sheet for each section and each table, charts that can be edited.

What a number rests on stands folded beside it. A text is never computed, also not when somebody edits its cell.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from dxmetrics.formulas import is_formula
from dxmetrics.palette import LIGHT
from dxmetrics.reports.document import (
    Chart,
    Column,
    Document,
    Figure,
    Meaning,
    Meanings,
    Section,
    Sentences,
    Table,
    Tiles,
    Value,
)
from dxmetrics.reports.render import sheet_charts, words

FACE = "Arial"  # every machine that opens a sheet has it
FORBIDDEN = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
LONGEST_NAME = 31
EXTENT = ("n", "low", "high")  # what a number rests on
FIRST_WIDTH, NEXT_WIDTH, EXTENT_WIDTH = 34, 14, 10
DAY = "d mmm yyyy"
BAR = {
    "type": "data_bar",
    "data_bar_2010": True,
    "bar_solid": True,
    "bar_color": LIGHT.bars,
    "min_type": "num",
    "min_value": 0,
}
HEAD = 3  # the row of a table's titles on a sheet of its own


def xlsx(document: Document) -> bytes:
    """The whole document as a workbook; its creation time is `as_of`."""
    file = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    workbook = Workbook(file, options)
    book = _Book(workbook, document)
    for section in document.sections:
        book.section(section)
    book.definitions([one for section in document.sections for one in _meanings(section)])
    book.about()
    workbook.close()
    return file.getvalue()


class _Book:
    """A workbook being written, sheet after sheet."""

    def __init__(self, workbook: Workbook, document: Document) -> None:
        self._workbook = workbook
        self._document = document
        self._looks: dict[tuple[tuple[str, object], ...], Any] = {}
        self._names: set[str] = set()
        workbook.set_properties(
            {
                "title": document.title,
                "subject": words.heading(document),
                "author": document.organisation,
                "comments": f"dxmetrics · {words.edition(document)}",
                "created": document.as_of.replace(tzinfo=None),
            }
        )

    def section(self, section: Section) -> None:
        """A sheet with what is no table, and one for each table."""
        here = [block for block in section.blocks if not isinstance(block, Table | Meanings)]
        if here:
            sheet = self._sheet(section.title, section.title, section.lead)
            sheet.set_column(0, 0, FIRST_WIDTH)
            sheet.set_column(1, 20, NEXT_WIDTH)
            row = HEAD
            for block in here:
                if isinstance(block, Tiles):
                    row = self._tiles(sheet, row, block)
                elif isinstance(block, Sentences):
                    row = self._sentences(sheet, row, block)
                elif isinstance(block, Figure):
                    row = self._figure(sheet, row, block)
        for table in section.blocks:
            if isinstance(table, Table):
                self._table(table)

    def definitions(self, meanings: Sequence[Meaning]) -> None:
        """What the numbers mean."""
        if not meanings:
            return
        sheet = self._sheet("Definitions", "Definitions", None)
        self._titles(sheet, HEAD, ["Metric", "Unit", "Meaning", "Source"])
        for place, width in enumerate((FIRST_WIDTH, NEXT_WIDTH, 80, 40)):
            sheet.set_column(place, place, width)
        for row, one in enumerate(meanings, HEAD + 1):
            for place, text in enumerate((one.title, one.unit, one.meaning, one.source)):
                self._text(sheet, row, place, text, text_wrap=True, valign="top")
        sheet.freeze_panes(HEAD + 1, 1)

    def about(self) -> None:
        """What the document is, how far its data reaches, and what must be known of it."""
        document = self._document
        sheet = self._sheet("About", "About this report", None)
        sheet.set_column(0, 0, 20)
        sheet.set_column(1, 1, 90)
        facts = words.receipt(document)
        for place, (name, text) in enumerate(facts, HEAD):
            self._text(sheet, place, 0, name, font_color=LIGHT.muted)
            self._text(sheet, place, 1, text)
        corrected = [words.correction(document), *(one.text for one in document.corrections)]
        said = [*words.notices(document), *(corrected if document.corrections else []), *document.footnotes]
        for place, text in enumerate(said, HEAD + len(facts) + 1):
            self._text(sheet, place, 0, text)

    def _sheet(self, name: str, title: str, note: str | None) -> Worksheet:
        sheet = self._workbook.add_worksheet(self._name(name))
        sheet.hide_gridlines(2)
        sheet.set_landscape()
        sheet.set_paper(9)  # A4
        sheet.fit_to_pages(1, 0)
        left = f"dxmetrics · {self._document.title}, {self._document.span}".replace("&", "&&")[:150]
        sheet.set_footer(f"&L&8{left}&R&8{words.edition(self._document)} · &P of &N")
        self._text(sheet, 0, 0, title, bold=True, font_size=14)
        self._text(sheet, 1, 0, note or words.heading(self._document), font_color=LIGHT.muted)
        return sheet

    def _name(self, title: str) -> str:
        """A name Excel accepts, and has not yet got."""
        stem = FORBIDDEN.sub(" ", title).strip(" '") or "Sheet"
        name, number = stem[:LONGEST_NAME].rstrip(" '"), 1
        while name.casefold() in self._names or name.casefold() == "history":
            number += 1
            end = f" {number}"
            name = stem[: LONGEST_NAME - len(end)].rstrip(" '") + end
        self._names.add(name.casefold())
        return name

    def _tiles(self, sheet: Worksheet, row: int, block: Tiles) -> int:
        titles = ["Metric", "Value", "Unit", "n", "low", "high", "Compared", "Note", "Earlier, oldest first"]
        self._titles(
            sheet, row, titles if any(one.points for one in block.tiles) else titles[:-1], numbers=(1, 3, 4, 5)
        )
        for place, tile in enumerate(block.tiles, row + 1):
            self._text(sheet, place, 0, tile.title)
            self._value(sheet, place, 1, tile.value, _number_format([tile.value], ""))
            self._text(sheet, place, 2, tile.value.unit, font_color=LIGHT.muted)
            self._extent(sheet, place, 3, tile.value, EXTENT)
            self._text(sheet, place, 6, tile.compared or "")
            self._text(sheet, place, 7, words.note(tile) or "", font_color=LIGHT.muted)
            look = _number_format([Value(value=point) for point in tile.points], tile.value.unit)
            for column, point in enumerate(tile.points, 8):
                self._entry(sheet, place, column, point, look)
        return row + len(block.tiles) + 2

    def _sentences(self, sheet: Worksheet, row: int, block: Sentences) -> int:
        if block.title:
            self._text(sheet, row, 0, block.title, bold=True)
            row += 1
        for place, text in enumerate([one.text for one in block.sentences] or [block.nothing]):
            self._text(sheet, row + place, 0, text)
        return row + max(len(block.sentences), 1) + 1

    def _figure(self, sheet: Worksheet, row: int, block: Figure) -> int:
        """The numbers of a chart, and the chart to the right of them."""
        chart = block.chart
        self._text(sheet, row, 0, block.title, bold=True)
        self._text(sheet, row + 1, 0, block.note or block.alt, font_color=LIGHT.muted)
        columns = _columns(chart)
        head = row + 2
        self._titles(sheet, head, ["", *(one.title for one in columns)], numbers=range(1, len(columns) + 1))
        look = _number_format([Value(value=value) for one in chart.series for value in one.values], chart.unit)
        for place, category in enumerate(chart.categories):
            self._text(sheet, head + 1 + place, 0, category)
            for column, one in enumerate(columns, 1):
                self._entry(sheet, head + 1 + place, column, one.entries[place], look)
        height = 0
        if not chart.is_empty:
            places = [place for place, one in enumerate(columns, 1) if one.is_drawn]
            drawn = sheet_charts.drawn(self._workbook, sheet.get_name(), chart, head, places)
            height = sheet_charts.height(chart)
            options = {"x_offset": 20, "description": block.alt}
            sheet.insert_chart(row, len(columns) + 1, drawn, options)
        return max(head + len(chart.categories) + 3, row + 2 + height // sheet_charts.ROW_PIXELS)

    def _table(self, block: Table) -> None:
        sheet = self._sheet(block.title, block.title, block.note)
        if not block.rows:
            self._text(sheet, HEAD, 0, block.nothing, font_color=LIGHT.muted)
            return
        place, is_folded = 0, False
        for index, column in enumerate(block.columns):
            entries = [row[index] for row in block.rows]
            width = max(words.room(block, index), len(column.title) + len(column.unit) + 2) + 3
            sheet.set_column(place, place, width, None, {"collapsed": is_folded})
            last = place
            place = self._column(sheet, place, column, entries)
            is_folded = place > last + 1
        if is_folded:
            sheet.set_column(place, place, None, None, {"collapsed": True})
        sheet.freeze_panes(HEAD + 1, 1)
        sheet.autofilter(HEAD, 0, HEAD + len(block.rows), place - 1)
        sheet.repeat_rows(HEAD)

    def _column(self, sheet: Worksheet, place: int, column: Column, entries: Sequence[words.Cell]) -> int:
        """A column of a table, behind it folded what its numbers rest on; the place of the next one comes back."""
        values = [entry for entry in entries if isinstance(entry, Value)]
        facts = [fact for fact in EXTENT if any(not one.is_hidden and getattr(one, fact) is not None for one in values)]
        unit = f", {column.unit}" if column.unit and column.unit.lower() not in column.title.lower() else ""
        titles = [column.title + unit, *(f"{column.title}: {fact}" for fact in facts)]
        self._titles(sheet, HEAD, titles, at=place, numbers=range(len(titles)) if column.kind == "number" else ())
        if facts:
            sheet.set_column(place + 1, place + len(facts), EXTENT_WIDTH, None, {"level": 1, "hidden": True})
        look = _number_format(values, column.unit)
        for row, entry in enumerate(entries, HEAD + 1):
            self._entry(sheet, row, place, entry, look)
            if isinstance(entry, Value):
                self._extent(sheet, row, place + 1, entry, facts)
        if column.has_bar:
            sheet.conditional_format(HEAD + 1, place, HEAD + len(entries), place, BAR)
        return place + 1 + len(facts)

    def _entry(self, sheet: Worksheet, row: int, place: int, entry: words.Cell | float | bool, look: str) -> None:
        if isinstance(entry, Value):
            self._value(sheet, row, place, entry, look)
        elif isinstance(entry, date):
            sheet.write_datetime(row, place, entry, self._look(num_format=DAY, align="left"))
        elif isinstance(entry, bool):
            sheet.write_boolean(row, place, entry, self._look(align="right", font_color=LIGHT.muted))
        elif isinstance(entry, int | float):
            sheet.write_number(row, place, entry, self._look(num_format=look))
        elif entry is not None:
            self._text(sheet, row, place, entry)

    def _value(self, sheet: Worksheet, row: int, place: int, value: Value, look: str) -> None:
        """The number, "hidden", or nothing; why there is none is a note at the cell."""
        told = words.number(value)
        if told is not None:
            partial = {"italic": True, "font_color": LIGHT.muted} if value.is_partial else {}
            sheet.write_number(row, place, told, self._look(num_format=look, **partial))
        elif value.is_hidden:
            self._text(sheet, row, place, value.text, align="right", font_color=LIGHT.muted)
        reason = value.reason or ("The period is not over." if value.is_partial else None)
        if reason:
            sheet.write_comment(row, place, reason, {"author": "dxmetrics", "font_size": 9})

    def _extent(self, sheet: Worksheet, row: int, place: int, value: Value, facts: Sequence[str]) -> None:
        for column, fact in enumerate(facts, place):
            entry = None if value.is_hidden else getattr(value, fact)
            if entry is not None:
                look = "#,##0" if fact == "n" else "#,##0.0##"
                sheet.write_number(row, column, entry, self._look(num_format=look, font_color=LIGHT.muted))

    def _titles(
        self, sheet: Worksheet, row: int, titles: Sequence[str], at: int = 0, numbers: Sequence[int] = ()
    ) -> None:
        for place, title in enumerate(titles):
            align = "right" if place in numbers else "left"
            self._text(sheet, row, at + place, title, bold=True, bottom=1, align=align)

    def _text(self, sheet: Worksheet, row: int, place: int, text: str, **look: object) -> None:
        """A text that stays one: what looks like a formula is marked as quoted."""
        quoted = {"quote_prefix": True} if is_formula(text) else {}
        sheet.write_string(row, place, text, self._look(**look, **quoted))

    def _look(self, **properties: object) -> Any:
        key = tuple(sorted(properties.items()))
        if key not in self._looks:
            look = {"font_name": FACE, "font_size": 10, "font_color": LIGHT.ink, **properties}
            self._looks[key] = self._workbook.add_format(look)
        return self._looks[key]


@dataclass(frozen=True)
class _Column:
    title: str
    entries: Sequence[float | date | bool | None]
    is_drawn: bool = False


def _meanings(section: Section) -> list[Meaning]:
    return [one for block in section.blocks if isinstance(block, Meanings) for one in block.meanings]


def _columns(chart: Chart) -> list[_Column]:
    """What stands beside each category of a chart: its first day, its values with their ends, whether it is over."""
    columns = [_Column("From", chart.starts)] if chart.starts else []
    for one in chart.series:
        columns.append(_Column(one.name, one.values, is_drawn=True))
        ends = (("low", one.low), ("high", one.high))
        columns += [_Column(f"{one.name}: {end}", values) for end, values in ends if values]
    return [*columns, *([_Column("Not over", chart.is_partial)] if any(chart.is_partial) else [])]


def _number_format(values: Sequence[Value], unit: str) -> str:
    """Whole numbers without decimals; hours and percent with their sign."""
    known = [told for one in values if (told := words.number(one)) is not None]
    if all(float(value).is_integer() for value in known) and unit not in words.SHORT_UNITS:
        return "#,##0"
    return {"hours": '#,##0.0" h"', "%": '0.0" %"'}.get(unit, "#,##0.0##")
