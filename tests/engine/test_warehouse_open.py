"""Opening a warehouse: what is made, what is brought up to date, and what is refused with a remedy."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from duckdb import DuckDBPyConnection

from dxmetrics import warehouse
from dxmetrics.errors import WarehouseError
from dxmetrics.records import LANDED, Change, SurveyResponse, table_name
from dxmetrics.warehouse.sql import scalar


def columns(connection: DuckDBPyConnection, table: str) -> dict[str, str]:
    return {row[0]: row[1] for row in connection.execute(f"describe {table}").fetchall()}


def test_a_new_warehouse_has_a_landing_table_for_every_record(connection: DuckDBPyConnection) -> None:
    rows = connection.execute("select table_name from duckdb_tables() where schema_name = 'landing'").fetchall()
    assert {name for (name,) in rows} == {table_name(record) for record in LANDED}
    assert SurveyResponse not in LANDED


def test_landing_columns_follow_the_record_in_its_order(connection: DuckDBPyConnection) -> None:
    found = columns(connection, "landing.changes")
    assert list(found)[:5] == ["source", "ext_id", "url", "updated_at", "repository"]
    assert list(found)[-6:] == ["scope", "payload", "content_hash", "batch_id", "collected_at", "deleted_at"]
    kinds = [found[name] for name in ("merged_at", "number", "is_draft", "labels", "paths", "content_hash")]
    assert kinds == ["TIMESTAMP WITH TIME ZONE", "BIGINT", "BOOLEAN", "VARCHAR[]", "VARCHAR[]", "UBIGINT"]


def test_amounts_dates_and_nested_values_have_types_of_their_own(connection: DuckDBPyConnection) -> None:
    assert columns(connection, "landing.cost_lines")["amount"] == "DECIMAL(18,6)"
    assert columns(connection, "landing.memberships")["valid_from"] == "DATE"
    assert columns(connection, "landing.usage_facts")["dimensions"] == "JSON"
    assert columns(connection, "landing.links")["confidence"] == "DOUBLE"


def test_every_session_runs_in_utc_wherever_the_machine_is(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    connection = warehouse.open_writer(data)
    for session in (connection, connection.cursor()):
        assert scalar(session, "select current_setting('TimeZone')") == "UTC"
    connection.close()


def test_opening_again_keeps_what_is_there(data: Path) -> None:
    connection = warehouse.open_writer(data)
    warehouse.set_fact(connection, "organisation", "Acme")
    connection.close()
    connection = warehouse.open_writer(data, memory_limit="500MB", threads=1)
    assert warehouse.facts(connection)["organisation"] == "Acme"
    assert scalar(connection, "select current_setting('threads')") == 1
    connection.close()


def test_a_field_that_is_new_in_this_version_becomes_a_column_and_no_row_looks_changed(data, land, clock) -> None:
    rows = {Change: [{"ext_id": "1", "repository": "r"}]}
    land(rows)
    connection = duckdb.connect(data / "dx.duckdb")
    names = [name for name in columns(connection, "landing.changes") if name in Change.model_fields and name != "paths"]
    connection.execute("alter table landing.changes drop column paths")
    connection.execute(f"update landing.changes set content_hash = hash({', '.join(names)})")
    connection.close()
    with duckdb.connect(data / "dx.duckdb") as probe:
        assert "paths" not in columns(probe, "landing.changes")
    upgraded = warehouse.open_writer(data)
    assert columns(upgraded, "landing.changes")["paths"] == "VARCHAR[]"
    upgraded.close()
    assert land(rows).unchanged == 1


def test_hashes_of_another_duckdb_are_computed_anew(data: Path, connection, land) -> None:
    rows = {Change: [{"ext_id": "1", "repository": "r"}]}
    land(rows)
    connection.execute("update landing.changes set content_hash = 1")
    warehouse.set_fact(connection, "hash_probe", "of another version")
    warehouse.open_writer(data).close()
    assert land(rows).unchanged == 1


def test_a_column_of_another_type_is_refused_by_name(data: Path) -> None:
    connection = warehouse.open_writer(data)
    connection.execute("alter table landing.changes alter number type varchar")
    connection.close()
    with pytest.raises(WarehouseError, match=r"landing\.changes\.number is varchar, .* needs bigint"):
        warehouse.open_writer(data)


def test_a_newer_schema_is_refused_with_the_remedy(data: Path) -> None:
    connection = warehouse.open_writer(data)
    warehouse.set_fact(connection, "schema_version", 99)
    connection.close()
    with pytest.raises(WarehouseError, match=r"dx\.duckdb has schema version 99, .* upgrade dxmetrics"):
        warehouse.open_writer(data)


@pytest.mark.parametrize("content", [b"not a database at all " * 500, b"\x00" * 20_000, b"short"])
def test_a_file_that_is_no_database_is_refused_and_left_alone(data: Path, content: bytes) -> None:
    data.mkdir()
    (data / "dx.duckdb").write_bytes(content)
    with pytest.raises(WarehouseError, match=r"dx\.duckdb is damaged or not a DuckDB file .*move it away"):
        warehouse.open_writer(data)
    assert (data / "dx.duckdb").read_bytes() == content


def test_a_damaged_warehouse_is_told_apart_from_a_bug(data: Path) -> None:
    connection = warehouse.open_writer(data)
    connection.execute("checkpoint")
    connection.close()
    path = data / "dx.duckdb"
    content = bytearray(path.read_bytes())
    content[12_288:] = os.urandom(len(content) - 12_288)
    path.write_bytes(content)
    with pytest.raises(WarehouseError, match="damaged or not a DuckDB file"):
        warehouse.open_writer(data)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file stands in the way")
    with pytest.raises(WarehouseError, match=r"folder .*data.* cannot be made .*choose another"):
        warehouse.open_writer(tmp_path / "data")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(data: Path) -> None:
    data.mkdir(mode=0o500)
    with pytest.raises(WarehouseError, match="cannot be opened for writing"):
        warehouse.open_writer(data)


def test_a_warehouse_that_another_process_writes_is_refused_with_its_process_id(data: Path) -> None:
    hold = (
        "import pathlib, sys; from dxmetrics import warehouse\n"
        "held = warehouse.open_writer(pathlib.Path(sys.argv[1])); print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with pytest.raises(WarehouseError, match=rf"another dxmetrics process \(PID {other.pid}\) writes .*stop it"):
            warehouse.open_writer(data)
        other.communicate("")
    warehouse.open_writer(data).close()


def test_a_file_of_an_older_schema_is_copied_before_it_is_changed(data: Path) -> None:
    connection = warehouse.open_writer(data)
    with warehouse.transaction(connection):
        warehouse.set_fact(connection, "schema_version", 0)
    connection.close()
    warehouse.open_writer(data).close()
    with duckdb.connect(str(data / "dx-schema-0.duckdb"), read_only=True) as copy:
        assert copy.execute("select value::int from meta.facts where name = 'schema_version'").fetchall() == [(0,)]
    with duckdb.connect(str(data / "dx.duckdb"), read_only=True) as opened:
        assert opened.execute("select value::int from meta.facts where name = 'schema_version'").fetchall() == [(1,)]
