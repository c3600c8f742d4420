"""OpenCost: what the workloads of Kubernetes clusters cost, by day.

Reads:  GET /allocation in daily steps, aggregated as `service` and `team` say, with idle capacity: one request for each
        week. Days count once they are over (UTC). A week is read again once a day until seven days after its end, as
        costs are restated when the cloud's bill is known; then no more. A look at which nothing is due asks nothing.
Needs:  `url` of OpenCost's API (port 9003, not that of its page), `since`; behind a proxy that wants one a bearer token
        in DX_NAME__TOKEN. `service` and `team` say by which label, annotation or namespace a workload's owner is known.
Limits: History is what OpenCost's Prometheus keeps; of a day of which it tells nothing any more, what was read stays.
        `__idle__` and unmounted volumes are shared by all, `__unallocated__` is of nobody. What a cloud bill tells of
        too counts twice: leave the cluster's machines out of one of the two.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, SecretStr

from dxmetrics.collectors import Collector, Context, Cursor, Interval, Page, Scope, SourceSettings
from dxmetrics.collectors.hosts import ApiSettings
from dxmetrics.errors import CollectError, NotFoundError, PayloadError, SettingsError
from dxmetrics.http import Bearer
from dxmetrics.records import CostLine, Record

DAY, WEEK = timedelta(days=1), timedelta(days=7)
RESTATED = timedelta(days=7)  # how long after its end a week is read again
IDLE, UNALLOCATED, UNMOUNTED = "__idle__", "__unallocated__", "__unmounted__"
CATEGORIES = {IDLE: "idle", UNMOUNTED: "unmounted"}
DATE = re.compile(r"\d{4}-\d{2}-\d{2}T")
ASPECT = re.compile(r"namespace|service|deployment|statefulset|(label|annotation):[A-Za-z0-9_./-]+")

Payload = Mapping[str, Any]


def _aspect(text: str) -> str:
    if not ASPECT.fullmatch(text):
        raise ValueError("is not namespace, service, deployment, statefulset, label:NAME or annotation:NAME")
    return text


class OpencostSettings(ApiSettings):
    """Which OpenCost is read, and how it is known whose a workload is."""

    url: Annotated[str, Field(min_length=1)] = Field(
        description="address of OpenCost's API, such as http://opencost.opencost:9003"
    )
    webhook_secret: SecretStr | None = Field(default=None, description="not used: OpenCost has no webhooks")
    since: date = Field(description="the first day that is read; before it Prometheus kept nothing, or it is of no use")
    service: Annotated[str, AfterValidator(_aspect)] = Field(
        default="label:app.kubernetes.io/name",
        description="what names the service of a workload: label:NAME, annotation:NAME, namespace, service, deployment"
        " or statefulset",
    )
    team: Annotated[str, AfterValidator(_aspect)] | None = Field(
        default=None, description="the same for the team: label:team; left out: the service's team"
    )
    shared: tuple[str, ...] = Field(
        default=(), description="services that all share, by their names (* and ? allowed): ingress-*"
    )
    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$", description="the currency OpenCost is set up with")


@dataclass(frozen=True)
class Week:
    """A week from Monday on, as far as it is wanted and over: `until` is the first day after it."""

    monday: date
    since: date
    until: date

    @property
    def scope(self) -> Scope:
        """Its scope, the same every time."""
        return Scope(self.monday.isoformat(), f"week {self.monday:%G-W%V}")

    @property
    def days(self) -> Sequence[date]:
        """Its days, the earliest first."""
        return [self.since + number * DAY for number in range((self.until - self.since).days)]


class Opencost(Collector):
    """One scope for each week."""

    kind = "opencost"
    produces = (CostLine,)
    Settings: ClassVar[type[SourceSettings]] = OpencostSettings

    def __init__(self, name: str, settings: SourceSettings, context: Context) -> None:
        super().__init__(name, settings, context)
        if not isinstance(settings, OpencostSettings):
            raise SettingsError(f"source {name!r}: settings of kind opencost are wanted, not {type(settings).__name__}")
        self._settings = settings
        auth = Bearer(settings.token.get_secret_value()) if settings.token else None
        # Prometheus answers each of these from days of samples: one at a time.
        self._client = settings.client(name, settings.url, context, auth=auth, concurrency=1)

    def scopes(self) -> Iterator[Scope]:
        """The weeks with a day that is over, the newest first."""
        yield from (week.scope for week in self._weeks().values())

    def collect(self, scope: Scope, cursor: Cursor | None) -> Iterator[Page]:
        """The week, where it is due: once a day, and no more when it is not restated any more."""
        week, before = self._weeks()[scope.id], cursor or {}
        today = self._today
        if "settled_on" in before or before.get("read_on") == today.isoformat():
            return
        told = self._told(week)
        known = {day: names for day, names in before.get("names", {}).items() if not told[date.fromisoformat(day)]}
        present = [f"{day}/{name}" for day, names in known.items() for name in names]
        names = known | {day.isoformat(): [row["name"] for row in rows] for day, rows in told.items() if rows}
        is_settled = today >= week.monday + WEEK + RESTATED
        yield Page(
            rows={CostLine: [row for rows in told.values() for row in rows]},
            cursor={"settled_on": today.isoformat()} if is_settled else {"read_on": today.isoformat(), "names": names},
            covers=_covers([date.fromisoformat(day) for day in names], week.until),
            snapshot=True,
            is_last=True,
            # What Prometheus does not keep any more was charged all the same.
            present={CostLine: present} if present else {},
            notes=tuple(_notes(week, names, known)),
        )

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()

    @property
    def _today(self) -> date:
        return self.context.now().astimezone(UTC).date()

    def _weeks(self) -> dict[str, Week]:
        """The weeks by their scopes, the newest first."""
        today, since = self._today, self._settings.since
        monday = today - today.weekday() * DAY
        found = {}
        while monday + WEEK > since:
            week = Week(monday, max(monday, since), min(monday + WEEK, today))
            if week.days:
                found[week.scope.id] = week
            monday -= WEEK
        return found

    def _told(self, week: Week) -> Mapping[date, list[Payload]]:
        """The payloads of each day; none of one without data."""
        aspects = [aspect for aspect in (self._settings.service, self._settings.team) if aspect]
        params = {
            "window": f"{week.since}T00:00:00Z,{week.until}T00:00:00Z",
            "aggregate": ",".join(aspects),
            "step": "1d",
            "accumulate": "false",
            "includeIdle": "true",
        }
        told: dict[date, list[Payload]] = {day: [] for day in week.days}
        for step in self._steps(params):
            for name, allocation in (step or {}).items():
                day = _day(allocation)
                if day not in told:
                    raise CollectError(f"{self.name}: {name!r} is of {day or 'no day'}, asked was {params['window']}")
                told[day].append(self._payload(day, name, allocation))
        return told

    def _steps(self, params: Mapping[str, str]) -> Sequence[Payload | None]:
        """The allocations by name, of each day; CollectError where the answer has none."""
        try:
            found = self._client.json("allocation", params)
        except NotFoundError as error:
            raise NotFoundError(f"{error}: set url in [sources.{self.name}] to OpenCost's API, port 9003") from error
        data = found.get("data") if isinstance(found, dict) else None
        if not isinstance(data, list):
            said = found.get("message") if isinstance(found, dict) else found
            raise CollectError(f"{self.name}: /allocation for {params['window']} has no data: {said!r}")
        return data

    def _payload(self, day: date, name: str, allocation: Payload) -> Payload:
        """What is kept of an allocation, and what the settings make of it."""
        service = name.partition("/")[0].lower()
        return {
            "day": day.isoformat(),
            "name": name,
            "cluster": (allocation.get("properties") or {}).get("cluster"),
            "totalCost": allocation.get("totalCost"),
            "currency": self._settings.currency,
            "has_team": self._settings.team is not None,
            "is_shared": any(fnmatchcase(service, glob.lower()) for glob in self._settings.shared),
        }


def _day(allocation: Payload) -> date | None:
    """The day an allocation is of; None where it says none."""
    start = (allocation.get("window") or {}).get("start") or allocation.get("start") or ""
    return date.fromisoformat(start[:10]) if DATE.match(start) else None


def _covers(days: Collection[date], until: date) -> Mapping[type[Record], Interval]:
    """The days without a gap up to the newest."""
    since = until
    while since - DAY in days:
        since -= DAY
    start, end = (datetime.combine(day, time(), UTC) for day in (since, until))
    return {CostLine: (start, end)} if since < until else {}


def _notes(week: Week, names: Collection[str], kept: Collection[str]) -> Iterator[str]:
    missing = [day.isoformat() for day in week.days if day.isoformat() not in names]
    if missing:
        yield f"OpenCost tells nothing of {', '.join(missing)}: its Prometheus keeps no data of then"
    if kept:
        yield f"OpenCost tells nothing of {', '.join(kept)} any more: what was read before stays"


def cost_line(payload: Payload) -> CostLine:
    """What the workloads of one name cost on one day. Idle capacity and unmounted volumes are shared; of what has no
    such label neither service nor team is known."""
    parts, total = payload["name"].split("/"), payload["totalCost"]
    special = next((CATEGORIES[part] for part in parts if part in CATEGORIES), None)
    if special is None and len(parts) != 1 + payload["has_team"]:
        raise PayloadError(f"allocation {payload['name']!r} is not named as it was asked for: choose another `service`")
    if total is None:
        raise PayloadError(f"allocation {payload['name']!r} has no totalCost")
    service, team = (None if special or one == UNALLOCATED else one for one in (parts[0], [*parts, UNALLOCATED][1]))
    started_on = date.fromisoformat(payload["day"])
    return CostLine(
        ext_id=f"{payload['day']}/{payload['name']}",
        provider="kubernetes",
        period_start=started_on,
        period_end=started_on + DAY,
        resource=payload["cluster"],
        category=special or "workloads",
        amount=Decimal(str(total)),
        currency=payload["currency"],
        cost_kind="effective",
        allocation="shared" if special or payload["is_shared"] else "direct",
        service=service,
        team=team,
    )
