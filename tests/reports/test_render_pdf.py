"""The PDF, read again with pypdf."""

from __future__ import annotations

import io
from functools import cache

import pytest
from pypdf import PdfReader
from pypdf.generic import DictionaryObject

from dxmetrics.reports.document import Column, Document, Section, Table
from dxmetrics.reports.render import pdf, render, words
from tests.reports import example


@cache
def reader() -> PdfReader:
    return PdfReader(io.BytesIO(example.rendered("pdf")))


@cache
def text() -> str:
    return spaced("\n".join(page.extract_text() for page in reader().pages))


def spaced(text: str) -> str:
    """One blank between words; without the marks that let long words break."""
    return " ".join(text.replace("\u200b", "").split())


def latin() -> Document:
    """The example without the scripts that no font beside the renderer has."""
    json = example.EXAMPLE.model_dump_json()
    for name in ("支付服务", "決済", "결제"):
        json = json.replace(name, "Platform")
    return Document.model_validate_json(json)


def test_every_number_stands_on_the_pages() -> None:
    for tile in example.TILES.tiles:
        assert tile.value.text in text(), tile.title
    for row, cells in zip(example.SERVICE_TABLE.rows, words.cells(example.SERVICE_TABLE), strict=True):
        numbers = [cell for cell, entry in zip(cells, row, strict=True) if not isinstance(entry, str | None)]
        assert " ".join(numbers) in text()


def test_two_hundred_services_flow_over_pages_that_repeat_the_titles() -> None:
    pages = [spaced(page.extract_text()) for page in reader().pages]
    with_services = [page for page in pages if "service-1" in page]
    assert len(pages) == 7
    assert len(with_services) == 3
    assert all("Service Team First deployment Deployments Change fail rate Lead time" in page for page in with_services)
    for number in range(len(example.NAMES), example.SERVICES):
        assert sum(f"service-{number:03} " in page for page in pages) == 1


def test_the_footer_says_what_it_is_and_which_page() -> None:
    said = spaced(reader().pages[1].extract_text())
    assert "dxmetrics · Monthly delivery review, 1 Oct to 31 Oct 2026" in said
    assert "monthly-delivery-payments-2026-10 · edition 2 · 2 of 7" in said


def test_nothing_of_a_document_is_read_as_markup() -> None:
    for name in (example.FORMULA, example.MARKUP, example.TYPST):
        assert spaced(name) in text()
    assert example.LONG in text().replace(" ", "")


def test_names_in_other_scripts_are_written_with_our_fonts() -> None:
    fonts = {
        str(font.get_object()["/BaseFont"])
        for page in reader().pages
        for font in page["/Resources"].get_object()["/Font"].get_object().values()  # type: ignore[union-attr]
    }
    assert {name.split("+")[1].split("-")[0] for name in fonts} >= {"Inter", "NotoSansHebrew", "NotoSansArabic"}
    assert "Πληρωμές" in text()
    assert "Платежи" in text()


def test_its_properties_say_what_it_is() -> None:
    about = reader().metadata
    assert about is not None
    assert about.title == "Monthly delivery review, " + words.heading(example.EXAMPLE)
    assert about.author == "Example & Sons"
    assert about.creation_date == example.EXAMPLE.as_of
    assert reader().root_object["/Lang"] == "en"


def test_it_is_tagged_and_pictures_say_what_they_show() -> None:
    assert reader().root_object["/MarkInfo"].get_object()["/Marked"]  # type: ignore[index]
    said = alternatives(reader().root_object["/StructTreeRoot"].get_object())
    assert [figure.alt for figure in example.figures()] == [alt for alt in said if alt != "Earlier periods"]


def alternatives(element: object) -> list[str]:
    """The alternative texts below an element of the structure, in reading order."""
    if isinstance(element, list):
        return [alt for child in element for alt in alternatives(child.get_object())]
    if not isinstance(element, DictionaryObject):
        return []
    own = [str(element["/Alt"])] if "/Alt" in element else []
    below = element["/K"].get_object() if "/K" in element else []
    return own + alternatives(below)


def test_it_is_accessible_by_the_standard_where_every_letter_can_be_shown() -> None:
    assert b"pdfuaid" in render(latin(), "pdf")


@pytest.mark.parametrize("name", ["支付服务", "\ue000", "a\x07b", "\u202eevil", "🚀"])
def test_no_letter_stops_it(name: str) -> None:
    table = Table(title=name, columns=(Column(title=name),), rows=((name,),))
    sections = (Section(name="x", title=name, lead=name, blocks=(table,)),)
    assert render(example.document(title=name, team=name, sections=sections), "pdf")


def test_what_is_not_known_says_why() -> None:
    assert "not enough data: 3 changes, at least 5 are needed" in text()
    assert "hidden: fewer than 5 people; –: not enough data: 3 changes, at least 5 are needed" in text()


def test_the_corrections_and_the_receipt_are_in_it() -> None:
    assert "Edition 2 corrects edition 1" in text()
    assert "Change fail rate was 8.8 %, and is 9.0 %: 2 incidents came late." in text()
    assert "Data up to 2 Nov 2026, 07:30 CET, version 20261102T063012. Days are those of Europe/Berlin." in text()


def test_its_pages_can_be_had_as_pictures() -> None:
    pages = pdf.pages(example.document(sections=example.EXAMPLE.sections[3:]), resolution=36)
    assert len(pages) == 1
    assert pages[0].startswith(b"\x89PNG")
