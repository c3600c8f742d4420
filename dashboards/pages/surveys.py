"""Surveys: which survey runs, who takes part, and what is next?"""

import streamlit as st

from dxmetrics.errors import StateError
from dxmetrics.ui import frame
from dxmetrics.ui.experience import view
from dxmetrics.ui.surveys import controls, desk

read = frame.open_page("Surveys")
try:
    work = desk.opened(view.results(read))
except StateError as error:
    with frame.card("broken", "The state store cannot be used", str(error)):
        st.stop()
frame.lead(desk.lead(work))
with frame.card(
    "instruments",
    "Instruments",
    "Files in data/surveys, each checked by itself, beside the others and against earlier waves",
):
    st.html(frame.listing(desk.listed(work)))
if not work.instruments:
    st.stop()

with st.container(key="filters"):
    asked = st.selectbox(
        "Survey", list(work.instruments), key="survey", bind="query-params", label_visibility="collapsed", width=240
    )
chosen = work.instruments.get(asked or "") or next(iter(work.instruments.values()))
left, right = st.columns(2, gap="small")
with left:
    controls.wave(work, chosen)
with right:
    controls.preview(chosen)
desk.show_history(work)

frame.foot(read)
