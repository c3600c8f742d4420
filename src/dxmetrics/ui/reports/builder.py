"""Building a report without YAML: who reads it, of which period, what is in it, who gets it when; beside its preview.

What was chosen is a draft in the session's memory. Saving it writes a file into the project, which takes a token.
"""

from __future__ import annotations

from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any

import streamlit as st
from pydantic_core import PydanticUndefined

from dxmetrics import numbers
from dxmetrics.errors import SettingsError
from dxmetrics.reports import library, render, writing
from dxmetrics.reports.sections import KINDS
from dxmetrics.ui import frame
from dxmetrics.ui.experience import view
from dxmetrics.ui.reports import draft as drafting
from dxmetrics.ui.reports import reader
from dxmetrics.ui.reports.desk import LOCK, Desk
from dxmetrics.ui.reports.draft import BY_HAND, SCHEDULES, Draft

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from dxmetrics.reports.library import ReportFile

DRAFT, ROUND = "report_draft", "report_draft_round"  # in the session's memory; widgets are made anew with each round
BLANK = ""
TITLES = {
    "key_figures": "Key figures",
    "what_changed": "What changed and why",
    "trend": "One metric over time",
    "stages": "Where lead time goes",
    "table": "Table of services or teams",
    "adoption": "Adoption of the platform",
    "standards": "Standards",
    "experience": "What developers say",
    "cost": "Cost",
    "risks": "What needs attention",
    "done": "What was done",
    "next": "What is next",
    "coverage": "What the numbers rest on",
    "definitions": "Definitions",
}
FIRST = ("key_figures", "what_changed", "coverage", "definitions")
AUDIENCES = {"team": "One for each team", "organisation": "One for everybody"}
PERIODS = {"week": "Week", "month": "Month", "quarter": "Quarter"}
PLACES = "cto@example.org\nlead@example.org for Payments\n#engineering\nreports/"


def show(desk: Desk) -> None:
    """Draws what is to be chosen beside what becomes of it."""
    draft = _draft()
    left, right = st.columns([5, 6], gap="small")
    with left:
        _about(desk, draft)
        _content(desk, draft)
        _sending(draft)
    with right:
        try:
            report = drafting.checked(draft, _webhooks(desk))
        except SettingsError as error:
            with frame.card("problems", "Still to do", "The preview comes once nothing is missing"):
                lines = [escape(line.removeprefix("the report: ")) for line in str(error).splitlines()]
                st.html("".join(f'<div class="dx-finding">{line}</div>' for line in lines))
            return
        _saving(desk, report)
        _preview(desk, report)


# -- what is chosen ---------------------------------------------------------------------------------------------------


def _about(desk: Desk, draft: Draft) -> None:
    key = _keys("about")
    with frame.card("about", "The report", "Who reads it, and of which period it is"):
        st.selectbox(
            "Begin with", [BLANK, *desk.reports], key="begin", on_change=partial(_begin, desk),
            format_func=lambda name: desk.reports[name].title if name else "Nothing",
        )  # fmt: skip
        draft.title = st.text_input("Title", draft.title, key=key("title"), placeholder="Monthly delivery review")
        draft.about = st.text_input(
            "Who should read it, and why", draft.about, key=key("why"), placeholder="For the leads of Payments, to ..."
        )
        usual = drafting.name_of(draft.title)
        named = st.text_input(
            "Name of its file", draft.name or usual, key=key(f"name-{'' if draft.name else usual}"), help="NAME.yaml"
        )
        draft.name = "" if named == usual else named
        draft.audience = _one_of("Audience", AUDIENCES, draft.audience, key("audience"))
        if draft.audience == "team":
            teams = list(dict.fromkeys((*desk.read.values("team"), *draft.teams)))
            draft.teams = st.multiselect("Teams", teams, draft.teams, key=key("teams"), placeholder="Every team")
        draft.period = _one_of("Period", PERIODS, draft.period, key("period"))


