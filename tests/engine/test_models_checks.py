"""Checks: queries that must return no rows, with their results kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from duckdb import DuckDBPyConnection

from dxmetrics import models
from dxmetrics.errors import ModelError
from dxmetrics.records import Change
from tests.engine.sql_folder import SqlFolder


@pytest.fixture
def sql(tmp_path: Path) -> SqlFolder:
    folder = SqlFolder(tmp_path / "project")
    folder.check(
        "numbers", "select c.ext_id, c.merged_at from landing.changes as c where c.number < 0 order by c.ext_id"
    )
    return folder


def change(number: int) -> dict[str, object]:
    return {"ext_id": str(number), "repository": "r", "number": number, "merged_at": "2026-01-01T00:00:00Z"}


def test_a_check_without_rows_has_no_failures(connection: DuckDBPyConnection, sql: SqlFolder, land, clock) -> None:
    land({Change: [change(1)]})
    (result,) = models.run_checks(connection, models.read([sql.root]).checks, clock=clock)
    assert (result.name, result.title, result.severity, result.remedy) == ("numbers", "T", "error", "R")
    assert (result.failures, result.sample) == (0, ())


def test_failures_are_counted_and_the_first_are_shown(connection, sql: SqlFolder, land, clock) -> None:
    land({Change: [change(-n) for n in range(1, 8)]})
    checks = models.read([sql.root]).checks
    (result,) = models.run_checks(connection, checks, clock=clock)
    assert (result.failures, len(result.sample), result.sample[0]["ext_id"]) == (7, 5, "-1")
    models.run_checks(connection, checks, clock=clock)
    kept = connection.execute(
        "select name, failures, checked_at, sample ->> '$[0].ext_id' from meta.check_results"
    ).fetchall()
    assert kept == [("numbers", 7, clock(), "-1")], "the newest result only"


def test_a_check_that_cannot_run_is_told_with_its_file(connection, sql: SqlFolder, clock) -> None:
    path = sql.check("broken", "select c.nothing from landing.changes as c", 'severity = "warning"')
    with pytest.raises(ModelError, match="nothing") as raised:
        models.run_checks(connection, models.read([sql.root]).checks, clock=clock)
    assert str(raised.value).startswith(str(path))
