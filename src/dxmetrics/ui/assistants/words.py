"""The page's tiles, rows and sentences, as HTML."""

from html import escape

import streamlit as st

from dxmetrics import numbers
from dxmetrics.metrics import LEAST_PEOPLE, Cell
from dxmetrics.ui import bars, frame
from dxmetrics.ui.assistants.view import Rework, Spending, View

EXAMPLE = """\
[sources.assistant]
kind = "github_copilot"      # or cursor, claude_code, amazon_q
organisation = "your-org"    # the token: DX_ASSISTANT__TOKEN"""


def nothing_yet() -> None:
    """What to do where nothing is known of assistants."""
    note = "Neither use, nor assisted changes, nor charges. Name the assistant's reports in dx.toml:"
    with frame.card("nothing", "Nothing is known of AI assistants yet", note):
        st.code(EXAMPLE, language="toml")
        st.caption("Changes count as assisted by commit trailers (Co-authored-by an assistant, Assisted-by).")


def answer(seen: View) -> str:
    """The page's question answered in one line."""
    reach = seen.reach
    used = f"{numbers.text(reach.value, '%')} of {reach.n:,} people used an assistant last week" if reach else None
    changes = f"{numbers.text(seen.share.value, '%')} of merged changes are assisted" if seen.share.value else None
    return " · ".join(part for part in (used, changes) if part) or "Little is known yet"


def tiles(seen: View) -> str:
    """The four numbers of the page."""
    reach, last = seen.reach, seen.spending.last if seen.spending else None
    reached = f"{reach.k or 0:,} of {reach.n:,} people, week of {numbers.day(reach.period_start)}" if reach else ""
    rework = seen.rework.assisted
    found = (
        _tile("Reach", reach, reached, f"no week with {LEAST_PEOPLE} people or more"),
        _tile("Assisted changes", seen.share, f"{seen.share.k or 0:,} of {seen.share.n:,} merged changes, at least"),
        _tile(
            "Rework of assisted changes",
            rework,
            f"{rework.k or 0:,} of {rework.n:,}; unassisted {numbers.text(seen.rework.unassisted.value, '%')}",
        ),
        _money(seen.spending)
        if last
        else _tile("Cost per merged change", None, "", "no complete month with a charge is known"),
    )
    return f'<div class="dx-tiles">{"".join(found)}</div>'


def rework(found: Rework) -> str:
    """Both sides as dots on one scale from 0 %, each with its interval."""
    sides = (("With assistance", found.assisted), ("Without", found.unassisted))
    most = max(cell.ci_high or cell.value or 0 for _, cell in sides) or 1
    return f'<div class="dx-rows">{"".join(_side(words, cell, most) for words, cell in sides)}</div>'


def teams(seen: View) -> str:
    """Each team's reach and share in the order of the alphabet: no ranking."""
    return frame.listing(
        [
            {
                "Team": team.name,
                "People": team.reach.n,
                "Used it last week": numbers.text(team.reach.value, "%"),
                "Assisted changes": _share(team.changes),
            }
            for team in seen.teams
        ]
    )


def _share(cell: Cell | None) -> str:
    if cell is None or cell.value is None:
        return "–"
    return f"{numbers.text(cell.value, '%')} · {cell.k or 0:,} of {cell.n:,}"


def _side(words: str, cell: Cell, most: float) -> str:
    if cell.value is None or cell.ci_low is None or cell.ci_high is None:
        return bars.bar(words, 0, cell.reason or "not known")
    left, width, place = (100 * part / most for part in (cell.ci_low, cell.ci_high - cell.ci_low, cell.value))
    said = f"{words}: {numbers.text(cell.value, '%')}, 95 %: {numbers.interval(cell.ci_low, cell.ci_high, '%')}"
    return (
        f'<div class="dx-row"><div class="dx-words">{escape(words)}<small>{cell.k or 0:,} of {cell.n:,}</small></div>'
        f'<div class="dx-track plain" role="img" aria-label="{escape(said)}" title="{escape(said)}">'
        f'<i class="range" style="left:{left:.1f}%;width:{width:.1f}%"></i>'
        f'<i class="dot" style="left:{place:.1f}%"></i></div>'
        f'<div class="dx-said"><b>{numbers.text(cell.value, "%")}</b></div></div>'
    )


def _tile(label: str, cell: Cell | None, note: str, reason: str = "") -> str:
    if cell is None or cell.value is None:
        why = reason if cell is None else cell.reason or ""
        body = f'<div class="dx-value none">–</div><div class="dx-note reason">{escape(why)}</div>'
    else:
        figure, unit = numbers.measure(cell.value, cell.unit)
        body = f'<div class="dx-value">{figure}<small>{unit}</small></div><div class="dx-note">{escape(note)}</div>'
    return f'<div><div class="dx-label">{escape(label)}</div>{body}</div>'


def _money(spending: Spending | None) -> str:
    last = spending.last if spending else None
    if spending is None or last is None or last.per_change is None:
        return ""
    said = f"{last.cell.value or 0:,.0f} {spending.currency} for {last.changes:,} changes, {last.cell.period_start:%B}"
    return (
        '<div><div class="dx-label">Cost per merged change</div>'
        f'<div class="dx-value">{last.per_change:,.2f}<small>{escape(spending.currency)}</small></div>'
        f'<div class="dx-note">{escape(said)}</div></div>'
    )
