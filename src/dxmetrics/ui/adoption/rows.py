"""What the cards show, read through the metrics API: cells of all teams together, or of one team's services."""

from datetime import date, timedelta

from dxmetrics.metrics import Cell
from dxmetrics.ui.adoption.funnel import Step, Stuck
from dxmetrics.ui.adoption.matrix import Spot
from dxmetrics.ui.adoption.onboarding import Wait
from dxmetrics.ui.adoption.reach import Reach
from dxmetrics.ui.adoption.retention import Cohort, Week
from dxmetrics.ui.adoption.templates import Behind
from dxmetrics.ui.adoption.view import View, title_of

MONTHS = 12  # cohorts of the triangle
WEEK = timedelta(weeks=1)
MOST_SERVICES = 10_000
OF_THE_YEAR = ("journey_funnel", "service_onboarding_time", "template_share")
FIRSTS = {
    "time_to_first_merge": "first merged change",
    "time_to_first_deployment": "first change in production",
    "time_to_tenth_merge": "tenth merged change",
}
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
    window, by = (since, view.choice.until), ("cohort", "weeks_after")
    running = view.read.cells("retention", *window, {**view.where, "is_running": ("true",)}, by=by)
    still = {
        (cell.dimensions["cohort"], cell.dimensions["weeks_after"]) for cell in running if cell.n or cell.is_hidden
    }
    found: dict[str, list[Week]] = {}
    for cell in view.read.cells("retention", *window, view.where, by=by):
        cohort, after = cell.dimensions["cohort"], cell.dimensions["weeks_after"]
        if cell.n and cohort and after:
            found.setdefault(cohort, []).append(Week(int(after), cell.k or 0, cell.n, (cohort, after) in still))
    return [_cohort(cohort, found[cohort]) for cohort in sorted(found)]


def steps(view: View) -> list[Step]:
    """The way of the services that were made in the last year, from being made to production."""
    window = (view.year.start, view.year.end)
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


def newcomers(view: View) -> tuple[Wait, ...]:
    """How long services and people who were new in the last year took; empty where nobody was."""
    window = (view.year.start, view.year.end)
    of_services = view.read.cells("service_onboarding_time", *window, {})[0]
    from_template = view.read.cells("service_onboarding_time", *window, {}, by=("is_from_template",))
    kinds = {cell.dimensions["is_from_template"]: cell for cell in from_template if cell.n}
    found = [Wait("All", of_services)]
    if len(kinds) > 1:
        found += [Wait("From a template", kinds["true"]), Wait("From nothing", kinds["false"])]
    people = [Wait(words, view.read.cells(name, *window, {})[0], of_people=True) for name, words in FIRSTS.items()]
    return tuple(one for one in (*found, *people) if one.cell.n or one.cell.is_hidden)


def templates(view: View) -> tuple[Cell, Cell]:
    """The share of the last year's new services that began from a template; versions behind it now, the median."""
    today = view.read.metrics.as_of.date()
    share = view.read.cells("template_share", view.year.start, view.year.end, {})[0]
    return share, view.read.cells("template_lag", today - WEEK, today + WEEK, {})[0]


def behind(view: View) -> list[Behind]:
    """The services that are behind their template's newest version now."""
    today = view.read.metrics.as_of.date()
    listed = view.read.receipt("template_lag", today - WEEK, today + WEEK, {}, limit=MOST_SERVICES).rows
    return [
        Behind(row["service"], row["team"], row["template_version"], row["measure"], row["days_behind"])
        for row in listed
        if row["measure"]
    ]


def stickiness(view: View) -> Cell:
    """Of those who used the chosen capability in the last four complete weeks, how many do so on a workday."""
    return view.read.cells("stickiness", view.choice.end - WEEK, view.choice.end, view.where, period="week")[0]


def requests(view: View) -> list[tuple[str, Cell]]:
    """Each capability's rate of self-service in the window, by title."""
    found = view.by_capability("self_service_rate")
    return [(title, found[name]) for name, title in view.titles.items() if name in found]


def waits(view: View) -> dict[str, Cell]:
    """How long a ticket for each capability takes, by title."""
    found = view.by_capability("ticket_fulfilment_time")
    return {title: found[name] for name, title in view.titles.items() if name in found}


def reliability(view: View) -> list[tuple[str, Cell]]:
    """How often each capability does what it is asked to, by title."""
    found = view.by_capability("platform_reliability")
    return [(title, found[name]) for name, title in view.titles.items() if name in found]


def _left_out(cell: Cell | None) -> dict[str, int]:
    """Why some are not eligible, and how many."""
    flags = () if cell is None else cell.quality_flags
    counted = [(reason, count) for reason, _, count in (flag.rpartition("=") for flag in flags) if reason]
    return {reason.replace("_", " "): int(count) for reason, count in counted}


def _cohort(month: str, found: list[Week]) -> Cohort:
    weeks = tuple(sorted(found, key=lambda week: week.after))
    return Cohort(f"{date.fromisoformat(f'{month[:7]}-01'):%b %Y}", max(week.n for week in weeks), weeks)


def _oldest_hours(cell: Cell) -> float:
    """How long the oldest of what is alive has been so: the metrics API says it beside the count."""
    return max(
        (float(flag.partition("=")[2]) for flag in cell.quality_flags if flag.startswith("oldest_hours=")), default=0
    )
