"""Tables of responses: workbooks and CSV files as lines, where their header is, and what stands in a cell."""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain, islice
from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile

from openpyxl import load_workbook
from openpyxl.utils.datetime import from_excel
from openpyxl.utils.exceptions import InvalidFileException

from dxmetrics.errors import CollectError, SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from dxmetrics.collectors.forms import Answer

HEADER_WITHIN = 10  # lines: a title, or groups of questions, may stand above the columns' names
DELIMITERS = ",;\t|"
IDS = frozenset({"id"})
BEGUN = frozenset({"start time", "startzeit", "heure de début", "hora de inicio", "ora di inizio", "begintijd"})
COMPLETED = frozenset(
    {
        "completion time", "fertigstellungszeit", "heure de fin", "hora de finalización", "ora di completamento",
        "tijd van voltooien", "submitted at", "timestamp",
    }
)  # fmt: skip
PERSONAL = frozenset(
    {
        "email", "e-mail", "email address", "e-mail address", "e-mail-adresse", "adresse de messagerie",
        "adresse e-mail", "correo electrónico", "posta elettronica", "e-mailadres", "name", "full name", "first name",
        "last name", "nom", "nombre", "nome", "naam", "phone", "ip address", "user name", "username",
    }
)  # fmt: skip
FORM_HAS = (0, 2)  # Forms: id, start, completion, address and name, in any language
FORM_HIDES = (3, 4)
ERRORS = frozenset({"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"})
FIRST_DAY = 36_526  # 2000-01-01 as Excel counts: a smaller number is no time of handing in
DATA = re.compile(r"@|^[\d\W]+$")  # an address, or a number or time: of a line that is no header
DOTTED = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?:,? (\d{1,2}:\d{2}(?::\d{2})?))?")

Cell = object
Line = Sequence[Cell]


@dataclass(frozen=True)
class Layout:
    """What is looked for in a table: the mapped columns, and those of id and time where they are not the usual ones."""

    mapped: frozenset[str]
    id: str | None
    completed: str | None


@dataclass(frozen=True)
class Table:
    """A table whose header is read: the columns' names ("" for none), the lines below with their numbers, and which
    columns have the id and the time of completion.
    """

    name: str
    columns: Sequence[str]
    lines: Iterator[tuple[int, Line]]
    id: int | None
    completed: int | None

    @property
    def personal(self) -> frozenset[str]:
        """The columns that say who somebody is."""
        hidden = FORM_HIDES if (self.id, self.completed) == FORM_HAS else ()
        return frozenset(
            name for place, name in enumerate(self.columns) if place in hidden or name.casefold() in PERSONAL
        )

    @property
    def questions(self) -> Sequence[str]:
        """The columns that may be questions."""
        known = {self.id, self.completed}
        return [
            name
            for place, name in enumerate(self.columns)
            if name and place not in known and name not in self.personal and name.casefold() not in BEGUN
        ]


def title(text: object) -> str:
    """A column's title as it is compared: Excel's hard spaces and line breaks are spaces."""
    return " ".join(str("" if text is None else text).replace("\ufeff", "").replace("\u200b", "").split())


def table_of(name: str, lines: Iterator[Line], layout: Layout) -> Table:
    """The table below its header: of the first lines the one that has most of the columns that are looked for."""
    wanted = {*layout.mapped, layout.id, layout.completed}
    numbered = enumerate(lines, 1)
    top = list(islice(numbered, HEADER_WITHIN))
    found = [
        (sum(one in wanted or one.casefold() in COMPLETED for one in columns), -number, columns)
        for number, columns in ((number, _columns(line)) for number, line in top)
        if any(columns)
    ]
    if not any(known for known, _, _ in found):  # then it is told which columns there are, and never what somebody said
        found = [one for one in found if not any(map(DATA.search, one[2]))]
    if not found:
        raise CollectError(f"{name} has no header with the columns' titles: export it again")
    _, place, columns = max(found)
    number = -place
    return Table(
        name,
        columns,
        chain((one for one in top if one[0] > number), numbered),
        id=_place(columns, layout.id, IDS, f"{name}: id_column"),
        completed=_place(columns, layout.completed, COMPLETED, f"{name}: time_column"),
    )


def _columns(line: Line) -> list[str]:
    """The columns' names; those that come more than once numbered from left to right."""
    names = [title(cell) for cell in line]
    times, met = Counter(names), Counter[str]()
    for place, name in enumerate(names):
        if name and times[name] > 1:
            met[name] += 1
            names[place] = f"{name} ({met[name]})"
    return names


