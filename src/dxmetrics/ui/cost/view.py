"""What the page says: money by month, who bears it in the last whole month, and what a deployment costs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import dropwhile

from dxmetrics.metrics import Cell
from dxmetrics.metrics.selection import UNMAPPED
from dxmetrics.ui.filters import Choice
from dxmetrics.ui.reading import Filter, Reading

COST, CI, DEPLOYMENTS = "cost", "ci_cost", "deployments"
MONTHS = 6  # at least so many are shown
KINDS = ("direct", "shared", "unallocated")


@dataclass(frozen=True)
class Month:
    """One month's money by how it is known whose it is; `cell` is the whole of it, `deployments` what it stands by."""

    cell: Cell
    direct: float
    shared: float
    unallocated: float
    deployments: int

    @property
    def per_deployment(self) -> float | None:
        """Money for each deployment; None where no charge or no deployment is known."""
        return None if self.cell.value is None or not self.deployments else self.cell.value / self.deployments

    @property
    def unallocated_share(self) -> float | None:
        """What belongs to nobody, in percent of all; None where nothing was spent."""
        whole = self.direct + self.shared + self.unallocated
        return None if whole <= 0 else 100 * self.unallocated / whole


@dataclass(frozen=True)
class Bearer:
    """A team or service: what it costs directly, its part of what all share, and its deployments."""

    name: str
    direct: float
    shared: float
    deployments: int

    @property
    def total(self) -> float:
        """Its whole cost."""
        return self.direct + self.shared

    @property
    def per_deployment(self) -> float | None:
        """Money for each deployment; None where it had none."""
        return None if not self.deployments else self.total / self.deployments


@dataclass(frozen=True)
class Minutes:
    """What CI costs by its price list in a month, and the part of it that was running again."""

    total: float
    reruns: float
    currency: str
    unpriced: int


@dataclass(frozen=True)
class View:
    """Everything the page shows of one choice; `other_currencies` counts charges that are not in any sum."""

    currency: str
    months: tuple[Month, ...]
    everybody: tuple[Month, ...]
    dimension: str
    bearers: tuple[Bearer, ...]
    minutes: Minutes | None
    other_currencies: int

    @property
    def last(self) -> Month | None:
        """The last whole month with charges."""
        return last_whole(self.months)

    @property
    def before(self) -> Month | None:
        """The one before it."""
        last = self.last
        return last_whole([month for month in self.months if last and month.cell.period_end <= last.cell.period_start])

    @property
    def unallocated(self) -> Month | None:
        """The month in which to look for what belongs to nobody: everybody's, whatever is filtered."""
        return last_whole(self.everybody)


def view(read: Reading, choice: Choice) -> View | None:
    """What is to be seen for a choice; None where no charge is known."""
    return read.once(("cost", choice), lambda: _view(read, choice))


def last_whole(months: Iterable[Month]) -> Month | None:
    """The last month that is over and has charges."""
    whole = [month for month in months if month.cell.n and not month.cell.is_partial]
    return whole[-1] if whole else None


def _view(read: Reading, choice: Choice) -> View | None:
    first, until = min(_first_of(choice.start), _back(choice.end, MONTHS - 1)), choice.until
    counted: dict[str, int] = {}
    left_out = 0
    for cell in read.cells(COST, first, until, {}, by=("currency",)):
        counted[str(cell.dimensions["currency"])] = cell.n
        left_out += sum(
            int(flag.partition("=")[2]) for flag in cell.quality_flags if flag.startswith("other_currency=")
        )
    currency = max(counted, key=lambda name: counted[name], default=None)
    if currency is None or not counted[currency]:
        return None
    months = _months(read, first, until, choice.where)
    everybody = _months(read, first, until, {}) if choice.where else months
    teams = choice.teams or read.values("team")
    dimension = "team" if len(teams) > 1 and not choice.services else "service"
    last = last_whole(months)
    return View(
        currency=currency,
        months=months,
        everybody=everybody,
        dimension=dimension,
        bearers=_bearers(read, last, choice.where, dimension) if last else (),
        minutes=_minutes(read, last, choice.where) if last else None,
        other_currencies=left_out,
    )


def _months(read: Reading, first: date, until: date, where: Filter) -> tuple[Month, ...]:
    parts = {
        (cell.period_start, cell.dimensions["allocation"]): cell.value or 0.0
        for cell in read.cells(COST, first, until, where, period="month", by=("allocation",))
    }
    shipped = {cell.period_start: cell.n for cell in read.cells(DEPLOYMENTS, first, until, where, period="month")}
    months = []
    for cell in read.cells(COST, first, until, where, period="month"):
        direct, shared, unallocated = (parts.get((cell.period_start, kind), 0.0) for kind in KINDS)
        known = cell if cell.n else replace(cell, value=None)
        months.append(Month(known, direct, shared, unallocated, shipped.get(cell.period_start, 0)))
    return tuple(dropwhile(lambda month: not month.cell.n, months))


def _bearers(read: Reading, month: Month, where: Filter, dimension: str) -> tuple[Bearer, ...]:
    """Whoever bears cost in a month, the most first; what nobody bears is not among them."""
    start, end = month.cell.period_start, month.cell.period_end
    parts: dict[str | None, dict[str | None, float]] = {}
    for cell in read.cells(COST, start, end, where, by=(dimension, "allocation")):
        parts.setdefault(cell.dimensions[dimension], {})[cell.dimensions["allocation"]] = cell.value or 0.0
    shipped = {
        cell.dimensions[dimension]: cell.n
        for cell in read.cells(DEPLOYMENTS, start, end, where, period="month", by=(dimension,))
    }
    found = [
        Bearer(name or UNMAPPED, part.get("direct", 0.0), part.get("shared", 0.0), shipped.get(name, 0))
        for name, part in parts.items()
    ]
    return tuple(sorted((one for one in found if one.total), key=lambda one: (-one.total, one.name)))


def _minutes(read: Reading, month: Month, where: Filter) -> Minutes | None:
    """What CI costs in a month by [cost] ci_prices; None without prices."""
    start, end = month.cell.period_start, month.cell.period_end
    cells = read.cells(CI, start, end, where, by=("is_rerun", "currency"))
    priced = [cell for cell in cells if cell.n]
    if not priced:
        return None
    again = sum(cell.value or 0.0 for cell in priced if _is_true(cell.dimensions))
    unpriced = sum(_unpriced(cell.quality_flags) for cell in cells)
    currency = next((str(cell.dimensions["currency"]) for cell in priced), "")
    return Minutes(sum(cell.value or 0.0 for cell in priced), again, currency, unpriced)


def _is_true(dimensions: Mapping[str, str | None]) -> bool:
    return str(dimensions["is_rerun"]).lower() == "true"


def _unpriced(flags: Sequence[str]) -> int:
    names = ("price_unknown", "time_unknown")
    return sum(int(flag.partition("=")[2]) for flag in flags if flag.partition("=")[0] in names)


def _first_of(day: date) -> date:
    return day.replace(day=1)


def _back(day: date, months: int) -> date:
    place = day.year * 12 + day.month - 1 - months
    return date(place // 12, place % 12 + 1, 1)
