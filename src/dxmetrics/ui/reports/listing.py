"""The archive as a table, and every report file with its check, when it is written next, and who gets it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import streamlit as st

from dxmetrics import numbers
from dxmetrics.ui import frame
from dxmetrics.ui.reports import posting, reader
from dxmetrics.ui.reports.desk import Checked, Desk

if TYPE_CHECKING:
    from dxmetrics.state.deliveries import Planned, ReportDelivery
    from dxmetrics.state.editions import Edition

AUDIENCES = {"team": "each team", "organisation": "everybody"}
KINDS = {"week": "every week", "month": "every month", "quarter": "every quarter"}


def lead(desk: Desk) -> str:
    """What there is, in a line."""
    wrong = sum(one.problem is not None for one in desk.files)
    check = f"{numbers.count(wrong, 'file')} to correct" if wrong else "all in order"
    editions = numbers.count(len(desk.archive.all()), "report")
    return f"{numbers.count(len(desk.files), 'report file')}, {check} · {editions} in the archive"


def archive(desk: Desk) -> list[dict[str, object]]:
    """One row for the newest edition of each report, team and period, what was made last first."""
    deliveries: dict[tuple[str, int], list[ReportDelivery]] = defaultdict(list)
    for one in desk.state.deliveries.of():
        deliveries[one.id, one.edition].append(one)
    return [_row(one, deliveries[one.id, one.edition]) for one in desk.archive.all()]


def files(desk: Desk) -> list[dict[str, object]]:
    """One row for each report file."""
    planned = desk.state.deliveries.scheduled()
    zone = ZoneInfo(desk.read.metrics.reporting_zone)
    return [_file(one, planned.get(one.name), zone) for one in desk.files]


def show(desk: Desk) -> None:
    """Both, as cards; a row of the archive that is picked is opened."""
    kept = archive(desk)
    with frame.card("archive", "Archive", "What was written stays as it was, also after late data; pick a row to read"):
        if kept:
            st.dataframe(
                kept,
                hide_index=True,
                column_order=[name for name in kept[0] if name != "id"],
                column_config={
                    "Made": st.column_config.DatetimeColumn(format="D MMM YYYY, HH:mm", timezone="UTC"),
                    "Edition": st.column_config.NumberColumn(format="%d", width="small"),
                },
                placeholder="–",
                on_select=lambda: _open(kept),
                selection_mode="single-row",
                key="kept",
                alt="Reports that are kept, the newest first",
            )
        else:
            st.caption("Nothing is kept yet. A schedule in a report's file keeps what it writes; so does the button.")
    with frame.card("files", "Report files", "Files in data/reports; one of yours replaces the built-in of its name"):
        st.html(frame.listing(files(desk)))


def _open(kept: list[dict[str, object]]) -> None:
    chosen = st.session_state["kept"].selection.rows
    if chosen:
        st.query_params[reader.KEY] = str(kept[chosen[0]]["id"])


def _row(one: Edition, deliveries: list[ReportDelivery]) -> dict[str, object]:
    return {
        "id": one.id,
        "Report": one.title,
        "For": one.team or "All teams",
        "Period": numbers.span(one.starts_on, one.ends_on),
        "Edition": one.edition,
        "Made": one.made_at,
        "Delivery": posting.totals(deliveries) or None,
    }


def _file(one: Checked, planned: Planned | None, zone: ZoneInfo) -> dict[str, object]:
    report = one.report
    if report is None:
        return {"Report": one.name, "About": one.problem, "For": "", "When": "", "Goes to": ""}
    coming = "by hand" if report.schedule is None else "by its schedule"
    if planned is not None:
        coming = planned.waits_for or f"next {numbers.instant(planned.next_at.astimezone(zone))}"
    places = len(report.deliver)
    return {
        "Report": report.title,
        "About": report.about,
        "For": AUDIENCES[report.audience],
        "When": f"{KINDS[report.period]}, {coming}",
        "Goes to": numbers.count(places, "place") if places else "nobody yet",
    }
