"""The page Cost says what the metrics API says: sums, whole months, one currency, and what belongs to nobody."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from dxmetrics.metrics import Metrics
from dxmetrics.palette import LIGHT
from dxmetrics.ui import charts
from dxmetrics.ui.cost import figures, view, words
from dxmetrics.ui.cost.view import Bearer, Minutes, Month, View

from .conftest import OpenPage, cell, html

OCTOBER: dict[str, Any] = {"start": date(2026, 10, 1), "end": date(2026, 11, 1)}


# -- on the sample ----------------------------------------------------------------------------------------------------


def test_the_last_whole_month_is_what_the_metrics_api_gives(open_page: OpenPage, metrics: Metrics) -> None:
    app = open_page("cost")
    assert not app.exception
    assert [one.value for one in app.title] == ["Cost"]
    spent = metrics.query("cost", period="month", **OCTOBER)[0]
    shipped = metrics.query("deployments", period="month", **OCTOBER)[0]
    assert spent.value
    drawn = html(app)
    assert f"{spent.value:,.0f}<small>EUR</small>" in drawn
    assert f"{spent.value / shipped.n:,.2f}<small>EUR</small>" in drawn


def test_the_rows_of_teams_add_up_to_what_somebody_bears(open_page: OpenPage, metrics: Metrics) -> None:
    drawn = html(open_page("cost"))
    for one in metrics.query("cost", by=["team"], where={"allocation": ["direct", "shared"]}, **OCTOBER):
        assert f"<td>{one.value:,.0f} EUR</td>" in drawn, one.dimensions


def test_a_team_narrows_cost_and_its_services_are_listed(open_page: OpenPage, metrics: Metrics) -> None:
    app = open_page("cost", team="Search")
    assert not app.exception
    spent = metrics.query("cost", period="month", where={"team": ["Search"]}, **OCTOBER)[0]
    assert f"{spent.value:,.0f}<small>EUR</small>" in html(app)
    assert "<td>search-api</td>" in html(app)
    assert "<th>Service</th>" in html(app)


# -- its parts on invented months -------------------------------------------------------------------------------------


def month(week: int, parts: tuple[float, float, float], deployments: int, **rest: Any) -> Month:
    return Month(cell(week, sum(parts), 9, unit="money", **rest), *parts, deployments)


WHOLE = month(0, (1000.0, 640.0, 200.0), 92)
RUNNING = month(5, (100.0, 0.0, 0.0), 10, is_partial=True)


def seen(**changed: Any) -> View:
    given: dict[str, Any] = {
        "currency": "EUR", "months": (WHOLE, RUNNING), "everybody": (WHOLE, RUNNING), "dimension": "team",
        "bearers": (Bearer("Search", 1000.0, 640.0, 40), Bearer("Legal", 5.0, 0.0, 0)), "minutes": None,
        "other_currencies": 0,
    }  # fmt: skip
    return View(**(given | changed))


def test_cost_per_deployment_is_the_sum_by_the_count() -> None:
    assert WHOLE.per_deployment == 20.0, "1,840 for 92 deployments"
    assert month(0, (10.0, 0.0, 0.0), 0).per_deployment is None


def test_what_belongs_to_nobody_is_a_share_of_all_and_unknown_where_nothing_was_spent() -> None:
    assert WHOLE.unallocated_share == pytest.approx(200 / 1840 * 100)
    assert month(0, (0.0, 0.0, 0.0), 5).unallocated_share is None
    assert month(0, (10.0, 0.0, -20.0), 5).unallocated_share is None, "credits beyond what was spent"


def test_the_running_month_is_hollow_and_never_the_one_that_is_named() -> None:
    assert seen().last is WHOLE
    assert seen(months=(RUNNING,)).last is None
    bars = figures.months(seen().months, "EUR", LIGHT)["data"]
    assert [bar["y"] for bar in bars] == [[1000.0, 100.0], [640.0, None], [200.0, None]]
    assert bars[2]["marker"]["color"] == [LIGHT.bad, LIGHT.card]
    assert charts.validated(figures.months(seen().months, "EUR", LIGHT))


def test_the_month_before_is_told_beside_the_last_one() -> None:
    earlier = month(-5, (900.0, 0.0, 0.0), 50)
    assert seen(months=(earlier, WHOLE, RUNNING)).before is earlier
    assert seen().before is None


def test_tiles_name_money_with_its_currency_and_ci_with_what_ran_again() -> None:
    drawn = words.tiles(seen(minutes=Minutes(200.0, 50.0, "EUR", 3)))
    assert "1,840<small>EUR</small>" in drawn
    assert "20.00<small>EUR</small>" in drawn
    assert "10.9<small>%</small>" in drawn
    assert "25 % of it running again; 3 jobs without price or time" in drawn


def test_a_bearer_without_deployments_has_no_unit_cost() -> None:
    drawn = words.bearers(seen())
    assert "<td>41.00 EUR</td>" in drawn
    assert drawn.index("Search") < drawn.index("Legal")
    assert "<td>–</td>" in drawn


def test_a_unit_cost_is_written_for_the_last_whole_month() -> None:
    months = seen().months
    each = [one.per_deployment for one in months]
    figure = figures.unit_cost([one.cell for one in months], each, "EUR", "a deployment", LIGHT)
    assert [note["text"] for note in figure["layout"]["annotations"]] == ["<b>20</b>"]
    assert charts.validated(figure)


def test_without_a_whole_month_the_page_says_so() -> None:
    assert words.answer(seen(months=(RUNNING,))) == "No month is over yet"
    assert view.last_whole(()) is None
    assert 'kind = "focus"' in words.EXAMPLE
