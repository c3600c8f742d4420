"""Asking GitLab: where, and what its errors mean."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from dxmetrics.collectors import Context
from dxmetrics.collectors.feeds import ExpiredError
from dxmetrics.errors import CollectError, NotFoundError, OverloadError, RetryableError, SettingsError
from dxmetrics.http import Answer, GraphqlError, HeaderToken, PageSize, served_at, with_size

from . import queries
from .queries import OPTIONAL, Below

if TYPE_CHECKING:
    from dxmetrics.collectors.hosts import HostSettings

HOME = "https://gitlab.com"
CONCURRENCY = 8
AT_ONCE = 100  # the most rows of an answer
RESTS_AT_ONCE = 6  # connections that are read on in one query: each is some 30 of the 250 that a query may score
UNKNOWN_FIELD = re.compile(r"^Field '(\w+)' doesn't exist on type '(\w+)'")
TOO_MUCH = ("exceeds max complexity", "timeout", "took too long")

Node = dict[str, Any]
Params = Mapping[str, Any]
T = TypeVar("T")

log = logging.getLogger("dxmetrics.collectors.gitlab")


@dataclass(frozen=True)
class Listing:
    """One page of a REST list: its rows, whether another follows, and when it was answered."""

    rows: Sequence[Node]
    has_more: bool
    served_at: datetime | None


class HiddenError(CollectError):
    """What was asked for is there, and this token may not read it."""


class _LackingError(CollectError):
    """The server does not know fields that an older version may lack."""

    def __init__(self, fields: Collection[tuple[str, str]]) -> None:
        super().__init__(", ".join(f"{on}.{name}" for on, name in sorted(fields)))
        self.fields = frozenset(fields)


class Api:
    """The API with one credential; threads share it."""

    def __init__(self, name: str, settings: HostSettings, context: Context) -> None:
        self.name = name
        self.home = address(name, settings.url)
        self.token = settings.token.get_secret_value() if settings.token else None
        auth = HeaderToken("PRIVATE-TOKEN", self.token) if self.token else None
        self.client = settings.client(name, f"{self.home}/api/v4/", context, auth=auth, concurrency=CONCURRENCY)
        self._lacking: frozenset[tuple[str, str]] = frozenset()

    def close(self) -> None:
        """Let the connections go."""
        self.client.close()

    # -- REST ---------------------------------------------------------------------------------------------------------

    def page(self, path: str, params: Params, number: int = 1) -> Listing:
        """Page `number` of the list at `path`, with 100 rows."""
        response = self.client.get(path, {**params, "per_page": AT_ONCE, "page": number})
        rows = response.json()
        if not isinstance(rows, list):
            raise CollectError(f"{self.name}: {path} answers without a list: its form has changed")
        is_full = len(rows) == AT_ONCE
        has_more = "next" in response.links if "link" in response.headers else is_full
        return Listing(rows, has_more, served_at(response))

    # -- GraphQL ------------------------------------------------------------------------------------------------------

    def query(self, text: str, **variables: Any) -> Answer:
        """The answer to a query, without what this server's version lacks; `missing` tells what that is."""
        while True:
            try:
                answer = self.client.graphql(
                    _without(text, self._lacking), variables, url=f"{self.home}/api/graphql", judge=self._judge
                )
            except _LackingError as error:
                if not error.fields - self._lacking:
                    raise
                log.info("source=%s lacks=%s", self.name, error)
                self._lacking |= error.fields
            else:
                log.debug("source=%s complexity=%s", self.name, answer.data.get("queryComplexity"))
                return answer

    def missing(self, *types: str) -> tuple[str, ...]:
        """Notes on what is unknown of these types as this server's version does not tell it."""
        found = sorted((OPTIONAL[field], field) for field in self._lacking if field[0] in types)
        return tuple(
            f"this version of GitLab does not tell {what} ({on}.{name}): it stays unknown" for what, (on, name) in found
        )

    def pages(
        self, text: str, path: Sequence[str], what: str, size: PageSize | None = None, /, **variables: Any
    ) -> Iterator[tuple[list[Node], Answer]]:
        """The nodes of the connection at `path` of a query for `$n` rows, page after page, with the whole answers."""
        size = size or PageSize(AT_ONCE)
        after: str | None = None
        seen: set[str] = set()
        while True:
            place = {"after": after, **variables}
            answer = with_size(size, lambda n, place=place: self.query(text, n=n, **place))  # type: ignore[misc]
            found = self.at(answer, path, what)
            yield nodes(found), answer
            after = follower(found)
            if after is None:
                return
            if after in seen:
                raise CollectError(f"{self.name}: cursor {after!r} comes again: paging is in a loop")
            seen.add(after)

    def at(self, answer: Answer, path: Sequence[str], what: str) -> Any:
        """What stands at `path` of an answer about `what`; CollectError says why nothing does, and what to do."""
        found: Any = answer.data
        for place, part in enumerate(path):
            found = found.get(part)
            if found is None and place == 0:
                raise NotFoundError(
                    f"{self.name}: {what}: it is not there, or the token may not see it: check its name, or give access"
                )
            if found is None:
                said = "; ".join(told(answer)) or "the token may not read it"
                raise HiddenError(f"{self.name}: {what}: {part} cannot be read: {said}")
        return found

    def complete(self, below: Sequence[tuple[Node, Below]], on: str, **variables: Any) -> None:
        """Read to their end those connections that have more rows than their node of type `on` came with."""
        short = [(node, part) for node, part in below if follower(node.get(part.name))]
        while short:
            for some, answer in self._in_parts(short, lambda some: self._rest(some, on, variables)):
                holder = answer.data.get("project") or {} if on == "Pipeline" else answer.data
                for place, (node, part) in enumerate(some):
                    rest = (holder.get(f"r{place}") or {}).get(part.name)
                    if rest is None:
                        raise CollectError(
                            f"{self.name}: {on} {number_of(node)} was gone before all its {part.name} were read: the"
                            " next collection reads it again"
                        )
                    node[part.name] |= {"nodes": [*nodes(node[part.name]), *nodes(rest)], "pageInfo": rest["pageInfo"]}
            short = [(node, part) for node, part in short if follower(node[part.name])]

    def _rest(self, some: Sequence[tuple[Node, Below]], on: str, variables: Params) -> Answer:
        given: dict[str, Any] = dict(variables)
        for place, (node, part) in enumerate(some):
            given |= {f"i{place}": node["id"], f"a{place}": follower(node[part.name])}
        return self.query(queries.rest(on, [part for _, part in some]), **given)

    def _in_parts(
        self, items: Sequence[T], ask: Callable[[Sequence[T]], Answer]
    ) -> Iterator[tuple[Sequence[T], Answer]]:
        """Some of the items at a time, fewer after each answer that was too much, and the answers."""
        size = PageSize(min(RESTS_AT_ONCE, len(items)), floor=1)
        start = 0
        while start < len(items):
            left = items[start:]
            some, answer = with_size(size, lambda n, left=left: (left[:n], ask(left[:n])))  # type: ignore[misc]
            yield some, answer
            start += len(some)

    def _judge(self, errors: Sequence[GraphqlError]) -> CollectError | None:
        unknown = {field for error in errors if (field := _unknown_field(error))}
        if too_old := unknown - OPTIONAL.keys():
            named = ", ".join(f"{on}.{name}" for on, name in sorted(too_old))
            return CollectError(f"{self.name}: this GitLab does not know {named}: version 15 or newer is needed")
        if unknown:
            return _LackingError(unknown)
        for error in errors:
            message = str(error.get("message"))
            if any(words in message.lower() for words in TOO_MUCH):
                return OverloadError(f"{self.name}: the query is too much for the server: {message}")
            if "valid cursor" in message:
                return ExpiredError(f"{self.name}: {message}")
            if "Internal server error" in message:
                return RetryableError(f"{self.name}: {message}: try again later")
            if not error.get("path"):
                return CollectError(f"{self.name}: the query was refused: {message}")
        return None


