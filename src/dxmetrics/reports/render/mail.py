"""The mail that brings a document: what matters of it in HTML and in text, its charts as pictures inside.

Mail programs know tables and inline styles only. A mail is short: long tables are cut, and of later sections there is
what they found. Both say so: the whole is in the report.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dxmetrics.palette import LIGHT
from dxmetrics.reports.document import (
    Chart,
    Document,
    Figure,
    Meanings,
    Section,
    Sentence,
    Sentences,
    Span,
    Table,
    Tiles,
)
from dxmetrics.reports.render import paper, words
from dxmetrics.reports.render.shown import Shown, shown
from dxmetrics.reports.render.web import template

MOST_PICTURES = 6  # charts and tables
MOST_TABLE_ROWS = 12
MOST_CHART_ROWS = 20
WIDTH, HEIGHT, LETTER = 560, 200, 13.0  # of a chart; a phone shows it at two thirds
COLUMNS = 78  # of text


@dataclass(frozen=True)
class Letter:
    """A mail without its addresses. `images` are PNG files by the content id under which `html` shows them."""

    subject: str
    text: str
    html: str
    images: Mapping[str, bytes]


def letter(document: Document, link: str | None = None) -> Letter:
    """The mail for a document; `link` is where the whole of it can be read, if anywhere."""
    images: dict[str, bytes] = {}

    def draw(chart: Chart) -> str:
        name = f"chart{len(images) + 1}"
        images[name] = paper.png(chart, WIDTH, HEIGHT if paper.is_over_time(chart) else None, LETTER)
        return name

    brief = _brief(document)
    report = _cut(shown(brief, draw, MOST_CHART_ROWS))
    html = template("letter.html").render(report=report, colour=LIGHT, link=link, width=WIDTH)
    return Letter(subject(document), _text(brief, link), html, images)


def subject(document: Document) -> str:
    """ "Monthly delivery review: Payments, 1 Oct to 31 Oct 2026"; a correction says that it is one."""
    said = f"{document.title}: {document.scope}, {document.span}"
    return " ".join((f"Corrected: {said}" if document.corrections else said).split())


def _brief(document: Document) -> Document:
    """The first charts and tables of the document with all it says; of what comes after them the findings only."""
    left, kept, also = MOST_PICTURES, [], []
    for section in document.sections:
        blocks = tuple(block for block in section.blocks if not isinstance(block, Meanings))
        pictures = sum(isinstance(block, Figure | Table) for block in blocks)
        if pictures > left:
            blocks = tuple(block for block in blocks if not isinstance(block, Figure | Table))
            pictures = 0
        left -= pictures
        if blocks:
            kept.append(section.model_copy(update={"blocks": blocks}))
        elif not all(isinstance(block, Meanings) for block in section.blocks) or section.lead:
            also.append(section)
    if also:
        found = Sentences(sentences=tuple(map(_finding, also)))
        kept.append(Section(name="also", title="Also in the report", blocks=(found,)))
    return document.model_copy(update={"sections": tuple(kept)})


def _finding(section: Section) -> Sentence:
    """A section in one line."""
    spans = [Span(text=section.title, is_strong=True), *([Span(text=f": {section.lead}")] if section.lead else [])]
    return Sentence(spans=tuple(spans))


def _cut(report: Shown) -> Shown:
    for section in report["sections"]:
        for part in section["blocks"]:
            if part["kind"] == "table":
                part["more"] = _more(len(part["rows"]))
                part["rows"] = part["rows"][:MOST_TABLE_ROWS]
    return report


def _more(rows: int) -> str | None:
    return f"{rows - MOST_TABLE_ROWS} more rows are in the report." if rows > MOST_TABLE_ROWS else None


def _text(document: Document, link: str | None) -> str:
    parts = [document.title, words.heading(document), *words.notices(document)]
    if document.corrections:
        parts.append("\n".join((words.correction(document) + ":", *(f"* {one.text}" for one in document.corrections))))
    for section in document.sections:
        parts += [section.title.upper(), *([section.lead] if section.lead else []), *_blocks(section)]
    parts += [*([f"The whole report: {link}"] if link else []), *document.footnotes, words.receipt_line(document)]
    return "\n\n".join(_wrapped(part) for part in parts) + "\n"


def _blocks(section: Section) -> Iterator[str]:
    for block, title in zip(section.blocks, words.titles(section), strict=True):
        head = [f"{title}:"] if title else []
        if isinstance(block, Tiles):
            yield "\n".join(
                "* "
                + ", ".join(part for part in (f"{one.title}: {one.value.text}", one.compared, words.note(one)) if part)
                for one in block.tiles
            )
        elif isinstance(block, Sentences):
            yield "\n".join(
                [*head, *(f"* {one.text}" for one in block.sentences)] if block.sentences else [*head, block.nothing]
            )
        elif isinstance(block, Figure):
            yield "\n".join([*head, block.alt])
        elif isinstance(block, Table):
            rows = [
                "* "
                + ", ".join(
                    f"{column.title}: {said}"
                    for column, entry in zip(block.columns, row, strict=True)
                    if (said := words.cell(entry, column))
                )
                for row in block.rows[:MOST_TABLE_ROWS]
            ]
            more = _more(len(block.rows))
            yield "\n".join([*head, *(rows or [block.nothing]), *([more] if more else [])])


def _wrapped(part: str) -> str:
    """Each line at most as wide as mail is read."""
    lines = [
        textwrap.fill(
            line,
            COLUMNS,
            subsequent_indent="  " * line.startswith("* "),
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in part.splitlines()
    ]
    return "\n".join(lines)
