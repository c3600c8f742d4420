"""What holds for every format: it is known by name, always the same, and nothing in a document can break it."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime

import pytest

from dxmetrics.errors import SettingsError
from dxmetrics.reports.document import Chart, Document, Figure, Section, Sentences, Series, Table, Tiles
from dxmetrics.reports.render import FORMATS, file_name, letter, render
from tests.reports import example

BEGINNINGS = {
    "pdf": b"%PDF-",
    "pptx": b"PK",
    "xlsx": b"PK",
    "html": b"<!doctype html>",
    "md": b"# Monthly delivery review",
    "csv": b"\xef\xbb\xbfdocument,",
    "parquet": b"PAR1",
}
NEVER = Figure(
    title="Nothing was seen",
    alt="Nothing.",
    chart=Chart(
        kind="line", categories=("a", "b"), series=(Series(name="x", tone="bad", values=(None, None)),), unit="%"
    ),
)
EMPTY = Section(
    name="empty",
    title="Empty",
    blocks=(
        Tiles(tiles=()),
        Sentences(sentences=(), nothing="Nothing to say."),
        NEVER,
        Table(title="No columns", columns=(), rows=()),
    ),
)


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_is_a_file_of_its_kind(name: str) -> None:
    assert example.rendered(name).startswith(BEGINNINGS[name])
    assert FORMATS[name].name == name
    assert FORMATS[name].suffix == f".{name}"


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_document_gives_the_same_bytes(name: str) -> None:
    again = Document.model_validate_json(example.EXAMPLE.model_dump_json())
    assert render(again, name) == example.rendered(name)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("sections", [(), (EMPTY,)], ids=["no section", "empty blocks"])
def test_a_document_with_nothing_in_it_is_rendered(name: str, sections: tuple[Section, ...]) -> None:
    assert render(example.document(sections=sections, corrections=(), footnotes=()), name)


def test_a_letter_about_nothing_is_written() -> None:
    assert "Nothing to say." in letter(example.document(sections=(EMPTY,))).text


def test_an_unknown_format_is_refused_with_those_there_are() -> None:
    with pytest.raises(SettingsError, match='format "doc" is not known: use pdf, pptx, xlsx, html, md, csv, parquet'):
        render(example.EXAMPLE, "doc")


def test_a_file_is_called_like_its_document() -> None:
    assert file_name(example.EXAMPLE, "pdf") == "monthly-delivery-payments-2026-10-edition-2.pdf"
    assert file_name(example.document(edition=1), "csv") == "monthly-delivery-payments-2026-10.csv"
    assert file_name(example.document(id="preview", edition=1), "md") == "monthly-delivery-preview.md"


@pytest.mark.parametrize("name", ["html", "md"])
def test_what_must_be_known_first_is_said_first(name: str) -> None:
    text = render(example.document(is_sample=True, id="preview", edition=1, corrections=()), name).decode()
    assert "Sample data: no number here is about a real organisation." in text
    assert "Preview: this document is not kept, and its numbers may still change." in text


def test_no_library_is_loaded_before_something_is_rendered() -> None:
    heavy = "{'pptx', 'xlsxwriter', 'typst', 'pyarrow', 'jinja2', 'vl_convert', 'altair'}"
    code = f"import dxmetrics.reports.render, sys; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_days_are_told_in_the_zone_of_the_report() -> None:
    late = datetime(2026, 10, 31, 23, 30, tzinfo=UTC)
    text = render(example.document(as_of=late, start=date(2026, 10, 1)), "md").decode()
    assert "Data up to 1 Nov 2026, 00:30 CET" in text
