"""Scopes side by side: turns, quotas that are used up, and scopes that a server does not list any more."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dxmetrics import pipeline
from dxmetrics.pipeline import ScopeFinished, ScopeMoved, collection
from dxmetrics.project import Project

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
COLLECTOR = '''
"""A server with the repositories of listed.json, each with three turns of one row."""

import json
import threading
from datetime import datetime, timezone

from dxmetrics.collectors import Collector, CollectError, Page, Scope, SourceSettings
from dxmetrics.errors import LimitedError
from dxmetrics.records import Repository


RELEASED = threading.Event()  # whoever hangs goes on


class Settings(SourceSettings):
    """How it behaves."""

    limited: str = ""
    hanging: str = ""
    discovered: bool = True


class Forge(Collector):
    kind = "forge"
    produces = (Repository,)
    discovers = True
    Settings = Settings

    def __init__(self, name, settings, context):
        super().__init__(name, settings, context)
        self.discovers = settings.discovered

    def scopes(self):
        for name in json.loads((self.context.project_folder / "listed.json").read_text()):
            if name == "unlistable":
                raise CollectError("forge: 503")
            yield Scope(name, f"acme/{name}")

    def collect(self, scope, cursor):
        if scope.id == self.settings.limited:
            raise LimitedError("forge: the quota is used up until 13:00", datetime(2026, 3, 2, 13, tzinfo=timezone.utc))
        if scope.id == self.settings.hanging:
            RELEASED.wait()
        for turn in range(3):
            row = {"ext_id": f"{scope.id}{turn}", "name": f"forge.test/{scope.id}{turn}"}
            yield Page(rows={Repository: [row]}, cursor={"turn": turn}, ends_turn=True)
'''


class Forge:
    """A project with one source, what it lists, and the time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = NOW
        (folder / "collectors").mkdir()
        (folder / "collectors/forge.py").write_text(COLLECTOR)
        self.configure()

    def configure(self, settings: str = "", *, engine: str = "") -> None:
        (self.folder / "dx.toml").write_text(f'{engine}\n[sources.forge]\nkind = "forge"\n{settings}\n')

    def collect(self, *listed: str, moved: list[Any] | None = None, **how: Any) -> pipeline.Collection:
        (self.folder / "listed.json").write_text(json.dumps(listed))
        events: list[Any] = moved if moved is not None else []
        return pipeline.collect(Project.find(self.folder, {}), clock=lambda: self.now, listen=events.append, **how)

    def alive(self) -> set[str]:
        with duckdb.connect(str(Project.find(self.folder, {}).data / "dx.duckdb")) as connection:
            found = connection.execute("select scope from landing.repositories where deleted_at is null").fetchall()
        return {scope for (scope,) in found}


@pytest.fixture
def forge(tmp_path: Path) -> Forge:
    return Forge(tmp_path)


def test_every_scope_has_its_first_turn_before_any_has_its_second(
    forge: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collection, "WORKERS", 1)
    events: list[Any] = []
    forge.collect("a", "b", "c", moved=events)
    moves: Sequence[str] = [event.scope for event in events if isinstance(event, ScopeMoved)]
    assert "".join(moves) == "abcabcabc"


def test_a_quota_that_is_used_up_stops_the_other_scopes_of_its_source(
    forge: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collection, "WORKERS", 1)
    forge.configure('limited = "b"')
    collected = forge.collect("a", "b", "c")
    told = {scope.scope: (scope.status, scope.error) for scope in collected.scopes}
    assert told["b"] == ("limited", "forge: the quota is used up until 13:00")
    assert told["c"] == ("limited", "forge: not tried, as the quota is used up")
    assert told["a"] == ("ok", None)
    assert {scope.scope for scope in collected.failed} == {"b", "c"}


def test_a_scope_that_is_not_listed_any_more_stays_until_it_is_sure(forge: Forge) -> None:
    forge.collect("a", "b")
    (missing,) = [scope for scope in forge.collect("a").scopes if scope.status == "missing"]
    assert missing.title == "acme/b"
    assert missing.error == (
        "forge: acme/b is not listed any more since 2026-03-02 12:00 UTC: deleted, or the token may not see it; "
        "what was read of it stays until it was missing for a day"
    )
    forge.collect("a")
    forge.now += timedelta(hours=23)
    assert not forge.collect("a").failed
    assert forge.alive() == {"a", "b"}
    forge.now += timedelta(hours=1)
    assert [scope.scope for scope in forge.collect("a").scopes] == ["a"]
    assert forge.alive() == {"a"}


