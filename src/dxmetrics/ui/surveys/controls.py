"""What the page Surveys does: preview a form, open a wave, follow who takes part, ask for messages, close.

Nothing is sent from here: what a button asks for is written to the state store, and the worker does it. Whoever wants
to change anything types an API token with the scope `surveys`, which stays in the session's memory and nowhere else.
"""

from __future__ import annotations

import base64
from collections import Counter
from datetime import timedelta
from functools import partial
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from dxmetrics import numbers
from dxmetrics import survey as surveying
from dxmetrics.pipeline import utc_now
from dxmetrics.state import SURVEYS, Request, Wave
from dxmetrics.survey import form, invitations, privacy, waves
from dxmetrics.ui import bars, frame, lock
from dxmetrics.ui.lock import Lock
from dxmetrics.ui.surveys.desk import Desk, closes, upcoming

if TYPE_CHECKING:
    from dxmetrics.survey import Instrument

LOCK = Lock(SURVEYS)
PHONE = (390, 720)  # CSS pixels
FOLLOWS_EVERY = 10.0  # seconds
REPORTS = 3  # of the worker that are shown
REQUESTS: dict[Request, tuple[str, str, str]] = {
    "invite": ("Invite", "mail", "Invitations are asked for: the worker sends them within a minute."),
    "remind": ("Remind", "notifications", "Reminders are asked for: the worker sends them within a minute."),
}


def preview(chosen: Instrument) -> None:
    """The form as a phone shows it, in the language the reader picks (`?language=…`); it sends nothing."""
    languages = list(chosen.survey.languages)
    language = languages[0]
    with frame.card("preview", "Preview", "As a phone shows it; nothing can be sent from here"):
        if len(languages) > 1:
            language = (
                st.segmented_control(
                    "Language", languages, default=languages[0], required=True, key="language", bind="query-params",
                    label_visibility="collapsed",
                )
                or language
            )  # fmt: skip
        page = form.preview(chosen, language)
        width, height = PHONE
        # As data it has an origin of its own: what an instrument says can reach nothing of this page.
        source = f"data:text/html;charset=utf-8;base64,{base64.b64encode(page.encode()).decode()}"
        st.iframe(source, width=width, height=height, alt=f"Preview of {chosen.survey.id} in {language}")


def wave(desk: Desk, chosen: Instrument) -> None:
    """The card of the wave that is open, with its buttons; or what it takes to open one."""
    running = desk.running(chosen.survey.id)
    is_unlocked = LOCK.refusal(desk.state) is None
    if running is None:
        with frame.card("wave", "Open a wave", upcoming(desk, chosen)):
            _opening(desk, chosen, is_unlocked=is_unlocked)
            LOCK.show(desk.state)
        return
    note = f"Opened {numbers.day(running.opened_at.astimezone(desk.zone).date())}, {closes(desk, running)}"
    with frame.card("wave", f"{running.name} is open", note):
        _follow(desk, running.id, chosen.privacy.k_cell)
        _buttons(desk, running, is_unlocked=is_unlocked)
        _reports(desk, chosen.survey.id)
        LOCK.show(desk.state)


def participation(running: Wave, k: int) -> str:
    """Who took part so far, as HTML: everybody, and teams of which k or more are invited; fewer follow from nothing."""
    if running.invited < k:
        words = f"Fewer than {k} are invited so far: from {k} on it is told how many took part."
        return f'<div class="dx-note reason">{words}</div>'
    teams = sorted({cohort.team for cohort in running.cohorts if cohort.team})
    invited: Counter[str | None] = Counter()
    for cohort in running.cohorts:
        invited[cohort.team] += cohort.invited
    may = privacy.countable(invited, dict.fromkeys(teams), k)
    lines = [_bar("Everybody", running.answered, running.invited)]
    for team in teams:
        of_team = [cohort for cohort in running.cohorts if cohort.team == team]
        if team in may.teams:
            lines.append(_bar(team, sum(one.answered for one in of_team), sum(one.invited for one in of_team)))
        else:
            lines.append(bars.hidden(team, f"fewer than {k} are invited, or it would tell of so few"))
    return bars.drawn(lines)


