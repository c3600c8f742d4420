"""The cards at the top: who took part, the indices and the recommend score, each with its interval and its waves."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from dxmetrics.palette import Tokens
from dxmetrics.survey import Measure, Results
from dxmetrics.survey.results import Participation
from dxmetrics.ui import bars, charts, frame
from dxmetrics.ui.experience import figures, rows
from dxmetrics.ui.experience.figures import Mark
from dxmetrics.ui.experience.view import View

ENOUGH = 0.5  # of those who were asked; below it, those who answered may not speak for the others
UNITS = {"index": "of 100", "recommend": "from −100 to 100"}
RECOMMEND = "Recommend score (NPS-style)"


def show(view: View, colour: Tokens) -> None:
    """Draws the cards in one row, which on a phone stand below each other."""
    scores = view.measures("index", "recommend")
    with st.grid(len(scores) + 1, min_column_width=240, gap="small", key="scores"):
        with st.container(border=True, key="card-participation", height="stretch", gap=None):
            st.html(_participation(view.now))
            _waves(_rates(view), view.now.wave, " %", "Share of those asked who answered, by wave", colour)
        for measure in scores:
            with st.container(border=True, key=f"card-{measure.id}", height="stretch", gap=None):
                st.html(face(view, measure))
                trend = view.surveys.trend(view.now.survey, measure.id)
                marks = [Mark(one.wave, one.cell.value, one.cell.low, one.cell.high) for one in trend]
                _waves(marks, view.now.wave, "", f"{view.said(measure.text)} by wave", colour)


def face(view: View, measure: Measure) -> str:
    """What a score's card shows above its chart, as HTML."""
    cell = view.cell(measure)
    label = view.said(measure.text) if measure.kind == "index" else RECOMMEND
    head = f'<div class="dx-label" title="{escape(view.said(measure.text))}">{escape(label)}</div>'
    if cell is None or cell.value is None:
        reason = cell.reason if cell is not None and cell.reason else "not asked in this wave"
        return f'{head}<div class="dx-value none">–</div><div class="dx-note reason">{escape(reason)}</div>'
    return (
        f'{head}<div class="dx-value">{cell.value}<small>{UNITS[measure.kind]}</small></div>'
        f'<div class="dx-note">n {cell.n}, 95 %: {cell.low} to {cell.high}</div>'
        f"{rows.change(view, cell, measure)}"
    )


def rate(one: Participation) -> float | None:
    """The share of those asked who answered, from 0 to 1; None where it is not told."""
    return one.answered / one.invited if one.invited and one.answered is not None else None


def whole(results: Results) -> Participation | None:
    """Everybody's part in a wave; None where it is not known who was asked."""
    return next((one for one in results.participation if one.team is None), None)


def is_doubtful(results: Results) -> bool:
    """Whether fewer than half of those asked answered."""
    everybody = whole(results)
    share = rate(everybody) if everybody else None
    return share is not None and share < ENOUGH


def show_teams(view: View) -> None:
    """The card of who took part by team."""
    low = low_teams(view.now)
    note = f"Teams of which {view.now.k_cell} or more were asked"
    if not view.now.participation:
        note = "How many were asked is not known"
    elif low:
        note = f"Fewer than half answered in {', '.join(low)}"
    with frame.card("participation-teams", "Who took part", note):
        st.html(participation_rows(view))


def participation_rows(view: View) -> str:
    """Who took part by team, in the order of the tree; teams of few are named without a number."""
    told = {one.team: one for one in view.now.participation}
    lines = [_team(told[name], name, depth) for name, depth in view.teams if name in told]
    return bars.drawn(lines)


def low_teams(results: Results) -> list[str]:
    """Teams of which fewer than half answered."""
    return [
        one.team for one in results.participation if one.team and (share := rate(one)) is not None and share < ENOUGH
    ]


def _team(one: Participation, name: str, depth: int) -> str:
    share = rate(one)
    if not one.shown or share is None:
        return bars.hidden(name, "too few were asked, or it would tell of so few", depth)
    said = f"{100 * share:.0f} % · {one.answered} of {one.invited}"
    return bars.bar(name, share, said, is_quiet=share >= ENOUGH)


def _participation(now: Results) -> str:
    head = '<div class="dx-label">Took part</div>'
    everybody = whole(now)
    share = rate(everybody) if everybody else None
    if everybody is None or share is None:
        known = f"{now.answered:,} answered; how many were asked is not known" if now.answered else "too few to tell"
        return f'{head}<div class="dx-value none">–</div><div class="dx-note reason">{known}</div>'
    few = "fewer than half: they may not speak for the others" if share < ENOUGH else "of those who were asked"
    return (
        f'{head}<div class="dx-value">{100 * share:.0f}<small>%</small></div>'
        f'<div class="dx-note">{everybody.answered or 0:,} of {everybody.invited or 0:,} people</div>'
        f'<div class="dx-change">{few}</div>'
    )


def _rates(view: View) -> list[Mark]:
    waves: Sequence[Results] = view.surveys.waves(view.now.survey)[::-1]
    shares = [(one.wave, rate(everybody) if (everybody := whole(one)) else None) for one in waves]
    return [Mark(wave, None if share is None else round(100 * share)) for wave, share in shares]


def _waves(marks: Sequence[Mark], current: str, unit: str, alt: str, colour: Tokens) -> None:
    """The chart, where there are two waves to connect."""
    if sum(mark.value is not None for mark in marks) > 1:
        charts.show(figures.trend(marks, current, unit, colour), alt)
