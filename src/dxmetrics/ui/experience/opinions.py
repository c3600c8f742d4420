"""What people say: every item as a row, the least favourable first, and one measure by team or time in the company."""

from collections.abc import Sequence

import streamlit as st

from dxmetrics.survey import Cell, Measure
from dxmetrics.ui import frame
from dxmetrics.ui.experience import rows
from dxmetrics.ui.experience.rows import Row
from dxmetrics.ui.experience.view import View

CUTS = ("By team", "By time here")
LEGEND = (
    '<div class="dx-legend"><span><i class="dot"></i>Everybody</span>'
    '<span><i class="range"></i>Its 95 % interval</span><span><i class="team"></i>One team</span>{}</div>'
)
SOME_HIDDEN = '<span><i class="hidden"></i>Some teams are hidden</span>'


def items(view: View) -> None:
    """The card of likert items, the least favourable first, with teams as small dots; nothing where there is none."""
    asked = view.measures("likert")
    cells = {one.id: view.cell(one) for one in asked}
    shown = [(one, cell) for one in asked if (cell := cells[one.id]) is not None]
    shown.sort(key=lambda pair: (pair[1].value is None, pair[1].value))
    if not shown:
        return
    lines = [_item(view, measure, cell) for measure, cell in shown]
    has_hidden = any(not team.shown for line in lines for team in line.teams)
    note = "Share of favourable answers, the lowest first. An arrow only where the change is more than noise"
    with frame.card("items", "What people say", note):
        if any(line.teams for line in lines):
            st.html(LEGEND.format(SOME_HIDDEN if has_hidden else ""))
        st.html(rows.drawn(lines, "%", (0, 100), is_wide=True) + rows.reasons(cell for _, cell in shown))


def choices(view: View) -> None:
    """The card of options that were chosen; nothing where the survey has none."""
    options = [(one, cell) for one in view.measures("choice") if (cell := view.cell(one)) is not None]
    if options:
        with frame.card("choices", "What people chose", "Share of those who answered the question"):
            lines = [Row(view.said(measure.text), cell) for measure, cell in options]
            st.html(rows.drawn(lines, "%", (0, 100), is_wide=True) + rows.reasons(cell for _, cell in options))


def groups(view: View) -> None:
    """The card of one measure by group; the reader chooses which (`?measure=…&cut=…`)."""
    titles = {view.said(one.text): one for one in view.now.measures}
    with frame.card(
        "groups", "By group", "One measure for each group that may be shown; the line is its 95 % interval"
    ):
        asked = st.selectbox("Measure", list(titles), key="measure", bind="query-params", label_visibility="collapsed")
        measure = titles.get(asked or "", view.now.measures[0])
        cut = CUTS[0]
        if view.tenures and view.teams:
            cut = st.segmented_control(
                "Cut", CUTS, default=CUTS[0], required=True, key="cut", bind="query-params",
                label_visibility="collapsed",
            ) or CUTS[0]  # fmt: skip
        lines = _groups(view, measure, cut)
        if lines:
            everybody = view.cell(measure)
            total = [Row("Everybody", everybody)] if everybody is not None else []
            st.html(
                rows.drawn([*total, *lines], measure.unit, rows.scale_of(measure))
                + rows.reasons(line.cell for line in lines)
            )
        else:
            st.caption("This survey is shown for everybody together only.")


def _item(view: View, measure: Measure, cell: Cell) -> Row:
    meant = "share who disagree" if measure.is_reversed else ""
    known = f"n {cell.n}" if cell.n else ""
    note = " · ".join(part for part in ((measure.dimension or "").capitalize(), meant, known) if part)
    teams = [team for name in sorted(view.leaves) if (team := view.cell(measure, "team", name)) is not None]
    return Row(view.said(measure.text), cell, note, rows.change(view, cell, measure, is_short=True), teams=teams)


def _groups(view: View, measure: Measure, cut: str) -> Sequence[Row]:
    if cut == CUTS[1]:
        bands = [(band, view.cell(measure, "tenure", band)) for band in view.tenures]
        return [_group(view, measure, band, 0, cell) for band, cell in bands if cell is not None]
    teams = [(name, depth, view.cell(measure, "team", name)) for name, depth in view.teams]
    return [_group(view, measure, name, depth, cell) for name, depth, cell in teams if cell is not None]


def _group(view: View, measure: Measure, name: str, depth: int, cell: Cell) -> Row:
    note = f"n {cell.n}" if cell.n else ""
    return Row(name, cell, note, rows.change(view, cell, measure, is_short=True), depth)
