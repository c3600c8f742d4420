"""What is read of a team's Cursor, and what is said when it cannot be."""

from __future__ import annotations

import importlib
import json
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
from tests.fakes.cursor import Team, event, milliseconds

collectors.extend_path([builtin_root() / "collectors"])
cursor_source: Any = importlib.import_module("dxmetrics.collectors.cursor")

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
THURSDAY = date(2026, 11, 19)
ADA, BEN = "ada@example.com", "ben@example.com"


@pytest.fixture
def server() -> Team:
    """A team of two, of whom one was there on the last day."""
    server = Team(kept_from=date(2026, 11, 1))
    server.add_member("Ada@Example.com")
    server.add_member(BEN)
    server.use(THURSDAY, "Ada@Example.com", totalTabsShown=9, totalTabsAccepted=3, acceptedLinesAdded=4)
    return server


def source(server: httpx2.BaseTransport, now: datetime = NOW, **settings: Any) -> Any:
    chosen = {"kind": "cursor", "token": "key_secret", **settings}
    context = Context(now=lambda: now, folder=Path(), transport=server, sleep=lambda _: None)
    return cursor_source.Cursor("cursor", cursor_source.CursorSettings.model_validate(chosen), context)


def pages(server: Team, what: str = "usage", cursor: Any = None, now: datetime = NOW, **settings: Any) -> list[Page]:
    """The pages of one collection of one scope after `cursor`."""
    with closing(source(server, now, **{"since": "2026-11-18", "reads": [what], **settings})) as one:
        return list(one.collect(next(one.scopes()), cursor))


def facts(found: list[Page]) -> dict[str, float]:
    """The values of all facts by subject, metric and model."""
    rows = [UsageFact.model_validate(row) for page in found for row in page.rows.get(UsageFact, ())]
    return {" ".join(filter(None, (row.subject, row.metric, row.dimensions.get("model")))): row.value for row in rows}


# -- use --------------------------------------------------------------------------------------------------------------


def test_tab_is_told_by_suggestions_chat_and_agents_by_requests(server: Team) -> None:
    server.use(
        THURSDAY, "Ada@Example.com", totalTabsShown=9, totalTabsAccepted=3, totalLinesAdded=90, acceptedLinesAdded=40,
        chatRequests=2, cmdkUsages=1, agentRequests=5, composerRequests=4,
    )  # fmt: skip
    found = pages(server)
    assert facts(found) == {
        f"{ADA} suggestions_shown": 9, f"{ADA} suggestions_accepted": 3, f"{ADA} lines_accepted": 40,
        f"{ADA} chat_requests": 3, f"{ADA} agent_requests": 9, f"{ADA} active_days": 1,
    }  # fmt: skip
    people = [Identity.model_validate(row) for page in found for row in page.rows.get(Identity, ())]
    assert [(one.ext_id, one.email, one.name, one.kind) for one in people] == [(ADA, ADA, None, "human")]


def test_members_who_did_nothing_have_no_rows_and_their_days_are_covered(server: Team) -> None:
    server.days = {}
    (page, _) = pages(server)
    assert page.rows == {UsageFact: [], Identity: []}
    assert page.covers[UsageFact] == (datetime(2026, 11, 18, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC))


def test_days_that_cursor_does_not_keep_any_more_are_unknown(server: Team) -> None:
    server.kept_from = THURSDAY
    (page, end) = pages(server)
    assert page.covers[UsageFact][0].date() == THURSDAY
    assert end.notes == ("no report of 2026-11-18: Cursor does not keep it any more, or has not published it yet",)


def test_somebody_whose_address_is_gone_goes_by_the_id(server: Team) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        gone = {"userId": 4711, "email": None, "date": milliseconds(THURSDAY), "agentRequests": 1}
        return httpx2.Response(200, json={"data": [gone]})

    server.before = answer
    found = pages(server)
    assert facts(found) == {"4711 agent_requests": 1, "4711 active_days": 1}
    assert [row["email"] for page in found for row in page.rows.get(Identity, ())] == [None]


@pytest.mark.parametrize("when", [{"day": "yesterday"}, {"date": "soon"}, {}])
def test_a_row_without_a_day_is_refused_and_takes_no_other_along(server: Team, when: dict[str, str]) -> None:
    rows = [
        {"email": ADA, "agentRequests": 1, **when},
        {"email": BEN, "agentRequests": 1, "day": "2026-11-19"},
    ]
    server.before = lambda _: httpx2.Response(200, json={"data": rows})
    bad, *good = [
        row for page in pages(server) for row in page.rows.get(UsageFact, ()) if row["metric"] != "active_days"
    ]
    with pytest.raises(ValidationError, match="occurred_on"):
        UsageFact.model_validate(bad)
    assert [UsageFact.model_validate(row).subject for row in good] == [BEN]


def test_history_comes_in_spans_of_thirty_days_and_pages_of_five_hundred(server: Team) -> None:
    for number in range(40):
        server.add_member(f"user-{number}@example.com")
    pages(server, since="2026-10-01")
    asked = [json.loads(request.content) for request in server.requests]
    spans = [(one["startDate"], one["endDate"], one["page"]) for one in asked]
    head, tail = milliseconds(date(2026, 11, 6)), milliseconds(date(2026, 10, 7))
    assert spans == [
        (head, milliseconds(date(2026, 11, 20)) - 1, 1), (head, milliseconds(date(2026, 11, 20)) - 1, 2),
        (tail, head - 1, 1), (milliseconds(date(2026, 10, 1)), tail - 1, 1),
    ]  # fmt: skip
    assert {one["pageSize"] for one in asked} == {500}


