"""One week of one repository: what is merged, released, breaks and is repaired, in the order it happens.

Weeks are planned by the merge: a merge has its instant, and coding and review are drawn backwards from it. A week
starts from the state the week before left (the last commits on main, what is deployed), and from nothing else.
"""

import heapq
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from functools import partial
from itertools import count
from typing import Any, Literal

from .dice import Dice, sha
from .organisation import Organisation, Service
from .work import HOUR, MINUTE, Draws, Work
from .worktime import HOURS_A_DAY, eagerness, midnight


@dataclass
class Line:
    """What is deployed of a service."""

    deployed: str
    previous: str
    pending: bool = False
    release: int = 1


@dataclass
class State:
    """What a week hands to the next one."""

    number: int
    recent: list[str]
    lines: dict[str, Line]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "State":
        lines = {name: Line(**line) for name, line in value["lines"].items()}
        return cls(number=value["number"], recent=list(value["recent"]), lines=lines)


@dataclass
class Trouble:
    """An incident."""

    service: Service
    detected: float
    resolved: float
    deployment: str | None  # the one that caused it, None: no deployment did
    is_linked: bool


@dataclass
class Rollout:
    """One attempt to bring a commit of a service to production."""

    ext_id: str
    service: Service
    start: float
    finish: float
    sha: str
    previous: str
    status: Literal["success", "failure"] = "success"
    reached_users: bool | None = None
    kind: Literal["hotfix", "rollback", "redeploy", "config"] | None = None
    cause: str | None = None  # the incident it repairs
    fixes: str | None = None
    version: str | None = None
    line: str | None = None
    is_regular: bool = True
    is_trial: bool = False  # to staging only


@dataclass
class CherryPick:
    """A commit on a release branch that repeats one of main."""

    sha: str
    parent: str
    original: str
    committed: float
    author: str


@dataclass
class Plan:
    """Everything that happens in the week."""

    works: list[Work] = field(default_factory=list)
    rollouts: list[Rollout] = field(default_factory=list)
    troubles: dict[str, Trouble] = field(default_factory=dict)
    picks: list[CherryPick] = field(default_factory=list)


Event = tuple[float, int, Callable[[float], None]]


def first_commit(repository: str) -> str:
    """The sha every history of a repository begins with."""
    return sha(f"{repository}/root")


def beginning(repository: str, services: tuple[Service, ...]) -> State:
    """The state of a repository that has one commit, deployed."""
    root = first_commit(repository)
    return State(number=100, recent=[root], lines={service.name: Line(root, root) for service in services})


