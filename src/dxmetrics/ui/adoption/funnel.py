"""The way of new services to production: how many get to each step, how long it takes, and where it stops."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dxmetrics import numbers
from dxmetrics.ui import bars


@dataclass(frozen=True)
class Step:
    """A step of the way: services that reached it, those that could have, and the median time from the step before."""

    name: str
    reached: int
    eligible: int
    hours: float | None = None

    @property
    def conversion(self) -> float | None:
        """The share of those at the step before; None where nobody was there."""
        return self.reached / self.eligible if self.eligible else None


@dataclass(frozen=True)
class Stuck:
    """A service that waits before a step; `days` is how long it has done so."""

    service: str
    team: str | None
    step: str
    days: float


def drawn(steps: Sequence[Step]) -> str:
    """The steps as bars below each other, on the scale of the first one."""
    first = max((step.reached for step in steps), default=0) or 1
    return bars.drawn((_step(step, place, first) for place, step in enumerate(steps)), is_wide=True)


def narrowest(steps: Sequence[Step]) -> Step | None:
    """The step at which most are lost; None where nobody is lost."""
    later = [step for step in steps[1:] if step.conversion is not None and step.conversion < 1]
    return min(later, key=lambda step: (step.conversion or 0, step.name), default=None)


def summary(steps: Sequence[Step], stuck: Sequence[Stuck]) -> str:
    """Where it stops, in a sentence."""
    worst = narrowest(steps)
    if worst is None or worst.conversion is None:
        return "Of services made in the last year, every one arrives"
    waiting = f"; waiting now: {numbers.count(len(stuck), 'service')}" if stuck else ""
    return f"Most are lost before {worst.name.lower()}: {worst.reached} of {worst.eligible} get there{waiting}"


def listing(stuck: Iterable[Stuck]) -> list[dict[str, object]]:
    """Who is stuck where, the longest first, as rows of a table: services and their teams, never persons."""
    ordered = sorted(stuck, key=lambda one: (-one.days, one.service))
    return [
        {
            "Service": one.service,
            "Team": one.team or "no owner",
            "Waits before": one.step,
            "For": numbers.text(24 * one.days, "hours"),
        }
        for one in ordered
    ]


def _step(step: Step, place: int, first: int) -> str:
    share = step.conversion
    if place == 0 or share is None:
        between = ""
    else:
        took = f", median {numbers.text(step.hours, 'hours')}" if step.hours is not None else ""
        between = f"{100 * share:.0f} % of the step before{took}"
    return bars.bar(step.name, step.reached / first, f"{step.reached:,}", between)