@st.fragment(run_every=FOLLOWS_EVERY)
def _follow(desk: Desk, wave_id: str, k: int) -> None:
    """Who took part, as of now; the whole page anew once the wave is closed."""
    running = desk.state.waves.get(wave_id)
    if running is None or running.closed_at is not None:
        st.rerun()
    else:
        st.html(participation(running, k))


def open_wave(desk: Desk, chosen: Instrument, name: str, days: int) -> Wave:
    """Open a wave of so many days. As many as its file says: it ends as the file says. SettingsError, StateError."""
    closes_on = None if days == chosen.wave.days else desk.today + timedelta(days=days)
    return waves.open_wave(desk.state, chosen, utc_now(), desk.zone, name=name or None, closes_on=closes_on)


def close(desk: Desk, running: Wave) -> None:
    """Close a wave now: its key and its spent links are gone. StateError where a store cannot be used."""
    with surveying.answers_of(desk.project, utc_now) as answers:
        waves.close(desk.state, answers, running)


def _opening(desk: Desk, chosen: Instrument, *, is_unlocked: bool) -> None:
    survey = chosen.survey.id
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        name = st.text_input("Name", waves.wave_name(chosen, desk.today), key=f"name-{survey}", width=150)
        days = st.number_input("Days", 1, 120, chosen.wave.days, key=f"days-{survey}", width=130)
        if LOCK.is_clicked(desk.state, "Open", "play_arrow", f"open-{survey}", is_on=is_unlocked):
            lock.change(lambda: open_wave(desk, chosen, name or "", int(days)))
    st.caption("Opening sends nothing: then invite, or hand out links with `dxmetrics survey links`.")


def _buttons(desk: Desk, running: Wave, *, is_unlocked: bool) -> None:
    """Invite, remind, close. Closing cannot be undone, so it takes two clicks."""
    can_send = invitations.can_send(desk.project.settings)
    asked = {kind for wave_id, kind in desk.state.waves.asked() if wave_id == running.id}
    with st.container(horizontal=True, gap="small"):
        for kind, (title, icon, _) in REQUESTS.items():
            is_on = is_unlocked and can_send and kind not in asked
            if LOCK.is_clicked(desk.state, title, icon, f"{kind}-{running.id}", is_on=is_on):
                lock.change(partial(desk.state.waves.ask, running.id, kind))
        with st.popover("Close", icon=":material/stop:", disabled=not is_unlocked):
            st.write("Nobody can answer any more, and it cannot be opened again.")
            if LOCK.is_clicked(desk.state, "Close it now", "stop", f"close-{running.id}", is_on=is_unlocked):
                lock.change(partial(close, desk, running))
    for kind in sorted(asked):
        st.caption(REQUESTS[kind][2])
    if not can_send:
        st.caption(
            "Nobody can be written to yet: set [surveys] address, and [mail] host or [slack] token, in dx.toml; "
            "or hand out links with `dxmetrics survey links`."
        )


def _bar(words: str, answered: int, invited: int) -> str:
    share = answered / invited
    return bars.bar(words, share, f"{100 * share:.0f} % · {answered:,} of {invited:,}", is_quiet=True)


def _reports(desk: Desk, survey: str) -> None:
    """What the worker last said about a survey, and whether its last round failed."""
    rounds = [step for step in desk.state.run_log.latest(200) if step.step == "ask"]
    told = [step for step in rounds if f"survey {survey} " in (step.message or "")][:REPORTS]
    if rounds and rounds[0].status == "failed":
        told.insert(0, rounds[0])
    lines = [f"{numbers.instant(step.occurred_at)}: {step.message or step.status}" for step in told]
    if lines:
        st.html("".join(f'<div class="dx-note">{escape(line)}</div>' for line in lines))
