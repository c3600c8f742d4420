"""Self-service against tickets: what people did by themselves, and what they had to ask somebody for."""

from collections.abc import Sequence

import streamlit as st

from dxmetrics import numbers
from dxmetrics.metrics import Cell
from dxmetrics.ui import bars, frame, receipt


def show(cells: Sequence[tuple[str, Cell]], waits: dict[str, Cell]) -> None:
    """The card; nothing where it is not known of any capability what was asked for."""
    if cells:
        with frame.card("requests", "Self-service against tickets", summary(cells)):
            st.html(drawn(cells, waits))
            receipt.button("self_service_rate", "self-service", place="requests")


def drawn(cells: Sequence[tuple[str, Cell]], waits: dict[str, Cell]) -> str:
    """One row a capability, by title, the least self-service first; `waits` is how long a ticket takes, by title."""
    ordered = sorted(cells, key=lambda pair: (pair[1].value is None, pair[1].value or 0, pair[0]))
    return bars.drawn((_row(title, cell, waits.get(title)) for title, cell in ordered), is_wide=True)


def summary(cells: Sequence[tuple[str, Cell]]) -> str:
    """Everything together, in a sentence."""
    done, asked = sum(cell.k or 0 for _, cell in cells), sum(cell.n for _, cell in cells)
    if not asked:
        return "Nothing was done and nothing was asked for in this window"
    return (
        f"{100 * done / asked:.0f} % of {numbers.count(asked, 'request')} needed nobody else; "
        f"{numbers.count(asked - done, 'ticket')} did"
    )


def _row(title: str, cell: Cell, wait: Cell | None) -> str:
    if cell.value is None:
        return bars.bar(title, None, "not known", cell.reason or "")
    took = f", {numbers.text(wait.value, wait.unit)} each" if wait is not None and wait.value is not None else ""
    said = f"{cell.k or 0:,} alone, {numbers.count(cell.n - (cell.k or 0), 'ticket')}{took}"
    return bars.bar(title, cell.value / 100, numbers.text(cell.value, cell.unit), said)
