"""The survey over HTTP: opening answers nothing, sending answers once, and nothing about the sender is kept."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from httpx2 import Response
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dxmetrics import api
from dxmetrics.project import Project
from dxmetrics.state import Wave
from dxmetrics.survey import links
from dxmetrics.survey.instrument import Instrument
from tests.conftest import Clock

INSTRUMENT = Instrument.model_validate(
    {
        "survey": {
            "id": "pulse", "version": 1, "title": {"en": "How is it?", "de": "Wie ist es?"}, "languages": ["en", "de"],
        },
        "scales": {
            "agree5": {
                "min": 1, "max": 5, "favourable": [4, 5], "na": True,
                "ends": {"low": {"en": "No", "de": "Nein"}, "high": {"en": "Yes", "de": "Ja"}},
            }
        },
        "items": [
            {"id": "focus_v1", "text": {"en": "I can focus.", "de": "Ich habe Ruhe."}, "scale": "agree5",
             "required": True},
            {"id": "wait_v1", "text": {"en": "I wait.", "de": "Ich warte."}, "scale": "agree5"},
            {"id": "words_v1", "type": "text", "text": {"en": "Else?", "de": "Noch etwas?"}, "max_chars": 500},
        ],
    }
)  # fmt: skip
FORM = {"content-type": "application/x-www-form-urlencoded"}
ANSWERS = {"1": "4", "2": "na", "3": "Builds are slow", "share-3": "on"}


@dataclass
class Web:
    """The pages of one project with one open wave, and the stores behind them."""

    client: TestClient
    stores: api.Stores
    clock: Clock
    wave: Wave
    folder: Path

    def link(self, team: str | None = "search", **lifetime: float) -> str:
        cohort = self.stores.state.waves.invite(self.wave.id, team, "1-3 years", 1)
        key = self.stores.state.waves.key(self.wave.id)
        assert key is not None
        expires = self.clock() + timedelta(**(lifetime or {"days": 30}))
        return links.sign(key, links.Link(self.wave.id, cohort.number, expires, links.random_nonce()))

    def open(self, token: str, **headers: str) -> Response:
        return self.client.get(f"/survey/{token}", headers=headers)

    def send(self, token: str, fields: Mapping[str, str] | None = None, query: str = "") -> Response:
        body = urlencode(ANSWERS if fields is None else fields)
        return self.client.post(f"/survey/{token}{query}", content=body, headers=FORM)

    def kept(self) -> list[Any]:
        return self.stores.answers.responses("pulse", "2026-Q1")

    def withdraw(self, code: str) -> Response:
        return self.client.post("/survey/withdraw", content=urlencode({"code": code}), headers=FORM)


@pytest.fixture
def web(tmp_path: Path, clock: Clock) -> Iterator[Web]:
    (tmp_path / "dx.toml").write_text('[organisation]\nreporting_zone = "Europe/Berlin"\n')
    stores = api.Stores(Project.find(tmp_path, {}), clock)
    wave = stores.state.waves.open("pulse", "2026-Q1", INSTRUMENT.to_json(), clock() + timedelta(days=14))
    app = Starlette(routes=api.surveys(stores))
    with TestClient(app, base_url="http://testserver") as client:
        yield Web(client, stores, clock, wave, tmp_path)
    stores.close()


def code_of(answer: Response) -> str:
    (code,) = re.findall(r"<code class=t>(\S+)</code>", answer.text)
    return str(code)


def test_opening_a_link_answers_nothing_however_often_a_scanner_does(web: Web) -> None:
    token = web.link()
    for _ in range(3):
        assert web.open(token).status_code == 200
        assert web.client.head(f"/survey/{token}").status_code == 200
        assert web.client.get(f"/survey/{token}?focus_v1=4&wait_v1=2").status_code == 200
        assert web.client.get(f"/survey/{token}/about").status_code == 200
    assert web.kept() == []
    wave = web.stores.state.waves.get(web.wave.id)
    assert wave is not None
    assert wave.answered == 0


def test_sending_keeps_the_answers_once_with_what_the_link_says_and_the_day(web: Web) -> None:
    token = web.link()
    answer = web.send(token)
    assert answer.status_code == 200
    assert "Your answers are here." in answer.text
    (kept,) = web.kept()
    assert (kept.answers, kept.team, kept.tenure) == ({"focus_v1": 4, "wait_v1": None}, "search", "1-3 years")
    assert (kept.submitted_on, kept.language) == (web.clock().date(), "en")
    (comment,) = web.stores.answers.comments("pulse", "2026-Q1")
    assert (comment.item, comment.text, comment.may_share) == ("words_v1", "Builds are slow", True)


def test_a_link_that_has_answered_says_politely_that_the_answers_are_here(web: Web) -> None:
    token = web.link()
    web.send(token)
    for answer in (web.send(token, {"1": "1"}), web.open(token)):
        assert answer.status_code == 409
        assert "Your answers are already here" in answer.text
    (kept,) = web.kept()
    assert kept.answers["focus_v1"] == 4


def test_each_link_that_answers_nothing_says_why(web: Web) -> None:
    token, short = web.link(), web.link(hours=48)
    said, _, signature = token.rpartition(".")
    forged = web.open(f"{said}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}")
    assert (forged.status_code, "This link does not work" in forged.text) == (404, True)
    assert web.open("nonsense").status_code == 404
    web.clock.advance(hours=49)
    expired = web.send(short)
    assert (expired.status_code, "This link has expired" in expired.text) == (410, True)
    web.stores.state.waves.close(web.wave.id)
    closed = web.send(token)
    assert (closed.status_code, "This survey is closed" in closed.text) == (410, True)
    assert web.kept() == []


def test_a_draft_is_forgotten_where_it_is_of_no_use_any_more(web: Web) -> None:
    token = web.link()
    (name,) = re.findall(r"data-draft=(\S+)>", web.open(token).text)
    assert f"data-draft={name}>" in web.send(token).text
    assert f"data-draft={name}>" in web.open(token).text
    assert "data-draft" not in web.open(token + "x").text


def test_what_cannot_be_used_comes_back_filled_in_and_may_be_mended(web: Web) -> None:
    token = web.link()
    answer = web.send(token, {"2": "7", "3": "x" * 501, "share-3": "on"}, "?lang=de")
    assert answer.status_code == 422
    assert "<html lang=de" in answer.text
    assert re.findall(r"<li><a href=#(\d)>", answer.text) == ["1", "2", "3"]
    assert f">\n{'x' * 501}</textarea>" in answer.text
    assert "bitte auf 500 Zeichen kürzen" in answer.text
    assert web.kept() == []
    assert web.send(token).status_code == 200, "a refused form does not use up the link"


def test_nothing_at_all_is_no_answer(web: Web) -> None:
    answer = web.send(web.link(), {})
    assert answer.status_code == 422
    assert "please answer this one" in answer.text


def test_the_page_speaks_the_language_asked_for_else_the_browsers_else_the_surveys_first(web: Web) -> None:
    token = web.link()
    assert "Ich habe Ruhe." in web.client.get(f"/survey/{token}?lang=de").text
    assert "Ich habe Ruhe." in web.open(token, **{"accept-language": "fr, de-CH;q=0.8, en;q=0.5"}).text
    assert "I can focus." in web.open(token, **{"accept-language": "en;q=0.9, de;q=0.1"}).text
    assert "I can focus." in web.open(token, **{"accept-language": "nl, de;q=high"}).text
    assert "I can focus." in web.client.get(f"/survey/{token}?lang=xx").text
    assert "Ce lien ne fonctionne pas" in web.open("nonsense", **{"accept-language": "fr-CA"}).text
    web.send(token, ANSWERS, "?lang=de")
    (kept,) = web.kept()
    assert kept.language == "de"


def test_moments_are_told_in_the_zone_of_the_organisation(web: Web) -> None:
    assert "Open until 19 October 2026, 11:30." in web.open(web.link()).text
    assert "Open until 7 October 2026, 11:30." in web.open(web.link(days=2)).text


def test_about_tells_what_the_link_says(web: Web) -> None:
    answer = web.client.get(f"/survey/{web.link()}/about?lang=de")
    assert answer.status_code == 200
    assert "Team: search. Zugehörigkeit: 1-3 years." in answer.text
    assert web.client.get("/survey/nonsense/about").status_code == 404


def test_with_the_code_answers_and_comments_can_be_taken_back(web: Web) -> None:
    assert web.client.get("/survey/withdraw?lang=de").status_code == 200
    token = web.link()
    code = code_of(web.send(token))
    other = web.withdraw("something else")
    assert other.status_code == 404
    assert 'value="something else"' in other.text
    assert len(web.kept()) == 1
    gone = web.withdraw(f" {code}\n")
    assert (gone.status_code, "Your answers are deleted" in gone.text) == (200, True)
    assert web.kept() == []
    assert web.stores.answers.comments("pulse", "2026-Q1") == []
    assert web.withdraw(code).status_code == 404
    assert web.send(token).status_code == 409, "the link stays used"


def test_once_there_are_results_nothing_is_taken_back(web: Web) -> None:
    code = code_of(web.send(web.link()))
    web.stores.answers.freeze("pulse", "2026-Q1", {})
    assert web.withdraw(code).status_code == 404
    assert len(web.kept()) == 1


def test_more_than_a_survey_needs_is_refused_before_it_is_read(web: Web) -> None:
    token = web.link()
    large = web.send(token, {"1": "4", "3": "x" * 70_000})
    assert (large.status_code, "That is too much" in large.text) == (413, True)
    many = web.send(token, {str(number): "1" for number in range(2_000)})
    assert many.status_code == 400
    as_json = web.client.post(f"/survey/{token}", json={"1": "4"})
    assert as_json.status_code == 415
    assert web.kept() == []


def test_what_is_no_text_does_no_harm(web: Web) -> None:
    token = web.link()
    answer = web.client.post(f"/survey/{token}", content=b"1=4&3=a%00b%1bc%ff%0d%0ad&3=", headers=FORM)
    assert answer.status_code == 200
    (comment,) = web.stores.answers.comments("pulse", "2026-Q1")
    assert comment.text == "abc\N{REPLACEMENT CHARACTER}\nd"


def test_every_answer_forbids_keeping_framing_indexing_and_telling_others(web: Web) -> None:
    token = web.link()
    for answer in (
        web.open(token),
        web.client.get(f"/survey/{token}/about"),
        web.send(token),
        web.send(token),
        web.open("nonsense"),
        web.client.get("/survey/withdraw"),
        web.client.post("/survey/withdraw", json={}),
    ):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "noindex" in answer.headers["x-robots-tag"]
        assert answer.headers["content-security-policy"].startswith("default-src 'none';")
        assert "set-cookie" not in answer.headers


def test_nothing_about_who_sends_is_kept_or_logged(web: Web, caplog: pytest.LogCaptureFixture) -> None:
    told = {
        "user-agent": "Canary-Agent/7",
        "x-forwarded-for": "203.0.113.77",
        "cookie": "canary=cookie",
        "referer": "https://canary.example/inbox",
        "accept-language": "de, en-CANARY;q=0.5",
    }
    token = web.link()
    with caplog.at_level(logging.DEBUG):
        answer = web.client.post(f"/survey/{token}", content=urlencode(ANSWERS), headers=FORM | told)
    assert answer.status_code == 200
    web.stores.close()
    kept = b"".join(file.read_bytes() for file in (web.folder / "data").rglob("*") if file.is_file())
    for secret in ("Canary-Agent", "203.0.113.77", "canary", "CANARY", token, token.split(".")[3]):
        assert secret.encode() not in kept
        ours = [record.getMessage() for record in caplog.records if record.name.startswith("dxmetrics")]
        assert not any(secret in message for message in ours)


def test_a_store_that_cannot_be_written_to_keeps_the_draft_and_says_to_try_again(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "dx.toml").write_text("")
    (tmp_path / "data").write_text("a file where the folder should be")
    stores = api.Stores(Project.find(tmp_path, {}), clock)
    token = links.sign(b"key", links.Link("ee5cc7f2", 1, clock() + timedelta(days=1), links.random_nonce()))
    with TestClient(Starlette(routes=api.surveys(stores))) as client:
        for answer in (
            client.get(f"/survey/{token}"),
            client.post(f"/survey/{token}", content="1=4", headers=FORM),
            client.post("/survey/withdraw", content="code=4", headers=FORM),
        ):
            assert answer.status_code == 503
            assert answer.headers["retry-after"] == "60"
            assert "data-draft" not in answer.text
    ours = [record for record in caplog.records if record.name.startswith("dxmetrics")]
    assert len(ours) == 3, "whoever runs the server is told"
    assert not any(token in record.getMessage() for record in ours)
