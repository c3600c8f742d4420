"""A document of a few numbers, which tests change one by one."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from dxmetrics.reports.document import (
    Block,
    Chart,
    Column,
    Document,
    Figure,
    Meaning,
    Meanings,
    Section,
    Sentence,
    Sentences,
    Series,
    Span,
    Table,
    Tile,
    Tiles,
    Value,
)

Rows = tuple[tuple[Value | date | str | None, ...], ...]


def value(number: float | None, unit: str = "hours", **given: Any) -> Value:
    return Value(value=number, unit=unit, **given)


def tiles(hours: float | None = 31.0, n: int = 412, before: float = 20.0) -> Tiles:
    shown = value(hours, n=n, low=28.0, high=34.0)
    lead = Tile(
        metric="change_lead_time",
        title="Lead time",
        value=shown,
        compared="was 20 h in September",
        points=(18.0, before, hours),
    )
    return Tiles(tiles=(lead,))


def statement(*words: str, strong: tuple[str, ...] = ()) -> Sentence:
    return Sentence(spans=tuple(Span(text=one, is_strong=one in strong) for one in words), metric="change_lead_time")


def said(*sentences: Sentence) -> Sentences:
    return Sentences(title="What changed", sentences=sentences)


def chart(*values: float | None) -> Figure:
    weeks = tuple(f"W{number}" for number in range(40, 40 + len(values)))
    drawn = Chart(kind="columns", categories=weeks, series=(Series(name="all", tone="bars", values=values),), unit="")
    return Figure(title="Deployments", alt="", chart=drawn)


def table(rows: Rows) -> Table:
    columns = (Column(title="Service"), Column(title="Deployments", kind="number"), Column(title="Last", kind="date"))
    return Table(title="Services", columns=columns, rows=rows)


ROWS: Rows = (
    ("checkout", value(12, ""), date(2026, 10, 30)),
    ("ledger", value(3, ""), None),
)


def section(title: str, *blocks: Block, **given: Any) -> Section:
    return Section(name=title.lower().replace(" ", "_"), title=title, blocks=blocks, **given)


SECTIONS = (
    section("Key figures", tiles()),
    section("What changed", said(statement("Lead time rose to 31 h: mostly ", "review", strong=("review",)))),
    section("Trends", chart(3, None, 5), table(ROWS)),
    section("Data", table((("sources", value(4, ""), None),)), is_current=True),
    section(
        "Definitions",
        Meanings(meanings=(Meaning(metric="m", title="Lead time", unit="hours", meaning="From ...", source="DORA"),)),
    ),
)


def document(*sections: Section, **given: Any) -> Document:
    """October of the team Payments; other sections stand in the place of those of the same title."""
    titled = {one.title: one for one in SECTIONS} | {one.title: one for one in sections}
    october: dict[str, Any] = {
        "report": "review",
        "title": "Monthly review",
        "organisation": "Example",
        "team": "Payments",
        "start": date(2026, 10, 1),
        "end": date(2026, 11, 1),
        "compared_with": "September 2026",
        "zone": "Europe/Berlin",
        "as_of": datetime(2026, 11, 2, 6, tzinfo=UTC),
        "data_version": "20261102T060000Z",
        "sections": tuple(titled.values()),
    }
    return Document(**october | given)
