"""PowerPoint: one thing a slide under its message, charts that can be edited, and what numbers mean in the notes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from dxmetrics import numbers
from dxmetrics.palette import LIGHT
from dxmetrics.reports.document import (
    Block,
    Chart,
    Document,
    Figure,
    Meaning,
    Meanings,
    Section,
    Sentence,
    Sentences,
    Table,
    Tile,
    Tiles,
)
from dxmetrics.reports.render import deck_charts, paper, words
from dxmetrics.reports.render.deck import ROOM, SIDE, TOP, Deck, Run, card, noted, table
from dxmetrics.reports.render.shown import NOTHING_DRAWN

CARDS_ACROSS, CARDS = 5, 10
SENTENCE_LINES, LINE = 12, 105  # lines of a list, letters of one
MEANING_LINES = 15
MOST_BARS = 16
TABLE_HEIGHT, TABLE_SIZE, LETTER, MARGIN = 4.75, 11, 0.087, 0.18  # inches, points of its text
LINE_HEIGHT, ROW_MARGIN = 0.185, 0.12
Item = TypeVar("Item")
NEWS = {"better": LIGHT.good, "worse": LIGHT.bad}


def pptx(document: Document) -> bytes:
    """The whole document as a deck; its creation time is `as_of`."""
    deck = Deck(f"dxmetrics · {document.title}, {document.span} · {words.edition(document)}")
    _Writer(deck, document).write()
    return deck.saved(document.title, words.heading(document), document.organisation, document.as_of)


class _Writer:
    """Writes a document's sections on slides, one after the other."""

    def __init__(self, deck: Deck, document: Document) -> None:
        self._deck, self._document = deck, document
        self._meanings = {
            one.metric: one
            for section in document.sections
            for block in section.blocks
            if isinstance(block, Meanings)
            for one in block.meanings
        }

    def write(self) -> None:
        """All slides, the cover first."""
        self._cover()
        for section in self._document.sections:
            lead = section.lead
            if lead and not section.blocks:
                self._deck.slide(self._document.title, section.title, None, [[Run(lead, 18)]])
            for block, title in zip(section.blocks, words.titles(section), strict=True):
                self._block(section, block, title, lead)
                lead = None  # it is said once, on the section's first slide

    def _cover(self) -> None:
        document = self._document
        below = [[Run(words.heading(document), 16, LIGHT.muted)]]
        below += [[Run(notice, 14, LIGHT.accent, is_bold=True)] for notice in words.notices(document)]
        if document.corrections:
            below.append([Run(words.correction(document), 14, is_bold=True)])
            below += [self._runs(one, 14) for one in document.corrections]
        below += [[Run(note, 12, LIGHT.muted)] for note in (*document.footnotes, words.receipt_line(document))]
        self._deck.cover(document.title, below)

    def _block(self, section: Section, block: Block, title: str | None, lead: str | None) -> None:
        """The slides of one block. Without a title of its own, the section's finding is the slide's title."""
        heading = title or lead or section.title
        kicker = section.title if section.title != heading else self._document.title
        message = lead if title else None
        if isinstance(block, Tiles):
            self._tiles(kicker, heading, message, block)
        elif isinstance(block, Sentences):
            self._sentences(kicker, heading, message, block)
        elif isinstance(block, Figure):
            self._figure(kicker, heading, _both(message, block.note), block)
        elif isinstance(block, Table):
            self._table(kicker, heading, _both(message, block.note), block)
        else:
            self._definitions(kicker, heading, block)

    def _tiles(self, kicker: str, title: str, message: str | None, block: Tiles) -> None:
        for tiles in _chunks(block.tiles, CARDS):
            slide = self._deck.slide(kicker, title, message)
            across, gap = max(min(len(tiles), CARDS_ACROSS), 3), 0.18
            width, height = (ROOM - gap * (across - 1)) / across, 2.2
            for place, tile in enumerate(tiles):
                left = SIDE + (width + gap) * (place % across)
                top = TOP + 0.15 + (height + gap) * (place // across)
                card(slide, (left, top, width, height), self._card(tile))
            noted(slide, [line for tile in tiles for line in self._tile_notes(tile)])

    def _card(self, tile: Tile) -> list[list[Run]]:
        figure, unit = ("hidden", "") if tile.value.is_hidden else numbers.measure(tile.value.value, tile.value.unit)
        is_known = words.number(tile.value) is not None
        value = [Run(figure, 28 if is_known else 20, LIGHT.ink if is_known else LIGHT.muted, is_bold=True)]
        lines = [[Run(tile.title, 12, LIGHT.muted)], [*value, *([Run(f" {unit}", 12, LIGHT.muted)] if unit else [])]]
        if tile.compared:
            lines.append(
                [Run(tile.compared, 12, NEWS.get(tile.change or "", LIGHT.muted), is_bold=tile.change is not None)]
            )
        if note := words.note(tile):
            lines.append([Run(note, 11, LIGHT.muted)])
        return lines

    def _tile_notes(self, tile: Tile) -> Iterator[str]:
        """What a number rests on and means."""
        interval = words.interval(tile.value)
        n = None if tile.value.is_hidden or tile.value.n is None else f"n = {tile.value.n:,}"
        facts = [tile.value.text, *([n] if n else []), *([f"interval {interval}"] if interval else [])]
        yield f"{tile.title}: {', '.join(facts)}"
        if tile.points:
            yield f"Earlier, oldest first: {', '.join(numbers.text(point, tile.value.unit) for point in tile.points)}"
        if tile.metric in self._meanings:
            meaning = self._meanings[tile.metric]
            yield f"{meaning.meaning} Source: {meaning.source}"

    def _sentences(self, kicker: str, title: str, message: str | None, block: Sentences) -> None:
        if not block.sentences:
            points = [[Run(block.nothing, 18, LIGHT.muted)]]
            self._deck.slide(kicker, title, message, points)
        for sentences in _packed(block.sentences, [_lines(one.text, LINE) for one in block.sentences], SENTENCE_LINES):
            self._deck.slide(kicker, title, message, [self._runs(one, 18) for one in sentences])

    def _figure(self, kicker: str, title: str, message: str | None, block: Figure) -> None:
        if block.chart.is_empty:
            self._deck.slide(kicker, title, message, [[Run(NOTHING_DRAWN, 16, LIGHT.muted)]])
            return
        for part in paper.slices(block.chart, MOST_BARS):
            slide = self._deck.slide(kicker, title, message)
            deck_charts.drawn(slide, part, block.alt)
            noted(slide, [block.alt, *_said(part)])

    def _table(self, kicker: str, title: str, message: str | None, block: Table) -> None:
        if not block.rows:
            self._deck.slide(kicker, title, message, [[Run(block.nothing, 18, LIGHT.muted)]])
            return
        widths = words.widths(block, ROOM, LETTER, MARGIN, 0.0)
        said = words.cells(block)
        titles = ["\n".join(filter(None, (column.title, words.unit(column)))) for column in block.columns]
        heights = [_row_height(row, widths) for row in said]
        right = [place for place, column in enumerate(block.columns) if column.kind == "number"]
        head = _row_height(titles, widths)
        for page in _packed(list(zip(said, heights, strict=True)), heights, TABLE_HEIGHT - head):
            slide = self._deck.slide(kicker, title, message)
            rows = [[Run(text, TABLE_SIZE, is_bold=True) for text in titles]]
            rows += [[Run(text, TABLE_SIZE) for text in row] for row, _ in page]
            table(slide, widths, rows, [head, *(height for _, height in page)], right)
            if reasons := words.reasons(block):
                noted(slide, [reasons])

    def _definitions(self, kicker: str, title: str, block: Meanings) -> None:
        lines = [_lines(_meaning(one), LINE + 15) + 0.5 for one in block.meanings]
        for meanings in _packed(block.meanings, lines, MEANING_LINES):
            points = [
                [
                    Run(f"{one.title} ({one.unit}) ", 14, is_bold=True),
                    Run(f"{one.meaning} ", 14),
                    Run(one.source, 12, LIGHT.muted),
                ]
                for one in meanings
            ]
            self._deck.slide(kicker, title, None, points)

    def _runs(self, sentence: Sentence, size: float) -> list[Run]:
        return [Run(span.text, size, is_bold=span.is_strong) for span in sentence.spans]


def _both(message: str | None, note: str | None) -> str | None:
    return " ".join(part for part in (message, note) if part) or None


def _said(chart: Chart) -> Iterator[str]:
    """The numbers of a chart, one line for each category."""
    for place, category in enumerate(chart.categories):
        values = (f"{one.name} {numbers.text(one.values[place], chart.unit)}" for one in chart.series)
        yield f"{category}: {', '.join(values)}"


def _meaning(one: Meaning) -> str:
    return f"{one.title} ({one.unit}) {one.meaning} {one.source}"


def _row_height(texts: Sequence[str], widths: Sequence[float]) -> float:
    """Inches of a row whose longest text is wrapped in its column."""
    lines = max(
        sum(_lines(line, max((width - MARGIN) / LETTER, 1)) for line in text.split("\n"))
        for text, width in zip(texts, widths, strict=True)
    )
    return ROW_MARGIN + LINE_HEIGHT * lines


def _lines(text: str, letters: float) -> int:
    return max(-(-len(text) // int(letters)), 1)


def _chunks(items: Sequence[Item], most: int) -> list[Sequence[Item]]:
    return [items[start : start + most] for start in range(0, len(items), most)]


def _packed(items: Sequence[Item], sizes: Sequence[float], room: float) -> list[list[Item]]:
    """The items in their order, as many together as fit; one that is too large stands alone."""
    pages: list[list[Item]] = []
    left = 0.0
    for item, size in zip(items, sizes, strict=True):
        if not pages or size > left:
            pages.append([])
            left = room
        pages[-1].append(item)
        left -= size
    return pages
