"""Said against measured: where a team's answers and its numbers point in different directions.

A team disagrees with its numbers where it stands on the better side of everybody's in the one and on the worse side in
the other. It is clear where both intervals leave out what everybody has; else it may be chance, and that is said.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

import streamlit as st

from dxmetrics import numbers
from dxmetrics.metrics import Cell, Definition, Window
from dxmetrics.survey import Measure
from dxmetrics.ui.experience.view import View
from dxmetrics.ui.reading import Reading

Apart = Literal["felt worse", "felt better"]

LEAST = 3  # teams with both values; with fewer there is nothing to compare
TITLES: dict[Apart, str] = {
    "felt worse": "Measured better than everybody, felt worse",
    "felt better": "Measured worse than everybody, felt better",
}
RANKS = ("", "second ", "third ")


@dataclass(frozen=True)
class Spot:
    """A team with both values: what is measured, and the favourable share in percent with its interval."""

    team: str
    measured: float
    events: int
    said: int
    low: int
    high: int
    n: str
    apart: Apart | None
    is_clear: bool


@dataclass(frozen=True)
class Comparison:
    """One item against one metric: everybody's values, and those of every team that has both."""

    item: Measure
    definition: Definition
    better: Literal["lower", "higher"]
    measured: float
    said: int
    spots: tuple[Spot, ...]
    missing: tuple[str, ...]  # teams that are not drawn: hidden, or not measured often enough


@dataclass(frozen=True)
class Finding:
    """A team that disagrees with its numbers, in words."""

    apart: Apart
    team: str
    measured: str
    said: str
    is_clear: bool


def comparisons(read: Reading, view: View, window: Window) -> tuple[Comparison, ...]:
    """Every item that names a metric, against that metric in the window."""
    return read.once(
        ("agreement", view.now.survey, view.now.wave),
        lambda: tuple(found for item in view.now.measures if (found := _compare(read, view, item, window)) is not None),
    )


def findings(compared: Sequence[Comparison]) -> tuple[tuple[Comparison, Finding], ...]:
    """Where the two disagree: what is clear first, then the teams that do so most often."""
    found = [(one, _told(one, spot)) for one in compared for spot in one.spots if spot.apart]
    often = [finding.team for _, finding in found]
    return tuple(sorted(found, key=lambda pair: (not pair[1].is_clear, -often.count(pair[1].team), pair[1].team)))


def _compare(read: Reading, view: View, item: Measure, window: Window) -> Comparison | None:
    """One item; None where it names no metric that is cut by team, or fewer than `LEAST` teams have both values."""
    name, better = item.measured_by, item.metric_better
    definition = next((one for one in read.catalogue() if one.name == name), None)
    everybody = view.cell(item)
    if definition is None or better is None or "team" not in definition.dimensions or everybody is None:
        return None
    whole = read.cells(definition.name, window.start, window.end, {})[0]
    if whole.value is None or everybody.value is None:
        return None
    by_team = {
        cell.dimensions["team"]: cell
        for cell in read.cells(definition.name, window.start, window.end, {}, by=("team",))
    }
    spots, missing = [], []
    for team in sorted(view.leaves):
        spot = _spot(view, item, better, by_team.get(team), team, whole.value, everybody.value)
        if spot is not None:
            spots.append(spot)
        elif view.cell(item, "team", team) is not None:
            missing.append(team)
    if len(spots) < LEAST:
        return None
    return Comparison(item, definition, better, whole.value, everybody.value, tuple(spots), tuple(missing))


def _spot(
    view: View, item: Measure, better: str, cell: Cell | None, team: str, everybody_measured: float, everybody_said: int
) -> Spot | None:
    answer = view.cell(item, "team", team)
    if cell is None or cell.value is None or answer is None or answer.value is None:
        return None
    if answer.low is None or answer.high is None or answer.n is None:
        return None
    measured_well = (cell.value < everybody_measured) == (better == "lower")
    felt_well = answer.value > everybody_said
    is_level = cell.value == everybody_measured or answer.value == everybody_said
    apart: Apart | None = None
    if measured_well != felt_well and not is_level:
        apart = "felt worse" if measured_well else "felt better"
    is_clear = not answer.low <= everybody_said <= answer.high and not _holds(cell, everybody_measured)
    return Spot(
        team, cell.value, cell.n, answer.value, answer.low, answer.high, answer.n, apart, apart is not None and is_clear
    )


