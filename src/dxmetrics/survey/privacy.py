"""Which cells of a survey's results may be shown, so that nothing about fewer than k people follows from them.

One measure is looked at at a time: its respondents, the team tree and the bands of tenure. What a reader can find out
by adding and subtracting shown cells is described by regions. A region is what is left of a shown cell when the largest
shown cells inside are taken away: the hidden remainder, of which sum and size follow. Whatever else follows within one
tree is a sum of whole regions. So a tree is safe when no region holds 1 to k - 1 respondents; where one does, the
smallest shown cell inside is hidden too and its respondents join the region (complementary suppression).

Teams and tenure cut the same people twice. What follows from both together is known too: take regions of the one and of
the other as two rows of nodes, and join two by an edge with as many respondents as they share. Adding regions with
weights cancels on all edges but those of a cut; so a group smaller than k follows if, and only if, some part of this
graph can be cut off at a weight between 1 and k - 1. There are few bands: every way to put them on two sides is tried,
and each team's region goes to the side that cuts less. While a cut is too small, the smallest band is hidden.

Unanimity tells an answer without any arithmetic, whatever the size. A cell, or a region that follows, whose fewer than
ten respondents all answered alike is therefore treated as one that is too small. Both cuts together tell more: that 8
of 13 like it in a team and 5 of 13 in a band, ten of them in both, leaves no choice for the three and three others.
Somebody could have answered otherwise only where somebody else makes up for it in every sum: along a circle in the
graph, from team to band where an answer could be higher and back where one could be lower. So answers on edges between
its strongly connected parts are certain, and only regions of one mind may be; what is left is cut part by part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.sparse.csgraph import connected_components

MOST_BANDS = 12  # cuts double with each; the smallest of more are hidden
UNANIMOUS = 10  # respondents from which it may be shown that all of them answered alike
ALL = ""  # the key of the whole organisation


@dataclass(frozen=True)
class Answer:
    """One respondent's place and answer to one measure."""

    team: str | None  # None: unknown
    tenure: str | None
    said: float  # what it adds to the shown value


@dataclass(frozen=True)
class Shown:
    """The keys of the cells that may be shown. `whole`: the organisation's own cell."""

    whole: bool = False
    teams: frozenset[str] = frozenset()
    tenures: frozenset[str] = frozenset()

    def both(self, other: Shown) -> Shown:
        """The cells that may be shown for either."""
        return Shown(self.whole and other.whole, self.teams & other.teams, self.tenures & other.tenures)


@dataclass
class _Cell:
    """A node of a tree: its own respondents, those below, and whether it is shown."""

    key: str
    members: frozenset[int]  # all respondents in it and below
    children: list[_Cell] = field(default_factory=list)
    is_shown: bool = True


def shown(
    answers: Sequence[Answer],
    parents: Mapping[str, str | None],
    k: int,
    *,
    least: float = 0.0,
    most: float = 1.0,
    with_teams: bool = True,
    with_tenures: bool = True,
) -> Shown:
    """The cells of one measure that may be shown, to which one answer adds `least` to `most`.

    `parents` is the team tree: every team and the team above it. A respondent of an unknown team counts for the
    organisation only. Nothing is shown, not even the whole, where fewer than k answered.
    """
    everyone = frozenset(range(len(answers)))
    teams = _tree(answers, parents) if with_teams else _Cell(ALL, everyone)
    tenures = _bands(answers) if with_tenures else _Cell(ALL, everyone)
    rule = _Rule(answers, k, least, most)
    for root in (teams, tenures):
        _suppress(root, rule)
    if not (teams.is_shown and tenures.is_shown):
        return Shown()
    while (weak := _crossing(teams, tenures, rule)) is not None:
        weak.is_shown = False
        _suppress(tenures, rule)
    return Shown(True, _keys(teams), _keys(tenures))


def countable(counts: Mapping[str | None, int], parents: Mapping[str, str | None], k: int) -> Shown:
    """The teams of which it may be told how many they are, so that no group of fewer than k is counted by subtraction.

    `counts` has the people of each team, None: of no team. No answer is at stake, so each is a number of its own.
    """
    people = [team for team, count in counts.items() for _ in range(count)]
    answers = [Answer(team, None, number) for number, team in enumerate(people)]
    return shown(answers, parents, k, least=-1.0, most=float(len(people)), with_tenures=False)


@dataclass(frozen=True)
class _Rule:
    answers: Sequence[Answer]
    k: int
    least: float
    most: float

    def are_of_one_mind(self, group: frozenset[int]) -> bool:
        """Whether all of them answered alike."""
        return len({self.answers[one].said for one in group}) == 1

    def allows(self, group: frozenset[int]) -> bool:
        """Whether it may follow how these respondents answered."""
        if not group:
            return True
        if len(group) < self.k:
            return False
        return len(group) >= UNANIMOUS or not self.are_of_one_mind(group)


