"""Invitations over real SMTP: each once, to the right people, and sent beside the worker when the page asks."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tomllib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from dxmetrics import state as states
from dxmetrics.errors import DeliveryError, SettingsError
from dxmetrics.notify import Mailer
from dxmetrics.pipeline import Asking
from dxmetrics.project import Project
from dxmetrics.state import State, Wave
from dxmetrics.survey import Answers, Instrument, invitations, links, messages, receiving
from dxmetrics.survey.population import Person
from tests.conftest import Clock
from tests.engine.mail_server import MailServer, silent_server
from tests.survey import staff
from tests.survey.asked import (
    ADDRESS,
    ANSWERS,
    EVERYBODY,
    instrument,
    opened,
    project,
    project_of,
    server,
    tokens,
    wave,
)
from tests.survey.conftest import document

__all__ = ["instrument", "project", "server", "wave"]


def test_everybody_gets_a_link_of_their_own_that_says_only_their_cohort(
    project: Project, state: State, wave: Wave, server: MailServer, clock: Clock
) -> None:
    sent = invitations.invite(project, state, wave, clock)
    assert str(sent) == "20 invited"
    assert sorted(server.recipients) == sorted(EVERYBODY)
    key = state.waves.key(wave.id)
    assert key is not None
    read = {to: links.verify(key, token, clock()) for to, token in tokens(server).items()}
    assert len({link.nonce for link in read.values()}) == 20
    assert {link.expires for link in read.values()} == {wave.closes_at}
    now = state.waves.get(wave.id)
    assert now is not None
    assert {(cohort.team, cohort.tenure, cohort.invited) for cohort in now.cohorts} == {
        ("Delivery", None, 5), ("Mobile", None, 9), ("Search", None, 6),
    }  # fmt: skip
    of_tiny = now.cohort(read["tiny0@example.org"].cohort)
    assert of_tiny is not None
    assert of_tiny.team == "Delivery"


def test_a_link_opens_the_survey_once(
    project: Project, state: State, answers: Answers, wave: Wave, server: MailServer, clock: Clock
) -> None:
    invitations.invite(project, state, wave, clock)
    token = tokens(server)["mobile0@example.org"]
    receiving.receive(state, answers, token, ANSWERS, clock())
    (response,) = answers.responses("small", "2026-Q4")
    assert (response.team, response.answers) == ("Mobile", {"fast_v1": 4})


def test_inviting_again_writes_to_nobody_twice_and_to_those_who_are_new(
    server: MailServer, tmp_path: Path, state: State, wave: Wave, clock: Clock
) -> None:
    file = tmp_path / "people.csv"
    people = ["address,team", *(f"p{number}@example.org,Search" for number in range(5))]
    file.write_text("\n".join(people))
    project = project_of(server, tmp_path, people_csv="people.csv")
    assert str(invitations.invite(project, state, wave, clock)) == "5 invited"
    file.write_text("\n".join([*people, "late@example.org,Search", "other@example.org,Mobile"]))
    sent = invitations.invite(project, state, wave, clock)
    assert str(sent) == "1 invited; 1 not asked, as too few share their team: fewer than 5"
    assert Counter(server.recipients) == Counter(
        [f"p{number}@example.org" for number in range(5)] + ["late@example.org"]
    )
    now = state.waves.get(wave.id)
    assert now is not None
    assert [(cohort.team, cohort.invited) for cohort in now.cohorts] == [("Search", 6)]


def test_refused_and_deferred_recipients_are_counted_and_not_as_invited(
    project: Project, state: State, wave: Wave, server: MailServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dxmetrics.notify.mail.PAUSE", 0.0)
    server.refused = {"mobile0@example.org": "550 no such user", "mobile1@example.org": "450 greylisted"}
    sent = invitations.invite(project, state, wave, clock)
    assert str(sent) == (
        "18 invited; 1 refused by the server: correct their addresses; 1 put off by the server: run it again later"
    )
    now = state.waves.get(wave.id)
    assert now is not None
    assert now.invited == 18
    server.refused = {}
    assert str(invitations.invite(project, state, wave, clock)) == "2 invited"
    assert sorted(server.recipients) == sorted(EVERYBODY)


def test_each_gets_it_in_their_language_and_markup_stays_text(
    server: MailServer, tmp_path: Path, state: State, wave: Wave, clock: Clock
) -> None:
    lines = [f"p{number}@example.org,{language}" for number, language in enumerate(["de-AT", "en", "fr", "", ""])]
    (tmp_path / "people.csv").write_text("\n".join(["address,language", *lines]))
    invitations.invite(project_of(server, tmp_path, people_csv="people.csv"), state, wave, clock)
    by_person = dict(server.accepted)
    subjects = {to: message["Subject"] for to, message in server.accepted}
    assert [subjects[f"p{number}@example.org"] for number in range(5)] == ["Klein", "Small", "Small", "Small", "Small"]
    german, english, french = (by_person[f"p{number}@example.org"] for number in range(3))
    text, html = german.get_body(("plain",)), english.get_body(("html",))
    assert isinstance(text, EmailMessage)
    assert isinstance(html, EmailMessage)
    assert "Offen bis 19. Oktober 2026." in text.get_content()
    assert "?lang=de" in text.get_content()
    assert "Fragen: dx@example.org" in text.get_content()
    assert "Two &lt;b&gt;questions&lt;/b&gt;." in html.get_content()
    assert '<html lang="en" dir="ltr">' in html.get_content()
    assert html.get_content().count("href=") == 1
    unknown = french.get_body(("plain",))
    assert isinstance(unknown, EmailMessage)
    assert "?lang=" not in unknown.get_content()  # the survey speaks no French: the browser's language decides


def test_nobody_is_asked_by_another_survey_within_the_gap(
    project: Project, state: State, wave: Wave, server: MailServer, instrument: Instrument, clock: Clock
) -> None:
    invitations.invite(project, state, wave, clock)
    other = instrument.model_copy(
        update={
            "survey": instrument.survey.model_copy(update={"id": "other"}),
            "wave": instrument.wave.model_copy(update={"min_gap_days": 30, "days": 60}),
        }
    )
    asked_later = opened(state, other, clock)
    clock.advance(days=29)
    with pytest.raises(
        SettingsError, match="survey other: 0 people can be asked, and nothing is shown of fewer than 5"
    ):
        invitations.invite(project, state, asked_later, clock)
    clock.advance(days=1)
    assert str(invitations.invite(project, state, asked_later, clock)) == "20 invited"


def test_slack_is_taken_for_those_who_have_it_and_mail_for_the_rest(clock: Clock) -> None:
    class Recorded:
        def __init__(self, *outcomes: str) -> None:
            self.outcomes = list(outcomes)
            self.got: list[Any] = []

        def send(self, *what: Any) -> str:
            self.got.append(what)
            return self.outcomes.pop(0)

        def find(self, address: str) -> str | None:
            return {"ada@example.org": "U1"}.get(address)

    message = messages.Message("S", "T", "H", "*S*")
    person, member = Person("ada@example.org"), Person("bob@example.org", slack="U2")
    mailer, slack = Recorded("accepted", "accepted"), Recorded("accepted", "refused")
    post = invitations.Post(mailer, slack)  # type: ignore[arg-type]
    assert [post.send(person, message), post.send(member, message), post.send(member, message)] == ["accepted"] * 3
    assert [mail.to for (mail,) in mailer.got] == ["ada@example.org", "bob@example.org"]
    assert slack.got == [("U2", "*S*"), ("U2", "*S*")]
    alone = invitations.Post(None, Recorded("accepted"))  # type: ignore[arg-type]
    assert [alone.send(person, message), alone.send(replace(person, address="x@y.org"), message)] == [
        "accepted", "refused",
    ]  # fmt: skip


def test_messages_that_may_all_not_arrive_are_not_sent_on_and_on() -> None:
    class Broken:
        def send(self, *what: Any) -> str:
            return "unsure"

    post = invitations.Post(Broken(), None)  # type: ignore[arg-type]
    message, person = messages.Message("S", "T", "H", "*S*"), Person("ada@example.org")
    assert [post.send(person, message) for _ in range(2)] == ["unsure", "unsure"]
    with pytest.raises(DeliveryError, match="the last 2 messages may not have arrived: see to the server, then go on"):
        post.send(person, message)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"mail": None}, r"nobody can be reached: set \[mail\] host and sender, or \[slack\] token"),
        ({"surveys": None}, r"\[surveys\] address is missing: say where developers reach the web process"),
    ],
)
def test_what_is_missing_to_invite_is_named(
    project: Project, state: State, wave: Wave, clock: Clock, changed: dict[str, Any], told: str
) -> None:
    fresh = staff.project(project.folder, project.data).settings
    without = project.settings.model_copy(update={name: getattr(fresh, name) for name in changed})
    with pytest.raises(SettingsError, match=told):
        invitations.invite(replace(project, settings=without), state, wave, clock)


def test_a_survey_that_promises_anonymity_sends_no_personal_links(
    project: Project, state: State, server: MailServer, clock: Clock
) -> None:
    asked = document()
    asked["survey"] |= {"confidentiality": "anonymous"}
    anonymous = opened(state, Instrument.model_validate(asked), clock)
    with pytest.raises(SettingsError, match="promises to be anonymous, and while it is open a personal link is not"):
        invitations.invite(project, state, anonymous, clock)
    assert server.accepted == []


def test_a_wave_that_is_over_asks_nobody(project: Project, state: State, wave: Wave, clock: Clock) -> None:
    clock.now = wave.closes_at
    with pytest.raises(SettingsError, match="wave 2026-Q4 of small is over: nobody is asked any more"):
        invitations.invite(project, state, wave, clock)
    state.waves.close(wave.id)
    with pytest.raises(SettingsError, match="is over"):
        invitations.remind(project, state, wave, clock)


def test_a_server_that_fails_half_way_is_told_and_the_others_follow(
    project: Project, state: State, wave: Wave, server: MailServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dxmetrics.notify.mail.PAUSE", 0.0)
    server.answers = ["250 OK"] * 7 + ["421 going down"] * 3
    with pytest.raises(
        DeliveryError, match=r"takes no mail now .*; 7 were sent before, the others follow with the next"
    ):
        invitations.invite(project, state, wave, clock)
    assert str(invitations.invite(project, state, wave, clock)) == "13 invited"
    assert sorted(server.recipients) == sorted(EVERYBODY)


def test_a_server_that_hangs_is_given_up(
    project: Project, state: State, wave: Wave, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with silent_server() as settings:
        made = project.settings.model_copy(update={"mail": project.settings.mail.model_copy(update=settings)})
        monkeypatch.setattr(invitations, "Mailer", partial(Mailer, timeout=0.2))
        with pytest.raises(DeliveryError, match=r"does not answer within 0\.2 s: see that it runs"):
            invitations.invite(replace(project, settings=made), state, wave, clock)
    assert state.waves.get(wave.id).invited == 0  # type: ignore[union-attr]


KILLED = """
import json, sys
from datetime import datetime
from pathlib import Path
from dxmetrics import state as states
from dxmetrics.project import Project, builtin_root
from dxmetrics.settings import Settings
from dxmetrics.survey import invitations

