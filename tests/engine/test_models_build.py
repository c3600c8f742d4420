"""Building: everything once, then only what changed, in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from duckdb import DuckDBPyConnection

from dxmetrics import models, warehouse
from dxmetrics.errors import ModelError, WarehouseError
from dxmetrics.models import BuildReport, Derivation
from dxmetrics.records import Change, Team
from dxmetrics.warehouse.sql import scalar
from tests.engine.sql_folder import SqlFolder

Build = Callable[..., BuildReport]
KEYED = "key = ['change_id']\n[keys]\n'landing.changes' = \"source || ':' || ext_id\"\n"
CHANGES = """
select
    changes.source || ':' || changes.ext_id as change_id,
    changes.title,
    changes.number,
from landing.changes as changes
where changes.deleted_at is null
"""


@pytest.fixture
def sql(tmp_path: Path) -> SqlFolder:
    """changes (key-local) -> sizes (key-local) -> total (whole), and a metric on sizes."""
    folder = SqlFolder(tmp_path / "project")
    folder.core("changes", CHANGES, KEYED)
    folder.core("sizes", "select c.change_id, c.number * 2 as size from core.changes as c", "key = ['change_id']\n")
    folder.core("total", "select sum(s.size) as size from core.sizes as s")
    folder.metric("size", "select s.change_id as entity_id, s.size from core.sizes as s")
    return folder


@pytest.fixture
def build(connection: DuckDBPyConnection, sql: SqlFolder, clock) -> Build:
    def run(*derivations: Derivation, **variables: Any) -> BuildReport:
        return models.build(connection, models.read([sql.root]).models, variables, derivations, clock=clock)

    return run


def modes(report: BuildReport) -> dict[str, str]:
    return {one.name.partition(".")[2]: one.mode for one in report.models}


def total(connection: DuckDBPyConnection) -> Any:
    return scalar(connection, "select size from core.total")


def rows(*numbers: int) -> dict[Any, Any]:
    return {Change: [{"ext_id": str(n), "repository": "r", "number": n} for n in numbers]}


def test_the_first_build_makes_every_table_and_view(connection, build: Build, land, clock) -> None:
    land(rows(1, 2))
    report = build()
    assert modes(report) == {"changes": "whole", "sizes": "whole", "total": "whole", "size": "whole"}
    assert total(connection) == 6
    assert connection.execute("select * from metrics.size order by all").fetchall() == [("files:1", 2), ("files:2", 4)]
    kept = connection.execute("select name, kind, mode, rows, built_at from meta.models order by name").fetchall()
    assert kept[0] == ("core.changes", "table", "whole", 2, clock())
    assert kept[-1] == ("metrics.size", "view", "whole", None, clock())


def test_with_nothing_changed_nothing_is_built_or_written(connection, build: Build, land, clock) -> None:
    land(rows(1, 2))
    build()
    before = connection.execute("select * from meta.models order by name").fetchall()
    clock.advance(hours=1)
    assert build().rebuilt == ()
    land(rows(1, 2))
    assert build().rebuilt == ()
    assert connection.execute("select * from meta.models order by name").fetchall() == before


def test_a_row_updated_in_place_rebuilds_its_key_alone(connection, build: Build, land) -> None:
    land(rows(1, 2))
    build()
    land({Change: [{"ext_id": "1", "repository": "r", "number": 10}]})
    assert modes(build()) == {"changes": "incremental", "sizes": "incremental", "total": "whole", "size": "skipped"}
    assert total(connection) == 24


def test_what_comes_out_the_same_stops_the_rebuilding(connection, build: Build, land) -> None:
    land(rows(1, 2))
    build()
    land({Change: [{"ext_id": "1", "repository": "r", "number": 1, "url": "https://example.org"}]})
    assert build().rebuilt == ()
    land({Change: [{"ext_id": "1", "repository": "r", "number": 1, "title": "another"}]})
    assert build().rebuilt == ("core.changes",), "sizes reads no title"


def test_deleted_and_returned_rows_leave_and_come_back(connection, build: Build, land) -> None:
    land(rows(1, 2))
    build()
    land(rows(2), snapshot=True, is_last=True)
    build()
    assert total(connection) == 4
    land(rows(1))
    build()
    assert total(connection) == 6


def test_an_input_without_the_key_rebuilds_the_model_whole(connection, sql: SqlFolder, build: Build, land) -> None:
    select = CHANGES.replace("changes.title,", "(select max(t.name) from landing.teams as t) as title,")
    sql.core("changes", select, KEYED)
    land(rows(1, 2))
    build()
    land({Team: [{"ext_id": "a", "name": "A"}]})
    assert modes(build())["changes"] == "whole"
    assert scalar(connection, "select min(title) from core.changes") == "A"


def test_many_changed_keys_are_built_whole(connection, build: Build, land, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models.partial, "FEW_ROWS", 2)
    land(rows(*range(10)))
    build()
    land({Change: [{"ext_id": str(n), "repository": "r", "number": 100} for n in range(2)]})
    assert modes(build())["changes"] == "incremental"
    land({Change: [{"ext_id": str(n), "repository": "r", "number": 100} for n in range(2, 5)]})
    report = modes(build())
    assert (report["changes"], report["sizes"]) == ("whole", "whole")
    assert total(connection) == 2 * (5 * 100 + 5 + 6 + 7 + 8 + 9)


def test_rows_edited_behind_the_loaders_back_are_noticed(connection, build: Build, land) -> None:
    land(rows(1, 2))
    build()
    connection.execute("update landing.changes set number = 50, content_hash = 7 where ext_id = '1'")
    assert modes(build())["changes"] == "whole"
    assert total(connection) == 104
    connection.execute("delete from landing.changes where ext_id = '1'")
    build()
    assert total(connection) == 4


def test_a_changed_text_rebuilds_the_model_and_what_reads_it(connection, sql: SqlFolder, build: Build, land) -> None:
    land(rows(1))
    build()
    sql.core("sizes", "select c.change_id, c.number * 3 as size from core.changes as c", "key = ['change_id']\n")
    assert modes(build()) == {"changes": "skipped", "sizes": "whole", "total": "whole", "size": "skipped"}
    assert total(connection) == 3


def test_words_in_a_metrics_header_are_published_without_a_rebuild(connection, sql, build: Build, land) -> None:
    build()
    sql.metric("size", "select s.change_id as entity_id, s.size from core.sizes as s", 'caveat = "careful"')
    assert build().rebuilt == ()
    shown = scalar(connection, "select header ->> '$.caveat' from meta.models where name = 'metrics.size'")
    assert shown == "careful"


def test_a_changed_variable_rebuilds_only_what_uses_it(connection, sql: SqlFolder, build: Build, land) -> None:
    sql.core("sizes", "select c.change_id, c.number * getvariable('factor') as size from core.changes as c")
    land(rows(1))
    build(factor=2, other="x", listed=[1, 2])
    assert build(factor=2, other="y", listed=None).rebuilt == ()
    assert build(factor=5, other="y").rebuilt == ("core.sizes", "core.total")
    assert total(connection) == 5


def test_a_variable_nobody_set_is_refused(sql: SqlFolder, build: Build) -> None:
    sql.core("total", "select getvariable('factr') as size from core.sizes as s")
    with pytest.raises(ModelError, match=r"total\.sql: variable 'factr' is not known: use one of factor"):
        build(factor=1)


def test_a_model_that_is_gone_is_dropped(connection, sql: SqlFolder, build: Build) -> None:
    build()
    (sql.root / "sql/metrics/area/size.sql").unlink()
    (sql.root / "sql/core/total.sql").unlink()
    build()
    query = "select schema_name || '.' || view_name from duckdb_views() where schema_name = 'metrics'"
    assert connection.execute(query).fetchall() == []
    assert scalar(connection, "select count(*) from duckdb_tables() where table_name = 'total'") == 0
    assert scalar(connection, "select count(*) from meta.models") == 2


def test_a_table_may_become_a_view_and_a_table_again(connection, sql: SqlFolder, build: Build, land) -> None:
    land(rows(1))
    build()
    sql.core("sizes", "select c.change_id, c.number * 3 as size from core.changes as c", "materialize = 'view'")
    assert modes(build()) == {"changes": "skipped", "sizes": "whole", "total": "whole", "size": "whole"}
    land(rows(2))
    assert modes(build())["total"] == "whole", "what reads a view is built when anything below it changes"
    assert total(connection) == 9
    sql.core("sizes", "select c.change_id, c.number as size from core.changes as c")
    build()
    assert total(connection) == 3


def test_a_column_that_changes_its_type_reaches_the_views(connection, sql: SqlFolder, build: Build, land) -> None:
    land(rows(1))
    build()
    sql.core("sizes", "select c.change_id, 'S' as size from core.changes as c")
    sql.core("total", "select count(*) as size from core.sizes as s")
    build()
    assert connection.execute("select size from metrics.size").fetchall() == [("S",)]


def test_a_failing_model_is_told_with_its_file_and_nothing_is_kept(connection, sql, build: Build, land) -> None:
    land(rows(1))
    build()
    land(rows(2))
    path = sql.core("total", "select sum(s.size) as size, s.nothing as n from core.sizes as s")
    with pytest.raises(ModelError, match="nothing") as raised:
        build()
    assert str(raised.value).startswith(str(path))
    assert connection.execute("select count(*) from core.changes").fetchall() == [(1,)], "as before the build"
    sql.core("total", "select sum(s.size) as size from core.sizes as s")
    build()
    assert total(connection) == 6


def test_a_key_that_is_no_column_is_refused(sql: SqlFolder, build: Build) -> None:
    sql.core("total", "select sum(s.size) as size from core.sizes as s", "key = ['change_id']")
    with pytest.raises(ModelError, match=r"total\.sql: header: key column 'change_id' is not in the select"):
        build()


def test_too_little_memory_is_not_blamed_on_a_file(data: Path, tmp_path: Path, clock) -> None:
    folder = SqlFolder(tmp_path / "other")
    folder.core("big", "select list(r.range) as numbers from landing.teams as t, range(30_000_000) as r (range)")
    connection = warehouse.open_writer(data, memory_limit="40MB", threads=1)
    connection.execute("insert into landing.teams (ext_id) values ('1')")
    with pytest.raises(WarehouseError, match=r"out of memory .* raise the memory limit"):
        models.build(connection, models.read([folder.root]).models, clock=clock)
    connection.close()


def test_views_work_under_any_name_the_file_is_attached_by(data: Path, connection, build: Build, land, clock) -> None:
    land(rows(1))
    build()
    published = warehouse.publish(connection, data, clock)
    with duckdb.connect() as reader:
        reader.execute(f"attach '{published.path}' as v1 (read_only)")
        assert reader.execute("select * from v1.metrics.size").fetchall() == [("files:1", 2)]


def doubled(calls: list[int], version: str = "1", **keys: Any) -> Derivation:
    def run(connection: DuckDBPyConnection, tables: Any) -> pa.Table:
        found = connection.execute(f"select change_id, number from {tables['core.changes']}").fetchall()
        calls.append(len(found))
        return pa.table(
            {"change_id": [one for one, _ in found], "size": [2 * number for _, number in found]},
            schema=pa.schema({"change_id": pa.string(), "size": pa.int64()}),
        )

    columns = {"change_id": "varchar", "size": "bigint"}
    return Derivation("core.sizes", ("core.changes",), columns, run, version, **keys)


def test_a_derivation_takes_its_place_among_the_models(connection, sql: SqlFolder, build: Build, land) -> None:
    (sql.root / "sql/core/sizes.sql").unlink()
    calls: list[int] = []
    land(rows(1, 2))
    assert list(modes(build(doubled(calls))))[:2] == ["changes", "sizes"]
    assert total(connection) == 6
    assert build(doubled(calls)).rebuilt == ()
    build(doubled(calls, version="2"))
    land(rows(3))
    build(doubled(calls, version="2"))
    assert calls == [2, 2, 3]


def test_a_derivation_with_a_key_reads_the_affected_rows_only(connection, sql: SqlFolder, build: Build, land) -> None:
    (sql.root / "sql/core/sizes.sql").unlink()
    calls: list[int] = []
    land(rows(1, 2, 3))
    build(doubled(calls, key=("change_id",)))
    land({Change: [{"ext_id": "2", "repository": "r", "number": 20}]})
    assert modes(build(doubled(calls, key=("change_id",))))["sizes"] == "incremental"
    assert calls == [3, 1]
    assert total(connection) == 48


def test_a_derivation_without_rows_is_an_empty_table(connection, sql: SqlFolder, build: Build) -> None:
    (sql.root / "sql/core/sizes.sql").unlink()
    build(doubled([]))
    assert connection.execute("select count(*) from core.sizes").fetchall() == [(0,)]
