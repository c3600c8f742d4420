"""The frame of every page: title, what it is made from, the sample banner, cards, and what to do without data."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape

import streamlit as st

from dxmetrics.errors import DxError
from dxmetrics.ui import numbers, reading, theme
from dxmetrics.ui.reading import Reading


def open_page(title: str) -> Reading:
    """The publication to read, with the page's head drawn; stops the page kindly where nothing is published yet."""
    theme.paint()
    try:
        read = reading.current()
    except DxError as error:
        _nothing_yet(str(error))
        st.stop()
    if read.metrics.is_sample:
        _sample_banner()
    st.title(title, anchor=False)
    return read


def lead(words: str) -> None:
    """The grey line below the title: what the page is made from."""
    st.html(f'<p class="dx-lead">{escape(words)}</p>')


@contextmanager
def card(name: str, title: str, note: str = "", keys: Sequence[tuple[str, str]] = ()) -> Iterator[None]:
    """A bordered card: the measure in bold, a grey line that reads it, the legend as (words, colour), then the body."""
    with st.container(border=True, key=f"card-{name}", height="stretch", gap="small"):
        legend = "".join(f'<span><i style="background:{tone}"></i>{escape(words)}</span>' for words, tone in keys)
        st.html(
            f'<div class="dx-head"><b>{escape(title)}</b><span>{escape(note)}</span></div>'
            + (f'<div class="dx-keys">{legend}</div>' if legend else "")
        )
        yield


def facts(said: Mapping[str, str]) -> None:
    """Keys and sentences below each other; `words in backticks` are names of the field."""
    rows = "".join(f"<dt>{escape(key)}</dt><dd>{_named(words)}</dd>" for key, words in said.items())
    st.html(f'<dl class="dx-facts">{rows}</dl>')


def _named(words: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(words))


def foot(read: Reading) -> None:
    """The last line of a page: freshness, calendar and the publication's version."""
    metrics = read.metrics
    st.caption(
        f"{metrics.organisation} · data to {numbers.instant(metrics.as_of)} · weeks are ISO weeks in "
        f"{metrics.reporting_zone} · publication {metrics.data_version}"
    )


def _sample_banner() -> None:
    st.html(
        '<div class="dx-banner"><b>Sample data: an invented organisation.</b> '
        "Run <code>dxmetrics up &lt;repository&gt;</code> for yours.</div>"
    )


def _nothing_yet(reason: str) -> None:
    st.title("Nothing to show yet", anchor=False)
    lead("The dashboard shows the newest publication as soon as there is one; this page needs no restart.")
    with card("nothing", "Collect, build, check and publish", "One command does it, in the project's folder:"):
        st.code(
            "dxmetrics up                      # the project here, or the sample organisation\n"
            "dxmetrics up <URL or path> ...    # any git repositories, without configuration",
            language="bash",
        )
        st.caption(reason)
        st.button("Look again", icon=":material/refresh:")
