"""AI assistants: whom do they reach, how much of the work is assisted, and what does it cost beside rework?"""

import streamlit as st

from dxmetrics.metrics import FEW_PEOPLE
from dxmetrics.ui import charts, filters, frame, receipt, theme
from dxmetrics.ui.assistants import figures, view, words

read = frame.open_page("AI assistants")
colour = theme.tokens()
head = st.container()
choice = filters.bar(read)
seen = view.view(read, choice)
with head:
    frame.lead(words.answer(seen))
if seen.is_empty:
    words.nothing_yet()
    frame.foot(read)
    st.stop()
st.html(words.tiles(seen))

left, right = st.columns(2, gap="small")
with left, frame.card("reach", "Reach by week", "People in a team who used an assistant; the running week is hollow"):
    charts.show(
        figures.share(seen.weeks, "people", colour),
        "Share of people who used an assistant, by week",
        instead=None if seen.reach else "No week with five people or more whose use is known.",
    )
with right:
    note = "Merged changes by an agent, or with an assistant named in a commit: at least"
    with frame.card("changes", "Assisted changes by week", note):
        charts.show(figures.share(seen.shares, "changes", colour), "Share of merged changes that are assisted, by week")
        receipt.button(view.CHANGES, "assisted changes", place="weeks")

left, right = st.columns(2, gap="small")
with left, frame.card("rework", "Rework, with and without assistance", seen.rework.verdict):
    st.html(words.rework(seen.rework))
    st.caption(
        "Rework: taken back by another change, or shipped first by a deployment that failed. What people use "
        "assistants for differs from what they do without: this is an association, not an effect."
    )
    receipt.button(view.REWORK, "rework of assisted changes", place="rework")
with right:
    spending = seen.spending
    note = f"What is charged in a month, in {spending.currency}, by all merged changes" if spending else "Not known"
    with frame.card("cost", "Cost per merged change", note):
        if spending is None:
            st.caption("No charge for assistants is known: a source that reports spend, or a cost export, tells of it.")
        else:
            charts.show(figures.cost(spending, colour), "Spend on assistants per merged change, by month")
            if spending.left_out:
                st.caption(f"{spending.left_out:,} charges in other currencies are left out, never added up.")
            receipt.button(view.SPEND, "spend on assistants", place="months")

if seen.teams:
    note = f"By name, not by rank; a team of {FEW_PEOPLE}, or that would tell of one, is in the whole only"
    with frame.card("teams", "Teams", note):
        st.html(words.teams(seen))

frame.foot(read)
receipt.show_asked(read, choice)
