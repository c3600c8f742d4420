"""Metric cards: label, value, answer band, n and interval, the change only when it is signal, and a sparkline."""

from collections.abc import Mapping
from html import escape

import streamlit as st

from dxmetrics import numbers
from dxmetrics.metrics import Band, Cell, Comparison, Definition
from dxmetrics.ui import receipt, sparkline
from dxmetrics.ui.filters import Choice
from dxmetrics.ui.reading import Reading

DORA = {
    "deployment_frequency": "Deployment frequency",
    "change_lead_time": "Change lead time",
    "change_fail_rate": "Change fail rate",
    "failed_deployment_recovery_time": "Recovery time",
    "deployment_rework_rate": "Rework rate",
}
WORDS = {
    "inferred": "{} inferred",
    "proxy": "{} by proxy",
    "provisional": "{} provisional",
    "open": "{} still open",
    "unknown": "{} unknown",
    "insufficient": "small sample",
}
OF_FAILURES = ("change_fail_rate", "failed_deployment_recovery_time", "deployment_rework_rate")
MEANINGS = {
    "proxy": "No source delivers incidents: a patch release or a revert soon after stands for a failure",
    "small sample": "Too few events for an answer band: read the interval",
}
SAID_ELSEWHERE = ("oldest_open_hours", "oldest_hours", "explicit")  # every other flag counts rows left out, by reason


def row(read: Reading, labels: Mapping[str, str], choice: Choice) -> None:
    """One card for each metric of `labels` (name to short label): five in a row, two on a phone."""
    with st.grid(len(labels), min_column_width=150, gap="small", key="cards"):
        for name, label in labels.items():
            with st.container(border=True, key=f"card-{name}", height="stretch", gap=None):
                st.html(face(read, name, label, choice))
                receipt.button(name, label)


def face(read: Reading, name: str, label: str, choice: Choice) -> str:
    """What a card shows, as HTML."""
    return read.once(("face", name, label, choice), lambda: _face(read, name, label, choice))


def compact(read: Reading, name: str, label: str, choice: Choice) -> str:
    """What a smaller card shows, as HTML: the value, what it rests on, the change and the line."""
    return read.once(("compact", name, label, choice), lambda: _compact(read, name, label, choice))


def _compact(read: Reading, name: str, label: str, choice: Choice) -> str:
    definition, comparison = read.definition(name), read.comparison(name, choice.start, choice.end, choice.where)
    weeks = read.cells(name, choice.start, choice.until, choice.where, period="week")
    cell = comparison.current
    state = f'<div class="dx-note reason">{escape(cell.reason or "not enough data")}</div>'
    if cell.value is not None:
        sure = numbers.interval(cell.ci_low, cell.ci_high, cell.unit)
        title = f' title="95 %: {escape(sure)}"' if sure else ""
        state = f'<div class="dx-note"{title}>{escape(_seen(read, definition, cell, choice))}</div>'
        state += _change(definition, comparison)
    line = sparkline.drawn(weeks, f"{label} by week")
    return f'<div class="dx-label">{escape(label)}</div>{_value(cell)}{state}{line}'


def _face(read: Reading, name: str, label: str, choice: Choice) -> str:
    window = (choice.start, choice.end, choice.where)
    definition = read.definition(name)
    comparison = read.comparison(name, *window)
    weeks = read.cells(name, choice.start, choice.until, choice.where, period="week")
    cell = comparison.current
    if cell.value is None:
        state = f'<div class="dx-note reason">{escape(cell.reason or "not enough data")}</div>'
    else:
        state = _basis(read, definition, cell, choice) + _change(definition, comparison)
    line = sparkline.drawn(weeks, f"{label} by week")
    answer = _answer(read.band(name, *window))
    return f'<div class="dx-label">{escape(label)}</div>{_value(cell)}{answer}{line}{state}{_quality(read, cell)}'


def _value(cell: Cell) -> str:
    figure, unit = numbers.measure(cell.value, cell.unit)
    known = "" if cell.value is not None else " none"
    return f'<div class="dx-value{known}">{figure}<small>{escape(unit)}</small></div>'


def _answer(band: Band | None) -> str:
    """DORA's answer the value falls into; never an overall level."""
    if band is None or band.code is None:
        return '<div class="dx-badges"></div>'
    badge = f'<span class="dx-badge" title="{escape(band.source)}">{escape(band.label)}</span>'
    return f'<div class="dx-badges">{badge}</div>'


def _quality(read: Reading, cell: Cell) -> str:
    """What to know about the value: "3 inferred"; "proxy" for failures where no source delivers incidents."""
    told = flags(cell)
    if cell.metric in OF_FAILURES and not read.knows("incidents"):
        told = ["proxy", *(words for words in told if not words.endswith("by proxy"))]
    marks = [f'<span class="dx-badge plain" title="{MEANINGS.get(words, "")}">{escape(words)}</span>' for words in told]
    return f'<div class="dx-badges">{"".join(marks)}</div>' if marks else ""


def flags(cell: Cell) -> list[str]:
    """What a reader should know beside the value, in words: "3 inferred", "2 open", "12 left out"."""
    told: list[str] = []
    left_out = 0
    for flag in cell.quality_flags:
        name, _, amount = flag.partition("=")
        if name in WORDS:
            told.append(WORDS[name].format(amount))
        elif name not in SAID_ELSEWHERE and amount.isdigit():
            left_out += int(amount)
    return [*told, f"{left_out:,} left out"] if left_out else told


def _basis(read: Reading, definition: Definition, cell: Cell, choice: Choice) -> str:
    """What the value rests on, and its 95 % interval."""
    sure = numbers.interval(cell.ci_low, cell.ci_high, cell.unit)
    seen = escape(_seen(read, definition, cell, choice))
    return f'<div class="dx-note">{seen}{f"<br>95 %: {sure}" if sure else ""}</div>'


def _seen(read: Reading, definition: Definition, cell: Cell, choice: Choice) -> str:
    """What a value rests on: n, or k of n."""
    if definition.aggregate == "active_days":  # its n are weeks; the events behind them are counted by another metric
        events = read.comparison("deployments", choice.start, choice.end, choice.where).current.n
        return f"{numbers.count(events, 'deploy')} in {numbers.count(cell.n, 'week')}"
    if definition.aggregate == "recovery":
        return f"{cell.k or 0:,} of {cell.n:,} recovered"
    return f"{cell.n:,} {definition.entities}" if cell.k is None else f"{cell.k:,} of {cell.n:,} {definition.entities}"


def _change(definition: Definition, comparison: Comparison) -> str:
    """The change against the window before, coloured for better or worse; only where it is signal."""
    if comparison.difference is None:
        return ""
    before = f"{numbers.span(comparison.previous.period_start, comparison.previous.period_end)}: "
    before += numbers.text(comparison.previous.value, definition.unit)
    if not comparison.is_signal:
        return f'<div class="dx-change" title="{escape(before)}">routine variation</div>'
    arrow = "▲" if comparison.difference > 0 else "▼"
    size = numbers.text(abs(comparison.difference), definition.unit)
    size = size.replace("%", "points") if definition.unit == "%" else size
    tone = {"better": "good", "worse": "bad"}.get(comparison.change or "", "")
    return f'<div class="dx-change" title="{escape(before)}"><b class="{tone}">{arrow} {size}</b> vs before</div>'
