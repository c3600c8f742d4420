"""Standards: which services meet what every service is held to, and what is to be done first?"""

import streamlit as st

from dxmetrics import numbers
from dxmetrics.ui import frame, receipt
from dxmetrics.ui.standards import drawing, rows, scorecards

read = frame.open_page("Standards")
head = st.container()
choice = rows.choose(read)
found = rows.results(read, choice, choice.where)
tiers = rows.tiers(found)
cards = scorecards.scorecards(found, tiers)
if not cards:
    rows.nothing_yet()
    st.stop()
checks = len({one.check.name for one in found})
with head:
    frame.lead(
        f"{numbers.count(checks, 'check')} of {numbers.count(len(cards), 'service')}, as of "
        f"{numbers.instant(read.metrics.as_of)}"
    )

for service in choice.services:
    of_it = [one for one in found if one.service == service]
    with frame.card(f"service-{service}", service, "Every check, what fails first in each tier"):
        st.html(drawing.one_service(of_it, tiers))

left, right = st.columns(2, gap="small")
with left:
    counts = scorecards.levels(cards, tiers)
    with frame.card("levels", "Services by level", "The highest tier of which, and of all below, no check fails"):
        st.html(drawing.levels(counts))
        receipt.button(rows.METRIC, "standards met", place="levels")
    let_off = scorecards.exemptions(found)
    with frame.card("exemptions", "Let off for a while", drawing.exemptions_note(let_off)):
        if let_off:
            st.html(drawing.exemptions(let_off, read.metrics.as_of.date()))
with right:
    failing = scorecards.failures(found)
    with frame.card("failures", "What to do, by check", drawing.failures_note(failing)):
        if failing:
            st.html(drawing.failures(failing))

with frame.card("scorecards", "Scorecards", "The worst first; open a service to see every check of it"):
    st.html(drawing.scorecards(cards, "standards"))

frame.foot(read)
receipt.show_asked(read, choice)
