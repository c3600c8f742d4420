"""Definitions: what does each number mean, and what is it good for?"""

import streamlit as st

from dxmetrics import numbers
from dxmetrics.ui import catalogue, frame

read = frame.open_page("Definitions")
definitions = read.catalogue()
frame.lead(f"{numbers.count(len(definitions), 'metric')}, each one SQL file: what is listed here is what runs")

words = st.text_input(
    "Search",
    type="search",
    live=True,
    key="q",
    bind="query-params",
    placeholder="Search titles, questions, sources",
    label_visibility="collapsed",
    width=420,
)
found = catalogue.search(definitions, words or "")
if not found:
    st.caption(f"No metric speaks of “{words}”.")
for entities, listed in catalogue.by_entity(found).items():
    st.subheader(entities, anchor=False)
    for definition in listed:
        catalogue.show(definition)

frame.foot(read)
