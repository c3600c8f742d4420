"""Questions after a deployment: of a few, to the people behind it, rarely, and only where somebody began it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from dxmetrics.errors import DeliveryError, LinkRefused
from dxmetrics.metrics.people import finished_deployments
from dxmetrics.project import Project
from dxmetrics.state import State, Wave
from dxmetrics.survey import Answers, Given, instruments_of, receiving, triggers, waves
from tests.conftest import Clock
from tests.engine.mail_server import MailServer, mail_server
from tests.survey import staff
from tests.survey.conftest import document

ADDRESS = "https://metrics.example.org"
BEHIND = {"mobile1@example.org", "search1@example.org", "search2@example.org"}
DAY = timedelta(hours=24)
SURVEY = "asked-after"


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


@pytest.fixture
def project(server: MailServer, tmp_path: Path) -> Project:
    return project_of(server, tmp_path)


def project_of(server: MailServer, folder: Path, *, sample: float = 1.0, **surveys: Any) -> Project:
    """A project with one survey of its own that has a trigger."""
    written = document(
        survey={"id": SURVEY, "version": 1, "title": "Your deployment", "confidentiality": "confidential"},
        wave={"cadence": "continuous"},
        scales={"ease": {"min": 1, "max": 5, "favourable": [4, 5], "ends": {"low": "Hard", "high": "Easy"}}},
        indices=[],
        items=[{"id": "how_easy_v1", "text": "How easy was it?", "scale": "ease"}],
        triggers=[{"item": "how_easy_v1", "on": "deployment.finished", "sample": sample}],
    )
    file = folder / "data" / "surveys" / "asked-after.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(written))
    made = staff.project(folder, staff.published(), [folder], surveys={"address": ADDRESS, **surveys})
    return replace(made, settings=made.settings.model_copy(update={"mail": server.settings()}))


def begin(project: Project, state: State, clock: Clock) -> Wave:
    """Open the first wave a day ago, as somebody does by hand."""
    clock.advance(hours=-26)
    wave = waves.open_wave(state, instruments_of(project)[SURVEY], clock(), ZoneInfo("UTC"))
    clock.advance(hours=26)
    return wave


def token_of(server: MailServer, address: str) -> str:
    body = dict(server.accepted)[address].get_body(("plain",))
    assert isinstance(body, EmailMessage)
    (token,) = re.findall(rf"{ADDRESS}/survey/(\S+)", body.get_content())
    return str(token)


def test_people_behind_a_deployment_are_who_started_it_else_the_authors_of_what_it_shipped() -> None:
    found = finished_deployments(staff.published(), staff.NOW - DAY, staff.NOW)
    assert found == {
        "forge:d1": ("forge:mobile1",),
        "forge:d2": ("forge:search1",),  # a bot deployed it
        "forge:d7": ("forge:stranger",),
        "forge:d8": ("forge:search2",),  # it failed, which is no reason not to ask
    }
    assert finished_deployments(staff.published(), staff.NOW, staff.NOW + DAY) == {}


def test_the_people_of_what_was_just_deployed_are_asked_if_they_are_known(
    project: Project, state: State, answers: Answers, server: MailServer, clock: Clock
) -> None:
    wave = begin(project, state, clock)
    assert triggers.ask(project, state, clock) == 3
    assert set(server.recipients) == BEHIND
    now = state.waves.get(wave.id)
    assert now is not None
    assert {(cohort.team, cohort.invited) for cohort in now.cohorts} == {("Mobile", 1), ("Search", 2)}
    receiving.receive(state, answers, token_of(server, "mobile1@example.org"), Given({"how_easy_v1": 5}), clock())
    (response,) = answers.responses(SURVEY, "2026-Q4")
    assert response.team == "Mobile"


def test_a_question_expires_soon(
    project: Project, state: State, answers: Answers, server: MailServer, clock: Clock
) -> None:
    begin(project, state, clock)
    triggers.ask(project, state, clock)
    body = server.accepted[0][1].get_body(("plain",))
    assert isinstance(body, EmailMessage)
    assert "Open until 7 October 2026, 09:30." in body.get_content()
    clock.advance(hours=48)
    with pytest.raises(LinkRefused, match="expired"):
        receiving.opened(state, token_of(server, server.recipients[0]), clock())


def test_another_look_asks_nobody_again_before_the_cool_down_is_over(
    project: Project, state: State, server: MailServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(triggers, "RECENT", timedelta(days=60))
    begin(project, state, clock)
    assert triggers.ask(project, state, clock) == 3
    assert triggers.ask(project, state, clock) == 0
    clock.advance(days=13)
    assert triggers.ask(project, state, clock) == 0
    clock.advance(days=1)
    assert triggers.ask(project, state, clock) == 3
    links_ = {token_of(server, address) for address in BEHIND}
    assert len(links_) == 3
    assert len(server.accepted) == 6


def test_a_sample_is_the_same_at_every_look_and_about_as_large_as_it_says(
    tmp_path: Path, state: State, server: MailServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = project_of(server, tmp_path, sample=0.05)
    begin(project, state, clock)
    deployed = {f"d{number}": (f"forge:mobile{number % 9}",) for number in range(2000)}
    taken: list[set[str]] = []

    def noted(self: Any, trigger: Any, people: set[str]) -> int:
        taken.append(people)
        return len(people)

    monkeypatch.setattr(triggers, "finished_deployments", lambda *_: deployed | {
        name: (name,) for name in deployed
    })  # fmt: skip
    monkeypatch.setattr(triggers._Asking, "_ask", noted)
    assert triggers.ask(project, state, clock) == triggers.ask(project, state, clock)
    assert taken[0] == taken[1]
    assert 60 <= len(taken[0]) <= 145


def test_nothing_is_asked_before_somebody_opened_a_first_wave(
    project: Project, state: State, server: MailServer, clock: Clock
) -> None:
    assert triggers.ask(project, state, clock) == 0
    assert state.waves.all() == []
    assert server.accepted == []


def test_what_was_deployed_before_the_wave_was_opened_is_not_asked_about(
    project: Project, state: State, server: MailServer, clock: Clock
) -> None:
    waves.open_wave(state, instruments_of(project)[SURVEY], clock(), ZoneInfo("UTC"))
    assert triggers.ask(project, state, clock) == 0


@pytest.mark.parametrize("section", ["mail", "surveys"])
def test_nothing_happens_where_nobody_can_be_reached(
    project: Project, state: State, server: MailServer, clock: Clock, section: str
) -> None:
    begin(project, state, clock)
    fresh = getattr(staff.project(project.folder, project.data).settings, section)
    without = replace(project, settings=project.settings.model_copy(update={section: fresh}))
    assert triggers.ask(without, state, clock) == 0
    assert server.accepted == []


def test_the_next_quarter_opens_by_itself_and_ends_with_the_quarter(
    project: Project, state: State, answers: Answers, clock: Clock
) -> None:
    first = begin(project, state, clock)
    assert (first.name, first.closes_at) == ("2026-Q4", datetime(2027, 1, 1, tzinfo=UTC))
    clock.now = first.closes_at + timedelta(minutes=5)
    triggers.ask(project, state, clock)
    assert len(state.waves.all()) == 1  # the old one is closed first
    waves.close(state, answers, first)
    triggers.ask(project, state, clock)
    triggers.ask(project, state, clock)
    second, _ = state.waves.all()
    assert (second.name, second.closes_at) == ("2027-Q1", datetime(2027, 4, 1, tzinfo=UTC))


def test_a_wave_closed_before_its_time_ends_the_asking(
    project: Project, state: State, answers: Answers, server: MailServer, clock: Clock
) -> None:
    wave = begin(project, state, clock)
    waves.close(state, answers, wave)
    assert triggers.ask(project, state, clock) == 0
    clock.now = wave.closes_at + timedelta(days=1)
    assert triggers.ask(project, state, clock) == 0
    assert len(state.waves.all()) == 1


def test_people_of_the_list_are_found_by_any_of_their_addresses(
    server: MailServer, tmp_path: Path, state: State, clock: Clock
) -> None:
    lines = [f"{staff.address('Mobile', number)},Mobile" for number in range(9)]
    (tmp_path / "people.csv").write_text("\n".join(["address,team", *lines, "stranger@elsewhere.example,"]))
    project = project_of(server, tmp_path, people_csv="people.csv")
    begin(project, state, clock)
    assert triggers.ask(project, state, clock) == 2
    assert set(server.recipients) == {"mobile1@example.org", "stranger@elsewhere.example"}


def test_a_server_that_fails_leaves_the_people_to_be_asked_at_the_next_look(
    project: Project, state: State, server: MailServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dxmetrics.notify.mail.PAUSE", 0.0)
    begin(project, state, clock)
    server.answers = ["250 OK"] + ["421 going down"] * 3
    with pytest.raises(DeliveryError, match="takes no mail now"):
        triggers.ask(project, state, clock)
    assert triggers.ask(project, state, clock) == 2
    assert set(server.recipients) == BEHIND
    assert len(server.accepted) == 3


def test_a_refused_recipient_is_not_counted_as_asked(
    project: Project, state: State, server: MailServer, clock: Clock
) -> None:
    wave = begin(project, state, clock)
    server.refused["mobile1@example.org"] = "550 no such user"
    assert triggers.ask(project, state, clock) == 2
    now = state.waves.get(wave.id)
    assert now is not None
    assert now.invited == 2
