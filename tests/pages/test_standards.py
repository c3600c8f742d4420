"""The page Standards: levels, what fails, and what to do, worst first."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest

from dxmetrics.metrics import Metrics
from dxmetrics.ui.standards import drawing, rows, scorecards
from dxmetrics.ui.standards.scorecards import BELOW, Check, Result, Status

from .conftest import NOW, OpenPage, html

TIERS = ("Bronze", "Silver")
OWNED = Check("has_owner", "Has an owner", "Bronze", "Name a team in dx.toml.")
TEMPLATE = Check("on_template", "Comes from a template", "Silver", "Move it to the service template.")
CURRENT = Check("template_current", "Template is current", "Silver", "Take the template's newest version over.")


def result(service: str, check: Check, status: Status, **rest: object) -> Result:
    return Result(check, service, "Search", status, **rest)  # type: ignore[arg-type]  # each test names few of them


RESULTS = (
    result("api", OWNED, "pass"),
    result("api", TEMPLATE, "pass"),
    result("api", CURRENT, "not_applicable"),
    result("web", OWNED, "pass"),
    result("web", TEMPLATE, "fail", days=10.0),
    result("web", CURRENT, "exempt", until=date(2026, 12, 10), reason="Is rewritten <soon>."),
    result("old", OWNED, "fail", days=400.0),
    result("old", TEMPLATE, "fail", days=30.0),
    result("old", CURRENT, "pass"),
)


def test_a_level_is_the_highest_tier_of_which_and_of_all_below_no_check_fails() -> None:
    cards = {card.service: card for card in scorecards.scorecards(RESULTS, TIERS)}
    assert {name: card.level for name, card in cards.items()} == {"old": BELOW, "web": "Bronze", "api": "Silver"}
    assert scorecards.levels(cards.values(), TIERS) == {BELOW: 1, "Bronze": 1, "Silver": 1}


def test_the_worst_service_comes_first() -> None:
    assert [card.service for card in scorecards.scorecards(RESULTS, TIERS)] == ["old", "web", "api"]


def test_what_does_not_apply_and_what_is_exempt_is_in_no_denominator() -> None:
    cards = {card.service: card for card in scorecards.scorecards(RESULTS, TIERS)}
    assert (cards["api"].passed, cards["api"].applicable) == (2, 2)
    assert (cards["web"].passed, cards["web"].applicable) == (1, 2)


def test_the_next_step_is_what_fails_on_the_lowest_tier() -> None:
    cards = {card.service: card for card in scorecards.scorecards(RESULTS, TIERS)}
    assert cards["old"].next_step == RESULTS[6]
    assert cards["api"].next_step is None


def test_a_check_tells_how_many_fail_it_and_for_how_long_half_of_them_have() -> None:
    found = scorecards.failures(RESULTS)
    assert [(one.check, one.failing, one.applicable, one.days) for one in found] == [
        (TEMPLATE, 2, 3, 20.0),
        (OWNED, 1, 3, 400.0),
    ]
    drawn = drawing.failures(found)
    assert "<b>2</b> of 3<small>median 20 days</small>" in drawn
    assert "Move it to the service template." in drawn


def test_an_exemption_says_until_when_and_why_and_warns_before_it_ends() -> None:
    found = scorecards.exemptions(RESULTS)
    near, far = drawing.exemptions(found, date(2026, 12, 1)), drawing.exemptions(found, date(2026, 10, 1))
    assert "until 10 Dec 2026" in near
    assert "9 days left" in near
    assert "left" not in far
    assert "Is rewritten &lt;soon&gt;." in near


def test_a_service_lists_every_check_with_a_word_beside_its_mark() -> None:
    drawn = drawing.one_service([one for one in RESULTS if one.service == "web"], TIERS)
    assert [drawn.index(words) for words in ("Has an owner", "Comes from", "Template is")] == sorted(
        drawn.index(words) for words in ("Has an owner", "Comes from", "Template is")
    )
    assert "fails<small>10 days</small>" in drawn
    assert "exempt until 10 Dec 2026" in drawn
    assert "passes" in drawn


def test_a_scorecard_links_to_its_service_and_says_what_to_do() -> None:
    drawn = drawing.scorecards(scorecards.scorecards(RESULTS, TIERS), "standards")
    assert 'href="standards?service=old"' in drawn
    assert "Has an owner: Name a team in dx.toml." in drawn
    assert "nothing fails" in drawn


# -- the page on the sample -------------------------------------------------------------------------------------------


def test_the_page_shows_as_many_passes_as_the_metrics_api_counts(open_page: OpenPage, metrics: Metrics) -> None:
    app = open_page("standards")
    assert not app.exception
    assert [one.value for one in app.title] == ["Standards"]
    whole = metrics.query("standard_results", start=NOW.date(), end=NOW.date() + timedelta(days=1))[0]
    counted = [(int(k), int(n)) for k, n in re.findall(r'<td class="number">(\d+) of (\d+)</td>', html(app))]
    assert (sum(k for k, _ in counted), sum(n for _, n in counted)) == (whole.k, whole.n)


def test_what_fails_is_listed_with_its_remedy(open_page: OpenPage, metrics: Metrics) -> None:
    failing = metrics.query(
        "standard_results",
        start=NOW.date(),
        end=NOW.date() + timedelta(days=1),
        by=["remedy"],
        where={"status": ["fail"]},
    )
    drawn = html(open_page("standards"))
    assert failing
    assert all(str(one.dimensions["remedy"]).split(";")[0].split("'")[0] in drawn for one in failing)


def test_the_address_opens_one_service_with_every_check(open_page: OpenPage, metrics: Metrics) -> None:
    service = metrics.values("service")[0]
    app = open_page("standards", service=service)
    assert not app.exception
    checks = metrics.query(
        "standard_results",
        start=NOW.date(),
        end=NOW.date() + timedelta(days=1),
        by=["standard_title"],
        where={"service": [service]},
    )
    assert len(checks) > 3
    assert all(str(one.dimensions["standard_title"]) in html(app) for one in checks)


def test_where_nothing_is_checked_yet_the_page_says_what_to_do(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "results", lambda *_: ())
    app = open_page("standards")
    assert not app.exception
    assert "No service has been checked yet" in html(app)
    assert "[[services]]" in app.code[0].value
