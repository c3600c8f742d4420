"""What an edition corrects: which numbers are others than in the edition before, in sentences.

Numbers are compared by where they stand: section, block, row and column. In sentences it is their figures and what is
set bold that counts, so that another wording corrects nothing; nor does a section that tells of the present moment.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import zip_longest

from dxmetrics import numbers
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
    Tile,
    Tiles,
    Value,
)

MOST = 10  # sentences; how many more there would be is said
CLOSE = 1e-9  # sums of the same rows in another order differ by less
FIGURES = re.compile(r"\d[\d.,]*")

Place = tuple[str, ...]  # section, block, row, column: as far as there are any
Said = tuple[Place, "_Fact"]
Compared = tuple[float | str | bool | None, ...]


@dataclass(frozen=True)
class _Fact:
    """What stands at one place: what is compared, as it is shown, and with all it rests on."""

    compared: Compared
    shown: str
    detailed: str
    place: Place = ()  # in words


def is_same(before: Document, after: Document) -> bool:
    """Whether both show the same numbers at the same places."""
    told, tells = _facts(before), _facts(after)
    return told.keys() == tells.keys() and all(_are_close(told[one], tells[one]) for one in told)


def corrections(before: Document, after: Document) -> tuple[Sentence, ...]:
    """What `after` shows otherwise than `before`, in its order, at most ten sentences and how many more there are."""
    told, tells = _facts(before), _facts(after)
    found = [
        _sentence(fact.place, f": {_now_and_before(fact, told[place])}")
        for place, fact in tells.items()
        if place in told and not _are_close(told[place], fact)
    ]
    found += [_sentence(place, " is new") for place in _only_in(tells, told)]
    found += [_sentence(place, " is not there any more") for place in _only_in(told, tells)]
    if len(found) <= MOST:
        return tuple(found)
    return (*found[:MOST], Sentence(spans=(Span(text=f"and {len(found) - MOST:,} more"),)))


def _now_and_before(now: _Fact, before: _Fact) -> str:
    if now.shown != before.shown:
        return f"{now.shown}, was {before.shown}"
    if now.detailed != before.detailed:
        return f"{now.detailed}, was {before.detailed}"
    return f"still {now.shown}, changed by less than that shows"


def _only_in(these: Mapping[Place, _Fact], those: Mapping[Place, _Fact]) -> list[Place]:
    """What the one has and the other has not: a whole section, block or row instead of everything in it."""
    known = {place[:length] for place in those for length in range(1, len(place) + 1)}
    found: dict[Place, Place] = {}
    for place, fact in these.items():
        new = [length for length in range(1, len(place) + 1) if place[:length] not in known]
        if new:
            found.setdefault(place[: new[0]], fact.place[: new[0]])
    return list(found.values())


def _sentence(place: Place, words: str) -> Sentence:
    named = ", ".join(filter(None, dict.fromkeys(place)))  # a section and its only block often have one title
    return Sentence(spans=(Span(text=named, is_strong=True), Span(text=words)))


def _are_close(one: _Fact, other: _Fact) -> bool:
    return len(one.compared) == len(other.compared) and all(map(_is_close, one.compared, other.compared))


def _is_close(one: float | str | bool | None, other: float | str | bool | None) -> bool:
    if isinstance(one, float | int) and isinstance(other, float | int):
        return math.isclose(one, other, rel_tol=CLOSE, abs_tol=CLOSE)
    return one == other


# -- what a document says, by where it says it ------------------------------------------------------------------------


def _facts(document: Document) -> dict[Place, _Fact]:
    sections = [one for one in document.sections if not one.is_current]
    titles = _told_apart(one.title for one in sections)
    return {
        (title, *place): replace(fact, place=(title, *(fact.place or place)))
        for title, section in zip(titles, sections, strict=True)
        for place, fact in _of_section(section)
    }


def _of_section(section: Section) -> Iterator[Said]:
    blocks = [one for one in section.blocks if not isinstance(one, Meanings)]
    for title, block in zip(_told_apart(_title(one) for one in blocks), blocks, strict=True):
        above = (title,) if title else ()
        for place, fact in _of_block(block):
            yield (*above, *place), replace(fact, place=(*above, *(fact.place or place)))


def _title(block: Tiles | Sentences | Figure | Table) -> str:
    return "" if isinstance(block, Tiles) else block.title or ""


def _of_block(block: Tiles | Sentences | Figure | Table) -> Iterator[Said]:
    if isinstance(block, Tiles):
        yield from _of_tiles(block.tiles)
    elif isinstance(block, Sentences):
        yield from map(_of_sentence, block.sentences)
    elif isinstance(block, Figure):
        yield from _of_chart(block.chart)
    else:
        yield from _of_table(block)


def _of_tiles(tiles: Sequence[Tile]) -> Iterator[Said]:
    for title, tile in zip(_told_apart(one.title for one in tiles), tiles, strict=True):
        yield (title,), _of_value(tile.value)
        if tile.compared is not None:
            figures = tuple(FIGURES.findall(tile.compared))
            yield (title, "compared"), _Fact(figures, tile.compared, tile.compared)
        for before, point in enumerate(reversed(tile.points[:-1]), start=1):  # the last one is its own
            value = Value(value=point, unit=tile.value.unit)
            yield (title, f"{numbers.count(before, 'period')} before"), _of_value(value)


def _of_sentence(sentence: Sentence) -> Said:
    """It has no place of its own: what it tells is where it stands."""
    bold = [span.text for span in sentence.spans if span.is_strong]
    told = (sentence.metric or "", *FIGURES.findall(sentence.text), *bold)
    return ("\0".join(told),), _Fact(told, sentence.text, sentence.text, (f"“{sentence.text}”",))


def _of_chart(chart: Chart) -> Iterator[Said]:
    for series in chart.series:
        above = (series.name,) if len(chart.series) > 1 else ()
        band = zip_longest(series.values, series.low, series.high)
        for category, (value, low, high) in zip(chart.categories, band, strict=True):
            yield (*above, category), _of_value(Value(value=value, unit=chart.unit, low=low, high=high))


def _of_table(table: Table) -> Iterator[Said]:
    """A row is known by its words, by the first of them where that is enough."""
    names = [[cell for cell in row if isinstance(cell, str)] for row in table.rows]
    first = Counter(name[0] if name else "" for name in names)
    rows = _told_apart(name[0] if name and first[name[0]] == 1 else ", ".join(name) for name in names)
    for row, cells in zip(rows, table.rows, strict=True):
        for column, cell in zip(table.columns, cells, strict=True):
            yield (row, column.title), _of_value(cell) if isinstance(cell, Value) else _of_cell(cell)


def _of_cell(cell: date | str | None) -> _Fact:
    shown = numbers.day(cell) if isinstance(cell, date) else cell or "–"
    return _Fact((shown,), shown, shown)


def _of_value(value: Value) -> _Fact:
    if value.is_hidden:
        return _Fact((True,), value.text, value.text)
    interval = numbers.interval(value.low, value.high, value.unit)
    rests_on = [f"n {value.n:,}" if value.n is not None else "", f"95 % {interval}" if interval else ""]
    more = ", ".join(filter(None, rests_on))
    compared = (value.value, value.unit, value.n, value.k, value.low, value.high)
    return _Fact(compared, value.text, f"{value.text} ({more})" if more else value.text)


def _told_apart(titles: Iterable[str]) -> list[str]:
    """The titles, numbered where one comes again."""
    seen: Counter[str] = Counter()
    found = []
    for title in titles:
        seen[title] += 1
        found.append(title if seen[title] == 1 else f"{title} ({seen[title]})".strip())
    return found
