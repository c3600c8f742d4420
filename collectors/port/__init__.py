"""Port: services, their owners and teams from the catalogue, and runs of self-service actions.

Reads:  GET /v1/blueprints/BLUEPRINT for which properties there are, then POST /v1/blueprints/BLUEPRINT/entities/search
        for all services, teams and people, 500 a page, at every look, as the catalogue cannot be asked for what has
        changed; a look at which nothing has lands nothing. What is missing in two looks one after the other is let go.
        GET /v1/users, for which account asked for a run. GET /v1/actions/runs, newest first, 100 a page, down to what
        is known; what has not ended is read again for 30 days.
Needs:  credentials of Port: `client_id`, and the client secret in DX_NAME__TOKEN (Port shows both at `...`,
        Credentials); a token is asked for with them every three hours. In the United States `url`. `services` names the
        blueprints of services (Port's own is `service`, in newer accounts `_service`), and a setting each what of them
        means what.
Limits: The catalogue knows only what is there now: memberships are true from the first look on. When a service was made
        is known only where `created_at` names a property that tells it, as an entity may be entered years later. A
        service of several teams belongs to the first. A run tells the service it was asked for at, not the one that it
        makes. Runs of automations are left out, as nobody asked for them. What was typed into an action is not kept. A
        repository that is named as org/name is found with `repository_host`. Where the API gives no mark for the next
        page, the newest 1,000 runs are all there is. Page views are not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from dxmetrics.collectors import Collector, Context, Cursor, Page, Scope, SourceSettings
from dxmetrics.collectors.feeds import walk
from dxmetrics.records import Identity, Membership, PlatformEvent, Service, Team

from . import catalog
from .api import Api
from .catalog import identity, service, team
from .runs import Runs, platform_event
from .settings import PortSettings

__all__ = ["Port", "PortSettings", "identity", "platform_event", "service", "team"]

TITLES = {"catalog": "services, teams and people", "actions": "runs of actions"}


class Port(Collector):
    """One account: its catalogue and its actions, a scope each."""

    kind = "port"
    produces = (Service, Team, Identity, Membership, PlatformEvent)
    Settings: ClassVar[type[SourceSettings]] = PortSettings
    settings: PortSettings

    def __init__(self, name: str, settings: PortSettings, context: Context) -> None:
        super().__init__(name, settings, context)
        self._api = Api(name, settings, context)

    def scopes(self) -> Iterator[Scope]:
        """What is read of the account."""
        yield from (Scope(part, TITLES[part]) for part in dict.fromkeys(self.settings.reads))

    def collect(self, scope: Scope, cursor: Cursor | None) -> Iterator[Page]:
        """The catalogue as a whole, or the runs that are new and those of history."""
        now = self.context.now()
        if scope.id == "catalog":
            yield from catalog.read(self._api, self.settings, cursor, now.date())
            return
        feed = Runs(self._api, self.settings, now).feed()
        yield from walk([feed], cursor, now=now, may_go_back=self._api.client.budget.has_reserve)

    def close(self) -> None:
        """Let the connections go."""
        self._api.close()
