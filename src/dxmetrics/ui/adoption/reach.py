"""How far capabilities reach: the share of what is eligible, of everything, and of what goes to production."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from dxmetrics import numbers
from dxmetrics.metrics import FEW_PEOPLE, Cell
from dxmetrics.ui.adoption import people

NOUNS = {"service": "services", "person": "people"}


@dataclass(frozen=True)
class Reach:
    """One capability against each of its three denominators; None where a denominator has no meaning for it.

    `left_out` is how many are not eligible, by the reason.
    """

    title: str
    unit: str
    is_mandated: bool
    of_eligible: Cell | None
    of_all: Cell | None
    of_deployments: Cell | None
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def share(self) -> float | None:
        """The share of what is eligible in percent, None where it is unknown or of too few people."""
        return None if self.of_eligible is None or self.hides(self.of_eligible) else self.of_eligible.value

    def hides(self, cell: Cell) -> bool:
        """Whether a cell is of so few people that they could be known."""
        return cell.is_hidden or (self.unit == "person" and people.is_few(cell.k or 0))


def drawn(reaches: Sequence[Reach]) -> str:
    """The capabilities as rows of bars, the least reach first, what is unknown last."""
    ordered = sorted(reaches, key=lambda one: (one.share is None, one.share or 0, one.title))
    head = "<div></div><div>Of those eligible</div><div>Of all</div><div>Of production deployments</div>"
    return f'<div><div class="dx-reach head">{head}</div>{"".join(map(_row, ordered))}</div>'


def summary(reaches: Sequence[Reach]) -> str:
    """The least and the most, in a sentence; what is mandated is left out of it, as that is no choice of anybody's."""
    known = [(one.share, one.title) for one in reaches if one.share is not None and not one.is_mandated]
    if len(known) < 2:
        return "What a rule demands says nothing about liking it: mandated capabilities are marked"
    (least, last), (most, first) = min(known), max(known)
    return (
        f"Of what people may choose, {first} reaches {most:.0f} % of those eligible and {last} {least:.0f} %. "
        "Mandated ones are marked"
    )


def _row(one: Reach) -> str:
    kind = "mandated" if one.is_mandated else "voluntary"
    badge = f'<span class="dx-badge{"" if one.is_mandated else " plain"}">{kind}</span>'
    noun = NOUNS.get(one.unit, one.unit)
    return (
        f'<div class="dx-reach"><div class="name"><b>{escape(one.title)}</b> {badge}{_left_out(one)}</div>'
        f"{_part(one, one.of_eligible, noun, is_first=True)}{_part(one, one.of_all, noun)}"
        f"{_part(one, one.of_deployments, 'deployments')}</div>"
    )


def _left_out(one: Reach) -> str:
    if not one.left_out:
        return ""
    reasons = ", ".join(f"{count:,} ({reason})" for reason, count in one.left_out.items())
    return f"<small>Not eligible: {escape(reasons)}</small>"


def _part(one: Reach, cell: Cell | None, noun: str, *, is_first: bool = False) -> str:
    if cell is None:
        if is_first:
            return '<div class="part none">not seen in use yet</div>'
        return '<div class="part none never">does not apply</div>'
    if noun == NOUNS["person"] and one.hides(cell):
        of_whom = "" if cell.is_hidden else f" of {cell.n:,}"
        return f'<div class="part none"><i class="hidden"></i>{FEW_PEOPLE}{of_whom}</div>'
    if cell.value is None:
        why = cell.reason or "not known"
        return f'<div class="part none" title="{escape(why)}">{escape(why)}</div>'
    counted = f"{cell.k or 0:,} of {cell.n:,} {noun}"
    bar = f'<i class="bar{"" if is_first else " quiet"}" style="width:{min(cell.value, 100):.1f}%"></i>'
    return (
        f'<div class="part"><div class="dx-track plain">{bar if cell.value else ""}</div>'
        f"<b>{numbers.text(cell.value, cell.unit)}</b><small>{counted}</small></div>"
    )
