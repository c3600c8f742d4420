"""Every page runs on the published sample, and says what the metrics API says."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dxmetrics import numbers, state, ui
from dxmetrics.metrics import Definition, Metrics, complete_weeks
from dxmetrics.metrics.store import Publication
from dxmetrics.project import Project
from dxmetrics.state import Delivery
from dxmetrics.ui import receipt

from .conftest import NOW, OpenPage, html, page

WINDOW = complete_weeks(13, NOW, "UTC")


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("overview", "Overview"),
        ("delivery", "Delivery performance"),
        ("data_health", "Data health"),
        ("definitions", "Definitions"),
        ("experience", "Developer experience"),
        ("surveys", "Surveys"),
        ("adoption", "Adoption of the platform"),
        ("standards", "Standards"),
        ("does_it_help", "Does it help"),
        ("cost", "Cost"),
        ("ai_assistants", "AI assistants"),
    ],
)
def test_a_page_runs_and_shows_its_title(open_page: OpenPage, name: str, title: str) -> None:
    app = open_page(name)
    assert not app.exception
    assert [one.value for one in app.title] == [title]
    assert "Sample data: an invented organisation" in html(app)


def test_every_page_is_short_and_knows_no_sql() -> None:
    for file in (page("delivery").parent).glob("*.py"):
        text = file.read_text()
        assert len(text.splitlines()) <= 80, file.name
        assert "duckdb" not in text


@pytest.mark.parametrize(
    "name", ["change_lead_time", "change_fail_rate", "failed_deployment_recovery_time", "deployment_rework_rate"]
)
def test_a_card_shows_the_value_and_the_n_the_metrics_api_gives(
    open_page: OpenPage, metrics: Metrics, name: str
) -> None:
    cell = metrics.query(name, start=WINDOW.start, end=WINDOW.end)[0]
    figure, unit = numbers.measure(cell.value, cell.unit)
    drawn = html(open_page("delivery"))
    assert f"{figure}<small>{unit}</small>" in drawn
    assert f"{cell.n:,} " in drawn


def test_an_answer_is_given_per_metric_and_never_as_an_overall_level(open_page: OpenPage, metrics: Metrics) -> None:
    drawn = html(open_page("delivery"))
    band = metrics.band("change_lead_time", start=WINDOW.start, end=WINDOW.end)
    assert band is not None
    assert f">{band.label}</span>" in drawn
    assert not re.search(r"\b(elite|high performer|medium performer|low performer)\b", drawn, re.IGNORECASE)


def test_the_address_filters_the_page(open_page: OpenPage, metrics: Metrics) -> None:
    app = open_page("delivery", team="Mobile", period="4 weeks")
    assert not app.exception
    assert app.multiselect(key="team").value == ["Mobile"]
    start = WINDOW.end - timedelta(weeks=4)
    cell = metrics.query("change_fail_rate", start=start, end=WINDOW.end, where={"team": ["Mobile"]})[0]
    assert f"{cell.k:,} of {cell.n:,} deployments" in html(app)


def test_choosing_a_team_changes_the_numbers(open_page: OpenPage, metrics: Metrics) -> None:
    app = open_page("delivery")
    app.multiselect(key="team").set_value(["Search"]).run()
    assert not app.exception
    cell = metrics.query("change_fail_rate", start=WINDOW.start, end=WINDOW.end, where={"team": ["Search"]})[0]
    assert f"{cell.k:,} of {cell.n:,} deployments" in html(app)


def test_the_table_has_every_service_the_longest_lead_time_first(open_page: OpenPage, metrics: Metrics) -> None:
    table = open_page("delivery").dataframe[0].value
    cells = metrics.query("change_lead_time", start=WINDOW.start, end=WINDOW.end, by=["service"])
    known = {cell.dimensions["service"]: cell.value for cell in cells if cell.value is not None}
    slowest = max(known, key=lambda service: (known[service], service))
    first = table.iloc[0]
    assert first["service"].endswith(f"?service={slowest}#{slowest}")
    assert first["lead_time"] == pytest.approx(known[slowest])
    assert len(table) == len(set(table["service"]))


def test_the_sums_of_the_weekly_bars_are_the_deployments_of_the_window(open_page: OpenPage, metrics: Metrics) -> None:
    table = open_page("delivery").dataframe[0].value
    weeks = metrics.query("deployments", period="week", start=WINDOW.start, end=WINDOW.end)
    assert table["deployments"].sum() == sum(cell.value or 0 for cell in weeks)


def test_a_service_without_data_says_why_instead_of_zero(open_page: OpenPage, metrics: Metrics) -> None:
    service = next(
        cell.dimensions["service"]
        for cell in metrics.query("change_lead_time", start=WINDOW.start, end=WINDOW.end, by=["service"])
        if cell.value is None
    )
    cell = metrics.query("change_lead_time", start=WINDOW.start, end=WINDOW.end, where={"service": [service]})[0]
    app = open_page("delivery", service=service)
    assert not app.exception
    assert cell.reason
    assert cell.reason in html(app)


def test_a_receipt_is_opened_by_its_button_and_by_its_address(open_page: OpenPage, metrics: Metrics) -> None:
    app = open_page("delivery")
    app.button(key="receipt-card-change_fail_rate").click().run()
    assert not app.exception
    assert app.query_params["receipt"] == "change_fail_rate"
    paper = metrics.explain("change_fail_rate", start=WINDOW.start, end=WINDOW.end)
    rows = app.dataframe[-1].value
    assert len(rows) == len(paper.rows)
    assert any("select" in block.value for block in app.code)
    again = open_page("delivery", receipt="change_fail_rate")
    assert len(again.dataframe[-1].value) == len(rows)


def test_an_unknown_receipt_in_the_address_opens_nothing(open_page: OpenPage) -> None:
    app = open_page("delivery", receipt="nonsense")
    assert not app.exception
    assert len(app.code) == 0


def test_every_metric_has_a_receipt_that_can_be_written(metrics: Metrics) -> None:
    for definition in metrics.catalogue():
        paper = metrics.explain(definition.name)
        said = receipt.summary(paper)
        assert said["Definition"].startswith(definition.source), definition.name
        assert len(receipt.rows(paper)) == len(paper.rows), definition.name


@pytest.mark.parametrize(
    "name",
    [
        "deployments",
        "deployment_frequency",
        "failed_deployment_recovery_time",
        "undeployed_changes",
        "change_cycle_stages",
    ],
)
def test_a_receipt_of_every_kind_can_be_drawn(open_page: OpenPage, name: str) -> None:
    app = open_page("delivery", receipt=name)
    assert not app.exception
    assert len(app.code) == 1


def test_no_column_of_a_receipt_names_a_person(open_page: OpenPage) -> None:
    rows = open_page("delivery", receipt="change_lead_time").dataframe[-1].value
    assert not {"author", "author_id", "person", "person_id", "reviewer", "actor"} & set(rows.columns)


def test_definitions_list_every_metric_and_can_be_searched(open_page: OpenPage, metrics: Metrics) -> None:
    app = open_page("definitions")
    assert len(app.expander) == len(metrics.catalogue())
    found = open_page("definitions", q="rework")
    titles = [fold.label for fold in found.expander]
    assert any("Deployment rework rate" in title for title in titles)
    assert len(titles) < len(metrics.catalogue())


def test_an_opened_definition_shows_its_sql(open_page: OpenPage) -> None:
    app = open_page("definitions", change_lead_time="true")
    assert not app.exception
    assert any("as hours" in block.value for block in app.code)


def test_data_health_says_since_when_each_source_is_complete(open_page: OpenPage, metrics: Metrics) -> None:
    app = open_page("data_health")
    coverage = app.dataframe[1].value
    assert set(coverage["Source"]) == {"sample"}
    assert len(coverage) == len(metrics.health().coverage)


def test_before_the_first_publication_the_page_says_what_to_run(
    tmp_path: Path, serve: Callable[[Path, Path], None]
) -> None:
    serve(tmp_path, tmp_path / "data")
    app = AppTest.from_file(page("delivery"), default_timeout=60).run()
    assert not app.exception
    assert app.title[0].value == "Nothing to show yet"
    assert "dxmetrics up" in app.code[0].value


@pytest.mark.parametrize(
    ("name", "metric"),
    [
        ("delivery", "change_fail_rate"),
        ("adoption", "stickiness"),
        ("standards", "standard_results"),
        ("does_it_help", "market_share"),
        ("cost", "cost"),
        ("ai_assistants", "ai_reach"),
    ],
)
def test_a_page_of_what_is_not_built_yet_says_so(
    open_afresh: OpenPage, monkeypatch: pytest.MonkeyPatch, name: str, metric: str
) -> None:
    known = Publication.definition

    def definition(publication: Publication, asked: str) -> Definition:
        return known(publication, "not yet" if asked == metric else asked)

    monkeypatch.setattr(Publication, "definition", definition)
    app = open_afresh(name)
    assert not app.exception
    assert "Not built yet" in html(app)
    assert app.code[-1].value == "dxmetrics build"


def test_a_new_publication_is_picked_up_without_a_restart(
    published: Project, tmp_path: Path, serve: Callable[[Path, Path], None]
) -> None:
    folder = tmp_path / "published"
    serve(tmp_path, tmp_path)
    app = AppTest.from_file(page("delivery"), default_timeout=60).run()
    assert app.title[0].value == "Nothing to show yet"
    folder.mkdir()
    name = (published.data / "published" / "current").read_text().strip()
    (folder / name).symlink_to(published.data / "published" / name)
    (folder / "current").write_text(name)
    app.run()
    assert app.title[0].value == "Delivery performance"


def test_a_page_of_the_users_own_project_is_in_the_navigation(
    published: Project, tmp_path: Path, serve: Callable[[Path, Path], None]
) -> None:
    own = tmp_path / "dashboards" / "pages"
    own.mkdir(parents=True)
    (own / "on_call.py").write_text("import streamlit as st\nst.title('On call')\n")
    (tmp_path / "dx.toml").write_text("[organisation]\nname = 'Acme'\n")
    serve(tmp_path, published.data)
    script = Path(ui.__file__).with_name("navigation.py")
    app = AppTest.from_file(script, default_timeout=60).run()
    assert not app.exception
    assert app.title[0].value == "Overview"
    app.switch_page(str(own / "on_call.py")).run()
    assert app.title[0].value == "On call"


def test_the_window_is_complete_weeks_and_charts_add_the_running_one() -> None:
    assert (WINDOW.start, WINDOW.end) == (date(2026, 8, 24), date(2026, 11, 23))


def test_data_health_tells_what_is_due_and_what_was_pushed_in_vain(open_page: OpenPage, published: Project) -> None:
    with state.of_project(published, lambda: NOW) as store:
        store.schedule.start("sample")
        store.schedule.finish("sample", "failed", NOW + timedelta(minutes=15))
        store.run_log.add("r1", "collect", "failed", source="sample", seconds=7.25, message="sample: 500 on /plan")
        store.inbox.append(Delivery("events", "1", {}, b"{}"))
        (one,) = store.inbox.pending(1)
        store.inbox.fail({one.id: "com.example.thing is no CDEvent: nothing is made of it"})
    app = open_page("data_health")
    assert not app.exception
    drawn = html(app)
    assert "No worker runs: start `dxmetrics up` or `dxmetrics work` · nothing that was pushed waits" in drawn
    assert "com.example.thing is no CDEvent" in drawn
    tables = [one.value for one in app.dataframe]
    due = next(table for table in tables if "Failures in a row" in table)
    assert due[["Source", "Ended", "Failures in a row"]].to_numpy().tolist() == [["sample", "failed", 1]]
    done = next(table for table in tables if "Took" in table)
    assert done[["Step", "Took", "Said"]].to_numpy().tolist() == [["collect", "7.2 s", "sample: 500 on /plan"]]
