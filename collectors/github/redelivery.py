"""Webhooks that could not be delivered: GitHub does not try them again by itself, but does when asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dxmetrics.errors import AuthError, CollectError, LimitedError, RetryableError

if TYPE_CHECKING:
    from dxmetrics.http import Client

    from .access import Access
    from .settings import GitHubSettings

RECEIVER = "/api/v1/webhooks/"  # before a source's name: where it receives them
KEPT = timedelta(days=3)  # how long GitHub can deliver again
MOST_FAILURES = 5  # of one event: what is refused so often is no outage
AT_ONCE = 100


@dataclass(frozen=True)
class Delivery:
    """One attempt to deliver an event, which `guid` stands for at all webhooks and attempts."""

    id: int
    guid: str
    delivered_at: datetime
    is_again: bool
    is_received: bool

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Delivery:
        """The attempt that a row of GitHub's list tells of."""
        is_received = 200 <= (row.get("status_code") or 0) < 300
        delivered_at = datetime.fromisoformat(row["delivered_at"])
        return cls(row["id"], row["guid"], delivered_at, bool(row.get("redelivery")), is_received)


def redeliver(access: Access, settings: GitHubSettings, since: datetime) -> tuple[str, ...]:
    """Ask for what failed from `since` on and was not received later; notes on how much that was, and what hinders.

    Each event is asked for once, whichever webhooks of the organisations and single repositories failed with it.
    """
    notes: list[str] = []
    asked: set[str] = set()
    for owner, place in _places(settings):
        before = len(asked)
        try:
            client = access.of(owner).client
            if not client.budget.has_reserve():
                notes.append(f"{access.name}: webhooks of {place} are not looked at: the quota is nearly used up")
                break
            for hook in _hooks(client, place, access.name):
                _ask_again(client, f"{place}/hooks/{hook}/deliveries", since, asked)
        except (AuthError, LimitedError, RetryableError) as error:
            notes.append(str(error))
        except CollectError as error:
            notes.append(
                f"{access.name}: webhooks of {place} that failed are not asked for again, polling brings what they"
                f" told: {error}: give the token the scope admin:org_hook (admin:repo_hook for a single repository), or"
                " the permission Webhooks: read and write"
            )
        if len(asked) > before:
            notes.append(f"{access.name}: {len(asked) - before} failed webhooks of {place} were asked for again")
    return tuple(notes)


def _places(settings: GitHubSettings) -> Iterator[tuple[str, str]]:
    """Owners, and the paths below which they have webhooks."""
    for owner in dict.fromkeys(settings.organisations):
        yield owner, f"orgs/{owner}"
    for name in dict.fromkeys(settings.repositories):
        yield name.partition("/")[0], f"repos/{name}"


def _hooks(client: Client, place: str, source: str) -> list[int]:
    """The webhooks there that lead to the source."""
    rows = [row for page in client.pages(f"{place}/hooks", {"per_page": AT_ONCE}) for row in page.json()]
    return [row["id"] for row in rows if row.get("active", True) and _leads_to(source, row)]


def _leads_to(source: str, hook: Mapping[str, Any]) -> bool:
    try:
        path = urlsplit(str((hook.get("config") or {}).get("url") or "")).path
    except ValueError:  # no address at all, which is nobody's
        return False
    return path.rstrip("/").endswith(f"{RECEIVER}{source}")


def _ask_again(client: Client, path: str, since: datetime, asked: set[str]) -> None:
    """Ask a webhook for its failures; `asked` are the events that were asked for, and get more."""
    wanted = _failed(client, path, since)
    if not wanted:
        return
    for one in _deliveries(client, path, "success", min(failed.delivered_at for failed in wanted.values())):
        if one.is_received:
            wanted.pop(one.guid, None)
    for failed in wanted.values():
        if failed.guid not in asked:
            # Twice does no harm: an event that was received is known by its id.
            client.send("POST", f"{path}/{failed.id}/attempts", is_safe=True)
            asked.add(failed.guid)


def _failed(client: Client, path: str, since: datetime) -> dict[str, Delivery]:
    """By event, its last failed attempt, if that was from `since` on, and it makes sense to try once more."""
    failures: dict[str, list[Delivery]] = {}
    for one in _deliveries(client, path, "failure", client.server_time() - KEPT):
        if not one.is_received:
            failures.setdefault(one.guid, []).append(one)
    return {
        guid: attempts[0]
        for guid, attempts in failures.items()
        if attempts[0].delivered_at >= since and len(attempts) < MOST_FAILURES and not attempts[-1].is_again
    }


def _deliveries(client: Client, path: str, status: str, earliest: datetime) -> Iterator[Delivery]:
    """Attempts, newest first, from `earliest` on. An old Enterprise Server gives those of the other status too."""
    for page in client.pages(path, {"per_page": AT_ONCE, "status": status}):
        for row in page.json():
            one = Delivery.of(row)
            if one.delivered_at < earliest:
                return
            yield one
