"""Bars below each other, for counts and rates; what must not be shown keeps its row, with a mark and no place."""

from collections.abc import Iterable
from html import escape


def bar(
    words: str, share: float | None, said: str, note: str = "", *, is_quiet: bool = False, is_bad: bool = False
) -> str:
    """One row with a bar from the left instead of a dot: counts and rates.

    `share` is from 0 to 1, and None where it is unknown; `note` stands small below the words.
    """
    tone = " quiet" if is_quiet else " bad" if is_bad else ""
    drawing = "" if not share else f'<i class="bar{tone}" style="width:{100 * share:.1f}%"></i>'
    small = f"<small>{escape(note)}</small>" if note else ""
    return (
        f'<div class="dx-row"><div class="dx-words">{escape(words)}{small}</div>'
        f'<div class="dx-track plain">{drawing}</div>'
        f'<div class="dx-said{" none" if share is None else ""}">{escape(said)}</div></div>'
    )


def drawn(lines: Iterable[str], *, is_wide: bool = False) -> str:
    """Rows of `bar` and `hidden` together. `is_wide`: the words are sentences."""
    return f'<div class="dx-rows{" wide" if is_wide else ""}">{"".join(lines)}</div>'


def hidden(words: str, why: str, depth: int = 0) -> str:
    """The row of what is not shown: its name, the mark, and why in words."""
    return (
        f'<div class="dx-row"><div class="dx-words" style="padding-left:{16 * depth}px">{escape(words)}</div>'
        f'<div class="dx-track plain"><i class="hidden first" title="{escape(why)}"></i></div>'
        '<div class="dx-said none">hidden</div></div>'
    )
