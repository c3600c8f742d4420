"""The frame of every page: title, what it is made from, the sample banner, cards, and what to do without data."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from html import escape
from typing import NoReturn

import streamlit as st

from dxmetrics import numbers
from dxmetrics.errors import DxError, SettingsError
from dxmetrics.ui import reading, theme, work
from dxmetrics.ui.reading import Reading

FOLLOWS_EVERY = 5.0  # seconds


def open_page(title: str) -> Reading:
    """The publication to read, with the page's head drawn.

    The page ends kindly where nothing is published yet, and where it asks for what this publication does not have.
    """
    theme.paint()
    try:
        read = replace(reading.current(), refused=_not_built)
    except DxError as error:
        _nothing_yet(str(error))
        st.stop()
    if read.metrics.is_sample:
        _sample_banner()
    st.title(title, anchor=False)
    _follow(read.metrics.data_version)
    return read


@st.fragment(run_every=FOLLOWS_EVERY)
def _follow(version: str | None) -> None:
    """Draws the page again once there is a newer publication than `version`; an open page need not be reloaded."""
    try:
        newest = reading.current().metrics.data_version
    except DxError:
        return  # what is shown stays
    if newest != version:
        st.rerun()


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
    doing = work.now()
    if isinstance(doing, work.Work) and doing.worker:
        st.title("The first numbers are on their way", anchor=False)
        lead("Sources are being read. This page shows the numbers as soon as there are some, and more as they come.")
        with card("nothing", "What the worker does", work.summary(doing)):
            st.html(listing(work.beginnings(doing)))
    else:
        st.title("Nothing to show yet", anchor=False)
        lead("The dashboard shows the newest publication as soon as there is one; this page needs no restart.")
        with card("nothing", "Collect, build, check and publish", "One command does it, in the project's folder:"):
            st.code(
                "dxmetrics up                      # the project here, or the sample organisation\n"
                "dxmetrics up <URL or path> ...    # any git repositories, without configuration",
                language="bash",
            )
            st.caption(reason)
    _follow(None)


def _not_built(error: SettingsError) -> NoReturn:
    note = "This publication was made before a number that belongs here was written. In the project's folder:"
    with card("not-built", "Not built yet", note):
        st.code("dxmetrics build", language="bash")
        st.caption(str(error))
    st.stop()


def listing(rows: Sequence[Mapping[str, object]]) -> str:
    """Rows as an HTML table whose long messages wrap; numbers to the right."""
    head = "".join(f"<th>{escape(title)}</th>" for title in rows[0])
    body = "".join(f"<tr>{''.join(map(_listed, row.values()))}</tr>" for row in rows)
    return f'<div class="dx-list"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _listed(value: object) -> str:
    if isinstance(value, int):
        return f'<td class="number">{value:,}</td>'
    return f"<td>{escape('' if value is None else str(value))}</td>"
