"""Asking GitHub: where, as whom, and what its errors mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dxmetrics.collectors.feeds import ExpiredError
from dxmetrics.errors import AuthError, CollectError, NotFoundError, OverloadError, RetryableError, SettingsError
from dxmetrics.http import Answer, Bearer, Client, Refreshed, signed_jwt

if TYPE_CHECKING:
    from dxmetrics.collectors import Context

    from .settings import GitHubSettings

HEADERS = {"accept": "application/vnd.github+json", "x-github-api-version": "2022-11-28"}
CONCURRENCY = 4  # GitHub asks for few requests at a time; its limit is seconds of its own work
AT_ONCE = 100  # ids in one query
MEANINGS = {
    "NOT_FOUND": "it is not there, or the token may not see it",
    "FORBIDDEN": "the token may not read this: give it read access, or leave it out of `reads`",
    "INSUFFICIENT_SCOPES": "the token lacks a scope: give it, or leave this out of `reads`",
}
TOO_MUCH = (
    "something went wrong while executing your query",
    "timedout",
    "timeout",
    "couldn't respond to your request",
)


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
        host = parts.netloc.removeprefix("api.")
        if parts.hostname == "github.com" or parts.hostname.endswith((".github.com", ".ghe.com")):
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

    def connection(self, text: str, path: Sequence[str], **variables: Any) -> Iterator[Any]:
        """The nodes of one connection, page after page; NotFoundError where there is nothing on the way to it."""
        after: str | None = None
        seen: set[str] = set()
        while True:
            found = within(self.query(text, after=after, **variables).data, path, self.name, variables)
            yield from (node for node in found["nodes"] or () if node)
            after = found["pageInfo"]["endCursor"] if found["pageInfo"]["hasNextPage"] else None
            if after is None:
                return
            if after in seen:
                raise CollectError(f"{self.name}: cursor {after!r} comes again: paging is in a loop")
            seen.add(after)

    def by_id(self, text: str, ids: Sequence[str]) -> Iterator[tuple[Any, datetime | None]]:
        """Nodes by their ids, a hundred at a time; those that are gone are left out."""
        for start in range(0, len(ids), AT_ONCE):
            answer = self.query(text, ids=list(ids[start : start + AT_ONCE]))
            yield from ((node, answer.served_at) for node in answer.data["nodes"] or () if node)

    def _judge(self, errors: Sequence[Mapping[str, Any]]) -> CollectError | None:
        """What errors in an answer mean; None: the rest of it is good (a node that is gone, a field not allowed)."""
        for error in errors:
            kind, message = str(error.get("type") or ""), str(error.get("message") or "")
            if any(words in message.lower() for words in TOO_MUCH) or kind in {
                "MAX_NODE_LIMIT_EXCEEDED",
                "RESOURCE_LIMITS_EXCEEDED",
            }:
                return OverloadError(f"{self.name}: the query is too much for the server: {message}")
            if kind == "INVALID_CURSOR_ARGUMENTS" or "valid cursor" in message:
                return ExpiredError(f"{self.name}: {message}")
            if kind in {"SERVICE_UNAVAILABLE", "INTERNAL", "STALE_DATA"}:
                return RetryableError(f"{self.name}: {message}: try again later")
            if "SAML" in message:
                return CollectError(
                    f"{self.name}: {message}: authorise the token for the organisation's single sign-on"
                )
            if kind not in MEANINGS and not error.get("path"):
                return CollectError(f"{self.name}: the query was refused: {message}")
        return None


def within(data: Any, path: Sequence[str], name: str, variables: Mapping[str, Any]) -> Any:
    """What stands at a path of an answer; NotFoundError where a part is null: gone, renamed away, or not allowed."""
    for part in path:
        data = (data or {}).get(part)
    if data is None:
        what = "/".join(str(variables[one]) for one in ("owner", "name") if one in variables) or " ".join(path)
        raise NotFoundError(
            f"{name}: {what}: {path[-1]}: {MEANINGS['NOT_FOUND']}: give it read access, or leave this out of `reads`"
        )
    return data


def partly(answer: Answer) -> tuple[str, ...]:
    """Notes on what an answer lacks."""
    told = {f"{error.get('message')}" for error in answer.errors if error.get("type") != "NOT_FOUND"}
    return tuple(f"GitHub left something out: {message}" for message in sorted(told))


class Access:
    """Makes an `Api` for each owner: all the same with a token, one per installation with an App."""

    def __init__(self, name: str, settings: GitHubSettings, context: Context) -> None:
        self.name = name
        self.settings = settings
        self.context = context
        self.addresses = Addresses.of(settings.url)
        self._apis: dict[str, Api] = {}

    def close(self) -> None:
        """Let the connections go."""
        for api in self._apis.values():
            api.client.close()

    def of(self, owner: str) -> Api:
        """The API for one owner's repositories."""
        key = owner.lower() if self.settings.app_id else ""
        if key not in self._apis:
            self._apis[key] = self._made(owner)
        return self._apis[key]

    def token(self, owner: str) -> str | None:
        """A token to clone with; None: none is configured."""
        if self.settings.app_id:
            return self._installation(owner)[0]
        return self.settings.token.get_secret_value() if self.settings.token else None

    def _made(self, owner: str) -> Api:
        if self.settings.app_id:
            app = f"app {self.settings.app_id} at {owner.lower()}"
            auth: Any = Refreshed(lambda: self._installation(owner), self.context.now, account=app)
        elif self.settings.token:
            auth = Bearer(self.settings.token.get_secret_value())
        else:
            variable = f"DX_{self.name.upper().replace('-', '_')}__TOKEN"
            raise AuthError(f"{self.name}: there is no token: create one with read access and set {variable}")
        client = self.settings.client(
            self.name, self.addresses.rest, self.context, auth=auth, headers=HEADERS, concurrency=CONCURRENCY
        )
        return Api(self.name, client, self.addresses.graphql)

    def _installation(self, owner: str) -> tuple[str, datetime]:
        """A token of the App's installation at an owner, and when it ends (an hour later)."""
        key, app = self._private_key(), str(self.settings.app_id)
        client = self.settings.client(self.name, self.addresses.rest, self.context, headers=HEADERS)
        try:
            signed = {"authorization": f"Bearer {signed_jwt(key, app, self._server_time(client))}"}
            try:
                found = client.json(f"users/{owner}/installation", headers=signed)
            except NotFoundError as error:
                raise AuthError(f"{self.name}: App {app} is not installed at {owner}: install it there") from error
            except AuthError as error:
                raise AuthError(
                    f"{self.name}: GitHub refuses the key of App {app}: check `app_id`, and make a new private key"
                ) from error
            made = client.json(
                f"app/installations/{found['id']}/access_tokens", method="POST", headers=signed, is_safe=True
            )
        finally:
            client.close()
        return made["token"], datetime.fromisoformat(made["expires_at"])

    def _server_time(self, client: Client) -> Callable[[], datetime]:
        return client.server_time

    def _private_key(self) -> str:
        if self.settings.private_key:
            return self.settings.private_key.get_secret_value()
        file = self.context.project_folder / (self.settings.private_key_file or "")
        try:
            return file.read_text(encoding="utf-8")
        except OSError as error:
            raise SettingsError(f"[sources.{self.name}] private_key_file = {str(file)!r}: {error.strerror}") from error
