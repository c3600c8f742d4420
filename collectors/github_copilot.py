"""GitHub Copilot: who uses it for what, day by day, and who has a seat.

Reads:  GET /orgs/{org}/copilot/metrics/reports/users-1-day and organization-1-day, one UTC day each, and the files they
        link to (lines of JSON); four times a day the days since the last look and three before them, then up to a year
        of history in growing chunks: 2 requests and 2 files a day. GET /orgs/{org}/copilot/billing/seats, 100 a page,
        once a day. Between looks nothing is asked.
Needs:  a token with the scope read:org, or the permission "View Organization Copilot Metrics" (seats: of an owner, with
        manage_billing:copilot or read:org), in DX_NAME__TOKEN; the policy "Copilot usage metrics" enabled. Accounts are
        those of GitHub: name this source beside that of GitHub in `same_logins` of [identities], and teams resolve.
Limits: A day has no report where nobody used Copilot, or fewer than five people did. A report comes a day or two late;
        history goes back a year. Suggestions are those of code completion; chat and agents are counted by requests.
        Sessions and tokens are reported of the command line alone, and left out; money is not reported. Somebody with
        seats in two organisations is in the reports of both: read the enterprise instead. Seats are read of
        organisations only. What a report no longer says of a day's person stays as it was said first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Literal

import httpx2
from pydantic import Field

from dxmetrics.collectors import Collector, Context, Cursor, Page, Scope, assistants
from dxmetrics.collectors.assistants import Counts, Days, Payload, Report, Row, rows_in, total
from dxmetrics.collectors.hosts import ApiSettings
from dxmetrics.errors import CollectError, NotFoundError, RetryableError, SettingsError
from dxmetrics.http import Bearer, Client
from dxmetrics.records import Identity, UsageFact

HOME = "https://api.github.com/"
HEADERS = {"accept": "application/vnd.github+json", "x-github-api-version": "2022-11-28"}
AT_ONCE = 100
AGENTS = ("agent", "custom")  # in the name of a feature
ABSENCE = "nobody used Copilot, fewer than five people did, or it is not published yet"

Read = Literal["usage", "seats"]


class GithubCopilotSettings(ApiSettings):
    """Whose use of Copilot is read."""

    url: str | None = Field(
        default=None,
        description="address of the API; left out: https://api.github.com; with data residency https://api.NAME.ghe.com",
    )
    organisations: tuple[str, ...] = Field(default=(), description="organisations whose reports are read")
    enterprise: str | None = Field(
        default=None, description="enterprise whose reports are read, by the name in its address; left out: none"
    )
    reads: tuple[Read, ...] = Field(
        default=("usage", "seats"), description="what is read; leave out what the token may not see"
    )
    since: date | None = Field(default=None, description="nothing older is read; left out: a year")


class Reports(Client):
    """What signed links lead to: lines of JSON, whatever type they say to have."""

    def _sound(self, response: httpx2.Response) -> httpx2.Response:
        return response


class GithubCopilot(Collector):
    """Each organisation, or the enterprise, is a scope; an organisation's seats are another."""

    kind = "github_copilot"
    produces = (UsageFact, Identity)
    keeps_payloads = False  # of what is said of people, only what is counted is kept
    Settings = GithubCopilotSettings
    settings: GithubCopilotSettings

    def __init__(self, name: str, settings: GithubCopilotSettings, context: Context) -> None:
        super().__init__(name, settings, context)
        home = settings.url or HOME
        auth = Bearer(settings.token.get_secret_value()) if settings.token else None
        self._client = settings.client(name, home, context, auth=auth, headers=HEADERS)
        self._reports = Reports(
            name, home, now=context.now, budgets=context.budgets, proxy=settings.proxy,
            ca_file=context.project_folder / settings.ca_file if settings.ca_file else None,
            timeout=settings.timeout_seconds, transport=context.transport, sleep=context.sleep,
        )  # fmt: skip

    def scopes(self) -> Iterator[Scope]:
        """What the settings name; SettingsError where that is nothing."""
        if not (self.settings.organisations or self.settings.enterprise):
            raise SettingsError(f"[sources.{self.name}] names nothing to read: set `organisations`, or `enterprise`")
        if self.settings.enterprise and "usage" in self.settings.reads:
            place = f"enterprises/{self.settings.enterprise}"
            yield Scope(place, f"use of Copilot in {self.settings.enterprise}")
        for organisation in self.settings.organisations:
            if "usage" in self.settings.reads:
                yield Scope(f"orgs/{organisation}", f"use of Copilot in {organisation}")
            if "seats" in self.settings.reads:
                yield Scope(f"orgs/{organisation}/seats", f"seats of Copilot in {organisation}")

    def collect(self, scope: Scope, cursor: Cursor | None) -> Iterator[Page]:
        """Pages of whole days; or the seats there are today."""
        if scope.id.endswith("/seats"):
            yield from self._seats(scope.id.removesuffix("/seats"), cursor)
            return
        if cursor is None and scope.id.startswith("orgs/"):
            self._meet(scope.id)
        days = Days(
            lambda day, _: self._day(scope.id, day), since=self.settings.since, absence=ABSENCE,
            may_go_back=self._client.budget.has_reserve,
        )  # fmt: skip
        yield from days.walk(cursor, self.context.now())

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()
        self._reports.close()

    def _meet(self, place: str) -> None:
        """NotFoundError where there is no such organisation: its reports would look like days without any."""
        try:
            self._client.json(place)
        except NotFoundError as error:
            raise NotFoundError(
                f"{self.name}: there is no organisation {place.removeprefix('orgs/')!r}, or the token may not see it:"
                " correct `organisations`, or use a token of one of its members"
            ) from error

    # -- reports ------------------------------------------------------------------------------------------------------

    def _day(self, place: str, day: date) -> Report:
        level, _, name = place.partition("/")
        whole = "organization-1-day" if level == "orgs" else "enterprise-1-day"
        people, sums = self._report(place, "users-1-day", day), self._report(place, whole, day)
        facts = [fact for row in people for fact in user_facts(row, day, name)]
        facts += [fact for row in sums for fact in organisation_facts(row, day, name)]
        met = {key: user_account(row) for row in people if (key := user_key(row))}
        return Report({UsageFact: facts, Identity: list(met.values())}, frozenset({day} if people or sums else ()))

    def _report(self, place: str, kind: str, day: date) -> list[Payload]:
        """The lines of one day's report; none where the vendor has none of this day."""
        path = f"{place}/copilot/metrics/reports/{kind}"
        try:
            body = self._client.json(path, {"day": day.isoformat()})
        except NotFoundError:
            return []
        except CollectError as error:
            if not assistants.is_refused(error):
                raise
            raise CollectError(
                f'{error}; reports need the policy "Copilot usage metrics" enabled in the settings of {place}, and a'
                ' token with the scope read:org or the permission "View Organization Copilot Metrics"'
            ) from error
        if not body:
            return []
        links = body.get("download_links") if isinstance(body, Mapping) else None
        if not isinstance(links, list):
            raise CollectError(f"{self.name}: {path} answers without 'download_links': its form has changed")
        return [line for link in links for line in self._lines(link)]

    def _lines(self, link: str) -> Iterator[Payload]:
        try:
            text = self._reports.get(link).content
        except CollectError as error:
            if isinstance(error, NotFoundError) or assistants.is_refused(error):
                raise RetryableError(f"{self.name}: the link to a report holds no longer: collect again") from error
            raise
        try:
            found = [json.loads(line) for line in text.splitlines() if line.strip()]
        except ValueError as error:
            raise RetryableError(f"{self.name}: a report is broken off ({error}): collect again") from error
        for one in found:
            yield from one if isinstance(one, list) else [one]

    # -- seats --------------------------------------------------------------------------------------------------------

    def _seats(self, place: str, cursor: Cursor | None) -> Iterator[Page]:
        today = assistants.once_a_day(cursor, self.context.now())
        if today is None:
            return
        path, name = f"{place}/copilot/billing/seats", place.removeprefix("orgs/")
        held: dict[str, Row] = {}
        others = 0
        try:
            for response in self._client.pages(path, {"per_page": AT_ONCE}):
                for one in rows_in(response.json(), "seats", f"{self.name}: {path}"):
                    key = seat_key(one)
                    others += key is None
                    held |= {key: seat_account(one)} if key else {}
        except CollectError as error:
            if not (assistants.is_refused(error) or isinstance(error, NotFoundError)):
                raise
            raise CollectError(
                f"{error}; seats need a token of an owner of {name} with manage_billing:copilot or read:org, and a plan"
                ' Copilot Business or Enterprise: mend that, or take "seats" out of `reads`'
            ) from error
        facts = [assistants.seat(self.kind, today, key, place=name) for key in held]
        if others or not held:
            facts += assistants.organisation_day(self.kind, today, name, {"seats": others})
        rows: assistants.Rows = {UsageFact: facts, Identity: list(held.values())}
        yield Page(rows, cursor=assistants.looked_up(today), is_mapped=True)