said = json.loads(sys.stdin.read())
settings = Settings.model_validate(said["settings"])
project = Project(Path(said["folder"]), settings, Path(said["data"]), (builtin_root(),))
now = lambda: datetime.fromisoformat(said["now"])
with states.open_state("", Path(said["state"]), now) as state:
    invitations.invite(project, state, state.waves.get(said["wave"]), now)
"""


def killed_at(server: MailServer, message: int, wave: Wave, tmp_path: Path, clock: Clock) -> int:
    """Invite in a process that is killed while the server has this message in its hands; its exit code."""
    settings = {
        **staff.document(surveys={"address": ADDRESS}),
        "mail": {"host": "127.0.0.1", "port": server.port, "security": "none", "sender": "dx@example.org"},
    }
    said = {
        "folder": str(tmp_path), "data": str(staff.published()), "state": str(tmp_path / "data"), "wave": wave.id,
        "settings": settings, "now": clock().isoformat(),
    }  # fmt: skip
    process = subprocess.Popen([sys.executable, "-c", KILLED], stdin=subprocess.PIPE, text=True)

    def heard(mail: EmailMessage) -> None:
        if len(server.accepted) + 1 == message:
            os.kill(process.pid, signal.SIGKILL)

    server._heard = heard
    process.communicate(json.dumps(said))
    server._heard = lambda mail: None
    return process.returncode


def test_killed_while_it_sends_the_next_run_goes_on_and_nobody_is_written_to_twice(
    project: Project, state: State, wave: Wave, server: MailServer, tmp_path: Path, clock: Clock
) -> None:
    assert killed_at(server, 8, wave, tmp_path, clock) == -signal.SIGKILL
    assert len(server.accepted) == 8
    assert str(invitations.invite(project, state, wave, clock)) == "12 invited"
    assert sorted(server.recipients) == sorted(EVERYBODY)
    now = state.waves.get(wave.id)
    assert now is not None
    assert now.invited == 20


# -- what the page asks for -------------------------------------------------------------------------------------------


def test_what_was_asked_for_is_sent_and_not_asked_for_any_more(
    project: Project, state: State, wave: Wave, server: MailServer, clock: Clock
) -> None:
    assert invitations.send_requested(project, state, clock) == []
    state.waves.ask(wave.id, "invite")
    clock.advance(seconds=1)
    state.waves.ask(wave.id, "remind")
    assert invitations.send_requested(project, state, clock) == [
        "survey small 2026-Q4: 20 invited", "survey small 2026-Q4: 20 reminded",
    ]  # fmt: skip
    state.waves.ask(wave.id, "remind")
    (told,) = invitations.send_requested(project, state, clock)
    assert told.startswith("survey small 2026-Q4: reminders were sent less than 48 hours ago")
    assert state.waves.asked() == []


def test_what_could_not_be_sent_stays_asked_for(
    project: Project, state: State, wave: Wave, server: MailServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dxmetrics.notify.mail.PAUSE", 0.0)
    server.answers = ["421 going down"] * 3
    state.waves.ask(wave.id, "invite")
    with pytest.raises(DeliveryError, match="takes no mail now"):
        invitations.send_requested(project, state, clock)
    assert state.waves.asked() == [(wave.id, "invite")]
    assert invitations.send_requested(project, state, clock) == ["survey small 2026-Q4: 20 invited"]


def test_every_language_of_the_texts_says_everything_with_the_same_blanks(project: Project) -> None:
    known = tomllib.loads(project.content(messages.FILE).read_text(encoding="utf-8"))
    assert sorted(known) == ["de", "en", "es", "fr"]
    blanks = {
        language: {key: set(re.findall(r"{(\w+)}", text)) for key, text in texts.items()}
        for language, texts in known.items()
    }
    assert all(found == blanks["en"] for found in blanks.values())


def test_two_processes_that_invite_at_once_write_to_nobody_twice(
    project: Project, state: State, wave: Wave, server: MailServer, tmp_path: Path, clock: Clock
) -> None:
    with closing(states.open_state("", tmp_path / "data", clock)) as other, ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda one: invitations.invite(project, one, wave, clock), [state, other]))
    assert sorted(server.recipients) == sorted(EVERYBODY)
    now = state.waves.get(wave.id)
    assert now is not None
    assert now.invited == 20


# -- from the page ----------------------------------------------------------------------------------------------------


def test_what_the_page_asked_for_is_sent_beside_the_worker(
    project: Project, state: State, wave: Wave, server: MailServer, clock: Clock
) -> None:
    told: list[tuple[str, str]] = []
    asking = Asking(state, clock, lambda status, text: told.append((status, text)))
    state.waves.ask(wave.id, "invite")
    asking.look(project)
    asking.finish(30)
    assert sorted(server.recipients) == sorted(EVERYBODY)
    assert state.waves.asked() == []
    assert told == [("ok", "survey small 2026-Q4: 20 invited")]


def test_what_a_server_did_not_take_stays_asked_for(
    project: Project, state: State, wave: Wave, server: MailServer, clock: Clock
) -> None:
    told: list[tuple[str, str]] = []
    asking = Asking(state, clock, lambda status, text: told.append((status, text)))
    away = project.settings.mail.model_copy(update={"port": 1})
    broken = replace(project, settings=project.settings.model_copy(update={"mail": away}))
    state.waves.ask(wave.id, "invite")
    asking.look(broken)
    asking.finish(30)
    assert [status for status, _ in told] == ["failed"]
    assert state.waves.asked() == [(wave.id, "invite")]
    asking.look(project)  # at once: it rests
    assert server.accepted == []
