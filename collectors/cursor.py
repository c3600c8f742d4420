"""Cursor: who uses it for what, day by day, what that costs, and who is a member of the team.

Reads:  POST /teams/daily-usage-data, up to 30 UTC days and 500 rows a request; POST /teams/filtered-usage-events, one
        day at a time, 500 a page, for tokens and money; GET /teams/members once a day. Four times a day the days since
        the last look and three before them, then up to a year of history. Between looks nothing is asked.
Needs:  a key of the Admin API, which an admin of a team with a plan that has it creates in the dashboard under
        Settings, in DX_NAME__TOKEN. A large team may leave "spend" out of `reads`: it takes a request for 500 uses.
Limits: 20 requests a minute. Cursor keeps a limited time of history, so begin early; days before are unknown.
        Lines proposed, sessions, commits and pull requests are not reported. cost_usd is what use is worth, be it part
        of the plan; only what is charged beyond the plan is a cost line, and fees for seats are on the invoice alone.
        Events without a person's address belong to the team. What a report no longer says of a day's person stays as
        it was said first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time
from typing import Any, Literal

from pydantic import Field

from dxmetrics.collectors import Collector, Context, Page, Scope, assistants
from dxmetrics.collectors import Cursor as Progress
from dxmetrics.collectors.assistants import DAY, Counts, Days, Payload, Report, Row, rows_in, total
from dxmetrics.collectors.hosts import ApiSettings
from dxmetrics.errors import CollectError
from dxmetrics.http import Basic
from dxmetrics.records import CostLine, Identity, Record, UsageFact

HOME = "https://api.cursor.com/"
AT_ONCE = 500
LONGEST_SPAN = 30  # days
MILLISECONDS = 1_000
ABSENCE = "Cursor does not keep it any more, or has not published it yet"  # its days have all members, idle or not
TEAM = "team"  # whose use has no account
SEPARATORS = str.maketrans("", "", " -_")

Read = Literal["usage", "spend", "seats"]
READS: tuple[Read, ...] = ("usage", "spend", "seats")
TITLES: Mapping[Read, str] = {"usage": "use of Cursor", "spend": "tokens and money of Cursor", "seats": "Cursor's team"}


class CursorSettings(ApiSettings):
    """What is read of a team."""

    url: str | None = Field(default=None, description="address of the API; left out: https://api.cursor.com")
    reads: tuple[Read, ...] = Field(default=READS, description="what is read; leave out what is not wanted")
    since: date | None = Field(default=None, description="nothing older is read; left out: a year")


class Cursor(Collector):
    """The team of one key: use, spend and seats are scopes."""

    kind = "cursor"
    produces = (UsageFact, Identity, CostLine)
    keeps_payloads = False  # of what is said of people, only what is counted is kept
    Settings = CursorSettings
    settings: CursorSettings

    def __init__(self, name: str, settings: CursorSettings, context: Context) -> None:
        super().__init__(name, settings, context)
        auth = Basic(settings.token.get_secret_value(), "") if settings.token else None
        self._client = settings.client(name, settings.url or HOME, context, auth=auth, concurrency=1)

    def scopes(self) -> Iterator[Scope]:
        """What is read, in the order of its weight."""
        yield from (Scope(what, TITLES[what]) for what in READS if what in self.settings.reads)

    def collect(self, scope: Scope, cursor: Progress | None) -> Iterator[Page]:
        """Pages of whole days; or the members there are today."""
        now, since = self.context.now(), self.settings.since
        go_back = self._client.budget.has_reserve
        if scope.id == "usage":
            days = Days(self._usage, since=since, at_once=LONGEST_SPAN, absence=ABSENCE, may_go_back=go_back)
            yield from days.walk(cursor, now)
        elif scope.id == "spend":
            days = Days(lambda day, _: self._spend(day), (CostLine,), since, may_go_back=go_back)
            yield from days.walk(cursor, now)
        else:
            yield from self._seats(cursor, now)

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()

    def _usage(self, first: date, last: date) -> Report:
        wanted = list(self._paged("teams/daily-usage-data", "data", first, last))
        days = {day for row in wanted if (day := day_of(row))}
        facts = [fact for row in wanted for fact in usage_facts(row)]
        met = {key: person(key) for row in wanted if (key := key_of(row))}
        used = {fact["subject"] for fact in facts}
        people = [one for key, one in met.items() if key in used]
        return Report({UsageFact: facts, Identity: people}, frozenset(day for day in days if first <= day <= last))

    def _spend(self, day: date) -> Report:
        rows = spend(self._paged("teams/filtered-usage-events", "usageEvents", day, day), day)
        return Report(rows, frozenset({day} if rows[UsageFact] else ()))

    def _seats(self, cursor: Progress | None, now: datetime) -> Iterator[Page]:
        today = assistants.once_a_day(cursor, now)
        if today is None:
            return
        path = "teams/members"
        members = rows_in(self._asked(path, None), "teamMembers", f"{self.name}: {path}")
        people = {key: person(key) for one in members if not one.get("isRemoved") and (key := key_of(one))}
        rows: assistants.Rows = {
            UsageFact: [assistants.seat(self.kind, today, key) for key in people],
            Identity: list(people.values()),
        }
        yield Page(rows, cursor=assistants.looked_up(today), is_mapped=True)

    def _paged(self, path: str, key: str, first: date, last: date) -> Iterator[Payload]:
        """All rows of the days from `first` to `last`."""
        span = {"startDate": _milliseconds(first), "endDate": _milliseconds(last + DAY) - 1}
        before: list[Payload] = []
        number = 0
        while True:
            number += 1
            body = self._asked(path, {**span, "page": number, "pageSize": AT_ONCE})
            rows = rows_in(body, key, f"{self.name}: {path}")
            if rows and rows == before:
                raise CollectError(f"{self.name}: page {number} of {path} has come before: paging is in a loop")
            yield from rows
            if not (rows and (body.get("pagination") or {}).get("hasNextPage")):
                return
            before = rows

    def _asked(self, path: str, body: Mapping[str, Any] | None) -> Any:
        try:
            return self._client.json(path, method="POST" if body else "GET", json=body, is_safe=True)
        except CollectError as error:
            if not assistants.is_refused(error):
                raise
            raise CollectError(
                f"{error}; it needs a key of the Admin API, created by an admin of the team under Settings of the"
                " dashboard, and a plan that has this API: mend that, or leave it out of `reads`"
            ) from error


# -- mapping ----------------------------------------------------------------------------------------------------------


def key_of(row: Payload) -> str | None:
    """The account of a row: the address, or Cursor's own id where somebody's address is gone."""
    email = row.get("email") or row.get("userEmail")
    return assistants.address(email) if email else str(row.get("userId") or "") or None


def person(key: str) -> Row:
    """Who it is."""
    return assistants.account(key, email=key if "@" in key else None)


def day_of(row: Payload) -> date | None:
    """The UTC day of a row of usage; None where it says none."""
    try:
        if text := row.get("day"):
            return date.fromisoformat(text)
        return datetime.fromtimestamp(int(row["date"]) / MILLISECONDS, UTC).date()
    except (KeyError, TypeError, ValueError):
        return None


def usage_facts(row: Payload) -> Iterator[Row]:
    """One member's day; none for who did nothing."""
    yield from assistants.day_facts(
        Cursor.kind, day_of(row) or str(row.get("day")), key_of(row), counted(row), organisation=TEAM
    )


