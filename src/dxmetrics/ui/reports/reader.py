"""Reading one report: which one, as it looks, its files, and what became of its deliveries."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Mapping
from functools import partial
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from dxmetrics import numbers
from dxmetrics.errors import SettingsError
from dxmetrics.reports import calendar, delivery, render, schedule, writing
from dxmetrics.reports.document import PREVIEW, Document
from dxmetrics.ui import frame, lock
from dxmetrics.ui.reports import posting
from dxmetrics.ui.reports.desk import LOCK, Desk

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from dxmetrics.reports.library import ReportFile

KEY, NUMBER = "report", "edition"  # of the address, as messages link to an edition
HEIGHT = 860  # CSS pixels of the preview, in which it scrolls


def show(desk: Desk, bar: DeltaGenerator) -> None:
    """The edition that the address names, else what is picked in `bar`, kept or as the newest numbers make it."""
    key = st.query_params.get(KEY)
    try:
        if key:
            _kept(desk, key, st.query_params.get(NUMBER))
        else:
            _picked(desk, bar)
    except SettingsError as error:
        with frame.card("refused", "It cannot be shown", str(error)):
            st.stop()


def head(document: Document) -> str:
    """What a document is, as HTML: title, whom and when it is about, and that it may still change."""
    state = (
        "Not kept: as the newest numbers make it"
        if document.id == PREVIEW
        else f"Edition {document.edition} · data to {numbers.instant(document.as_of)}"
    )
    about = f"{document.scope} · {document.span} · compared with {document.compared_with}"
    return (
        f'<div class="dx-head"><b>{escape(document.title)}</b><span>{escape(about)}</span></div>'
        f'<div class="dx-note">{escape(state)}</div>'
    )


def preview(desk: Desk, document: Document) -> None:
    """The document as a page of its own."""
    page = desk.read.once(("page", document), lambda: render.render(document, "html"))
    # As data it has an origin of its own: what a report quotes can reach nothing of this page.
    source = f"data:text/html;charset=utf-8;base64,{base64.b64encode(page).decode()}"
    st.iframe(source, height=HEIGHT, alt=f"{document.title}, {document.scope}, {document.span}")


def titles(reports: Mapping[str, ReportFile]) -> dict[str, str]:
    """What reports are called by name; two of one title are told apart by it."""
    counted = Counter(one.title for one in reports.values())
    return {name: one.title if counted[one.title] == 1 else f"{one.title} ({name})" for name, one in reports.items()}


def downloads(document: Document) -> None:
    """A button for each format; the file is made when it is clicked."""
    with st.container(horizontal=True, gap="small", key="downloads"):
        for name, kind in render.FORMATS.items():
            st.download_button(
                kind.title, partial(render.render, document, name), render.file_name(document, name), kind.media_type,
                key=f"download-{name}", on_click="ignore", icon=":material/download:",
            )  # fmt: skip


def _kept(desk: Desk, key: str, number: str | None) -> None:
    if st.button("All reports", icon=":material/arrow_back:", type="tertiary", key="back", on_click=_back):
        return
    editions = desk.archive.editions(key)
    document = desk.edition(key, int(number) if number and number.isdecimal() else None)
    _sheet(desk, document, [one.edition for one in editions])


def _picked(desk: Desk, bar: DeltaGenerator) -> None:
    reports = desk.reports
    if not reports:
        with frame.card("nothing", "There is no report", "Build one, or put a file into data/reports"):
            return
    with bar:
        report = reports[_choice("name", titles(reports), "Report", 260)]
        team = _team(desk, report)
        windows = desk.periods(report)
        named = {calendar.words(one, report.period): one for one in windows}
        window = named[_choice("of", {words: words[:1].upper() + words[1:] for words in named}, "Period", 200)]
    if report.audience == "team" and team is None:
        with frame.card("nothing", "It is written for teams", "No team is known yet: name them in dx.toml"):
            return
    edition = desk.kept(report.name, team, window)
    if edition is not None:
        numbers_of = [one.edition for one in desk.archive.editions(edition.id)]
        _sheet(desk, desk.edition(edition.id, edition.edition), numbers_of)
        return
    with st.spinner("The report is being written"):
        document = desk.written(report, team, window)
    _sheet(desk, document, [])


def _sheet(desk: Desk, document: Document, editions: list[int]) -> None:
    with st.container(border=True, key="card-sheet", gap="small"):
        st.html(head(document))
        downloads(document)
        if len(editions) > 1:
            st.html(_others(document, editions))
        _handing(desk, document)
    preview(desk, document)


def _handing(desk: Desk, document: Document) -> None:
    """What became of deliveries; for whoever may, buttons to keep it and to have it delivered."""
    deliveries = [] if document.id == PREVIEW else desk.state.deliveries.of(document.id, document.edition)
    if deliveries:
        st.html(frame.listing(posting.rows(deliveries, is_open=desk.is_unlocked)))
    report = desk.reports.get(document.report)
    with st.expander("Keep and send" if document.id == PREVIEW else "Send"):
        state, is_on = desk.state, desk.is_unlocked
        with st.container(horizontal=True, gap="small"):
            if document.id == PREVIEW and LOCK.is_clicked(state, "Keep", "archive", "keep", is_on=is_on):
                lock.change(lambda: desk.archive.keep(document))
            goes_to = schedule.targets(report, document.team) if report else []
            if goes_to and LOCK.is_clicked(state, "Send", "send", "send", is_on=is_on):
                lock.change(lambda: send(desk, document))
        st.caption(posting.plan(goes_to, is_open=is_on))
        LOCK.show(state)


def send(desk: Desk, document: Document) -> None:
    """Have the worker deliver it to whom the report's file names; what was refused or given up is tried again."""
    report = desk.reports[document.report]
    kept = desk.archive.keep(document) if document.id == PREVIEW else document
    desk.state.deliveries.plan(kept.id, kept.edition, schedule.targets(report, kept.team), report.formats)
    delivery.ask_again(desk.state, kept, even_unclear=False)


def _others(document: Document, editions: list[int]) -> str:
    links = " · ".join(
        f"<b>{number}</b>"
        if number == document.edition
        else f'<a href="reports?{KEY}={document.id}&{NUMBER}={number}" target="_self">{number}</a>'
        for number in sorted(editions)
    )
    return f'<div class="dx-note">Editions: {links}</div>'


def _team(desk: Desk, report: ReportFile) -> str | None:
    teams = [one for one in writing.teams_of(report, desk.read.metrics) if one is not None]
    return _choice("for", {one: one for one in teams}, "Team", 200) if teams else None


def _choice(key: str, named: dict[str, str], title: str, width: int) -> str:
    """One of several, in the address; the first where the address says nothing that is known."""
    chosen = st.selectbox(
        title, list(named), format_func=lambda name: named.get(name, name), key=key, bind="query-params",
        label_visibility="collapsed", width=width,
    )  # fmt: skip
    return chosen if chosen in named else next(iter(named))


def _back() -> None:
    for name in (KEY, NUMBER):
        st.query_params.pop(name, None)
