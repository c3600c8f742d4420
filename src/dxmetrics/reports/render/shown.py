"""A document as plain data, ready for a template: every text said, every number written, every chart drawn.

The page on paper and the one in the browser are made from the same data.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dxmetrics import numbers
from dxmetrics.reports.document import (
    Block,
    Chart,
    Document,
    Figure,
    Meanings,
    Section,
    Sentence,
    Sentences,
    Table,
    Tile,
    Tiles,
)
from dxmetrics.reports.render import paper, words

PAGE, LETTER, MARGIN, BAR = 493.0, 4.7, 10.0, 66.0  # points: text width, a letter of a table, both insets, a bar
NOTHING_DRAWN = "Nothing to draw: no value of this chart is known."

Shown = dict[str, Any]
Draw = Callable[[Chart], Any]


def shown(document: Document, draw: Draw, most_rows: int) -> Shown:
    """All of a document. `draw` makes a picture of a chart of at most `most_rows` rows below each other."""
    return {
        "title": document.title,
        "heading": words.heading(document),
        "organisation": document.organisation,
        "notices": words.notices(document),
        "correction": words.correction(document) if document.corrections else None,
        "corrections": [_sentence(one) for one in document.corrections],
        "left": f"dxmetrics · {document.title}, {document.span}",
        "right": words.edition(document),
        "sections": [_section(one, draw, most_rows) for one in document.sections],
        "footnotes": [*document.footnotes, words.receipt_line(document)],
    }


def _section(section: Section, draw: Draw, most_rows: int) -> Shown:
    blocks = [
        {"note": None, **drawn, "title": title}
        for block, title in zip(section.blocks, words.titles(section), strict=True)
        for drawn in _block(block, draw, most_rows)
    ]
    return {"title": section.title, "lead": section.lead, "blocks": blocks}


def _block(block: Block, draw: Draw, most_rows: int) -> list[Shown]:
    if isinstance(block, Tiles):
        return [{"kind": "tiles", "tiles": [_tile(one) for one in block.tiles]}]
    if isinstance(block, Sentences):
        return [
            {"kind": "sentences", "sentences": [_sentence(one) for one in block.sentences], "nothing": block.nothing}
        ]
    if isinstance(block, Figure):
        return _figure(block, draw, most_rows)
    if isinstance(block, Table):
        return [_table(block)]
    return [_meanings(block)]


def _tile(tile: Tile) -> Shown:
    figure, unit = ("hidden", "") if tile.value.is_hidden else numbers.measure(tile.value.value, tile.value.unit)
    return {
        "title": tile.title,
        "figure": figure,
        "unit": unit,
        "is_known": words.number(tile.value) is not None,
        "compared": tile.compared,
        "change": tile.change,
        "note": words.note(tile),
        "line": paper.sparkline(tile.points),
    }


def _sentence(sentence: Sentence) -> Shown:
    return {
        "spans": [{"text": span.text, "is_strong": span.is_strong} for span in sentence.spans],
        "change": sentence.change,
    }


def _figure(figure: Figure, draw: Draw, most_rows: int) -> list[Shown]:
    if figure.chart.is_empty:
        return [{"kind": "figure", "note": NOTHING_DRAWN, "keys": [], "drawing": None, "alt": figure.alt}]
    parts = paper.slices(figure.chart, most_rows)
    return [
        {
            "kind": "figure",
            "note": figure.note,
            "keys": [{"name": name, "tone": tone} for name, tone in paper.keys(part)],
            "drawing": draw(part),
            "alt": figure.alt,
        }
        for part in parts
    ]


def _table(table: Table) -> Shown:
    widths = words.widths(table, PAGE, LETTER, MARGIN, BAR)
    columns = [
        {
            "title": column.title,
            "is_number": column.kind == "number",
            "unit": words.unit(column),
            "has_bar": column.has_bar,
            "width": width,
        }
        for column, width in zip(table.columns, widths, strict=True)
    ]
    nothing = [None] * len(table.rows)
    shares = [words.shares(table, place) if one.has_bar else nothing for place, one in enumerate(table.columns)]
    return {
        "kind": "table",
        "note": table.note,
        "nothing": table.nothing,
        "reasons": words.reasons(table),
        "columns": columns,
        "rows": [
            [{"text": text, "share": shares[place][row]} for place, text in enumerate(texts)]
            for row, texts in enumerate(words.cells(table))
        ],
    }


def _meanings(block: Meanings) -> Shown:
    return {
        "kind": "meanings",
        "meanings": [
            {"title": one.title, "unit": one.unit, "meaning": one.meaning, "source": one.source}
            for one in block.meanings
        ],
    }
