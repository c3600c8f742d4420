"""Adoption: are the golden paths used, by whom, and who is stuck where?"""

import streamlit as st

from dxmetrics.ui import charts, frame, receipt, theme
from dxmetrics.ui.adoption import (
    activity,
    funnel,
    matrix,
    onboarding,
    opinions,
    reach,
    reliability,
    requests,
    retention,
    rows,
    templates,
    view,
)

read = frame.open_page("Adoption of the platform")
colour = theme.tokens()
head = st.container()
seen = view.choose(read)
if seen is None:
    view.nothing_yet()
    st.stop()
with head:
    frame.lead(view.lead(seen))

shares = rows.reaches(seen)
with frame.card("reach", "How far each capability reaches", reach.summary(shares)):
    st.html(reach.drawn(shares))

spots = rows.spots(seen)
if spots:
    with frame.card("matrix", "Teams by capability", matrix.summary(spots)):
        st.html(matrix.legend() + matrix.drawn(spots, seen.titles))

title = view.title_of(seen.chosen)
left, right = st.columns(2, gap="small")
with left:
    weeks = rows.weeks(seen)
    with frame.card("activity", f"{title}: people a week", activity.note(weeks)):
        charts.show(activity.weekly(weeks, colour), f"People who used {title} by week")
        st.caption(activity.sticky(rows.stickiness(seen)))
with right:
    cohorts = rows.cohorts(seen)
    with frame.card("retention", f"{title}: who comes back", retention.NOTE):
        if cohorts:
            st.html(retention.drawn(cohorts))
        else:
            st.caption(retention.NONE)

steps, stuck = rows.steps(seen), rows.stuck(seen)
if steps or stuck:
    with frame.card("funnel", "New services on their way to production", funnel.summary(steps, stuck)):
        st.html(funnel.drawn(steps))
        if stuck:
            st.html(frame.listing(funnel.listing(stuck)))
        receipt.button("journey_funnel", "the way to production", place="funnel")

left, right = st.columns(2, gap="small")
with left:
    onboarding.show(rows.newcomers(seen))
with right:
    templates.show(*rows.templates(seen), rows.behind(seen))

left, right = st.columns(2, gap="small")
with left:
    requests.show(rows.requests(seen), rows.waits(seen))
    reliability.show(rows.reliability(seen))
with right:
    opinions.show(opinions.opinions(read))

frame.foot(read)
receipt.show_asked(read, seen.choice, dict.fromkeys(rows.OF_THE_YEAR, seen.year))