def _tree(answers: Sequence[Answer], parents: Mapping[str, str | None]) -> _Cell:
    """The organisation with its teams below. Teams that stand in a circle are taken to stand at the top."""
    direct: dict[str, set[int]] = {}
    for number, answer in enumerate(answers):
        direct.setdefault(answer.team if answer.team and answer.team in parents else ALL, set()).add(number)
    below: dict[str, list[str]] = {}
    for team in sorted(parents):
        below.setdefault(_above(team, parents), []).append(team)

    def cell(key: str) -> _Cell:
        children = [cell(team) for team in below.get(key, ())]
        members = frozenset(direct.get(key, ())).union(*(child.members for child in children))
        return _Cell(key, members, children)

    return cell(ALL)


def _above(team: str, parents: Mapping[str, str | None]) -> str:
    """The team above, the organisation for one at the top or in a circle."""
    seen, above = {team}, parents[team]
    first = above
    while above is not None and above in parents:
        if above in seen:
            return ALL
        seen.add(above)
        above = parents[above]
    return first if first is not None and first in parents else ALL


def _bands(answers: Sequence[Answer]) -> _Cell:
    by_band: dict[str, set[int]] = {}
    for number, answer in enumerate(answers):
        if answer.tenure is not None:
            by_band.setdefault(answer.tenure, set()).add(number)
    bands = [_Cell(key, frozenset(members)) for key, members in sorted(by_band.items())]
    return _Cell(ALL, frozenset(range(len(answers))), bands)


def _suppress(root: _Cell, rule: _Rule) -> None:
    """Hide cells of a tree until no region tells too much, the smallest first."""
    for each in _cells(root):
        each.is_shown = each.is_shown and bool(each.members) and rule.allows(each.members)
    while (cell := _telling(root, rule)) is not None:
        inside = _largest_inside(cell)
        smallest = min(inside, key=lambda one: (len(one.members), one.key), default=cell)
        smallest.is_shown = False


def _telling(root: _Cell, rule: _Rule) -> _Cell | None:
    """A shown cell whose region tells too much, None where none does."""
    return next((one for one in _cells(root) if one.is_shown and not rule.allows(_region(one))), None)


def _cells(root: _Cell) -> Sequence[_Cell]:
    return [root, *(cell for child in root.children for cell in _cells(child))]


def _largest_inside(cell: _Cell) -> list[_Cell]:
    """The shown cells below that lie in no other shown cell below."""
    return [one for child in cell.children for one in ([child] if child.is_shown else _largest_inside(child))]


def _region(cell: _Cell) -> frozenset[int]:
    """Who is left of a cell without the largest shown cells inside."""
    return cell.members.difference(*(one.members for one in _largest_inside(cell)))


def _keys(root: _Cell) -> frozenset[str]:
    return frozenset(cell.key for cell in _cells(root) if cell.is_shown and cell is not root)


def _crossing(teams: _Cell, tenures: _Cell, rule: _Rule) -> _Cell | None:
    """The band to hide because something follows from teams and tenure together; None where nothing does."""
    bands = [cell for cell in tenures.children if cell.is_shown]
    if not bands:
        return None
    smallest = min(bands, key=lambda one: (len(one.members), one.key))
    rows, columns = (
        [region for cell in _cells(root) if cell.is_shown and (region := _region(cell))] for root in (teams, tenures)
    )
    if len(columns) > MOST_BANDS:
        return smallest
    crossings = [[row & column for column in columns] for row in rows]
    shared = np.array([[len(both) for both in line] for line in crossings])
    apart = _apart(crossings, rule)
    may_be_certain = np.array([rule.are_of_one_mind(row) for row in rows])[:, None] | np.array(
        [rule.are_of_one_mind(column) for column in columns]
    )
    if bool((apart & (shared > 0) & ~may_be_certain).any()):
        return smallest
    return smallest if _cuts_off_few(np.where(apart, 0, shared), rule.k) else None


def _apart(crossings: Sequence[Sequence[frozenset[int]]], rule: _Rule) -> npt.NDArray[np.bool_]:
    """For each region of a team and of a band whether they are in different parts: their common answers are certain."""
    said = [[[rule.answers[one].said for one in both] for both in line] for line in crossings]
    higher = np.array([[any(one < rule.most for one in both) for both in line] for line in said])
    lower = np.array([[any(one > rule.least for one in both) for both in line] for line in said])
    rows, columns = higher.shape
    moves = np.block([[np.zeros((rows, rows)), higher], [lower.T, np.zeros((columns, columns))]])
    _, part = connected_components(moves, directed=True, connection="strong")
    apart: npt.NDArray[np.bool_] = part[:rows, None] != part[None, rows:]
    return apart


def _cuts_off_few(shared: npt.NDArray[np.int_], k: int) -> bool:
    """Whether some part can be cut off by leaving out fewer than k respondents."""
    sides = (np.arange(2 ** (shared.shape[1] - 1))[:, None] >> np.arange(shared.shape[1])) & 1
    one_side, total = shared @ sides.T, shared.sum(axis=1)
    cuts = np.concatenate([total, np.minimum(one_side, total[:, None] - one_side).sum(axis=0)])
    return bool(((cuts > 0) & (cuts < k)).any())
