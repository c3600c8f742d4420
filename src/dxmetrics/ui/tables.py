"""The table of services: pure frames, and how their columns are drawn."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any
from urllib.parse import quote, urlencode

import pandas as pd
import streamlit as st

from dxmetrics import numbers
from dxmetrics.metrics import Cell
from dxmetrics.metrics.selection import UNMAPPED
from dxmetrics.ui.filters import Choice
from dxmetrics.ui.reading import Reading

WATCHED_FAIL_RATE = 15  # percent: the upper end of DORA's best range; a bar beyond it is red
HOURS = {
    "lead_time": ("Lead time", "Median, first commit to production"),
    "pickup": ("Review wait p75", "Three of four changes get their first review sooner"),
    "recovery": ("Recovery", "Median time until a failed deployment is repaired"),
}
ROW_HEIGHT = 36


def services(read: Reading, choice: Choice, page: str) -> pd.DataFrame:
    """One row per service, longest lead time first and unknown last; `service` is a link that filters `page`."""
    return read.once(("services", choice, page), lambda: _services(read, choice, page))


def _services(read: Reading, choice: Choice, page: str) -> pd.DataFrame:
    window = (choice.start, choice.end, choice.where)
    weekly: dict[str, dict[date, float]] = defaultdict(lambda: defaultdict(float))
    teams: dict[str, str | None] = {}
    for cell in read.cells("deployments", *window, period="week", by=("service", "team")):
        service = cell.dimensions["service"]
        if service is not None:
            weekly[service][cell.period_start] += cell.value or 0
            teams[service] = cell.dimensions["team"] or teams.get(service)
    lead = _by_service(read.cells("change_lead_time", *window, by=("service",)))
    pickup = _by_service(read.cells("time_to_first_review", *window, by=("service",)))
    failed = _by_service(read.cells("change_fail_rate", *window, by=("service",)))
    recovery = _by_service(read.cells("failed_deployment_recovery_time", *window, by=("service",)))
    has_teams = any(teams.values())
    frame = pd.DataFrame(
        {
            "service": _link(page, choice, service),
            "team": teams[service] or (UNMAPPED if has_teams else None),
            "weekly": [weekly[service][start] for start in sorted(weekly[service])],
            "deployments": sum(weekly[service].values()),
            "lead_time": _value(lead, service),
            "pickup": _p75(pickup, service),
            "fail_rate": _value(failed, service),
            "recovery": _value(recovery, service),
        }
        for service in weekly
    )
    return frame if frame.empty else frame.sort_values(["lead_time", "service"], ascending=[False, True])


def show_services(frame: pd.DataFrame) -> None:
    """Draws the table; columns with nothing known in any row are left out, long durations are in days."""
    known = [column for column in frame.columns if frame[column].notna().any()]
    scales = {name: numbers.hours_scale(float(frame[name].median())) for name in HOURS if name in known}
    shown = frame[known].assign(**{name: frame[name] / factor for name, (factor, _) in scales.items()})
    st.dataframe(
        shown,
        hide_index=True,
        row_height=ROW_HEIGHT,
        height=ROW_HEIGHT * min(len(frame) + 1, 12) + 2,
        column_config=_columns({name: unit for name, (_, unit) in scales.items()}),
        placeholder="–",
        alt="Delivery metrics of each service, longest lead time first",
    )


def _by_service(cells: Iterable[Cell]) -> dict[str | None, Cell]:
    return {cell.dimensions["service"]: cell for cell in cells}


def _value(cells: dict[str | None, Cell], service: str) -> float | None:
    return cells[service].value if service in cells else None


def _p75(cells: dict[str | None, Cell], service: str) -> float | None:
    cell = cells.get(service)
    return cell.p75 if cell is not None and cell.value is not None else None


def _link(page: str, choice: Choice, service: str) -> str:
    """The address of this page for one service. The fragment is what the cell shows."""
    weeks = {} if choice.weeks == 13 else {"period": f"{choice.weeks} weeks"}
    return f"{page}?{urlencode({**weeks, 'service': service})}#{quote(service)}"


def _columns(units: Mapping[str, str]) -> dict[str, Any]:
    column = st.column_config
    durations = {
        name: column.NumberColumn(title, format=f"%.1f {units.get(name, 'h')}", help=words)
        for name, (title, words) in HOURS.items()
    }
    return {
        "service": column.LinkColumn("Service", display_text=r"#(.*)$", pinned=True),
        "team": column.TextColumn("Team"),
        "weekly": column.BarChartColumn("Deploys per week", y_min=0),
        "deployments": column.NumberColumn("Deploys", format="%d"),
        **durations,
        "fail_rate": column.ProgressColumn(
            "Change failures",
            format="%.1f%%",
            min_value=0,
            max_value=2 * WATCHED_FAIL_RATE,
            color="auto-inverse",
            help=f"Share of deployments that needed a fix; red above {WATCHED_FAIL_RATE} %",
        ),
    }
