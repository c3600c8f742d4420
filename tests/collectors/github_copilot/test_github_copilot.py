"""What is read of Copilot's reports and seats, and what is said when it cannot be."""

from __future__ import annotations

import importlib
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from dxmetrics import collectors
from dxmetrics.collectors import Context, Cursor, Page
from dxmetrics.errors import AuthError, CollectError, LimitedError, NotFoundError, RetryableError, SettingsError
from dxmetrics.project import builtin_root
from dxmetrics.records import Identity, UsageFact
from tests.collectors.contract import contract
from tests.fakes.github_copilot import Copilot, feature, user

collectors.extend_path([builtin_root() / "collectors"])
copilot: Any = importlib.import_module("dxmetrics.collectors.github_copilot")

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
THURSDAY = date(2026, 11, 19)
REPORTS = "/orgs/acme/copilot/metrics/reports"
SINCE = {"since": "2026-11-18"}


@pytest.fixture
def server() -> Copilot:
    """An organisation of whose people one was there on the last day."""
    line = user(7, "ada", feature("code_completion", shown=20, taken=5), added=12, suggested=60)
    return Copilot(people={THURSDAY: [line]}, sums={THURSDAY: {"daily_active_users": 1}})


def source(server: httpx2.BaseTransport, now: datetime = NOW, **settings: Any) -> Any:
    chosen = {
        "kind": "github_copilot",
        "token": "ghp_secret",
        "organisations": ["acme"],
        "reads": ["usage"],
        **settings,
    }
    context = Context(now=lambda: now, folder=Path(), transport=server, sleep=lambda _: None)
    return copilot.GithubCopilot("copilot", copilot.GithubCopilotSettings.model_validate(chosen), context)


def pages(
    server: httpx2.BaseTransport, cursor: Cursor | None = None, now: datetime = NOW, **settings: Any
) -> list[Page]:
    """The pages of one collection of the first scope after `cursor`."""
    with closing(source(server, now, **{**SINCE, **settings})) as one:
        return list(one.collect(next(one.scopes()), cursor))


def facts(found: list[Page]) -> dict[str, float]:
    """The values of all facts by subject and metric."""
    rows = [UsageFact.model_validate(row) for page in found for row in page.rows.get(UsageFact, ())]
    return {f"{row.subject} {row.metric}": row.value for row in rows}


def accounts(found: list[Page]) -> list[tuple[str, str | None, str]]:
    rows = [Identity.model_validate(row) for page in found for row in page.rows.get(Identity, ())]
    return [(row.ext_id, row.login, row.kind) for row in rows]


# -- a person's day ---------------------------------------------------------------------------------------------------


def test_completion_is_told_by_suggestions_chat_and_agents_by_requests(server: Copilot) -> None:
    features = [
        feature("code_completion", shown=20, taken=5), feature("chat_panel_ask_mode", shown=3, taken=1, asked=4),
        feature("chat_inline", asked=1), feature("chat_panel_agent_mode", shown=9, asked=2),
        feature("chat_panel_custom_mode", asked=1), feature("agent_edit", shown=8, taken=8),
        feature("copilot_cli", asked=3),
    ]  # fmt: skip
    command_line = {"session_count": 2, "prompt_count": 3, "token_usage": {"prompt_tokens_sum": 9}}
    server.people[THURSDAY] = [user(7, "ada", *features, added=12, suggested=60, totals_by_cli=command_line)]
    server.sums = {}
    found = pages(server)
    assert facts(found) == {
        "7 suggestions_shown": 20, "7 suggestions_accepted": 5, "7 lines_suggested": 60, "7 lines_accepted": 12,
        "7 chat_requests": 5, "7 agent_requests": 6, "7 active_days": 1,
    }  # fmt: skip
    (fact, *_) = [UsageFact.model_validate(row) for page in found for row in page.rows.get(UsageFact, ())]
    assert (fact.ext_id, fact.occurred_on, fact.provider, fact.subject_kind, fact.unit) == (
        "acme/2026-11-19/7/suggestions_shown", THURSDAY, "github_copilot", "person", "suggestions",
    )  # fmt: skip
    assert accounts(found) == [("7", "ada", "human")]


def test_who_was_only_shown_suggestions_did_not_use_it(server: Copilot) -> None:
    server.people[THURSDAY] = [user(7, "ada", feature("code_completion", shown=20), suggested=60)]
    assert "7 active_days" not in facts(pages(server))


def test_what_all_people_did_together_is_the_organisations(server: Copilot) -> None:
    server.people = {}
    server.sums[THURSDAY] = {"daily_active_users": 12, "pull_requests": {"total_created_by_copilot": 3}}
    found = pages(server)
    assert facts(found) == {"acme active_users": 12, "acme pull_requests": 3}
    assert {row["subject_kind"] for page in found for row in page.rows.get(UsageFact, ())} == {"organisation"}


