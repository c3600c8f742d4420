"""Overview: how is it going, what changed, what needs attention, and how much of it can be trusted?"""

import streamlit as st

from dxmetrics import numbers
from dxmetrics.ui import cards, filters, frame, receipt
from dxmetrics.ui.overview import faces, news, trust, ways

read = frame.open_page("Overview")
choice = filters.usual(read)
with st.container(horizontal=True, gap="small", key="trust"):
    with st.container(width="content"):
        frame.lead(f"{numbers.span(choice.start, choice.end)}, against the {choice.weeks} weeks before")
    with st.container(key="line-trust", width="content"):
        st.html(trust.line(read, choice))
        ways.way("data_health", "Data health", of="trust")

with st.grid(len(cards.DORA), min_column_width=150, gap="small", key="cards"):
    for name, label in cards.DORA.items():
        with st.container(border=True, key=f"card-{name}", height="stretch", gap=None):
            st.html(cards.compact(read, name, label, choice))
            ways.way("delivery", f"Delivery: {label}", of=name)
            receipt.button(name, label)

parts = {
    "adoption": ("Adoption", faces.adoption(read, choice)),
    "experience": ("Experience", faces.experience(read)),
    "cost": ("Cost", faces.cost(read, choice)),
}
with st.grid(len(parts), min_column_width=280, gap="small", key="parts"):
    for page, (title, face) in parts.items():
        with st.container(border=True, key=f"card-{page}", height="stretch", gap=None):
            st.html(face)
            ways.way(page, title)

left, right = st.columns(2, gap="small")
with left, frame.card("changed", "What changed and why", "Signals only; everything else is routine variation"):
    news.show_changes(news.changed(read, choice), news.nothing_changed(read, choice))
with right, frame.card("needs", "What needs attention", "As of now, the most urgent first"):
    news.show_needs(news.needed(read))

frame.foot(read)
receipt.show_asked(read, choice)