# -- mapping ----------------------------------------------------------------------------------------------------------


def user_key(row: Payload) -> str | None:
    """The account of a line: GitHub's own id, or the login where there is none."""
    return str(row.get("user_id") or row.get("user_login") or "") or None


def user_account(row: Payload) -> Row:
    """Who a line is about."""
    return assistants.account(user_key(row) or "", login=row.get("user_login") or None)


def user_facts(row: Payload, day: date, place: str) -> Iterator[Row]:
    """One person's day."""
    told_on, key = row.get("day") or day, user_key(row)
    yield from assistants.day_facts(GithubCopilot.kind, told_on, key, counted(row), organisation=place, place=place)


def organisation_facts(row: Payload, day: date, name: str) -> Iterator[Row]:
    """What a report says of all people together, and not of each."""
    requests = row.get("pull_requests") or {}
    counts = {"active_users": row.get("daily_active_users"), "pull_requests": requests.get("total_created_by_copilot")}
    yield from assistants.organisation_day(GithubCopilot.kind, row.get("day") or day, name, counts)


def counted(row: Payload) -> Counts:
    """A person's counts: completion by suggestions, chat and agents by requests, lines of all features together."""
    features = [(str(one.get("feature")), one) for one in row.get("totals_by_feature") or ()]
    completion = [one for name, one in features if name == "code_completion"]
    # The command line has totals of its own, and may be among the features as well.
    asked = [(name, one) for name, one in features if name != "code_completion" and "cli" not in name.split("_")]
    agents = [one for name, one in asked if any(word in name for word in AGENTS)]
    chats = [one for name, one in asked if not any(word in name for word in AGENTS)]
    command_line = row.get("totals_by_cli") or {}
    return {
        "suggestions_shown": total(one.get("code_generation_activity_count") for one in completion),
        "suggestions_accepted": total(one.get("code_acceptance_activity_count") for one in completion),
        "lines_suggested": row.get("loc_suggested_to_add_sum"),
        "lines_accepted": row.get("loc_added_sum"),
        "chat_requests": total(one.get("user_initiated_interaction_count") for one in chats),
        "agent_requests": total(
            [*(one.get("user_initiated_interaction_count") for one in agents), command_line.get("prompt_count")]
        ),
    }


def seat_key(row: Payload) -> str | None:
    """The account that has a seat; None for a seat of an account that is gone."""
    who: Mapping[str, Any] = row.get("assignee") or {}
    return str(who.get("id") or who.get("login") or "") or None


def seat_account(row: Payload) -> Row:
    """Who has a seat."""
    return assistants.account(seat_key(row) or "", login=row["assignee"].get("login") or None)
