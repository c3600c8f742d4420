"""An invented organisation, to look at and to measure with: about 6 teams, 35 services, 120 people, 18 months.

Reads:  nothing outside: the seeds in `data/seeds/sample/`, and random numbers for each repository and week. The same
        seed on the same day gives the same rows; a later day adds to them. A day is in it when it is over, in UTC.
Needs:  nothing. `scale` above 1 adds whole divisions of the same shape, for benchmarks; below 1 less happens.
Limits: nobody in it is real. Stories hidden in it: services that move to the golden path and get faster, and others
        that merge on green and break more often; load tests that were tried and left, databases by ticket, services
        that wait before each step to production; an app with flaky builds, a release freeze, a team that waits for
        review, a survey that disagrees with telemetry, machines that cost more, and services that nobody owns.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any

from pydantic import Field

from dxmetrics import records
from dxmetrics.collectors import Collector, Cursor, Interval, Page, Scope, SourceSettings
from dxmetrics.errors import SettingsError
from dxmetrics.records import Record

from . import organisation as shape
from . import surroundings, surveys
from .changes import ChangeRows
from .dice import Dice
from .pipelines import PipelineRows
from .plan import State, Week, beginning
from .rollouts import RolloutRows
from .rows import Rows
from .worktime import midnight

LOOK_BACK = timedelta(weeks=6)  # what began longer ago than this does not change any more
LOOK_AHEAD = timedelta(weeks=6)  # what is merged within this time may be open already
PAGE_ROWS = 20_000
WHOLE = "organisation"
OF_REPOSITORIES: tuple[type[Record], ...] = (
    records.Repository, records.Change, records.ChangeCommit, records.Commit, records.Review, records.PipelineRun,
    records.Job, records.Deployment, records.Incident,
)  # fmt: skip
OF_THE_WHOLE: tuple[type[Record], ...] = (
    records.Identity, records.Team, records.Membership, records.Service, records.PlatformEvent, records.UsageFact,
    records.Issue, records.CostLine, records.SurveyResponse,
)  # fmt: skip


class SampleSettings(SourceSettings):
    """How much of it, and which one."""

    seed: int = Field(default=7, description="another number is another organisation")
    scale: float = Field(default=1.0, gt=0, le=100, description="1: about 300,000 rows; 40: about 840,000 changes")
    months: int = Field(default=18, ge=1, le=60, description="how far back it goes at the first collection")


class Sample(Collector):
    """Generates week by week. A repository's cursor holds where its history stood some weeks before `seen`."""

    kind = "sample"
    produces = (*OF_REPOSITORIES, *OF_THE_WHOLE)
    keeps_payloads = False
    Settings = SampleSettings
    settings: SampleSettings

    def scopes(self) -> Iterator[Scope]:
        """The organisation, then each of its repositories."""
        yield Scope(id=WHOLE, title="Harbour, the organisation")
        for repository in self._organisation(None).repositories:
            yield Scope(id=repository, title=f"harbour/{repository}")

    def collect(self, scope: Scope, cursor: Cursor | None) -> Iterator[Page]:
        """Pages of about 20,000 rows, oldest week first; what changed since the cursor only."""
        organisation = self._organisation(cursor)
        if scope.id == WHOLE:
            place = _Place(organisation, WHOLE, organisation.epoch, OF_THE_WHOLE, self._until)
            state = None
        else:
            services = organisation.repositories[scope.id]
            born = organisation.born(services[0])
            place = _Place(organisation, scope.id, born, OF_REPOSITORIES, self._until)
            state = State.from_json(cursor["state"]) if cursor else beginning(scope.id, services)
        return place.pages(cursor, state, self._marks(organisation))

    @cached_property
    def _until(self) -> datetime:
        return datetime.combine(self.context.now().astimezone(UTC).date(), time(), UTC)

    @cached_property
    def _known(self) -> dict[date, shape.Organisation]:
        return {}

    def _organisation(self, cursor: Cursor | None) -> shape.Organisation:
        """The organisation, anchored for ever to the Monday of its first collection."""
        settings, today = self.settings, self._until.date()
        anchor = date.fromisoformat(cursor["anchor"]) if cursor else _monday(today)
        if anchor not in self._known:
            self._known[anchor] = shape.organisation(settings.seed, settings.scale, settings.months, anchor, today)
        organisation = self._known[anchor]
        if cursor and dict(cursor) | self._marks(organisation) != dict(cursor):
            before = ", ".join(f"{key} = {cursor[key]}" for key in ("seed", "scale", "months"))
            raise SettingsError(
                f"{self.name}: the sample in this warehouse was made with {before}: two of them do not mix; "
                "set these values again, or begin with another [data] folder"
            )
        return organisation

    def _marks(self, organisation: shape.Organisation) -> dict[str, Any]:
        """What makes it this organisation and no other."""
        settings = self.settings
        return {
            "anchor": organisation.anchor.isoformat(), "seed": settings.seed, "scale": settings.scale,
            "months": settings.months,
        }  # fmt: skip


