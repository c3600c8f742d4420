"""The line from sources to publication: what fails fails alone, what is gone is let go, and nothing is lost."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dxmetrics import pipeline, warehouse
from dxmetrics.errors import CollectError, SettingsError, WarehouseError
from dxmetrics.metrics import Metrics
from dxmetrics.pipeline import Event, ScopeFinished, StepFinished, collection
from dxmetrics.project import Project
from dxmetrics.warehouse import Loader

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
COLLECTOR = '''
"""Says what script.json says: per scope a list of pages, or of what goes wrong instead."""

import json

from dxmetrics.collectors import AuthError, CollectError, Collector, Page, Scope, SourceSettings
from dxmetrics.records import by_table

FAILURES = {"auth": AuthError("scripted: 401: set a new token"), "scope": CollectError("scripted: 404"),
            "bug": KeyError("oops")}


class Settings(SourceSettings):
    """What to say."""

    part: str = "all"


class Scripted(Collector):
    kind = "scripted"
    produces = ()
    Settings = Settings

    def script(self):
        return json.loads((self.context.project_folder / "script.json").read_text())[self.settings.part]

    def scopes(self):
        for name in self.script():
            if name == "unlistable":
                raise CollectError("scripted: cannot list")
            yield Scope(name, f"the scope {name}")

    def collect(self, scope, cursor):
        for number, page in enumerate(self.script()[scope.id], 1):
            if isinstance(page, str):
                raise FAILURES[page]
            if number > (cursor or {}).get("read", 0):
                rows = {by_table(table): payloads for table, payloads in page.items()}
                self.context.progress(f"page {number}")
                yield Page(rows=rows, cursor={"read": number}, notes=("a note",))
'''


def repositories(*names: str) -> dict[str, list[dict[str, Any]]]:
    return {"repositories": [{"ext_id": name, "name": f"forge.test/{name}"} for name in names]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "collectors").mkdir()
    (tmp_path / "collectors/scripted.py").write_text(COLLECTOR)
    (tmp_path / "dx.toml").write_text('[sources.all]\nkind = "scripted"\n')
    return tmp_path


def project(folder: Path, script: dict[str, Any] | None = None, **parts: dict[str, Any]) -> Project:
    """The project of `folder` with a source `all` that follows `script`, or a source for each part."""
    (folder / "script.json").write_text(json.dumps(parts or {"all": script}))
    if parts:
        sections = [f'[sources.{name}]\nkind = "scripted"\npart = "{name}"\n' for name in parts]
        (folder / "dx.toml").write_text("\n".join(sections))
    return Project.find(folder, {})


def clock() -> datetime:
    return NOW


@contextmanager
def opened(project: Project) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = warehouse.open_writer(project.data)
    try:
        yield connection
    finally:
        connection.close()


def rows(project: Project, query: str) -> list[tuple[Any, ...]]:
    with opened(project) as connection:
        return connection.execute(query).fetchall()


def alive(project: Project) -> list[str]:
    query = "select ext_id from landing.repositories where deleted_at is null order by ext_id"
    return [name for (name,) in rows(project, query)]


def states(collected: pipeline.Collection) -> dict[str, str]:
    return {scope.scope: scope.status for scope in collected.scopes}


def test_what_scopes_yield_is_landed_with_run_cursor_and_facts(folder: Path) -> None:
    chosen = project(folder, {"one": [repositories("a"), repositories("b")], "two": [repositories("c")]})
    events: list[Event] = []
    collected = pipeline.collect(chosen, clock=clock, listen=events.append)
    assert alive(chosen) == ["a", "b", "c"]
    assert states(collected) == {"one": "ok", "two": "ok"}
    assert collected.rows_changed == 3
    assert {scope.notes for scope in collected.scopes} == {("a note",)}
    with opened(chosen) as connection:
        assert warehouse.facts(connection)["as_of"] == NOW.isoformat()
        assert warehouse.read_cursor(connection, "all", "one") == {"read": 2}
    assert rows(chosen, "select status, command from meta.runs") == [("ok", "collect")]
    assert {event.result.scope for event in events if isinstance(event, ScopeFinished)} == {"one", "two"}
    assert [event.detail for event in events if isinstance(event, StepFinished)] == ["2 scopes, 3 rows new or changed"]


def test_a_second_run_reads_only_what_is_new(folder: Path) -> None:
    pipeline.collect(project(folder, {"one": [repositories("a")]}), clock=clock)
    chosen = project(folder, {"one": [repositories("a"), repositories("b")]})
    collected = pipeline.collect(chosen, clock=clock)
    assert [(scope.rows_read, scope.rows_changed) for scope in collected.scopes] == [(1, 1)]
    assert alive(chosen) == ["a", "b"]


def test_a_scope_that_fails_fails_alone_and_keeps_its_pages(folder: Path) -> None:
    chosen = project(folder, {"bad": [repositories("a"), "scope"], "good": [repositories("b")]})
    collected = pipeline.collect(chosen, clock=clock)
    assert states(collected) == {"bad": "failed", "good": "ok"}
    assert [scope.error for scope in collected.failed] == ["scripted: 404"]
    assert alive(chosen) == ["a", "b"]
    assert rows(chosen, "select status from meta.runs") == [("failed",)]
    assert rows(chosen, "select scope, status, error from meta.scope_runs order by scope") == [
        ("bad", "failed", "scripted: 404"),
        ("good", "ok", None),
    ]


def test_a_mistake_in_a_collector_fails_its_scope_and_is_logged(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    chosen = project(folder, {"bad": ["bug"], "good": [repositories("b")]})
    collected = pipeline.collect(chosen, clock=clock)
    assert states(collected) == {"bad": "failed", "good": "ok"}
    assert "unexpected KeyError: 'oops'" in str(collected.failed[0].error)
    assert "Traceback" in caplog.text


def test_a_row_that_is_no_record_is_refused_and_the_rest_is_kept(folder: Path) -> None:
    page = {"repositories": [{"ext_id": "a", "name": "forge.test/a"}, {"ext_id": "b"}]}
    chosen = project(folder, {"one": [page]})
    collected = pipeline.collect(chosen, clock=clock)
    assert [(scope.status, scope.rows_refused) for scope in collected.scopes] == [("ok", 1)]
    assert alive(chosen) == ["a"]


def test_a_refused_credential_stops_its_source_and_no_other(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collection, "WORKERS", 1)
    refused = {"one": ["auth"], "two": [repositories("never")]}
    chosen = project(folder, first=refused, second={"three": [repositories("c")]})
    collected = pipeline.collect(chosen, clock=clock)
    assert states(collected) == {"one": "refused", "two": "refused", "three": "ok"}
    assert "not tried" in str({scope.scope: scope.error for scope in collected.scopes}["two"])
    assert alive(chosen) == ["c"]


def test_a_source_whose_scopes_cannot_be_listed_keeps_what_it_has(folder: Path) -> None:
    pipeline.collect(project(folder, {"one": [repositories("a")]}), clock=clock)
    chosen = project(folder, {"unlistable": []})
    collected = pipeline.collect(chosen, clock=clock)
    assert [(scope.title, scope.status, scope.error) for scope in collected.scopes] == [
        ("all", "failed", "scripted: cannot list")
    ]
    assert alive(chosen) == ["a"]


def test_as_of_stays_where_nothing_could_be_read(folder: Path) -> None:
    pipeline.collect(project(folder, {"one": [repositories("a")]}), clock=clock)
    chosen = project(folder, {"one": ["scope"]})
    pipeline.collect(chosen, clock=lambda: NOW + timedelta(days=1))
    with opened(chosen) as connection:
        assert warehouse.facts(connection)["as_of"] == NOW.isoformat()


def test_a_scope_that_is_no_longer_there_is_let_go_and_can_come_back(folder: Path) -> None:
    both = {"one": [repositories("a")], "two": [repositories("b")]}
    pipeline.collect(project(folder, both), clock=clock)
    chosen = project(folder, {"one": both["one"]})
    pipeline.collect(chosen, clock=clock)
    assert alive(chosen) == ["a"]
    assert rows(chosen, "select distinct scope from meta.scope_runs") == [("one",)]
    pipeline.collect(project(folder, both), clock=clock)
    assert alive(chosen) == ["a", "b"]


def test_a_source_that_is_no_longer_configured_is_let_go(folder: Path) -> None:
    pipeline.collect(
        project(folder, first={"one": [repositories("a")]}, second={"two": [repositories("b")]}), clock=clock
    )
    chosen = project(folder, second={"two": [repositories("b")]})
    pipeline.collect(chosen, clock=clock)
    assert alive(chosen) == ["b"]


def test_only_the_named_sources_are_read(folder: Path) -> None:
    chosen = project(folder, first={"one": [repositories("a")]}, second={"two": [repositories("b")]})
    pipeline.collect(chosen, ["second"], clock=clock)
    assert alive(chosen) == ["b"]
    with pytest.raises(SettingsError, match="source 'thrid' is not configured: use one of first, second"):
        pipeline.collect(chosen, ["thrid"], clock=clock)


def test_a_project_without_sources_is_told_so(folder: Path) -> None:
    (folder / "dx.toml").write_text("")
    with pytest.raises(SettingsError, match=r"no source is configured: add one to dx\.toml"):
        pipeline.collect(Project.find(folder, {}), clock=clock)


def test_a_full_disk_ends_the_run_and_its_threads(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = project(folder, {str(number): [repositories(str(page)) for page in range(9)] for number in range(6)})

    def full(*_: object) -> None:
        raise WarehouseError("warehouse: no space left on the disk: free some space and run again")

    monkeypatch.setattr(Loader, "write_all", full)
    with pytest.raises(WarehouseError, match="no space left"):
        pipeline.collect(chosen, clock=clock)
    assert [thread for thread in threading.enumerate() if thread.name.startswith("collect")] == []
    monkeypatch.undo()
    assert states(pipeline.collect(chosen, clock=clock)) == {str(number): "ok" for number in range(6)}


def test_a_run_that_was_killed_is_marked_by_the_next(folder: Path) -> None:
    chosen = project(folder, {"one": [repositories("a")]})
    with opened(chosen) as connection:
        warehouse.start_run(connection, "killed", "collect", NOW - timedelta(hours=1))
        warehouse.start_scope(connection, "killed", "all", "one", "one", NOW - timedelta(hours=1))
    pipeline.collect(chosen, clock=clock)
    assert rows(chosen, "select status from meta.runs where run_id = 'killed'") == [("interrupted",)]
    assert rows(chosen, "select status, error from meta.scope_runs where run_id = 'killed'") == [
        ("failed", "interrupted: collect again")
    ]


def test_no_more_pages_are_read_ahead_than_the_queue_holds(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = project(folder, {"one": [repositories(str(page)) for page in range(60)]})
    read, written, lead = [0], [0], [0]
    write = Loader.write_all

    def slowly(self: Loader, pages: Any) -> Any:
        time.sleep(0.002)
        lead[0] = max(lead[0], read[0] - written[0])
        written[0] += len(pages)
        return write(self, pages)

    def counted(event: Event) -> None:
        read[0] += isinstance(event, pipeline.SourceSaid)

    monkeypatch.setattr(Loader, "write_all", slowly)
    monkeypatch.setattr(collection, "ROWS_AT_ONCE", 10)
    pipeline.collect(chosen, clock=clock, listen=counted)
    assert written[0] == 60
    assert lead[0] <= collection.ROWS_AT_ONCE + collection.PAGES_WAITING + 2


def test_building_before_collecting_says_what_to_do(folder: Path) -> None:
    with pytest.raises(WarehouseError, match="nothing is collected yet: run `dxmetrics collect` first"):
        pipeline.build(project(folder, {}), clock=clock)


def test_up_without_any_readable_source_ends_with_its_message(folder: Path) -> None:
    with pytest.raises(CollectError, match="scripted: 404"):
        pipeline.up(project(folder, {"one": ["scope"]}), clock=clock)


# -- a whole line, and one that is killed ------------------------------------------------------------------------------

LINE = """
import pathlib, sys
from datetime import UTC, datetime
from dxmetrics import pipeline
from dxmetrics.project import Project

