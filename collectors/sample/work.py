"""One change of the sample organisation, drawn backwards from the instant it is merged or given up."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from .dice import Dice
from .organisation import AGENT, RENOVATE, Organisation, Service

MINUTE, HOUR = 60.0, 3600.0
# Working hours. What is open for longer than the collector looks ahead would appear too late.
LONGEST_REVIEW, LONGEST_WORK = 120.0, 180.0
OF_NO_TEAM = (3.0, 2.0, 1.0, 0.5, 0.3)

Kind = Literal["ordinary", "renovate", "agent", "hotfix", "revert", "direct", "abandoned"]


@dataclass
class Work:
    """One change; instants in seconds, those it never reaches are None."""

    kind: Kind
    service: Service
    author: str
    lines: int
    first: float
    opened: float
    ready: float | None
    reviewed: float | None
    approved: float | None
    ended: float
    number: int = 0
    base: str = ""  # the commit of main it branched from
    parent: str = ""  # the commit of main it was merged onto
    merge_sha: str | None = None
    reverts: str | None = None


class Draws:
    """Draws the work of one repository and week."""

    def __init__(self, organisation: Organisation, monday: date, people: tuple[str, ...], dice: Dice) -> None:
        self.organisation = organisation
        self.monday = monday
        self.people = people
        self.dice = dice

    def work(self, service: Service, ended: float, *, is_abandoned: bool = False) -> Work:
        """A change of `service` that ends at `ended`."""
        kind = "abandoned" if is_abandoned else self._kind(service)
        author = {"renovate": RENOVATE, "agent": AGENT}.get(kind) or self.dice.pick(self.people)
        return self._backwards(kind, service, author, ended)

    def hotfix(self, service: Service, ended: float, *, is_revert: bool) -> Work:
        """A small change in a hurry."""
        dice = self.dice
        return Work(
            kind="revert" if is_revert else "hotfix", service=service, author=dice.pick(self.people),
            lines=int(dice.duration(8)) + 1, first=ended - dice.between(20, 35) * MINUTE,
            opened=ended - dice.between(10, 18) * MINUTE, ready=None, reviewed=ended - 5 * MINUTE,
            approved=ended - 4 * MINUTE, ended=ended,
        )  # fmt: skip

    def _kind(self, service: Service) -> Kind:
        fate = self.dice.share()
        agents = (service.team.agent_share if service.team else 0.0) * self.organisation.agents(self.monday)
        if fate < 0.09:
            return "renovate"
        if fate < 0.09 + agents:
            return "agent"
        if fate > 0.992:
            return "direct"
        return "revert" if fate > 0.980 else "ordinary"

    def _backwards(self, kind: Kind, service: Service, author: str, ended: float) -> Work:
        """The instants of a change from its end back, in working hours."""
        dice, clock = self.dice, self.organisation.clock
        lines = max(1, int(dice.duration(45, 1.3)))
        coding, pickup, review, wait = self._stages(kind, service, lines)
        is_unreviewed = kind == "direct" or dice.happens(service.team.unreviewed if service.team else OF_NO_TEAM[4])
        is_draft = not is_unreviewed and dice.happens(0.14)
        end = clock.hours(ended)
        shift = ended - clock.instant(end)  # keeps the time of day of an end outside working time
        open_for = min(wait + review + pickup, LONGEST_REVIEW)
        ready = clock.instant(end - open_for) + shift
        drafted_for = min(open_for + dice.duration(2.0), LONGEST_WORK) if is_draft else open_for
        opened = clock.instant(end - drafted_for) + shift if is_draft else ready
        first = clock.instant(end - min(drafted_for + coding, LONGEST_WORK)) + shift
        if dice.happens(0.08):  # begun the evening before
            first -= 2.5 * HOUR
        return Work(
            kind=kind, service=service, author=author, lines=lines, first=min(first, opened - 3 * MINUTE),
            opened=opened, ready=ready if is_draft else None,
            reviewed=None if is_unreviewed else clock.instant(end - min(wait + review, open_for)) + shift,
            approved=None
            if is_unreviewed or kind == "abandoned"
            else clock.instant(end - min(wait, open_for)) + shift,
            ended=max(ended, opened + MINUTE),
        )  # fmt: skip

    def _stages(self, kind: Kind, service: Service, lines: int) -> tuple[float, float, float, float]:
        """Working hours of coding, waiting for a review, review, and waiting for the merge."""
        dice, team = self.dice, service.team
        waits = self.organisation.effect("waiting", service, self.monday)
        waits *= 8 if kind == "abandoned" else 1
        coding, pickup, review, wait = (
            (team.coding_hours, team.pickup_hours, team.review_hours, team.merge_wait_hours) if team else OF_NO_TEAM[:4]
        )
        size = (lines / 45) ** 0.12
        return (
            dice.between(0.05, 0.3) if kind in {"renovate", "agent", "revert"} else dice.duration(coding * size, 1.0),
            dice.duration(pickup * waits * size, 0.9),
            dice.duration(review * waits * size, 0.9),
            dice.duration(wait * waits, 0.9),
        )
