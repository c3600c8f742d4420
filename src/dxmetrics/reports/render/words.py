"""What every format says alike: a document's heading, its receipt, and what stands in a cell."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from unicodedata import east_asian_width
from zoneinfo import ZoneInfo

from dxmetrics import numbers
from dxmetrics.reports.document import PREVIEW, Column, Document, Section, Table, Tile, Value

UNKNOWN = "–"
SO_FAR = " so far"
NOT_OVER = " (not over)"
MOST_REASONS = 3
IS_SAMPLE = "Sample data: no number here is about a real organisation."
IS_PREVIEW = "Preview: this document is not kept, and its numbers may still change."

SHORT_UNITS = ("hours", "%")  # said with each number; all others in the title
MOST_ROOM = 36  # letters of the widest column
BOLD = 1.1  # a bold letter beside others

Cell = Value | date | str | None


def heading(document: Document) -> str:
    """Whom and when it is about: "Payments · 1 Oct to 31 Oct 2026 · compared with September 2026"."""
    compared = f"compared with {document.compared_with}" if document.compared_with else ""
    return " · ".join(part for part in (document.organisation, document.scope, document.span, compared) if part)


def notices(document: Document) -> tuple[str, ...]:
    """What must be known before a number is believed."""
    said = ((document.is_sample, IS_SAMPLE), (document.id == PREVIEW, IS_PREVIEW))
    return tuple(text for is_so, text in said if is_so)


def edition(document: Document) -> str:
    """ "monthly-delivery-2026-10 · edition 2", or "preview"."""
    return PREVIEW if document.id == PREVIEW else f"{document.id} · edition {document.edition}"


def correction(document: Document) -> str:
    """The heading of what a later edition corrects."""
    return f"Edition {document.edition} corrects edition {document.edition - 1}"


def receipt(document: Document) -> tuple[tuple[str, str], ...]:
    """What the document is and what it was written from, as (name, words)."""
    as_of = document.as_of.astimezone(ZoneInfo(document.zone))
    return (
        ("Report", document.title),
        ("Organisation", document.organisation),
        ("About", document.scope),
        ("Period", f"{document.span}, days in {document.zone}"),
        ("Compared with", document.compared_with or UNKNOWN),
        ("Document", document.id),
        ("Edition", str(document.edition)),
        ("Data up to", numbers.instant(as_of)),
        ("Data version", document.data_version),
    )


def receipt_line(document: Document) -> str:
    """The receipt of the data in one sentence."""
    as_of = numbers.instant(document.as_of.astimezone(ZoneInfo(document.zone)))
    return f"Data up to {as_of}, version {document.data_version}. Days are those of {document.zone}."


def cell(entry: Cell, column: Column) -> str:
    """What a cell says. A number that is not there is a dash, a text that is not there is nothing."""
    if isinstance(entry, Value):
        is_said_above = entry.unit == column.unit and column.unit not in SHORT_UNITS and not entry.is_hidden
        said = numbers.measure(entry.value, entry.unit)[0] if is_said_above else entry.text
        return said + (SO_FAR if entry.is_partial and entry.value is not None else "")
    if isinstance(entry, date):
        return numbers.day(entry)
    return entry or ("" if column.kind == "text" else UNKNOWN)


def cells(table: Table) -> list[list[str]]:
    """What all cells say, row by row."""
    return [[cell(entry, column) for entry, column in zip(row, table.columns, strict=True)] for row in table.rows]


def title(column: Column) -> str:
    """The title of a column with its unit, where that is said nowhere else."""
    return ", ".join(part for part in (column.title, unit(column)) if part)


def unit(column: Column) -> str | None:
    """What is written below a column's title, where neither the title nor the cells say the unit."""
    said = numbers.measure(2, column.unit)[1]
    if not said or column.unit in SHORT_UNITS or said.lower() in column.title.lower():
        return None
    is_repeated = said.lower().startswith(f"{column.title.lower()} ")  # "Deployments", "deployments a week"
    return said[len(column.title) + 1 :] if is_repeated else said