def tell(event):
    print(type(event).__name__, getattr(event, "step", ""), flush=True)

project = Project.find(pathlib.Path(sys.argv[1]), {})
for step in (pipeline.collect, pipeline.build):
    step(project, clock=lambda: datetime(2026, 3, 2, 12, tzinfo=UTC), listen=tell)
"""


def year_of_records(folder: Path) -> Path:
    """A project with a year of changes, commits, reviews, deployments and incidents of four services, in files."""
    (folder / "records").mkdir(parents=True)
    (folder / "dx.toml").write_text('[sources.ours]\nkind = "files"\nfolder = "records"\n')
    written: dict[str, list[dict[str, Any]]] = defaultdict(list)
    written["repositories"] = [{"name": f"forge.test/web-{number}", "default_branch": "main"} for number in range(4)]
    for number in range(6_000):
        web, sha, merged_at = (
            f"forge.test/web-{number % 4}",
            f"{number:040x}",
            NOW - timedelta(minutes=80 * (6_000 - number)),
        )
        opened_at = (merged_at - timedelta(hours=30)).isoformat()
        change = {"ext_id": str(number), "repository": web, "number": number, "state": "merged", "merge_sha": sha}
        written["changes"].append(
            {**change, "author": f"a{number % 9}", "opened_at": opened_at, "merged_at": merged_at.isoformat()}
        )
        parents = [f"{number - 4:040x}"] if number > 3 else []
        written["commits"].append(
            {"repository": web, "sha": sha, "parents": parents, "committed_at": merged_at.isoformat()}
        )
        written["reviews"].append(
            {"ext_id": str(number), "change": str(number), "reviewer": "r", "submitted_at": opened_at}
        )
        if number % 10 < 4:
            finished_at = (merged_at + timedelta(hours=1)).isoformat()
            deployment = {
                "ext_id": str(number),
                "repository": web,
                "status": "success",
                "sha": sha,
                "finished_at": finished_at,
            }
            written["deployments"].append(deployment)
        if number % 100 == 0:
            detected_at = (merged_at + timedelta(hours=2)).isoformat()
            written["incidents"].append({"ext_id": str(number), "services": [web], "detected_at": detected_at})
    for table, found in written.items():
        (folder / "records" / f"{table}.jsonl").write_text("\n".join(map(json.dumps, found)))
    return folder


def run_line(folder: Path, event: str = "", delay: float = 0.0) -> int:
    """Collect and build in a process of its own; with `event`, killed `delay` seconds after that is told."""
    with subprocess.Popen([sys.executable, "-c", LINE, str(folder)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while line := process.stdout.readline():
            if event and line.startswith(event):
                time.sleep(delay)
                process.kill()
    return process.returncode


def contents(folder: Path) -> dict[str, tuple[Any, ...]]:
    """Count and fingerprint of every table's rows, whatever their order; when rows were written does not count."""
    found = {}
    with opened(Project.find(folder, {})) as connection:
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables() where schema_name in ('landing', 'core') order by all"
        ).fetchall()
        for schema, table in tables:
            but = "exclude (batch_id, collected_at)" if schema == "landing" else ""
            query = f"select count(*), bit_xor(hash(rows)) from (select * {but} from {schema}.{table}) as rows"
            found[f"{schema}.{table}"] = connection.execute(query).fetchone() or ()
    return found


