"""The scaffolder: runs of templates as value actions, read once and again while they go on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from duckdb import DuckDBPyConnection

from dxmetrics.records import PlatformEvent
from tests.fakes.backstage import Backstage

from .support import DAY, HOUR, MINUTE, NOW, collect, rows

ONLY = {"reads": ("scaffolder",)}


@pytest.fixture
def portal() -> Backstage:
    return Backstage(NOW)


def test_a_run_is_a_use_of_a_template_by_somebody_with_what_came_of_it(
    portal: Backstage, connection: DuckDBPyConnection
) -> None:
    key = portal.begin("service", "user:default/Ada")
    portal.end(key, seconds=95, makes="pay")
    collect(portal, connection, **ONLY)
    told = rows(connection, PlatformEvent)[key]
    assert {name: told[name] for name in told if told[name] is not None} == {
        "ext_id": key, "occurred_at": NOW, "capability": "scaffolder", "action": "service", "outcome": "success",
        "person": "user:default/ada", "service": "pay", "duration_seconds": 95,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("status", "outcome", "seconds"),
    [("completed", "success", 60), ("failed", "failure", 60), ("cancelled", "unknown", None), ("new", "unknown", None)],
)
def test_a_run_succeeded_failed_or_neither(
    portal: Backstage, connection: DuckDBPyConnection, status: str, outcome: str, seconds: float | None
) -> None:
    portal.end(portal.begin("service"), status)
    collect(portal, connection, **ONLY)
    (told,) = rows(connection, PlatformEvent).values()
    assert (told["outcome"], told["duration_seconds"], told["service"]) == (outcome, seconds, None)


def test_what_was_typed_into_a_template_is_kept_nowhere(portal: Backstage, connection: DuckDBPyConnection) -> None:
    portal.end(portal.begin("service"))
    collect(portal, connection, **ONLY)
    ((payload,),) = connection.execute("select payload::varchar from landing.platform_events").fetchall()
    assert "hunter2" not in payload
    assert "typed in" not in payload


@pytest.mark.parametrize("person", ["external:ci", "plugin:catalog", None])
def test_a_machine_that_begins_a_run_is_no_person(
    portal: Backstage, connection: DuckDBPyConnection, person: str | None
) -> None:
    portal.end(portal.begin("service", person))
    collect(portal, connection, **ONLY)
    (told,) = rows(connection, PlatformEvent).values()
    assert told["person"] is None


def test_a_template_may_be_of_a_capability_of_its_own(portal: Backstage, connection: DuckDBPyConnection) -> None:
    for name in ("database", "template:shop/database", "service"):
        portal.end(portal.begin(name))
    names = {"template:default/database": "databases", "shop/database": "shop databases"}
    collect(portal, connection, capability="golden path", capabilities=names, **ONLY)
    found = {(row["action"], row["capability"]) for row in rows(connection, PlatformEvent).values()}
    assert found == {
        ("database", "databases"), ("shop/database", "shop databases"), ("service", "golden path"),
    }  # fmt: skip


def test_what_runs_is_read_again_until_it_ends(portal: Backstage, connection: DuckDBPyConnection) -> None:
    slow = portal.begin("service")
    collect(portal, connection, **ONLY)
    assert rows(connection, PlatformEvent)[slow]["outcome"] == "unknown"
    for _ in range(3):
        portal.now += 4 * HOUR
        portal.end(portal.begin("service"))
        collect(portal, connection, **ONLY)
    portal.end(slow, makes="pay", seconds=1)
    collect(portal, connection, **ONLY)
    told = rows(connection, PlatformEvent)[slow]
    assert (told["outcome"], told["service"]) == ("success", "pay")
    before = len(portal.requests)
    portal.now += HOUR
    collect(portal, connection, **ONLY)
    assert f"scaffolder/v2/tasks/{slow}" not in portal.asked()[before:]


def test_a_run_that_is_taken_away_while_it_goes_on_is_not_asked_for_for_ever(
    portal: Backstage, connection: DuckDBPyConnection
) -> None:
    key = portal.begin("service")
    collect(portal, connection, **ONLY)
    del portal.tasks[key]
    for _ in range(3):
        portal.now += HOUR
        collect(portal, connection, **ONLY)
    assert portal.asked().count(f"scaffolder/v2/tasks/{key}") == 1
    assert set(rows(connection, PlatformEvent)) == {key}


def test_what_failed_and_is_tried_again_is_seen_within_a_day(portal: Backstage, connection: DuckDBPyConnection) -> None:
    key = portal.begin("service")
    portal.end(key, "failed")
    collect(portal, connection, **ONLY)
    portal.now += 5 * HOUR
    portal.retry(key)
    portal.end(key, makes="pay", seconds=30)
    portal.now += 21 * HOUR
    collect(portal, connection, **ONLY)
    told = rows(connection, PlatformEvent)[key]
    assert (told["outcome"], told["service"], told["duration_seconds"]) == ("success", "pay", 60 + 5 * 3600 + 30)


@pytest.mark.parametrize("counts_in_text", [False, True])
def test_history_is_read_once_and_what_is_new_in_one_request(
    portal: Backstage, connection: DuckDBPyConnection, counts_in_text: bool
) -> None:
    portal.counts_in_text = counts_in_text
    for _ in range(333):
        portal.end(portal.begin("service"), seconds=3)
        portal.now += 8 * HOUR
    collect(portal, connection, **ONLY)
    assert set(rows(connection, PlatformEvent)) == set(portal.tasks)
    assert portal.asked().count("scaffolder/v2/tasks") == 5  # four pages, one of them for two stretches of history
    assert len(portal.requests) == 5 + 333
    before = len(portal.requests)
    portal.now += 10 * MINUTE
    counts = collect(portal, connection, **ONLY)
    assert (portal.asked()[before:], counts.changed) == (["scaffolder/v2/tasks"], 0)


def test_runs_that_begin_between_two_pages_hide_no_older_ones(
    portal: Backstage, connection: DuckDBPyConnection
) -> None:
    for _ in range(260):
        portal.end(portal.begin("service"), seconds=3)
        portal.now += HOUR

    def begin(_: object) -> None:
        if len(portal.requests) % 40 == 0:
            portal.end(portal.begin("service"))

    portal.before = begin
    collect(portal, connection, **ONLY)
    portal.before = lambda _: None
    portal.now += MINUTE
    collect(portal, connection, **ONLY)
    assert set(rows(connection, PlatformEvent)) == set(portal.tasks)
    assert len(portal.tasks) > 262


def test_a_reading_that_is_broken_off_is_gone_on_with(portal: Backstage, connection: DuckDBPyConnection) -> None:
    for _ in range(330):
        portal.end(portal.begin("service"), seconds=3)
        portal.now += 5 * HOUR

    class Broken(Exception):
        pass

    def stop(_: object) -> None:
        if len(portal.requests) == 150:
            raise Broken

    portal.before = stop
    with pytest.raises(Broken):
        collect(portal, connection, **ONLY)
    assert 0 < len(rows(connection, PlatformEvent)) < 330
    portal.now += timedelta(minutes=30)
    portal.end(portal.begin("service"))
    collect(portal, connection, **ONLY)
    assert set(rows(connection, PlatformEvent)) == set(portal.tasks)
    assert len(portal.requests) < 330 + 150


def test_a_portal_without_runs_is_covered(portal: Backstage, connection: DuckDBPyConnection) -> None:
    collect(portal, connection, **ONLY)
    portal.now += DAY
    collect(portal, connection, **ONLY)
    ((start, end),) = connection.execute(
        "select min(covered_from), max(covered_to) from meta.coverage where stream = 'platform_events'"
    ).fetchall()
    assert (start, end) == (NOW - 14 * DAY, NOW + DAY)