def test_a_day_with_one_collection_is_not_sure(forge: Forge) -> None:
    forge.collect("a", "b")
    forge.collect("a")
    forge.now += timedelta(days=30)
    forge.collect("a")
    assert forge.alive() == {"a", "b"}


def test_a_scope_that_comes_back_is_counted_anew(forge: Forge) -> None:
    forge.collect("a", "b")
    for _ in range(4):
        forge.collect("a")
        forge.now += timedelta(days=1)
        forge.collect("a", "b")
    assert forge.alive() == {"a", "b"}


def test_a_scope_a_person_took_out_is_let_go_at_once(forge: Forge) -> None:
    forge.configure("discovered = false")
    forge.collect("a", "b")
    forge.collect("a")
    assert forge.alive() == {"a"}


def test_a_source_that_could_not_be_listed_is_well_again_when_it_can(forge: Forge) -> None:
    assert [scope.status for scope in forge.collect("unlistable").scopes] == ["failed"]
    forge.collect("a")
    with duckdb.connect(str(Project.find(forge.folder, {}).data / "dx.duckdb")) as connection:
        runs = connection.execute("select scope, status from meta.scope_runs").fetchall()
    assert runs == [("a", "ok")]


def test_a_missing_scope_is_told_like_any_other(forge: Forge) -> None:
    forge.collect("a", "b")
    events: list[Any] = []
    forge.now += timedelta(hours=1)
    forge.collect("a", moved=events)
    assert {event.result.status for event in events if isinstance(event, ScopeFinished)} == {"ok", "missing"}
    with duckdb.connect(str(Project.find(forge.folder, {}).data / "dx.duckdb")) as connection:
        newest = connection.execute("select arg_max(status, started_at) from meta.scope_runs group by scope order by 1")
        assert newest.fetchall() == [("missing",), ("ok",)]


def test_only_the_scopes_that_were_asked_for_are_read_and_the_others_are_not_missed(forge: Forge) -> None:
    forge.collect("a", "b", "c")
    collected = forge.collect("a", "b", "c", only={"forge": {"b", "unheard of"}})
    assert [(scope.scope, scope.status) for scope in collected.scopes] == [("b", "ok")]
    assert forge.alive() == {"a", "b", "c"}


def test_what_is_urgent_is_done_between_transactions(forge: Forge) -> None:
    rows: list[int] = []
    file = forge.folder / "data/dx.duckdb"

    def look() -> None:
        with duckdb.connect(str(file)) as connection:
            rows.extend(connection.execute("select count(*) from landing.repositories").fetchone() or ())

    forge.collect("a", "b", between=look)
    assert rows[-1] == 6
    assert rows == sorted(rows)


@pytest.mark.parametrize("readers", [1, 4])
def test_a_scope_that_hangs_is_given_up_and_named_while_the_others_are_read(
    forge: Forge, monkeypatch: pytest.MonkeyPatch, readers: int
) -> None:
    monkeypatch.setattr(collection, "WORKERS", readers)
    monkeypatch.setattr(collection, "PAUSE", 0.01)
    monkeypatch.delitem(sys.modules, "dxmetrics.collectors.forge", raising=False)
    forge.configure('hanging = "b"', engine="[schedule]\nstuck_minutes = 0.005")
    collected = forge.collect("a", "b", "c")
    importlib.import_module("dxmetrics.collectors.forge").RELEASED.set()
    told = {scope.scope: (scope.status, scope.error) for scope in collected.scopes}
    assert told["a"] == told["c"] == ("ok", None)
    status, error = told["b"]
    assert status == "timed_out"
    assert str(error).startswith("forge: acme/b: nothing for 0.005 minutes: it was given up")
    assert collected.has_stuck
    assert forge.alive() == {"a", "c"}
