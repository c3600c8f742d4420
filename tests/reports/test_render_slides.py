"""The deck, opened again with python-pptx."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from functools import cache
from typing import Any

from pptx import Presentation
from pptx.util import Emu

from dxmetrics.palette import LIGHT
from dxmetrics.reports.document import Chart, Figure, Section, Sentences, Series, Tiles
from dxmetrics.reports.render import render, words
from tests.reports import example


@cache
def deck() -> Any:
    return Presentation(io.BytesIO(example.rendered("pptx")))


def texts(slide: Any) -> list[str]:
    return [shape.text_frame.text for shape in slide.shapes if shape.has_text_frame]


def titled(title: str) -> list[Any]:
    return [slide for slide in deck().slides if slide.shapes.title.text_frame.text == title]


def charts() -> Iterator[Any]:
    for slide in deck().slides:
        for shape in slide.shapes:
            if shape.has_chart:
                yield shape


def rows() -> list[list[str]]:
    """The rows of the table of services, from all of its slides, without their titles."""
    tables = [shape.table for slide in titled("Services") for shape in slide.shapes if shape.has_table]
    return [[cell.text for cell in row.cells] for table in tables for row in list(table.rows)[1:]]


def test_a_deck_is_wide_and_begins_with_what_it_is_about() -> None:
    assert round(deck().slide_width / deck().slide_height, 3) == 1.778
    cover = deck().slides[0]
    assert cover.shapes.title.text_frame.text == "Monthly delivery review"
    said = cover.placeholders[1].text_frame.text
    assert words.heading(example.EXAMPLE) in said
    assert "Edition 2 corrects edition 1" in said
    assert "Data up to 2 Nov 2026, 07:30 CET" in said


def test_the_finding_of_a_section_is_the_title_of_its_first_slide() -> None:
    (slide,) = titled("Changes reach production faster; more of them need a fix.")
    said = "\n".join(texts(slide))
    for tile in example.TILES.tiles:
        figure = tile.value.text.split()[0]
        assert f"{tile.title}\n{figure}" in said


def test_the_notes_say_what_numbers_rest_on_and_mean() -> None:
    (slide,) = titled("Changes reach production faster; more of them need a fix.")
    notes = slide.notes_slide.notes_text_frame.text
    assert "Change lead time: 12.7 h, n = 2,541, interval 11.9 to 13.4 h" in notes
    assert "Earlier, oldest first: 16.1 h, 15.0 h, 14.2 h, 14.4 h, 13.1 h, 12.7 h" in notes
    assert "The median time from a change's first commit until it runs in production. Source: dora.dev" in notes
    assert "Satisfaction with the tools at hand: hidden\n" in notes + "\n"


def test_charts_are_native_and_have_the_numbers_of_the_document() -> None:
    for shape, figure in zip(charts(), example.figures(), strict=True):
        (plot,) = shape.chart.plots
        drawn = {series.name: tuple(series.values) for series in plot.series}
        assert drawn == {one.name: one.values for one in figure.chart.series}
        assert [len(name) <= 40 for name in plot.categories] == [True] * len(figure.chart.categories)
        assert shape.element.xpath("./*/p:cNvPr")[0].get("descr") == figure.alt


def test_charts_have_our_colours_and_hollow_columns_where_a_period_is_not_over() -> None:
    chart = next(charts()).chart
    fine, failed = chart.plots[0].series
    assert f"#{fine.format.fill.fore_color.rgb}" == LIGHT.bars
    assert f"#{failed.format.fill.fore_color.rgb}" == LIGHT.bad
    assert f"#{fine.points[12].format.fill.fore_color.rgb}" == LIGHT.card
    assert f"#{fine.points[12].format.line.color.rgb}" == LIGHT.bars


def test_every_row_of_a_long_table_is_on_some_slide() -> None:
    assert rows() == words.cells(example.SERVICE_TABLE)


def test_a_row_with_a_long_name_takes_the_room_it_needs() -> None:
    for slide in titled("Services"):
        (frame,) = [shape for shape in slide.shapes if shape.has_table]
        assert frame.top + sum(row.height for row in frame.table.rows) <= Emu(int(6.8 * 914400))


def test_nothing_stands_beyond_the_edges_or_on_the_footer() -> None:
    for slide in deck().slides:
        for shape in slide.shapes:
            assert shape.left >= 0
            assert shape.left + shape.width <= deck().slide_width
            is_footer = shape.is_placeholder and shape.placeholder_format.type.name in ("FOOTER", "SLIDE_NUMBER")
            assert shape.top + shape.height <= (deck().slide_height if is_footer else Emu(int(6.85 * 914400)))


def test_each_slide_says_where_it_is_from_and_counts_itself() -> None:
    for slide in deck().slides:
        assert (
            "dxmetrics · Monthly delivery review, 1 Oct to 31 Oct 2026 · monthly-delivery-payments-2026-10 · edition 2"
            in texts(slide)
        )
        assert slide.element.xpath(".//a:fld[@type='slidenum']")


def test_long_lists_and_many_bars_go_on_on_further_slides() -> None:
    many = tuple(f"team {number}" for number in range(40))
    section = Section(
        name="x",
        title="Much",
        blocks=(
            Sentences(title="Said", sentences=tuple(example.words(f"Sentence {number}.") for number in range(30))),
            Figure(
                title="Teams",
                alt="Bars.",
                chart=Chart(
                    kind="bars",
                    categories=many,
                    series=(Series(name="a", tone="bars", values=tuple(map(float, range(40)))),),
                    unit="hours",
                ),
            ),
            Tiles(tiles=example.TILES.tiles * 3),
        ),
    )
    made = Presentation(io.BytesIO(render(example.document(sections=(section,)), "pptx")))
    titles = [slide.shapes.title.text_frame.text for slide in made.slides]
    assert titles == ["Monthly delivery review", *["Said"] * 3, *["Teams"] * 3, "Much", "Much"]
    drawn = [name for slide in made.slides for shape in slide.shapes if shape.has_chart for name in categories(shape)]
    assert tuple(drawn) == many


def categories(shape: Any) -> list[str]:
    return list(shape.chart.plots[0].categories)


def test_the_file_tells_when_the_data_was_read_not_when_it_was_written() -> None:
    about = deck().core_properties
    assert (about.title, about.author) == ("Monthly delivery review", "Example & Sons")
    assert about.created == about.modified == example.EXAMPLE.as_of.replace(tzinfo=None)
    with zipfile.ZipFile(io.BytesIO(example.rendered("pptx"))) as file:
        assert {part.date_time[0] for part in file.infolist()} == {1980}


def test_every_shape_of_a_slide_has_a_number_of_its_own() -> None:
    for slide in deck().slides:
        numbers = [shape.shape_id for shape in slide.shapes]
        assert len(set(numbers)) == len(numbers)
