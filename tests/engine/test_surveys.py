"""Surveys along the line: collected or sent in, computed once, published, and read by the command line."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dxmetrics import cli, pipeline
from dxmetrics import state as states
from dxmetrics.errors import SettingsError
from dxmetrics.project import Project
from dxmetrics.state import State
from dxmetrics.survey import Given, answers_of, instruments_of, links, read, receiving, waves
from dxmetrics.worker import Worker
from tests.conftest import Clock
from tests.survey.conftest import SMALL

TOML = """
[sources.forms]
kind = "files"
folder = "in"

[surveys]
address = "https://dx.example.org"

[[teams]]
name = "Search"
[[teams]]
name = "Mobile"
"""
CANARY = "Herr Kanarienvogel singt"


@pytest.fixture
def clock() -> Clock:
    """Monday, 5 October 2026, 09:30 UTC."""
    return Clock(datetime(2026, 10, 5, 9, 30, tzinfo=UTC))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with two teams, one survey and a folder to collect from."""
    (tmp_path / "dx.toml").write_text(TOML)
    (tmp_path / "data" / "surveys").mkdir(parents=True)
    (tmp_path / "data" / "surveys" / "small.yaml").write_text(SMALL)
    (tmp_path / "in").mkdir()
    write(tmp_path, "identities", [{"ext_id": "1", "login": "ada", "kind": "human", "updated_at": "2026-10-01T00:00Z"}])
    return Project.find(tmp_path, {})


