"""What the page says: reach, share of changes, rework with and without assistance, and cost per merged change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import dropwhile

from dxmetrics import numbers
from dxmetrics.metrics import Cell
from dxmetrics.metrics.statistics import Difference, proportion_difference
from dxmetrics.ui.filters import Choice
from dxmetrics.ui.reading import Filter, Reading

REACH, CHANGES, REWORK, SPEND = "ai_reach", "ai_assisted_changes", "ai_change_rework", "ai_spend"
ENOUGH = 20  # changes on each side, below which no difference is spoken of
MONTHS = 6


@dataclass(frozen=True)
class Team:
    """A team's reach in the last complete week, and its share of assisted changes in the window."""

    name: str
    reach: Cell
    changes: Cell | None


@dataclass(frozen=True)
class Rework:
    """Changes with and without an assistant's hand; the difference is None where there are too few to speak of one."""

    assisted: Cell
    unassisted: Cell
    difference: Difference | None

    @property
    def verdict(self) -> str:
        """What can be said, in words that claim no cause."""
        if self.difference is None:
            few, side = min((self.assisted.n, "assisted"), (self.unassisted.n, "unassisted"))
            return f"No verdict: {numbers.count(few, f'{side} change')}, a comparison needs {ENOUGH} on each side."
        points = f"{abs(100 * self.difference.value):.1f} points"
        sure = f"95 %: {100 * self.difference.low:+.1f} to {100 * self.difference.high:+.1f}"
        if not self.difference.excludes_zero:
            return f"No difference detectable at this n ({sure} points)."
        way, what = ("more", "Worse") if self.difference.value > 0 else ("less", "Better")
        return f"{what}: assistance is associated with {points} {way} rework ({sure})."


@dataclass(frozen=True)
class Month:
    """What was charged in a month, and the merged changes it stands beside; None where no charge is known."""

    cell: Cell
    changes: int

    @property
    def per_change(self) -> float | None:
        """Money for each merged change."""
        if self.cell.value is None or not self.cell.n or not self.changes:
            return None
        return self.cell.value / self.changes


@dataclass(frozen=True)
class Spending:
    """The months in one currency, oldest first; `left_out` counts charges in other currencies, which are not added."""

    currency: str
    months: tuple[Month, ...]
    left_out: int

    @property
    def last(self) -> Month | None:
        """The last complete month with a charge."""
        whole = [month for month in self.months if month.per_change is not None and not month.cell.is_partial]
        return whole[-1] if whole else None


@dataclass(frozen=True)
class View:
    """Everything the page shows of one choice."""

    weeks: tuple[Cell, ...]
    share: Cell
    shares: tuple[Cell, ...]
    rework: Rework
    spending: Spending | None
    teams: tuple[Team, ...]

    @property
    def reach(self) -> Cell | None:
        """The last complete week in which anybody's use is known, of five people at least."""
        return last_week(self.weeks)

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all is known: no use, no assisted change, no charge."""
        return not (any(cell.k for cell in self.weeks) or self.share.k or self.spending)


def view(read: Reading, choice: Choice) -> View:
    """What is to be seen for a choice; reach and spend know teams, not services."""
    return read.once(("assistants", choice), lambda: _view(read, choice))


def _view(read: Reading, choice: Choice) -> View:
    people = replace(choice, services=()).where
    return View(
        weeks=read.cells(REACH, choice.start, choice.until, people, period="week"),
        share=read.cells(CHANGES, choice.start, choice.end, choice.where)[0],
        shares=read.cells(CHANGES, choice.start, choice.until, choice.where, period="week"),
        rework=_rework(read, choice),
        spending=_spending(read, people, choice.end),
        teams=_teams(read, choice, people),
    )


def last_week(weeks: Sequence[Cell]) -> Cell | None:
    """The last complete week whose value may be shown."""
    known = [cell for cell in weeks if cell.value is not None and not cell.is_partial]
    return known[-1] if known else None


def _rework(read: Reading, choice: Choice) -> Rework:
    cells = {
        side: read.cells(REWORK, choice.start, choice.end, {**choice.where, "assistance": (side,)})[0]
        for side in ("assisted", "unassisted")
    }
    one, other = cells["assisted"], cells["unassisted"]
    is_enough = min(one.n, other.n) >= ENOUGH
    difference = proportion_difference(one.k or 0, one.n, other.k or 0, other.n) if is_enough else None
    return Rework(one, other, difference)


def _spending(read: Reading, where: Filter, end: date) -> Spending | None:
    first = _months_before(end, MONTHS)
    cells = read.cells(SPEND, first, end + timedelta(weeks=1), where, period="month", by=("currency",))
    by_currency: dict[str, list[Cell]] = {}
    for cell in cells:
        by_currency.setdefault(str(cell.dimensions["currency"]), []).append(cell)
    counted = {currency: sum(cell.n for cell in months) for currency, months in by_currency.items()}
    currency = max(counted, key=lambda name: counted[name], default=None)
    if currency is None or not counted[currency]:
        return None
    merged = {
        cell.period_start: cell.n
        for cell in read.cells("merged_changes", first, end + timedelta(weeks=1), where, period="month")
    }
    months = [Month(cell, merged.get(cell.period_start, 0)) for cell in by_currency[currency]]
    charged = tuple(dropwhile(lambda month: month.per_change is None, months))
    return Spending(currency, charged, sum(_flagged(cell.quality_flags, "other_currency") for cell in cells))


def _teams(read: Reading, choice: Choice, people: Mapping[str, Sequence[str]]) -> tuple[Team, ...]:
    weeks: dict[str, list[Cell]] = {}
    for cell in read.cells(REACH, choice.start, choice.end, people, period="week", by=("team",)):
        if cell.dimensions["team"] is not None:
            weeks.setdefault(cell.dimensions["team"], []).append(cell)
    changes = {
        cell.dimensions["team"]: cell
        for cell in read.cells(CHANGES, choice.start, choice.end, choice.where, by=("team",))
    }
    known = {team: last_week(cells) for team, cells in sorted(weeks.items())}
    return tuple(Team(team, cell, changes.get(team)) for team, cell in known.items() if cell is not None)


def _months_before(day: date, months: int) -> date:
    place = day.year * 12 + day.month - 1 - months
    return date(place // 12, place % 12 + 1, 1)


def _flagged(flags: Sequence[str], name: str) -> int:
    return sum(int(flag.partition("=")[2]) for flag in flags if flag.partition("=")[0] == name)
