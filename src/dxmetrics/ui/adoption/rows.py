"""What the cards show, read through the metrics API: cells of all teams together, or of one team's services."""

from datetime import date, timedelta

from dxmetrics.metrics import Cell
from dxmetrics.ui.adoption.funnel import Step, Stuck
from dxmetrics.ui.adoption.matrix import Spot
from dxmetrics.ui.adoption.reach import Reach
from dxmetrics.ui.adoption.retention import Cohort, Week
from dxmetrics.ui.adoption.view import View, title_of

MONTHS = 12  # cohorts of the triangle
WEEK = timedelta(weeks=1)
YEAR = timedelta(weeks=52)  # new services are few: a quarter of a year of them is not enough
STEPS = {"made": "Made", "built": "First build", "tried": "First trial deployment", "live": "First production"}


def reaches(view: View) -> list[Reach]:
    """Each capability's shares: of services or people in the last complete week, of the window's deployments."""
    last = (view.choice.end - WEEK, view.choice.end)
    of_eligible, of_all = view.by_capability("market_share", *last), view.by_capability("market_share_of_all", *last)
    of_deployments = view.by_capability("deployments_on_path")
    return [
        Reach(
            title_of(one), one.unit, one.is_mandated, of_eligible.get(one.name), of_all.get(one.name),
            of_deployments.get(one.name) if one.unit == "service" else None, _left_out(of_eligible.get(one.name)),
        )
        for one in view.capabilities
    ]  # fmt: skip


def spots(view: View) -> list[Spot]:
    """What each team makes of each capability it could use, in the last complete week."""
    start, end = view.choice.end - WEEK, view.choice.end
    users = view.read.cells("active_users", start, end, {}, period="week", by=("capability", "team"))
    active = {(cell.dimensions["capability"], cell.dimensions["team"]): cell.n for cell in users}
    states = view.read.cells("team_adoption", start, end, {}, by=("capability", "team", "state"))
    return [
        Spot(team, capability, str(cell.dimensions["state"]), active.get((capability, team), 0))
        for cell in states
        if cell.n and (team := cell.dimensions["team"]) and (capability := cell.dimensions["capability"])
    ]


def weeks(view: View) -> tuple[Cell, ...]:
    """People who used the chosen capability, by week, the running one too."""
    return view.read.cells("active_users", view.choice.start, view.choice.until, view.where, period="week")


def cohorts(view: View) -> list[Cohort]:
    """Those who began to use the chosen capability in the last months, the oldest first."""
    since = view.choice.end
    for _ in range(MONTHS):
        since = (since.replace(day=1) - timedelta(days=1)).replace(day=1)
    by = ("cohort", "weeks_after", "is_running")
    found: dict[str, dict[int, list[Cell]]] = {}
    for cell in view.read.cells("retention", since, view.choice.until, view.where, by=by):
        if cell.n and (cohort := cell.dimensions["cohort"]):
            found.setdefault(cohort, {}).setdefault(int(cell.dimensions["weeks_after"] or 0), []).append(cell)
    return [_cohort(cohort, found[cohort]) for cohort in sorted(found)]


def steps(view: View) -> list[Step]:
    """The way of the services that were made in the last year, from being made to production."""
    window = (view.choice.end - YEAR, view.choice.until)
    reached = {cell.dimensions["step"]: cell for cell in view.read.cells("journey_funnel", *window, {}, by=("step",))}
    took = {cell.dimensions["step"]: cell for cell in view.read.cells("journey_step_time", *window, {}, by=("step",))}
    return [
        Step(title, reached[name].k or 0, reached[name].n, took[name].value if name in took else None)
        for name, title in STEPS.items()
        if name in reached and reached[name].n
    ]


def stuck(view: View) -> list[Stuck]:
    """The services that wait before a step now, each with its team."""
    by = ("service", "team", "step")
    waiting = view.read.cells("journey_stuck", view.choice.start, view.choice.until, {}, by=by)
    return [
        Stuck(service, cell.dimensions["team"], STEPS.get(step, step), _oldest_hours(cell) / 24)
        for cell in waiting
        if cell.n and (service := cell.dimensions["service"]) and (step := cell.dimensions["step"])
    ]


def requests(view: View) -> list[tuple[str, Cell]]:
    """Each capability's rate of self-service in the window, by title."""
    found = view.by_capability("self_service_rate")
    return [(title, found[name]) for name, title in view.titles.items() if name in found]


def waits(view: View) -> dict[str, Cell]:
    """How long a ticket for each capability takes, by title."""
    found = view.by_capability("ticket_fulfilment_time")
    return {title: found[name] for name, title in view.titles.items() if name in found}


def _left_out(cell: Cell | None) -> dict[str, int]:
    """Why some are not eligible, and how many."""
    flags = () if cell is None else cell.quality_flags
    counted = [(reason, count) for reason, _, count in (flag.rpartition("=") for flag in flags) if reason]
    return {reason.replace("_", " "): int(count) for reason, count in counted}


def _cohort(month: str, found: dict[int, list[Cell]]) -> Cohort:
    weeks = tuple(
        Week(after, sum(cell.k or 0 for cell in cells), sum(cell.n for cell in cells), _is_running(cells))
        for after, cells in sorted(found.items())
    )
    return Cohort(f"{date.fromisoformat(f'{month[:7]}-01'):%b %Y}", max(week.n for week in weeks), weeks)


def _oldest_hours(cell: Cell) -> float:
    """How long the oldest of what is alive has been so: the metrics API says it beside the count."""
    return max(
        (float(flag.partition("=")[2]) for flag in cell.quality_flags if flag.startswith("oldest_hours=")), default=0
    )


def _is_running(cells: list[Cell]) -> bool:
    """Whether the week still runs for some of them; their number is then "so far"."""
    return any(cell.dimensions["is_running"] == "true" for cell in cells)
