"""Who is on which side: services that had adopted a capability all along, those that had not, and their outcomes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from dxmetrics.metrics import Cell
from dxmetrics.ui.comparison.figures import Dot
from dxmetrics.ui.filters import Choice
from dxmetrics.ui.reading import Reading

SHARE, AGE = "market_share", "service_age"
MOST = 10_000  # services
ADOPTED = "adopted"
WEEK = timedelta(weeks=1)


@dataclass(frozen=True)
class Capability:
    """Something the platform offers to services."""

    name: str
    title: str
    is_mandated: bool


@dataclass(frozen=True)
class Sides:
    """Eligible services by what they were in the first and in the last week of a window."""

    adopters: frozenset[str]
    others: frozenset[str]
    changed: frozenset[str]  # adopted or left in between: on neither side


def capabilities(read: Reading) -> tuple[Capability, ...]:
    """The declared capabilities that services adopt, by title; none where dx.toml declares none."""
    return read.once("capabilities of services", lambda: _capabilities(read))


def sides(read: Reading, capability: str, choice: Choice) -> Sides:
    """The services a capability could serve, by side. One that is younger than the window is judged from its birth."""
    first = states(read, capability, choice.start)
    last = states(read, capability, choice.end - WEEK)
    adopters: set[str] = set()
    others: set[str] = set()
    changed: set[str] = set()
    for service, is_adopter in last.items():
        if first.get(service, is_adopter) is not is_adopter:
            changed.add(service)
        else:
            (adopters if is_adopter else others).add(service)
    return Sides(frozenset(adopters), frozenset(others), frozenset(changed))


def outcomes(read: Reading, metric: str, choice: Choice) -> Mapping[str, Cell]:
    """Each service's own number in the window."""
    cells = read.cells(metric, choice.start, choice.end, {}, by=("service",))
    return {service: cell for cell in cells if (service := cell.dimensions["service"]) is not None}


def dots(services: frozenset[str], found: Mapping[str, Cell], entities: str) -> tuple[Dot, ...]:
    """The services of a side that have a number, as dots."""
    return tuple(
        Dot(service, cell.value, f"{cell.n:,} {entities}")
        for service in sorted(services)
        if (cell := found.get(service)) is not None and cell.value is not None
    )


def traits(read: Reading, services: frozenset[str], choice: Choice) -> tuple[Mapping[str, float | str | None], ...]:
    """What else is known of services: age, language, tier, and how much is changed in them."""
    day = read.metrics.as_of.date()
    rows = read.receipt(AGE, day - WEEK, day + WEEK, {}, limit=MOST).rows
    known = {str(row["service"]): row for row in rows}
    sizes, merged = (outcomes(read, name, choice) for name in ("change_size", "merged_changes"))
    found: list[Mapping[str, float | str | None]] = []
    for service in sorted(services):
        row = known.get(service, {})
        tier = row.get("tier")
        size, changes = sizes.get(service), merged.get(service)
        found.append(
            {
                "Age in years": row.get("measure"),
                "Language": row.get("language"),
                "Tier": None if tier is None else f"tier {tier}",
                "Lines in a change": size.value if size else None,
                "Merged changes a week": changes.value if changes else None,
            }
        )
    return tuple(found)


def states(read: Reading, capability: str, monday: date) -> Mapping[str, bool]:
    """Whether each eligible service had adopted a capability in a week."""
    where = {"capability": (capability,)}
    return {
        service: cell.dimensions["state"] == ADOPTED
        for cell in read.cells(SHARE, monday, monday + WEEK, where, by=("service", "state"))
        if cell.n and (service := cell.dimensions["service"]) is not None
    }


def _capabilities(read: Reading) -> tuple[Capability, ...]:
    until = read.metrics.as_of.date()
    cells = read.cells(
        SHARE, until - 26 * WEEK, until, {"unit": ("service",)}, by=("capability", "capability_title", "mandate")
    )
    found = {
        Capability(
            str(cell.dimensions["capability"]),
            str(cell.dimensions["capability_title"]),
            cell.dimensions["mandate"] == "mandated",
        )
        for cell in cells
        if cell.n
    }
    return tuple(sorted(found, key=lambda one: one.title))