def counted(row: Payload) -> Counts:
    """A member's counts: Tab by suggestions, chat and commands beside the code by requests, agents by requests."""
    return {
        "suggestions_shown": row.get("totalTabsShown"),
        "suggestions_accepted": row.get("totalTabsAccepted"),
        "lines_accepted": row.get("acceptedLinesAdded"),
        "chat_requests": total((row.get("chatRequests"), row.get("cmdkUsages"))),
        "agent_requests": total((row.get("agentRequests"), row.get("composerRequests"))),
    }


def spend(events: Iterable[Payload], day: date) -> dict[type[Record], list[Row]]:
    """The tokens and the money of one day, from its events: by person and model, and what is charged by model."""
    used: dict[str | None, list[tuple[str | None, Counts]]] = {}
    charged: list[tuple[str | None, Counts]] = []
    for event in events:
        counts, model = tokens_and_money(event), event.get("model")
        used.setdefault(key_of(event), []).append((model, counts))
        if is_charged(event):
            charged.append((model, {"amount": counts["cost_usd"]}))
    facts = [
        fact
        for key, told in used.items()
        for fact in assistants.day_facts(
            Cursor.kind, day, key, {}, by_model=assistants.tallied(told), organisation=TEAM
        )
    ]
    lines = [
        assistants.charge(Cursor.kind, day, model, one["amount"], "USD")
        for model, one in assistants.tallied(charged).items()
        if one["amount"] is not None
    ]
    return {UsageFact: facts, Identity: [person(key) for key in used if key], CostLine: lines}


def tokens_and_money(event: Payload) -> Counts:
    """What one event took, and what it is worth."""
    tokens = event.get("tokenUsage") or {}
    return {
        "tokens_input": total((tokens.get("inputTokens"), tokens.get("cacheWriteTokens"))),
        "tokens_cached": tokens.get("cacheReadTokens"),
        "tokens_output": tokens.get("outputTokens"),
        "cost_usd": assistants.from_cents(event.get("chargedCents", tokens.get("totalCents"))),
    }


def is_charged(event: Payload) -> bool:
    """Whether an event is charged beyond what the plan includes."""
    return "usagebased" in str(event.get("kind") or event.get("kindLabel")).casefold().translate(SEPARATORS)


def _milliseconds(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp()) * MILLISECONDS
