"""What every source must do; a new one adds an example, below or in its folder's `example.py`, and gets these tests."""

from __future__ import annotations

import importlib
import json
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import httpx2
import pytest
from duckdb import DuckDBPyConnection
from pydantic import BaseModel

from dxmetrics import collectors, reference, warehouse
from dxmetrics.collectors import Collector, Context, Page, Scope
from dxmetrics.pipeline.answers import AnswerKeeper
from dxmetrics.project import Project, builtin_root
from dxmetrics.records import (
    PRIVATE,
    RECORDS,
    CostLine,
    Identity,
    Record,
    SurveyResponse,
    UsageFact,
    snake_name,
    table_name,
)
from dxmetrics.sources import Source as Configured

collectors.extend_path([builtin_root() / "collectors"])
KINDS = collectors.available()
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
DATED = {CostLine, Identity, SurveyResponse, UsageFact}  # whose rows have days, and no time


def git_settings(folder: Path) -> Mapping[str, Any]:
    """A repository with two commits and a release."""
    repository = folder / "repository"
    repository.mkdir()
    person = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]

    def git(*arguments: str, day: int = 1) -> None:
        stamp = f"2025-12-{day:02}T10:00:00+00:00"
        environment = {"PATH": "/usr/bin:/bin:/usr/local/bin", "GIT_AUTHOR_DATE": stamp, "GIT_COMMITTER_DATE": stamp}
        subprocess.run(["git", *person, *arguments], cwd=repository, env=environment, check=True, capture_output=True)

    git("init", "--initial-branch=main")
    git("commit", "--allow-empty", "--message=First", day=1)
    git("commit", "--allow-empty", "--message=Second (#2)", day=2)
    git("tag", "v1.0.0", day=3)
    return {"repositories": (str(repository),)}


def files_settings(folder: Path) -> Mapping[str, Any]:
    """Two files."""
    (folder / "teams.csv").write_text("name,parent\nPayments,\nSearch,\n")
    row = {"ext_id": "d1", "service": "pay", "finished_at": "2026-01-02T10:00:00+01:00"}
    (folder / "deployments.jsonl").write_text(json.dumps(row) + "\n")
    return {"folder": str(folder), "covers_from": "2025-12-01T00:00:00Z"}


EXAMPLES: Mapping[str, Callable[[Path], Mapping[str, Any]]] = {
    "files": files_settings,
    "git": git_settings,
    "sample": lambda _: {"scale": 0.1, "months": 2},
}


def example(kind: str, folder: Path) -> tuple[Mapping[str, Any], httpx2.BaseTransport | None]:
    """Settings of a source of this kind, and the server it reads: of `EXAMPLES`, or of `<kind>/example.py`."""
    if kind in EXAMPLES:
        return EXAMPLES[kind](folder), None
    found = importlib.import_module(f"tests.collectors.{kind}.example")
    return found.settings(folder), found.transport(NOW)


@dataclass
class Source:
    """A source with its example settings, and everything one collection from the beginning yields."""

    collector: Collector
    module: Any
    pages: list[tuple[Scope, Page]]


