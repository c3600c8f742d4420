"""Experience: what do developers say, and does it agree with what we measure?"""

import streamlit as st

from dxmetrics import numbers
from dxmetrics.ui import charts, filters, frame, receipt, theme
from dxmetrics.ui.experience import actions, agreement, comments, figures, opinions, scores, view

read = frame.open_page("Developer experience")
colour = theme.tokens()
head = st.container()
seen = view.choose(read)
if seen is None:
    view.nothing_yet()
    st.stop()
now, window = seen.now, seen.window(read.metrics.reporting_zone)
with head:
    frame.lead(
        f"{seen.said(now.title)} · asked {numbers.day(now.opened_on)} to {numbers.day(now.closed_on)} · "
        f"no number of fewer than {now.k_cell} people"
    )
if scores.is_doubtful(now):
    st.html(
        '<div class="dx-banner"><b>Fewer than half of those who were asked answered.</b> '
        "The numbers may not represent the others: read them as what some say.</div>"
    )
scores.show(seen, colour)
opinions.items(seen)
opinions.choices(seen)

left, right = st.columns(2, gap="small")
with left:
    opinions.groups(seen)
with right:
    scores.show_teams(seen)

compared = agreement.comparisons(read, seen, window)
if compared:
    found = agreement.findings(compared)
    span = numbers.span(window.start, window.end)
    with frame.card("agreement", "Said against measured", f"{agreement.summary(found)} Measured {span}."):
        agreement.show(found, seen)
    with st.grid(3, min_column_width=290, gap="small", key="comparisons"):
        for one in compared:
            title = one.definition.title
            with frame.card(f"said-{one.item.id}", title, f"“{seen.said(one.item.text)}”"):
                charts.show(figures.agreement(one, colour), f"Teams by {title.lower()} and by what they say")
                st.caption(agreement.reading(one))
                receipt.button(one.definition.name, title, place=one.item.id)

left, right = st.columns(2, gap="small")
with left:
    comments.show(now)
with right:
    actions.show(read, seen)

if now.unusable:
    st.caption(f"{numbers.count(now.unusable, 'answer')} on no point of their scale are left out.")
if now.attribution:
    st.caption(now.attribution)
frame.foot(read)
receipt.show_asked(read, filters.Choice(window.start, window.end))
