"""What changed and why, and what needs attention: each a line that leads to its receipt or its page."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from dxmetrics import numbers
from dxmetrics.errors import SettingsError
from dxmetrics.metrics import Comparison
from dxmetrics.metrics import attention as attending
from dxmetrics.metrics import changes as changing
from dxmetrics.metrics.attention import Attention
from dxmetrics.metrics.changes import Moved, Words
from dxmetrics.ui import receipt
from dxmetrics.ui.filters import Choice
from dxmetrics.ui.overview import ways
from dxmetrics.ui.reading import Reading

MOST = 4  # lines that fit beside each other on one screen
PAGES = {"standard": "standards", "exemption": "standards", "cost": "cost", "incident": "delivery"}
TONES = {"better": "good", "worse": "bad"}


def changed(read: Reading, choice: Choice) -> tuple[Moved, ...]:
    """What changed by more than routine variation, what got worse first."""
    try:
        return read.once(
            ("changed", choice), lambda: changing.explained(read.metrics, _compared(read, choice), choice.where)
        )
    except SettingsError as error:
        read.refused(error)


def nothing_changed(read: Reading, choice: Choice) -> str:
    """What to say where nothing did: whether that is known."""
    if any(one.difference is not None for one in _compared(read, choice)):
        return "Nothing changed by more than routine variation."
    return "Nothing is known yet that could be compared with the weeks before."


def needed(read: Reading) -> tuple[Attention, ...]:
    """What needs attention now, the most urgent first."""
    try:
        return read.once("attention", lambda: attending.attention(read.metrics))
    except SettingsError as error:
        read.refused(error)


def show_changes(found: Sequence[Moved], instead: str) -> None:
    """A line for each change, with the receipt of its metric; `instead` where there is none."""
    if not found:
        st.html(f'<div class="dx-finding">{escape(instead)}</div>')
    with st.container(gap=None):
        for one in found[:MOST]:
            said, name = changing.sentence(one), one.definition.name
            with st.container(key=f"line-{name}", gap=None):
                tone = TONES.get(said.change or "", "")
                st.html(f'<div class="dx-finding dx-news {tone}">{_words(said.words)}</div>')
                receipt.button(name, one.definition.title, place="line")
    _more(len(found) - MOST)


def show_needs(found: Sequence[Attention]) -> None:
    """A line for each thing with what to do about it, which leads to the page that tells more."""
    if not found:
        st.html('<div class="dx-finding">Nothing does.</div>')
    with st.container(gap=None):
        for place, one in enumerate(found[:MOST]):
            with st.container(key=f"line-need-{place}", gap=None):
                st.html(f'<div class="dx-finding">{_words(one.words)}<small>{escape(one.remedy)}</small></div>')
                ways.way(PAGES.get(one.kind, "data_health"), one.text, of=f"need-{place}")
    _more(len(found) - MOST)


def _compared(read: Reading, choice: Choice) -> list[Comparison]:
    return [read.comparison(name, choice.start, choice.end, choice.where) for name in changing.WATCHED]


def _words(words: Sequence[Words]) -> str:
    return "".join(f"<b>{escape(one.text)}</b>" if one.is_strong else escape(one.text) for one in words)


def _more(count: int) -> None:
    if count > 0:
        st.html(f'<div class="dx-note">and {numbers.count(count, "other", "others")}</div>')
