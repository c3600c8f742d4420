"""Reminders over real SMTP: to those who have not answered, and nothing kept or told says who that was."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from dxmetrics.errors import DeliveryError, SettingsError
from dxmetrics.notify import Mail, Mailer
from dxmetrics.project import Project
from dxmetrics.state import State, Wave
from dxmetrics.state.tables import survey_contacts, survey_invitations, survey_reminders
from dxmetrics.survey import Answers, invitations, receiving
from tests.conftest import Clock
from tests.engine.mail_server import MailServer
from tests.survey.asked import (
    ANSWERS,
    EVERYBODY,
    bytes_of,
    instrument,
    project,
    server,
    tokens,
    wave,
)

__all__ = ["instrument", "project", "server", "wave"]


def spend(state: State, answers: Answers, links_: dict[str, str], people: list[str], clock: Clock) -> None:
    for person in people:
        receiving.receive(state, answers, links_[person], ANSWERS, clock())


def test_reminders_go_to_exactly_those_who_have_not_answered_with_the_same_link(
    project: Project, state: State, answers: Answers, wave: Wave, server: MailServer, clock: Clock
) -> None:
    invitations.invite(project, state, wave, clock)
    given = tokens(server)
    answered = sorted(EVERYBODY)[::3]
    spend(state, answers, given, answered, clock)
    server.accepted.clear()
    clock.advance(days=5)
    assert str(invitations.remind(project, state, wave, clock)) == f"{20 - len(answered)} reminded"
    assert set(server.recipients) == EVERYBODY - set(answered)
    assert tokens(server) == {to: given[to] for to in EVERYBODY - set(answered)}
    assert {message["Subject"] for _, message in server.accepted} == {"Reminder: Small"}


def test_a_round_that_is_broken_off_goes_on_where_it_stopped(
    project: Project,
    state: State,
    answers: Answers,
    wave: Wave,
    server: MailServer,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    invitations.invite(project, state, wave, clock)
    answered = {"mobile1@example.org", "search1@example.org"}
    spend(state, answers, tokens(server), sorted(answered), clock)
    server.accepted.clear()
    hand_over = Mailer.send

    def stopped(mailer: Mailer, mail: Mail) -> str:
        outcome = hand_over(mailer, mail)
        if len(server.accepted) == 5:
            raise KeyboardInterrupt
        return outcome

    monkeypatch.setattr(Mailer, "send", stopped)
    with pytest.raises(KeyboardInterrupt):
        invitations.remind(project, state, wave, clock)
    monkeypatch.setattr(Mailer, "send", hand_over)
    clock.advance(hours=1)
    assert str(invitations.remind(project, state, wave, clock)) == "13 reminded"
    assert sorted(server.recipients) == sorted(EVERYBODY - answered)


def test_a_server_that_fails_in_a_round_of_reminders_costs_nobody_theirs(
    project: Project, state: State, wave: Wave, server: MailServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dxmetrics.notify.mail.PAUSE", 0.0)
    invitations.invite(project, state, wave, clock)
    server.accepted.clear()
    for answers_of_server in (["421 going down"] * 3, ["250 OK"] * 4 + ["421 going down"] * 3):
        server.answers = list(answers_of_server)
        with pytest.raises(DeliveryError, match="the others follow with the next run"):
            invitations.remind(project, state, wave, clock)
    assert str(invitations.remind(project, state, wave, clock)) == "16 reminded"
    assert sorted(server.recipients) == sorted(EVERYBODY)


def test_a_round_of_reminders_is_at_most_every_two_days(
    project: Project, state: State, wave: Wave, server: MailServer, clock: Clock
) -> None:
    invitations.invite(project, state, wave, clock)
    invitations.remind(project, state, wave, clock)
    clock.advance(hours=47)
    with pytest.raises(SettingsError, match="sent less than 48 hours ago: send more from 2026-10-07 09:30"):
        invitations.remind(project, state, wave, clock)
    clock.advance(hours=1)
    invitations.remind(project, state, wave, clock)
    assert Counter(server.recipients) == dict.fromkeys(EVERYBODY, 3)


def test_whoever_is_not_invited_is_not_reminded(
    project: Project, state: State, wave: Wave, server: MailServer, clock: Clock
) -> None:
    server.refused["mobile0@example.org"] = "550 no such user"
    invitations.invite(project, state, wave, clock)
    server.refused.clear()
    server.accepted.clear()
    invitations.remind(project, state, wave, clock)
    assert set(server.recipients) == EVERYBODY - {"mobile0@example.org"}


def test_a_total_is_told_of_k_people_and_more_only(project: Project) -> None:
    assert str(invitations.Sent("remind", invited=4, k=5, sent=3, refused=1)) == "reminders are sent"
    assert str(invitations.Sent("remind", invited=5, k=5, sent=3)) == "3 reminded"


def test_nothing_kept_or_told_says_who_was_reminded(
    project: Project,
    state: State,
    answers: Answers,
    wave: Wave,
    server: MailServer,
    tmp_path: Path,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    invitations.invite(project, state, wave, clock)
    given = tokens(server)
    clock.advance(days=5)

    def remembered() -> list[list[tuple[Any, ...]]]:
        with state._database.reading() as connection:
            tables = (survey_invitations, survey_reminders, survey_contacts)
            return [[tuple(row) for row in connection.execute(select(table))] for table in tables]

    def reminded(answered: list[str]) -> list[list[tuple[Any, ...]]]:
        """What is kept after a round, where these had answered before."""
        spend(state, answers, given, answered, clock)
        invitations.remind(project, state, wave, clock)
        return remembered()

    first = reminded(["mobile0@example.org", "search3@example.org"])
    clock.advance(days=3)
    second = reminded(["delivery1@example.org", "tiny2@example.org", "mobile5@example.org"])
    (began, position, is_over), (later, *rest) = (kept[1][0][1:] for kept in (first, second))
    assert (position, is_over) == (None, True)
    assert ([position, is_over], later > began) == (rest, True)
    assert (first[0], first[2]) == (second[0], second[2])  # invitations and contacts: as if nobody had answered
    logged = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("dxmetrics"))
    assert "remind='18 reminded'" in logged
    assert "remind='15 reminded'" in logged
    state.close()
    kept = bytes_of(tmp_path) + logged.encode()
    assert not [address for address in EVERYBODY if address.encode() in kept or address.split("@")[0].encode() in kept]
    assert not [token for token in given.values() if token.encode() in kept]


def test_closing_a_wave_forgets_who_was_invited(
    project: Project, state: State, wave: Wave, server: MailServer, clock: Clock
) -> None:
    invitations.invite(project, state, wave, clock)
    invitations.remind(project, state, wave, clock)
    assert len(state.contacts.invitations(wave.id)) == 20
    state.waves.close(wave.id)
    assert state.contacts.invitations(wave.id) == {}
    assert state.contacts.reminders(wave.id) is None
    closed = state.waves.get(wave.id)
    assert closed is not None
    assert closed.invited == 20
