"""Backstage: services, their owners and teams from the catalogue, and runs of templates from the scaffolder.

Reads:  GET /api/catalog/entities/by-query for all components, groups and users, 500 a page, at every look, as the
        catalogue cannot be asked for what has changed; a look at which nothing has lands nothing. What is missing in
        two looks one after the other is let go. GET /api/scaffolder/v2/tasks, newest first, 100 a page, down to what is
        known, and the events of each run that has ended, for its end and the component it made. What runs is read
        again; once a day the last week, as what failed may be tried again.
Needs:  the backend's address in `url`, and in DX_NAME__TOKEN a static token that may read the catalogue and the
        scaffolder: `backend.auth.externalAccess` in Backstage's app-config.yaml. Backstage 1.12 or newer.
Limits: The catalogue knows only what is there now: memberships are true from the first look on. A component goes by its
        name, one outside of the namespace `default` by NAMESPACE/NAME where another has its name. It does not know when
        a component was made. Its repository is that of `github.com/project-slug`, of GitLab's or Bitbucket's, else
        where `backstage.io/source-location` says, else where its descriptor is: give those a slug whose descriptor is
        kept apart from the code. A folder counts only where several components share a repository; a branch with a
        slash in its name is misread. A component of several owners belongs to the first group. What was typed into a
        template is not kept. Page views are not known to the backend.
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
from .settings import BackstageSettings
from .tasks import Tasks, platform_event

__all__ = ["Backstage", "BackstageSettings", "identity", "platform_event", "service", "team"]

TITLES = {"catalog": "services, teams and people", "scaffolder": "runs of templates"}


class Backstage(Collector):
    """One portal: its catalogue and its scaffolder, a scope each."""

    kind = "backstage"
    produces = (Service, Team, Identity, Membership, PlatformEvent)
    Settings: ClassVar[type[SourceSettings]] = BackstageSettings
    settings: BackstageSettings

    def __init__(self, name: str, settings: BackstageSettings, context: Context) -> None:
        super().__init__(name, settings, context)
        self._api = Api(name, settings, context)

    def scopes(self) -> Iterator[Scope]:
        """What is read of the portal."""
        yield from (Scope(part, TITLES[part]) for part in dict.fromkeys(self.settings.reads))

    def collect(self, scope: Scope, cursor: Cursor | None) -> Iterator[Page]:
        """The catalogue as a whole, or the runs that are new and those of history."""
        now = self.context.now()
        if scope.id == "catalog":
            yield from catalog.read(self._api, self.settings, cursor, now.date())
            return
        feed = Tasks(self._api, self.settings).feed()
        yield from walk([feed], cursor, now=now, may_go_back=self._api.client.budget.has_reserve)

    def close(self) -> None:
        """Let the connections go."""
        self._api.close()
