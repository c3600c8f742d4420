"""What is kept of reports, in SQLite always and in PostgreSQL where a server is at hand: the same calls and answers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from dxmetrics.reports.archive import Archive
from dxmetrics.state import State, open_state
from dxmetrics.state.deliveries import Target
from tests.conftest import Clock
from tests.engine.test_state import server, url
from tests.reports.small import document, section, tiles

__all__ = ["server", "url"]

ADA, OUT = Target("mail", "ada@example.org"), Target("folder", "out")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def state(url: str, tmp_path: Path, clock: Clock) -> Iterator[State]:
    with open_state(url, tmp_path, clock) as opened:
        yield opened


def test_editions_are_kept_listed_and_moved_to_another_store(state: State, tmp_path: Path, clock: Clock) -> None:
    archive = Archive(state)
    first = archive.keep(document())
    clock.advance(hours=1)
    other = archive.keep(document(team=None))
    clock.advance(hours=1)
    second = archive.keep(document(section("Key figures", tiles(40.0))))
    assert [(one.id, one.edition) for one in archive.all()] == [(second.id, 2), (other.id, 1)]
    assert archive.find(first.id, 1) == first
    state.backup(tmp_path / "backup.sqlite")
    with open_state("", tmp_path / "elsewhere", clock) as moved:
        moved.restore(tmp_path / "backup.sqlite")
        assert Archive(moved).editions(first.id) == archive.editions(first.id)
        assert Archive(moved).find(first.id) == second


def test_many_at_once_keep_one_edition(state: State) -> None:
    kept: list[int] = []
    threads = [threading.Thread(target=lambda: kept.append(Archive(state).keep(document()).edition)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert kept == [1, 1, 1, 1]


def test_a_delivery_is_planned_claimed_put_off_and_ended_once(state: State, clock: Clock) -> None:
    deliveries = state.deliveries
    deliveries.plan("review", 1, [ADA, OUT, ADA], ("pdf", "xlsx"))
    deliveries.plan("review", 1, [ADA], ("csv",))
    folder, mail = deliveries.due()
    assert (folder.target, mail.target, mail.formats, mail.attempts) == (OUT, ADA, ("pdf", "xlsx"), 0)
    assert deliveries.claim(mail)
    assert not deliveries.claim(mail)
    assert [one.target for one in deliveries.broken_off()] == [ADA]
    assert [one.target for one in deliveries.due()] == [OUT]
    deliveries.put_off(mail, clock.now + MINUTE, "not now")
    deliveries.end(folder, "refused", "no room")
    assert deliveries.due() == []
    clock.advance(minutes=1)
    (again,) = deliveries.due()
    assert (again.attempts, again.why) == (1, "not now")
    assert deliveries.claim(again)
    deliveries.end(again, "sent")
    found = {one.target: one for one in deliveries.of("review", 1)}
    assert (found[ADA].status, found[ADA].attempts, found[ADA].why, found[ADA].ended_at) == ("sent", 2, None, clock.now)
    assert (found[OUT].status, found[OUT].why) == ("refused", "no room")
    deliveries.again(found[OUT])
    assert [(one.target, one.attempts, one.why) for one in deliveries.due()] == [(OUT, 0, None)]


def test_a_report_runs_once_for_a_team_and_a_period(state: State, clock: Clock) -> None:
    deliveries = state.deliveries
    assert not deliveries.has_run("review", None, "2026-10")
    assert deliveries.ran("review", None, "2026-10", ("review-2026-10", 1), [ADA], ["pdf"])
    assert not deliveries.ran("review", None, "2026-10", ("review-2026-10", 2), [OUT], ["pdf"])
    assert deliveries.ran("review", "Data", "2026-10", ("review-data-2026-10", 1), [], ["pdf"])
    assert deliveries.has_run("review", None, "2026-10")
    assert [(one.id, one.target) for one in deliveries.of()] == [("review-2026-10", ADA)]
    deliveries.schedule("review", "0 7 * * 1", clock.now, "data")
    deliveries.schedule("review", "0 7 * * 1", clock.now + MINUTE)
    planned = deliveries.scheduled()["review"]
    assert (planned.schedule, planned.next_at, planned.waits_for) == ("0 7 * * 1", clock.now + MINUTE, None)
    deliveries.unschedule("review")
    assert deliveries.scheduled() == {}
