"""Self-service against tickets: what people did by themselves, and what they had to ask somebody for."""

from collections.abc import Sequence
from html import escape

from dxmetrics import numbers
from dxmetrics.metrics import Cell


def drawn(cells: Sequence[tuple[str, Cell]], waits: dict[str, Cell]) -> str:
    """One row a capability, by title, the least self-service first; `waits` is how long a ticket takes, by title."""
    ordered = sorted(cells, key=lambda pair: (pair[1].value is None, pair[1].value or 0, pair[0]))
    return f'<div class="dx-steps">{"".join(_row(title, cell, waits.get(title)) for title, cell in ordered)}</div>'


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
        why = escape(cell.reason or "not known")
        return f'<div class="dx-step"><div>{escape(title)}</div><div class="none">{why}</div><div></div></div>'
    took = f", {numbers.text(wait.value, wait.unit)} each" if wait is not None and wait.value is not None else ""
    said = f"{cell.k or 0:,} alone, {numbers.count(cell.n - (cell.k or 0), 'ticket')}{took}"
    return (
        f'<div class="dx-step"><div>{escape(title)}<small>{said}</small></div>'
        f'<div class="track"><i style="width:{cell.value:.1f}%"></i></div>'
        f'<div class="said"><b>{numbers.text(cell.value, cell.unit)}</b></div></div>'
    )
