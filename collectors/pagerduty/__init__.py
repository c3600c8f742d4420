"""PagerDuty: incidents, services and teams of an account.

Reads:  GET /log_entries?is_overview=true of the whole account, 100 a page, for what has changed, with the incidents;
        GET /incidents, newest first, 100 a page, in windows of at most 170 days. A look at which nothing is new takes
        two requests. An incident that is older than the last look takes one when it changes: its own log, which tells
        when it was first acknowledged. History takes about 60 requests for 1,000 incidents: 10 for the list, the rest
        for the log, and one for each that lasted more than a day. Once a day the last 14 days again, GET /services and
        GET /teams.
Needs:  a read-only API key of the account, in DX_NAME__TOKEN; for an account in the EU `url`. `services` and `teams`
        narrow what is read: with both, an incident has to be of both. A V3 webhook subscription for incidents
        (triggered, acknowledged, unacknowledged, resolved, reopened, priority and service updated) makes it look at
        once; polling stays the guarantee.
Limits: 960 requests a minute and key. Severity is told by priorities called P1 to P5 or SEV1 to SEV5, others by
        `severities`; without a priority it is unknown, as urgency is none. What was merged into another incident is
        kept as an alert of that, and does not count. A new title or priority is seen within a day, and later than two
        weeks after the incident only with its next change. A service goes by its name: after a renaming, incidents
        older than two weeks keep the former one. Of several teams an incident or service belongs to the first. Who was
        on call, who acknowledged and who is in a team is not read. More than 10,000 incidents a day cannot be listed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, ClassVar

from dxmetrics.collectors import Collector, Context, Cursor, Page, Scope, SourceSettings
from dxmetrics.collectors.feeds import walk
from dxmetrics.errors import SettingsError
from dxmetrics.records import Incident, Link, Service, Team

from .api import Api
from .incidents import Incidents, incident, link
from .services import Selection, selected, service, services, team
from .settings import PagerDutySettings
from .webhook import WEBHOOK

__all__ = ["PagerDuty", "PagerDutySettings", "incident", "link", "service", "team"]


class PagerDuty(Collector):
    """The incidents of one account, or of those services and teams of it that are named: one scope."""

    kind = "pagerduty"
    produces = (Incident, Link, Service, Team)
    webhook = WEBHOOK
    Settings: ClassVar[type[SourceSettings]] = PagerDutySettings

    def __init__(self, name: str, settings: SourceSettings, context: Context) -> None:
        super().__init__(name, settings, context)
        if not isinstance(settings, PagerDutySettings):
            raise SettingsError(
                f"source {name!r}: settings of kind pagerduty are wanted, not {type(settings).__name__}"
            )
        self._settings = settings
        self._api = Api(name, settings, context)
        self._selections: dict[str, Selection] = {}

    def scopes(self) -> Iterator[Scope]:
        """The account; what is selected of it is a scope of its own, as its history is another."""
        selection = selected(self._api, self._settings)
        names = ", ".join([*selection.services.values(), *selection.teams.values()])
        ids = [*sorted(selection.services), *sorted(selection.teams)]
        scope = Scope("+".join(["account", *ids]), f"incidents of {names or 'the account'}")
        self._selections = {scope.id: selection}
        yield scope

    def collect(self, scope: Scope, cursor: Cursor | None) -> Iterator[Page]:
        """Pages of what is new, and of history."""
        settings, now, selection = self._settings, self.context.now(), self._selections[scope.id]
        incidents = Incidents(self._api, selection, settings.since_instant, settings.severities)
        state: dict[str, Any] = dict(cursor or {})
        if "first_at" not in state:
            state["first_at"] = incidents.first_at().isoformat()
        yield from walk(
            [services(self._api, selection, now), *incidents.feeds()],
            state,
            now=now,
            born=datetime.fromisoformat(state["first_at"]),
            since=settings.since_instant,
            may_go_back=self._api.client.budget.has_reserve,
        )

    def close(self) -> None:
        """Let the connections go."""
        self._api.close()
