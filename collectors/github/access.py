"""As whom GitHub is asked: with a token, or as an App with the token of its installation at each owner."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from dxmetrics.errors import AuthError, NotFoundError, SettingsError
from dxmetrics.http import Bearer, Refreshed, signed_jwt

from .api import Addresses, Api

if TYPE_CHECKING:
    import httpx2

    from dxmetrics.collectors import Context

    from .settings import GitHubSettings

HEADERS = {"accept": "application/vnd.github+json", "x-github-api-version": "2022-11-28"}
CONCURRENCY = 4  # GitHub asks for few requests at a time; its limit is seconds of its own work
LONG_ENOUGH = timedelta(minutes=20)  # what a token must have left to begin a clone with


class Access:
    """Makes an `Api` for each owner: all the same with a token, one per installation with an App."""

    def __init__(self, name: str, settings: GitHubSettings, context: Context) -> None:
        self.name = name
        self.settings = settings
        self.context = context
        self._addresses = Addresses.of(settings.url)
        self._app = settings.client(name, self._addresses.rest, context, headers=HEADERS)
        self._apis: dict[str, Api] = {}
        self._tokens: dict[str, tuple[str, datetime]] = {}
        self._lock = threading.Lock()

    def of(self, owner: str) -> Api:
        """The API for one owner's repositories."""
        key = owner.lower() if self.settings.app_id else ""
        with self._lock:
            if key not in self._apis:
                self._apis[key] = self._made(key)
            return self._apis[key]

    def token(self, owner: str) -> str | None:
        """A token to clone one owner's repositories with."""
        if not self.settings.app_id:
            return self.settings.token.get_secret_value() if self.settings.token else None
        key = owner.lower()
        token, ends_at = self._tokens.get(key) or self._installed(key)
        if ends_at - self._app.server_time() < LONG_ENOUGH:
            token, _ = self._installed(key)
        return token

    def close(self) -> None:
        """Let the connections go."""
        for client in (self._app, *(api.client for api in self._apis.values())):
            client.close()

    def _made(self, owner: str) -> Api:
        auth: httpx2.Auth
        if self.settings.app_id:
            account = f"app {self.settings.app_id} at {owner}"
            auth = Refreshed(partial(self._installed, owner), self._app.server_time, account=account)
        elif self.settings.token:
            auth = Bearer(self.settings.token.get_secret_value())
        else:
            variable = f"DX_{self.name.upper().replace('-', '_')}__TOKEN"
            raise AuthError(f"{self.name}: there is no token: create one with read access and set {variable}")
        client = self.settings.client(
            self.name, self._addresses.rest, self.context, auth=auth, headers=HEADERS, concurrency=CONCURRENCY
        )
        return Api(self.name, client, self._addresses.graphql)

    def _installed(self, owner: str) -> tuple[str, datetime]:
        """A new token of the App's installation at an owner, and when it ends: an hour later."""
        app, number = self.settings.app_id, self.settings.installation_id
        try:
            number = number or self._as_app("GET", f"users/{owner}/installation")["id"]
            made = self._as_app("POST", f"app/installations/{number}/access_tokens")
        except NotFoundError as error:
            raise AuthError(
                f"{self.name}: App {app} is not installed at {owner}"
                + (f" as {number}" if number else "")
                + ": install it there, or correct `app_id` and `installation_id`"
            ) from error
        self._tokens[owner] = made["token"], datetime.fromisoformat(made["expires_at"])
        return self._tokens[owner]

    def _as_app(self, method: str, path: str) -> Any:
        """An answer to the App itself. It is asked for twice where it is refused: the refusal tells the server's time,
        which the signature must have."""
        for _ in range(2):
            signed = signed_jwt(self._private_key(), str(self.settings.app_id), self._app.server_time)
            headers = {"authorization": f"Bearer {signed}"}
            try:
                return self._app.json(path, method=method, headers=headers, is_safe=True)
            except AuthError as error:
                refused = error
        raise AuthError(
            f"{self.name}: GitHub refuses the key of App {self.settings.app_id}: check `app_id`, or make a new private"
            " key"
        ) from refused

    def _private_key(self) -> str:
        if self.settings.private_key:
            return self.settings.private_key.get_secret_value()
        file = self.context.project_folder / (self.settings.private_key_file or "")
        try:
            return file.read_text(encoding="utf-8")
        except OSError as error:
            raise SettingsError(f"[sources.{self.name}] private_key_file = {str(file)!r}: {error.strerror}") from error
