"""The worker: what is due, what was pushed, who may write, and going on after anything."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dxmetrics import lease, pipeline, state, warehouse, worker
from dxmetrics.lease import LEASE
from dxmetrics.pipeline import Event, Noticed, StepFinished
from dxmetrics.project import Project
from dxmetrics.settings import PUSH_SOURCE
from dxmetrics.state import Delivery, State
from dxmetrics.worker import Worker
from tests.conftest import Clock

ELSEWHERE = "elsewhere/1"
COLLECTOR = '''
"""Counts how often each scope is read, and does what script.json says."""

import json
from datetime import datetime, timezone

from dxmetrics.collectors import CollectError, Collector, Page, Scope, SourceSettings
from pydantic import SecretStr

from dxmetrics.errors import LimitedError
from dxmetrics.records import Repository


class Settings(SourceSettings):
    """A secret for webhooks."""

    webhook_secret: SecretStr | None = None


class Counted(Collector):
    kind = "counted"
    produces = (Repository,)
    Settings = Settings

    def scopes(self):
        yield Scope("a", "a")
        yield Scope("b", "b")

    def collect(self, scope, cursor):
        folder = self.context.project_folder
        script = json.loads((folder / "script.json").read_text()).get(self.name)
        with (folder / "reads").open("a") as reads:
            reads.write(f"{self.name}/{scope.id} ")
        if script == "fail":
            raise CollectError(f"{self.name}: 500 on /repositories")
        if script == "limit":
            raise LimitedError(f"{self.name}: used up", datetime(2026, 1, 5, 15, tzinfo=timezone.utc))
        count = (cursor or {}).get("count", 0) + 1
        row = {"ext_id": scope.id, "name": f"git.test/{scope.id}{count}"}
        if scope.id in self.context.asked:
            self.log.warning("asked for %s", scope.id)
        yield Page(rows={Repository: [row]}, cursor={"count": count})

    def redeliver(self, since):
        return (f"since {since:%d %H:%M}",)
'''


@dataclass
class Shop:
    """A project, its state store and what the worker said."""

    folder: Path
    state: State
    clock: Clock
    said: list[Event] = field(default_factory=list)

    def configure(self, text: str, **script: str) -> None:
        (self.folder / "dx.toml").write_text(text)
        (self.folder / "script.json").write_text(json.dumps(script))

    def worker(self) -> Worker:
        return Worker(lambda: Project.find(self.folder, {}), self.state, clock=self.clock, listen=self.said.append)

    def turn(self) -> bool:
        return self.worker().run(turns=1)

    def reads(self) -> list[str]:
        file = self.folder / "reads"
        found = file.read_text().split() if file.exists() else []
        file.unlink(missing_ok=True)
        return sorted(found)

    def steps(self) -> list[str]:
        found = [event.step for event in self.said if isinstance(event, StepFinished)]
        self.said.clear()
        return found

    def noticed(self) -> list[str]:
        return [event.text for event in self.said if isinstance(event, Noticed)]


ONE = '[sources.one]\nkind = "counted"\n'
TWO = '[sources.two]\nkind = "counted"\nschedule = "1h"\n'


@pytest.fixture
def shop(tmp_path: Path, clock: Clock) -> Iterator[Shop]:
    (tmp_path / "collectors").mkdir()
    (tmp_path / "collectors/counted.py").write_text(COLLECTOR)
    with state.open_state("", tmp_path / "data", clock) as store:
        made = Shop(tmp_path, store, clock)
        made.configure(ONE + TWO)
        yield made


def test_the_first_turn_reads_everything_and_publishes(shop: Shop) -> None:
    assert shop.turn()
    assert shop.reads() == ["one/a", "one/b", "two/a", "two/b"]
    assert shop.steps() == ["collect", "build", "check", "publish"]
    assert warehouse.latest(shop.folder / "data") is not None
    entries = shop.state.schedule.entries()
    assert entries["one"].next_at == shop.clock.now + timedelta(minutes=15)
    assert entries["two"].next_at == shop.clock.now + timedelta(hours=1)


def test_each_source_is_read_when_it_is_due_and_not_before(shop: Shop) -> None:
    working = shop.worker()
    working.run(turns=1)
    shop.reads(), shop.steps()
    shop.clock.advance(minutes=14)
    working.run(turns=1)
    assert (shop.reads(), shop.steps()) == ([], [])
    shop.clock.advance(minutes=1)
    working.run(turns=1)
    assert shop.reads() == ["one/a", "one/b"]
    shop.clock.advance(minutes=45)
    working.run(turns=1)
    assert shop.reads() == ["one/a", "one/b", "two/a", "two/b"]


def test_a_manual_source_is_read_once_at_first_and_then_only_when_asked(shop: Shop) -> None:
    shop.configure('[sources.one]\nkind = "counted"\nschedule = "manual"\n')
    shop.turn()
    assert shop.reads() == ["one/a", "one/b"]
    shop.clock.advance(days=30)
    shop.turn()
    assert shop.reads() == []
    shop.state.schedule.look("one", ["b"])
    shop.turn()
    assert shop.reads() == ["one/b"]


def test_a_look_reads_the_scopes_it_names_and_leaves_the_plan_alone(shop: Shop) -> None:
    shop.turn()
    shop.reads()
    planned = shop.state.schedule.entries()["one"].next_at
    shop.clock.advance(minutes=5)
    shop.state.schedule.look("one", ["a"])
    shop.turn()
    assert shop.reads() == ["one/a"]
    assert shop.state.schedule.entries()["one"].next_at == planned
    shop.turn()
    assert shop.reads() == [], "a look is answered once"
    shop.state.schedule.look("one", None)
    shop.turn()
    assert shop.reads() == ["one/a", "one/b"]


def test_a_source_that_fails_is_counted_told_and_tried_again_when_due(shop: Shop) -> None:
    shop.configure(ONE + TWO, one="fail")
    shop.turn()
    entry = shop.state.schedule.entries()["one"]
    assert (entry.last_status, entry.failures) == ("failed", 1)
    assert shop.state.schedule.entries()["two"].last_status == "ok"
    (logged,) = [one for one in shop.state.run_log.latest(20) if one.source == "one"]
    assert (logged.status, logged.message) == ("failed", "one: 500 on /repositories (and 1 more)")
    shop.clock.advance(minutes=15)
    shop.configure(ONE + TWO)
    shop.turn()
    assert shop.state.schedule.entries()["one"].failures == 0


def test_a_source_whose_quota_is_used_up_waits_until_it_is_not(shop: Shop) -> None:
    shop.configure(ONE, one="limit")
    shop.turn()
    assert shop.state.schedule.entries()["one"].next_at == shop.clock.now + timedelta(hours=3)


def test_a_source_that_was_killed_while_it_was_read_is_due_at_once(shop: Shop) -> None:
    shop.turn()
    shop.reads()
    shop.state.schedule.start("one")
    shop.turn()
    assert shop.reads() == ["one/a", "one/b"]


def test_a_clock_that_is_set_back_does_not_stop_the_schedule(shop: Shop) -> None:
    shop.turn()
    shop.reads()
    shop.clock.advance(days=-30)
    shop.turn()
    assert shop.reads() == ["one/a", "one/b", "two/a", "two/b"]
    shop.turn()
    assert shop.reads() == []


def test_a_push_is_published_without_reading_any_source(shop: Shop) -> None:
    shop.turn()
    shop.reads(), shop.steps()
    shop.state.inbox.append(Delivery("deployments", "1", {}, b'{"service": "pay"}'))
    shop.turn()
    assert shop.reads() == []
    assert shop.steps() == ["drain", "build", "check", "publish"]


def test_a_project_that_only_receives_moves_on_with_the_time(shop: Shop) -> None:
    shop.configure("")
    shop.state.inbox.append(Delivery("deployments", "1", {}, b'{"service": "pay"}'))
    shop.turn()
    shop.steps()
    working = shop.worker()
    working.run(turns=1)
    shop.steps()
    shop.clock.advance(minutes=15)
    working.run(turns=1)
    assert shop.steps()[-1] == "publish"
    with duckdb.connect(str(shop.folder / "data/dx.duckdb")) as connection:
        ((as_of,),) = connection.execute("select value->>'$' from meta.facts where name = 'as_of'").fetchall()
    assert as_of == shop.clock.now.isoformat()
    assert set(shop.state.schedule.entries()) == {PUSH_SOURCE}


def test_a_push_that_comes_while_sources_are_read_does_not_wait_for_them(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    collect: Callable[..., Any] = pipeline.collect

    def slowly(*arguments: Any, between: Callable[[], None], **named: Any) -> Any:
        shop.state.inbox.append(Delivery("deployments", "1", {}, b'{"service": "pay"}'))
        between()
        assert shop.steps()[:1] == ["drain"]
        return collect(*arguments, between=between, **named)

    monkeypatch.setattr(pipeline, "collect", slowly)
    monkeypatch.setattr(worker, "SHARE", 0)
    shop.turn()
    assert shop.state.inbox.depth() == 0


def test_one_worker_works_and_another_stands_by_until_it_is_gone(shop: Shop) -> None:
    shop.state.leases.acquire(LEASE, ELSEWHERE, timedelta(seconds=30))
    shop.turn()
    assert shop.reads() == []
    assert shop.noticed() == [f"standing by: {ELSEWHERE} works for this project"]
    shop.clock.advance(seconds=31)
    shop.turn()
    assert shop.reads() != []
    assert shop.state.leases.holder(LEASE) is None, "given back at the end"


def test_a_worker_of_this_machine_that_was_killed_holds_nobody_up(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    dead = os.fork()
    if not dead:
        os._exit(0)
    os.waitpid(dead, 0)
    shop.state.leases.acquire(LEASE, f"{socket.gethostname()}/{dead}", timedelta(seconds=30))
    shop.turn()
    assert shop.reads() != []


def test_a_worker_that_was_held_up_for_too_long_writes_nothing_more(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "LEASE_LENGTH", timedelta(seconds=0))
    shop.turn()
    assert "another worker works for this project now" in shop.noticed()[0]
    assert warehouse.latest(shop.folder / "data") is None


def test_what_is_wrong_in_the_settings_is_told_once_and_mended_while_it_runs(shop: Shop) -> None:
    working = shop.worker()
    shop.configure('[sources.one]\nkind = "unheard"\n')
    working.run(turns=1)
    working.run(turns=1)
    assert len(shop.noticed()) == 1
    assert "unheard" in shop.noticed()[0]
    shop.configure(ONE)
    working.run(turns=1)
    assert shop.reads() == ["one/a", "one/b"]


def test_a_broken_model_keeps_the_last_publication_and_is_told(shop: Shop) -> None:
    shop.turn()
    before = warehouse.latest(shop.folder / "data")
    (shop.folder / "sql/core").mkdir(parents=True)
    (shop.folder / "sql/core/broken.sql").write_text("select nothing from nowhere")
    shop.clock.advance(minutes=15)
    shop.turn()
    assert warehouse.latest(shop.folder / "data") == before
    assert "broken.sql" in shop.noticed()[0]
    (shop.folder / "sql/core/broken.sql").unlink()
    shop.turn()
    assert warehouse.latest(shop.folder / "data") != before


def test_a_removed_source_is_forgotten(shop: Shop) -> None:
    shop.turn()
    shop.configure(TWO)
    shop.turn()
    assert set(shop.state.schedule.entries()) == {"two"}


def test_webhooks_that_did_not_arrive_are_asked_for_every_hour(shop: Shop) -> None:
    shop.configure(ONE + 'webhook_secret = "s"\n' + TWO)
    working = shop.worker()
    working.run(turns=1)
    shop.clock.advance(minutes=30)
    working.run(turns=1)
    shop.clock.advance(minutes=30)
    working.run(turns=1)
    said = [(one.source, one.message) for one in shop.state.run_log.latest(50) if one.step == "redeliver"]
    assert said == [("one", "since 05 12:00"), ("one", "since 02 12:00")]


def test_a_scope_that_was_asked_for_knows_it(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    shop.turn()
    assert "asked for" not in caplog.text
    shop.state.schedule.look("one", ["b"])
    shop.turn()
    assert "asked for b" in caplog.text


def test_a_project_with_nothing_to_read_costs_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.configure("")
    working = shop.worker()
    working.run(turns=1)
    monkeypatch.setattr(pipeline, "drain", None)
    working.run(turns=1)
    assert shop.noticed() == []