def test_a_run_killed_again_and_again_ends_with_the_tables_of_an_undisturbed_one(tmp_path: Path) -> None:
    undisturbed, killed = year_of_records(tmp_path / "undisturbed"), year_of_records(tmp_path / "killed")
    assert run_line(undisturbed) == 0
    for event, delay in [("ScopeMoved", 0.0), ("ScopeMoved", 0.05)]:
        assert run_line(killed, event, delay) == -signal.SIGKILL
    for delay in (0.1, 0.4):
        run_line(killed, "StepStarted build", delay)
    assert run_line(killed) == 0
    expected = contents(undisturbed)
    assert expected["core.deployments"][0] == 2_400
    assert expected["core.change_deployments"][0] > 5_900
    assert contents(killed) == expected


def test_teams_and_people_of_dx_toml_reach_the_pages(folder: Path) -> None:
    (folder / "records").mkdir()
    (folder / "records/identities.jsonl").write_text('{"ext_id": "7", "login": "ada", "email": "ada@x.org"}\n')
    change = {
        "ext_id": "1", "repository": "forge.test/web", "number": 1, "title": "Add a thing", "state": "merged",
        "author": "7", "opened_at": "2026-02-03T09:00:00Z", "merged_at": "2026-02-04T09:00:00Z",
    }  # fmt: skip
    (folder / "records/changes.jsonl").write_text(json.dumps(change))
    (folder / "dx.toml").write_text(
        """
        [organisation]
        name = "Acme"
        reporting_zone = "Europe/Berlin"
        [sources.ours]
        kind = "files"
        folder = "records"
        [[teams]]
        name = "Payments"
        members = [{ person = "Ada Lovelace", valid_from = 2026-01-01, valid_to = 2026-03-01 }]
        [[people]]
        name = "Ada Lovelace"
        accounts = ["ours:ada"]
        """
    )
    chosen = Project.find(folder, {})
    outcome = pipeline.up(chosen, clock=clock)
    assert outcome.is_ok
    assert rows(chosen, "select author_id, team from core.changes") == [("project:Ada Lovelace", "Payments")]
    metrics = Metrics.open(chosen.data)
    assert (metrics.organisation, metrics.reporting_zone, metrics.is_sample) == ("Acme", "Europe/Berlin", False)
    assert metrics.as_of == NOW
    assert metrics.values("team") == ("Payments",)


