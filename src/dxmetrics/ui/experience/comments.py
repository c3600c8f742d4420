"""What people wrote: themes with how often they come up, and the words of those who allowed it."""

from html import escape

import streamlit as st

from dxmetrics import numbers
from dxmetrics.survey import Results
from dxmetrics.ui import bars, frame

NONE = "Too few people wrote one: what few write could give them away. Comments are shown from ten on, or later."


def show(now: Results) -> None:
    """The card of comments by theme; the reader may pick one theme (`?theme=…`)."""
    if now.comments is None:
        with frame.card("comments", "Comments", NONE):
            return
    note = (
        f"{numbers.count(now.comments, 'comment')}, {len(now.quotes):,} of them may be shown word for word; "
        "whose they are, and of which team, is known nowhere"
    )
    with frame.card("comments", "Comments by theme", note):
        st.html(themes(now))
        told = [theme.name for theme in now.themes if theme.count is not None]
        if len(told) < 2:
            st.html(quotes(now, None))
            return
        picked = st.pills("Theme", told, key="theme", bind="query-params", label_visibility="collapsed")
        st.html(quotes(now, picked if picked in told else None))


def themes(now: Results) -> str:
    """How many comments speak of each theme, as bars; those of few are named without a number."""
    told = [(theme.name, theme.count) for theme in now.themes if theme.count is not None]
    few = [theme.name for theme in now.themes if theme.count is None]
    most = max((count for _, count in told), default=1)
    lines = bars.drawn(bars.bar(name, count / most, f"{count:,}", is_quiet=True) for name, count in told)
    rest = (
        f'<div class="dx-note">Of fewer than {now.k_cell} comments each: {escape(", ".join(few))}</div>' if few else ""
    )
    return lines + rest


def quotes(now: Results, theme: str | None) -> str:
    """The words that may be shown, in the shuffled order in which they were frozen; of one theme, or of all."""
    chosen = [quote for quote in now.quotes if theme is None or theme in quote.themes]
    if not chosen:
        return '<div class="dx-note">Nobody allowed their words to be shown.</div>'
    said = "".join(f"<p>{escape(quote.text)}<small>{escape(', '.join(quote.themes))}</small></p>" for quote in chosen)
    return f'<div class="dx-quotes">{said}</div>'
