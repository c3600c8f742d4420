"""Sections: what each says, in which order, and what it keeps to itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest

from dxmetrics.metrics import Metrics
from dxmetrics.reports import library, writing
from dxmetrics.reports.document import Document, Figure, Section, Sentences, Table, Tiles, Value
from dxmetrics.survey.actions import Action
from dxmetrics.survey.read import Surveys

NO_SURVEYS = Surveys(())
OCTOBER = {"start": date(2026, 10, 1), "end": date(2026, 11, 1)}
ACTION = {
    "survey": "devex", "wave": "2026-Q2", "theme": None, "said": "Builds are slow.", "did": "Bought machines.",
    "owner": "Mobile", "due_on": date(2026, 10, 12), "status": "done",
}  # fmt: skip


def written(
    metrics: Metrics,
    entry: str,
    surveys: Surveys = NO_SURVEYS,
    *,
    period: str = "month",
    team: str | None = None,
    actions: Sequence[Action] = (),
) -> Document:
    """A document with this one section, of the last complete period."""
    text = f"title: T\nabout: A\naudience: {'team' if team else 'organisation'}\nperiod: {period}\nsections: [{entry}]"
    return writing.write(library.parsed(text, "mine", "mine.yaml"), metrics, surveys, team=team, actions=actions)


def the(document: Document, name: str) -> Section:
    (found,) = (one for one in document.sections if one.name == name)
    return found


def table(section: Section, title: str | None = None) -> Table:
    (found,) = (one for one in section.blocks if isinstance(one, Table) and title in (None, one.title))
    return found


def figure(section: Section) -> Figure:
    (found,) = (one for one in section.blocks if isinstance(one, Figure))
    return found


def column(found: Table, place: int) -> list[Any]:
    return [row[place] for row in found.rows]


def numbers_of(found: Table, place: int) -> list[float | None]:
    return [cell.value for cell in column(found, place) if isinstance(cell, Value)]


def test_a_table_of_teams_is_in_alphabetical_order_with_the_numbers_of_the_metrics_api(metrics: Metrics) -> None:
    entry = "{section: table, metrics: [deployments, change_fail_rate, change_lead_time], by: team}"
    found = table(the(written(metrics, entry), "table"))
    names = [name for name in column(found, 0) if name != "unmapped"]
    assert names == sorted(names)
    assert set(metrics.values("team")) <= set(names)
    assert [one.unit for one in found.columns] == ["", "deployments/week", "%", "hours"]
    for place, metric in ((1, "deployments"), (2, "change_fail_rate"), (3, "change_lead_time")):
        cells = {cell.dimensions["team"] or "unmapped": cell for cell in metrics.query(metric, by=("team",), **OCTOBER)}
        assert numbers_of(found, place) == [cells[name].value for name in column(found, 0)]


def test_services_can_be_in_the_order_of_a_number_which_is_cut_off_openly(metrics: Metrics) -> None:
    entry = "{section: table, metrics: [deployments, change_fail_rate], order: change_fail_rate, most: 3}"
    found = table(the(written(metrics, entry), "table"))
    shares = [share or 0 for share in numbers_of(found, 3)]
    assert len(shares) == 3
    assert shares == sorted(shares, reverse=True)
    assert found.note is not None
    assert found.note.startswith("The first 3 of ")
    assert found.columns[1].title == "Team"
    assert found.columns[3].has_bar


def test_of_many_services_in_alphabetical_order_those_with_the_most_events_are_shown(metrics: Metrics) -> None:
    found = table(the(written(metrics, "{section: table, metrics: [deployments], most: 4}"), "table"))
    cells = metrics.query("deployments", by=("service",), **OCTOBER)
    busiest = sorted(cells, key=lambda cell: (-cell.n, cell.dimensions["service"] or ""))[:4]
    assert column(found, 0) == sorted(str(cell.dimensions["service"]) for cell in busiest)
    assert found.note is not None
    assert found.note.endswith("in alphabetical order.")


def test_a_table_of_one_team_has_its_services_only(metrics: Metrics) -> None:
    found = table(the(written(metrics, "{section: table, metrics: [deployments]}", team="Payments"), "table"))
    cells = metrics.query("deployments", by=("service",), where={"team": ("Payments",)}, **OCTOBER)
    assert column(found, 0) == [cell.dimensions["service"] for cell in cells if cell.n]
    assert [one.title for one in found.columns] == ["Service", "Deployments"]


def test_a_trend_shows_complete_weeks_up_to_the_end_of_the_month(metrics: Metrics) -> None:
    chart = figure(the(written(metrics, "{section: trend, metric: change_lead_time}"), "trend")).chart
    assert len(chart.starts) == 13
    assert chart.starts[-1] + timedelta(weeks=1) <= OCTOBER["end"] < chart.starts[-1] + timedelta(weeks=2)
    cells = metrics.query(
        "change_lead_time", period="week", start=chart.starts[0], end=chart.starts[-1] + timedelta(weeks=1)
    )
    (series,) = chart.series
    assert series.values == tuple(cell.value for cell in cells)
    assert (series.low, series.high) == (tuple(cell.p25 for cell in cells), tuple(cell.p75 for cell in cells))


def test_the_trend_of_a_quarter_is_by_month(metrics: Metrics) -> None:
    document = written(metrics, "{section: trend, metric: change_fail_rate}", period="quarter")
    chart = figure(the(document, "trend")).chart
    assert (len(chart.starts), chart.starts[-1], chart.categories[-1]) == (12, date(2026, 9, 1), "Sep 2026")


def test_deployments_over_time_are_split_into_those_that_needed_a_fix(metrics: Metrics) -> None:
    chart = figure(the(written(metrics, "{section: trend, metric: deployments}"), "trend")).chart
    window = {"period": "week", "start": chart.starts[0], "end": chart.starts[-1] + timedelta(weeks=1)}
    failed = [cell.k for cell in metrics.query("change_fail_rate", **window)]
    counted = [cell.value for cell in metrics.query("deployments", **window)]
    fine, bad = (series.values for series in chart.series)
    assert list(bad) == failed
    assert [one + other for one, other in zip(fine, bad, strict=True)] == counted


def test_stages_are_told_by_team_in_alphabetical_order_and_add_up(metrics: Metrics) -> None:
    chart = figure(the(written(metrics, "stages"), "stages")).chart
    names = [name for name in chart.categories if name != "unmapped"]
    assert names == sorted(names)
    cells = metrics.query("change_cycle_stages", by=("team",), **OCTOBER)
    for place, name in enumerate(chart.categories):
        hours = sum(cell.value or 0 for cell in cells if (cell.dimensions["team"] or "unmapped") == name)
        assert sum(series.values[place] or 0 for series in chart.series) == pytest.approx(hours)


def test_adoption_tells_of_each_capability_in_the_last_whole_week_of_the_period(metrics: Metrics) -> None:
    section = the(written(metrics, "adoption"), "adoption")
    reach, teams = table(section, "How far each capability reaches"), table(section, "Teams by what they make of it")
    week = {"start": date(2026, 10, 19), "end": date(2026, 10, 26)}
    cells = {
        cell.dimensions["capability_title"]: cell
        for cell in metrics.query("market_share", by=("capability_title",), **week)
    }
    titles = [title.removesuffix(" (mandated)") for title in column(reach, 0)]
    assert titles == sorted(title for title in cells if title)
    assert numbers_of(reach, 2) == [cells[title].value for title in titles]
    states = metrics.query("team_adoption", by=("capability_title", "state"), **week)
    adopted = {cell.dimensions["capability_title"]: cell.n for cell in states if cell.dimensions["state"] == "adopted"}
    assert numbers_of(teams, 1) == [adopted.get(title, 0) for title in column(teams, 0)]


def test_standards_are_told_with_the_remedy_where_any_service_fails(metrics: Metrics) -> None:
    section = the(written(metrics, "standards"), "standards")
    assert section.is_current
    found = table(section)
    for title, _, met, failing, _, remedy in found.rows:
        assert isinstance(title, str)
        assert isinstance(failing, Value)
        cells = metrics.query("standard_results", by=("status",), where={"standard_title": (title,)})
        by_status = {cell.dimensions["status"]: cell.n for cell in cells}
        assert failing.value == by_status.get("fail", 0)
        assert bool(remedy) == bool(failing.value)
        assert isinstance(met, Value)
        assert (met.k, met.n) == (by_status.get("pass", 0), by_status.get("pass", 0) + by_status.get("fail", 0))
    tiers = list(dict.fromkeys(column(found, 1)))
    assert tiers == ["bronze", "silver", "gold"]


def test_what_people_said_is_told_with_hidden_cells_hidden(metrics: Metrics, surveys: Surveys) -> None:
    section = the(written(metrics, "experience", surveys, period="quarter"), "experience")
    now = surveys.find("devex-quarterly", "2026-Q3")
    (tiles,) = (one for one in section.blocks if isinstance(one, Tiles))
    cells = {one.measure: one for one in now.cells if one.cut == "all"}
    assert [one.metric for one in tiles.tiles] == ["participation", "devex", "recommend_v1"]
    assert [one.value.value for one in tiles.tiles[1:]] == [cells["devex"].value, cells["recommend_v1"].value]
    by_team = table(section, "By team")
    hidden = {one.key for one in now.cells if (one.cut, one.measure, one.shown) == ("team", "devex", False)}
    assert {row[0] for row in by_team.rows if isinstance(row[1], Value) and row[1].is_hidden} == hidden
    assert all(one.value is None for row in by_team.rows for one in row if isinstance(one, Value) and one.is_hidden)
    chart = figure(section).chart
    values = [value or 0 for value in chart.series[0].values]
    assert values == sorted(values)


def test_a_teams_report_has_its_own_answers_beside_everybodys(metrics: Metrics, surveys: Surveys) -> None:
    section = the(written(metrics, "experience", surveys, period="quarter", team="Search"), "experience")
    now = surveys.find("devex-quarterly", "2026-Q3")
    cell = next(one for one in now.cells if (one.measure, one.cut, one.key) == ("devex", "team", "Search"))
    (tiles,) = (one for one in section.blocks if isinstance(one, Tiles))
    assert tiles.tiles[1].value.value == cell.value
    assert [series.name for series in figure(section).chart.series] == ["Search", "Everybody"]
    assert not any(isinstance(one, Table) for one in section.blocks)


def test_a_wave_that_closes_after_the_period_is_not_told(metrics: Metrics, surveys: Surveys) -> None:
    later = Surveys([one for one in surveys.all() if one.closed_on >= date(2026, 10, 1)])
    assert written(metrics, "experience", later, period="quarter").sections[0].name == "nothing"
    document = written(metrics, "{section: experience, survey: devex-quarterly}", later, period="quarter")
    (block,) = the(document, "experience").blocks
    assert isinstance(block, Sentences)
    assert block.nothing == "No wave of the survey 'devex-quarterly' had results by the end of the period."


def test_cost_is_told_in_whole_months_and_with_what_belongs_to_nobody(metrics: Metrics) -> None:
    section = the(written(metrics, "cost"), "cost")
    (tiles,) = (one for one in section.blocks if isinstance(one, Tiles))
    (whole,) = metrics.query("cost", **OCTOBER)
    (share,) = metrics.query("unallocated_cost_share", **OCTOBER)
    assert [(one.value.value, one.value.unit) for one in tiles.tiles[::2]] == [(whole.value, "EUR"), (share.value, "%")]
    by_team = table(section)
    assert column(by_team, 0) == sorted(column(by_team, 0), key=lambda name: (name == "unmapped", name))
    borne = metrics.query("cost", by=("allocation",), **OCTOBER)
    expected = sum(cell.value or 0 for cell in borne if cell.dimensions["allocation"] != "unallocated")
    assert sum(one or 0 for one in numbers_of(by_team, 1)) == pytest.approx(expected)
    chart = figure(section).chart
    assert chart.starts[-1] == OCTOBER["start"]
    assert sum(series.values[-1] or 0 for series in chart.series) == pytest.approx(whole.value)


def test_what_was_done_in_the_period_is_told_and_what_is_late_comes_first_in_what_is_next(metrics: Metrics) -> None:
    actions = [
        Action(**ACTION),
        Action(**ACTION | {"did": "Long ago.", "due_on": date(2026, 8, 1)}),
        Action(**ACTION | {"did": "Fix search.", "status": "planned", "due_on": date(2026, 12, 1), "owner": "Search"}),
        Action(**ACTION | {"did": "Mend tests.", "status": "doing", "due_on": date(2026, 11, 1)}),
    ]
    document = written(metrics, "done, next", actions=actions)
    (done,), (following,) = the(document, "done").blocks, the(document, "next").blocks
    assert isinstance(done, Sentences)
    assert isinstance(following, Sentences)
    assert done.sentences[0].text == "Mobile: Bought machines. (12 Oct 2026; said in 2026-Q2: “Builds are slow.”)"
    assert not any("Long ago" in one.text for one in done.sentences)
    assert [one.text for one in following.sentences] == [
        "Mobile: Mend tests. (doing, overdue since 1 Nov 2026)",
        "Search: Fix search. (planned, due 1 Dec 2026)",
    ]
    assert not the(document, "done").is_current
    assert the(document, "next").is_current
    of_search = the(written(metrics, "next", actions=actions, team="Search"), "next").blocks[0]
    assert isinstance(of_search, Sentences)
    assert [one.text for one in of_search.sentences] == ["Search: Fix search. (planned, due 1 Dec 2026)"]


def test_coverage_tells_linkage_of_the_period_and_freshness_of_now(metrics: Metrics) -> None:
    section = the(written(metrics, "coverage"), "coverage")
    assert section.is_current
    linkage, sources = table(section, "Linkage in the period"), table(section, "Sources")
    (cell,) = metrics.query("deployment_linkage", **OCTOBER)
    assert numbers_of(linkage, 1)[0] == cell.value
    assert column(sources, 0) == ["sample"]
    complete = [row["complete_since"].date() for row in metrics.health().coverage]
    assert column(sources, 3) == [max(complete)]


def test_without_any_capability_survey_or_cost_their_sections_are_left_out(metrics: Metrics) -> None:
    document = written(metrics, "experience, risks")
    assert [one.name for one in document.sections if one.name != "nothing"] == ["risks"]


def test_every_other_section_can_be_written_of_a_team(metrics: Metrics, surveys: Surveys) -> None:
    entries = "key_figures, what_changed, stages, adoption, standards, experience, cost, risks, done, coverage"
    document = written(metrics, entries, surveys, team="Platform")
    assert [one.name for one in document.sections] == entries.split(", ")
    texts = document.model_dump_json()
    assert "Payments" not in texts.replace('"name":"Payments"', "")
