"""Port's API: how a token is asked for, and how entities and runs are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from dxmetrics.collectors import Context
from dxmetrics.errors import AuthError, CollectError, NotFoundError
from dxmetrics.http import Refreshed
from dxmetrics.http.refusal import token_variable

if TYPE_CHECKING:
    from .settings import PortSettings

HOME = "https://api.port.io"
OWN = re.compile(r"https://api\.((?:us\.)?(?:get)?port\.io)")
AT_ONCE = 500
USER_FIELDS = ("id", "email", "firstName", "lastName", "type")

Payload = Mapping[str, Any]


class Api:
    """The API with one pair of credentials."""

    def __init__(self, name: str, settings: PortSettings, context: Context) -> None:
        self.name = name
        self._settings = settings
        self._home = (settings.url or HOME).rstrip("/").removesuffix("/v1")
        self._door = settings.client(name, f"{self._home}/v1/", context)
        auth = Refreshed(self._granted, self._door.server_time, account=f"client {settings.client_id}")
        self.client = settings.client(name, f"{self._home}/v1/", context, auth=auth, concurrency=2)

    @property
    def pages(self) -> str | None:
        """Where people look at entities; None of a server that is not Port's own."""
        return OWN.sub(r"https://app.\1", self._home) if OWN.fullmatch(self._home) else None

    def blueprint(self, identifier: str, setting: str) -> Payload:
        """A blueprint, which `setting` names."""
        path = f"blueprints/{quote(identifier, safe='')}"
        try:
            found: Payload = self._part(path, self.client.json(path), "blueprint", Mapping)
        except NotFoundError as error:
            raise CollectError(
                f"{error}; no blueprint is called {identifier!r}: name yours in `{setting}` of [sources.{self.name}],"
                " by the identifier that Port's builder shows"
            ) from error
        return found

    def entities(self, blueprint: str, include: Sequence[str]) -> Iterator[Payload]:
        """Every entity of a blueprint, with these properties and relations."""
        path = f"blueprints/{quote(blueprint, safe='')}/entities/search"
        every = {"include": list(include), "limit": AT_ONCE}

        def read(mark: str | None) -> Payload:
            asked = {**every, **({"from": mark} if mark else {})}
            body: Payload = self.client.json(path, method="POST", json=asked, is_safe=True)
            self._part(path, body, "entities", list)
            return body

        for body in self.client.token_pages(read, lambda body: body.get("next")):
            yield from body["entities"]

    def accounts(self) -> Sequence[Payload]:
        """All accounts, which runs of actions name by their ids."""
        found: Sequence[Payload] = self._part(
            "users", self.client.json("users", {"fields": list(USER_FIELDS)}), "users", list
        )
        return found

    def runs(self, params: Payload) -> Payload:
        """A page of runs of actions, newest first."""
        path = "actions/runs"
        try:
            body: Payload = self.client.json(path, {"version": "v2", **params})
        except NotFoundError as error:
            raise CollectError(
                f'{error}; without actions leave them out: reads = ["catalog"] in [sources.{self.name}]'
            ) from error
        self._part(path, body, "runs", list)
        return body

    def run(self, key: str) -> Payload:
        """One run of an action; NotFoundError where it is gone."""
        path = f"actions/runs/{quote(key, safe='')}"
        found: Payload = self._part(path, self.client.json(path, {"version": "v2"}), "run", Mapping)
        return found

    def close(self) -> None:
        """Let the connections go."""
        self._door.close()
        self.client.close()

    def _granted(self) -> tuple[str, datetime]:
        """A new token, and when it ends: three hours later."""
        secret, client = self._settings.token, self._settings.client_id
        remedy = (
            f"Port shows them at `...`, Credentials: set `client_id` and, in {token_variable(self.name)}, the secret"
        )
        if secret is None:
            raise AuthError(f"{self.name}: there is no client secret; {remedy}")
        asked = {"clientId": client, "clientSecret": secret.get_secret_value().strip()}
        try:
            body = self._door.json("auth/access_token", method="POST", json=asked, is_safe=True)
        except (AuthError, NotFoundError) as error:
            raise AuthError(
                f"{self.name}: {self._home} refuses the credentials of client {client!r}; {remedy}, or correct `url`:"
                " one region does not know those of another"
            ) from error
        token = self._part("auth/access_token", body, "accessToken", str)
        return str(token), self._door.server_time() + timedelta(seconds=float(body.get("expiresIn") or 0))

    def _part(self, path: str, body: Any, name: str, kind: type) -> Any:
        if not isinstance(body, Mapping) or not isinstance(body.get(name), kind):
            raise CollectError(f"{self.name}: {path} answers without {name!r}: its form has changed")
        return body[name]
