"""What follows from the numbers that are shown: exact linear algebra and, for bounds, linear programming.

The adversary is given more than anybody has: who belongs to which shown cell and answered, and the exact sum over each
cell, unrounded. What it cannot find out then, nobody finds out from less.

People whom no shown cell tells apart form an atom. A weighted sum over people follows from the shown sums exactly when
its weights are in the row space of the matrix of cells by atoms; how many people it is about is the weight of its
support. Vectors of minimal support suffice: every other one is a sum of some of them that nowhere cancels.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd

import numpy
from scipy.optimize import linprog

Row = tuple[int, ...]
STEPS = 8  # no scale here has more steps from least to most
EVIDENT = 10  # people from which on "all of them said the same" may be known


@dataclass(frozen=True)
class Known:
    """A weighted sum over people that follows from what is shown: its weights, none of them zero."""

    weights: Mapping[int, int]

    @property
    def people(self) -> frozenset[int]:
        """Whom it is about."""
        return frozenset(self.weights)

    def tells_each_answer(self, scores: Mapping[int, Fraction], lowest: Fraction, highest: Fraction) -> bool:
        """Whether the sum is the most or the least it can be, so that everybody's answer follows."""
        turned = {
            scores[person] if weight > 0 else lowest + highest - scores[person]
            for person, weight in self.weights.items()
        }
        return turned in ({lowest}, {highest})


def known(cells: Iterable[Collection[int]], below: int) -> Iterator[Known]:
    """Every sum of minimal support that follows from sums over `cells` and is about fewer than `below` people."""
    atoms, rows = _atoms(cells)
    sizes = [len(atom) for atom in atoms]
    large = [column for column, size in enumerate(sizes) if size >= below]
    basis = _without(_reduced(rows, large), large)
    for vector in _minimal(basis, sizes, below):
        yield Known({person: weight for atom, weight in zip(atoms, vector, strict=True) if weight for person in atom})


def smallest_known(cells: Iterable[Collection[int]], below: int) -> frozenset[int] | None:
    """The smallest group of fewer than `below` people about whom a sum follows from `cells`; None: there is none."""
    return min((one.people for one in known(cells, below)), key=len, default=None)


def unanimous(
    cells: Iterable[Collection[int]],
    scores: Mapping[int, Fraction],
    lowest: Fraction,
    highest: Fraction,
    evident: frozenset[int] = frozenset(),
) -> frozenset[int] | None:
    """Fewer than ten people each of whose answers follows, as one sum over them is as large or small as can be.

    Groups of nobody but `evident` people, whose answers anybody may know, do not count.
    """
    for one in known(cells, EVIDENT):
        if not one.people <= evident and one.tells_each_answer(scores, lowest, highest):
            return one.people
    return None


@dataclass(frozen=True)
class Certain:
    """People whose answer follows, because no other answers than theirs make all shown sums."""

    highest: frozenset[int]
    lowest: frozenset[int]

    @property
    def people(self) -> frozenset[int]:
        """Both."""
        return self.highest | self.lowest


def certain(
    cells: Iterable[Collection[int]], scores: Mapping[int, Fraction], lowest: Fraction, highest: Fraction
) -> Certain:
    """Whose answers follow from the sums and from the bounds of the scale together.

    Feasible answers form a polytope; who is at a bound in all of it is certain. One linear program finds a point of it
    that is away from every bound it can be away from, by a share so small that all can be so at once. Cells of a tree
    and of a partition make a totally unimodular matrix, so whole people tell no more than fractions do.
    """
    cells = [frozenset(cell) for cell in cells]
    atoms, rows = _atoms(cells)
    if not atoms:
        return Certain(frozenset(), frozenset())
    count, sizes = len(atoms), numpy.array([len(atom) for atom in atoms], dtype=float)
    share = {person: float((score - lowest) / (highest - lowest)) for person, score in scores.items()}
    totals = [sum(share[person] for person in cell) for cell in cells]
    away = 1 / (2 * count * STEPS)
    one, none = numpy.eye(count), numpy.zeros((count, count))
    found = linprog(
        numpy.concatenate([numpy.zeros(count), -numpy.ones(2 * count)]),
        A_ub=numpy.block([[-one, one, none], [one, none, one]]),
        b_ub=numpy.concatenate([numpy.zeros(count), sizes]),
        A_eq=numpy.hstack([numpy.array(rows, dtype=float), numpy.zeros((len(rows), 2 * count))]),
        b_eq=totals,
        bounds=[*((0.0, size) for size in sizes), *[(0.0, away)] * (2 * count)],
        method="highs",
    )
    assert found.status == 0, found.message
    assert found.x is not None
    above, below = found.x[count : 2 * count], found.x[2 * count :]
    return Certain(
        frozenset().union(*(atom for atom, room in zip(atoms, below, strict=True) if room < away / 2)),
        frozenset().union(*(atom for atom, room in zip(atoms, above, strict=True) if room < away / 2)),
    )


