"""Claude Code: who uses it for what, day by day, with tokens and their estimated cost, and what is charged.

Reads:  GET /v1/organizations/usage_report/claude_code, one UTC day each, 1,000 rows a page; four times a day the days
        since the last look and three before them, then up to a year of history in growing chunks. Of the workspaces
        that are named GET /v1/organizations/cost_report, 30 days a request. Between looks nothing is asked.
Needs:  a key of the Admin API (sk-ant-admin...), which an admin of the organisation creates in the Console, in
        DX_NAME__TOKEN; a single person's account has no such keys. `workspaces` for what is charged.
Limits: Use by way of Amazon Bedrock, Google Vertex AI or another gateway is not reported, nor is what people ask.
        Suggestions are edits that were proposed, and taken or not. cost_usd is estimated from prices per token, for
        subscriptions too, where nobody pays it; only what is charged to `workspaces` is a cost line. Keys of the API
        are machines: their use and cost count, people they are not. Seats are not reported. What a report no longer
        says of a day's person stays as it was said first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from pydantic import Field

from dxmetrics.collectors import Collector, Context, Cursor, Page, Scope, assistants
from dxmetrics.collectors.assistants import DAY, Counts, Days, Payload, Report, Row, rows_in, total
from dxmetrics.collectors.hosts import ApiSettings
from dxmetrics.errors import AuthError, CollectError
from dxmetrics.http import HeaderToken
from dxmetrics.records import ActorKind, CostLine, Identity, UsageFact

HOME = "https://api.anthropic.com/"
HEADERS = {"anthropic-version": "2023-06-01"}
USAGE, COST = "v1/organizations/usage_report/claude_code", "v1/organizations/cost_report"
AT_ONCE = 1_000
COST_DAYS = 30
ORGANISATION = "organisation"  # whose use has no account
DEFAULT_WORKSPACE = "default"  # which has no id
ADMIN_KEY = "a key of the Admin API (sk-ant-admin...), which an admin of an organisation creates in the Console"


class ClaudeCodeSettings(ApiSettings):
    """What is read of an organisation."""

    url: str | None = Field(default=None, description="address of the API; left out: https://api.anthropic.com")
    workspaces: tuple[str, ...] = Field(
        default=(),
        description="ids of the workspaces whose charges are those of Claude Code, as wrkspc_...; `default` is the one"
        " without an id; left out: what is charged is not read, as it may be that of other software",
    )
    since: date | None = Field(default=None, description="nothing older is read; left out: a year")


class ClaudeCode(Collector):
    """The organisation of one key: use is a scope, and what is charged another."""

    kind = "claude_code"
    produces = (UsageFact, Identity, CostLine)
    keeps_payloads = False  # of what is said of people, only what is counted is kept
    Settings = ClaudeCodeSettings
    settings: ClaudeCodeSettings

    def __init__(self, name: str, settings: ClaudeCodeSettings, context: Context) -> None:
        super().__init__(name, settings, context)
        auth = HeaderToken("x-api-key", settings.token.get_secret_value()) if settings.token else None
        self._client = settings.client(name, settings.url or HOME, context, auth=auth, headers=HEADERS)

    def scopes(self) -> Iterator[Scope]:
        """Use; and what is charged, where workspaces are named."""
        yield Scope("usage", "use of Claude Code")
        if self.settings.workspaces:
            ids = sorted(self.settings.workspaces)
            yield Scope("+".join(["spend", *ids]), f"charges of {', '.join(ids)}")

    def collect(self, scope: Scope, cursor: Cursor | None) -> Iterator[Page]:
        """Pages of whole days."""
        since, go_back = self.settings.since, self._client.budget.has_reserve
        if scope.id == "usage":
            days = Days(lambda day, _: self._usage(day), since=since, may_go_back=go_back)
        else:
            days = Days(self._spend, (CostLine,), since, at_once=COST_DAYS, may_go_back=go_back)
        yield from days.walk(cursor, self.context.now())

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()

    def _usage(self, day: date) -> Report:
        actors: dict[str, Actor] = {}
        for row in self._paged(USAGE, {"starting_at": day.isoformat(), "limit": AT_ONCE}):
            key, kind = actor(row)
            actors.setdefault(key or "", Actor(key, kind)).add(row)
        facts = [fact for one in actors.values() for fact in one.facts(day)]
        # A day without rows is one on which nobody used it: there is no smallest number of people.
        return Report(
            {UsageFact: facts, Identity: [one.account() for one in actors.values() if one.key]}, frozenset({day})
        )

    def _spend(self, first: date, last: date) -> Report:
        params = {
            "starting_at": _midnight(first), "ending_at": _midnight(last + DAY), "limit": COST_DAYS,
            "group_by[]": ["workspace_id", "description"],
        }  # fmt: skip
        lines = charges(self._paged(COST, params), frozenset(self.settings.workspaces))
        return Report({CostLine: lines}, frozenset(first + place * DAY for place in range((last - first).days + 1)))

    def _paged(self, path: str, params: Mapping[str, Any]) -> Iterator[Payload]:
        """The rows of all pages."""
        bodies = self._client.token_pages(
            lambda token: self._asked(path, {**params, "page": token}),
            lambda body: (body.get("next_page") or None) if body.get("has_more") else None,
        )
        for body in bodies:
            yield from rows_in(body, "data", f"{self.name}: {path}")

    def _asked(self, path: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            body = self._client.json(path, params)
        except AuthError as error:
            raise AuthError(f"{error}; it has to be {ADMIN_KEY}") from error
        except CollectError as error:
            if not assistants.is_refused(error):
                raise
            raise CollectError(f"{error}; it needs {ADMIN_KEY}, and a plan that has this report") from error
        if not isinstance(body, Mapping):
            raise CollectError(f"{self.name}: {path} does not answer with an object: its form has changed")
        return body


# -- mapping ----------------------------------------------------------------------------------------------------------


def actor(row: Payload) -> tuple[str | None, ActorKind]:
    """The account of a row, and what it is: a person by the address, a machine by the name of its key."""
    who: Mapping[str, Any] = row.get("actor") or {}
    if email := who.get("email_address"):
        return assistants.address(email), "human"
    if name := who.get("api_key_name"):
        return f"api-key:{name}", "service"
    told = sorted(str(value) for field, value in who.items() if field != "type" and value)
    return (told[0] if told else None), "unknown"


class Actor:
    """One account's day, of all its rows: they come for each terminal, and for each way to pay."""

    def __init__(self, key: str | None, kind: ActorKind) -> None:
        self.key = key
        self._kind = kind
        self._rows: list[Payload] = []

    def add(self, row: Payload) -> None:
        """Another row of the same day."""
        self._rows.append(row)

    def account(self) -> Row:
        """Who it is."""
        key = self.key or ""
        login = key.removeprefix("api-key:") if self._kind == "service" else None
        return assistants.account(key, login=login, email=key if "@" in key else None, kind=self._kind)

    def facts(self, day: date) -> Iterator[Row]:
        """The day's facts."""
        counts = [counted(row) for row in self._rows]
        summed = {metric: total(one[metric] for one in counts) for metric in counts[0]}
        models = assistants.tallied(pair for row in self._rows for pair in by_model(row))
        yield from assistants.day_facts(
            ClaudeCode.kind, day, self.key, summed, by_model=models, organisation=ORGANISATION
        )


