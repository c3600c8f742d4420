"""PagerDuty's API: how a page of a list is asked for, and what a refusal lacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dxmetrics.collectors import Context
from dxmetrics.errors import CollectError
from dxmetrics.http import HeaderToken, served_at

if TYPE_CHECKING:
    from .settings import PagerDutySettings

HOME = "https://api.pagerduty.com/"
AT_ONCE = 100
MOST = 10_000  # rows that a list can be paged through
ACCEPT = {"accept": "application/vnd.pagerduty+json;version=2", "content-type": "application/json"}
UTC_TIMES = {"time_zone": "UTC"}  # left out, instants are read as in the account's own zone
PERMISSIONS = {
    "incidents": "incidents.read", "log_entries": "incidents.read", "services": "services.read", "teams": "teams.read",
}  # fmt: skip

Payload = Mapping[str, Any]
Params = Mapping[str, Any]


@dataclass(frozen=True)
class Listing:
    """One page of a list: its rows, whether more follow, how many there are (0 where not asked for), when it was
    answered."""

    rows: Sequence[Payload]
    has_more: bool
    total: int
    served_at: datetime


class Api:
    """The API with one key."""

    def __init__(self, name: str, settings: PagerDutySettings, context: Context) -> None:
        self.name = name
        token = settings.token
        auth = HeaderToken("Authorization", f"Token token={token.get_secret_value().strip()}") if token else None
        self.client = settings.client(name, settings.url or HOME, context, auth=auth, headers=ACCEPT)

    def page(self, path: str, params: Params) -> Listing:
        """One page of the list at `path`, whose rows stand under the path's last word."""
        what = path.rpartition("/")[2]
        try:
            response = self.client.get(path, {"limit": AT_ONCE, "offset": 0, **params})
        except CollectError as error:
            if not is_refused(error, 403):
                raise
            raise CollectError(
                f"{error}; reading {what} needs {PERMISSIONS[what]!r}: create a read-only API key of the whole account"
            ) from error
        body = response.json()
        rows = body.get(what) if isinstance(body, Mapping) else None
        if not isinstance(rows, list):
            raise CollectError(f"{self.name}: {path} answers without a list of {what!r}: its form has changed")
        answered = served_at(response) or self.client.server_time()
        return Listing(rows, bool(body.get("more")), body.get("total") or 0, answered)

    def rows(self, path: str, params: Params, first: Listing | None = None) -> Iterator[Payload]:
        """All rows of the list at `path`; `first` is its first page, where that is known."""
        listing = first or self.page(path, params)
        met = 0
        while True:
            yield from listing.rows
            met += len(listing.rows)
            if not (listing.has_more and listing.rows):
                return
            if met + AT_ONCE > MOST:
                raise CollectError(f"{self.name}: {path} does not end after {met} rows, and gives no more than {MOST}")
            listing = self.page(path, {**params, "offset": met})

    def close(self) -> None:
        """Let the connections go."""
        self.client.close()


def is_refused(error: CollectError, status: int) -> bool:
    """Whether the server answered with this status, of those that make a scope fail."""
    return type(error) is CollectError and f": {status} on " in str(error)


def instant(text: str | None) -> datetime | None:
    """The instant, in UTC; None where there is none."""
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def as_text(moment: datetime) -> str:
    """An instant as parameters have it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
