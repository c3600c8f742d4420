"""Whether the platform does what it is asked to: which share of what was begun failed."""

from collections.abc import Sequence

import streamlit as st

from dxmetrics import numbers
from dxmetrics.metrics import Cell
from dxmetrics.ui import bars, frame, receipt


def show(cells: Sequence[tuple[str, Cell]]) -> None:
    """The card; nothing where nobody tells how what was begun ended."""
    known = [(title, cell) for title, cell in cells if cell.value is not None]
    if known:
        with frame.card("reliability", "Does it do what it is asked to", summary(known)):
            st.html(drawn(known))
            receipt.button("platform_reliability", "platform reliability", place="reliability")


def summary(cells: Sequence[tuple[str, Cell]]) -> str:
    """Everything together, in a sentence."""
    failed = sum(_failed(cell) for _, cell in cells)
    return f"{failed:,} of {numbers.count(sum(cell.n for _, cell in cells), 'attempt')} failed"


def drawn(cells: Sequence[tuple[str, Cell]]) -> str:
    """One row a capability, what fails most first; the bars are failures, on a scale to the largest share of them."""
    ordered = sorted(cells, key=lambda pair: (pair[1].value or 0, pair[0]))
    most = max(_failed(cell) / cell.n for _, cell in ordered) or 1
    return bars.drawn((_row(title, cell, most) for title, cell in ordered), is_wide=True)


def _row(title: str, cell: Cell, most: float) -> str:
    said = f"{_failed(cell):,} of {cell.n:,} failed"
    return bars.bar(title, _failed(cell) / cell.n / most, numbers.text(cell.value, cell.unit), said, is_bad=True)


def _failed(cell: Cell) -> int:
    return cell.n - (cell.k or 0)
