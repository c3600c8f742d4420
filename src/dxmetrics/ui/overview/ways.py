"""Ways from a card to the page that tells more of it."""

import streamlit as st
from streamlit.errors import StreamlitAPIException

from dxmetrics.ui import reading


def way(page: str, label: str, *, of: str = "") -> None:
    """A link in the corner of a card to `page`, the name of its file; the whole card leads there.

    `of` tells two ways to the same page apart. A page that this project, or a page that runs by itself, does not list
    has no way to it.
    """
    file = next((file for file in reading.project().pages if file.stem == page), None)
    if file is None:
        return
    with st.container(key=f"way-{of or page}", width="content"):
        try:
            st.page_link(str(file), label=label, icon="")
        except StreamlitAPIException:  # no navigation runs around this page
            return
