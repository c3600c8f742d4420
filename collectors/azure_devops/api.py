"""Asking Azure DevOps: where, how its pages follow one another, and which permission a refusal lacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from dxmetrics.collectors.feeds import ExpiredError
from dxmetrics.errors import AuthError, CollectError
from dxmetrics.http import Basic, Client, served_at

if TYPE_CHECKING:
    from dxmetrics.collectors import Context

    from .settings import AzureDevOpsSettings

CLOUD = "https://dev.azure.com"
RELEASES_OF_CLOUD = "https://vsrm.dev.azure.com"
VERSION = {"api-version": "7.1"}
CONTINUATION = "x-ms-continuationtoken"
PERMISSIONS = {
    "changes": "Code (read)",
    "pipelines": "Build (read)",
    "deployments": "Environment (read & manage)",
    "releases": "Release (read)",
    "issues": "Work Items (read)",
}

Payload = Mapping[str, Any]
Params = Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """One page of a list: its rows, what the next page is asked for by (None: it is the last), when it was answered."""

    rows: Sequence[Payload]
    following: str | None
    served_at: datetime | None


class Api:
    """The API with one credential. Paths are below the server and begin with the organisation."""

    def __init__(self, name: str, settings: AzureDevOpsSettings, context: Context) -> None:
        self.name = name
        self.home = (settings.url or CLOUD).rstrip("/")
        self.host = urlsplit(self.home).hostname or self.home
        auth = Basic("", settings.token.get_secret_value()) if settings.token else None
        self.client = settings.client(name, f"{self.home}/", context, auth=auth)
        # The cloud has classic releases on a host of its own.
        self.releases: Client = (
            self.client if settings.url else settings.client(name, f"{RELEASES_OF_CLOUD}/", context, auth=auth)
        )

    def page(self, path: str, params: Params | None = None, *, client: Client | None = None) -> Answer:
        """One page of the list at `path`."""
        given = {**VERSION, **(params or {})}
        try:
            response = (client or self.client).get(path, given)
        except CollectError as error:
            if given.get("continuationToken") and ": 400 on " in str(error):
                raise ExpiredError(str(error)) from error
            raise
        return Answer(
            rows=self._rows(path, response.json() if response.content else None),
            following=response.headers.get(CONTINUATION) or None,
            served_at=served_at(response),
        )

    def all(self, path: str, params: Params | None = None) -> Iterator[Payload]:
        """All rows of the list at `path`, along its continuation tokens; CollectError where one comes again."""
        pages = self.client.token_pages(
            lambda token: self.page(path, {**(params or {}), "continuationToken": token}), lambda found: found.following
        )
        for answer in pages:
            yield from answer.rows

    def one(self, path: str, params: Params | None = None) -> Payload | None:
        """The object at `path`; None where the answer is empty."""
        found = self.client.json(path, {**VERSION, **(params or {})})
        if found is not None and not isinstance(found, Mapping):
            raise CollectError(f"{self.name}: {path} answers without an object: its form has changed")
        return found

    def ask(self, path: str, question: Payload, params: Params | None = None) -> Payload:
        """The answer to a question that changes nothing."""
        found = self.client.json(path, {**VERSION, **(params or {})}, method="POST", json=question, is_safe=True)
        if not isinstance(found, Mapping):
            raise CollectError(f"{self.name}: {path} answers without an object: its form has changed")
        return found

    def may_go_back(self) -> bool:
        """Whether back-fill may ask for more; what is left of the quota is told only when little of it is."""
        return self.client.budget.has_reserve() and self.releases.budget.has_reserve()

    def close(self) -> None:
        """Let the connections go."""
        self.client.close()
        self.releases.close()

    def _rows(self, path: str, body: Any) -> list[Payload]:
        rows = body.get("value") if isinstance(body, Mapping) else None
        if not isinstance(rows, list):
            raise CollectError(f"{self.name}: {path} answers without a list as `value`: its form has changed")
        return [row for row in rows if row]


@contextmanager
def needing(read: str) -> Iterator[None]:
    """Adds to a refusal which permission `read` needs.

    A token that lacks one is refused with 401, as one that has ended is; but it listed the repositories a moment ago.
    """
    try:
        yield
    except CollectError as error:
        is_refused = isinstance(error, AuthError) or (type(error) is CollectError and ": 403 on " in str(error))
        if not is_refused:
            raise
        raise CollectError(
            f"{error}; it may list the repositories, so that it lacks the permission {PERMISSIONS[read]!r}: create one"
            f" that has it, or leave {read!r} out of `reads`"
        ) from error


def part(name: str) -> str:
    """A name as a part of a path: projects may have spaces in theirs."""
    return quote(name, safe="")


def instant(text: str | None) -> datetime | None:
    """The instant, in UTC; None where there is none, also where that is written as the year 1."""
    if not text or text.startswith("0001-"):
        return None
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def branch(ref: str | None) -> str | None:
    """A branch without `refs/heads/`; another ref without `refs/`."""
    return ref.removeprefix("refs/heads/").removeprefix("refs/") if ref else None


def picked(row: Payload, names: Sequence[str]) -> dict[str, Any]:
    """The named fields of a row that it has."""
    return {name: row[name] for name in names if name in row}
