"""You said, we did: what became of what people said, who sees to it, and by when."""

from collections.abc import Sequence
from datetime import date
from html import escape

import streamlit as st

from dxmetrics import numbers
from dxmetrics.errors import SettingsError
from dxmetrics.survey import actions
from dxmetrics.survey.actions import Action
from dxmetrics.ui import frame, reading
from dxmetrics.ui.experience.view import View
from dxmetrics.ui.reading import Reading

TITLE = "You said, we did"
EXAMPLE = """\
- survey: {survey}
  wave: {wave}
  said: What people said.
  did: What you did about it, or will.
  owner: Platform
  due_on: 2026-12-01
  status: doing"""


def show(read: Reading, view: View) -> None:
    """The card of what was done about a survey, or how to say so."""
    try:
        found = [one for one in actions.of_project(reading.project(), view.surveys) if one.survey == view.now.survey]
    except SettingsError as error:
        with frame.card("actions", TITLE, str(error)):
            return
    if found:
        with frame.card("actions", TITLE, "What became of it, who sees to it, and by when"):
            st.html(drawn(found, read.metrics.as_of.date()))
    else:
        with frame.card("actions", TITLE, f"Nothing is written down yet. Say what you do in {actions.FILE}:"):
            st.code(EXAMPLE.format(survey=view.now.survey, wave=view.now.wave), language="yaml")


def drawn(found: Sequence[Action], today: date) -> str:
    """The actions as HTML."""
    return "".join(_entry(one, today) for one in found)


def when(one: Action, today: date) -> str:
    """Its state with the date in words: "done 8 Dec 2026", "planned, overdue since 8 Dec 2026"."""
    if one.due_on is None:
        return one.status
    day = numbers.day(one.due_on)
    if one.status in ("done", "dropped"):
        return f"{one.status} {day}"
    return f"{one.status}, {'overdue since' if one.due_on < today else 'due'} {day}"


def _entry(one: Action, today: date) -> str:
    plain = "" if one.status == "done" else " plain"
    return (
        f'<div class="dx-finding"><b>{escape(one.did)}</b>'
        f'<span class="dx-badge{plain}">{escape(when(one, today))}</span>'
        f"<small>Said in {escape(one.wave)}: “{escape(one.said)}” · {escape(one.owner)}</small></div>"
    )
