"""Sparklines: the small line in a card."""

from collections.abc import Sequence
from html import escape
from itertools import groupby
from urllib.parse import quote

from dxmetrics.metrics import Cell


def drawn(cells: Sequence[Cell], label: str) -> str:
    """A line as a mask over the accent colour: no script to load, no colour to choose. Complete periods only; it breaks
    where a period is unknown. Empty where there are not two values to connect."""
    values = [cell.value for cell in cells if not cell.is_partial]
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return '<div class="dx-spark"></div>'
    low, high = min(known), max(known)
    room = high - low
    step = 100 / (len(values) - 1)
    places = [
        None if value is None else (index * step, 3 + (high - value) / room * 34 if room else 20)
        for index, value in enumerate(values)
    ]
    pen = 'fill="none" stroke="#000" stroke-linejoin="round" stroke-linecap="round" vector-effect="non-scaling-stroke"'
    line, dots = _paths(places)
    drawing = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 40" preserveAspectRatio="none">'
        f'<path d="{line}" stroke-width="1.8" {pen}/><path d="{dots}" stroke-width="4.5" {pen}/></svg>'
    )
    mask = f"url('data:image/svg+xml,{quote(drawing)}')"
    return f'<div class="dx-spark" role="img" aria-label="{escape(label)}" style="mask-image:{mask}"></div>'


def _paths(places: Sequence[tuple[float, float] | None]) -> tuple[str, str]:
    """SVG path commands: lines through known neighbours, and strokes of no length, which are dots, for lone ones."""
    runs = [[place for place in run if place] for _, run in groupby(places, lambda place: place is None)]
    lines = ["M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in run) for run in runs if len(run) > 1]
    dots = [f"M{run[0][0]:.1f} {run[0][1]:.1f}h0" for run in runs if len(run) == 1]
    return "".join(lines), "".join(dots)
