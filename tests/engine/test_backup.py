"""A backup holds everything that was acknowledged, and restoring it gives the same numbers."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from dxmetrics import backup, pipeline, state, warehouse
from dxmetrics.errors import DxError, StateError
from dxmetrics.lease import LEASE
from dxmetrics.project import Project
from dxmetrics.state import Delivery
from dxmetrics.survey import Answers, Comment, Given, answers_of
from dxmetrics.worker import Worker
from tests.conftest import Clock


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "dx.toml").write_text("")
    return Project.find(tmp_path, {})


def work(project: Project, clock: Clock, turns: int = 1) -> None:
    with state.of_project(project, clock) as store:
        Worker(lambda: project, store, clock=clock, listen=lambda _: None).run(turns=turns)


def push(project: Project, clock: Clock, *services: str) -> None:
    with state.of_project(project, clock) as store:
        for service in services:
            store.inbox.append(Delivery("deployments", service, {}, b'{"service": "%s"}' % service.encode()))


def services(project: Project) -> list[str]:
    with duckdb.connect(str(project.data / "dx.duckdb")) as connection:
        rows = connection.execute(
            "select service from landing.deployments where deleted_at is null order by 1"
        ).fetchall()
    return [service for (service,) in rows]


def test_what_was_pushed_before_and_after_the_last_publication_comes_back(
    project: Project, clock: Clock, tmp_path: Path
) -> None:
    push(project, clock, "published")
    work(project, clock)
    clock.advance(minutes=1)
    push(project, clock, "landed")
    with state.of_project(project, clock) as store:
        pipeline.drain(project, store, clock=clock)  # and killed before it was published
    push(project, clock, "waiting")
    made = backup.backup(project, tmp_path / "backups", clock)
    clock.advance(minutes=1)
    push(project, clock, "later")
    work(project, clock)
    assert services(project) == ["landed", "later", "published", "waiting"]
    clock.advance(minutes=1)
    backup.restore(project, made, clock)
    assert services(project) == ["published"]
    work(project, clock)
    assert services(project) == ["landed", "published", "waiting"]
    kept = list(project.data.glob("dx-before-*.duckdb"))
    assert len(kept) == 1
    with duckdb.connect(str(kept[0]), read_only=True) as connection:
        assert connection.execute("select count(*) from landing.deployments").fetchall() == [(4,)]


def test_a_backup_needs_no_publication(project: Project, clock: Clock, tmp_path: Path) -> None:
    push(project, clock, "waiting")
    made = backup.backup(project, tmp_path / "backups", clock)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "dx.toml").write_text("")
    other = Project.find(elsewhere, {})
    backup.restore(other, made, clock)
    work(other, clock)
    assert services(other) == ["waiting"]
    assert warehouse.latest(other.data) is not None


def test_nobody_restores_below_a_worker(project: Project, clock: Clock, tmp_path: Path) -> None:
    made = backup.backup(project, tmp_path / "backups", clock)
    with state.of_project(project, clock) as store:
        store.leases.acquire(LEASE, "elsewhere/7", timedelta(seconds=30))
        with pytest.raises(StateError, match="worker elsewhere/7 is at work: stop it, and restore again"):
            backup.restore(project, made, clock)


def test_what_is_no_backup_is_refused_and_a_failed_one_leaves_nothing(
    project: Project, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DxError, match="is no backup: name a folder that `dxmetrics backup` wrote"):
        backup.restore(project, tmp_path, clock)
    (tmp_path / "file").write_text("")
    with pytest.raises(DxError, match="cannot be made"):
        backup.backup(project, tmp_path / "file", clock)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    push(project, clock, "one")
    work(project, clock)
    monkeypatch.setattr("shutil.copyfile", full)
    with pytest.raises(DxError, match="make room, or name another folder"):
        backup.backup(project, tmp_path / "backups", clock)
    assert not list((tmp_path / "backups").iterdir())


def test_survey_answers_come_back_but_for_those_that_were_erased_since(
    project: Project, clock: Clock, tmp_path: Path
) -> None:
    given, day = Given({"fast_v1": 4}, [Comment("fix_v1", "words", may_share=True)]), clock().date()

    def waves(answers: Answers) -> dict[str, int]:
        return {wave: len(answers.responses("small", wave)) for wave in ("first", "second", "third")}

    with answers_of(project, clock) as answers:
        for wave in ("first", "second"):
            answers.confirm(answers.pend("small", wave, given, submitted_on=day, team=None, tenure=None)[0])
        answers.freeze("small", "first", {"closed_on": "2026-01-01"})
    made = backup.backup(project, tmp_path / "backups", clock)
    with answers_of(project, clock) as answers:
        answers.erase("small", "second", with_results=True)
        answers.pend("small", "third", given, submitted_on=day, team=None, tenure=None)
    backup.restore(project, made, clock)
    with answers_of(project, clock) as answers:
        assert waves(answers) == {"first": 1, "second": 0, "third": 0}
        assert answers.frozen() == {("small", "first"): {"closed_on": "2026-01-01"}, ("small", "second"): None}
        assert [one.text for one in answers.comments("small", "first")] == ["words"]
        assert answers.comments("small", "second") == []


def test_a_project_without_answers_has_none_in_its_backup(project: Project, clock: Clock, tmp_path: Path) -> None:
    made = backup.backup(project, tmp_path / "backups", clock)
    assert [path.name for path in made.iterdir()] == ["state.sqlite"]
    assert not (project.data / "answers.sqlite").exists()
