"""The retention triangle: of those who began in a month, how many are active so many weeks later."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from dxmetrics import numbers
from dxmetrics.metrics import FEW_PEOPLE, LEAST_PEOPLE

NOTE = (
    "Of those who began in a month, the percent that was active so many weeks later. A week that still runs is "
    f"outlined; months in which {FEW_PEOPLE} began are left out"
)
NONE = f"In no month did {LEAST_PEOPLE} people begin, or more."
MOST_WEEKS = 10  # columns that fit beside each other


@dataclass(frozen=True)
class Week:
    """How many of a cohort are active a number of weeks after their first use; the running week counts so far."""

    after: int
    active: int
    n: int
    is_running: bool = False

    @property
    def share(self) -> float:
        return self.active / self.n


@dataclass(frozen=True)
class Cohort:
    """Those whose first value action fell into one month."""

    month: str
    size: int
    weeks: tuple[Week, ...]


def drawn(cohorts: Sequence[Cohort]) -> str:
    """The triangle as an HTML table, the oldest cohort on top; a running week is hollow."""
    last = min(MOST_WEEKS, max((week.after for one in cohorts for week in one.weeks), default=0))
    head = "".join(f"<th>{after}</th>" for after in range(last + 1))
    body = "".join(_row(one, last) for one in cohorts)
    return (
        f'<div class="dx-list"><table class="dx-triangle"><thead><tr><th>Began in</th><th>People</th>{head}</tr>'
        f"</thead><tbody>{body}</tbody></table></div>"
    )


def _row(one: Cohort, last: int) -> str:
    known = {week.after: week for week in one.weeks}
    cells = "".join(_cell(known.get(after)) for after in range(last + 1))
    return f'<tr><th>{escape(one.month)}</th><td class="number">{one.size:,}</td>{cells}</tr>'


def _cell(week: Week | None) -> str:
    if week is None:
        return "<td></td>"
    said = f"{week.active} of {week.n} active {numbers.count(week.after, 'week')} after they began"
    figure = f"{100 * week.share:.0f}"
    if week.is_running:
        return f'<td class="running" title="{said}; this week still runs">{figure}</td>'
    return f'<td class="share" style="--share:{week.share:.2f}" title="{said}">{figure}</td>'
