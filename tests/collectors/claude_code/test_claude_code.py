"""What is read of an organisation's Claude Code, and what is said when it cannot be."""

from __future__ import annotations

import importlib
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import ValidationError

from dxmetrics import collectors
from dxmetrics.collectors import Context, Page
from dxmetrics.errors import AuthError, CollectError
from dxmetrics.project import builtin_root
from dxmetrics.records import CostLine, Identity, UsageFact
from tests.fakes.claude_code import Console, model, work

collectors.extend_path([builtin_root() / "collectors"])
claude_code: Any = importlib.import_module("dxmetrics.collectors.claude_code")

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
THURSDAY = date(2026, 11, 19)
ADA = "ada@example.com"


@pytest.fixture
def server() -> Console:
    """An organisation in which nobody has done anything yet."""
    return Console()


def source(server: Console, now: datetime = NOW, **settings: Any) -> Any:
    chosen = {"kind": "claude_code", "token": "sk-ant-admin-secret", "since": "2026-11-19", **settings}
    context = Context(now=lambda: now, folder=Path(), transport=server, sleep=lambda _: None)
    return claude_code.ClaudeCode("claude", claude_code.ClaudeCodeSettings.model_validate(chosen), context)


def pages(server: Console, cursor: Any = None, now: datetime = NOW, scope: int = 0, **settings: Any) -> list[Page]:
    """The pages of one collection of one scope after `cursor`."""
    with closing(source(server, now, **settings)) as one:
        return list(one.collect(list(one.scopes())[scope], cursor))


def facts(found: list[Page]) -> dict[str, float]:
    """The values of all facts by subject, metric and model."""
    rows = [UsageFact.model_validate(row) for page in found for row in page.rows.get(UsageFact, ())]
    return {" ".join(filter(None, (row.subject, row.metric, row.dimensions.get("model")))): row.value for row in rows}


def accounts(found: list[Page]) -> list[Identity]:
    return [Identity.model_validate(row) for page in found for row in page.rows.get(Identity, ())]


# -- use --------------------------------------------------------------------------------------------------------------


def test_a_persons_day_is_that_of_all_terminals_and_ways_to_pay(server: Console) -> None:
    large = model("large", cents=1025, input=1_000, output=200, cache_read=50, cache_creation=10)
    server.days[THURSDAY] = [
        work("Ada@Example.com", large, sessions=2, added=40, commits=1, requests=1, taken=6, refused=2),
        {**work(ADA, large, model("small", cents=0.4, output=3), terminal="iTerm", sessions=1), "customer_type": "x"},
    ]
    found = pages(server)
    assert facts(found) == {
        f"{ADA} sessions": 3, f"{ADA} suggestions_shown": 8, f"{ADA} suggestions_accepted": 6,
        f"{ADA} lines_accepted": 40, f"{ADA} commits": 1, f"{ADA} pull_requests": 1, f"{ADA} active_days": 1,
        f"{ADA} tokens_input large": 2_020, f"{ADA} tokens_cached large": 100, f"{ADA} tokens_output large": 400,
        f"{ADA} cost_usd large": 20.5, f"{ADA} tokens_output small": 3, f"{ADA} cost_usd small": 0.004,
    }  # fmt: skip
    assert [(one.ext_id, one.email, one.kind) for one in accounts(found)] == [(ADA, ADA, "human")]


def test_a_key_of_the_api_is_a_machine(server: Console) -> None:
    server.days[THURSDAY] = [work("nightly", sessions=1)]
    found = pages(server)
    assert facts(found)["api-key:nightly sessions"] == 1
    assert [(one.ext_id, one.login, one.kind) for one in accounts(found)] == [("api-key:nightly", "nightly", "service")]


def test_an_actor_of_a_new_kind_is_kept_and_one_of_none_is_the_organisations(server: Console) -> None:
    server.days[THURSDAY] = [
        {**work(ADA, sessions=1), "actor": {"type": "robot_actor", "robot_id": "r2"}},
        {**work(ADA, sessions=4), "actor": None},
    ]
    found = pages(server)
    assert facts(found) == {
        "r2 sessions": 1, "r2 suggestions_shown": 0, "r2 suggestions_accepted": 0, "r2 lines_accepted": 0,
        "r2 commits": 0, "r2 pull_requests": 0, "r2 active_days": 1,
        "organisation sessions": 4, "organisation suggestions_shown": 0, "organisation suggestions_accepted": 0,
        "organisation lines_accepted": 0, "organisation commits": 0, "organisation pull_requests": 0,
    }  # fmt: skip
    assert [(one.ext_id, one.kind) for one in accounts(found)] == [("r2", "unknown")]


def test_money_of_two_currencies_is_never_added_up(server: Console) -> None:
    server.days[THURSDAY] = [
        work(ADA, model("large", cents=100), model("large", cents=300, currency="EUR"), sessions=1)
    ]
    told = facts(pages(server))
    assert (told[f"{ADA} cost_usd large"], told[f"{ADA} cost_eur large"]) == (1, 3)


def test_what_is_missing_in_a_row_is_missing(server: Console) -> None:
    server.days[THURSDAY] = [
        {"actor": {"type": "user_actor", "email_address": ADA}, "core_metrics": {"num_sessions": 1}}
    ]
    assert facts(pages(server)) == {f"{ADA} sessions": 1, f"{ADA} active_days": 1}


