"""Pushing from a script: what it says becomes one record, and a server that is away loses nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from dxmetrics import cli, push
from dxmetrics.errors import DxError, MalformedError, SettingsError
from dxmetrics.push import Spool, Target

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
TARGET = Target("https://dx.test", "dx_token")


class Server:
    """Answers what it is told to, and remembers what came."""

    def __init__(self) -> None:
        self.answer: Callable[[], httpx2.Response] = lambda: httpx2.Response(202, json={"accepted": 1})
        self.came: list[tuple[str, str, Any]] = []

    def transport(self) -> httpx2.MockTransport:
        def handle(request: httpx2.Request) -> httpx2.Response:
            answer = self.answer()
            assert request.headers["authorization"] == "Bearer dx_token"
            self.came.append((request.url.path, request.headers["idempotency-key"], json.loads(request.content)))
            return answer

        return httpx2.MockTransport(handle)

    def is_away(self) -> httpx2.Response:
        raise httpx2.ConnectError("connection refused")


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


def words(text: str) -> list[str]:
    return text.split()


def test_options_are_fields_and_what_happened_just_now_says_so() -> None:
    row = push.item("deployment", words("--service pay --sha abc --environment=staging"), NOW)
    assert row.pop("ext_id")
    assert row == {
        "service": "pay",
        "sha": "abc",
        "environment": "staging",
        "status": "success",
        "via": "api",
        "finished_at": NOW.isoformat(),
    }


def test_an_option_that_comes_twice_is_a_list_and_dashes_are_underscores() -> None:
    row = push.item("incident", words("--services pay --services cart --severity 2 --ext-id INC-7"), NOW)
    assert (row["ext_id"], row["services"], row["severity"]) == ("INC-7", ["pay", "cart"], "2")
    daily = push.item(
        "usage",
        words(
            "--occurred-on 2026-03-01 --provider portal --subject-kind team --subject Pay --metric logins --value 7 "
            "--dimensions country=de"
        ),
        NOW,
    )
    assert daily["dimensions"] == {"country": "de"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("--servce pay", "'servce' is no field of a deployment: did you mean 'service'?"),
        ("--service", "--service has no value"),
        ("pay", "'pay' is not understood"),
        ("--service pay --finished-at yesterday", "finished_at = 'yesterday'"),
        ("--environment production", "a deployment names its `service`, or its `repository`"),
    ],
)
def test_a_mistake_is_told_before_anything_is_kept(spool: Spool, text: str, said: str) -> None:
    with pytest.raises(MalformedError, match="(?s)" + re.escape(said)):
        push.push("deployment", words(text), TARGET, spool, lambda: NOW)
    assert not spool.folder.exists()


def test_what_waited_goes_first_and_with_the_key_it_always_had(spool: Spool, server: Server) -> None:
    server.answer = server.is_away
    for number in range(3):
        spool.add("deployments", {"service": f"s{number}"}, NOW)
        away = spool.send(TARGET, server.transport())
    assert (away.sent, away.waiting, away.reason) == (0, 3, "connection refused")
    assert server.came == []
    server.answer = lambda: httpx2.Response(503, json={"error": "state: disk full"})
    busy = spool.send(TARGET, server.transport())
    assert (busy.waiting, busy.reason) == (3, "https://dx.test answered 503: state: disk full")
    tried = server.came.pop()[1]
    server.answer = lambda: httpx2.Response(200, json={"accepted": 0, "duplicates": 1})
    assert spool.send(TARGET, server.transport()) == push.Outcome(3, 0, None, ())
    assert server.came[0][1] == tried
    assert sorted(body["service"] for _, _, body in server.came) == ["s0", "s1", "s2"]
    assert not list(spool.folder.iterdir())


def test_a_token_that_is_refused_waits_for_a_better_one(spool: Spool, server: Server) -> None:
    spool.add("deployments", {"service": "pay"}, NOW)
    server.answer = lambda: httpx2.Response(401, json={"error": "expired"})
    assert spool.send(TARGET, server.transport()).waiting == 1


def test_what_the_server_refuses_is_put_aside_and_the_rest_goes_on(spool: Spool, server: Server) -> None:
    answers = iter([httpx2.Response(400, json={"error": "no such field"}), httpx2.Response(202, json={})])
    server.answer = lambda: next(answers)
    spool.add("deployments", {"service": "bad"}, NOW)
    spool.add("deployments", {"service": "good"}, NOW.replace(hour=13))
    outcome = spool.send(TARGET, server.transport())
    assert (outcome.sent, outcome.waiting) == (1, 0)
    assert outcome.refused == ("https://dx.test answered 400: no such field",)
    assert [file.suffix for file in spool.folder.iterdir()] == [".refused"]


def test_a_spool_does_not_grow_without_end(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(push, "MOST_WAITING", 1)
    spool.add("deployments", {}, NOW)
    with pytest.raises(DxError, match="pushes that could not be sent: see to the server"):
        spool.add("deployments", {}, NOW)


def test_what_is_not_set_is_named() -> None:
    with pytest.raises(SettingsError, match="no address to push to: set DX_URL"):
        Target.of(None, {})
    with pytest.raises(SettingsError, match="no API token: set DX_TOKEN"):
        Target.of("https://dx.test/", {})
    assert Target.of("https://dx.test/", {"DX_TOKEN": "t"}) == Target("https://dx.test", "t")


def test_a_pipeline_does_not_fail_because_its_metrics_are_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DX_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("DX_TOKEN", "t")
    monkeypatch.setenv("DX_SPOOL", str(tmp_path))
    assert cli.run(["push", "deployment", "--service", "pay"]) == 0
    assert f"1 in {tmp_path}, sent with the next push" in capsys.readouterr().err
    assert len(list(tmp_path.glob("*.json"))) == 1
