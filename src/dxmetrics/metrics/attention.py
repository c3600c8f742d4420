"""What needs attention now: rules over the newest publication, each with what was found and what to do about it.

A rule says nothing where all is well, and nothing where it cannot know. It looks at services, teams and sources, never
at people.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median
from typing import TYPE_CHECKING, Literal

from dxmetrics import numbers
from dxmetrics.metrics.changes import Words
from dxmetrics.metrics.periods import Window, add_months, local_date
from dxmetrics.metrics.results import Cell, Health
from dxmetrics.metrics.selection import NOTHING, UNMAPPED, Where

if TYPE_CHECKING:
    from dxmetrics.metrics.api import Metrics

Kind = Literal["check", "source", "coverage", "incident", "standard", "exemption", "cost"]

STALE_HOURS = 26  # a daily run that is two hours late
LONG_OPEN_HOURS = 72
LOW_COVERAGE = 80  # percent: below it a fifth of what happened is not in the number
ENDS_SOON = timedelta(days=30)
MONTHS, LEAST_MONTHS = 6, 3  # whole months that the last one is held against
MUCH_MORE = 1.2  # of the middle one of these months
LOWEST_TIERS = ("bronze", "silver", "gold")
LINKAGES = ("deployment_linkage", "incident_linkage")


@dataclass(frozen=True)
class Attention:
    """One thing that needs attention: `words` say what was found, `remedy` what to do; `metric` it can be read from."""

    kind: Kind
    words: tuple[Words, ...]
    remedy: str
    metric: str | None = None

    @property
    def text(self) -> str:
        """The words alone."""
        return "".join(one.text for one in self.words)


def attention(
    metrics: Metrics, where: Where = NOTHING, most: int = 8, health: Health | None = None
) -> tuple[Attention, ...]:
    """What needs attention, the most urgent first and at most so much; empty where nothing does.

    What is of all (checks, sources) is left out where `where` asks for a team or a service. `health` is that of
    `metrics`, from who has asked for it already.
    """
    everybody: tuple[Attention, ...] = ()
    if not where:
        health = health or metrics.health()
        everybody = (*_checks(health), *_sources(health))
    found = (
        *everybody,
        *_incidents(metrics, where),
        *_coverage(metrics, where),
        *_exemptions(metrics, where),
        *_standards(metrics, where),
        *_spend(metrics, where),
    )
    return found[:most]


def _checks(health: Health) -> Iterator[Attention]:
    for row in health.checks:
        if row["failures"] and row["severity"] == "error":
            words = (
                Words(row["title"], is_strong=True),
                Words(f": not so in {numbers.count(row['failures'], 'row')}."),
            )
            yield Attention("check", words, row["remedy"])


def _sources(health: Health) -> Iterator[Attention]:
    for row in health.sources:
        name = Words(row["source"], is_strong=True)
        if row["last_success_at"] is None or row["age_hours"] > STALE_HOURS:
            since = "never" if row["last_success_at"] is None else f"not for {numbers.text(row['age_hours'], 'hours')}"
            yield Attention(
                "source",
                (Words("Source "), name, Words(f" was read whole {since}.")),
                "Its scopes on Data health say what is wrong; then run dxmetrics collect.",
            )
        elif row.get("scopes_not_ok"):
            failed = f"{row['scopes_not_ok']:,} of {row['scopes']:,} scopes"
            yield Attention(
                "source",
                (Words("Source "), name, Words(f": {failed} could not be read.")),
                "The messages on Data health say what to correct in dx.toml or the environment.",
            )


def _incidents(metrics: Metrics, where: Where) -> Iterator[Attention]:
    name = "time_to_resolve"
    tomorrow = local_date(metrics.as_of, metrics.reporting_zone) + timedelta(days=1)
    cells = metrics.query(name, by=("service",), end=tomorrow, where=where)
    still_open = sum(int(_flag(cell, "open")) for cell in cells)
    oldest = max(cells, key=lambda cell: _flag(cell, "oldest_open_hours"), default=None)
    hours = _flag(oldest, "oldest_open_hours") if oldest else 0.0
    if oldest is None or hours < LONG_OPEN_HOURS:
        return
    service = Words(oldest.dimensions["service"] or UNMAPPED, is_strong=True)
    since = f" for {numbers.text(hours, 'hours')}."
    words = (Words("An incident of "), service, Words(f" is open{since}"))
    if still_open > 1:
        words = (Words(f"{still_open:,} incidents are open, the oldest, of "), service, Words(f",{since}"))
    yield Attention("incident", words, "Close it, or say what it waits for: recovery counts it as open.", name)


def _coverage(metrics: Metrics, where: Where) -> Iterator[Attention]:
    """Numbers that rest on links which are known of too few events; unknown is another matter."""
    for name in LINKAGES:
        definition = metrics.definition(name)
        for cell in metrics.query(name, where=where):
            if cell.value is not None and cell.value < LOW_COVERAGE and cell.n >= definition.level_minimum_n:
                title = Words(definition.title, is_strong=True)
                basis = f"{cell.k or 0:,} of {numbers.count(cell.n, definition.entity)}"
                said = Words(f" is {numbers.text(cell.value, cell.unit)} ({basis}).")
                yield Attention("coverage", (title, said), definition.decision.strip(), name)


def _exemptions(metrics: Metrics, where: Where) -> Iterator[Attention]:
    """Exemptions that end within a month, together: each of them will fail from one day to the next."""
    name = "standard_results"
    asked = {**where, "status": ("exempt",)}
    today = local_date(metrics.as_of, metrics.reporting_zone)
    ending = sorted(
        (date.fromisoformat(until), cell.dimensions["service"] or UNMAPPED, cell.dimensions["standard_title"] or "")
        for cell in metrics.query(name, by=("service", "standard_title", "until_on"), where=asked)
        if (until := cell.dimensions["until_on"]) and date.fromisoformat(until) <= today + ENDS_SOON
    )
    if not ending:
        return
    until_on, service, title = ending[0]
    more = f", and {numbers.count(len(ending) - 1, 'other')} within a month" if len(ending) > 1 else ""
    yield Attention(
        "exemption",
        (
            Words(f"The exemption from “{title}” of "),
            Words(service, is_strong=True),
            Words(f" ends {numbers.day(until_on)}{more}."),
        ),
        "Meet the standard by then, or agree on a new date in [[exemptions]].",
        name,
    )


def _standards(metrics: Metrics, where: Where) -> Iterator[Attention]:
    """The check of the lowest tier that most services fail: what is above it is a step for later."""
    name = "standard_results"
    failing: dict[tuple[str, str, str], int] = {}
    applicable: dict[tuple[str, str, str], int] = {}
    for cell in metrics.query(name, by=("standard_title", "tier", "remedy", "status"), where=where):
        said = cell.dimensions
        key = (said["tier"] or "", said["standard_title"] or "", said["remedy"] or "")
        applicable[key] = applicable.get(key, 0) + cell.n
        failing[key] = failing.get(key, 0) + (cell.n if said["status"] == "fail" else 0)
    lowest = min((key[0] for key in applicable), key=_place, default="")
    wanting = [key for key, count in failing.items() if count and key[0] == lowest]
    if not wanting:
        return
    key = min(wanting, key=lambda one: (-failing[one], one[1]))
    tier, title, remedy = key
    yield Attention(
        "standard",
        (
            Words(f"{failing[key]:,} of {numbers.count(applicable[key], 'service')} "),
            Words("fails " if failing[key] == 1 else "fail "),
            Words(f"“{title}”", is_strong=True),
            Words(f", a {tier} standard." if tier else "."),
        ),
        remedy,
        name,
    )


def _spend(metrics: Metrics, where: Where) -> Iterator[Attention]:
    """The last whole month, where it cost much more than the months before it usually do."""
    name = "cost"
    window = whole_months(metrics, MONTHS + 1)
    currencies = {
        str(cell.dimensions["currency"]): cell.n
        for cell in metrics.query(name, start=window.start, end=window.end, where=where, by=("currency",))
        if cell.n
    }
    cells = metrics.query(name, period="month", start=window.start, end=window.end, where=where)
    known = [cell for cell in cells if cell.n and cell.value is not None and not cell.is_partial]
    if len(known) <= LEAST_MONTHS or known[-1].period_end != window.end:
        return
    last, usual = known[-1], median(cell.value or 0 for cell in known[:-1])
    if usual > 0 and (last.value or 0) >= MUCH_MORE * usual:
        currency = max(currencies, key=lambda one: currencies[one])
        more = f"{100 * (last.value or 0) / usual - 100:.0f} %"
        said = f" was {more} above what the months before it usually cost ({usual:,.0f} {currency})."
        cost = Words(f"Cost of {last.value or 0:,.0f} {currency}", is_strong=True)
        yield Attention(
            "cost",
            (cost, Words(f" in {last.period_start:%B %Y}{said}")),
            metrics.definition(name).decision.partition(";")[0].strip() + ".",
            name,
        )


def whole_months(metrics: Metrics, count: int) -> Window:
    """The last so many months that were over at `as_of`."""
    end = local_date(metrics.as_of, metrics.reporting_zone).replace(day=1)
    return Window(add_months(end, -count), end)


def _flag(cell: Cell, name: str) -> float:
    """A number that the metrics API says beside the value; 0 where it says none."""
    return next((float(flag.partition("=")[2]) for flag in cell.quality_flags if flag.startswith(f"{name}=")), 0.0)


def _place(tier: str, order: Sequence[str] = LOWEST_TIERS) -> int:
    return order.index(tier) if tier in order else len(order)
