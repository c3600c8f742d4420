"""Rows of a value with its interval on a common scale: a dot for the value, a line for where it may lie.

A group that must not be shown keeps its row, with a hatched mark at the edge and words: a place would tell something.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from dxmetrics.survey import Cell, Measure
from dxmetrics.ui import bars
from dxmetrics.ui.experience.view import View

Scale = tuple[int, int]


@dataclass(frozen=True)
class Row:
    """One line: what it is about, its value, and the teams behind it as small dots."""

    words: str
    cell: Cell
    note: str = ""
    change: str = ""  # HTML
    depth: int = 0
    teams: Sequence[Cell] = ()


def scale_of(measure: Measure) -> Scale:
    """Both ends of what a measure can be."""
    return (-100, 100) if measure.kind == "recommend" else (0, 100)


def drawn(rows: Iterable[Row], unit: str, scale: Scale, *, is_wide: bool = False) -> str:
    """The rows as HTML below the scale's numbers. `is_wide`: the words are sentences."""
    lines = "".join(_line(row, unit, scale) for row in rows)
    low, high = scale
    marks = "".join(f"<span>{value}{_suffix(unit)}</span>" for value in (low, (low + high) // 2, high))
    axis = f'<div class="dx-row axis"><div></div><div class="dx-axis">{marks}</div><div></div></div>'
    return f'<div class="dx-rows{" wide" if is_wide else ""}">{axis}{lines}</div>'


def reasons(cells: Iterable[Cell]) -> str:
    """Why some of these are hidden, each reason once, with the mark; empty where all are shown."""
    told = dict.fromkeys(cell.reason or "not shown" for cell in cells if not cell.shown)
    said = "".join(f'<span><i class="hidden"></i>Hidden: {escape(why)}</span>' for why in told)
    return f'<div class="dx-keys hatched">{said}</div>' if said else ""


def change(view: View, cell: Cell, measure: Measure, *, is_short: bool = False) -> str:
    """What became of a value since the wave before, as HTML: an arrow where it is signal, else "within noise"."""
    found = view.change(cell)
    if found is None or view.before is None:
        return ""
    since = "" if is_short else f" since {escape(view.before.wave)}"
    if not found.is_signal:
        return f'<div class="dx-change">within noise{since}</div>'
    arrow, tone = ("▲", "good") if found.value > 0 else ("▼", "bad")
    if measure.kind == "choice":  # an option is neither good nor bad
        tone = ""
    title = f"95 %: {found.low:+.0f} to {found.high:+.0f} points since {view.before.wave}"
    size = f"{arrow} {abs(found.value):.0f} points"
    return f'<div class="dx-change" title="{escape(title)}"><b class="{tone}">{size}</b>{since}</div>'


def figure(cell: Cell, unit: str) -> str:
    """The value with its unit: "52 %", "+7"."""
    if cell.value is None:
        return "–"
    return f"{cell.value} %" if unit == "%" else f"{cell.value}"


def _line(row: Row, unit: str, scale: Scale) -> str:
    cell = row.cell
    if not cell.shown or cell.value is None:
        return bars.hidden(row.words, cell.reason or "not shown", row.depth)
    note = f"<small>{escape(row.note)}</small>" if row.note else ""
    said = f"{figure(cell, unit)}, 95 %: {cell.low} to {cell.high}, n {cell.n}"
    spots = "".join(_team(team, unit, scale) for team in row.teams if team.shown and team.value is not None)
    unseen = [team.key for team in row.teams if not team.shown]
    mark = f'<i class="hidden last" title="Hidden: {escape(", ".join(unseen))}"></i>' if unseen else ""
    return (
        f'<div class="dx-row"><div class="dx-words" style="padding-left:{16 * row.depth}px">{escape(row.words)}{note}'
        f'</div><div class="dx-track" role="img" aria-label="{escape(f"{row.words}: {said}")}" title="{escape(said)}">'
        f"{_interval(cell, scale)}{spots}"
        f'<i class="dot" style="left:{_place(cell.value, scale):.1f}%"></i>{mark}</div>'
        f'<div class="dx-said"><b>{figure(cell, unit)}</b>{row.change}</div></div>'
    )


def _interval(cell: Cell, scale: Scale) -> str:
    if cell.low is None or cell.high is None:
        return ""
    left, right = _place(cell.low, scale), _place(cell.high, scale)
    return f'<i class="range" style="left:{left:.1f}%;width:{right - left:.1f}%"></i>'


def _team(team: Cell, unit: str, scale: Scale) -> str:
    place = _place(team.value or 0, scale)
    return f'<i class="team" style="left:{place:.1f}%" title="{escape(f"{team.key}: {figure(team, unit)}")}"></i>'


def _place(value: float, scale: Scale) -> float:
    low, high = scale
    return 100 * (value - low) / (high - low)


def _suffix(unit: str) -> str:
    return " %" if unit == "%" else ""
