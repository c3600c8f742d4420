"""The palette the reader has chosen, and the one style sheet the theme file cannot express."""

from pathlib import Path

import streamlit as st

from dxmetrics.palette import DARK, LIGHT, Tokens


def tokens() -> Tokens:
    """The palette of the appearance the reader has chosen."""
    return DARK if st.context.theme.type == "dark" else LIGHT


def paint() -> None:
    """Puts the style sheet on the page; once a run, before anything else."""
    st.html(_SHEETS[tokens().name])


def _variables() -> str:
    """The tokens as CSS variables; the browser itself picks light or dark, also before the first run has ended."""
    names = ("ink", "muted", "grid", "accent", "bad", "good", "card", "page", "band")
    pairs = (f"--dx-{name}: light-dark({getattr(LIGHT, name)}, {getattr(DARK, name)});" for name in names)
    return f"body {{ {' '.join(pairs)} }}"


def _sheet(name: str) -> str:
    """The style sheet of an appearance: dialogs are drawn outside the app's element and have to be told."""
    return f"<style>{_variables()} .stDialog {{ color-scheme: {name}; }} {_RULES}</style>"


_RULES = Path(__file__).with_name("style.css").read_text(encoding="utf-8")
_SHEETS = {one.name: _sheet(one.name) for one in (LIGHT, DARK)}