@pytest.fixture(scope="module", params=KINDS)
def source(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Source:
    kind = request.param
    folder, own = tmp_path_factory.mktemp(kind), tmp_path_factory.mktemp(f"{kind}-own")
    cls = collectors.load(kind)
    chosen, transport = example(kind, folder)
    settings = cls.Settings.model_validate({"kind": kind, **chosen})
    context = Context(now=lambda: NOW, folder=own, project_folder=folder, transport=transport, sleep=lambda _: None)
    collector = cls("example", settings, context)
    pages = [(scope, page) for scope in collector.scopes() for page in collector.collect(scope, None)]
    return Source(collector, importlib.import_module(f"dxmetrics.collectors.{kind}"), pages)


def mapped(source: Source) -> Iterator[Record]:
    """Every row as the engine makes a record of it."""
    for _, page in source.pages:
        for record, payloads in page.rows.items():
            make = getattr(source.module, snake_name(record), None) or record.model_validate
            yield from (make(payload) for payload in payloads)


@dataclass
class Stores:
    """A warehouse, and beside it the answers store."""

    connection: DuckDBPyConnection
    project: Project

    def load(self, source: Source, pages: list[tuple[Scope, Page]]) -> warehouse.Counts:
        """Commit pages as the engine does; what became of their rows."""
        configured = Configured("example", type(source.collector), source.collector.settings)
        loader = warehouse.Loader(
            self.connection, "example", source.module, clock=lambda: NOW,
            keeps_payloads=source.collector.keeps_payloads,
        )  # fmt: skip
        keeper, counts = AnswerKeeper(self.project, lambda: NOW), warehouse.Counts()
        for scope, page in pages:
            rest, kept = keeper.take(configured, scope.id, page)
            counts += kept + loader.write(scope, rest)
        keeper.close()
        return counts


@pytest.fixture
def stores(connection: DuckDBPyConnection, tmp_path: Path) -> Stores:
    (tmp_path / "dx.toml").write_text("")
    return Stores(connection, Project.find(tmp_path, {}))


def models_of(settings: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield settings
    for field in settings.model_fields.values():
        for part in get_args(field.annotation):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from models_of(part)


@pytest.mark.parametrize("kind", KINDS)
def test_the_docstring_says_what_is_read_what_is_needed_and_what_the_limits_are(kind: str) -> None:
    texts = reference.described(collectors.load(kind))
    assert set(texts) == {"summary", *reference.PARTS}
    assert all(len(text) > 10 for text in texts.values())


@pytest.mark.parametrize("kind", KINDS)
def test_every_setting_is_described(kind: str) -> None:
    fields = [
        (model.__name__, name, field.description)
        for model in models_of(collectors.load(kind).Settings)
        for name, field in model.model_fields.items()
        if name != "kind"
    ]
    assert [(model, name) for model, name, text in fields if not text] == []


def test_scopes_are_named_once_and_the_same_every_time(source: Source) -> None:
    names = [scope.id for scope in source.collector.scopes()]
    assert names
    assert max(Counter(names).values()) == 1
    assert names == [scope.id for scope in source.collector.scopes()]


def test_only_the_record_types_it_names_are_produced(source: Source) -> None:
    found = {record for _, page in source.pages for record, rows in page.rows.items() if rows}
    assert found
    assert found <= set(source.collector.produces) <= set(RECORDS)


def test_every_row_of_the_example_is_a_record_with_a_key_of_its_own(source: Source) -> None:
    keys = Counter((type(record), record.ext_id) for record in mapped(source) if not isinstance(record, Identity))
    assert [key for key, times in keys.items() if times > 1] == []


def test_an_account_is_the_same_wherever_it_is_met(source: Source) -> None:
    accounts = {record for record in mapped(source) if isinstance(record, Identity)}
    assert len(accounts) == len({record.ext_id for record in accounts})


def test_all_instants_are_aware_and_in_utc(source: Source) -> None:
    instants = [value for record in mapped(source) for value in dict(record).values() if isinstance(value, datetime)]
    assert instants or set(source.collector.produces) <= DATED
    assert {value.tzinfo for value in instants} <= {UTC}


def test_coverage_is_aware_and_does_not_reach_into_the_future(source: Source) -> None:
    intervals = [interval for _, page in source.pages for interval in page.covers.values()]
    assert all(start < end <= NOW for start, end in intervals)
    covered = {record for _, page in source.pages for record in page.covers}
    assert covered <= set(source.collector.produces)


def test_a_cursor_survives_being_stored_as_json(source: Source) -> None:
    cursors = [page.cursor for _, page in source.pages if page.cursor is not None]
    assert cursors
    assert all(json.loads(json.dumps(cursor)) == cursor for cursor in cursors)


def test_collecting_again_changes_nothing(source: Source, stores: Stores) -> None:
    first = stores.load(source, source.pages)
    assert first.inserted > 0
    assert first.refused == 0
    cursors = {scope.id: page.cursor for scope, page in source.pages if page.cursor is not None}
    collector = source.collector
    again = [(scope, page) for scope in collector.scopes() for page in collector.collect(scope, cursors.get(scope.id))]
    assert stores.load(source, again).changed == 0


def test_collecting_from_the_beginning_again_changes_nothing(source: Source, stores: Stores) -> None:
    stores.load(source, source.pages)
    collector = source.collector
    again = [(scope, page) for scope in collector.scopes() for page in collector.collect(scope, None)]
    assert stores.load(source, again).changed == 0


def test_what_was_read_is_in_the_landing_tables(source: Source, stores: Stores) -> None:
    stores.load(source, source.pages)
    found = {record for _, page in source.pages for record, rows in page.rows.items() if rows}
    for record in found - PRIVATE:
        read = {row.ext_id for row in mapped(source) if type(row) is record}
        landed = stores.connection.execute(f"select ext_id from landing.{table_name(record)}").fetchall()
        assert {ext_id for (ext_id,) in landed} == read
