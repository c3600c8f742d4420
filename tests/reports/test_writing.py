"""Writing: every number of a document is the metrics API's, periods are complete, and what is unknown is said."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from dxmetrics.errors import SettingsError
from dxmetrics.metrics import Metrics, Window
from dxmetrics.metrics.changes import DORA
from dxmetrics.project import Project
from dxmetrics.reports import calendar, library, writing
from dxmetrics.reports.document import Document, Figure, Meanings, Section, Sentences, Table, Tile, Tiles, Value
from dxmetrics.survey.read import Surveys

OCTOBER = Window(date(2026, 10, 1), date(2026, 11, 1))
NOTHING_SAID = Surveys(())


def parsed(sections: str, **other: str) -> library.ReportFile:
    """A monthly report of all, with these sections."""
    keys = {"title": "T", "about": "A", "audience": "organisation", "period": "month"} | other
    text = "".join(f"{key}: {value}\n" for key, value in keys.items())
    return library.parsed(f"{text}sections: {sections}\n", "mine", "mine.yaml")


def blocks(document: Document, kind: type[Any]) -> Iterator[Any]:
    for section in document.sections:
        yield from (block for block in section.blocks if isinstance(block, kind))


def section(document: Document, name: str) -> Section:
    return next(one for one in document.sections if one.name == name)


def tiles(document: Document) -> dict[str, Tile]:
    return {tile.metric: tile for block in blocks(document, Tiles) for tile in block.tiles}


def test_key_figures_are_the_numbers_of_the_metrics_api(metrics: Metrics) -> None:
    document = writing.write(parsed("[key_figures]"), metrics, NOTHING_SAID, period="2026-10")
    found = tiles(document)
    assert tuple(found) == DORA
    for name, tile in found.items():
        (compared,) = metrics.compare(name, start=OCTOBER.start, end=OCTOBER.end)
        cell = compared.current
        shown = (tile.value.value, tile.value.n, tile.value.low, tile.value.high, tile.value.reason)
        assert shown == (cell.value, cell.n, cell.ci_low, cell.ci_high, cell.reason)
        assert (tile.change is not None) == compared.is_signal
        history = metrics.query(name, period="month", start=date(2026, 5, 1), end=OCTOBER.end)
        assert tile.points == tuple(None if one.is_partial else one.value for one in history)
        assert tile.points[-1] == tile.value.value or name == "deployment_frequency"


def test_a_document_says_whose_it_is_of_which_period_and_from_which_data(metrics: Metrics) -> None:
    report = parsed("[key_figures]", audience="team")
    document = writing.write(report, metrics, NOTHING_SAID, team="Payments")
    assert (document.report, document.team, document.start, document.end) == ("mine", "Payments", *_days(OCTOBER))
    assert (document.organisation, document.is_sample) == ("Sample organisation", True)
    assert (document.compared_with, document.zone) == ("September 2026", metrics.reporting_zone)
    assert (document.as_of, document.data_version) == (metrics.as_of, metrics.data_version)
    (cell,) = metrics.query("change_fail_rate", start=OCTOBER.start, end=OCTOBER.end, where={"team": ("Payments",)})
    assert tiles(document)["change_fail_rate"].value.n == cell.n


def test_the_same_numbers_give_the_same_document(sample: Project) -> None:
    report = library.find(sample, "engineering-quarterly")
    assert writing.written(sample, report) == writing.written(sample, report)


@pytest.mark.parametrize("name", ["delivery-review", "engineering-quarterly", "platform-adoption", "survey-results"])
def test_a_built_in_report_is_whole(sample: Project, metrics: Metrics, name: str) -> None:
    report = library.find(sample, name)
    team = "Payments" if report.audience == "team" else None
    document = writing.written(sample, report, team=team)
    asked = [one.section for one in report.sections]
    told = [one.name for one in document.sections]
    assert told == [one for one in dict.fromkeys(asked) if one in told]
    assert told[-1] == "definitions"
    assert Document.model_validate_json(document.model_dump_json()) == document
    known = {meaning.metric for block in blocks(document, Meanings) for meaning in block.meanings}
    catalogue = {one.name for one in metrics.catalogue()}
    named = {tile.metric for tile in tiles(document).values()}
    named |= {one.metric for block in blocks(document, Sentences) for one in block.sentences if one.metric}
    assert named & catalogue <= known
    assert all(figure.alt for figure in blocks(document, Figure))


def test_a_weekly_digest_is_of_the_last_complete_week(sample: Project) -> None:
    document = writing.written(sample, library.find(sample, "weekly-digest"), team="Data")
    assert (document.start, document.end) == (date(2026, 11, 16), date(2026, 11, 23))
    assert document.compared_with == "week 46 of 2026"
    (figure,) = blocks(document, Figure)
    assert figure.chart.starts[-1] == date(2026, 11, 16)
    assert not any(figure.chart.is_partial)


def test_three_metrics_over_time_are_one_section(metrics: Metrics) -> None:
    entries = "[{section: trend, metric: deployments}, {section: trend, metric: change_lead_time}, risks]"
    document = writing.write(parsed(entries), metrics, NOTHING_SAID)
    assert [(one.name, len(one.blocks)) for one in document.sections] == [("trend", 2), ("risks", 1)]


def test_definitions_come_last_wherever_they_are_asked_for(metrics: Metrics) -> None:
    document = writing.write(
        parsed("[definitions, {section: key_figures, metrics: [deployments]}]"), metrics, NOTHING_SAID
    )
    assert [one.name for one in document.sections] == ["key_figures", "definitions"]
    (block,) = section(document, "definitions").blocks
    definition = metrics.definition("deployments")
    assert [(one.metric, one.title, one.source) for one in block.meanings] == [
        ("deployments", definition.title, definition.source)
    ]
    assert block.meanings[0].meaning.startswith(definition.question)


def test_a_period_with_no_data_gives_a_document_that_says_so(sample: Project) -> None:
    document = writing.written(sample, library.find(sample, "delivery-review"), team="Payments", period="2019-03")
    first = document.sections[0]
    assert (first.name, first.title) == ("nothing", "Nothing is known of this period")
    assert first.lead is not None
    assert first.lead.startswith("No number of Payments is known from 1 Mar to 31 Mar 2019. What the sources tell")
    assert all(tile.value.value is None and tile.value.reason for tile in tiles(document).values())
    assert not any(tile.value.value == 0 for tile in tiles(document).values())
    assert section(document, "what_changed").blocks[0].nothing.startswith("Nothing can be compared with February 2019")


@pytest.mark.parametrize(
    ("period", "words"),
    [
        (
            "2026-11",
            "period '2026-11' is not over: the data reaches to 25 Nov 2026, 12:00 UTC; the last complete month ",
        ),
        ("2026-W44", "period '2026-W44' is no month: write it as 2026-10, or last"),
        ("2026-13", "period '2026-13' is no month"),
        ("October", "period 'October' is no month"),
    ],
)
def test_a_period_that_cannot_be_written_is_refused(metrics: Metrics, period: str, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        writing.write(parsed("[risks]"), metrics, NOTHING_SAID, period=period)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("audience", "team", "words"),
    [
        ("team", "Payment", "team 'Payment' is not known: did you mean 'Payments'? there are Data, Identity, Mobile"),
        ("team", "Ops", "team 'Ops' is not known: there are Data"),
        ("team", None, "report mine is one document for each team: name one of Data, Identity"),
        ("organisation", "Data", "report mine is one document for all teams: leave the team out"),
    ],
)
def test_a_team_that_there_is_not_is_refused(metrics: Metrics, audience: str, team: str | None, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        writing.write(parsed("[risks]", audience=audience), metrics, NOTHING_SAID, team=team)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (
            "{section: trend, metric: deploymnts}",
            "report mine, section 1 (trend): metric 'deploymnts' is not known: use",
        ),
        ("{section: table, metrics: [cost, cost_of_all]}", "section 1 (table): metric 'cost_of_all' is not known"),
        (
            "{section: table, metrics: [unallocated_cost_share]}",
            "report mine, section table: unallocated_cost_share has no dimension 'service'",
        ),
    ],
)
def test_a_metric_that_there_is_not_is_refused_with_its_section(metrics: Metrics, entry: str, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        writing.write(parsed(f"[{entry}]"), metrics, NOTHING_SAID)
    assert words in str(caught.value)


def test_there_is_a_document_for_each_team_that_is_named_or_owns_services(metrics: Metrics) -> None:
    assert writing.teams_of(parsed("[risks]"), metrics) == (None,)
    assert writing.teams_of(parsed("[risks]", audience="team"), metrics) == metrics.values("team")
    assert writing.teams_of(parsed("[risks]", audience="team", teams="[Search]"), metrics) == ("Search",)


def test_no_document_has_a_number_of_fewer_than_five_people(sample: Project) -> None:
    document = writing.written(sample, library.find(sample, "delivery-review"), team="Identity")
    (table,) = (block for block in section(document, "adoption").blocks if isinstance(block, Table))
    people = [row[2] for row in table.rows if isinstance(row[2], Value)]
    assert people
    assert all(one.is_hidden or (one.value or 0) >= 5 for one in people)


@pytest.mark.parametrize(
    ("kind", "start", "end", "text", "words"),
    [
        ("month", date(2026, 10, 1), date(2026, 11, 1), "2026-10", "October 2026"),
        ("quarter", date(2026, 7, 1), date(2026, 10, 1), "2026-Q3", "Q3 2026"),
        ("week", date(2026, 11, 16), date(2026, 11, 23), "2026-W47", "week 47 of 2026"),
    ],
)
def test_the_last_complete_period_is_the_one_people_would_name(
    kind: calendar.Kind, start: date, end: date, text: str, words: str
) -> None:
    as_of = datetime(2026, 11, 25, 12, tzinfo=UTC)
    assert _days(calendar.last_complete(kind, as_of, "UTC")) == (start, end)
    for written in (text, text.lower(), "last", None):
        assert _days(calendar.named(written, kind, as_of, "UTC")) == (start, end)
    assert calendar.words(Window(start, end), kind) == words


def test_a_month_is_over_when_it_is_over_in_the_reporting_zone() -> None:
    as_of = datetime(2026, 10, 31, 23, 30, tzinfo=UTC)
    assert _days(calendar.last_complete("month", as_of, "Europe/Berlin")) == _days(OCTOBER)
    assert _days(calendar.last_complete("month", as_of, "UTC")) == (date(2026, 9, 1), date(2026, 10, 1))
    assert calendar.is_over(OCTOBER, as_of, "Europe/Berlin")
    assert not calendar.is_over(OCTOBER, as_of, "UTC")


def test_the_53rd_week_of_a_year_that_has_one_is_a_week() -> None:
    as_of = datetime(2027, 2, 1, tzinfo=UTC)
    assert _days(calendar.named("2026-W53", "week", as_of, "UTC")) == (date(2026, 12, 28), date(2027, 1, 4))
    with pytest.raises(SettingsError, match="is no week"):
        calendar.named("2025-W53", "week", as_of, "UTC")


def _days(window: Window) -> tuple[date, date]:
    return window.start, window.end
