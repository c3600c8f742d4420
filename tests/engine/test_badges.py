"""Badges: one number in a README, for everybody who has its address and for nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import pytest

from dxmetrics import cli
from dxmetrics.api.badges import address, draw
from tests.engine import metrics
from tests.engine.read_web import FORMULA, LEAD_TIME, Site, site

MONTHLY = "/badge/change_lead_time.svg?period=month&team=Payments"
OWN = "badge:change_lead_time?period=month&team=Payments"


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("badges")) as found:
        yield found


def shown(web: Site, at: str, scope: str = "badge") -> Any:
    separator = "&" if "?" in at else "?"
    return web.client.get(f"{at}{separator}token={web.token(scope)}")


def parsed(picture: str) -> ElementTree.Element:
    return ElementTree.fromstring(picture)  # noqa: S314 - our own


def texts(answer: Any) -> list[str]:
    """What is written on the badge, and its title."""
    names = {"text", "title"}
    found = [one for one in parsed(answer.text).iter() if one.tag.rpartition("}")[2] in names]
    return [str(one.text) for one in sorted(found, key=lambda one: one.tag.endswith("title"))]


def test_a_badge_shows_the_last_month_that_is_over(web: Site) -> None:
    answer = shown(web, MONTHLY)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
    october = web.published.query("change_lead_time", period="month", where={"team": ["Payments"]})[-2]
    assert (october.period, october.value) == ("2026-10", 10.0)
    label, value, title = texts(answer)
    assert (label, value) == ("Change lead time · Payments", "10.0 h · 2026-10")
    assert title.startswith(f"Change lead time · Payments: 10.0 h, 2026-10, n {october.n}, 95 % interval ")
    assert title.endswith("data to 2026-11-25")


def test_without_a_period_it_shows_the_usual_window(web: Site) -> None:
    label, value, _ = texts(shown(web, "/badge/change_lead_time.svg?service=landing&team="))
    assert (label, value) == ("Change lead time · landing", "9.5 h · 13 weeks")


def test_what_is_unknown_is_told_with_its_reason(web: Site) -> None:
    label, value, title = texts(shown(web, f"/badge/change_lead_time.svg?team={quote(FORMULA)}"))
    assert (label, value) == (f"Change lead time · {FORMULA}", "n/a: not enough data")
    assert title.endswith(", 13 weeks: not enough data: 2 changes, a median needs 5")


@pytest.mark.parametrize(
    "name",
    [
        '<script>alert(1)</script>"&',
        "control\x00\x1b\ud800\uffff and\tspace",
        "支付团队",
        "فريق الدفع",
        "x" * 500,
        "\u202eT",
    ],
)
def test_whatever_a_name_holds_the_picture_is_well_formed(name: str) -> None:
    root = parsed(draw(name, "1 h", name))
    assert {one.tag.rpartition("}")[2] for one in root.iter()} == {"svg", "title", "clipPath", "rect", "g", "text"}
    label = next(one for one in root.iter() if one.tag.endswith("text"))
    assert len(str(label.text)) <= 60
    assert float(label.attrib["x"]) + float(label.attrib["textLength"]) < float(root.attrib["width"])


def test_a_badge_is_cached_by_those_who_show_it_and_anew_with_the_next_publication(web: Site) -> None:
    first = shown(web, MONTHLY)
    assert first.headers["cache-control"] == "public, max-age=300"
    assert first.headers["content-security-policy"].startswith("default-src 'none'")
    at = f"{MONTHLY}&token={web.token('badge')}"
    again = web.client.get(at, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert web.client.get(at, headers={"if-none-match": 'W/"older"'}).status_code == 200


@pytest.mark.parametrize(
    ("scope", "at", "status", "said"),
    [
        ("badge", MONTHLY, 200, "10.0 h · 2026-10"),
        (OWN, MONTHLY, 200, "10.0 h · 2026-10"),
        (OWN, MONTHLY.replace("Payments", "Growth"), 403, "token is for something else"),
        ("badge:change_lead_time", MONTHLY, 403, "token is for something else"),
        ("read", MONTHLY, 403, "token is for something else"),
        ("ingest", MONTHLY, 403, "token is for something else"),
        ("badge", "/badge/speed.svg", 404, "no such metric"),
        ("badge", "/badge/change_lead_time.svg?by=team", 400, "not available"),
        ("badge", "/badge/change_lead_time.svg?period=year", 400, "not available"),
    ],
)
def test_a_token_in_an_address_shows_badges_and_can_do_nothing_else(
    web: Site, scope: str, at: str, status: int, said: str
) -> None:
    answer = shown(web, at, scope)
    assert answer.status_code == status
    assert texts(answer)[1].startswith(said)
    assert status == 200 or answer.headers["cache-control"] == "no-cache"


def test_a_badge_without_a_valid_token_shows_nothing(web: Site) -> None:
    for at in (MONTHLY, f"{MONTHLY}&token=dx_0123"):
        answer = web.client.get(at)
        assert (answer.status_code, texts(answer)[:2]) == (401, ["change_lead_time", "no valid token"])
    text, token = web.state.tokens.create("README", ["badge"], None)
    web.state.tokens.revoke(token.id)
    assert web.client.get(f"{MONTHLY}&token={text}").status_code == 401
    read = web.client.get(MONTHLY, headers=web.bearer("read"))
    assert (read.status_code, read.headers["cache-control"]) == (200, "private, max-age=300"), "a header may hold it"
    assert web.client.get(MONTHLY, headers=web.bearer("ingest")).status_code == 403


def test_a_badge_has_one_name_whatever_the_order_of_its_query() -> None:
    pairs = [("team", "A & B"), ("token", "dx_1"), ("period", "month"), ("service", "")]
    assert address("deployments", pairs) == address("deployments", reversed(pairs))
    assert address("deployments", pairs) == "deployments?period=month&team=A+%26+B"
    assert address("deployments", []) == "deployments"


def test_the_command_line_makes_a_badge_that_works_and_no_token_for_one_that_does_not(
    web: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    known = len(web.state.tokens.all())
    project = ["--project", str(web.project.folder), "--url", "https://metrics.example.org/"]
    assert cli.run(["badge", "change_lead_time", "--where", "team=Payments", "--period", "month", *project]) == 0
    told = capsys.readouterr()
    markdown = re.fullmatch(r"\[!\[Change lead time\]\((\S+)\)\]\(https://metrics\.example\.org\)\n", told.out)
    assert markdown is not None
    at = markdown[1].removeprefix("https://metrics.example.org")
    assert texts(web.client.get(at))[1] == "10.0 h · 2026-10"
    assert web.client.get(at.replace("Payments", "Growth")).status_code == 403
    (made, *_) = web.state.tokens.all()
    assert f"`dxmetrics tokens revoke {made.id}` ends it" in told.err
    assert cli.run(["badge", "speed", *project]) == 1
    assert cli.run(["badge", "change_lead_time", "--where", "teem=x", *project]) == 1
    assert "has no dimension 'teem'" in capsys.readouterr().err
    assert len(web.state.tokens.all()) == known + 1


def test_money_has_its_currency_and_the_parts_of_a_whole_have_no_badge(
    web: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(metrics.conftest.COLUMNS, "currency", metrics.conftest.pa.string())
    at = {"occurred_at": metrics.conftest.AS_OF.replace(month=10), "team": "Growth", "service": "landing"}
    charge = {"aggregate": "sum", "measure": "amount", "unit": "money", "title": "Cost", "entity": "charge"}
    web.warehouse.metric("cost", charge, [{**at, "amount": 1250.0, "currency": "EUR"}])
    stages = LEAD_TIME | {"aggregate": "mean", "measure": ["hours", "lines"]}
    web.warehouse.metric("stages", stages, [{**at, "hours": 1.0, "lines": 2}])
    web.warehouse.publish("20261127")
    assert texts(shown(web, "/badge/cost.svg?period=month"))[:2] == ["Cost", "1,250 EUR · 2026-10"]
    assert shown(web, "/badge/stages.svg").status_code == 400
