"""Cost: what do teams and services cost, for each of their deployments, and how much belongs to nobody?"""

import streamlit as st

from dxmetrics.ui import charts, filters, frame, receipt, theme
from dxmetrics.ui.cost import figures, view, words

read = frame.open_page("Cost")
colour = theme.tokens()
head = st.container()
choice = filters.bar(read)
seen = view.view(read, choice)
if seen is None:
    with head:
        frame.lead("What teams and services cost, and for what")
    words.nothing_yet()
    frame.foot(read)
    st.stop()
with head:
    frame.lead(words.answer(seen))
st.html(words.tiles(seen))

left, right = st.columns(2, gap="small")
keys = (("Direct", colour.accent), ("Part of what all share", colour.bars), ("Belongs to nobody", colour.bad))
with left, frame.card("months", "Cost by month", "A month that is not over is hollow; credits are taken off", keys):
    charts.show(figures.months(seen.months, seen.currency, colour), "Cost by month, by whose it is")
    receipt.button(view.COST, "cost", place="months")
with right:
    each = [month.per_deployment for month in seen.months]
    note = "The month's whole cost by its deployments to production"
    with frame.card("unit", "Cost per deployment", note):
        cells = [month.cell for month in seen.months]
        charts.show(
            figures.unit_cost(cells, each, seen.currency, "a deployment", colour),
            "Cost per deployment by month",
            instead=None if any(each) else "No deployment is known in these months.",
        )

if seen.last and seen.bearers:
    title = f"Cost by {seen.dimension}, {seen.last.cell.period_start:%B %Y}"
    note = "The most first. What all share is split as [cost] shared says; what belongs to nobody is in no row"
    with frame.card("bearers", title, note):
        st.html(words.bearers(seen))
if seen.other_currencies:
    st.caption(
        f"{seen.other_currencies:,} charges in other currencies than {seen.currency} are in no number: they are never "
        "added up. [cost] currency says which one counts."
    )
frame.foot(read)
receipt.show_asked(read, choice)
