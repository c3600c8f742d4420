"""Does it help: are services that adopted a capability better off than those that did not, or worse?"""

import streamlit as st

from dxmetrics import numbers
from dxmetrics.ui import charts, filters, frame, receipt, theme
from dxmetrics.ui.comparison import around, event_time, figures, sides, verdicts, words

read = frame.open_page("Does it help")
colour = theme.tokens()
head = st.container()
offered = sides.capabilities(read)
if not offered:
    with head:
        frame.lead("Services that adopted a capability against those that did not")
    words.nothing_yet()
    frame.foot(read)
    st.stop()
titles = {one.name: one.title for one in offered}
picked = st.selectbox("Capability", list(titles), format_func=titles.__getitem__, key="capability",
                      bind="query-params", label_visibility="collapsed", width=300)  # fmt: skip
capability = next((one for one in offered if one.name == picked), offered[0])
choice = filters.usual(read)
who = sides.sides(read, capability.name, choice)
found = verdicts.findings(read, who, choice)
with head:
    frame.lead(f"{verdicts.summary(found)} · {words.answer(capability, who)}")
st.html(f'<div class="dx-banner"><b>Associated with, not caused by.</b> {words.SELECTION}</div>')

keys = (("Adopters", colour.accent), ("Others", colour.muted))
for one in found:
    definition = one.definition
    with frame.card(f"outcome-{definition.name}", definition.title, one.verdict, keys):
        charts.show(
            figures.dots(one.arms, definition.unit, colour),
            f"{definition.title} of every service, adopters above the others",
            instead=None if one.is_shown else "Too few services to show any of them.",
        )
        if one.is_shown:
            st.caption(f"{verdicts.sizes(one.contrast, definition.unit)}. Each dot is a service, the bar its side.")
        receipt.button(definition.name, definition.title, place="outcome")

meanwhile = around.around(read, capability.name, choice)
if meanwhile is not None:
    note = verdicts.sentence(meanwhile.verdict)
    with frame.card("around", "Before and after each adoption", note, event_time.keys(colour)):
        charts.show(
            event_time.chart(meanwhile.trend, colour),
            "Lead time of adopters against the others, by weeks from adoption",
            instead=None if meanwhile.trend else "Too few services to show what became of any of them.",
        )
        st.html(around.told(meanwhile))
        if meanwhile.trend:
            st.caption(around.READ_AS)
        receipt.button(around.ADOPTIONS, "adoptions", place="around")

differing = verdicts.others(read, who, choice)
if differing:
    note = "Between adopters and others, the furthest apart first: medians of numbers, shares of words"
    with frame.card("traits", "What else differs", note):
        st.html(words.differences(differing))
st.caption(f"{numbers.span(choice.start, choice.end)}. Services that adopted or left in between are on neither side.")
frame.foot(read)
receipt.show_asked(read, choice)
