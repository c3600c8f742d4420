"""The page Surveys: who may change what, what buttons write, and what is told of who takes part."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dxmetrics import pipeline, state
from dxmetrics.errors import StateError
from dxmetrics.project import Project
from dxmetrics.state import Cohort, State, Wave
from dxmetrics.survey import instruments_of, links
from dxmetrics.ui.surveys import controls

from .conftest import html, page

SURVEY = "devex-quarterly"
MAIL = (
    '[surveys]\naddress = "https://metrics.example.org"\n[mail]\nhost = "smtp.example.org"\nsender = "dx@example.org"\n'
)
BROKEN = "survey: {id: broken, version: 1, title: Broken}\nitems:\n  - {id: one_v1, text: One, scale: none5}\n"


class Desk:
    """A project of its own that shows the published sample, and its page."""

    def __init__(self, folder: Path, store: State) -> None:
        self.folder = folder
        self.state = store

    def open(self, **query: str) -> AppTest:
        app = AppTest.from_file(page("surveys"), default_timeout=60)
        app.query_params.update({"survey": SURVEY, **query})
        return app.run()

    def token(self, *scopes: str) -> tuple[str, str]:
        text, token = self.state.tokens.create("page", scopes or ["surveys"], None)
        return text, token.id

    def unlocked(self, **query: str) -> AppTest:
        app = self.open(**query)
        return app.text_input(key=controls.LOCK.key).set_value(self.token()[0]).run()

    def asking(self) -> Wave:
        asked = instruments_of(Project.find(self.folder))[SURVEY].to_json()
        return self.state.waves.open(SURVEY, "2026-Q4", asked, pipeline.utc_now() + timedelta(days=14))


@pytest.fixture
def desk(published: Project, tmp_path: Path, serve: Callable[[Path, Path], None]) -> Iterator[Desk]:
    (tmp_path / "dx.toml").write_text(MAIL)
    data = tmp_path / "data"
    data.mkdir()
    (data / "published").symlink_to(published.data / "published")
    serve(tmp_path, data)
    with state.of_project(Project.find(tmp_path), pipeline.utc_now) as store:
        yield Desk(tmp_path, store)


def wave_of(*cohorts: tuple[str | None, int, int]) -> Wave:
    now = pipeline.utc_now()
    made = [Cohort(number, team, None, invited, answered) for number, (team, invited, answered) in enumerate(cohorts)]
    return Wave("0a1b2c3d", SURVEY, "2026-Q4", {}, now, now + timedelta(days=14), None, tuple(made))


# -- what is told -----------------------------------------------------------------------------------------------------


def test_the_page_lists_every_instrument_with_its_check(desk: Desk) -> None:
    app = desk.open()
    assert not app.exception
    assert [one.value for one in app.title] == ["Surveys"]
    drawn = html(app)
    assert "4 instruments, all in order · no wave is open" in drawn
    rows = re.findall(r"<tr><td>([^<]+)</td><td>([^<]+)</td><td>([^<]+)</td>", drawn)
    assert ("devex-quarterly", "14 questions, each quarter, in en, de, fr, es", "in order") in rows
    assert ("after-deployment", "1 question, after a deployment, in en, de, fr, es", "in order") in rows


def test_an_instrument_that_is_wrong_says_so_and_the_others_go_on(desk: Desk) -> None:
    folder = desk.folder / "data" / "surveys"
    folder.mkdir()
    (folder / "broken.yaml").write_text(BROKEN)
    app = desk.open()
    assert not app.exception
    drawn = html(app)
    assert "5 instruments, 1 instrument to correct" in drawn
    assert "item one_v1 names scale none5" in drawn
    assert app.selectbox(key="survey").value == SURVEY
    assert "broken" not in app.selectbox(key="survey").options


def test_a_wording_that_changed_under_the_same_id_is_shown_as_wrong(desk: Desk) -> None:
    wave = desk.asking()
    desk.state.waves.close(wave.id)
    folder = desk.folder / "data" / "surveys"
    folder.mkdir()
    text = (Path(__file__).parents[2] / "data" / "surveys" / f"{SURVEY}.yaml").read_text()
    (folder / f"{SURVEY}.yaml").write_text(text.replace("Reviews arrive soon enough", "Reviews arrive early enough"))
    app = desk.open()
    assert "item review_speed_v1 has another wording" in html(app)
    assert SURVEY not in app.selectbox(key="survey").options


def test_the_preview_speaks_the_language_of_the_address_and_has_an_origin_of_its_own(desk: Desk) -> None:
    (frame,) = desk.open(language="de").get("iframe")
    kind, _, document = frame.proto.src.partition(",")
    assert kind == "data:text/html;charset=utf-8;base64"
    form = base64.b64decode(document).decode()
    assert "Wie ist es, hier Software zu entwickeln?" in form
    assert "<html lang=de" in form


def test_waves_that_are_over_link_to_their_results(desk: Desk) -> None:
    wave = desk.asking()
    desk.state.waves.close(wave.id)
    table = desk.open().dataframe[0].value
    assert table.iloc[0][["Survey", "Wave"]].tolist() == [SURVEY, "2026-Q4"]
    assert table["Results"].isna().tolist()[:2] == [True, False]
    published = table[table["Results"].notna()]
    assert f"experience?survey={SURVEY}&wave=2026-Q3" in set(published["Results"])
    assert published["Took part"].str.fullmatch(r"\d+ % · \d+ of \d+").all()


def test_who_takes_part_is_told_of_five_invited_or_more(desk: Desk) -> None:
    wave = desk.asking()
    search = desk.state.waves.invite(wave.id, "search", None, 8)
    desk.state.waves.invite(wave.id, "mobile", None, 12)
    desk.state.waves.spend(wave.id, links.digest(b"one"), search.number, b"attempt")
    drawn = html(desk.open())
    assert "5 % · 1 of 20" in drawn
    assert "12 % · 1 of 8" in drawn
    assert "0 % · 0 of 12" in drawn


def test_a_team_of_few_is_hidden_and_so_is_one_that_would_give_it_away() -> None:
    drawn = controls.participation(wave_of(("tiny", 3, 1), ("small", 6, 5), ("large", 20, 9)), 5)
    assert "52 % · 15 of 29" in drawn
    assert "45 % · 9 of 20" in drawn
    assert drawn.count("hidden first") == 2
    assert "of 6" not in drawn
    assert "of 3" not in drawn


def test_cohorts_of_one_team_are_told_together() -> None:
    assert "50 % · 5 of 10" in controls.participation(wave_of(("search", 4, 1), ("search", 6, 4)), 5)


def test_nothing_is_told_before_five_are_invited() -> None:
    drawn = controls.participation(wave_of(("search", 4, 2)), 5)
    assert drawn == (
        '<div class="dx-note reason">Fewer than 5 are invited so far: from 5 on it is told how many took part.</div>'
    )


# -- what may be changed ----------------------------------------------------------------------------------------------


def test_without_a_token_buttons_are_off_and_the_page_says_how_to_make_one(desk: Desk) -> None:
    app = desk.open()
    assert app.button(key=f"open-{SURVEY}").disabled
    assert app.code[0].value == "dxmetrics tokens create surveys-page --scope surveys --days 90"
    desk.asking()
    app = desk.open()
    assert [one.disabled for one in app.button if "Lock" not in one.label] == [True, True, True]


def test_a_token_opens_a_wave_and_is_in_no_address(desk: Desk) -> None:
    app = desk.unlocked()
    app.text_input(key=f"name-{SURVEY}").set_value("autumn").run()
    app.number_input(key=f"days-{SURVEY}").set_value(5).run()
    app.button(key=f"open-{SURVEY}").click().run()
    assert not app.exception
    (wave,) = desk.state.waves.running()
    assert (wave.survey, wave.name) == (SURVEY, "autumn")
    assert timedelta(days=5) <= wave.closes_at - pipeline.utc_now() <= timedelta(days=6)
    assert "autumn is open" in html(app)
    assert "dx_" not in str(app.query_params)


@pytest.mark.parametrize(
    ("scope", "typed", "reason"),
    [
        ("ingest", None, "has no scope surveys"),
        ("surveys", "dx_nonsense", "is not known here"),
    ],
)
def test_a_token_that_is_not_for_surveys_is_refused(desk: Desk, scope: str, typed: str | None, reason: str) -> None:
    text, _ = desk.token(scope)
    app = desk.open()
    app.text_input(key=controls.LOCK.key).set_value(typed or text).run()
    assert reason in app.error[0].value
    assert app.button(key=f"open-{SURVEY}").disabled


def test_a_token_that_was_revoked_since_the_page_was_drawn_changes_nothing(desk: Desk) -> None:
    text, key = desk.token()
    app = desk.open()
    app.text_input(key=controls.LOCK.key).set_value(text).run()
    assert not app.button(key=f"open-{SURVEY}").disabled
    desk.state.tokens.revoke(key)
    app.button(key=f"open-{SURVEY}").click().run()
    assert "was revoked" in app.error[0].value
    assert desk.state.waves.all() == []


def test_changes_can_be_locked_again(desk: Desk) -> None:
    app = desk.unlocked()
    app.button(key="lock").click().run()
    assert app.button(key=f"open-{SURVEY}").disabled
    assert app.text_input(key=controls.LOCK.key).value == ""


@pytest.mark.parametrize(("kind", "words"), [("invite", "Invitations are asked for"), ("remind", "Reminders are")])
def test_a_button_asks_the_worker_to_send(desk: Desk, kind: str, words: str) -> None:
    wave = desk.asking()
    app = desk.unlocked()
    app.button(key=f"{kind}-{wave.id}").click().run()
    assert not app.exception
    assert desk.state.waves.asked() == [(wave.id, kind)]
    assert any(words in one.value for one in app.caption)
    assert app.button(key=f"{kind}-{wave.id}").disabled


def test_where_nobody_can_be_written_to_the_page_says_what_to_set(desk: Desk) -> None:
    wave = desk.asking()
    (desk.folder / "dx.toml").write_text("")
    app = desk.unlocked()
    assert app.button(key=f"invite-{wave.id}").disabled
    assert any("set [surveys] address, and [mail] host or [slack] token" in one.value for one in app.caption)


def test_closing_removes_the_key_and_the_page_waits_for_the_results(desk: Desk) -> None:
    wave = desk.asking()
    app = desk.unlocked()
    app.button(key=f"close-{wave.id}").click().run()
    assert not app.exception
    closed = desk.state.waves.get(wave.id)
    assert closed is not None
    assert closed.closed_at is not None
    assert desk.state.waves.key(wave.id) is None
    assert app.dataframe[0].value.iloc[0]["Wave"] == "2026-Q4"
    assert "can be opened again from" in html(app)


def test_a_wave_that_cannot_be_opened_says_why(desk: Desk) -> None:
    desk.state.waves.close(desk.asking().id)
    app = desk.unlocked()
    app.button(key=f"open-{SURVEY}").click().run()
    assert not app.exception
    assert "min_gap_days asks for 60 days between waves" in app.error[0].value
    assert len(desk.state.waves.all()) == 1


def test_what_the_worker_said_of_a_survey_stands_beside_its_wave(desk: Desk) -> None:
    desk.asking()
    desk.state.run_log.add("run", "ask", "ok", message=f"survey {SURVEY} 2026-Q4: 24 invited")
    desk.state.run_log.add("run", "ask", "ok", message="survey platform 2026: 9 invited")
    desk.state.run_log.add("run", "ask", "failed", message="smtp.example.org: connection refused")
    drawn = html(desk.open())
    assert "24 invited" in drawn
    assert "9 invited" not in drawn
    assert drawn.index("connection refused") < drawn.index("24 invited"), "the newest first"


def test_a_state_store_that_cannot_be_opened_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*given: Any) -> State:
        raise StateError("state: data/state.sqlite is no database")

    monkeypatch.setattr(state, "of_project", refuse)
    app = AppTest.from_file(page("surveys"), default_timeout=60).run()
    assert not app.exception
    assert "state: data/state.sqlite is no database" in html(app)
