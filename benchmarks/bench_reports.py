"""Rendering a report of eight pages: eight charts, ten key figures, tables of 120 rows; the first time and the next."""

from __future__ import annotations

import io
import random
import statistics
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from pypdf import PdfReader

from benchmarks.measurement import Measurement, Stopwatch, at_most, hand_over, timed
from dxmetrics.reports import render
from dxmetrics.reports.document import (
    Block,
    Chart,
    Column,
    Document,
    Figure,
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

GOALS = {"pdf": 1.0, "pptx": 0.3, "xlsx": 0.3}  # seconds
PAGES, LARGEST_PAGE = 8, 1_000_000
ROUNDS = 5
WEEKS = tuple(date(2026, 8, 3) + timedelta(weeks=number) for number in range(13))
TEAMS = tuple(f"Team {number}" for number in range(12))
SERVICES = 60
START, END = date(2026, 10, 1), date(2026, 11, 1)


def measure() -> Iterator[Measurement]:
    """Each format once after the start, then the median of documents that were never rendered before."""
    for name in render.FORMATS:
        with timed() as first:
            render.render(document(0), name)
        watches = [rendered(document(number), name) for number in range(1, ROUNDS + 1)]
        watch = Stopwatch()
        watch.seconds = statistics.median(one.seconds for one in watches)
        watch.cpu_seconds = statistics.median(one.cpu_seconds for one in watches)
        note = f" (the first {first.seconds:.2f} s)"
        if name in GOALS:
            yield at_most(f"{name}, median of {ROUNDS}", watch, GOALS[name], note)
        else:
            yield Measurement(
                f"{name}, median of {ROUNDS}", f"{watch.seconds:.2f} s, cpu {watch.cpu_seconds:.2f} s{note}"
            )
    with timed() as watch:
        render.letter(document(0))
    yield Measurement("mail, with its charts", f"{watch.seconds:.2f} s, cpu {watch.cpu_seconds:.2f} s")
    pages = len(PdfReader(io.BytesIO(render.render(document(0), "pdf"))).pages)
    yield Measurement("pages of the PDF", str(pages), f"= {PAGES}", pages == PAGES)
    size = len(render.render(document(0), "html"))
    yield Measurement("HTML, one file", f"{size / 1000:.0f} kB", "<= 1000 kB", size <= LARGEST_PAGE)


def rendered(one: Document, name: str) -> Stopwatch:
    """The time of rendering a document."""
    with timed() as watch:
        render.render(one, name)
    return watch


def document(seed: int) -> Document:
    """A document with other numbers for each seed."""
    chance = random.Random(seed)
    sections = [Section(name="key", title="Key figures", blocks=(tiles(chance), sentences()))]
    for number in range(4):
        charts = (
            (over_time(chance, "columns"), over_time(chance, "line")) if number % 2 else (bars(chance), dots(chance))
        )
        sections.append(Section(name=f"part{number}", title=f"Part {number}", lead="What was found.", blocks=charts))
    sections.append(Section(name="tables", title="Services", blocks=(table(chance), table(chance))))
    return Document(
        report="bench",
        title="Quarterly engineering report",
        organisation="Example",
        team=None,
        start=START,
        end=END,
        compared_with="September 2026",
        zone="UTC",
        as_of=datetime(2026, 11, 2, tzinfo=UTC),
        data_version="1",
        sections=tuple(sections),
        id=f"bench-{seed}",
    )


def tiles(chance: random.Random) -> Block:
    return Tiles(
        tiles=tuple(
            Tile(
                metric=f"m{number}",
                title=f"Key figure {number}",
                value=Value(value=chance.uniform(1, 60), unit="hours", n=chance.randrange(999)),
                compared="5 % shorter than in September",
                change="better",
                note="120 changes",
                points=tuple(chance.uniform(1, 60) for _ in range(12)),
            )
            for number in range(10)
        )
    )


def sentences() -> Block:
    spans = (
        Span(text="Lead time fell in "),
        Span(text="Payments", is_strong=True),
        Span(text=", where reviews are faster."),
    )
    return Sentences(title="What changed", sentences=(Sentence(spans=spans, change="better"),) * 6)


def over_time(chance: random.Random, kind: str) -> Block:
    values = tuple(chance.uniform(10, 60) for _ in WEEKS)
    low, high = tuple(value / 2 for value in values), tuple(value * 2 for value in values)
    series = {"name": "Median", "tone": "accent", "values": values, "low": low, "high": high}
    chart = {
        "kind": kind,
        "categories": [f"{day.day} {day:%b}" for day in WEEKS],
        "series": [series],
        "unit": "hours",
        "starts": WEEKS,
        "is_partial": [False] * len(WEEKS),
    }
    return Figure(title="Over time", note="The median.", alt="A chart.", chart=Chart.model_validate(chart))


def bars(chance: random.Random) -> Block:
    tones = ("coding", "pickup", "review", "deploy")
    series = tuple(
        Series(name=tone.title(), tone=tone, values=tuple(chance.uniform(1, 20) for _ in TEAMS)) for tone in tones
    )
    chart = Chart(kind="bars", categories=TEAMS, series=series, unit="hours")
    return Figure(title="Where time goes", alt="A chart.", chart=chart)


def dots(chance: random.Random) -> Block:
    values = tuple(chance.uniform(20, 80) for _ in TEAMS)
    low, high = tuple(value - 10 for value in values), tuple(value + 10 for value in values)
    series = Series(name="Favourable", tone="accent", values=values, low=low, high=high)
    return Figure(
        title="Scores", alt="A chart.", chart=Chart(kind="dots", categories=TEAMS, series=(series,), unit="%")
    )


def table(chance: random.Random) -> Block:
    columns = (
        Column(title="Service"),
        Column(title="Team"),
        Column(title="Deployments", kind="number", unit="deployments"),
        Column(title="Change fail rate", kind="number", unit="%", has_bar=True),
        Column(title="Lead time", kind="number", unit="hours"),
    )
    rows = tuple(
        (
            f"service-{number:03}",
            TEAMS[number % len(TEAMS)],
            Value(value=float(chance.randrange(900)), unit="deployments"),
            Value(value=chance.uniform(0, 20), unit="%", n=chance.randrange(900)),
            Value(value=chance.uniform(1, 200), unit="hours"),
        )
        for number in range(SERVICES)
    )
    return Table(title="Services", columns=columns, rows=rows)


if __name__ == "__main__":
    hand_over(measure())