def counted(row: Payload) -> Counts:
    """The counts of a row; edits are suggestions, taken or not."""
    core: Mapping[str, Any] = row.get("core_metrics") or {}
    tools = list((row.get("tool_actions") or {}).values())
    accepted, rejected = (total(one.get(name) for one in tools) for name in ("accepted", "rejected"))
    return {
        "sessions": core.get("num_sessions"),
        "suggestions_shown": total((accepted, rejected)),
        "suggestions_accepted": accepted,
        "lines_accepted": (core.get("lines_of_code") or {}).get("added"),
        "commits": core.get("commits_by_claude_code"),
        "pull_requests": core.get("pull_requests_by_claude_code"),
    }


def by_model(row: Payload) -> Iterator[tuple[str | None, Counts]]:
    """Tokens, and money in its currency, of each model."""
    for one in row.get("model_breakdown") or ():
        tokens, cost = one.get("tokens") or {}, one.get("estimated_cost") or {}
        yield (
            one.get("model"),
            {
                "tokens_input": total((tokens.get("input"), tokens.get("cache_creation"))),
                "tokens_cached": tokens.get("cache_read"),
                "tokens_output": tokens.get("output"),
                assistants.cost_metric(cost.get("currency") or "USD"): assistants.from_cents(cost.get("amount")),
            },
        )


def charges(buckets: Iterable[Payload], workspaces: frozenset[str]) -> list[Row]:
    """What is charged to the workspaces on each day: a line for each thing and currency."""
    sums: defaultdict[tuple[str, str, str], list[Any]] = defaultdict(list)
    for bucket in buckets:
        for one in bucket.get("results") or ():
            workspace = one.get("workspace_id") or DEFAULT_WORKSPACE
            if workspace in workspaces:
                what = one.get("description") or one.get("model") or one.get("cost_type") or "unknown"
                key = (str(bucket.get("starting_at"))[:10], f"{workspace}: {what}", one.get("currency") or "USD")
                sums[key].append(assistants.from_cents(one.get("amount")))
    lines = ((*key, total(amounts)) for key, amounts in sums.items())
    return [assistants.charge(ClaudeCode.kind, day, what, amount, currency) for day, what, currency, amount in lines]


def _midnight(day: date) -> str:
    return datetime.combine(day, time(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
