"""Bars below each other, for counts and rates; what must not be shown keeps its row, with a mark and no place."""

from collections.abc import Iterable
from html import escape


def bar(words: str, share: float, said: str, *, is_quiet: bool = False) -> str:
    """One row with a bar from the left instead of a dot: counts and rates. `share` is from 0 to 1."""
    drawing = f'<i class="bar{" quiet" if is_quiet else ""}" style="width:{100 * share:.1f}%"></i>'
    return (
        f'<div class="dx-row"><div class="dx-words">{escape(words)}</div>'
        f'<div class="dx-track plain">{drawing}</div><div class="dx-said">{escape(said)}</div></div>'
    )


def drawn(lines: Iterable[str]) -> str:
    """Rows of `bar` and `hidden` together."""
    return f'<div class="dx-rows">{"".join(lines)}</div>'


def hidden(words: str, why: str, depth: int = 0) -> str:
    """The row of what is not shown: its name, the mark, and why in words."""
    return (
        f'<div class="dx-row"><div class="dx-words" style="padding-left:{16 * depth}px">{escape(words)}</div>'
        f'<div class="dx-track plain"><i class="hidden first" title="{escape(why)}"></i></div>'
        '<div class="dx-said none">hidden</div></div>'
    )
