"""Reading `sql/`: headers, what a select reads, the order of building, and errors that name file and key."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pytest

from dxmetrics import models
from dxmetrics.errors import ModelError
from dxmetrics.models import Derivation
from dxmetrics.models.nodes import ordered
from dxmetrics.models.query import Parser
from tests.engine.sql_folder import CORE, METRIC, SqlFolder


@pytest.fixture
def sql(tmp_path: Path) -> SqlFolder:
    return SqlFolder(tmp_path / "project")


def order(sql: SqlFolder, *derivations: Derivation) -> list[str]:
    return [node.name for node in ordered(models.read([sql.root]).models, derivations)]


def derived(name: str, *inputs: str) -> Derivation:
    return Derivation(name, inputs, {"a": "bigint"}, lambda *_: pa.table({"a": [1]}), "1")


def test_models_come_after_what_they_read_without_any_ref(sql: SqlFolder) -> None:
    sql.core("a", "select c.x from core.c as c")
    sql.core("b", "with a as (select 1 as x) select a.x from a")
    sql.core("c", "select b.x from core.b as b inner join core.python as p on b.x = p.a")
    sql.metric("m", "select a.x from core.a as a where exists (select 1 as one from core.c as c)")
    assert order(sql, derived("core.python", "core.b")) == ["core.b", "core.python", "core.c", "core.a", "metrics.m"]


def test_names_of_common_table_expressions_are_no_tables() -> None:
    query = Parser().parse(
        """
        with recursive one as (select x.a from core.x as x), two as materialized (select one.a from one)
        select two.a, (with three as (select 1 as a) select max(three.a) from three) as b
        from two inner join landing.changes as l on two.a = l.number
        union all select z.a, 1 as b from "core"."z" as z
        """,
        "file",
    )
    assert query.inputs == ("core.x", "core.z", "landing.changes")


def test_reading_from_other_tables_changes_the_names_and_nothing_else() -> None:
    text = (
        "-- core.x stays here, café too\n"
        "select x.a, 'core.x' as b, changes.title from core.x as x, landing.changes, core.xy as y"
    )
    assert Parser().parse(text, "file").reading({"core.x": "temp.one", "landing.changes": "temp.two"}) == (
        "-- core.x stays here, café too\n"
        "select x.a, 'core.x' as b, changes.title from temp.one as x, temp.two as changes, core.xy as y"
    )


@pytest.mark.parametrize(
    ("select", "columns", "has_star"),
    [
        ("select x.a from core.x as x where x.b > 1", {"x", "a", "b"}, False),
        ("select x.* from core.x as x", set(), True),
        ("select count(*) as n from core.x as x", set(), False),
        ("select hash(x) as h from core.x as x", {"x"}, True),
        ("select 1 as one from core.x as x inner join core.y as y using (k)", {"k"}, False),
        ("select 1 as one from core.x as x natural join core.y as y", set(), True),
    ],
)
def test_columns_a_select_can_read_are_known(select: str, columns: set[str], has_star: bool) -> None:
    query = Parser().parse(select, "file")
    assert (set(query.columns), query.has_star) == (columns, has_star)


def test_variables_a_select_uses_are_known() -> None:
    text = "select getvariable('one') as a from core.x as x where x.b = getvariable('two') + getvariable('one')"
    assert Parser().parse(text, "file").variables == ("one", "two")


@pytest.mark.parametrize(
    ("select", "message"),
    [
        ("select 1 as a fro core.x as x", r"bad\.sql, line 5: syntax error"),
        ("select 1 as a; select 2 as b", "it must be one select, and has 2 statements"),
        ("create table t as select 1 as a", "Only SELECT"),
        ("select x.a from x as x", "table 'x' must be written schema.table"),
        ("select getvariable(x.a) as b from core.bad as x", "needs the variable's name as a plain string"),
        ("", "there is no select after the header"),
    ],
)
def test_a_select_that_is_none_is_refused_with_its_file(sql: SqlFolder, select: str, message: str) -> None:
    path = sql.core("bad", select)
    with pytest.raises(ModelError, match=message) as raised:
        models.read([sql.root])
    assert str(raised.value).startswith(str(path))


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ('grian = "x"', r"key 'grian' is not known: use affects, description, grain"),
        ("materialize = 'cube'", "materialize: Input should be 'table' or 'view'"),
        ("key = 'x'", "key: Input should be a valid tuple"),
        ("[keys]\n'core.x' = 'a'", "`keys` and `affects` need `key`"),
        ("key = ['a', 'b']\n[keys]\n'core.x' = 'a'", r"keys\.core\.x has 1 expressions for 2 key columns"),
        ("key = ['a']\nmaterialize = 'view'", "a view has no `key`"),
        ("key = ", "the header is not TOML"),
    ],
)
def test_a_wrong_header_is_refused_with_file_and_key(sql: SqlFolder, header: str, message: str) -> None:
    path = sql.core("bad", "select 1 as a", header)
    with pytest.raises(ModelError, match=message) as raised:
        models.read([sql.root])
    assert str(raised.value).startswith(str(path))


def test_a_missing_key_and_a_missing_header_are_told(sql: SqlFolder) -> None:
    path = sql.write("metrics/area/m.sql", METRIC.replace('unit = "hours"', ""), "select 1 as a")
    with pytest.raises(ModelError, match="key 'unit' is missing"):
        models.read([sql.root])
    path.write_text("select 1 as a")
    with pytest.raises(ModelError, match=r"m\.sql: the file must start with a header"):
        models.read([sql.root])


def test_a_metrics_header_holds_its_definition(sql: SqlFolder) -> None:
    sql.metric("m", "select 1 as a", 'measure = ["a", "b"]\nbots = "included"\nminimum_n = 5\nscale = 1000')
    (model,) = models.read([sql.root]).models
    assert model.is_view
    assert model.name == "metrics.m"
    assert '"measure":["a","b"]' in model.published[0]
    assert "level_minimum_n" not in model.published[0], "only what the file states"


def test_the_users_file_replaces_the_built_in_one_of_its_name(tmp_path: Path) -> None:
    built_in, own = SqlFolder(tmp_path / "built-in"), SqlFolder(tmp_path / "own")
    built_in.core("a", "select 1 as x")
    built_in.write("metrics/flow/m.sql", METRIC, "select 1 as x")
    mine = own.write("metrics/mine/m.sql", METRIC, "select 2 as x")
    found = {model.name: model.path for model in models.read([own.root, built_in.root]).models}
    assert found == {"core.a": built_in.root / "sql/core/a.sql", "metrics.m": mine}


def test_two_files_of_one_name_in_one_project_are_refused(sql: SqlFolder) -> None:
    sql.write("metrics/flow/m.sql", METRIC, "select 1 as x")
    sql.write("metrics/ci/m.sql", METRIC, "select 1 as x")
    with pytest.raises(ModelError, match="has the same name already"):
        models.read([sql.root])


def test_a_folder_that_is_no_schema_is_refused(sql: SqlFolder) -> None:
    sql.write("marts/m.sql", CORE, "select 1 as x")
    with pytest.raises(ModelError, match=r"m\.sql: files of sql/ are in sql/core, sql/metrics, sql/standards or"):
        models.read([sql.root])


@pytest.mark.parametrize(
    ("select", "message"),
    [
        (
            "select n.x from core.nowhere as n",
            r"a\.sql: table core\.nowhere is not known: there is no sql/core/nowhere\.sql",
        ),
        ("select n.x from landing.pulls as n", r"table landing\.pulls is not known: there is no landing table"),
        ("select b.x from core.b as b", r"in a circle: .*(a\.sql -> .*b\.sql|b\.sql -> .*a\.sql)"),
    ],
)
def test_unknown_tables_and_circles_are_told_with_their_files(sql: SqlFolder, select: str, message: str) -> None:
    sql.core("a", select)
    sql.core("b", "select a.x from core.a as a")
    with pytest.raises(ModelError, match=message):
        order(sql)


def test_a_derivation_and_a_file_cannot_make_the_same_table(sql: SqlFolder) -> None:
    sql.core("a", "select 1 as x")
    with pytest.raises(ModelError, match=re.escape("core.a is made by derivation core.a already")):
        order(sql, derived("core.a"))


def test_keys_of_a_table_that_is_not_read_are_refused(sql: SqlFolder) -> None:
    sql.core("a", "select 1 as x", "key = ['x']\n[keys]\n'landing.changes' = 'ext_id'")
    with pytest.raises(ModelError, match=r"landing\.changes has keys but is not read"):
        order(sql)


def test_an_affects_select_reads_inputs_only(sql: SqlFolder) -> None:
    sql.core("b", "select 1 as x")
    affects = "select b.x from delta.changed as d inner join core.b as b on true"
    sql.core(
        "a",
        "select c.ext_id as x from landing.changes as c",
        f"key = ['x']\n[affects]\n'landing.changes' = '{affects}'",
    )
    with pytest.raises(ModelError, match=r"affects\.landing\.changes reads core\.b, which is not an input"):
        order(sql)


def test_views_cannot_use_variables(sql: SqlFolder) -> None:
    sql.metric("m", "select getvariable('x') as x")
    with pytest.raises(ModelError, match=r"m\.sql: a view cannot use getvariable"):
        models.read([sql.root])