def _holds(cell: Cell, value: float) -> bool:
    """Whether a measured interval has this value in it; so it has where there is no interval."""
    return cell.ci_low is None or cell.ci_high is None or cell.ci_low <= value <= cell.ci_high


def _told(one: Comparison, spot: Spot) -> Finding:
    assert spot.apart is not None, "only teams that disagree are told"  # noqa: S101
    unit = one.definition.unit
    measured_rank = _rank(spot.measured, [other.measured for other in one.spots], unit)
    said_rank = _rank(spot.said, [other.said for other in one.spots], "%")
    measured = f"{one.definition.title.lower()} {numbers.text(spot.measured, unit)}{measured_rank}"
    return Finding(
        spot.apart,
        spot.team,
        f"{measured}; everybody {numbers.text(one.measured, unit)}",
        f"{spot.said} % favourable{said_rank}; everybody {one.said} %",
        spot.is_clear,
    )


def _rank(value: float, values: Sequence[float], unit: str) -> str:
    """Where a value stands among the teams', from the nearer end: ", the lowest", ", second shortest of 5"."""
    low, high = ("shortest", "longest") if unit in ("hours", "minutes") else ("lowest", "highest")
    below, above = sum(other < value for other in values), sum(other > value for other in values)
    if values.count(value) > 1 or min(below, above) >= min(len(RANKS), len(values) // 2):
        return ""
    place, word = (below, low) if below <= above else (above, high)
    return f", the {word}" if place == 0 else f", {RANKS[place]}{word} of {len(values)}"


def show(found: Sequence[tuple[Comparison, Finding]], view: View) -> None:
    """Draws what is clear, and folded what may be chance."""
    clear = [pair for pair in found if pair[1].is_clear]
    unclear = [pair for pair in found if not pair[1].is_clear]
    st.html(drawn(clear, view))
    if unclear:
        with st.expander(f"{len(unclear)} more, which may be chance"):
            st.html(drawn(unclear, view))


def drawn(found: Sequence[tuple[Comparison, Finding]], view: View) -> str:
    """The findings as HTML sentences, those that are felt worse first."""
    parts = []
    for apart, title in TITLES.items():
        lines = [_sentence(one, finding, view) for one, finding in found if finding.apart == apart]
        if lines:
            parts.append(f'<div class="dx-group">{title}</div>{"".join(lines)}')
    return "".join(parts)


def _sentence(one: Comparison, finding: Finding, view: View) -> str:
    return (
        f'<div class="dx-finding"><b>{escape(finding.team)}</b>: {escape(finding.measured)}. '
        f"{escape(finding.said)}."
        f"<small>“{escape(view.said(one.item.text))}”</small></div>"
    )


def summary(found: Sequence[tuple[Comparison, Finding]]) -> str:
    """What there is to see, in a sentence."""
    if not found:
        return "Every team says what its numbers say."
    clear = sum(finding.is_clear for _, finding in found)
    if not clear:
        return "No team clearly contradicts its numbers."
    return (
        f"{numbers.count(clear, 'clear contradiction')} between a team and its numbers: both intervals leave out what "
        "everybody has."
    )


def reading(one: Comparison) -> str:
    """How to read a chart, and which teams are not in it."""
    unit = numbers.text(one.measured, one.definition.unit)
    missing = f" Not drawn, as hidden or rarely measured: {', '.join(one.missing)}." if one.missing else ""
    return f"Dotted: everybody, {unit} and {one.said} % favourable. {one.better.capitalize()} is better.{missing}"