def room(table: Table, place: int, lines: int = 2) -> int:
    """The letters a column needs for its cells and, in one line or two, for its title; at most `MOST_ROOM`."""
    column = table.columns[place]
    above = [_letters(text) if lines == 1 else _folded(text) for text in (column.title, unit(column) or "")]
    said = [_letters(cell(row[place], column)) for row in table.rows]
    return min(max(round(max(above) * BOLD), *said, 1), MOST_ROOM)


def widths(table: Table, available: float, letter: float, margin: float, bar: float) -> list[float]:
    """The width of each column, its bar included, that together fill what is `available`.

    `letter` is the mean width of a letter. Columns of words give and take; numbers and days are never wrapped.
    """
    places = range(len(table.columns))
    beside = [margin + (bar if column.has_bar else 0) for column in table.columns]
    ways = [[room(table, place, lines) * letter + beside[place] for place in places] for lines in (1, 2)]
    needed = next((way for way in ways if sum(way) <= available), ways[-1])
    elastic = [place for place in places if table.columns[place].kind == "text"] or list(places)
    spare = available - sum(needed)
    if spare >= 0:
        total = sum(needed[place] for place in elastic)
        return [one + (spare * one / total if place in elastic else 0) for place, one in enumerate(needed)]
    left = available - sum(one for place, one in enumerate(needed) if place not in elastic)
    for place in sorted(elastic, key=lambda place: needed[place]):  # the narrow ones keep what they need
        needed[place] = min(needed[place], left / len(elastic))
        left -= needed[place]
        elastic.remove(place)
    return needed


def note(tile: Tile) -> str | None:
    """What its number rests on, or why there is none."""
    return tile.note or (tile.value.reason if number(tile.value) is None else None)


def number(entry: Value) -> float | None:
    """The number as far as it may be told."""
    return None if entry.is_hidden else entry.value


def shares(table: Table, place: int) -> list[float | None]:
    """The length of the bar beside each cell of a column, from 0 to 1; None where nothing is known."""
    told = [number(one) if isinstance(one := row[place], Value) else None for row in table.rows]
    longest = max((value for value in told if value is not None), default=0.0)
    return [None if value is None or longest <= 0 else max(value / longest, 0.0) for value in told]


def reasons(table: Table) -> str | None:
    """Why cells have no number: the most frequent reasons of each kind, each once."""
    counted: dict[str, Counter[str]] = {}
    for row in table.rows:
        for entry in row:
            if isinstance(entry, Value) and number(entry) is None and entry.reason:
                counted.setdefault(entry.text, Counter())[entry.reason] += 1
    return "; ".join(f"{said}: {_most(found)}" for said, found in sorted(counted.items())) or None


def interval(value: Value) -> str | None:
    """Both ends of its interval in one unit, where it has one and may be told."""
    return None if value.is_hidden else numbers.interval(value.low, value.high, value.unit)


def titles(section: Section) -> Sequence[str | None]:
    """The title of each block, None where the section's heading says the same already."""
    return [
        said if (said := getattr(block, "title", None)) != section.title or index else None
        for index, block in enumerate(section.blocks)
    ]


def _most(counted: Counter[str]) -> str:
    ordered = sorted(counted, key=lambda reason: (-counted[reason], reason))
    more = len(ordered) - MOST_REASONS
    return ", ".join((*ordered[:MOST_REASONS], *([numbers.count(more, "other reason")] if more > 0 else [])))


def _letters(text: str) -> int:
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _folded(text: str) -> int:
    """The letters of the longer line, where the text is broken in two."""
    parts = text.split(" ")
    ways = [(" ".join(parts[:place]), " ".join(parts[place:])) for place in range(len(parts))]
    return min(max(map(_letters, way)) for way in ways)
