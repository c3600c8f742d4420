"""Markdown: what a wiki, a ticket or an assistant can read; charts are tables of their numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from dxmetrics import numbers
from dxmetrics.reports.document import (
    Block,
    Chart,
    Document,
    Figure,
    Meaning,
    Sentence,
    Sentences,
    Table,
    Tiles,
)
from dxmetrics.reports.render import paper, words

MEANINGFUL = re.compile(r"[\\`*_{}\[\]<>|~$&]|^[#+=-]|^\d+[.)](?=\s|$)")


def md(document: Document) -> bytes:
    """The whole document in UTF-8; nothing that comes from the data is read as Markdown or HTML."""
    return ("\n\n".join(_parts(document)) + "\n").encode()


def escaped(text: str) -> str:
    """The text on one line, with a backslash before what Markdown would take for its own."""
    return MEANINGFUL.sub(lambda found: f"{found.group()[:-1]}\\{found.group()[-1]}", " ".join(text.split()))


def sentence(one: Sentence) -> str:
    """A sentence with its strong words in bold."""
    return "".join(f"**{escaped(span.text)}**" if span.is_strong else _inner(span.text) for span in one.spans)


def _parts(document: Document) -> Iterator[str]:
    yield f"# {escaped(document.title)}"
    yield escaped(words.heading(document))
    yield from (f"**{escaped(notice)}**" for notice in words.notices(document))
    if document.corrections:
        yield f"**{escaped(words.correction(document))}**"
        yield _bullets(document.corrections)
    for section in document.sections:
        yield f"## {escaped(section.title)}"
        yield from _said(section.lead)
        for block, title in zip(section.blocks, words.titles(section), strict=True):
            yield from [f"### {escaped(title)}"] if title else []
            yield from _block(block)
    yield "---"
    yield from map(escaped, (*document.footnotes, words.receipt_line(document)))
    yield escaped(f"dxmetrics · {words.edition(document)}")


def _block(block: Block) -> Iterator[str]:
    if isinstance(block, Tiles):
        rows = [(one.title, one.value.text, one.compared or "", words.note(one) or "") for one in block.tiles]
        yield _grid(("Metric", "Value", "Compared", "Note"), rows, (1,))
    elif isinstance(block, Sentences):
        yield _bullets(block.sentences) if block.sentences else escaped(block.nothing)
    elif isinstance(block, Figure):
        yield escaped(block.alt)
        yield from _said(block.note)
        yield _numbers(block.chart)
    elif isinstance(block, Table):
        yield from _said(block.note)
        yield _table(block) if block.rows else escaped(block.nothing)
        yield from _said(words.reasons(block))
    else:
        yield "\n".join(map(_meaning, block.meanings))


def _numbers(chart: Chart) -> str:
    unit = numbers.measure(2, chart.unit)[1] if chart.unit not in words.SHORT_UNITS else ""
    titles = ["", *(f"{one.name}, {unit}" if unit else one.name for one in chart.series)]
    rows = [
        (
            category + (words.NOT_OVER if place < len(chart.is_partial) and chart.is_partial[place] else ""),
            *(paper.said(one.values[place], chart) for one in chart.series),
        )
        for place, category in enumerate(chart.categories)
    ]
    return _grid(titles, rows, range(1, len(titles)))


def _table(table: Table) -> str:
    right = [place for place, column in enumerate(table.columns) if column.kind == "number"]
    return _grid([words.title(column) for column in table.columns], words.cells(table), right)


def _grid(titles: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int]) -> str:
    rule = ["---:" if place in right else "---" for place in range(len(titles))]
    lines = [list(map(escaped, titles)), rule, *(list(map(escaped, row)) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _bullets(sentences: Sequence[Sentence]) -> str:
    return "\n".join(f"- {sentence(one)}" for one in sentences)


def _meaning(one: Meaning) -> str:
    return f"- **{escaped(one.title)}** ({escaped(one.unit)}): {escaped(one.meaning)} Source: {escaped(one.source)}"


def _said(text: str | None) -> list[str]:
    return [escaped(text)] if text else []


def _inner(text: str) -> str:
    """The words between strong ones keep the blanks at their ends."""
    before, after = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    return f"{before[:1]}{escaped(text)}{after[:1]}" if text.strip() else " " * bool(text)