@dataclass(frozen=True)
class _Place:
    """One scope: the organisation itself or a repository, and since when there is something to know of it."""

    organisation: shape.Organisation
    scope: str
    born: date
    produces: tuple[type[Record], ...]
    until: datetime

    def pages(self, cursor: Cursor | None, state: State | None, marks: Mapping[str, Any]) -> Iterator[Page]:
        """Write week after week, a page whenever there is enough for one.

        Weeks before `done` were written as of `seen`: of them only newer rows are written again. A page's cursor moves
        on only when no week before `done` is left.
        """
        today = _monday(self.until.date())
        keep, last = today - LOOK_BACK, today + LOOK_AHEAD
        done = date.fromisoformat(cursor["done"]) if cursor else self.organisation.epoch
        week = date.fromisoformat(cursor["week"]) if cursor else self.organisation.epoch
        seen = datetime.fromisoformat(cursor["seen"]).timestamp() if cursor else float("-inf")
        rows = Rows(self.until.timestamp(), seen)
        self._write_structure(rows)
        now = dict(marks) | {"seen": self.until.isoformat()}
        kept: dict[str, Any] = {}
        while True:
            if week <= keep or not kept:
                kept = {"week": week.isoformat(), "state": state.as_json() if state else None}
            if week > last or (rows.count >= PAGE_ROWS and week >= done):
                now["done"] = max(week, done).isoformat()
                yield self._page(rows, now | kept, is_last=week > last)
            if week > last:
                return
            rows.seen = seen if week < done else float("-inf")
            self._write(week, state, rows)
            week += timedelta(weeks=1)

    def _page(self, rows: Rows, cursor: Cursor, *, is_last: bool) -> Page:
        covered: Interval = (datetime.fromtimestamp(midnight(self.born), UTC), self.until)
        covers = dict.fromkeys(self.produces, covered) if is_last and covered[0] < covered[1] else {}
        return Page(rows=rows.take(), cursor=cursor, covers=covers)

    def _write_structure(self, rows: Rows) -> None:
        if self.scope == WHOLE:
            surroundings.structure(self.organisation, rows)
        else:
            surroundings.repository(self.organisation, self.scope, rows)

    def _write(self, monday: date, state: State | None, rows: Rows) -> None:
        """Add the rows of one week, and move `state` on."""
        organisation, name = self.organisation, self.scope
        if state is None:
            surroundings.week(organisation, monday, rows)
            surveys.week(organisation, monday, rows)
            return
        plan = Week(organisation, name, monday, state).run()
        dice = Dice(organisation.seed, name, monday, "rows")
        people = organisation.members(organisation.repositories[name][0].team, monday)
        changes = ChangeRows(organisation, name, people, dice)
        pipelines = PipelineRows(organisation, name, monday, dice)
        assisted = 0.35 * organisation.agents(monday)
        for work in plan.works:
            pipelines.write(work, *changes.write(work, assisted, rows), rows)
        for pick in plan.picks:
            changes.cherry_pick(pick, rows)
        RolloutRows(organisation, name, monday, dice).write(plan, rows)


def _monday(today: date) -> date:
    return today - timedelta(days=today.weekday())
