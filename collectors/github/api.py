"""Asking GitHub: where, and what its errors mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

from dxmetrics.collectors.feeds import ExpiredError
from dxmetrics.errors import CollectError, NotFoundError, OverloadError, RetryableError, SettingsError
from dxmetrics.http import Answer, Client, PageSize, with_size

from . import queries
from .queries import Below

Node = dict[str, Any]
T = TypeVar("T")

AT_ONCE = 100  # rows of a page, and ids in one query
RESTS_AT_ONCE = 50  # connections that are read on in one query
TOO_MUCH = (
    "something went wrong while executing your query", "timedout", "timeout", "couldn't respond to your request",
)  # fmt: skip
TOO_MUCH_KINDS = frozenset({"MAX_NODE_LIMIT_EXCEEDED", "RESOURCE_LIMITS_EXCEEDED"})
PASSING_KINDS = frozenset({"SERVICE_UNAVAILABLE", "INTERNAL", "STALE_DATA"})
PARTIAL_KINDS = frozenset({"NOT_FOUND", "FORBIDDEN"})  # a part is left out of an answer that is good otherwise
# What a token needs to see a connection, and the word of `reads` to leave out if it shall not.
PERMISSIONS = {
    "pullRequests": ("pull requests", "changes"),
    "deployments": ("deployments", "deployments"),
    "releases": ("contents", "releases"),
    "issues": ("issues", "issues"),
    "teams": ("members of the organisation (scope read:org)", "teams"),
    "repositories": ("it, or correct `organisations`", None),
}


@dataclass(frozen=True)
class Addresses:
    """Where the API of a server is: github.com, a tenant on ghe.com, or an Enterprise Server."""

    rest: str
    graphql: str

    @classmethod
    def of(cls, url: str | None) -> Addresses:
        """The addresses for the `url` of the settings."""
        parts = urlsplit(url or "https://github.com")
        if not parts.hostname:
            raise SettingsError(f"url = {url!r} is not an address: write it as https://github.example.com")
        host = parts.netloc.removeprefix("www.").removeprefix("api.")
        if host == "github.com" or host.endswith(".ghe.com"):
            return cls(f"{parts.scheme}://api.{host}", f"{parts.scheme}://api.{host}/graphql")
        base = f"{parts.scheme}://{parts.netloc}/api"
        return cls(f"{base}/v3", f"{base}/graphql")


class Api:
    """GitHub as one owner's repositories are read: with the token, or with the App's installation there."""

    def __init__(self, name: str, client: Client, graphql: str) -> None:
        self.name = name
        self.client = client
        self._graphql = graphql

    def query(self, text: str, **variables: Any) -> Answer:
        """The answer to a query; what it could not give of it is in its `errors`."""
        return self.client.graphql(text, variables, url=self._graphql, judge=self._judge)

    def pages(self, text: str, path: Sequence[str], what: str, **variables: Any) -> Iterator[tuple[list[Node], Answer]]:
        """The nodes of the connection at `path` of a query for `$n` rows, page after page, with the whole answers."""
        size = PageSize(AT_ONCE)
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

    def by_id(self, text: str, ids: Sequence[str]) -> Iterator[tuple[Node, datetime | None]]:
        """Nodes by their ids, many at a time; those that are gone are left out."""
        for _, answer in self._in_parts(ids, AT_ONCE, lambda some: self.query(text, ids=list(some))):
            yield from ((node, answer.served_at) for node in answer.data.get("nodes") or () if node)

    def complete(self, below: Sequence[tuple[Node, Below]]) -> None:
        """Read to their end those connections that have more rows than their node came with, many at a time."""
        short = [(node, part) for node, part in below if follower(node.get(part.name))]
        while short:
            for some, answer in self._in_parts(short, RESTS_AT_ONCE, self._rest):
                for place, (node, part) in enumerate(some):
                    rest = (answer.data.get(f"r{place}") or {}).get(part.name)
                    if rest is None:
                        raise CollectError(
                            f"{self.name}: {part.on} {node['id']} was gone before all its {part.name} were read: the"
                            " next collection reads it again"
                        )
                    node[part.name] |= {"nodes": [*nodes(node[part.name]), *nodes(rest)], "pageInfo": rest["pageInfo"]}
            short = [(node, part) for node, part in short if follower(node[part.name])]

    def at(self, answer: Answer, path: Sequence[str], what: str) -> Any:
        """What stands at `path` of an answer about `what`; CollectError says why nothing does, and what to do."""
        found: Any = answer.data
        for part in path:
            found = (found or {}).get(part)
        if found is not None:
            return found
        permission, read = PERMISSIONS.get(path[-1], (path[-1], None))
        said = "; ".join(dict.fromkeys(str(error.get("message")) for error in answer.errors))
        remedy = f"give the token read access to {permission}" + (f', or leave "{read}" out of `reads`' if read else "")
        kind = CollectError if any(error.get("type") == "FORBIDDEN" for error in answer.errors) else NotFoundError
        raise kind(f"{self.name}: {what}: {said or 'it is not there, or the token may not see it'}: {remedy}")

    def _rest(self, some: Sequence[tuple[Node, Below]]) -> Answer:
        variables: dict[str, Any] = {}
        for place, (node, part) in enumerate(some):
            variables |= {f"i{place}": node["id"], f"a{place}": follower(node[part.name])}
        return self.query(queries.rest([part for _, part in some]), **variables)

    def _in_parts(
        self, items: Sequence[T], most: int, ask: Callable[[Sequence[T]], Answer]
    ) -> Iterator[tuple[Sequence[T], Answer]]:
        """Some of the items at a time, fewer after each answer that was too much, and the answers."""
        size = PageSize(min(most, len(items)), floor=1)
        start = 0
        while start < len(items):
            left = items[start:]
            some, answer = with_size(size, lambda n, left=left: (left[:n], ask(left[:n])))  # type: ignore[misc]
            yield some, answer
            start += len(some)

    def _judge(self, errors: Sequence[Mapping[str, Any]]) -> CollectError | None:
        """What errors in an answer mean; None: the rest of it is good."""
        for error in errors:
            kind, message = str(error.get("type") or ""), str(error.get("message") or "")
            if kind in TOO_MUCH_KINDS or any(words in message.lower() for words in TOO_MUCH):
                return OverloadError(f"{self.name}: the query is too much for the server: {message}")
            if kind == "INVALID_CURSOR_ARGUMENTS" or "valid cursor" in message:
                return ExpiredError(f"{self.name}: {message}")
            if kind in PASSING_KINDS:
                return RetryableError(f"{self.name}: {message}: try again later")
            if "SAML" in message:
                return CollectError(
                    f"{self.name}: {message}: authorise the token for the organisation's single sign-on, where it was"
                    " created"
                )
            if kind == "INSUFFICIENT_SCOPES":
                return CollectError(
                    f"{self.name}: {message}: give the token that scope, or leave out of `reads` what needs it"
                )
            if kind not in PARTIAL_KINDS and not error.get("path"):
                return CollectError(f"{self.name}: the query was refused: {message}")
        return None


def nodes(connection: Mapping[str, Any] | None) -> list[Any]:
    """The rows of a connection; those that could not be read are left out."""
    return [one for one in (connection or {}).get("nodes") or () if one]


def number_of(node: Mapping[str, Any]) -> str:
    """A node's own number, as REST has it; its id where GitHub gives none, as for one that 32 bits do not hold."""
    return str(node.get("databaseId") or node["id"])


def follower(connection: Mapping[str, Any] | None) -> str | None:
    """The cursor to go on with; None: the connection ends here."""
    page = (connection or {}).get("pageInfo") or {}
    return page.get("endCursor") if page.get("hasNextPage") else None


def partly(answer: Answer) -> tuple[str, ...]:
    """Notes on what an answer lacks."""
    told = {str(error.get("message")) for error in answer.errors if error.get("type") != "NOT_FOUND"}
    return tuple(f"GitHub left something out: {message}" for message in sorted(told))
