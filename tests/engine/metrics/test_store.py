"""Publications: a reader keeps the one it opened, takes the newest when asked, and says what is wrong with a file."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dxmetrics.errors import ModelError, WarehouseError
from dxmetrics.metrics import Metrics

MONDAY = datetime(2026, 8, 24, 9, tzinfo=UTC)
COUNT = {"aggregate": "count", "unit": "events"}


def events(count: int) -> list[dict[str, Any]]:
    return [{"occurred_at": MONDAY + timedelta(hours=place), "team": "web", "service": "api"} for place in range(count)]


def test_nothing_published_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match="nothing is published"):
        Metrics.open(tmp_path)


def test_a_damaged_file_is_said_by_name(tmp_path: Path) -> None:
    (tmp_path / "published").mkdir()
    (tmp_path / "published" / "dx-1.duckdb").write_bytes(b"not a database" * 1000)
    (tmp_path / "published" / "current").write_text("dx-1.duckdb\n")
    with pytest.raises(WarehouseError, match=r"dx-1\.duckdb"):
        Metrics.open(tmp_path)


def test_the_facts_of_a_publication_are_attributes(warehouse: Any) -> None:
    warehouse.zone = "Europe/Berlin"
    metrics = warehouse.publish("7")
    assert (metrics.organisation, metrics.is_sample, metrics.data_version) == ("Acme", True, "7")
    assert (metrics.as_of, metrics.reporting_zone) == (warehouse.as_of, "Europe/Berlin")


def test_a_core_table_of_the_same_name_is_another_model(warehouse: Any) -> None:
    warehouse.observe("changes")
    warehouse.metric("deployments", COUNT, events(2))
    warehouse.statements.append(
        """insert into meta.models (name, kind, header, sql)
        values ('core.deployments', 'table', '{"grain": "one row per deployment"}', 'select 1 as one')"""
    )
    assert warehouse.publish("1").definition("deployments").aggregate == "count"


def test_an_open_reader_keeps_its_version_until_it_is_refreshed(warehouse: Any) -> None:
    warehouse.observe("changes")
    warehouse.metric("events", COUNT, events(2))
    old = warehouse.publish("1")
    assert not old.refresh()
    warehouse.metric("events", COUNT, events(3))
    new = warehouse.publish("2")
    assert (old.query("events")[0].n, new.query("events")[0].n) == (2, 3)
    assert old.refresh()
    assert (old.query("events")[0].n, old.data_version) == (3, "2")
    assert Metrics.open(warehouse.data).data_version == "2"


def test_a_version_nobody_reads_any_more_is_let_go(warehouse: Any) -> None:
    warehouse.observe("changes")
    warehouse.metric("events", COUNT, events(2))
    metrics = warehouse.publish("1")
    for version in ("2", "3"):
        warehouse.publish(version)
        metrics.refresh()
    with metrics._reading() as reading:
        attached = {row["name"] for row in reading.rows("select database_name as name from duckdb_databases()")}
    assert {name for name in attached if name.startswith("dx_")} == {"dx_3"}


def test_threads_read_side_by_side_while_versions_change(warehouse: Any) -> None:
    warehouse.observe("changes")
    warehouse.metric("events", COUNT, events(5))
    metrics = warehouse.publish("1")

    def read(place: int) -> int:
        if place % 10 == 0:
            Metrics.open(warehouse.data)
        return metrics.query("events", period="week")[0].n

    with ThreadPoolExecutor(8) as pool:
        first = list(pool.map(read, range(40)))
        warehouse.publish("2")
        second = list(pool.map(read, range(40)))
    assert {*first, *second} == {5}


def test_the_catalogue_has_each_definition_with_its_sql(warehouse: Any) -> None:
    warehouse.metric("events", COUNT | {"title": "Events", "caveat": "None known", "version": 2}, events(1))
    (definition,) = warehouse.publish().catalogue()
    assert (definition.name, definition.version, definition.title) == ("events", 2, "Events")
    assert definition.sql == "select 1 as events"
    assert definition.dimensions == ("team", "service", "repository")


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"aggregate": "average"}, "average.*median"),
        ({"aggregate": "median", "measure": "minutes"}, "no column minutes"),
        ({"aggregate": "median"}, "needs `measure`"),
        ({"aggregate": "rate"}, "needs `per`"),
        ({"aggregate": "count", "better": "up"}, "better = 'up'"),
    ],
)
def test_a_wrong_header_is_named(warehouse: Any, header: dict[str, str], message: str) -> None:
    warehouse.metric("events", {"unit": "events"} | header, [])
    warehouse.metrics["events"][1].append({"occurred_at": MONDAY})
    if header.get("measure") == "minutes":
        warehouse.statements.append("alter table metrics.events drop column minutes")
    with pytest.raises(ModelError, match=message):
        warehouse.publish()
