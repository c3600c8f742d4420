"""OpenCost: what a day of a cluster costs whom, what is read again until when, and what is not kept any more."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest
from duckdb import DuckDBPyConnection
from pydantic import ValidationError

from dxmetrics import collectors, warehouse
from dxmetrics.collectors import Context
from dxmetrics.errors import AuthError, CollectError, NotFoundError
from dxmetrics.project import builtin_root
from tests.fakes.opencost import OpenCost

collectors.extend_path([builtin_root() / "collectors"])
opencost = importlib.import_module("dxmetrics.collectors.opencost")
RIGHT, WRONG = "the right one", "another"
MONDAY = date(2026, 11, 16)
NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)  # Wednesday: Monday and Tuesday are over
BY_NAME = "select ext_id, amount from landing.cost_lines where deleted_at is null order by ext_id"


@dataclass
class Source:
    """A server, and a warehouse it is read into."""

    connection: DuckDBPyConnection
    folder: Path
    server: OpenCost = field(default_factory=OpenCost)
    now: datetime = NOON
    notes: tuple[str, ...] = ()

    def collector(self, **settings: Any) -> Any:
        cls = collectors.load("opencost")
        values = {"kind": "opencost", "url": "http://opencost.example:9003", "since": MONDAY, "service": "label:app"}
        context = Context(
            now=lambda: self.now, folder=self.folder, transport=self.server, sleep=lambda _: None
        )  # fmt: skip
        return cls("cluster", cls.Settings.model_validate(values | settings), context)

    def collect(self, **settings: Any) -> warehouse.Counts:
        """One collection; what became of the rows."""
        collector, counts, notes = self.collector(**settings), warehouse.Counts(), []
        loader = warehouse.Loader(self.connection, "cluster", opencost, clock=lambda: self.now)
        for scope in collector.scopes():
            for page in collector.collect(scope, warehouse.read_cursor(self.connection, "cluster", scope.id)):
                counts += loader.write(scope, page)
                notes += page.notes
        self.notes = tuple(notes)
        return counts

    def rows(self, query: str = BY_NAME) -> list[tuple[Any, ...]]:
        return self.connection.execute(query).fetchall()

    def costs(self, day: date, **costs: float | None) -> None:
        self.server.costs[day] = {**costs}


@pytest.fixture
def source(connection: DuckDBPyConnection, tmp_path: Path) -> Source:
    return Source(connection, tmp_path)


def payload(name: str, **about: Any) -> dict[str, Any]:
    shape = {"day": "2026-11-16", "name": name, "cluster": "one", "totalCost": 1.5, "currency": "EUR"}
    return {**shape, "has_team": "/" in name, "is_shared": False, **about}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("checkout", ("workloads", "direct", "checkout", None)),
        ("checkout/payments", ("workloads", "direct", "checkout", "payments")),
        ("__unallocated__/payments", ("workloads", "direct", None, "payments")),
        ("checkout/__unallocated__", ("workloads", "direct", "checkout", None)),
        ("__unallocated__", ("workloads", "direct", None, None)),
        ("__idle__", ("idle", "shared", None, None)),
        ("cluster-one/__idle__", ("idle", "shared", None, None)),
        ("__unmounted__/__unmounted__", ("unmounted", "shared", None, None)),
    ],
)
def test_a_name_says_whose_a_cost_is_what_all_share_and_what_is_nobodys(
    name: str, expected: tuple[str | None, ...]
) -> None:
    row = opencost.cost_line(payload(name))
    assert (row.category, row.allocation, row.service, row.team) == expected
    assert (row.amount, row.currency, row.cost_kind, row.period_end) == (
        Decimal("1.5"),
        "EUR",
        "effective",
        date(2026, 11, 17),
    )


@pytest.mark.parametrize(
    ("about", "problem"),
    [({"has_team": True}, "not named as it was asked for"), ({"totalCost": None}, "has no totalCost")],
)
def test_an_allocation_that_cannot_be_told_is_refused(about: Mapping[str, Any], problem: str) -> None:
    with pytest.raises(opencost.PayloadError, match=problem):
        opencost.cost_line(payload("checkout", **about))


def test_days_that_are_over_are_read_exactly_in_one_request(source: Source) -> None:
    source.costs(MONDAY, a=0.1, __idle__=2.0)
    source.costs(MONDAY + timedelta(days=1), a=0.2)
    source.costs(MONDAY + timedelta(days=2), a=99.0)
    source.collect()
    assert source.rows() == [
        ("2026-11-16/__idle__", 2), ("2026-11-16/a", Decimal("0.1")), ("2026-11-17/a", Decimal("0.2")),
    ]  # fmt: skip
    (request,) = source.server.asked
    assert dict(request.url.params) == {
        "window": "2026-11-16T00:00:00Z,2026-11-18T00:00:00Z", "aggregate": "label:app", "step": "1d",
        "accumulate": "false", "includeIdle": "true",
    }  # fmt: skip
    assert source.rows("select covered_from, covered_to from meta.coverage") == [
        (datetime(2026, 11, 16, tzinfo=UTC), datetime(2026, 11, 18, tzinfo=UTC))
    ]


def test_a_second_look_on_the_same_day_takes_no_request(source: Source) -> None:
    source.costs(MONDAY, a=1.0)
    source.collect()
    source.now += timedelta(hours=11)
    assert source.collect() == warehouse.Counts()
    assert len(source.server.asked) == 1


def test_what_is_restated_replaces_what_was_there_until_seven_days_after_the_week(source: Source) -> None:
    source.costs(MONDAY, a=1.0, b=1.0)
    source.collect()
    source.now = datetime(2026, 11, 29, 12, tzinfo=UTC)  # six days after the week's end
    source.costs(MONDAY, a=1.5)
    source.collect()
    assert source.rows() == [("2026-11-16/a", Decimal("1.5"))]
    source.now += timedelta(days=1)
    source.costs(MONDAY, a=1.75)
    source.collect()
    assert source.rows() == [("2026-11-16/a", Decimal("1.75"))]
    source.now += timedelta(days=1)
    source.costs(MONDAY, a=9.0)
    before = len(source.server.asked)
    source.collect()
    assert source.rows() == [("2026-11-16/a", Decimal("1.75"))]
    assert len(source.server.asked) == before + 2  # this week and the one before, which are still restated


def test_a_day_that_prometheus_does_not_keep_any_more_stays_as_it_was_read(source: Source) -> None:
    source.costs(MONDAY, a=1.0, b=2.0)
    source.costs(MONDAY + timedelta(days=1), a=3.0, b=4.0)
    source.collect()
    source.now += timedelta(days=1)
    source.server.keeps_from = MONDAY + timedelta(days=1)
    source.costs(MONDAY + timedelta(days=1), a=5.0)
    source.collect()
    assert source.rows() == [("2026-11-16/a", 1), ("2026-11-16/b", 2), ("2026-11-17/a", 5)]
    assert "OpenCost tells nothing of 2026-11-16 any more: what was read before stays" in source.notes
    source.now += timedelta(days=1)
    source.collect()
    assert source.rows()[:2] == [("2026-11-16/a", 1), ("2026-11-16/b", 2)]


def test_days_before_what_is_kept_are_unknown_and_told_not_zero(source: Source) -> None:
    source.costs(MONDAY + timedelta(days=1), a=1.0)
    source.collect()
    assert source.rows("select covered_from from meta.coverage") == [(datetime(2026, 11, 17, tzinfo=UTC),)]
    assert source.notes[0].startswith("OpenCost tells nothing of 2026-11-16: ")


def test_weeks_begin_on_mondays_from_the_first_day_that_is_wanted_on(source: Source) -> None:
    scopes = list(source.collector(since="2026-11-05").scopes())
    assert [scope.title for scope in scopes] == ["week 2026-W47", "week 2026-W46", "week 2026-W45"]
    source.now = datetime(2026, 11, 16, 12, tzinfo=UTC)
    assert next(source.collector(since="2026-11-05").scopes()).title == "week 2026-W46"


def test_services_that_all_share_are_named_in_the_settings(source: Source) -> None:
    source.costs(MONDAY, **{"ingress-nginx": 1.0, "checkout": 2.0})
    source.collect(shared=["Ingress-*"], currency="EUR")
    query = "select service, allocation, currency from landing.cost_lines order by service"
    assert source.rows(query) == [("checkout", "direct", "EUR"), ("ingress-nginx", "shared", "EUR")]


def test_an_aspect_opencost_does_not_know_is_refused(source: Source) -> None:
    with pytest.raises(ValidationError, match="is not namespace, service"):
        source.collector(team="team")


def test_a_token_that_is_refused_stops_the_source(source: Source) -> None:
    source.server.token = RIGHT
    with pytest.raises(AuthError):
        source.collect(token=WRONG)
    source.collect(token=RIGHT)


def test_the_address_of_the_page_is_told_from_that_of_the_api(source: Source) -> None:
    source.server.answer = httpx2.Response(404, text="404 page not found")
    with pytest.raises(NotFoundError, match=r"set url in \[sources.cluster\] to OpenCost's API, port 9003"):
        source.collect()


def test_an_allocation_of_a_day_that_was_not_asked_for_is_an_error(source: Source) -> None:
    step = {"checkout": {"window": {"start": "2026-11-15T00:00:00Z"}, "totalCost": 1.0}}
    source.server.answer = httpx2.Response(200, json={"code": 200, "data": [step]})
    with pytest.raises(CollectError, match="'checkout' is of 2026-11-15, asked was 2026-11-16"):
        source.collect()


def test_an_answer_without_data_is_an_error_and_nothing_is_let_go(source: Source) -> None:
    source.costs(MONDAY, a=1.0)
    source.collect()
    source.now += timedelta(days=1)
    source.server.answer = httpx2.Response(200, json={"code": 500, "message": "no Prometheus"})
    with pytest.raises(CollectError, match="has no data: 'no Prometheus'"):
        source.collect()
    assert source.rows() == [("2026-11-16/a", 1)]
