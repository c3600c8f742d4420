"""What every format says alike."""

from __future__ import annotations

import pytest

from dxmetrics.reports.document import Column, Section, Sentences, Table, Value
from dxmetrics.reports.render import words
from tests.reports import example

LETTER, MARGIN, BAR = 4.7, 10.0, 66.0


def table(*columns: Column, rows: tuple[tuple[Value | str | None, ...], ...] = ()) -> Table:
    return Table(title="t", columns=columns, rows=rows)


@pytest.mark.parametrize("available", [250.0, 493.0, 900.0])
def test_columns_fill_the_page_whatever_they_hold(available: float) -> None:
    found = words.widths(example.SERVICE_TABLE, available, LETTER, MARGIN, BAR)
    assert sum(found) == pytest.approx(available)


def test_numbers_have_the_room_they_need_and_words_give_it() -> None:
    found = words.widths(example.SERVICE_TABLE, 493.0, LETTER, MARGIN, BAR)
    for place, column in enumerate(example.SERVICE_TABLE.columns):
        if column.kind != "text":
            longest = max(len(row[place]) for row in words.cells(example.SERVICE_TABLE))
            assert found[place] >= longest * LETTER + MARGIN + (BAR if column.has_bar else 0)


def test_titles_are_folded_only_where_there_is_no_room() -> None:
    one = table(Column(title="Service"), Column(title="Time to first review", kind="number", unit="hours"))
    wide, narrow = (words.widths(one, available, 5.0, 0.0, 0.0)[1] for available in (300.0, 80.0))
    assert wide == 22 * 5.0  # bold letters are wider
    assert narrow == 13 * 5.0  # "first review"


@pytest.mark.parametrize(
    ("title", "unit", "said"),
    [
        ("Lead time", "hours", None),
        ("Deployments", "deployments", None),
        ("Deployments", "deployments/week", "a week"),
        ("Cost", "EUR", "EUR"),
        ("Adopted", "teams", "teams"),
    ],
)
def test_a_unit_is_said_once(title: str, unit: str, said: str | None) -> None:
    assert words.unit(Column(title=title, kind="number", unit=unit)) == said


def test_a_cell_says_its_unit_where_the_title_does_not() -> None:
    deployments = Column(title="Deployments", kind="number", unit="deployments")
    assert words.cell(Value(value=1200, unit="deployments"), deployments) == "1,200"
    assert words.cell(Value(value=3, unit="incidents"), deployments) == "3 incidents"
    assert words.cell(Value(value=3, unit="deployments", is_partial=True), deployments) == "3 so far"
    assert words.cell(Value(value=3, unit="deployments", is_hidden=True), deployments) == "hidden"
    assert words.cell(None, deployments) == "–"
    assert words.cell(None, Column(title="Team")) == ""


def test_reasons_are_told_once_the_most_frequent_first() -> None:
    reasons = ("rare", "often", "often", "a", "b", "c")
    rows = tuple((Value(value=None, reason=reason),) for reason in reasons)
    found = words.reasons(table(Column(title="n", kind="number"), rows=rows))
    assert found == "–: often, a, b, 2 other reasons"


def test_bars_are_shares_of_the_largest() -> None:
    values = (Value(value=5), Value(value=10), Value(value=-1), Value(value=None), Value(value=20, is_hidden=True))
    found = words.shares(table(Column(title="n", kind="number"), rows=tuple((value,) for value in values)), 0)
    assert found == [0.5, 1.0, 0.0, None, None]


def test_a_title_is_not_repeated_under_itself() -> None:
    blocks = tuple(Sentences(title=title, sentences=()) for title in ("Risks", "Risks", None))
    assert words.titles(Section(name="x", title="Risks", blocks=blocks)) == [None, "Risks", None]
