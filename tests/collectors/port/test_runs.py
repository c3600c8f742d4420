"""Self-service actions: runs as value actions, read once and again while they go on."""

from __future__ import annotations

from datetime import timedelta

import httpx2
import pytest
from duckdb import DuckDBPyConnection

from dxmetrics.errors import CollectError
from dxmetrics.records import PlatformEvent
from tests.fakes.port import Port

from .support import ACTIONS, DAY, HOUR, MINUTE, NOW, collect, read, rows


@pytest.fixture
def account() -> Port:
    return Port(NOW)


def test_a_run_is_a_use_of_an_action_by_somebody_with_what_came_of_it(
    account: Port, connection: DuckDBPyConnection
) -> None:
    key = account.begin("scale_up", "ada", at="pay")
    account.end(key, seconds=95)
    collect(account, connection, **ACTIONS)
    told = rows(connection, PlatformEvent)[key]
    assert {name: told[name] for name in told if told[name] is not None} == {
        "ext_id": key, "occurred_at": NOW, "capability": "scale_up", "action": "scale_up", "outcome": "success",
        "person": "auth0|ada", "service": "pay", "duration_seconds": 95,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("status", "outcome", "seconds"),
    [
        ("SUCCESS", "success", 60),
        ("FAILURE", "failure", 60),
        ("DECLINED", "unknown", None),
        ("WAITING_FOR_APPROVAL", "unknown", None),
        ("SOMETHING_NEW", "unknown", None),
    ],
)
def test_a_run_succeeded_failed_or_neither(
    account: Port, connection: DuckDBPyConnection, status: str, outcome: str, seconds: float | None
) -> None:
    account.end(account.begin("scaffold"), status)
    collect(account, connection, **ACTIONS)
    (told,) = rows(connection, PlatformEvent).values()
    assert (told["outcome"], told["duration_seconds"], told["service"]) == (outcome, seconds, None)


def test_what_was_typed_into_an_action_is_kept_nowhere(account: Port, connection: DuckDBPyConnection) -> None:
    account.end(account.begin("scaffold"))
    collect(account, connection, **ACTIONS)
    ((payload,),) = connection.execute("select payload::varchar from landing.platform_events").fetchall()
    assert "hunter2" not in payload
    assert "typed in" not in payload


def test_runs_of_automations_are_no_use_by_anybody(account: Port, connection: DuckDBPyConnection) -> None:
    asked = account.begin("scaffold", source="API")
    account.begin("tidy_up", source="AUTOMATION")
    collect(account, connection, **ACTIONS)
    assert set(rows(connection, PlatformEvent)) == {asked}


def test_an_action_may_be_of_a_capability_of_its_own(account: Port, connection: DuckDBPyConnection) -> None:
    for name in ("new_database", "scaffold"):
        account.end(account.begin(name))
    collect(account, connection, capability="golden path", capabilities={"new_database": "databases"}, **ACTIONS)
    found = {(row["action"], row["capability"]) for row in rows(connection, PlatformEvent).values()}
    assert found == {("new_database", "databases"), ("scaffold", "golden path")}


def test_a_run_at_what_is_no_service_names_none(account: Port, connection: DuckDBPyConnection) -> None:
    key = account.begin("restart", at="prod")
    account.runs[key]["blueprint"] = {"identifier": "environment"}
    older = account.begin("restart", at="pay")
    account.runs[older] |= {"action": "restart", "entity": "pay", "blueprint": "service"}
    collect(account, connection, **ACTIONS)
    told = {key: (row["action"], row["service"]) for key, row in rows(connection, PlatformEvent).items()}
    assert told == {key: ("restart", None), older: ("restart", "pay")}


def test_what_goes_on_is_read_again_until_it_ends(account: Port, connection: DuckDBPyConnection) -> None:
    slow = account.begin("scaffold")
    collect(account, connection, **ACTIONS)
    for _ in range(3):
        account.now += 4 * HOUR
        for _ in range(101):
            account.end(account.begin("scaffold"), seconds=1)
        collect(account, connection, **ACTIONS)
    assert rows(connection, PlatformEvent)[slow]["outcome"] == "unknown"
    account.end(slow, seconds=1)
    collect(account, connection, **ACTIONS)
    assert rows(connection, PlatformEvent)[slow]["outcome"] == "success"
    before = len(account.requests)
    account.now += HOUR
    collect(account, connection, **ACTIONS)
    assert f"actions/runs/{slow}" not in account.asked()[before:]