def address(name: str, url: str | None) -> str:
    """Where the server is, without the path of its API: `https://example.com/gitlab` where it is below a path."""
    text = (url or HOME).rstrip("/").removesuffix("/api/v4").removesuffix("/api/graphql").rstrip("/")
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
        shown = text.rpartition("@")[2]  # without user and password
        raise SettingsError(f"{name}: {shown!r} is no address of a server: write `url` as https://gitlab.example.com")
    return text


@contextmanager
def explained(what: str, read: str, needs: str = "the role Reporter") -> Iterator[None]:
    """Adds to a refused permission what the token needs, and how to do without."""
    try:
        yield
    except CollectError as error:
        is_refused = isinstance(error, HiddenError) or (type(error) is CollectError and ": 403 on " in str(error))
        if not is_refused:
            raise
        raise CollectError(
            f"{error}; to read {read} of {what}, the token needs the scope read_api and {needs} there: give it that, or"
            f' leave "{read}" out of `reads`'
        ) from error


def nodes(connection: Mapping[str, Any] | None) -> list[Any]:
    """The rows of a connection; those that could not be read are left out."""
    return [one for one in (connection or {}).get("nodes") or () if one]


def follower(connection: Mapping[str, Any] | None) -> str | None:
    """The cursor to go on with; None: the connection ends here."""
    page = (connection or {}).get("pageInfo") or {}
    return page.get("endCursor") if page.get("hasNextPage") else None


def number_of(node: Mapping[str, Any]) -> str:
    """A node's own number, as REST has it: `gid://gitlab/MergeRequest/7` and 7 are "7"."""
    return str(node["id"]).rpartition("/")[2]


def told(answer: Answer) -> tuple[str, ...]:
    """What the server said that it left out of an answer."""
    return tuple(sorted({str(error.get("message")) for error in answer.errors}))


def partly(answer: Answer) -> tuple[str, ...]:
    """Notes on what an answer lacks."""
    return tuple(f"GitLab left something out: {message}" for message in told(answer))


def _unknown_field(error: GraphqlError) -> tuple[str, str] | None:
    """The type and the field that the server does not know; None: the error is another."""
    more = error.get("extensions") or {}
    if more.get("code") == "undefinedField" and more.get("typeName") and more.get("fieldName"):
        return str(more["typeName"]), str(more["fieldName"])
    found = UNKNOWN_FIELD.match(str(error.get("message")))
    return (found[2], found[1]) if found else None


def _without(text: str, fields: Collection[tuple[str, str]]) -> str:
    """A query without the lines of these fields."""
    names = {name for _, name in fields}
    return "\n".join(line for line in text.splitlines() if line.strip().partition(" ")[0] not in names)
