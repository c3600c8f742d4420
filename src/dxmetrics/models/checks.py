"""Checks: queries that must return no rows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from dxmetrics.errors import ModelError
from dxmetrics.warehouse.connection import storage_refusal, transaction

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from duckdb import DuckDBPyConnection

    from dxmetrics.models.nodes import Check

SAMPLE = 5  # rows shown of a failed check


@dataclass(frozen=True)
class CheckResult:
    """How many rows a check returned, and the first of them."""

    name: str
    title: str
    severity: str
    remedy: str
    failures: int
    sample: tuple[dict[str, Any], ...]


def run_checks(
    connection: DuckDBPyConnection, checks: Sequence[Check], *, clock: Callable[[], datetime]
) -> tuple[CheckResult, ...]:
    """Run every check and keep the results in `meta.check_results`; ModelError names a file that cannot be run."""
    with transaction(connection):
        results = tuple(_run(connection, check) for check in checks)
        connection.execute("delete from meta.check_results")
        now = clock()
        for one in results:
            connection.execute(
                """
                insert into meta.check_results (name, title, severity, remedy, checked_at, failures, sample)
                values (?, ?, ?, ?, ?, ?, ?::json)
                """,
                [one.name, one.title, one.severity, one.remedy, now, one.failures, json.dumps(one.sample, default=str)],
            )
    return results


def _run(connection: DuckDBPyConnection, check: Check) -> CheckResult:
    try:
        found = connection.execute(check.query.text)
        names = [column[0] for column in found.description or ()]
        rows = found.fetchall()
    except duckdb.Error as error:
        raise storage_refusal(error) or ModelError(f"{check.path}: {error}") from error
    sample = tuple(dict(zip(names, row, strict=True)) for row in rows[:SAMPLE])
    header = check.header
    return CheckResult(check.name, header.title, header.severity, header.remedy, len(rows), sample)