@pytest.mark.parametrize("is_gone", [True, False])
def test_a_run_that_never_ends_is_not_asked_for_for_ever(
    account: Port, connection: DuckDBPyConnection, is_gone: bool
) -> None:
    key = account.begin("scaffold")
    account.now += HOUR
    collect(account, connection, **ACTIONS)
    if is_gone:
        del account.runs[key]
    else:
        account.now += 31 * DAY
    for _ in range(3):
        account.now += HOUR
        collect(account, connection, **ACTIONS)
    assert account.asked().count(f"actions/runs/{key}") == (1 if is_gone else 0)
    assert key in rows(connection, PlatformEvent)


def test_history_is_read_once_and_what_is_new_in_one_request(account: Port, connection: DuckDBPyConnection) -> None:
    for _ in range(333):
        account.end(account.begin("scaffold"), seconds=3)
        account.now += 8 * HOUR
    collect(account, connection, **ACTIONS)
    assert set(rows(connection, PlatformEvent)) == set(account.runs)
    assert account.asked() == ["auth/access_token", *["actions/runs"] * 4]
    before = len(account.requests)
    account.now += 10 * MINUTE
    counts = collect(account, connection, **ACTIONS)
    assert (account.asked()[before:], counts.changed) == (["auth/access_token", "actions/runs"], 0)


def test_runs_that_may_not_be_seen_leave_pages_short_or_empty_and_end_nothing(
    account: Port, connection: DuckDBPyConnection
) -> None:
    for _ in range(310):
        account.end(account.begin("scaffold"), seconds=3)
        account.now += HOUR
    account.hidden = {f"r_{number}" for number in range(101, 251)}
    collect(account, connection, **ACTIONS)
    assert set(rows(connection, PlatformEvent)) == set(account.runs) - account.hidden


def test_runs_that_begin_between_two_pages_hide_no_older_ones(account: Port, connection: DuckDBPyConnection) -> None:
    for _ in range(260):
        account.end(account.begin("scaffold"), seconds=3)
        account.now += HOUR
    account.before = lambda _: account.end(account.begin("scaffold"))
    collect(account, connection, **ACTIONS)
    account.before = lambda _: None
    account.now += MINUTE
    collect(account, connection, **ACTIONS)
    assert set(rows(connection, PlatformEvent)) == set(account.runs)
    assert len(account.runs) > 262


def test_a_reading_that_is_broken_off_is_gone_on_with(account: Port, connection: DuckDBPyConnection) -> None:
    for _ in range(430):
        account.end(account.begin("scaffold"), seconds=3)
        account.now += 5 * HOUR

    class Broken(Exception):
        pass

    def stop(_: httpx2.Request) -> None:
        if len(account.requests) == 4:
            raise Broken

    account.before = stop
    with pytest.raises(Broken):
        collect(account, connection, **ACTIONS)
    assert len(rows(connection, PlatformEvent)) == 200
    account.now += timedelta(minutes=30)
    account.end(account.begin("scaffold"))
    collect(account, connection, **ACTIONS)
    assert set(rows(connection, PlatformEvent)) == set(account.runs)


def test_a_mark_that_is_forgotten_is_begun_anew_and_told_where_all_are(
    account: Port, connection: DuckDBPyConnection
) -> None:
    for _ in range(110):
        account.end(account.begin("scaffold"), seconds=3)
        account.now += HOUR
    account.marks_end = True
    with pytest.raises(CollectError, match="the server forgets its own marks"):
        collect(account, connection, **ACTIONS)
    account.marks_end = False
    collect(account, connection, **ACTIONS)
    assert set(rows(connection, PlatformEvent)) == set(account.runs)


def test_pages_that_come_again_are_a_loop(account: Port, connection: DuckDBPyConnection) -> None:
    account.is_stuck = True
    account.end(account.begin("scaffold"))
    with pytest.raises(CollectError, match="the same runs of actions come again: paging is in a loop"):
        collect(account, connection, **ACTIONS)


def test_a_server_without_pages_tells_as_many_runs_as_it_can(account: Port, connection: DuckDBPyConnection) -> None:
    account.has_pages = False
    for _ in range(1_050):
        account.end(account.begin("scaffold"), seconds=3)
        account.now += HOUR
    told = [note for page, _ in read(account, connection, **ACTIONS) for note in page.notes]
    assert set(told) == {"Port tells of the newest 1,000 runs of actions only: older ones are not known"}
    assert set(rows(connection, PlatformEvent)) == set(list(account.runs)[50:])
    ((start,),) = connection.execute("select min(covered_from) from meta.coverage").fetchall()
    assert start == NOW + 50 * (HOUR + timedelta(seconds=3)) + timedelta(seconds=1)
    before = len(account.requests)
    account.end(account.begin("scaffold"))
    collect(account, connection, **ACTIONS)
    limits = [request.url.params["limit"] for request in account.requests[before + 1 :]]
    assert (limits, len(rows(connection, PlatformEvent))) == (["100"], 1_001)
