"""Reports by their schedule: each once for a team and a period, when the data covers it, also after anything."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dxmetrics.errors import DxError, SettingsError, WarehouseError
from dxmetrics.project import Project
from dxmetrics.reports import schedule
from dxmetrics.reports.archive import Archive
from dxmetrics.reports.document import Document
from dxmetrics.reports.library import ReportFile
from dxmetrics.reports.reporting import Reporting
from dxmetrics.state import State, open_state
from dxmetrics.state.deliveries import Target
from tests.conftest import Clock
from tests.reports.small import document, section, tiles

REVIEW = """\
title: Monthly review
about: For everybody.
audience: team
period: month
sections: [key_figures]
schedule: "0 7 3 * *"
deliver:
  - mail: [cto@example.org, vp@example.org]
  - {folder: search, teams: [Search]}
"""
BERLIN = '[organisation]\nreporting_zone = "Europe/Berlin"\n'
THIRD = datetime(2026, 11, 3, 6, tzinfo=UTC)  # seven o'clock in Berlin


@dataclass
class Published:
    """What stands in for a publication."""

    as_of: datetime
    reporting_zone: str = "Europe/Berlin"
    teams: tuple[str, ...] = ("Payments", "Search")

    def values(self, dimension: str) -> tuple[str, ...]:
        return self.teams


@dataclass
class Desk:
    """A project with scheduled reports, and what is written of them."""

    folder: Path
    state: State
    clock: Clock
    published: Published | None = None
    written: list[tuple[str, str | None, str]] = field(default_factory=list)
    hours: float = 31.0
    broken: dict[str | None, DxError] = field(default_factory=dict)

    def file(self, text: str, name: str = "review") -> None:
        (self.folder / "data/reports").mkdir(parents=True, exist_ok=True)
        (self.folder / f"data/reports/{name}.yaml").write_text(text)

    def write(self, project: Project, report: ReportFile, team: str | None, period: str) -> Document:
        if team in self.broken:
            raise self.broken[team]
        self.written.append((report.name, team, period))
        figures = section("Key figures", tiles(self.hours))
        return document(figures, report=report.name, team=team)

    def look(self, stop: Callable[[], bool] = lambda: False) -> list[str]:
        """Look at what is due; what is said."""
        project = Project.find(self.folder, {})
        said = schedule.write_due(project, self.state, self.clock(), write=self.write, stop=stop)
        return [text for _, text in said]

    def looked(self) -> list[str | None]:
        """The teams for which that wrote."""
        self.written.clear()
        self.look()
        return [team for _, team, _ in self.written]

    def at(self, *moment: int) -> None:
        self.clock.now = datetime(*moment, tzinfo=UTC)  # type: ignore[arg-type,misc]


class Heard:
    """What a thread said; `all` is set once it is so much."""

    def __init__(self, count: int) -> None:
        self.said: list[tuple[str, str]] = []
        self.all = threading.Event()
        self._count = count

    def __call__(self, status: str, text: str) -> None:
        self.said.append((status, text))
        if len(self.said) == self._count:
            self.all.set()


@pytest.fixture
def desk(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """On 28 October a report is scheduled for the third of each month; the data reaches to the present."""
    clock.now = datetime(2026, 10, 28, 12, tzinfo=UTC)
    (tmp_path / "dx.toml").write_text(BERLIN)
    with open_state("", tmp_path / "state", clock) as state:
        made = Desk(tmp_path, state, clock)

        def newest(data: Path) -> Published:
            if made.published is None:
                raise WarehouseError("nothing is published yet: run dxmetrics up")
            return made.published

        monkeypatch.setattr(schedule.Metrics, "open", newest)
        made.file(REVIEW)
        assert made.look() == []
        made.published = Published(as_of=datetime(2026, 11, 2, 12, tzinfo=UTC))
        yield made


def planned_for(desk: Desk) -> list[tuple[str, Target]]:
    return sorted(((one.id, one.target) for one in desk.state.deliveries.of()), key=repr)


def test_it_is_written_at_its_time_in_the_reporting_zone_for_every_team(desk: Desk) -> None:
    assert desk.state.deliveries.scheduled()["review"].next_at == THIRD
    desk.at(2026, 11, 3, 5, 59)
    assert desk.look() == []
    desk.at(2026, 11, 3, 6, 0)
    assert desk.look() == [
        "report review-payments-2026-10 is written, edition 1", "report review-search-2026-10 is written, edition 1",
    ]  # fmt: skip
    assert desk.written == [("review", "Payments", "2026-10"), ("review", "Search", "2026-10")]
    assert desk.state.deliveries.scheduled()["review"].next_at == datetime(2026, 12, 3, 6, tzinfo=UTC)
    mails = [Target("mail", "cto@example.org"), Target("mail", "vp@example.org")]
    assert planned_for(desk) == [
        *(("review-payments-2026-10", one) for one in mails), ("review-search-2026-10", Target("folder", "search")),
        *(("review-search-2026-10", one) for one in mails),
    ]  # fmt: skip
    assert {one.formats for one in desk.state.deliveries.of()} == {("pdf",)}


def test_it_is_written_once_whatever_comes_later(desk: Desk) -> None:
    desk.at(2026, 11, 3, 6)
    assert desk.looked() == ["Payments", "Search"]
    planned = planned_for(desk)
    desk.hours = 40.0
    desk.at(2026, 11, 25, 6)
    assert desk.looked() == []
    desk.file(REVIEW.replace("0 7 3 * *", "0 7 26 * *"))
    assert desk.looked() == []
    desk.at(2026, 11, 26, 6)
    assert desk.looked() == []  # due again for October, which is written
    assert planned_for(desk) == planned
    assert desk.state.deliveries.scheduled()["review"].next_at == datetime(2026, 12, 26, 6, tzinfo=UTC)


def test_it_waits_for_data_that_covers_the_period_and_says_so_once(desk: Desk) -> None:
    desk.published = Published(as_of=datetime(2026, 10, 31, 22, 59, tzinfo=UTC))  # a minute before November in Berlin
    desk.at(2026, 11, 3, 6)
    waits = "waits for data to the end of October 2026: it reaches to 31 Oct 2026, 22:59 UTC"
    assert desk.look() == [f"report review: {waits}"]
    assert desk.state.deliveries.scheduled()["review"].waits_for == waits
    assert desk.look() == []
    desk.published = Published(as_of=datetime(2026, 10, 31, 23, 0, tzinfo=UTC))
    assert desk.looked() == ["Payments", "Search"]
    assert desk.state.deliveries.scheduled()["review"].waits_for is None


def test_nothing_published_is_waited_for_too(desk: Desk) -> None:
    desk.published = None
    desk.at(2026, 11, 3, 6)
    assert desk.look() == ["report review: nothing is published yet: run dxmetrics up"]


def test_of_several_times_that_were_missed_the_last_one_counts(desk: Desk) -> None:
    desk.published = Published(as_of=datetime(2027, 2, 20, tzinfo=UTC))
    desk.at(2027, 2, 20)
    desk.look()
    assert {period for _, _, period in desk.written} == {"2027-01"}
    assert desk.state.deliveries.scheduled()["review"].next_at == datetime(2027, 3, 3, 6, tzinfo=UTC)


def test_a_yearly_time_that_was_missed_long_ago_still_counts(desk: Desk) -> None:
    desk.file(REVIEW.replace("0 7 3 * *", "0 7 3 11 *"))
    desk.look()
    desk.published = Published(as_of=datetime(2027, 8, 1, tzinfo=UTC))
    desk.at(2027, 8, 1)
    desk.look()
    assert {period for _, _, period in desk.written} == {"2026-10"}


def test_what_was_broken_off_goes_on_where_it_stopped(desk: Desk) -> None:
    desk.at(2026, 11, 3, 6)
    said = iter([False, False, True])
    desk.look(stop=lambda: next(said))
    assert [team for _, team, _ in desk.written] == ["Payments"]
    desk.hours = 40.0
    assert desk.looked() == ["Search"]
    assert [one.edition for one in Archive(desk.state).all()] == [1, 1]


def test_an_edition_that_was_kept_without_being_planned_is_the_one_that_is_sent(desk: Desk) -> None:
    """Killed between the two, or written by hand before."""
    kept = Archive(desk.state).keep(document(section("Key figures", tiles(31.0)), report="review", team="Payments"))
    desk.at(2026, 11, 3, 6)
    desk.look()
    assert [one.edition for one in Archive(desk.state).editions(kept.id)] == [1]
    assert len(desk.state.deliveries.of(kept.id, 1)) == 2


def test_a_team_that_cannot_be_written_stops_no_other_and_is_tried_until_it_can(desk: Desk) -> None:
    desk.broken["Payments"] = SettingsError("team 'Payments' is not known")
    desk.at(2026, 11, 3, 6)
    assert desk.look() == [
        "report review-search-2026-10 is written, edition 1", "report review: team 'Payments' is not known",
    ]  # fmt: skip
    assert desk.look() == []
    desk.broken.clear()
    assert desk.looked() == ["Payments"]
    assert desk.state.deliveries.scheduled()["review"].waits_for is None


def test_a_file_that_is_broken_is_told_and_others_go_on(desk: Desk) -> None:
    desk.file(REVIEW.replace("audience: team", "audience: teams"))
    desk.file(REVIEW.replace("audience: team", "audience: organisation").replace(", teams: [Search]", ""), "all")
    said = desk.look()
    assert len(said) == 1
    assert "audience = 'teams'" in said[0]
    desk.at(2026, 11, 3, 6)
    assert desk.look() == ["report all-2026-10 is written, edition 1"]
    desk.file(REVIEW)
    assert desk.looked() == ["Payments", "Search"]


def test_a_file_that_is_mended_in_time_is_not_said_to_wait_any_more(desk: Desk) -> None:
    desk.file("title: [")
    assert len(desk.look()) == 1
    desk.file(REVIEW)
    assert desk.look() == []
    found = desk.state.deliveries.scheduled()["review"]
    assert (found.waits_for, found.next_at) == (None, THIRD)


def test_what_has_no_schedule_any_more_is_written_by_hand_only(desk: Desk) -> None:
    desk.file(REVIEW.replace('schedule: "0 7 3 * *"\n', ""))
    assert desk.look() == []
    assert desk.state.deliveries.scheduled() == {}
    desk.file(REVIEW)
    desk.look()
    (desk.folder / "data/reports/review.yaml").unlink()
    desk.at(2026, 11, 3, 6)
    assert desk.looked() == []
    assert desk.state.deliveries.scheduled() == {}


def test_two_workers_plan_a_delivery_once(desk: Desk) -> None:
    deliveries = desk.state.deliveries
    to = [Target("folder", "reports")]
    assert deliveries.ran("review", None, "2026-10", ("review-2026-10", 1), to, ["pdf"])
    assert not deliveries.ran("review", None, "2026-10", ("review-2026-10", 2), to, ["pdf"])
    assert [one.edition for one in deliveries.of()] == [1]


def test_the_worker_writes_and_delivers_beside_its_turns(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "written", desk.write)
    desk.file(REVIEW.replace("  - mail: [cto@example.org, vp@example.org]\n", ""))
    desk.at(2026, 11, 3, 6)
    heard = Heard(3)
    reporting = Reporting(desk.state, desk.clock, heard)
    reporting.look(Project.find(desk.folder, {}))
    reporting.look(Project.find(desk.folder, {}))  # while it is at work
    assert heard.all.wait(20)
    reporting.finish(10.0)
    assert heard.said == [
        ("ok", "report review-payments-2026-10 is written, edition 1"),
        ("ok", "report review-search-2026-10 is written, edition 1"),
        ("ok", "report review-search-2026-10: 1 sent"),
    ]
    content = (desk.folder / "search/review-search-2026-10.pdf").read_bytes()
    assert content.startswith(b"%PDF")


def test_the_worker_says_what_did_not_arrive_and_ends_when_told_to(desk: Desk) -> None:
    kept = Archive(desk.state).keep(document())
    desk.state.deliveries.plan(kept.id, 1, [Target("webhook", "nowhere")], ["pdf"])
    heard = Heard(1)
    reporting = Reporting(desk.state, desk.clock, heard)
    reporting.look(Project.find(desk.folder, {}))
    assert heard.all.wait(20)
    reporting.finish(10.0)
    assert heard.said == [("failed", f"report {kept.id}: 1 put off; `dxmetrics report --list` says why")]