def write(folder: Path, table: str, rows: list[Mapping[str, Any]]) -> None:
    (folder / "in" / f"{table}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def responses(count: int, *, wave: str = "2026-Q3", day: str = "2026-08-10") -> list[Mapping[str, Any]]:
    return [
        {
            "ext_id": f"form-{number}",
            "survey": "small",
            "wave": wave,
            "submitted_on": day,
            "team": "search" if number % 3 else "Mobile",
            "cohort": "over 2 years",
            "answers": [
                {"item": "fast_v1", "number": 1 + number % 5},
                {"item": "fix_v1", "text": f"{CANARY} {number}", "may_share": False},
            ],
        }
        for number in range(count)
    ]


@pytest.fixture
def up(project: Project, clock: Clock) -> Callable[[], pipeline.Outcome]:
    """`up()`: the whole line once."""
    return lambda: pipeline.up(project, clock=clock)


def test_what_another_tool_collected_is_computed_once_it_is_quiet(
    project: Project, up: Callable[[], pipeline.Outcome], clock: Clock
) -> None:
    write(project.folder, "survey_responses", responses(30, day="2026-09-25"))
    up()
    assert read.results(project.data).all() == ()  # ten days: more may come
    clock.advance(days=5)
    up()
    (results,) = read.results(project.data).all()
    assert (results.survey, results.wave, results.answered, results.comments) == ("small", "2026-Q3", 30, 30)
    assert results.invited is None  # nobody is in a team here: how many were asked is not known
    cells = {(one.measure, one.key): one for one in results.cells}
    assert cells["fast_v1", ""].value == 40
    assert {key for measure, key in cells if measure == "fast_v1"} == {"", "Mobile", "Search", "over 2 years"}


def test_answers_are_in_the_answers_store_and_nowhere_else(
    project: Project, up: Callable[[], pipeline.Outcome]
) -> None:
    write(project.folder, "survey_responses", [*responses(30), {"ext_id": "broken", "survey": CANARY}])
    outcome = up()
    notes = [note for scope in outcome.collection.scopes for note in scope.notes]
    assert notes == [
        "1 response left out: survey_responses.jsonl line 31: wave: Field required; submitted_on: Field required"
    ]
    holding = [path.name for path in project.data.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()]
    assert holding == ["answers.sqlite"]
    ids = [path.name for path in project.data.rglob("*") if path.is_file() and b"form-1" in path.read_bytes()]
    assert ids == []


def test_results_stand_whatever_comes_later_and_whatever_teams_become(
    project: Project, up: Callable[[], pipeline.Outcome], clock: Clock
) -> None:
    write(project.folder, "survey_responses", responses(30))
    up()
    (before,) = read.results(project.data).all()
    (project.folder / "dx.toml").write_text(TOML.replace("Mobile", "Phones"))
    write(project.folder, "survey_responses", responses(31))
    clock.advance(days=1)
    outcome = pipeline.up(Project.find(project.folder, {}), clock=clock)
    assert read.results(project.data).all() == (before,)
    assert "31 responses left out: the results of that wave are published, and stand" in " ".join(
        note for scope in outcome.collection.scopes for note in scope.notes
    )


def test_a_warehouse_built_anew_shows_the_same_results(
    project: Project, up: Callable[[], pipeline.Outcome], clock: Clock
) -> None:
    write(project.folder, "survey_responses", responses(30))
    up()
    before = read.results(project.data).all()
    (project.data / "dx.duckdb").unlink()
    clock.advance(days=1)
    up()
    assert read.results(project.data).all() == before != ()


def test_sql_users_find_cells_without_hidden_numbers(project: Project, up: Callable[[], pipeline.Outcome]) -> None:
    write(project.folder, "survey_responses", responses(30))
    with duckdb.connect(up().publication.path, read_only=True) as connection:
        rows = connection.execute(
            "select cut, key, is_shown, n, value from survey.cells where measure = 'fast_v1' order by all"
        ).fetchall()
        hidden = connection.execute(
            "select count(*) from survey.cells where not is_shown and coalesce(n, value::text, low::text) is not null"
        ).fetchone()
    assert rows == [
        ("all", "", True, "30", 40), ("team", "Mobile", True, "10", 40), ("team", "Search", True, "20", 40),
        ("tenure", "over 2 years", True, "30", 40),
    ]  # fmt: skip
    assert hidden == (0,)


def test_rows_taken_out_of_a_file_before_the_results_are_gone(
    project: Project, up: Callable[[], pipeline.Outcome], clock: Clock
) -> None:
    write(project.folder, "survey_responses", responses(30, day="2026-10-01"))
    up()
    write(project.folder, "survey_responses", responses(12, day="2026-10-01"))
    clock.advance(days=1)
    up()
    with answers_of(project, clock) as answers:
        assert len(answers.responses("small", "2026-Q3")) == 12
    (project.folder / "in" / "survey_responses.jsonl").unlink()
    clock.advance(days=1)
    up()
    with answers_of(project, clock) as answers:
        assert answers.responses("small", "2026-Q3") == []
        assert answers.comments("small", "2026-Q3") == []


def send(project: Project, state: State, clock: Clock, count: int) -> None:
    """So many people of team Search answer the wave that is open."""
    wave = waves.running_wave(state, "small")
    with answers_of(project, clock) as answers:
        for number, url in enumerate(waves.hand_out(state, wave, "https://dx.example.org", count, team="Search")):
            token = url.removeprefix("https://dx.example.org/survey/")
            receiving.receive(state, answers, token, Given({"fast_v1": 1 + number % 5}), clock())


def test_a_wave_of_our_own_goes_from_opening_to_results(project: Project, clock: Clock) -> None:
    pipeline.up(project, clock=clock)
    with states.of_project(project, clock) as state:
        instrument = instruments_of(project)["small"]
        wave = waves.open_wave(state, instrument, clock(), pipeline_zone(project))
        send(project, state, clock, 20)
        clock.advance(days=20)
        worker = Worker(lambda: project, state, clock=clock, listen=lambda _: None)
        worker.run(turns=2)
        closed = state.waves.get(wave.id)
    assert closed is not None
    assert (closed.invited, closed.answered) == (20, 20)
    assert closed.closed_at is not None
    (results,) = read.results(project.data).all()
    assert (results.opened_on, results.closed_on) == (date(2026, 10, 5), date(2026, 10, 25))
    assert (results.invited, results.answered) == (20, 20)
    assert {one.key for one in results.cells if one.shown and one.cut == "team"} == {"Search"}


def pipeline_zone(project: Project) -> Any:
    from zoneinfo import ZoneInfo

    return ZoneInfo(project.settings.organisation.reporting_zone)


def test_the_worker_publishes_a_wave_that_somebody_closed(project: Project, clock: Clock) -> None:
    with states.of_project(project, clock) as state:
        worker = Worker(lambda: project, state, clock=clock, listen=lambda _: None)
        worker.run(turns=1)
        waves.open_wave(state, instruments_of(project)["small"], clock(), pipeline_zone(project))
        send(project, state, clock, 12)
        with answers_of(project, clock) as answers:
            waves.close(state, answers, waves.running_wave(state, "small"))
        clock.advance(seconds=30)
        worker.run(turns=1)
    assert [one.answered for one in read.results(project.data).all()] == [12]


def run(*words: str) -> int:
    return cli.run(["survey", *words])


def test_the_command_line_opens_hands_out_closes_and_tells(
    project: Project, clock: Clock, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.folder)
    pipeline.up(project, clock=clock)
    assert run("check") == 0
    assert "devex-quarterly" in capsys.readouterr().out
    assert run("open", "small", "--wave", "first", "--closes", "2099-01-31") == 0
    assert "wave first of small is open until" in capsys.readouterr().err
    assert run("links", "small", "--count", "6", "--team", "Search") == 0
    urls = capsys.readouterr().out.split()
    assert len(urls) == 6
    with states.of_project(project, pipeline.utc_now) as state, answers_of(project, pipeline.utc_now) as answers:
        for url in urls:
            token = url.rpartition("/")[2]
            assert links.wave_of(token) == waves.running_wave(state, "small").id
            receiving.receive(state, answers, token, Given({"fast_v1": 1 + len(token) % 2}), pipeline.utc_now())
    assert run("close", "small") == 0
    assert "6 of 6 answered" in capsys.readouterr().err
    assert cli.run(["build"]) == 0
    capsys.readouterr()
    assert run("results", "small") == 0
    assert "hidden: fewer than 5 answered" in capsys.readouterr().out
    assert run("results", "small", "--json") == 0
    assert json.loads(capsys.readouterr().out)["wave"] == "first"
    assert run("erase", "small", "first", "--with-results", "--yes") == 0
    assert cli.run(["build"]) == 0
    capsys.readouterr()
    assert run("results", "small") == 1
    assert "no results of survey 'small' are published" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("open", "nope"), "survey 'nope' is not known: use one of after-deployment, devex-quarterly"),
        (("close", "small"), "no wave of small is open: open one with `dxmetrics survey open small`"),
        (("links", "small", "--count", "1"), "no wave of small is open"),
        (("remind", "small"), "no wave of small is open"),
    ],
)
def test_what_cannot_be_done_is_told_with_the_remedy(
    words: tuple[str, ...], message: str, project: Project, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(project.folder)
    assert run(*words) == 1
    assert message in capsys.readouterr().err


def test_changes_between_waves_are_signal_only_where_they_are_greater_than_chance(
    project: Project, up: Callable[[], pipeline.Outcome]
) -> None:
    rows = [
        {**row, "ext_id": f"{wave}-{row['ext_id']}", "wave": wave, "submitted_on": day,
         "answers": [{"item": "fast_v1", "number": code(number)}, {"item": "likely_v1", "number": 7 + number % 4}]}
        for wave, day, code in (
            ("2026-Q2", "2026-05-04", lambda number: 4 if number % 5 == 0 else 2),  # 20 % favourable
            ("2026-Q3", "2026-08-10", lambda number: 2 if number % 5 == 0 else 4),  # 80 %
        )
        for number, row in enumerate(responses(60, wave=wave))
    ]  # fmt: skip
    write(project.folder, "survey_responses", rows)
    up()
    found = read.results(project.data)
    now = found.find("small")
    before = found.before(now)
    assert before is not None
    assert (now.wave, before.wave) == ("2026-Q3", "2026-Q2")
    changes = {(one.measure, one.key): one for one in read.changes(now, before)}
    assert changes["fast_v1", ""].value == 60
    assert changes["fast_v1", ""].is_signal
    assert not changes["likely_v1", ""].is_signal
    assert [point.cell.value for point in found.trend("small", "fast_v1")] == [20, 80]
    with pytest.raises(SettingsError, match="no results of wave 'x': small has 2026-Q3, 2026-Q2"):
        found.find("small", "x")
