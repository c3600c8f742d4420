"""Reports: what was written for whom, did it arrive, and what should be written next?"""

import streamlit as st

from dxmetrics.errors import StateError
from dxmetrics.ui import frame
from dxmetrics.ui.reports import builder, desk, listing, reader

READ, ARCHIVE, BUILD = "Read", "Archive", "Build"

read = frame.open_page("Reports")
try:
    work = desk.opened(read)
except StateError as error:
    with frame.card("broken", "The state store cannot be used", str(error)):
        st.stop()
frame.lead(listing.lead(work))
view, bar = READ, st.container(horizontal=True, gap="small", vertical_alignment="center", key="filters")
if not st.query_params.get(reader.KEY):
    view = bar.segmented_control(
        "View", [READ, ARCHIVE, BUILD], default=READ, required=True, key="view", bind="query-params",
        label_visibility="collapsed",
    ) or READ  # fmt: skip
if view == ARCHIVE:
    listing.show(work)
elif view == BUILD:
    builder.show(work)
else:
    reader.show(work, bar)
frame.foot(read)