def _content(desk: Desk, draft: Draft) -> None:
    with frame.card("content", "What is in it", "From top to bottom; definitions come last by themselves"):
        for place, entry in enumerate(draft.sections):
            with st.container(key=f"section-{place}", gap="small"):
                _heading(draft, place)
                _options(desk, entry, _keys(f"section-{place}"))
        key = _keys("content")("add")
        st.selectbox(
            "Add", list(KINDS), index=None, key=key, placeholder="Add a section", label_visibility="collapsed",
            format_func=lambda name: f"{title_of(name)}: {KINDS[name].about[:1].lower()}{KINDS[name].about[1:]}",
            on_change=partial(_add, draft, key),
        )  # fmt: skip


def _heading(draft: Draft, place: int) -> None:
    """A section's name with what moves and removes it."""
    entry = draft.sections[place]
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.html(f'<div class="dx-head"><b>{title_of(entry["section"])}</b></div>')
        for icon, words, by in (("arrow_upward", "up", -1), ("arrow_downward", "down", 1), ("close", "away", 0)):
            st.button(
                "", icon=f":material/{icon}:", type="tertiary", key=f"{words}-{place}", on_click=_move,
                args=(draft, place, by), help=f"Take {title_of(entry['section']).lower()} {words}",
            )  # fmt: skip


def _options(desk: Desk, entry: dict[str, Any], key: Any) -> None:
    """Widgets for the options a section has; the entry says what was chosen."""
    fields = KINDS[entry["section"]].model_fields
    metrics = {one.name: one.title for one in desk.read.catalogue()}
    chosen: dict[str, Any] = dict(entry)
    if "metrics" in fields:
        chosen["metrics"] = _metrics(fields["metrics"], entry.get("metrics"), metrics, key("metrics"))
    if "metric" in fields:
        named = list(metrics)
        index = named.index(entry["metric"]) if entry.get("metric") in metrics else None
        chosen["metric"] = st.selectbox(
            "Metric", named, index, key=key("metric"), format_func=lambda name: metrics.get(name, name),
            label_visibility="collapsed", placeholder="Which metric",
        )  # fmt: skip
    if "by" in fields:
        chosen["by"] = _one_of(
            "By", {"service": "By service", "team": "By team"}, entry.get("by", "service"), key("by")
        )
    if "survey" in fields:
        names = view.order(view.results(desk.read))
        index = names.index(entry["survey"]) if entry.get("survey") in names else None
        chosen["survey"] = st.selectbox(
            "Survey", names, index, key=key("survey"), label_visibility="collapsed", placeholder="The largest survey"
        )
    defaults = {name: field.default for name, field in fields.items() if field.default is not PydanticUndefined}
    entry.clear()
    entry.update(drafting.without_defaults(chosen, defaults))


def _metrics(of: FieldInfo, given: list[str] | None, metrics: dict[str, str], key: str) -> list[str]:
    """Several metrics; folded where those that are usual need no choice."""
    usual = [] if of.is_required() else list(of.default)
    chosen = usual if given is None else given
    words = "The usual metrics" if chosen == usual else numbers.count(len(chosen), "metric")
    with st.expander(words) if usual else st.container():
        return st.multiselect(
            "Metrics", list(metrics), chosen, key=key, format_func=lambda name: metrics.get(name, name),
            label_visibility="collapsed", placeholder="Which metrics",
        )  # fmt: skip


def _sending(draft: Draft) -> None:
    key = _keys("sending")
    with frame.card("sending", "Who gets it, and when", "By itself once a period is over and its data is there"):
        told = {BY_HAND: "Only by hand", **SCHEDULES[draft.period]}
        if draft.schedule not in told:
            told[draft.schedule] = f"As {draft.schedule} says"
        draft.schedule = st.selectbox(
            "When", list(told), list(told).index(draft.schedule), key=f"{key('when')}-{draft.period}",
            format_func=lambda cron: told.get(cron, cron), accept_new_options=True,
            help="Or type a cron expression, in the reporting zone",
        ) or BY_HAND  # fmt: skip
        draft.recipients = st.text_area(
            "To whom, one a line", draft.recipients, key=key("who"), placeholder=PLACES, height=112,
            help="Mail addresses, Slack channels, webhooks of [reports], folders with / at the end, s3://bucket/prefix",
        )  # fmt: skip
        titles = {name: one.title for name, one in render.FORMATS.items()} | {library.MAIL: "The mail alone"}
        draft.formats = st.multiselect(
            "As", list(titles), draft.formats, key=key("formats"), format_func=titles.__getitem__,
            help="A message has the first one attached; folders and stores get all",
        )  # fmt: skip


