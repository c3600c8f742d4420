"""Each check of `sql/checks/` returns no rows for good data, and rows for the fault it is there to find."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from duckdb import DuckDBPyConnection

from dxmetrics import models, warehouse
from dxmetrics.collectors import Page, Scope
from dxmetrics.pipeline import derivations
from dxmetrics.records import Change, Commit, CostLine, Deployment, Incident, Record, Repository, Service, Team
from dxmetrics.settings import Settings, variables

ROOT = Path(__file__).parents[2]
CONTENT = models.read([ROOT])
NOW = datetime(2026, 3, 30, tzinfo=UTC)

Rows = Mapping[type[Record], list[dict[str, Any]]]


def day(number: int, hour: int = 0) -> datetime:
    return datetime(2026, 3, number, hour, tzinfo=UTC)


CHANGE = {
    "ext_id": "c", "repository": "r", "author": "ada", "state": "merged", "merge_sha": "1",
    "first_commit_at": day(2), "opened_at": day(2, 6), "merged_at": day(3),
}  # fmt: skip
CHARGE = {
    "ext_id": "bill", "provider": "aws", "service": "a", "amount": "12.50", "currency": "EUR",
    "period_start": day(1).date(), "period_end": day(2).date(),
}  # fmt: skip
INCIDENT = {"ext_id": "i", "services": ["a"], "detected_at": day(5), "resolved_at": day(6)}

GOOD: Rows = {
    Repository: [{"ext_id": "r", "name": "git.example/acme/a", "default_branch": "main"}],
    Team: [{"ext_id": "red", "name": "Red"}],
    Service: [{"ext_id": "a", "name": "a", "team": "red", "repository": "r"}],
    Commit: [
        {"ext_id": "r@0", "repository": "r", "sha": "0", "committed_at": day(1)},
        {"ext_id": "r@1", "repository": "r", "sha": "1", "parents": ["0"], "committed_at": day(3)},
    ],
    Change: [CHANGE],
    Deployment: [
        {"ext_id": "d0", "repository": "r", "sha": "0", "status": "success", "finished_at": day(1, 6)},
        {"ext_id": "d1", "repository": "r", "sha": "1", "status": "success", "finished_at": day(4)},
    ],
    Incident: [INCIDENT],
    CostLine: [CHARGE, {**CHARGE, "ext_id": "shared bill", "service": None, "allocation": "shared", "amount": "3.10"}],
}

# check -> SQL that damages what was built from the good records: no records could make these fail
DAMAGES = {
    "capabilities_are_used": "insert into core.capabilities by name select 'a' as capability",
    "capabilities_serve_somebody": "insert into core.capabilities by name select 'a' as capability",
    "capability_users_are_known": (
        "insert into core.capability_uses by name select 'a' as capability, 'x:zoe' as person_id, false as is_known"
    ),
    "exemptions_are_of_use": (
        "insert into core.today by name select date '2026-03-30' as today_on;"
        " insert into core.standard_exemptions values ('no_such_check', 1, '.*', '2026-12-31', 'It is new.')"
    ),
    "standards_judge_every_service_once": "insert into core.standard_verdicts from core.standard_verdicts",
    "cost_shares_add_up": "delete from core.cost_shares where allocation = 'shared'",
    "changes_are_unique": "insert into core.changes from core.changes",
    "deployments_are_unique": "insert into core.deployments from core.deployments",
    "incidents_are_unique": "insert into core.incidents from core.incidents",
    "deployment_rules_match": (
        "insert into core.deployment_rules values (1, null, null, '^deploy$', null, null, 'production', null)"
    ),
    "change_deployments_are_unique": "insert into core.change_deployments from core.change_deployments",
    "fail_rate_counts_each_deployment_once": (
        "insert into core.deployment_failures by name"
        " select deployment_id, 'incident' as evidence, 'explicit' as confidence"
        " from core.deployments, (values (1), (2)) as twice (number)"
    ),
    # a review without an opening belongs to no stage
    "stages_add_up": (
        "update core.change_deployments set first_review_at = merged_at + interval 1 hour, ready_at = null"
    ),
    "coverage_has_no_gaps": (
        "insert into meta.coverage (source, stream, scope, covered_from, covered_to) values"
        " ('files', 'changes', 'one', '2026-03-01 00:00+00', '2026-03-02 00:00+00'),"
        " ('files', 'changes', 'one', '2026-03-03 00:00+00', '2026-03-04 00:00+00')"
    ),
}

# check -> the record at fault
FAULTS: dict[str, tuple[type[Record], dict[str, Any]]] = {
    "deployments_have_a_service": (Deployment, {"ext_id": "x", "status": "success", "sha": "x", "finished_at": day(4)}),
    "deployments_have_an_instant": (Deployment, {"ext_id": "y", "service": "a", "status": "success", "sha": "x"}),
    "lead_times_are_positive": (Change, {**CHANGE, "ext_id": "late", "first_commit_at": day(20)}),
    "merges_follow_openings": (Change, {**CHANGE, "ext_id": "early", "opened_at": day(3, 1)}),
    "incidents_end_after_they_began": (Incident, {**INCIDENT, "ext_id": "x", "resolved_at": day(4)}),
    "incidents_name_a_known_service": (Incident, {**INCIDENT, "ext_id": "y", "services": ["elsewhere"]}),
    "services_have_a_team": (Service, {"ext_id": "b", "name": "b"}),
    "changes_have_an_author": (Change, {**CHANGE, "ext_id": "nobody's", "author": None}),
    "cost_lines_name_a_known_service": (CostLine, {**CHARGE, "ext_id": "whose", "service": "elsewhere"}),
    "cost_lines_are_in_one_currency": (CostLine, {**CHARGE, "ext_id": "abroad", "currency": "USD"}),
}


def built(folder: Path, rows: Rows) -> DuckDBPyConnection:
    """A warehouse built of these records."""
    connection = warehouse.open_writer(folder)
    counts = warehouse.Loader(connection, "files", clock=lambda: NOW).write(Scope("one", "one"), Page(rows))
    assert counts.refused == 0
    settings = Settings()
    models.build(connection, CONTENT.models, variables(settings), derivations(settings), clock=lambda: NOW)
    return connection


def failing(connection: DuckDBPyConnection) -> set[str]:
    """The checks that return rows."""
    return {
        result.name for result in models.run_checks(connection, CONTENT.checks, clock=lambda: NOW) if result.failures
    }


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDBPyConnection]:
    connection = built(tmp_path_factory.mktemp("good"), GOOD)
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """What the checks find among good records and one of each fault."""
    rows = {record: list(rows) for record, rows in GOOD.items()}
    for record, row in FAULTS.values():
        rows[record].append(row)
    connection = built(tmp_path_factory.mktemp("faulty"), rows)
    try:
        return failing(connection)
    finally:
        connection.close()


def test_good_data_passes_every_check(good: DuckDBPyConnection) -> None:
    assert failing(good) == set()


def test_every_check_is_seen_to_fail() -> None:
    assert {*FAULTS, *DAMAGES} == {check.name for check in CONTENT.checks}


@pytest.mark.parametrize("name", FAULTS)
def test_a_check_finds_the_record_at_fault(name: str, found: set[str]) -> None:
    assert name in found


@pytest.mark.parametrize("name", DAMAGES)
def test_a_check_finds_the_damage(name: str, good: DuckDBPyConnection) -> None:
    (check,) = (check for check in CONTENT.checks if check.name == name)
    good.begin()
    try:
        good.execute(DAMAGES[name])
        assert good.execute(check.query.text).fetchall()
    finally:
        good.rollback()
