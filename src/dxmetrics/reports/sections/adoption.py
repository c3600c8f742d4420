"""Adoption: how far each capability of the platform reaches, which teams took it up, and where new services stop."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import ClassVar, Literal

from dxmetrics import numbers
from dxmetrics.metrics import Cell, Window
from dxmetrics.reports.context import Context, value
from dxmetrics.reports.document import Chart, Column, Figure, Section, Series, Table, Value
from dxmetrics.reports.sections.entry import Entry

REACH, ON_PATH, TEAMS = "market_share", "deployments_on_path", "team_adoption"
ACTIVE, FUNNEL = "active_users", "journey_funnel"
STATES = ("adopted", "trial", "lapsed", "none")
STEPS = {"made": "Made", "built": "First build", "tried": "First trial deployment", "live": "First production"}
YEAR = timedelta(weeks=52)  # new services are few: a month of them is not enough

Kinds = Mapping[str, tuple[str | None, str | None]]  # by title: service or person, mandated or voluntary


class Adoption(Entry):
    """Reach and teams of each capability; of one team, what it makes of each."""

    about: ClassVar[str] = (
        "How far each capability of the platform reaches, which teams use it, where new services stop"
    )
    section: Literal["adoption"] = "adoption"

    def write(self, context: Context) -> Section | None:
        if context.team:
            return _of_team(context, context.team)
        reach = _told_by_capability(context, REACH, context.last_week)
        if not reach:
            return None
        kinds = {
            cell.dimensions["capability_title"] or "": (cell.dimensions["unit"], cell.dimensions["mandate"])
            for cell in context.cells(REACH, context.last_week, by=("capability_title", "unit", "mandate"))
        }
        chosen = {title: cell for title, cell in reach.items() if kinds.get(title, ("", ""))[1] != "mandated"}
        funnel = _funnel(context)
        blocks = (_reach(context, reach, kinds), _teams(context, reach), *([funnel] if funnel else []))
        return Section(name=self.section, title="Adoption of the platform", lead=_lead(chosen), blocks=blocks)


def _told_by_capability(context: Context, metric: str, window: Window) -> dict[str, Cell]:
    """One cell for each capability that is declared, by title."""
    cells = context.cells(metric, window, by=("capability_title",))
    return {title: cell for cell in cells if (title := cell.dimensions["capability_title"])}


def _reach(context: Context, reach: Mapping[str, Cell], kinds: Kinds) -> Table:
    earlier_week = Window(context.last_week.start - _length(context), context.last_week.end - _length(context))
    earlier = _told_by_capability(context, REACH, earlier_week)
    on_path = _told_by_capability(context, ON_PATH, context.window)
    rows = []
    for title in sorted(reach, key=str.casefold):
        unit, mandate = kinds.get(title, (None, None))
        rows.append(
            (
                f"{title} (mandated)" if mandate == "mandated" else title,
                "people" if unit == "person" else "services",
                value(reach[title]),
                value(earlier.get(title), "%"),
                value(on_path.get(title), "%") if unit == "service" else None,
            )
        )
    return Table(
        title="How far each capability reaches",
        note=f"Of those it could serve, in the week to {numbers.day(_last_day(context.last_week))}, and in the same "
        f"week a {context.kind} before. What is mandated says nothing about liking it.",
        columns=(
            Column(title="Capability"),
            Column(title="For"),
            Column(title="Of those eligible", kind="number", unit="%", has_bar=True),
            Column(title=f"A {context.kind} before", kind="number", unit="%"),
            Column(title="Of production deployments", kind="number", unit="%"),
        ),
        rows=tuple(rows),
    )


def _teams(context: Context, reach: Mapping[str, Cell]) -> Table:
    counted: dict[str, dict[str, int]] = {}
    for cell in context.cells(TEAMS, context.last_week, by=("capability_title", "team", "state")):
        title, state = cell.dimensions["capability_title"], cell.dimensions["state"]
        if cell.n and title and state:
            by_state = counted.setdefault(title, dict.fromkeys(STATES, 0))
            by_state[state] = by_state.get(state, 0) + 1
    return Table(
        title="Teams by what they make of it",
        note="Adopted: used in at least two of the last four weeks. Trial: within eight weeks. Lapsed: before, and not "
        "for eight weeks.",
        columns=(
            Column(title="Capability"),
            *(Column(title=_heading(one), kind="number", unit="teams") for one in STATES),
        ),
        rows=tuple(
            (title, *(Value(value=float(counted[title][state]), unit="teams") for state in STATES))
            for title in sorted(reach, key=str.casefold)
            if title in counted
        ),
    )


def _funnel(context: Context) -> Figure | None:
    """How far the services came that were made in the last year; None where none were."""
    window = Window(context.window.end - YEAR, context.window.end)
    cells = {cell.dimensions["step"]: cell for cell in context.cells(FUNNEL, window, by=("step",))}
    steps = [(title, float(cells[name].k or 0)) for name, title in STEPS.items() if name in cells and cells[name].n]
    if not steps:
        return None
    return Figure(
        title="New services on their way to production",
        note=f"Services made in the year to {numbers.day(_last_day(window))}, and how many reached each step.",
        alt=", ".join(f"{title}: {count:,.0f}" for title, count in steps),
        chart=Chart(
            kind="bars",
            categories=tuple(title for title, _ in steps),
            series=(Series(name="Services", tone="accent", values=tuple(count for _, count in steps)),),
            unit="services",
        ),
    )


def _of_team(context: Context, team: str) -> Section | None:
    """What one team makes of each capability, and how many of its people use it in a week, where they are enough."""
    states = context.cells(TEAMS, context.last_week, by=("capability_title", "state"))
    found = {
        title: cell.dimensions["state"] for cell in states if cell.n and (title := cell.dimensions["capability_title"])
    }
    if not found:
        return None
    people = _told_by_capability(context, ACTIVE, context.last_week)
    return Section(
        name="adoption",
        title="Adoption of the platform",
        blocks=(
            Table(
                title=f"What {team} makes of each capability",
                note=f"In the week to {numbers.day(_last_day(context.last_week))}.",
                columns=(
                    Column(title="Capability"),
                    Column(title="State"),
                    Column(title="People who used it", kind="number", unit="people/week"),
                ),
                rows=tuple(
                    (title, found[title], value(people[title], "people/week") if title in people else None)
                    for title in sorted(found, key=str.casefold)
                ),
            ),
        ),
    )


def _lead(reach: Mapping[str, Cell]) -> str | None:
    known = sorted((cell.value, title) for title, cell in reach.items() if cell.value is not None)
    if len(known) < 2:
        return None
    (least, last), (most, first) = known[0], known[-1]
    said = f"{first} reaches {numbers.text(most, '%')} of those eligible, {last} {numbers.text(least, '%')}."
    return f"Of what people may choose, {said}"


def _length(context: Context) -> timedelta:
    """The period's length in whole weeks: the same day of the week, as near as can be."""
    weeks = round((context.window.end - context.window.start).days / 7)
    return timedelta(weeks=weeks)


def _last_day(window: Window) -> date:
    return window.end - timedelta(days=1)


def _heading(state: str) -> str:
    return "Never used" if state == "none" else state.capitalize()