def _atoms(cells: Iterable[Collection[int]]) -> tuple[list[frozenset[int]], list[Row]]:
    """Who is told apart by no cell, and for each cell of which atoms it consists."""
    cells = [frozenset(cell) for cell in cells]
    by_signature: dict[Row, set[int]] = defaultdict(set)
    for person in frozenset[int]().union(*cells):
        by_signature[tuple(int(person in cell) for cell in cells)].add(person)
    signatures = sorted(by_signature)
    rows = [tuple(signature[number] for signature in signatures) for number in range(len(cells))]
    return [frozenset(by_signature[signature]) for signature in signatures], rows


def _minimal(basis: Sequence[Row], sizes: Sequence[int], below: int) -> Iterator[Row]:
    """The vectors of minimal support among all combinations of `basis`, with a support that weighs less than `below`.

    Column by column: either it is zero, which takes one dimension away, or it may be part of the support, which takes
    of what the support may weigh.
    """
    seen: set[Row] = set()
    waiting: list[tuple[Sequence[Row], int, int]] = [(basis, 0, below - 1)]
    while waiting:
        rows, column, budget = waiting.pop()
        if not rows:
            continue
        if len(rows) == 1:
            (vector,) = rows
            if vector not in seen and sum(size for size, weight in zip(sizes, vector, strict=True) if weight) < below:
                seen.add(vector)
                yield vector
            continue
        while column < len(sizes) and not any(row[column] for row in rows):
            column += 1
        if column == len(sizes):
            continue
        waiting.append((_without(_reduced(rows, [column]), [column]), column + 1, budget))
        if sizes[column] <= budget:
            waiting.append((rows, column + 1, budget - sizes[column]))


def _without(reduced: Sequence[Row], columns: Sequence[int]) -> list[Row]:
    """Of rows that were reduced over `columns`: those that are zero there, which span all that is."""
    return [row for row in reduced if not any(row[column] for column in columns)]


def _reduced(rows: Sequence[Row], columns: Sequence[int]) -> list[Row]:
    """A basis of the same row space, in echelon form over `columns` first, then over the others; whole numbers."""
    left = [row for row in rows if any(row)]
    done: list[Row] = []
    width = len(rows[0]) if rows else 0
    first = set(columns)
    for column in [*columns, *(one for one in range(width) if one not in first)]:
        pivot = min((row for row in left if row[column]), key=lambda row: abs(row[column]), default=None)
        if pivot is None:
            continue
        left.remove(pivot)
        left = [row for row in (_eliminated(row, pivot, column) for row in left) if any(row)]
        done = [_eliminated(row, pivot, column) for row in done]
        done.append(_plain(pivot))
    return done


def _eliminated(row: Row, pivot: Row, column: int) -> Row:
    if not row[column]:
        return row
    ours, theirs = row[column], pivot[column]
    return _plain(tuple(theirs * a - ours * b for a, b in zip(row, pivot, strict=True)))


def _plain(row: Row) -> Row:
    """The same direction in the smallest whole numbers, the first of them positive."""
    divisor = gcd(*row)
    if not divisor:
        return row
    first = next(value for value in row if value)
    divisor = -divisor if first < 0 else divisor
    return tuple(value // divisor for value in row)