def test_a_line_without_an_id_goes_by_the_login_and_one_of_nobody_is_the_organisations(server: Copilot) -> None:
    line = {"totals_by_feature": [feature("code_completion", taken=2)]}
    server.people[THURSDAY] = [{"user_login": "ben", **line}, line]
    found = pages(server)
    assert facts(found)["ben suggestions_accepted"] == 2
    assert facts(found)["acme suggestions_accepted"] == 2
    assert accounts(found) == [("ben", "ben", "human")]


def test_all_files_of_a_report_are_read(server: Copilot) -> None:
    line = feature("code_completion", taken=1)
    server.people[THURSDAY] = [user(number, f"user-{number}", line) for number in range(5)]
    assert sum(name.endswith("active_days") for name in facts(pages(server))) == 5
    assert len([one for one in server.requests if one.url.host == "copilot-reports.example.net"]) == 4


def test_a_report_may_be_one_list_and_say_it_is_any_type(server: Copilot) -> None:
    server.content_type = "application/json"

    def answer(request: httpx2.Request) -> httpx2.Response | None:
        if "users-1-day" in request.url.path and request.url.host != "api.github.com":
            return httpx2.Response(200, json=[{"day": "2026-11-19", **user(1, "ada", added=2)}])
        return None

    server.before = answer
    assert facts(pages(server))["1 lines_accepted"] == 2


# -- days -------------------------------------------------------------------------------------------------------------


def test_a_day_takes_two_requests_and_their_files_and_no_token_goes_to_the_files(server: Copilot) -> None:
    pages(server)
    assert server.asked() == [
        "/orgs/acme",
        f"{REPORTS}/users-1-day?2026-11-18", f"{REPORTS}/organization-1-day?2026-11-18",
        f"{REPORTS}/users-1-day?2026-11-19", "/users-1-day-2026-11-19-0.ndjson",
        f"{REPORTS}/organization-1-day?2026-11-19", "/organization-1-day-2026-11-19-0.ndjson",
    ]  # fmt: skip
    shown = [one for one in server.requests if one.url.host != "api.github.com"]
    assert not any("authorization" in one.headers or "ghp_secret" in str(one.url) for one in shown)


def test_between_looks_nothing_is_asked(server: Copilot) -> None:
    cursor = pages(server)[-1].cursor
    server.requests.clear()
    pages(server, cursor, NOW + HOUR)
    assert server.requests == []


@pytest.mark.parametrize(
    "answer",
    [httpx2.Response(204), httpx2.Response(404, json={"message": "Not Found"}), httpx2.Response(200, json=""),
     httpx2.Response(200, json={"download_links": [], "report_day": "2026-11-18"})],
)  # fmt: skip
def test_a_day_without_a_report_is_no_error_and_no_zero(server: Copilot, answer: httpx2.Response) -> None:
    server.empty = answer
    found = pages(server)
    assert facts(found)["7 active_days"] == 1
    assert [page.covers[UsageFact][0].date() for page in found if page.covers] == [THURSDAY]
    assert found[-1].notes == (
        "no report of 2026-11-18: nobody used Copilot, fewer than five people did, or it is not published yet",
    )


def test_a_corrected_day_is_read_again(server: Copilot) -> None:
    cursor = pages(server)[-1].cursor
    server.people[THURSDAY] = [user(7, "ada", feature("code_completion", shown=20, taken=6))]
    assert facts(pages(server, cursor, NOW + 7 * HOUR))["7 suggestions_accepted"] == 6


def test_an_enterprise_is_read_as_a_whole(server: Copilot) -> None:
    found = pages(server, organisations=[], enterprise="acme-inc")
    assert facts(found)["acme-inc active_users"] == 1
    assert server.asked()[0] == "/enterprises/acme-inc/copilot/metrics/reports/users-1-day?2026-11-18"
    assert "/enterprises/acme-inc/copilot/metrics/reports/enterprise-1-day?2026-11-19" in server.asked()


# -- seats ------------------------------------------------------------------------------------------------------------


def test_each_seat_is_its_holders_and_one_of_nobody_the_organisations(server: Copilot) -> None:
    server.seats = [{"login": f"user-{number}", "id": number} for number in range(1, 131)] + [None, None]
    found = pages(server, reads=["seats"])
    told = facts(found)
    assert sum(told.values()) == 132
    assert told["acme seats"] == 2
    assert told["17 seats"] == 1
    assert accounts(found)[16] == ("17", "user-17", "human")
    assert server.asked() == ["/orgs/acme/copilot/billing/seats"] * 2
    assert pages(server, found[-1].cursor, NOW + 11 * HOUR, reads=["seats"]) == []


