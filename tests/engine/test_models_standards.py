"""Files of sql/standards become one table, core.standard_verdicts."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from dxmetrics import models, warehouse
from dxmetrics.errors import ModelError
from dxmetrics.models.header import StandardHeader
from dxmetrics.models.nodes import VERDICTS

from .sql_folder import SqlFolder

HEADER = 'title = "Has it"\ntier = "bronze"\nremedy = "Don\'t wait."\n'
SELECT = "select 'a' as service_id, 'pass' as status, now() as failing_since, null as detail"


@pytest.fixture
def sql(tmp_path: Path) -> SqlFolder:
    return SqlFolder(tmp_path)


def test_every_standard_is_in_the_one_table_with_what_its_header_says(sql: SqlFolder, tmp_path: Path) -> None:
    sql.write("standards/has_it.sql", HEADER + "since = 2026-01-01\ngrace_days = 30", SELECT)
    sql.write("standards/other.sql", HEADER.replace("bronze", "gold") + "weight = 3", SELECT.replace("pass", "fail"))
    connection = warehouse.open_writer(tmp_path / "data")
    models.build(connection, models.read([sql.root]).models, clock=lambda: datetime(2026, 3, 1, tzinfo=UTC))
    found = connection.execute(
        f"select standard, standard_title, tier, weight, remedy, since_on, grace_days, service_id, status"
        f" from {VERDICTS} order by standard"
    ).fetchall()
    connection.close()
    assert found == [
        ("has_it", "Has it", "bronze", 1, "Don't wait.", date(2026, 1, 1), 30, "a", "pass"),
        ("other", "Has it", "gold", 3, "Don't wait.", None, 0, "a", "fail"),
    ]


def test_a_project_replaces_a_built_in_standard_by_its_name_and_adds_others(tmp_path: Path) -> None:
    built_in, own = SqlFolder(tmp_path / "built-in"), SqlFolder(tmp_path / "own")
    built_in.write("standards/has_it.sql", HEADER, SELECT)
    own.write("standards/has_it.sql", HEADER.replace("Has it", "Has ours"), SELECT)
    own.write("standards/more.sql", HEADER, SELECT)
    content = models.read([own.root, built_in.root])
    titles = {model.name: model.header.title for model in content.models if isinstance(model.header, StandardHeader)}
    assert titles == {"standards.has_it": "Has ours", "standards.more": "Has it"}


def test_without_standards_there_is_no_such_table(sql: SqlFolder) -> None:
    sql.core("a", "select 1 as x")
    assert [model.name for model in models.read([sql.root]).models] == ["core.a"]


def test_a_standard_that_gives_other_columns_is_told(sql: SqlFolder, tmp_path: Path) -> None:
    sql.write("standards/has_it.sql", HEADER, "select 'a' as service_id, 'pass' as status")
    connection = warehouse.open_writer(tmp_path / "data")
    with pytest.raises(ModelError, match="failing_since"):
        models.build(connection, models.read([sql.root]).models, clock=lambda: datetime(2026, 3, 1, tzinfo=UTC))
    connection.close()


def test_a_tier_nobody_knows_is_refused(sql: SqlFolder) -> None:
    sql.write("standards/has_it.sql", HEADER.replace("bronze", "tin"), SELECT)
    with pytest.raises(ModelError, match=r"has_it\.sql: header: tier: Input should be 'bronze', 'silver' or 'gold'"):
        models.read([sql.root])
