"""Bitbucket's API: how a page is asked for, what a refusal lacks, and how much back-fill may ask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from dxmetrics.collectors import Context
from dxmetrics.errors import CollectError
from dxmetrics.http import Basic, Bearer, served_at

if TYPE_CHECKING:
    import httpx2

    from .settings import BitbucketSettings

HOST = "bitbucket.org"
HOME = f"https://api.{HOST}/2.0/"
USUAL_QUOTA = 1_000  # requests an hour, where no answer tells another
# Of an hour's quota, in one run: four runs an hour leave a fifth to what is new. An API token is told nothing of what
# is left, so that this is all there is to go by.
BACK_FILL_SHARE = 0.2
PERMISSIONS = {
    "pullrequests": ("read:pullrequest:bitbucket", "changes"),
    "pipelines": ("read:pipeline:bitbucket", "pipelines"),
    "deployments": ("read:pipeline:bitbucket", "deployments"),
    "issues": ("read:issue:bitbucket", "issues"),
}

Payload = Mapping[str, Any]
Params = Mapping[str, Any]


@dataclass(frozen=True)
class Listing:
    """One page of a list: its rows, how the one after it is asked for (None: it is the last), when it was answered."""

    rows: Sequence[Payload]
    following: str | None
    served_at: datetime | None


class Api:
    """The API with one credential; threads share it."""

    def __init__(self, name: str, settings: BitbucketSettings, context: Context) -> None:
        self.name = name
        self.client = settings.client(name, settings.url or HOME, context, auth=_credential(settings))
        self._quota = float(USUAL_QUOTA)
        self._is_nearly_used_up = False

    def page(self, path: str, params: Params, following: str | None = None) -> Listing:
        """One page of the list at `path`; `following` is what the page before it said."""
        # The first answer only: the next page is named in the body, where other APIs have a header.
        response = next(self.client.pages(path, {**params, **dict(parse_qsl(following or ""))}))
        self._learn(response)
        body = response.json()
        rows = body.get("values") if isinstance(body, Mapping) else None
        if not isinstance(rows, list):
            raise CollectError(f"{self.name}: {path} answers without a list of `values`: its form has changed")
        return Listing(rows, self._following(path, body.get("next"), params), served_at(response))

    def pages(self, path: str, params: Params) -> Iterator[Listing]:
        """All pages of the list at `path`; CollectError where one comes again."""
        return self.client.token_pages(
            lambda following: self.page(path, params, following), lambda listing: listing.following
        )

    def one(self, path: str, params: Params | None = None) -> Payload:
        """The object at `path`."""
        found = self.client.json(path, params)
        if not isinstance(found, Mapping):
            raise CollectError(f"{self.name}: {path} answers without an object: its form has changed")
        return found

    def close(self) -> None:
        """Let the connections go."""
        self.client.close()

    def may_go_back(self) -> bool:
        """Whether back-fill may ask for more in this run."""
        is_within_share = self.client.budget.requests < BACK_FILL_SHARE * self._quota
        return is_within_share and not self._is_nearly_used_up and self.client.budget.has_reserve()

    def _following(self, path: str, link: Any, params: Params) -> str | None:
        """What the next page is asked for by, beside what was asked for here.

        The link itself cannot be followed: that of pipelines has lost the order, and would go on with the oldest.
        """
        if not link:
            return None
        added = [(name, value) for name, value in parse_qsl(urlsplit(str(link)).query) if name not in params]
        if not added:
            raise CollectError(f"{self.name}: {path} names no next page in {str(link)[:200]!r}: its form has changed")
        return urlencode(added)

    def _learn(self, response: httpx2.Response) -> None:
        """Keep what only access tokens are told: the hour's quota, and whether less than a fifth of it is left."""
        limit = response.headers.get("x-ratelimit-limit", "")
        if limit.isdecimal() and int(limit):
            self._quota = float(limit)
        self._is_nearly_used_up = response.headers.get("x-ratelimit-nearlimit", "").lower() == "true"


@dataclass(frozen=True)
class Place:
    """A repository as its lists are read: its id, which no renaming changes, and its `workspace/slug` of today."""

    api: Api
    id: str
    name: str

    @property
    def web(self) -> str:
        """The address people open."""
        return f"https://{HOST}/{self.name}"

    def page(self, what: str, params: Params, following: str | None = None) -> Listing:
        """One page of the list `what` of the repository."""
        with _explained(what):
            return self.api.page(f"repositories/{self.name}/{what}", params, following)

    def pages(self, what: str, params: Params) -> Iterator[Listing]:
        """All pages of the list `what` of the repository."""
        with _explained(what):
            yield from self.api.pages(f"repositories/{self.name}/{what}", params)

    def one(self, what: str, params: Params | None = None) -> Payload:
        """One object of the repository."""
        with _explained(what):
            return self.api.one(f"repositories/{self.name}/{what}", params)


@contextmanager
def _explained(what: str) -> Iterator[None]:
    """Adds to a refused permission which scope the token needs, and how to do without."""
    try:
        yield
    except CollectError as error:
        if type(error) is not CollectError or ": 403 on " not in str(error):
            raise
        scope, read = PERMISSIONS[what.partition("/")[0]]
        raise CollectError(
            f"{error}; reading {read} needs the scope {scope!r}: create a token that has it, or leave {read!r} out of"
            " `reads`"
        ) from error


def _credential(settings: BitbucketSettings) -> httpx2.Auth | None:
    if settings.token is None:
        return None
    token = settings.token.get_secret_value()
    return Basic(settings.username, token) if settings.username else Bearer(token)