def test_a_changed_setting_is_built_without_collecting_again(folder: Path) -> None:
    chosen = project(folder, {"one": [repositories("web")]})
    pipeline.up(chosen, clock=clock)
    (folder / "dx.toml").write_text(
        (folder / "dx.toml").read_text() + '[[services]]\nname = "shop"\nrepository = "web"\n'
    )
    chosen = Project.find(folder, {})
    pipeline.build(chosen, clock=clock)
    assert ("shop",) in rows(chosen, "select service from core.services")


def test_a_second_build_does_nothing(folder: Path) -> None:
    chosen = project(folder, {"one": [repositories("web")]})
    first = pipeline.up(chosen, clock=clock)
    again = pipeline.up(chosen, clock=clock)
    assert again.build.rebuilt == ()
    assert len(first.build.rebuilt) == len(first.build.models)


def test_a_replay_maps_what_was_kept_without_reading_the_source(folder: Path) -> None:
    chosen = project(folder, {"one": [repositories("a", "b")]})
    pipeline.collect(chosen, clock=clock)
    (folder / "script.json").unlink()
    replayed = pipeline.replay(chosen, clock=clock)
    assert [(one.source, one.rows_read, one.rows_changed) for one in replayed.scopes] == [("all", 2, 0)]
    assert alive(chosen) == ["a", "b"]
    assert rows(chosen, "select command, status from meta.runs order by 1") == [
        ("collect", "ok"),
        ("collect --replay", "ok"),
    ]


def test_a_source_without_scopes_is_collected_all_the_same(folder: Path) -> None:
    chosen = project(folder, {})
    assert pipeline.collect(chosen, clock=clock).scopes == ()
    with opened(chosen) as connection:
        assert warehouse.facts(connection)["as_of"] == NOW.isoformat()
