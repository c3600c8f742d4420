"""The server's API: how a page is asked for, and what a refusal lacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlsplit

from dxmetrics.collectors import Context
from dxmetrics.errors import CollectError, NotFoundError
from dxmetrics.http import HeaderToken, PageSize, served_at

from .settings import API

if TYPE_CHECKING:
    import httpx2

    from .settings import ForgejoSettings

MOST = 50  # rows a page; a server gives no more unless its administrator says so
AT_ONCE = 4  # requests: it is somebody's own server, and has no limits that would say how many it bears
FIRST_INSTANT = datetime(1971, 1, 1, tzinfo=UTC)  # what is older is the server's way to say "never"
SCOPES = {"issues": "read:issue", "orgs": "read:organization", "teams": "read:organization", "users": "read:user"}

Row = dict[str, Any]
Params = Mapping[str, Any]
T = TypeVar("T")
S = TypeVar("S")


@dataclass(frozen=True)
class Listing:
    """One page of a list: its rows, how many there are on all (None: not told), and when it was answered."""

    rows: Sequence[Row]
    total: int | None
    is_last: bool
    served_at: datetime | None


class Api:
    """The API with one token; threads share it. What it learns of the server it keeps for the run.

    `sorts`: whether issues come in the order asked for (Gitea ignores it).
    `lists_lines`: whether a list of requests tells their lines (Gitea leaves them to single ones). `size`: how many
    requests it can list in time.
    """

    def __init__(self, name: str, settings: ForgejoSettings, context: Context) -> None:
        self.name = name
        self.home = settings.home
        token = settings.token.get_secret_value() if settings.token else None
        auth = HeaderToken("Authorization", f"token {token.strip()}") if token else None
        self.client = settings.client(name, f"{self.home}{API}/", context, auth=auth, concurrency=AT_ONCE)
        self.host = urlsplit(self.home).hostname or ""
        self.sorts: bool | None = None
        self.lists_lines: bool | None = None
        self.size = PageSize(MOST, floor=5)

    def page(self, path: str, params: Params, items: str | None = None) -> Listing:
        """One page of the list at `path`; `items` is where its rows stand in the body."""
        response = self.client.get(path, params)
        body = response.json() if response.content else None
        rows = body.get(items) if items and isinstance(body, Mapping) else body
        if rows is None:
            rows = []  # an empty list is null in some answers
        if not isinstance(rows, list):
            raise CollectError(f"{self.name}: {path} answers without a list: its form has changed")
        total = _total(response, body)
        return Listing(rows, total, _is_last(response, params, len(rows), total), served_at(response))

    def rows(self, path: str, params: Params | None = None) -> list[Row]:
        """All rows of the list at `path`."""
        pages = self.client.numbered_pages(path, params, size=("limit", MOST))
        return [row for page in pages for row in page]

    def one(self, path: str) -> Row:
        """The object at `path`."""
        found = self.client.json(path)
        if not isinstance(found, dict):
            raise CollectError(f"{self.name}: {path} answers without an object: its form has changed")
        return found

    def close(self) -> None:
        """Let the connections go."""
        self.client.close()


@dataclass(frozen=True)
class Place:
    """A repository as it is read: its id, its `owner/name` of today, and the word of `reads` it is read for.

    `since`: nothing older is wanted.
    """

    api: Api
    id: str
    name: str
    read: str
    since: datetime | None = None

    def page(self, what: str, params: Params, items: str | None = None) -> Listing:
        """One page of the list `what` of the repository."""
        with explained(what, self.read):
            return self.api.page(self._path(what), params, items)

    def rows(self, what: str, params: Params | None = None) -> list[Row]:
        """All rows of the list `what` of the repository."""
        with explained(what, self.read):
            return self.api.rows(self._path(what), params)

    def one(self, what: str) -> Row:
        """One object of the repository."""
        with explained(what, self.read):
            return self.api.one(self._path(what))

    def entries(self, folder: str = "") -> list[Row]:
        """What is in a folder of the default branch."""
        with explained("contents", self.read):
            found = self.api.client.json(self._path(f"contents/{folder}".rstrip("/")))
        return found if isinstance(found, list) else []

    def text(self, file: str) -> str:
        """A file of the default branch."""
        with explained("raw", self.read):
            return self.api.client.get(self._path(f"raw/{file}"), headers={"accept": "text/plain"}).text

    def _path(self, what: str) -> str:
        return f"repos/{quote(self.name)}/{what}"


@contextmanager
def explained(what: str, read: str | None = None) -> Iterator[None]:
    """Adds to a refusal which scope the token needs, and how to do without what is read for this word of `reads`."""
    without = f', or leave "{read}" out of `reads`' if read else ""
    try:
        yield
    except NotFoundError as error:
        raise NotFoundError(f"{error}{without}") from error
    except CollectError as error:
        if type(error) is not CollectError or ": 403 on " not in str(error):
            raise
        scope = SCOPES.get(what.partition("/")[0], "read:repository")
        raise CollectError(f"{error}; the scope it takes is {scope}: create a token that has it{without}") from error


def at_once(work: Callable[[S], T], items: Sequence[S]) -> list[T]:
    """What `work` makes of each item, a few at a time; the first error ends it."""
    if len(items) <= 1:
        return [work(item) for item in items]
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="forgejo") as pool:
        return list(pool.map(work, items))


def instant(text: Any) -> datetime | None:
    """The instant, in UTC; None where the server has none, which it writes as the first second of 1970 or of all."""
    if not text:
        return None
    found = datetime.fromisoformat(str(text))
    if found.year < FIRST_INSTANT.year - 1:
        return None
    return found.astimezone(UTC) if found >= FIRST_INSTANT else None


def instants(rows: Sequence[Row], name: str) -> list[datetime]:
    """The instants in field `name`, in the rows' order; rows without one are left out."""
    return [found for row in rows if (found := instant(row.get(name)))]


def only(row: Mapping[str, Any], names: Sequence[str]) -> Row:
    """What is kept of a row."""
    return {name: row[name] for name in names if row.get(name) is not None}


def _total(response: httpx2.Response, body: Any) -> int | None:
    """How many rows the whole list has."""
    if isinstance(body, Mapping) and isinstance(body.get("total_count"), int):
        return int(body["total_count"])
    told = response.headers.get("x-total-count", "")
    return int(told) if told.isdecimal() else None


def _is_last(response: httpx2.Response, params: Params, met: int, total: int | None) -> bool:
    """Whether no page follows: by the server's word, as it may give fewer rows than it is asked for."""
    if "link" in response.headers:
        return "next" not in response.links
    if total is not None:
        return met == 0 or int(params.get("page") or 1) * met >= total
    return met < int(params.get("limit") or MOST)
