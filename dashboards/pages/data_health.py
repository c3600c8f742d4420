"""Data health: can the numbers be trusted today?"""

import streamlit as st

from dxmetrics import numbers
from dxmetrics.ui import frame, health, work

read = frame.open_page("Data health")
state = read.health()
frame.lead(f"What the numbers are made of · data to {numbers.instant(state.as_of)}")
st.html(health.summary(state))

with frame.card("sources", "Sources", "When each was last read whole, and what its newest runs brought"):
    st.dataframe(
        health.sources(state),
        hide_index=True,
        column_config=health.instants("Last read"),
        alt="Sources and their last runs",
    )
with frame.card("coverage", "Complete since", "Before this day a zero would be a guess, so nothing is shown there"):
    st.dataframe(
        health.coverage(state),
        hide_index=True,
        column_config=health.instants("Complete since", "Until"),
        alt="Since when every stream is complete",
    )
doing = work.now()
if isinstance(doing, work.Work):
    with frame.card("schedule", "Worker and schedule", work.summary(doing)):
        st.dataframe(
            work.schedule(doing),
            hide_index=True,
            column_config=health.instants("Last began", "Next"),
            alt="When each source was read and is due next",
        )
    if doing.unmapped:
        with frame.card("inbox", "Pushed, and kept without a record", work.REMEDY):
            st.html(frame.listing(work.unmapped(doing)))
    with frame.card("steps", "What was done last", "Steps of the worker, the newest first"):
        st.dataframe(work.steps(doing), hide_index=True, column_config=health.instants("When"), alt="The run log")
else:
    with frame.card("schedule", "Worker and schedule", doing):
        pass
sections = health.sections(state)
for section in sections:
    if section.rows:
        health.show(section)
with frame.card("fine", "In order", " ".join(section.fine for section in sections if not section.rows)):
    pass

frame.foot(read)