def test_a_look_takes_one_request_and_between_looks_none(server: Team) -> None:
    cursor = pages(server)[-1].cursor
    assert server.asked() == ["/teams/daily-usage-data"]
    pages(server, cursor=cursor, now=NOW + HOUR)
    assert len(server.requests) == 1


def test_a_page_that_comes_again_is_a_loop(server: Team) -> None:
    body = {"data": [{"email": ADA, "day": "2026-11-19"}], "pagination": {"hasNextPage": True}}
    server.before = lambda _: httpx2.Response(200, json=body)
    with pytest.raises(CollectError, match="paging is in a loop"):
        pages(server)


# -- tokens and money -------------------------------------------------------------------------------------------------


def test_tokens_and_money_are_told_by_person_and_model(server: Team) -> None:
    tokens = {"inputTokens": 100, "outputTokens": 20, "cacheReadTokens": 7, "cacheWriteTokens": 5, "totalCents": 1}
    server.events = [
        event(THURSDAY, "Ada@Example.com", "large", tokenUsage=tokens, chargedCents=10.1),
        event(THURSDAY, ADA, "large", tokenUsage=tokens, chargedCents=20.2),
        event(THURSDAY, ADA, "small", tokenUsage={"inputTokens": 1, "outputTokens": 2, "totalCents": 0.5}),
        event(THURSDAY, BEN, "small", tokenUsage=None),
        event(THURSDAY - 3 * DAY, BEN, "small", chargedCents=7),
    ]
    found = pages(server, "spend")
    assert facts(found) == {
        f"{ADA} tokens_input large": 210, f"{ADA} tokens_cached large": 14, f"{ADA} tokens_output large": 40,
        f"{ADA} cost_usd large": 0.303, f"{ADA} tokens_input small": 1, f"{ADA} tokens_output small": 2,
        f"{ADA} cost_usd small": 0.005,
    }  # fmt: skip
    assert [row for page in found for row in page.rows.get(CostLine, ())] == []
    assert found[-1].notes == ()  # though there is a day without an event


@pytest.mark.parametrize("kind", ["Usage-based", "USAGE_EVENT_KIND_USAGE_BASED", "usage based"])
def test_only_what_is_charged_beyond_the_plan_is_a_cost_line(server: Team, kind: str) -> None:
    server.events = [
        event(THURSDAY, ADA, "large", kind=kind, chargedCents=150),
        event(THURSDAY, BEN, "large", kind=kind, chargedCents=25.5),
        event(THURSDAY, BEN, "large", kind="USAGE_EVENT_KIND_INCLUDED_IN_ULTRA", chargedCents=999, isChargeable=True),
    ]
    lines = [CostLine.model_validate(row) for page in pages(server, "spend") for row in page.rows.get(CostLine, ())]
    assert [(one.ext_id, one.amount, one.currency, one.cost_kind, one.resource) for one in lines] == [
        ("2026-11-19/large/USD", Decimal("1.755"), "USD", "billed", "large")
    ]


def test_events_of_nobody_are_the_teams(server: Team) -> None:
    server.events = [event(THURSDAY, None, "large", chargedCents=100)]
    found = pages(server, "spend")
    assert facts(found) == {"team cost_usd large": 1}
    assert [row for page in found for row in page.rows.get(Identity, ())] == []


# -- members ----------------------------------------------------------------------------------------------------------


def test_each_member_has_a_seat_and_who_was_removed_has_none(server: Team) -> None:
    server.add_member("gone@example.com", isRemoved=True)
    found = pages(server, "seats")
    assert facts(found) == {f"{ADA} seats": 1, f"{BEN} seats": 1}
    assert pages(server, "seats", found[-1].cursor, NOW + 11 * HOUR) == []
    assert "Lovelace" not in str(found)


# -- what a person is told --------------------------------------------------------------------------------------------


def test_all_is_read_unless_it_is_left_out(server: Team) -> None:
    with closing(source(server)) as one:
        assert [scope.id for scope in one.scopes()] == ["usage", "spend", "seats"]
    with closing(source(server, reads=["seats", "usage"])) as one:
        assert [scope.id for scope in one.scopes()] == ["usage", "seats"]


def test_a_refused_key_stops_the_source_and_names_the_variable(server: Team) -> None:
    with pytest.raises(AuthError, match="DX_CURSOR__TOKEN") as caught:
        pages(server, token="key_of_a_user")  # noqa: S106 - the fake's
    assert "key_of_a_user" not in str(caught.value)


@pytest.mark.parametrize("what", ["usage", "spend", "seats"])
def test_a_plan_without_the_api_is_told_with_the_remedy(server: Team, what: str) -> None:
    server.before = lambda _: httpx2.Response(403, json={"error": "Forbidden", "message": "Enterprise only"})
    with pytest.raises(CollectError, match=r"Enterprise only.*a plan that has this API: mend that, or leave it out"):
        pages(server, what)


@pytest.mark.parametrize("what", ["usage", "spend", "seats"])
def test_an_answer_of_another_form_is_no_empty_list(server: Team, what: str) -> None:
    server.before = lambda _: httpx2.Response(200, json={"rows": []})
    with pytest.raises(CollectError, match="its form has changed"):
        pages(server, what)