class Week:
    """Plans the week from `monday` on; `run` returns the plan and leaves `state` as the next week needs it."""

    def __init__(self, organisation: Organisation, repository: str, monday: date, state: State) -> None:
        self.organisation = organisation
        self.repository = repository
        self.services = organisation.repositories[repository]
        self.monday = monday
        self.state = state
        self.clock = organisation.clock
        self.begins, self.ends = midnight(monday), midnight(monday + timedelta(days=7))
        self.dice = Dice(organisation.seed, repository, monday)
        people = organisation.members(self.services[0].team, monday)
        self.draws = Draws(organisation, monday, people, self.dice)
        self.plan = Plan()
        self._events: list[Event] = []
        self._order = count()
        self._scheduled: set[str] = set()  # services whose next release is in the queue

    def run(self) -> Plan:
        for service in self.services:
            is_quiet = self.organisation.is_quiet(service, self.monday)
            if self.organisation.born(service) <= self.monday and not is_quiet:
                self._plan_service(service)
        while self._events:
            instant, _, happen = heapq.heappop(self._events)
            happen(instant)
        for work in self.plan.works:
            if work.kind == "abandoned":
                self._number(work)
        return self.plan

    def _at(self, instant: float, happen: Callable[[float], None]) -> None:
        heapq.heappush(self._events, (min(instant, self.ends - MINUTE), next(self._order), happen))

    def _plan_service(self, service: Service) -> None:
        """Put the merges of the week, its abandoned work, its release dates and its outages into the queue."""
        dice = self.dice
        age = (self.monday - self.organisation.epoch).days / 365
        days = (self.clock.hours(self.ends) - self.clock.hours(self.begins)) / HOURS_A_DAY
        mean = service.merges_per_week * self.organisation.volume * (0.92 + 0.12 * age)
        mean *= self.organisation.effect("merges", service, self.monday)
        mean *= eagerness(self.monday) * days / 5 * dice.duration(1.0, 0.1)
        for _ in range(dice.count(mean)):
            work = self.draws.work(service, self._moment(days))
            if not self._is_before_birth(service, work):
                self._at(work.ended, partial(self._merge, work=work))
        for _ in range(dice.count(0.06 * mean)):
            work = self.draws.work(service, self._moment(days), is_abandoned=True)
            if not self._is_before_birth(service, work):
                self.plan.works.append(work)
        if service.cadence != "continuous":
            self._plan_releases(service)
        elif self.state.lines[service.name].pending:
            self._schedule(self.clock.after(self.begins, dice.duration(0.4)), service)
        for _ in range(dice.count(0.03 * self.organisation.volume) if self._is_live(service) else 0):
            self._outage(service, dice.between(self.begins, self.ends))

    def _is_before_birth(self, service: Service, work: Work) -> bool:
        """Whether work, which is drawn backwards, would have begun before a new service was made."""
        return service.born is not None and work.first < midnight(self.organisation.born(service))

    def _moment(self, days: float) -> float:
        """A working instant in the week; few on a Friday afternoon, some in the evening."""
        share = self.dice.share()
        if share > 1 - 0.4 / max(days, 1) and self.dice.happens(0.6):
            share = self.dice.share()
        instant = self.clock.instant(self.clock.hours(self.begins) + share * days * HOURS_A_DAY)
        return min(instant + self.dice.between(-0.7, 1.3) * HOUR, self.ends - HOUR)

    def _number(self, work: Work) -> None:
        self.state.number += 1
        work.number = self.state.number

    def _merge(self, instant: float, work: Work) -> None:
        """Put a change on main, and start its release where a merge does."""
        self._number(work)
        work.ended = instant
        behind = min(len(self.state.recent), 1 + int(3 * self.dice.share()))
        work.base, work.parent = self.state.recent[-behind], self.state.recent[-1]
        work.merge_sha = sha(f"{self.repository}/{work.number}/main")
        if work.kind == "revert":
            work.reverts = next(
                (other.merge_sha for other in reversed(self.plan.works) if other.service == work.service), None
            )
            work.kind = "revert" if work.reverts else "ordinary"
        self.state.recent = [*self.state.recent[-3:], work.merge_sha]
        self.state.lines[work.service.name].pending = True
        self.plan.works.append(work)
        if self._ships_on_merge(work.service):
            self._schedule(self.clock.after(instant, self.dice.duration(0.45, 0.7)), work.service)

    def _ships_on_merge(self, service: Service) -> bool:
        is_moved = service.cadence == "daily" and self.organisation.ships_on_merge(service, self.monday)
        return is_moved or service.cadence == "continuous"

    def _is_live(self, service: Service) -> bool:
        return self.organisation.is_live(service, self.monday)

    def _plan_releases(self, service: Service) -> None:
        """The fixed release times of a service: twice a working day, or two trains and perhaps a patch a week."""
        if self._ships_on_merge(service):
            self._schedule(self.clock.after(self.begins, self.dice.duration(0.4)), service)
            return
        trains = ((0, 5.0, False), (2, 1.0, False), (3, 5.0, True), (4, 1.0, False))
        slots = trains if service.cadence == "train" else tuple((d, h, False) for d in range(5) for h in (2.0, 6.5))
        for weekday, hour, is_patch in slots:
            opens = midnight(self.monday + timedelta(days=weekday)) + 9 * HOUR
            instant = self.clock.after(opens, hour + self.dice.between(-0.3, 0.4))
            is_working_day = abs(instant - opens - hour * HOUR) < 2 * HOUR
            if is_working_day and not (is_patch and self.dice.happens(0.6)):
                self._at(instant, partial(self._release, service=service, patch=is_patch))

    def _schedule(self, instant: float, service: Service) -> None:
        """A release at `instant`, unless one is coming already (it takes this merge along) or the week is over."""
        if service.name not in self._scheduled and instant < self.ends:
            self._scheduled.add(service.name)
            self._at(instant, partial(self._release, service=service))

    def _release(self, instant: float, service: Service, *, patch: bool = False) -> None:
        """Ship what is on main; a patch ships one commit of it on the release branch."""
        self._scheduled.discard(service.name)
        line = self.state.lines[service.name]
        if not line.pending or self.organisation.is_frozen(service, self.monday):
            return
        if not self._is_live(service):
            self._try(instant, service, line)
            return
        commit = self._cherry_pick(instant, service) if patch else self.state.recent[-1]
        rollout = self._rollout(instant, service, commit)
        release = line.release + (0 if patch else 1)
        if service.cadence == "train":
            rollout.line, rollout.version = f"4.{release}", f"4.{release}.{int(patch)}"
        fate = self.dice.share()
        if fate < 0.025:
            rollout.status, rollout.reached_users = "failure", False
            self._at(rollout.finish + self.dice.between(0.3, 1.2) * HOUR, partial(self._release, service=service))
        elif fate < 0.032:
            rollout.status, rollout.reached_users = "failure", True
            self._at(rollout.finish + self.dice.between(25, 70) * MINUTE, partial(self._release, service=service))
        else:
            self._deployed(line, rollout)
            line.pending, line.release = patch, release
            self._watch(rollout)

    def _try(self, instant: float, service: Service, line: Line) -> None:
        """Ship what is on main to staging, of a service that is not live and gets so far."""
        if service.waits_for in {None, "live"}:
            self._deployed(line, self._rollout(instant, service, self.state.recent[-1], is_trial=True))
        line.pending = False

    def _rollout(self, instant: float, service: Service, commit: str, **details: Any) -> Rollout:
        number = len(self.plan.rollouts) + 1
        rollout = Rollout(
            ext_id=f"{service.name}-{self.monday:%G%V}-{number}", service=service, start=instant,
            finish=instant + self.dice.duration(7, 0.5) * MINUTE, sha=commit,
            previous=self.state.lines[service.name].deployed, **details,
        )  # fmt: skip
        self.plan.rollouts.append(rollout)
        return rollout

    def _deployed(self, line: Line, rollout: Rollout) -> None:
        line.previous, line.deployed = line.deployed, rollout.sha

    def _cherry_pick(self, instant: float, service: Service) -> str:
        original = self.state.recent[-1]
        pick = CherryPick(
            sha=sha(f"{self.repository}/{self.monday}/{len(self.plan.picks)}"), original=original,
            parent=self.state.lines[service.name].deployed, committed=instant - 40 * MINUTE,
            author=self.dice.pick(self.draws.people),
        )  # fmt: skip
        self.plan.picks.append(pick)
        return pick.sha

    def _watch(self, rollout: Rollout) -> None:
        """After a rollout: mostly nothing, sometimes it has to be repaired, now and then it is done again."""
        dice, service = self.dice, rollout.service
        rate = service.failure_rate * self.organisation.effect("failures", service, self.monday)
        fate = dice.share()
        if self._is_open_story(service):
            lasts = float(self.organisation.stories["open_incident"]["open_days"]) * 24 * HOUR
            self._trouble(service, rollout.finish + 9 * MINUTE, rollout.finish + lasts, rollout.ext_id)
        elif fate < rate:
            self._repair(rollout)
        elif fate < rate + 0.02:
            kind: Literal["redeploy", "config"] = "redeploy" if fate < rate + 0.013 else "config"
            self._at(rollout.finish + dice.between(1, 5) * HOUR, partial(self._again, service=service, kind=kind))

    def _is_open_story(self, service: Service) -> bool:
        """Whether this is the rollout that breaks something for weeks."""
        story = self.organisation.stories["open_incident"]
        is_week = self.monday == self.organisation.weeks_ago("open_incident")
        return is_week and service.name == story["service"] and not self.plan.troubles

    def _again(self, instant: float, service: Service, kind: Literal["redeploy", "config"]) -> None:
        """The same commit once more: to restart it, or with another configuration."""
        current = self.state.lines[service.name].deployed
        explicit = kind if kind == "config" or self.dice.happens(0.5) else None
        self._rollout(instant, service, current, kind=explicit, is_regular=False)

    def _repair(self, broken: Rollout) -> None:
        """A rollout hurts users: found, and repaired by rollback, hotfix, revert or by hand."""
        dice = self.dice
        detected = broken.finish + dice.duration(11, 0.8) * MINUTE
        resolved = detected + dice.duration(42, 0.75) * MINUTE
        if dice.happens(0.02):
            resolved = detected + dice.between(2, 7) * 24 * HOUR
        way = dice.share()
        trouble = None
        if way > 0.45 or dice.happens(0.75):  # a quick rollback often leaves no incident behind
            trouble = self._trouble(broken.service, detected, resolved, broken.ext_id)
        can_roll_back = broken.previous != broken.sha
        if way < 0.45 and can_roll_back:
            self._at(resolved - 4 * MINUTE, partial(self._roll_back, broken=broken, trouble=trouble))
        elif way < 0.87:
            self._at(
                resolved - 14 * MINUTE, partial(self._hotfix, broken=broken, trouble=trouble, is_revert=way > 0.77)
            )

    def _trouble(self, service: Service, detected: float, resolved: float, deployment: str | None) -> str:
        ext_id = f"INC-{service.name}-{self.monday:%G%V}-{len(self.plan.troubles) + 1}"
        self.plan.troubles[ext_id] = Trouble(service, detected, resolved, deployment, self.dice.happens(0.68))
        return ext_id

    def _outage(self, service: Service, detected: float) -> None:
        """Something breaks that no deployment broke."""
        self._trouble(service, detected, detected + self.dice.duration(80, 0.9) * MINUTE, None)

    def _roll_back(self, instant: float, broken: Rollout, trouble: str | None) -> None:
        line = self.state.lines[broken.service.name]
        if line.deployed != broken.sha:  # something newer is out already
            return
        explicit: Literal["rollback"] | None = "rollback" if self.dice.happens(0.6) else None
        back = self._rollout(
            instant,
            broken.service,
            broken.previous,
            kind=explicit,
            cause=trouble,
            fixes=broken.ext_id,
            is_regular=False,
        )
        back.finish = min(back.finish, instant + 3.5 * MINUTE)
        back.line, back.version = broken.line, None
        self._deployed(line, back)
        line.pending = True
        self._schedule(self.clock.after(instant, self.dice.between(1, 6)), broken.service)

    def _hotfix(self, instant: float, broken: Rollout, trouble: str | None, *, is_revert: bool) -> None:
        """A small change straight to main, and its rollout."""
        dice, service = self.dice, broken.service
        work = self.draws.hotfix(service, instant, is_revert=is_revert)
        self._merge(instant, work)
        line = self.state.lines[service.name]
        explicit: Literal["hotfix"] | None = "hotfix" if dice.happens(0.7) else None
        fix = self._rollout(
            instant + 5 * MINUTE, service, self.state.recent[-1], kind=explicit,
            cause=trouble if dice.happens(0.7) else None, fixes=broken.ext_id, is_regular=False,
        )  # fmt: skip
        fix.finish = min(fix.finish, fix.start + 8 * MINUTE)
        if broken.line and broken.version:
            fix.line, fix.version = broken.line, f"{broken.line}.{int(broken.version.rpartition('.')[2]) + 1}"
        self._deployed(line, fix)
        line.pending = False
