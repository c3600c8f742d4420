"""kill -9 at any moment of loading, building and publishing loses nothing: run again, the tables are the same."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pytest

from dxmetrics import warehouse
from tests.engine import line_to_kill
from tests.engine.sql_folder import SqlFolder

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    sql = SqlFolder(tmp_path / "project")
    sql.core(
        "changes",
        """
        select c.source || ':' || c.ext_id as change_id, c.title, c.number, count(r.ext_id) as reviews,
        from landing.changes as c
        left join landing.reviews as r on c.source = r.source and c.ext_id = r.change and r.deleted_at is null
        where c.deleted_at is null
        group by all
        """,
        """
key = ["change_id"]
[keys]
"landing.changes" = "source || ':' || ext_id"
"landing.reviews" = "source || ':' || change"
""",
    )
    sql.core(
        "titles", "select c.title, count(*) as n, sum(c.reviews) as reviews from core.changes as c group by c.title"
    )
    return sql.root


def start(data: Path, project: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.engine.line_to_kill", str(data), str(project)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def steps(process: subprocess.Popen[str]) -> Iterator[str]:
    assert process.stdout is not None
    for line in process.stdout:
        yield line.strip()


def tables(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """What must not depend on interruptions: all rows, without the numbers of batches."""
    queries = {
        "changes": "select * exclude (batch_id) from landing.changes",
        "reviews": "select * exclude (batch_id) from landing.reviews",
        "coverage": "select * from meta.coverage",
        "cursors": "select * from meta.cursors",
        "quarantine": "select * from meta.quarantine",
        "walks": "select * from meta.walks",
        "core.changes": "select * from core.changes",
        "core.titles": "select * from core.titles",
    }
    with duckdb.connect(path, read_only=True) as reader:
        return {name: sorted(reader.execute(query).fetchall(), key=repr) for name, query in queries.items()}


def test_killed_again_and_again_the_tables_are_those_of_an_undisturbed_run(tmp_path: Path, project: Path) -> None:
    line_to_kill.main(tmp_path / "undisturbed", project, [].append)
    data = tmp_path / "killed"
    random = Random(7)  # noqa: S311  # no secret: moments that can be repeated
    killed: list[str] = []
    for target in ("load", "load", "build", "load", "build", "load", "build", "load", "build", "publish"):
        with start(data, project) as process:
            for step in steps(process):
                if step == target:
                    time.sleep(random.random() * 0.06)
                    killed.append(step)
                    process.kill()
                    break
    with start(data, project) as process:
        assert list(steps(process))[-1] == "done"
    assert killed.count("load") >= 4
    assert killed.count("build") >= 3
    expected = tables(tmp_path / "undisturbed/dx.duckdb")
    assert len(expected["changes"]) == 6_100 + line_to_kill.GONE
    assert sum(row[-1] is not None for row in expected["changes"]) == line_to_kill.GONE
    found = tables(data / "dx.duckdb")
    for name, rows in expected.items():
        assert found[name] == rows, name
    published = warehouse.latest(data)
    assert published is not None
    assert tables(published.path) == found