# -- what becomes of it -----------------------------------------------------------------------------------------------


def _saving(desk: Desk, report: ReportFile) -> None:
    folder = drafting.folder_of(desk.project)
    is_there = folder is not None and (folder / f"{report.name}.yaml").exists()
    note = "A file in the project's folder, which anybody can read and review"
    if folder is None:
        note = f"This project has no folder of its own that can be written: put it into data/reports/{report.name}.yaml"
    with frame.card("saving", "Its file", note):
        with st.expander(f"{report.name}.yaml", expanded=folder is None):
            st.code(library.as_yaml(report), language="yaml", wrap_lines=True)
        if folder is None:
            return
        title = f"Replace {report.name}.yaml" if is_there else f"Save {report.name}.yaml"
        if LOCK.is_clicked(desk.state, title, "save", "save", is_on=desk.is_unlocked):
            _save(desk, report)
        LOCK.show(desk.state)


def _save(desk: Desk, report: ReportFile) -> None:
    folder = drafting.folder_of(desk.project)
    try:
        if folder is not None:
            st.success(f"Saved {drafting.save(folder, report).name}: it is in the list under Read from now on")
    except SettingsError as error:
        st.error(str(error))


def _preview(desk: Desk, report: ReportFile) -> None:
    teams = writing.teams_of(report, desk.read.metrics)
    if not teams:
        st.caption("No team is known yet: name them in dx.toml.")
        return
    try:
        with st.spinner("The report is being written"):
            document = desk.written(report, teams[0], desk.periods(report)[0])
    except SettingsError as error:
        st.error(str(error))
        return
    reader.preview(desk, document)


# -- the draft --------------------------------------------------------------------------------------------------------


def title_of(section: str) -> str:
    """What a kind of section is called."""
    return TITLES.get(section, section.replace("_", " ").capitalize())


def _draft() -> Draft:
    if DRAFT not in st.session_state:
        st.session_state[DRAFT] = Draft(sections=[{"section": name} for name in FIRST])
    found: Draft = st.session_state[DRAFT]
    return found


def _begin(desk: Desk) -> None:
    name = st.session_state["begin"]
    first = Draft(sections=[{"section": kind} for kind in FIRST])
    st.session_state[DRAFT] = drafting.of_report(desk.reports[name]) if name else first
    _renew()


def _add(draft: Draft, key: str) -> None:
    if st.session_state[key]:
        draft.sections.append({"section": st.session_state[key]})
        _renew()


def _move(draft: Draft, place: int, by: int) -> None:
    if by:
        draft.sections = drafting.moved(draft.sections, place, by)
    else:
        del draft.sections[place]
    _renew()


def _renew() -> None:
    """Widgets take their values from the draft again."""
    st.session_state[ROUND] = st.session_state.get(ROUND, 0) + 1


def _keys(part: str) -> Any:
    """Keys of a part's widgets in this round."""
    number = st.session_state.get(ROUND, 0)
    return lambda name: f"draft-{number}-{part}-{name}"


def _one_of(title: str, named: dict[str, str], chosen: str, key: str) -> str:
    return (
        st.segmented_control(
            title, list(named), format_func=named.__getitem__, default=chosen, required=True, key=key,
            label_visibility="collapsed",
        )
        or chosen
    )  # fmt: skip


def _webhooks(desk: Desk) -> tuple[str, ...]:
    settings = desk.project.settings.reports
    return (*settings.teams_webhooks, *settings.slack_webhooks)
