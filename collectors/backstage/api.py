"""Backstage's backend: how it is asked, and what a refusal lacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dxmetrics.collectors import Context
from dxmetrics.errors import AuthError, CollectError, NotFoundError
from dxmetrics.http import Bearer

if TYPE_CHECKING:
    from .settings import BackstageSettings

AT_ONCE = 500
ACCESS = "backend.auth.externalAccess: [{type: static, options: {token: SECRET, subject: dxmetrics}}]"

Payload = Mapping[str, Any]


class Api:
    """The backend with one token."""

    def __init__(self, name: str, settings: BackstageSettings, context: Context) -> None:
        self.name = name
        token = settings.token
        auth = Bearer(token.get_secret_value()) if token else None
        self.client = settings.client(name, f"{settings.url.rstrip('/')}/api/", context, auth=auth, concurrency=2)

    def get(self, path: str, params: Payload | None = None) -> Any:
        """What stands at `path`, such as `catalog/entities`; an error says what makes a token that may read it."""
        try:
            return self.client.json(path, params)
        except AuthError as error:
            raise AuthError(f"{error}; a line of Backstage's app-config.yaml makes one: {ACCESS}") from error
        except CollectError as error:
            if type(error) is not CollectError or ": 403 on " not in str(error):
                raise
            plugin = path.partition("/")[0]
            raise CollectError(
                f"{error}; in Backstage's app-config.yaml let `accessRestrictions` of the token name the plugin"
                f" {plugin}, or take them out"
            ) from error

    def entities(self, kinds: Sequence[str], fields: Sequence[str]) -> Iterator[Payload]:
        """Every entity of these kinds, with these fields, in the order of their ids."""
        # The filter is in the cursor. Limit and fields are not: without them 20 entities come, with all they have.
        every = {"limit": AT_ONCE, "fields": ",".join(fields)}
        first = {"filter": [f"kind={kind}" for kind in kinds]}

        def read(cursor: str | None) -> Payload:
            return self._listed({**every, **({"cursor": cursor} if cursor else first)})

        for body in self.client.token_pages(read, lambda body: (body.get("pageInfo") or {}).get("nextCursor")):
            yield from body["items"]

    def _listed(self, params: Payload) -> Payload:
        path = "catalog/entities/by-query"
        try:
            body = self.get(path, params)
        except NotFoundError as error:
            raise CollectError(
                f"{error}; there is none before Backstage 1.12 (March 2023): bring it up to date, or correct `url`,"
                " which is to be that of the backend"
            ) from error
        if not isinstance(body, Mapping) or not isinstance(body.get("items"), list):
            raise CollectError(f"{self.name}: {path} answers without a list of 'items': its form has changed")
        return body

    def close(self) -> None:
        """Let the connections go."""
        self.client.close()