def test_an_organisation_without_seats_has_zero(server: Copilot) -> None:
    assert facts(pages(server, reads=["seats"])) == {"acme seats": 0}


def test_what_is_read_of_whom_are_scopes_of_their_own(server: Copilot) -> None:
    with closing(source(server, organisations=["acme", "ace"], enterprise="inc", reads=["usage", "seats"])) as one:
        assert [scope.id for scope in one.scopes()] == [
            "enterprises/inc", "orgs/acme", "orgs/acme/seats", "orgs/ace", "orgs/ace/seats",
        ]  # fmt: skip


# -- what a person is told --------------------------------------------------------------------------------------------


def test_settings_that_name_nothing_are_told_what_to_set(server: Copilot) -> None:
    with pytest.raises(SettingsError, match=r"\[sources.copilot\] names nothing to read: set `organisations`"):
        pages(server, organisations=[])


def test_a_refused_token_stops_the_source_and_names_the_variable(server: Copilot) -> None:
    with pytest.raises(AuthError, match="DX_COPILOT__TOKEN") as caught:
        pages(server, token="ghp_expired")  # noqa: S106 - the fake's
    assert "ghp_expired" not in str(caught.value)


def test_an_organisation_that_is_not_there_is_told_apart_from_days_without_reports(server: Copilot) -> None:
    with pytest.raises(NotFoundError, match=r"there is no organisation 'acmee'.*correct `organisations`"):
        pages(server, organisations=["acmee"])


def refusing(server: Copilot, word: str, response: httpx2.Response) -> None:
    server.before = lambda request: response if word in str(request.url) else None


def test_a_disabled_policy_or_a_missing_permission_is_told_with_the_remedy(server: Copilot) -> None:
    refusing(server, "metrics/reports", httpx2.Response(403, json={"message": "Copilot metrics are disabled"}))
    with pytest.raises(
        CollectError, match='policy "Copilot usage metrics" enabled in the settings of orgs/acme'
    ) as caught:
        pages(server)
    assert not isinstance(caught.value, AuthError)


@pytest.mark.parametrize("status", [403, 404])
def test_seats_that_may_not_be_read_fail_alone_and_can_be_left_out(server: Copilot, status: int) -> None:
    refusing(server, "billing/seats", httpx2.Response(status, json={"message": "no"}))
    with pytest.raises(CollectError, match=r'manage_billing:copilot.*take "seats" out of `reads`'):
        pages(server, reads=["seats"])
    assert facts(pages(server))["7 active_days"] == 1


def test_a_link_that_holds_no_longer_is_collected_again(server: Copilot) -> None:
    refusing(server, "sig=abc", httpx2.Response(403, text="AuthenticationFailed"))
    with pytest.raises(RetryableError, match="collect again"):
        pages(server)


def test_half_a_file_is_no_report(server: Copilot) -> None:
    refusing(server, "sig=abc", httpx2.Response(200, text='{"day": "2026-11-19", "user_id": 7}\n{"day": "20'))
    with pytest.raises(RetryableError, match="broken off"):
        pages(server)


def test_a_rate_limit_is_told_as_one(server: Copilot) -> None:
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-limit": "5000", "x-ratelimit-reset": "1795180000"}
    refusing(server, "metrics/reports", httpx2.Response(403, json={"message": "rate limit"}, headers=headers))
    with pytest.raises(LimitedError):
        pages(server)


@pytest.mark.parametrize("body", [["link"], {"links": []}, {"download_links": None}])
def test_an_answer_of_another_form_is_no_day_without_a_report(server: Copilot, body: object) -> None:
    server.empty = httpx2.Response(200, json=body)
    with pytest.raises(CollectError, match="its form has changed"):
        pages(server)


# -- what GitHub describes --------------------------------------------------------------------------------------------


def test_every_request_is_described(server: Copilot) -> None:
    described = contract("github/rest.json")
    server.seats = [{"login": "ada", "id": 7}]
    asked: list[httpx2.Request] = []

    def check(request: httpx2.Request) -> httpx2.Response:
        if request.url.host == "api.github.com":
            described.check(request)
            asked.append(request)
        return server.handle_request(request)

    with closing(
        source(httpx2.MockTransport(check), reads=["usage", "seats"], enterprise="acme-inc", since="2026-11-18")
    ) as one:
        assert sum(len(list(one.collect(scope, None))) for scope in one.scopes()) == 7
    assert {described.template(request) for request in asked} == {
        "/orgs/{org}", "/orgs/{org}/copilot/billing/seats",
        "/orgs/{org}/copilot/metrics/reports/users-1-day", "/orgs/{org}/copilot/metrics/reports/organization-1-day",
        "/enterprises/{enterprise}/copilot/metrics/reports/users-1-day",
        "/enterprises/{enterprise}/copilot/metrics/reports/enterprise-1-day",
    }  # fmt: skip
