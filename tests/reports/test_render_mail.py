"""The mail: what a mail program gets to show."""

from __future__ import annotations

import re
import struct
from functools import cache

from dxmetrics.reports.render import Letter, letter
from tests.reports import example
from tests.reports.test_render_web import Page

LINK = "https://dx.example.org/reports?id=a&edition=2"


@cache
def written() -> Letter:
    return letter(example.EXAMPLE, LINK)


@cache
def page() -> Page:
    return Page(written().html)


def test_the_subject_is_one_line_that_says_what_whom_and_when() -> None:
    assert written().subject == "Corrected: Monthly delivery review: Платежи, 1 Oct to 31 Oct 2026"
    torn = letter(example.document(sections=(), corrections=(), team="Pay\r\nBcc: all", title="Review"))
    assert torn.subject == "Review: Pay Bcc: all, 1 Oct to 31 Oct 2026"


def test_charts_are_pictures_in_the_mail_with_words_for_who_sees_none() -> None:
    shown = [attributes for tag, attributes in page().tags if tag == "img"]
    assert [attributes["src"] for attributes in shown] == [f"cid:{name}" for name in written().images]
    assert [attributes["alt"] for attributes in shown] == [figure.alt for figure in example.figures()]
    for picture in written().images.values():
        assert picture.startswith(b"\x89PNG")
        assert struct.unpack(">I", picture[16:20]) == (1120,)


def test_it_uses_nothing_that_mail_programs_do_not_know() -> None:
    assert page().open == []
    assert {"style", "script", "link", "svg"}.isdisjoint(tag for tag, _ in page().tags)
    assert not any("class" in attributes for _, attributes in page().tags)
    assert len(written().html) < 100_000  # Gmail cuts what is longer


def test_both_bodies_have_the_numbers() -> None:
    said = " ".join(written().text.split())
    for tile in example.TILES.tiles:
        assert f"{tile.title}: {tile.value.text}" in said
        assert tile.value.text in " ".join(page().text.split())
    assert "Edition 2 corrects edition 1: * Change fail rate was 8.8 %" in said
    assert all(sentence.text in said for sentence in example.CHANGED.sentences)


def test_long_tables_are_cut_and_say_so() -> None:
    for text in (written().text, page().text):
        assert "188 more rows are in the report." in text
        assert "+1 team" in text
        assert "-2 team" not in text


def test_of_what_comes_after_many_pictures_only_the_findings_are_told() -> None:
    first, *_, services, meanings = example.EXAMPLE.sections
    more = services.model_copy(update={"title": "More services", "lead": "All of them are well."})
    brief = letter(example.document(sections=(first, services, services, more, meanings)))
    assert "ALSO IN THE REPORT\n\n* More services: All of them are well." in brief.text
    assert brief.text.count("188 more rows") == 2
    assert "Change fail rate (%)" not in brief.text


def test_names_are_texts_not_markup() -> None:
    assert example.MARKUP in page().text
    assert "<b>ledger" not in written().html


def test_it_leads_to_the_report_where_there_is_a_place_for_it() -> None:
    assert [attributes["href"] for tag, attributes in page().tags if tag == "a"] == [LINK]
    assert LINK in written().text
    alone = letter(example.document(sections=()))
    assert "<a " not in alone.html
    assert "whole report" not in alone.text


def test_the_text_fits_where_mail_is_read() -> None:
    long = [line for line in written().text.splitlines() if len(line) > 78]
    assert [re.sub(r"\S{60,}", "", line).strip() for line in long] == [",".strip(",")] * len(long)
