"""A small published warehouse, made in the test: metrics as tables with their rows, and what is observed since when."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from dxmetrics.metrics import Metrics

AS_OF = datetime(2026, 11, 25, 12, tzinfo=UTC)  # a Wednesday, in 2026-W48
LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)

HEADER = {"unit": "hours", "better": "lower", "entity": "change", "stream": "changes", "bots": "included"}
INSTANT = pa.timestamp("us", tz="UTC")
COLUMNS = {
    "occurred_at": INSTANT, "started_at": INSTANT, "ended_at": INSTANT, "team": pa.string(), "service": pa.string(),
    "repository": pa.string(), "entity_id": pa.string(), "title": pa.string(), "url": pa.string(),
    "hours": pa.float64(), "failed": pa.bool_(), "is_bot": pa.bool_(), "is_open": pa.bool_(),
    "excluded_because": pa.string(), "evidence": pa.string(), "kind": pa.string(), "lines": pa.int64(),
    "is_linked": pa.bool_(), "is_passed": pa.bool_(), "standard_title": pa.string(), "tier": pa.string(),
    "remedy": pa.string(), "status": pa.string(), "until_on": pa.string(), "currency": pa.string(),
}  # fmt: skip
ALWAYS = ("occurred_at", "team", "service", "repository", "entity_id", "title", "url")

TABLES = """
    create schema core; create schema metrics; create schema meta; create schema landing;
    create table meta.facts (name varchar, value json);
    create table meta.models (
        name varchar, kind varchar, header json, sql varchar, built_at timestamptz, rows bigint, seconds double
    );
    create table meta.scope_runs (
        run_id varchar, source varchar, scope varchar, title varchar, started_at timestamptz, finished_at timestamptz,
        status varchar, rows_read bigint, rows_changed bigint, rows_refused bigint, error varchar, notes varchar[]
    );
    create table meta.runs (run_id varchar, started_at timestamptz, finished_at timestamptz, status varchar);
    create table meta.coverage (
        source varchar, stream varchar, scope varchar, covered_from timestamptz, covered_to timestamptz
    );
    create table meta.quarantine (
        source varchar, scope varchar, record varchar, reason varchar, first_seen_at timestamptz,
        last_seen_at timestamptz, occurrences bigint
    );
    create table meta.check_results (name varchar, title varchar, failures bigint);
    create table core.observations (
        stream varchar, service varchar, team varchar, repository varchar, observed_from timestamptz,
        observed_to timestamptz, is_complete boolean
    );
    create table landing.repositories (source varchar, scope varchar, created_at timestamptz);
    create table core.services (service varchar, team varchar);
    create table core.repositories (repository varchar);
    create table core.changes (service varchar, team varchar, repository varchar);
    create table core.deployments (service varchar, repository varchar, team varchar);
    create table core.identities (source varchar, person_id varchar, is_bot boolean);
"""


class Warehouse:
    """Builds published files in a data folder, one version after another."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.zone = "UTC"
        self.as_of = AS_OF
        self.metrics: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {}
        self.observed: list[tuple[Any, ...]] = []
        self.statements: list[str] = []

    def metric(self, name: str, header: dict[str, Any], rows: list[dict[str, Any]]) -> None:
        """Add a metric; rows lacking an id get one."""
        self.metrics[name] = (HEADER | {"title": name} | header, rows)

    def observe(
        self,
        stream: str,
        service: str | None = "api",
        since: datetime = LONG_AGO,
        until: datetime | None = None,
        team: str | None = "web",
        *,
        is_complete: bool = True,
    ) -> None:
        """State that the events of a service are observed; until as_of if no end is given."""
        self.observed.append((stream, service, team, "repo", since, until, is_complete))

    def publish(self, version: str = "20261125") -> Metrics:
        """Write the file and the pointer, and open it."""
        folder = self.data / "published"
        folder.mkdir(parents=True, exist_ok=True)
        with duckdb.connect(str(folder / f"dx-{version}.duckdb")) as connection:
            connection.execute("set timezone = 'UTC'")
            connection.execute(TABLES)
            facts = {
                "as_of": self.as_of.isoformat(), "reporting_zone": self.zone, "organisation": "Acme",
                "is_sample": True, "data_version": version,
            }  # fmt: skip
            connection.executemany(
                "insert into meta.facts values (?, ?)", [[k, json.dumps(v)] for k, v in facts.items()]
            )
            for name, (header, rows) in self.metrics.items():
                _write(connection, name, header, rows)
            for row in self.observed:
                connection.execute("insert into core.observations values (?, ?, ?, ?, ?, ?, ?)", list(row))
            for statement in self.statements:
                connection.execute(statement)
        (folder / "current").write_text(f"dx-{version}.duckdb\n")
        return Metrics.open(self.data)


def _write(
    connection: duckdb.DuckDBPyConnection, name: str, header: dict[str, Any], rows: list[dict[str, Any]]
) -> None:
    named = [{"entity_id": f"{name}-{place}", **row} for place, row in enumerate(rows)]
    measure = header.get("measure", [])
    measures = [measure] if isinstance(measure, str) else measure
    needed = {*ALWAYS, *measures, *(key for row in rows for key in row)}
    schema = pa.schema(
        [(column, COLUMNS.get(column, pa.float64())) for column in (*COLUMNS, *measures) if column in needed]
    )
    schema = pa.schema({field.name: field for field in schema}.values())
    connection.register("given", pa.Table.from_pylist(named, schema=schema))
    connection.execute(f"create table metrics.{name} as select * from given")
    connection.execute(
        "insert into meta.models (name, kind, header, sql) values (?, 'view', ?, ?)",
        [f"metrics.{name}", json.dumps(header), f"select 1 as {name}"],
    )


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path)
