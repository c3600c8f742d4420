"""The document every report is: sections of tiles, sentences, figures and tables, with every number inside.

It is frozen, compares by value, and survives `model_dump_json` and `model_validate_json`: that is how editions are
kept. It knows nothing of paper, slides or sheets.
"""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from dxmetrics import numbers

PREVIEW = "preview"  # the id of a document that is not kept

Tone = Literal["accent", "bars", "bad", "good", "muted", "coding", "pickup", "review", "deploy"]
Change = Literal["better", "worse"]


class Part(BaseModel):
    """What every part of a document has: it cannot change, and knows its own fields only."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Value(Part):
    """One number with what it rests on. `value` is None where it is unknown, and `reason` says why.

    `is_hidden`: it is known, and not told, as it would be about too few people.
    """

    value: float | None
    unit: str = ""
    n: int | None = None
    k: int | None = None
    low: float | None = None
    high: float | None = None
    is_partial: bool = False
    is_hidden: bool = False
    reason: str | None = None

    @property
    def text(self) -> str:
        """As pages say it: "12.7 h", "9.0 %"; "hidden" or a dash where there is no number to show."""
        return "hidden" if self.is_hidden else numbers.text(self.value, self.unit)


class Span(Part):
    """A run of words in a sentence."""

    text: str
    is_strong: bool = False


class Sentence(Part):
    """One statement. `metric` names what it is about; `change` colours it where it is good or bad news."""

    spans: tuple[Span, ...]
    metric: str | None = None
    change: Change | None = None

    @property
    def text(self) -> str:
        """The words alone."""
        return "".join(span.text for span in self.spans)


class Tile(Part):
    """One key figure: `compared` is what is said of the period before, `note` what the number rests on.

    `points` are earlier periods and its own, the oldest first, for a line beside it; None where nothing is known.
    """

    metric: str
    title: str
    value: Value
    compared: str | None = None
    change: Change | None = None
    note: str | None = None
    points: tuple[float | None, ...] = ()


class Series(Part):
    """One row of numbers of a chart, one for each category; `low` and `high` are its interval or middle half."""

    name: str
    tone: Tone
    values: tuple[float | None, ...]
    low: tuple[float | None, ...] = ()
    high: tuple[float | None, ...] = ()


class Chart(Part):
    """What is drawn, without how: columns and lines over time, bars and dots below each other.

    Columns and bars are stacked where there are several series. `starts` are the categories' first days where they
    are periods; `is_partial` marks those that are not over, which are drawn hollow. Values are in `unit`.
    """

    kind: Literal["columns", "line", "bars", "dots"]
    categories: tuple[str, ...]
    series: tuple[Series, ...]
    unit: str
    starts: tuple[date, ...] = ()
    is_partial: tuple[bool, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return all(value is None for one in self.series for value in one.values)


class Column(Part):
    """One column of a table: numbers are `Value`s in its unit, all else are words or days."""

    title: str
    kind: Literal["text", "number", "date"] = "text"
    unit: str = ""
    has_bar: bool = False  # a bar beside the number, from 0 to the largest of the column


class Tiles(Part):
    """Key figures beside each other."""

    kind: Literal["tiles"] = "tiles"
    tiles: tuple[Tile, ...]


class Sentences(Part):
    """A list of statements, the most important first; `nothing` is said where there is none."""

    kind: Literal["sentences"] = "sentences"
    title: str | None = None
    sentences: tuple[Sentence, ...]
    nothing: str = ""


class Figure(Part):
    """A chart under its title; `note` says how to read it or what it shows, `alt` the same to who cannot see it."""

    kind: Literal["figure"] = "figure"
    title: str
    note: str | None = None
    alt: str
    chart: Chart


class Table(Part):
    """Rows under titled columns; `nothing` is said where there is no row."""

    kind: Literal["table"] = "table"
    title: str
    note: str | None = None
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value | date | str | None, ...], ...]
    nothing: str = "Nothing to show."


class Meaning(Part):
    """What a number of the document means: the definition, and where its formula is from."""

    metric: str
    title: str
    unit: str
    meaning: str
    source: str


class Meanings(Part):
    """The definitions of every metric in the document."""

    kind: Literal["meanings"] = "meanings"
    meanings: tuple[Meaning, ...]


Block = Annotated[Tiles | Sentences | Figure | Table | Meanings, Field(discriminator="kind")]


class Section(Part):
    """A part of a document under a heading; `lead` is its finding in one sentence.

    `is_current`: it tells of the moment it was written, not of the period, such as how fresh the data is: that it
    reads differently later corrects nothing.
    """

    name: str
    title: str
    lead: str | None = None
    is_current: bool = False
    blocks: tuple[Block, ...]


class Document(Part):
    """One report for one period, of one team or of all (`team` is None).

    `start` and `end` are half-open days in `zone`. `data_version` is the publication it was written from, `as_of` how
    far its data reaches. `id` and `edition` are given when it is kept; an edition after the first one corrects it, and
    `corrections` says what.
    """

    report: str
    title: str
    organisation: str
    team: str | None
    start: date
    end: date
    compared_with: str
    zone: str
    as_of: datetime
    data_version: str
    is_sample: bool = False
    sections: tuple[Section, ...]
    footnotes: tuple[str, ...] = ()
    id: str = PREVIEW
    edition: int = 1
    corrections: tuple[Sentence, ...] = ()

    @property
    def scope(self) -> str:
        """Whom it is about: the team, or "All teams"."""
        return self.team or "All teams"

    @property
    def span(self) -> str:
        """Its first and last day in words."""
        return numbers.span(self.start, self.end)
