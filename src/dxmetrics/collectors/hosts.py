"""What sources that read an API have in common, and those of Git hosts beside it: settings and memberships."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, SecretStr

from dxmetrics.collectors import Context, Cursor, SourceSettings
from dxmetrics.http import Client

if TYPE_CHECKING:
    import httpx2

Kind = Literal["changes", "pipelines", "deployments", "releases", "issues", "teams"]
KINDS: tuple[Kind, ...] = ("changes", "pipelines", "deployments", "releases", "issues", "teams")

TEAMS_REST = timedelta(hours=20)  # once a day, whenever the day's first run is


class ApiSettings(SourceSettings):
    """How an API is reached."""

    url: str | None = Field(default=None, description="the server's address; left out: the vendor's own cloud")
    token: SecretStr | None = Field(default=None, description="a token with read access")
    webhook_secret: SecretStr | None = Field(
        default=None,
        description="the secret of the vendor's webhooks, which come to /api/v1/webhooks/NAME; left out: none are"
        " received",
    )
    proxy: str | None = Field(
        default=None, description="address of an HTTP proxy; left out: what HTTPS_PROXY of the environment says"
    )
    ca_file: Path | None = Field(
        default=None, description="file with the certificates of your own authority; left out: the system's"
    )
    timeout_seconds: float = Field(default=30, gt=0, description="the longest wait for one answer")

    def client(
        self,
        name: str,
        base_url: str,
        context: Context,
        *,
        auth: httpx2.Auth | None = None,
        headers: Mapping[str, str] | None = None,
        concurrency: int = 4,
    ) -> Client:
        """A client of source `name` for `base_url` that goes out as these settings and the context say."""
        ca_file = context.project_folder / self.ca_file if self.ca_file else None
        return Client(
            name,
            base_url,
            now=context.now,
            auth=auth,
            headers=headers,
            budgets=context.budgets,
            concurrency=concurrency,
            proxy=self.proxy,
            ca_file=ca_file,
            timeout=self.timeout_seconds,
            transport=context.transport,
            sleep=context.sleep,
        )


class HostSettings(ApiSettings):
    """Which repositories of a Git host are read, and what of them."""

    organisations: tuple[str, ...] = Field(
        default=(),
        description="organisations, groups or workspaces; all their repositories are read, also those to come",
    )
    repositories: tuple[str, ...] = Field(
        default=(), description="single repositories as `org/name`, beside those of the organisations"
    )
    excluded: tuple[str, ...] = Field(
        default=(), description="repositories left out, as `org/name` (* and ? allowed): `acme/sandbox-*`"
    )
    forks: bool = Field(default=False, description="whether forks in the organisations are read too")
    reads: tuple[Kind, ...] = Field(default=KINDS, description="what is read; leave out what the token may not see")
    since: date | None = Field(default=None, description="nothing older is read; left out: all there is")
    mirror: bool = Field(
        default=True,
        description="keep a bare mirror of each repository: commits, direct pushes and reverts, which link deployments"
        " to changes; uses no request of the API's quota",
    )
    line_counts: bool = Field(
        default=False, description="count the lines of each change in the mirror, where the host does not tell; slower"
    )

    def excludes(self, name: str) -> bool:
        """Whether the repository `org/name` is left out."""
        return any(fnmatchcase(name.lower(), pattern.lower()) for pattern in self.excluded)

    @property
    def since_instant(self) -> datetime | None:
        """The first instant that is read; None: all there is."""
        return datetime.combine(self.since, time(), UTC) if self.since else None


def teams_rest(cursor: Cursor | None, now: datetime) -> bool:
    """Whether teams were read within a day, by the `read_at` of their cursor: they are read once a day."""
    read_at = (cursor or {}).get("read_at")
    return read_at is not None and now - datetime.fromisoformat(read_at) < TEAMS_REST


def memberships(
    present: Mapping[str, set[str]], known: Mapping[str, str | None] | None, today: date
) -> tuple[list[dict[str, Any]], dict[str, str | None]]:
    """Membership payloads for who is in which team now, and what to keep of them in the cursor for the next time.

    `present` has the members (accounts) by team. Who is there at the first look (`known` is None) always was; who comes
    later is from today, who has gone was until today, so that events keep the team of their day.
    """
    pairs = {f"{team}\n{person}" for team, people in present.items() for person in people}
    kept: dict[str, str | None] = {}
    for pair in sorted(pairs):
        kept[pair] = (None if known is None else today.isoformat()) if pair not in (known or {}) else known[pair]  # type: ignore[index]
    rows = [_membership(pair, since, None) for pair, since in kept.items()]
    gone = {pair: since for pair, since in (known or {}).items() if pair not in pairs}
    return rows + [_membership(pair, since, today) for pair, since in gone.items()], kept


def _membership(pair: str, valid_from: str | None, valid_to: date | None) -> dict[str, Any]:
    team, _, person = pair.partition("\n")
    return {
        "ext_id": f"{team}/{person}@{valid_from or 'ever'}",
        "team": team,
        "person": person,
        "valid_from": valid_from,
        "valid_to": valid_to.isoformat() if valid_to else None,
    }
