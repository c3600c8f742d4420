"""What collections ask of PagerDuty, what they find, and what they say when it refuses."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from duckdb import DuckDBPyConnection

from dxmetrics.errors import AuthError, CollectError, LimitedError, SettingsError
from dxmetrics.records import Incident, Link, Service, Team
from tests.fakes.pagerduty import Account, PagerDuty, Refused

from .support import DAY, HOUR, MINUTE, NOW, collect, pagerduty, pages, records, rows, source


@pytest.fixture
def account() -> Account:
    """An account with two services of two teams, whose clock stands at NOW."""
    account = Account(NOW - 400 * DAY)
    account.add_service("shop", account.add_team("Payments"))
    account.add_service("search", account.add_team("Discovery"))
    account.now = NOW
    return account


@pytest.fixture
def server(account: Account) -> PagerDuty:
    return PagerDuty(account)


SHOP, SEARCH = "PS00000", "PS00001"


def burn(account: Account, service: str = SHOP, *, minutes: int = 60, priority: str | None = "P2") -> str:
    """An incident that is acknowledged after five minutes and resolved after so many; its id."""
    key = account.trigger(service, priority=priority)
    account.now += 5 * MINUTE
    account.acknowledge(key)
    account.now += (minutes - 5) * MINUTE
    account.resolve(key)
    return key


def history(account: Account, count: int, every: timedelta, *, until: timedelta = DAY) -> None:
    """So many incidents, one after the other, the last of which is a while ago."""
    account.now = NOW - until - count * every
    for number in range(count):
        began = account.now
        burn(account, (SHOP, SEARCH)[number % 2])
        account.now = began + every
    account.now = NOW


def landed(connection: DuckDBPyConnection, columns: str, where: str = "true") -> list[tuple[Any, ...]]:
    return rows(connection, f"select {columns} from landing.incidents where {where} order by detected_at, ext_id")


# -- history ----------------------------------------------------------------------------------------------------------


def test_all_history_is_read_newest_first_with_few_requests(server: PagerDuty) -> None:
    history(server.account, 400, timedelta(hours=20))
    found = [page for _, page in pages(server)]
    incidents = [row["incident"]["created_at"] for page in found for row in page.rows.get(Incident, ())]
    assert len(incidents) == len(set(incidents)) == 400
    assert incidents[0] > incidents[-1]
    assert all(one.acknowledged_at - one.detected_at == 5 * MINUTE for one in records(server, Incident))
    assert len(server.requests) / 2 < 45
    covered = [page.covers[Incident] for page in found if Incident in page.covers]
    first = min(row["created_at"] for row in server.account.incidents.values())
    assert min(start for start, _ in covered) == first
    assert max(end for _, end in covered) <= server.account.now


def test_windows_are_shorter_than_six_months_and_go_on_where_nothing_was(server: PagerDuty) -> None:
    account = server.account
    for days in (1_300, 1_299, 400, 2):
        account.now = NOW - days * DAY
        burn(account)
    account.now = NOW
    assert len(records(server, Incident)) == 4


def test_more_incidents_on_a_day_than_a_page_holds_are_all_read(server: PagerDuty) -> None:
    server.account.now = NOW - 30 * DAY
    for _ in range(230):
        server.account.trigger(SHOP)
    server.account.now = NOW - 20 * DAY
    for _ in range(120):
        server.account.trigger(SHOP)
        server.account.now += MINUTE
    server.account.now = NOW
    assert len(records(server, Incident)) == 350


@pytest.mark.parametrize("compares_days", [False, True])
def test_it_does_not_matter_whether_filters_know_the_hour(
    server: PagerDuty, connection: DuckDBPyConnection, compares_days: bool
) -> None:
    server.compares_days = compares_days
    history(server.account, 120, timedelta(hours=3))
    collect(server, connection)
    assert len(landed(connection, "ext_id")) == 120
    for _ in range(3):
        burn(server.account)
        collect(server, connection)
        server.account.now += 11 * HOUR
    assert len(landed(connection, "ext_id")) == 123


def test_nothing_older_than_since_is_read(server: PagerDuty) -> None:
    history(server.account, 200, timedelta(hours=12))
    since = (NOW - 20 * DAY).date()
    found = records(server, Incident, since=since)
    assert {one.detected_at.date() >= since for one in found} == {True}
    assert 35 <= len(found) <= 40


def test_what_is_older_than_since_is_not_read_when_it_changes_either(
    server: PagerDuty, connection: DuckDBPyConnection
) -> None:
    old = server.account.trigger(SHOP)
    server.account.now += 3 * DAY
    since = server.account.now.date()
    collect(server, connection, since=since)
    server.account.resolve(old)
    server.account.trigger(SHOP)
    collect(server, connection, since=since)
    assert landed(connection, "status") == [("open",)]


def test_an_account_without_incidents_has_none_from_now_on(server: PagerDuty, connection: DuckDBPyConnection) -> None:
    collect(server, connection)
    server.account.now += 2 * DAY
    collect(server, connection)
    assert landed(connection, "ext_id") == []
    start, end = rows(connection, "select covered_from, covered_to from meta.coverage where stream = 'incidents'")[0]
    assert end - start >= 2 * DAY - MINUTE


# -- what is new and what has changed ----------------------------------------------------------------------------------


def test_a_look_at_which_nothing_is_new_takes_two_requests(server: PagerDuty, connection: DuckDBPyConnection) -> None:
    history(server.account, 30, timedelta(hours=20))
    collect(server, connection)
    server.account.now += 20 * MINUTE
    assert collect(server, connection) == ["/log_entries", "/incidents"]


def test_a_new_incident_takes_no_more_requests(server: PagerDuty, connection: DuckDBPyConnection) -> None:
    history(server.account, 30, timedelta(hours=20))
    collect(server, connection)
    server.account.now += 20 * MINUTE
    key = burn(server.account, minutes=30)
    assert collect(server, connection) == ["/log_entries", "/incidents"]
    acknowledged, resolved = "acknowledged_at - detected_at", "resolved_at - detected_at"
    assert landed(connection, f"{acknowledged}, {resolved}", f"ext_id = '{key}'") == [(5 * MINUTE, 30 * MINUTE)]


def test_an_incident_is_followed_however_long_it_takes(server: PagerDuty, connection: DuckDBPyConnection) -> None:
    account = server.account
    began, key = account.now, account.trigger(SHOP)
    told = []
    steps: list[Callable[[str], None]] = [
        lambda _: None, account.acknowledge, account.lapse, account.acknowledge, account.resolve, account.reopen,
        account.resolve,
    ]  # fmt: skip
    for step in steps:
        account.now += 9 * DAY
        step(key)
        account.now += HOUR
        collect(server, connection)
        told += landed(connection, "status, acknowledged_at, resolved_at")
    first, last = began + 18 * DAY + HOUR, began + 63 * DAY + 6 * HOUR
    statuses = ["open", "acknowledged", "open", "acknowledged", "resolved", "open", "resolved"]
    assert [status for status, _, _ in told] == statuses
    assert [at is not None for _, at, _ in told] == [False, True, True, True, True, True, True]
    assert {abs(at - first) < MINUTE for _, at, _ in told if at} == {True}
    assert [at is not None for _, _, at in told] == [False, False, False, False, True, False, True]
    assert abs(told[-1][2] - last) < MINUTE


def test_a_change_of_an_old_incident_takes_one_request_more(server: PagerDuty, connection: DuckDBPyConnection) -> None:
    key = server.account.trigger(SHOP)
    server.account.now += 2 * DAY
    collect(server, connection)
    server.account.now += HOUR
    server.account.acknowledge(key)
    assert collect(server, connection) == ["/log_entries", f"/incidents/{key}/log_entries", "/incidents"]
    assert landed(connection, "status, acknowledged_at is not null") == [("acknowledged", True)]


def test_a_priority_that_is_set_later_is_seen_the_day_after(server: PagerDuty, connection: DuckDBPyConnection) -> None:
    key = burn(server.account, priority=None)
    collect(server, connection)
    server.account.now += 3 * DAY
    server.account.prioritise(key, "SEV1")
    collect(server, connection)
    assert landed(connection, "severity") == [(1,)]


def test_a_merged_incident_does_not_count_and_says_of_which_it_is_one(
    server: PagerDuty, connection: DuckDBPyConnection
) -> None:
    account = server.account
    first, second = account.trigger(SHOP), account.trigger(SHOP)
    collect(server, connection)
    assert landed(connection, "kind") == [("incident",), ("incident",)]
    account.now += HOUR
    account.merge(second, first)
    collect(server, connection)
    assert landed(connection, "kind, status") == [("incident", "open"), ("alert", "resolved")]
    assert rows(connection, "select from_id, relation, to_id from landing.links") == [(second, "duplicates", first)]


def test_a_log_longer_than_can_be_paged_through_is_halved(
    server: PagerDuty, connection: DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = server.account.trigger(SHOP)
    collect(server, connection)
    server.most = 200
    for name in ("api", "incidents"):
        monkeypatch.setattr(importlib.import_module(f"{pagerduty.__name__}.{name}"), "MOST", server.most)
    for _ in range(500):
        server.account.now += 10 * MINUTE
        server.account.annotate(key)
    burnt = [burn(server.account) for _ in range(30)]
    collect(server, connection)
    resolved = landed(connection, "ext_id", "status = 'resolved' and acknowledged_at - detected_at = interval 5 minute")
    assert resolved == [(one,) for one in burnt]


def test_a_year_without_a_collection_is_made_up_for(server: PagerDuty, connection: DuckDBPyConnection) -> None:
    key = server.account.trigger(SHOP)
    collect(server, connection)
    server.account.now += 250 * DAY
    server.account.resolve(key)
    server.account.now += 150 * DAY
    burn(server.account)
    collect(server, connection)
    assert landed(connection, "status") == [("resolved",), ("resolved",)]
    assert rows(connection, "select count(*) from meta.coverage where stream = 'incidents'") == [(1,)]


# -- services and teams ------------------------------------------------------------------------------------------------


def test_services_and_teams_are_read_once_a_day(server: PagerDuty, connection: DuckDBPyConnection) -> None:
    server.account.add_team("Cards", parent="PT00000")
    asked = collect(server, connection)
    assert (asked.count("/services"), asked.count("/teams")) == (1, 1)
    assert rows(connection, "select ext_id, team from landing.services order by 1") == [
        ("search", "discovery"), ("shop", "payments"),
    ]  # fmt: skip
    assert rows(connection, "select ext_id, parent from landing.teams order by 1") == [
        ("cards", "payments"), ("discovery", None), ("payments", None),
    ]  # fmt: skip
    server.account.now += HOUR
    assert "/services" not in collect(server, connection)
    server.account.now += DAY
    assert "/services" in collect(server, connection)


def test_a_service_that_is_called_otherwise_is_one_service(server: PagerDuty, connection: DuckDBPyConnection) -> None:
    collect(server, connection)
    server.account.rename_service(SHOP, "checkout")
    for _ in range(9):
        server.account.now += DAY
        collect(server, connection)
    present = rows(connection, "select name from landing.services where deleted_at is null order by 1")
    assert present == [("checkout",), ("search",)]


def test_an_account_without_teams_is_read_all_the_same(server: PagerDuty) -> None:
    server.has_teams = False
    burn(server.account)
    assert len(records(server, Incident)) == 1
    assert len(records(server, Service)) == 2
    assert records(server, Team) == []


@pytest.mark.parametrize(
    "settings",
    [{"services": ("Search",)}, {"services": (SEARCH,)}, {"teams": ("discovery",)}, {"teams": ("PT00001",)}],
)
def test_only_the_services_and_teams_that_are_named_are_read(
    server: PagerDuty, connection: DuckDBPyConnection, settings: dict[str, tuple[str, ...]]
) -> None:
    history(server.account, 20, timedelta(hours=30))
    collect(server, connection, **settings)
    for service in (SHOP, SEARCH):
        burn(server.account, service)
    collect(server, connection, **settings)
    assert landed(connection, "count(*), any_value(services)", "true group by all order by all --") == [
        (11, ["search"])
    ]
    assert rows(connection, "select ext_id from landing.services") == [("search",)]


def test_a_name_that_is_not_there_is_answered_with_those_that_are(server: PagerDuty) -> None:
    with pytest.raises(SettingsError, match=r"services 'pay' are not there: .* some of search, shop"):
        list(source(server, services=("shop", "pay")).scopes())
    with pytest.raises(SettingsError, match=r"teams 'x' .* \[sources.pagerduty\] to some of Discovery, Payments"):
        list(source(server, teams=("x",)).scopes())


def test_what_is_chosen_is_a_scope_of_its_own(server: PagerDuty) -> None:
    choices: list[dict[str, Any]] = [{}, {"services": ("shop", "search")}, {"services": ("search", "shop")}]
    ids = [[(scope.id, scope.title) for scope in source(server, **chosen).scopes()] for chosen in choices]
    assert ids[0] == [("account", "incidents of the account")]
    assert ids[1] == ids[2] == [("account+PS00000+PS00001", "incidents of search, shop")]


def test_severities_of_priorities_that_have_names_are_set(server: PagerDuty) -> None:
    for priority in ("Critical", "P4", "Odd"):
        burn(server.account, priority=priority)
    found = records(server, Incident, severities={"critical": 1, "P4": 2})
    assert [one.severity for one in found] == [1, 2, None]


def test_nothing_is_kept_of_who_was_there(server: PagerDuty) -> None:
    key = server.account.trigger(SHOP)
    server.account.acknowledge(key)
    assert "Ada" not in repr(pages(server))


# -- what is refused ---------------------------------------------------------------------------------------------------


def test_a_refused_key_stops_the_source_and_says_which_variable_to_set(server: PagerDuty) -> None:
    with pytest.raises(AuthError, match=r"401 on /incidents: the token is refused: .* DX_PAGERDUTY__TOKEN"):
        pages(server, token="another")  # noqa: S106 - the fake's
    with pytest.raises(AuthError, match="a token is needed"):
        pages(server, token=None)


@pytest.mark.parametrize(
    ("lacked", "message"),
    [
        ("log_entries", "reading log_entries needs 'incidents.read'"),
        ("services", "reading services needs 'services.read'"),
        ("teams", "reading teams needs 'teams.read'"),
    ],
)
def test_a_key_that_may_not_see_a_list_fails_with_it_and_reads_the_others(
    server: PagerDuty, connection: DuckDBPyConnection, lacked: str, message: str
) -> None:
    server.account.trigger(SHOP)
    server.lacks = {lacked}
    with pytest.raises(CollectError, match=f"403 on /{lacked}.*{message}: create a read-only API key"):
        collect(server, connection)
    assert len(landed(connection, "ext_id")) == (0 if lacked == "log_entries" else 1)


def test_a_key_that_may_see_no_incidents_says_so(server: PagerDuty) -> None:
    server.lacks = {"incidents"}
    with pytest.raises(CollectError, match=r"reading incidents needs 'incidents.read'"):
        pages(server)


def test_limits_are_waited_for_and_long_ones_left_to_the_next_time(server: PagerDuty) -> None:
    burn(server.account)
    refusals = [
        Refused(429, "Rate Limit Exceeded", ratelimit_remaining="0", ratelimit_reset="20"),
        Refused(503, "Busy"),
    ]

    def refuse(_: httpx2.Request) -> None:
        if refusals:
            raise refusals.pop()

    server.before = refuse
    assert len(records(server, Incident)) == 1

    def refuse_for_long(_: httpx2.Request) -> None:
        raise Refused(429, "Rate Limit Exceeded", ratelimit_remaining="0", ratelimit_reset="4000")

    server.before = refuse_for_long
    with pytest.raises(LimitedError, match=r"the quota of api.pagerduty.com is used up until 14:\d\d UTC"):
        pages(server)


def test_an_answer_of_another_form_is_named(server: PagerDuty) -> None:
    class Changed(httpx2.BaseTransport):
        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            return httpx2.Response(200, json={"items": []}, request=request)

    one = source(server, Changed())
    with pytest.raises(CollectError, match="incidents answers without a list of 'incidents': its form has changed"):
        list(one.collect(next(one.scopes()), None))


def test_a_list_that_does_not_end_is_given_up(server: PagerDuty) -> None:
    class Endless(httpx2.BaseTransport):
        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            what = request.url.path.rpartition("/")[2]
            many = [{"id": "PS", "name": "shop", "created_at": "2025-12-24T12:00:00Z"}] * 100
            is_told = what == "services" or "date_range" in request.url.params
            return httpx2.Response(200, json={what: many if is_told else [], "more": True}, request=request)

    one = source(server, Endless())
    with pytest.raises(CollectError, match=r"services does not end after 10000 rows.*incidents: mark .* comes again"):
        list(one.collect(next(one.scopes()), None))


@pytest.mark.parametrize("ahead", [-90 * DAY, 300 * DAY])
def test_a_wrong_clock_loses_nothing_and_is_named(
    server: PagerDuty, connection: DuckDBPyConnection, ahead: timedelta
) -> None:
    history(server.account, 150, timedelta(hours=20))
    collect(server, connection, ahead=ahead)
    server.account.now += HOUR
    burn(server.account)
    collect(server, connection, ahead=ahead)
    assert len(landed(connection, "ext_id", "acknowledged_at is not null")) == 151
    notes = {note for _, page in pages(server, ahead=ahead) for note in page.notes}
    assert len(notes) == 1
    assert notes.pop().startswith("the clock of this machine is ")


def test_an_incident_without_an_id_is_refused_alone(server: PagerDuty) -> None:
    first, second = burn(server.account), burn(server.account)
    server.account.log = [one for one in server.account.log if one["incident"]["id"] != first]
    del server.account.incidents[first]["id"]
    found = [row["incident"] for _, page in pages(server) for row in page.rows.get(Incident, ())]
    assert [one.get("id") for one in found] == [second, None]


def test_an_account_in_the_eu_is_asked_there(server: PagerDuty) -> None:
    pages(server, url="https://api.eu.pagerduty.com")
    assert {request.url.host for request in server.requests} == {"api.eu.pagerduty.com"}


def test_links_are_only_of_merged_incidents(server: PagerDuty) -> None:
    burn(server.account)
    assert records(server, Link) == []
