"""What is said beside every comparison, and what to write where there is nothing to compare."""

from collections.abc import Sequence

import streamlit as st

from dxmetrics import numbers
from dxmetrics.metrics.adopters import Confounder
from dxmetrics.ui import frame
from dxmetrics.ui.comparison.sides import Capability, Sides

SELECTION = (
    "Nobody was chosen by lot: keen teams, new services and greenfield work adopt first, and what made them adopt may "
    "be what makes them fast. Read every difference as associated with adoption, not as caused by it, and look at what "
    "else differs."
)
EXAMPLE = """\
[[capabilities]]
name = "golden-path"
title = "Golden path"
templates = ["service-template"]     # or value actions that are reported for services"""


def nothing_yet() -> None:
    """What to do where no capability is declared that services adopt."""
    note = "No capability is declared that services adopt, or none was seen in use. Write in dx.toml:"
    with frame.card("nothing", "Nothing to compare yet", note):
        st.code(EXAMPLE, language="toml")


def answer(capability: Capability, found: Sides) -> str:
    """Who is compared, in one line."""
    said = f"{numbers.count(len(found.adopters), 'service')} with {capability.title}, {len(found.others):,} without"
    if found.changed:
        said += f"; {numbers.count(len(found.changed), 'service')} that adopted or left in between are on neither side"
    return said + (" · mandated: who adopts is no choice" if capability.is_mandated else "")


def differences(found: Sequence[Confounder]) -> str:
    """What else differs, as an HTML table, the furthest apart first."""
    return frame.listing([_row(one) for one in found])


def _row(one: Confounder) -> dict[str, str]:
    return {
        "Trait": one.trait if one.value is None else f"{one.trait}: {one.value}",
        "Adopters": _value(one.adopters, one.value),
        "Others": _value(one.others, one.value),
        "Known of": f"{one.adopters_n:,} and {one.others_n:,}",
    }


def _value(value: float | None, word: str | None) -> str:
    if value is None:
        return "–"
    return numbers.decimal(value) if word is None else f"{100 * value:.0f} %"