def _place(columns: Sequence[str], chosen: str | None, usual: frozenset[str], setting: str) -> int | None:
    if chosen is None:
        return next((place for place, name in enumerate(columns) if name.casefold() in usual), None)
    if chosen not in columns:
        raise SettingsError(f'{setting}: "{chosen}" is not there: there are {", ".join(filter(None, columns))}')
    return columns.index(chosen)


# -- files ------------------------------------------------------------------------------------------------------------


def _workbook(path: Path, sheet: str | None) -> Iterator[Line]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # exports of Forms have no default style
            book = load_workbook(path, read_only=True, data_only=True)
        try:
            sheets = {one.title: one for one in book.worksheets}
            if sheet is not None and sheet not in sheets:
                raise SettingsError(f"{path.name} has no sheet {sheet!r}: there are {', '.join(sheets)}")
            chosen = book.worksheets[0] if sheet is None else sheets[sheet]
            chosen.reset_dimensions()  # which exports often state wrongly
            yield from chosen.iter_rows(values_only=True)
        finally:
            book.close()
    except (BadZipFile, EOFError, InvalidFileException, LookupError, ParseError, TypeError, ValueError) as error:
        raise CollectError(
            f"{path.name} is no readable workbook ({type(error).__name__}): export it again, without a password"
        ) from error


def _csv(path: Path, sheet: str | None) -> Iterator[Line]:
    del sheet  # a CSV file is one
    text = _decoded(path.read_bytes())
    first, _, rest = text.partition("\n")
    if first.lower().startswith("sep="):  # Excel's own word on what separates
        delimiter, text = first[4:5], rest
    else:
        delimiter = max(DELIMITERS, key=lambda one: _widest(text, one))
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        yield from lines
    except csv.Error as error:
        raise CollectError(f"{path.name} line {lines.line_num}: {error}: correct it, or export it again") from error


def _widest(text: str, delimiter: str) -> int:
    """How many columns the widest of the first lines has."""
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    return max((len(line) for line in islice(lines, HEADER_WITHIN)), default=0)


def _decoded(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


READERS: Mapping[str, Callable[[Path, str | None], Iterator[Line]]] = {".xlsx": _workbook, ".csv": _csv}


# -- cells ------------------------------------------------------------------------------------------------------------


def present(line: Line, place: int | None) -> Cell:
    """What stands in a column; None for a blank, an error of Excel's, and a line that is too short."""
    found = line[place] if place is not None and place < len(line) else None
    return None if isinstance(found, str) and (not found.strip() or found.strip() in ERRORS) else found


def answer(cell: Cell) -> Answer | Sequence[str]:
    """A number, yes or no, text, or the choices of several, which Forms ends with semicolons; None for a blank."""
    if cell is None or isinstance(cell, bool | int | float):
        return cell
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    text = str(cell).replace("\xa0", " ").strip()
    return tuple(filter(None, map(str.strip, text.split(";")))) if text.endswith(";") else text


def instant(cell: Cell, written: str | None, place: str) -> date | None:
    """A time of the declared zone, or a day; None for a blank. CollectError with the shape of what is there instead."""
    if cell is None or isinstance(cell, date):
        return cell
    try:
        if isinstance(cell, int | float):
            return _counted(cell)
        text = str(cell).strip()
        return datetime.strptime(text, written) if written else _read(text)  # noqa: DTZ007  (of the declared zone)
    except (OverflowError, ValueError):
        shape = re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "0", str(cell)))[:30]
        raise CollectError(
            f"{place}: {shape!r} is no time of handing in: correct time_column, or set time_format to how times are"
            " written, such as %m/%d/%y %H:%M:%S"
        ) from None  # nothing of a person is told, also not by the cause


def _counted(days: float) -> date:
    found = from_excel(days) if days >= FIRST_DAY else None
    if not isinstance(found, date):
        raise ValueError("no day of this century")
    return found


def _read(text: str) -> datetime:
    if dotted := DOTTED.fullmatch(text):
        day, month, year, clock = dotted.groups()
        text = f"{year}-{month:0>2}-{day:0>2}"
        if clock:
            text += f"T{clock.zfill(8 if clock.count(':') > 1 else 5)}"
    return datetime.fromisoformat(text)
