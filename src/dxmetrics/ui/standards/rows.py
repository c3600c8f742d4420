"""The newest result of every check for every service, read through the metrics API."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import streamlit as st

from dxmetrics.metrics.selection import UNMAPPED
from dxmetrics.ui import filters, frame
from dxmetrics.ui.filters import Choice
from dxmetrics.ui.reading import Filter, Reading
from dxmetrics.ui.standards.scorecards import Check, Result, Status

METRIC = "standard_results"
MOST = 1_000_000  # results: every check of every service
TIERS = ("bronze", "silver", "gold")  # the lowest first; tiers of other names come after these
STATES: dict[str, Status] = {
    "pass": "pass", "fail": "fail", "exempt": "exempt", "not_applicable": "not_applicable",
}  # fmt: skip
EXAMPLE = """\
[[services]]
name = "checkout"
repository = "checkout"
team = "Payments"
"""


def choose(read: Reading) -> Choice:
    """Draws the pickers (`?team=…&service=…`); the window ends now, as results are those of the newest publication."""
    usual = filters.usual(read)
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="filters"):
        teams = _pick("team", read.values("team"))
        services = _pick("service", read.values("service"))
    return Choice(usual.start, usual.until, teams, services)


def results(read: Reading, choice: Choice, where: Filter) -> tuple[Result, ...]:
    """What each check says of each service that is asked for."""
    return tuple(map(_result, read.receipt(METRIC, choice.start, choice.end, where, limit=MOST).rows))


def tiers(found: Sequence[Result]) -> tuple[str, ...]:
    """The tiers there are, the lowest first."""
    names = {one.check.tier for one in found}
    return (*(name for name in TIERS if name in names), *sorted(names - set(TIERS)))


def nothing_yet() -> None:
    """What to do where no service is known."""
    note = "Standards are checked for services. Collect a repository, or name services in dx.toml; then build again"
    with frame.card("nothing", "No service has been checked yet", note):
        st.code(EXAMPLE, language="toml")


def _result(said: Mapping[str, Any]) -> Result:
    name = said["standard"] or ""
    check = Check(name, said["standard_title"] or name, said["tier"] or "", said["remedy"] or "")
    days, until = said["days_failing"], said["until_on"]
    return Result(
        check=check,
        service=said["service"] or UNMAPPED,
        team=said["team"],
        status=STATES.get(said["status"] or "", "not_applicable"),
        days=float(days) if days is not None else None,
        until=date.fromisoformat(until) if until else None,
        reason=said["reason"] or said["detail"] or "",
    )


def _pick(name: str, values: Sequence[str]) -> tuple[str, ...]:
    chosen = st.multiselect(
        name, values, placeholder=f"All {name}s", key=name, bind="query-params", label_visibility="collapsed", width=260
    )
    return tuple(chosen)
