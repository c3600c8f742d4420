"""What is shown of a made-up organisation, and what the adversary needs beside it: whom each number is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from dxmetrics.survey import Facts, Results, TeamNode, compute
from dxmetrics.survey.answers import Comment, Response
from dxmetrics.survey.instrument import Instrument
from tests.survey.attacks import adversary
from tests.survey.attacks.adversary import EVIDENT, Certain
from tests.survey.attacks.line import instrument
from tests.survey.attacks.organisation import Organisation, bounds

DAY = date(2026, 1, 5)
INDEX = "devex"


def results(
    organisation: Organisation,
    survey: Instrument | None = None,
    comments: Sequence[Comment] = (),
    invited: Mapping[str | None, int] | None = None,
) -> Results:
    """The results of a wave in which everybody of the organisation answered."""
    nodes = [TeamNode(name=name, parent=parent) for name, parent in organisation.parents.items()]
    known = set(organisation.parents)
    facts = Facts("2026-Q1", DAY, DAY, nodes, lambda team: team if team in known else None, invited)
    responses = [Response(DAY, one.team, one.tenure, dict(one.answers)) for one in organisation.people]
    return compute(survey or instrument(), facts, responses, comments)


def about(measure: str, k: int) -> Instrument:
    """The survey with nothing but what one measure needs."""
    whole = instrument(k)
    if measure == INDEX:
        return whole.model_copy(update={"items": whole.items[:2]})
    item = whole.item(measure.partition(".")[0])
    return whole.model_copy(update={"items": (item.model_copy(update={"index": None}),), "indices": ()})


@dataclass(frozen=True)
class Attack:
    """What is shown of one measure, and the truth behind it."""

    cells: Mapping[tuple[str, str], frozenset[int]]
    scores: Mapping[int, Fraction]
    lowest: Fraction
    highest: Fraction

    @classmethod
    def on(cls, organisation: Organisation, measure: str, k: int = 5) -> Attack:
        """On a survey that asks for nothing but this measure."""
        return cls.of(organisation, results(organisation, about(measure, k)), measure)

    @classmethod
    def of(cls, organisation: Organisation, found: Results, measure: str) -> Attack:
        """On one measure of results."""
        shown = [(cell.cut, cell.key) for cell in found.cells if cell.measure == measure and cell.shown]
        cells: dict[tuple[str, str], frozenset[int]]
        cells = {(cut, key): organisation.cell(measure, cut, key) for cut, key in shown}
        return cls(cells, organisation.scores(measure), *bounds(measure))

    @property
    def sets(self) -> Sequence[frozenset[int]]:
        """Whose sum each shown cell tells."""
        return list(self.cells.values())

    @property
    def evident(self) -> frozenset[int]:
        """Who is in ten or more of one mind that are a shown cell, or what is left of one beside those inside it."""
        found: set[int] = set()
        for cut in ("team", "tenure"):
            family = [cell for (which, _), cell in self.cells.items() if which in ("all", cut)]
            for cell in family:
                rest = cell.difference(*(inside for inside in family if inside < cell))
                if len(rest) >= EVIDENT and len({self.scores[one] for one in rest}) == 1:
                    found |= rest
        return frozenset(found)

    def smallest_known(self, k: int) -> frozenset[int] | None:
        """Fewer than k people about whom a sum follows."""
        return adversary.smallest_known(self.sets, k)

    def unanimous(self) -> frozenset[int] | None:
        """Fewer than ten people each of whose answers follows from one sum, though it is not evident."""
        return adversary.unanimous(self.sets, self.scores, self.lowest, self.highest, self.evident)

    def certain(self) -> Certain:
        """Whose answers follow from all sums and the bounds of the scale."""
        return adversary.certain(self.sets, self.scores, self.lowest, self.highest)
