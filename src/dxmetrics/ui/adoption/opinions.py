"""What people say of the platform: the newest answers to the surveys that ask about it."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from dxmetrics.survey import Cell, Measure
from dxmetrics.ui import frame
from dxmetrics.ui.experience import rows, view
from dxmetrics.ui.experience.rows import Row
from dxmetrics.ui.experience.scores import RECOMMEND
from dxmetrics.ui.experience.view import View
from dxmetrics.ui.reading import Reading

ASKED = ("recommend_platform_v1", "platform_quality", "plat_expected_v1")  # of the surveys `recommend` and `platform`
NOTE = "Recommending is promoters less detractors; an arrow only where a change is more than noise"


@dataclass(frozen=True)
class Opinion:
    """A measure in the newest wave that asked it."""

    view: View
    measure: Measure
    cell: Cell


def opinions(read: Reading) -> tuple[Opinion, ...]:
    """The newest answer to each question about the platform; none where no survey asked."""
    return read.once("opinions of the platform", lambda: tuple(_opinions(read)))


def show(found: Sequence[Opinion]) -> None:
    """The card; where nobody was asked, how to ask."""
    with frame.card("opinions", "What people say of the platform", NOTE if found else "Nobody has been asked yet"):
        if found:
            st.html(drawn(found))
        else:
            st.code("dxmetrics survey open recommend\ndxmetrics survey open platform", language="bash")


def drawn(found: Sequence[Opinion]) -> str:
    """Each measure on its own scale, with its 95 % interval."""
    lines = [(one, Row(_words(one), one.cell, _note(one), _change(one))) for one in found]
    reasons = rows.reasons(one.cell for one in found)
    return (
        "".join(rows.drawn([row], _unit(one), rows.scale_of(one.measure), is_wide=True) for one, row in lines) + reasons
    )


def _opinions(read: Reading) -> list[Opinion]:
    surveys = view.results(read)
    found = []
    for name in ASKED:
        wave = next((one for one in surveys.all() if any(measure.id == name for measure in one.measures)), None)
        if wave is not None:
            seen = View.of(surveys, wave.survey, wave.wave)
            measure = next(one for one in wave.measures if one.id == name)
            cell = seen.cell(measure)
            if cell is not None:
                found.append(Opinion(seen, measure, cell))
    return found


def _words(one: Opinion) -> str:
    said = one.view.said(one.measure.text)
    return RECOMMEND if one.measure.kind == "recommend" else said


def _note(one: Opinion) -> str:
    known = f", n {one.cell.n}" if one.cell.n else ""
    meant = {"likert": "share who say so, ", "recommend": "from −100 to 100, "}.get(one.measure.kind, "of 100, ")
    return f"{meant}{one.view.now.wave}{known}"


def _change(one: Opinion) -> str:
    return rows.change(one.view, one.cell, one.measure, is_short=True)


def _unit(one: Opinion) -> str:
    return "%" if one.measure.kind == "likert" else ""