def test_a_count_that_is_none_is_refused_and_the_others_are_not(server: Console) -> None:
    server.days[THURSDAY] = [work(ADA, model("large", cents=1), sessions=1)]
    server.days[THURSDAY][0]["model_breakdown"][0]["estimated_cost"]["amount"] = "a lot"
    bad = []
    for row in [row for page in pages(server) for row in page.rows.get(UsageFact, ())]:
        try:
            UsageFact.model_validate(row)
        except ValidationError:
            bad.append((row["metric"], row["value"]))
    assert bad == [("cost_usd", "a lot")]


# -- days -------------------------------------------------------------------------------------------------------------


def test_each_day_is_a_request_and_all_its_pages_are_read(server: Console) -> None:
    server.page_rows = 2
    server.days[THURSDAY] = [work(f"user-{number}@example.com", sessions=1) for number in range(5)]
    assert sum(name.endswith("active_days") for name in facts(pages(server, since="2026-11-17"))) == 5
    assert server.asked() == ["2026-11-17", "2026-11-18", "2026-11-19", "2026-11-19", "2026-11-19"]
    assert [one.url.params.get("page") for one in server.requests[2:]] == [None, "2", "4"]


def test_a_day_on_which_nobody_used_it_is_covered_and_not_missing(server: Console) -> None:
    found = pages(server)
    assert found[0].covers[UsageFact] == (datetime(2026, 11, 19, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC))
    assert found[-1].notes == ()


def test_between_looks_nothing_is_asked_and_the_next_day_takes_four(server: Console) -> None:
    cursor = pages(server, since="2026-11-01")[-1].cursor
    server.requests.clear()
    assert pages(server, cursor, NOW + HOUR, since="2026-11-01") == []
    pages(server, cursor, NOW + DAY, since="2026-11-01")
    assert server.asked() == ["2026-11-17", "2026-11-18", "2026-11-19", "2026-11-20"]


def test_a_page_that_comes_again_is_a_loop(server: Console) -> None:
    body = {"data": [work(ADA)], "has_more": True, "next_page": "again"}
    server.before = lambda _: httpx2.Response(200, json=body)
    with pytest.raises(CollectError, match="comes again"):
        pages(server)


# -- what is charged --------------------------------------------------------------------------------------------------


def test_what_is_charged_to_the_named_workspaces_is_a_line_a_day_for_each_thing(server: Console) -> None:
    line = {"workspace_id": "wrkspc_1", "description": "large, output", "currency": "USD", "amount": "361.5"}
    server.charges[THURSDAY] = [
        line, {**line, "amount": "0.5"}, {**line, "description": "large, input", "amount": "100"},
        {**line, "currency": "EUR", "amount": "200"}, {**line, "workspace_id": "wrkspc_2"},
        {**line, "workspace_id": None},
    ]  # fmt: skip
    found = pages(server, scope=1, workspaces=["wrkspc_1"])
    lines = [CostLine.model_validate(row) for page in found for row in page.rows.get(CostLine, ())]
    assert [(one.resource, one.amount, one.currency, one.period_start, one.allocation) for one in lines] == [
        ("wrkspc_1: large, output", Decimal("3.62"), "USD", THURSDAY, "shared"),
        ("wrkspc_1: large, input", Decimal(1), "USD", THURSDAY, "shared"),
        ("wrkspc_1: large, output", Decimal(2), "EUR", THURSDAY, "shared"),
    ]
    assert len({one.ext_id for one in lines}) == 3
    assert set(found[0].covers) == {CostLine}


def test_the_default_workspace_can_be_named(server: Console) -> None:
    server.charges[THURSDAY] = [{"workspace_id": None, "description": "x", "currency": "USD", "amount": "100"}]
    found = pages(server, scope=1, workspaces=["default"])
    assert [row["resource"] for page in found for row in page.rows.get(CostLine, ())] == ["default: x"]


def test_without_workspaces_no_charges_are_read_and_others_read_them_anew(server: Console) -> None:
    def scopes(**settings: Any) -> list[str]:
        with closing(source(server, **settings)) as one:
            return [scope.id for scope in one.scopes()]

    assert scopes() == ["usage"]
    assert scopes(workspaces=["b", "a"]) == ["usage", "spend+a+b"]


# -- what a person is told --------------------------------------------------------------------------------------------


def test_a_key_that_is_not_an_admins_stops_the_source_and_says_which_one_it_takes(server: Console) -> None:
    with pytest.raises(
        AuthError, match=r"DX_CLAUDE__TOKEN; it has to be a key of the Admin API \(sk-ant-admin"
    ) as caught:
        pages(server, token="sk-ant-api03-plain")  # noqa: S106 - the fake's
    assert "sk-ant-api03-plain" not in str(caught.value)


def test_an_organisation_without_the_report_is_told_with_the_remedy(server: Console) -> None:
    error = {"type": "permission_error", "message": "not for your organisation"}
    server.before = lambda _: httpx2.Response(403, json={"type": "error", "error": error})
    with pytest.raises(CollectError, match=r"not for your organisation.*a plan that has this report") as caught:
        pages(server)
    assert not isinstance(caught.value, AuthError)


@pytest.mark.parametrize("body", [[], {"rows": []}, {"data": None}])
def test_an_answer_of_another_form_is_no_day_without_use(server: Console, body: object) -> None:
    server.before = lambda _: httpx2.Response(200, json=body)
    with pytest.raises(CollectError, match="its form has changed"):
        pages(server)
